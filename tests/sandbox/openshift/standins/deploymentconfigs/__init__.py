# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for OpenShift's DeploymentConfig controller, deployer controller and deployer pods.

The decisions are pure (plan, rollout, status, objects, model); controller does what they say.
"""
