# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small programs that stand in for the parts of OpenShift which cannot be had as a Go module.

Python 3.10 or newer and nothing but the standard library: they run in a container that has no more.
"""
