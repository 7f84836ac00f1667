# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for OpenShift's router: Routes and endpoints become the configuration of a real HAProxy.

admission (which Route gets its host) and render (the configuration) are pure; pem looks at certificates, controller and
haproxy touch the world.
"""
