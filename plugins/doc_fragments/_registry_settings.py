# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on how a registry is configured. The argument spec is in ``module_utils/_options/settings.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """``okd.registry._registry_settings``."""

    DOCUMENTATION = r"""
options:
  env:
    description:
      - Environment variables of the container, such as C(REGISTRY_*), which override its configuration. Variables that
        are not named stay as they are; a value of V(null) removes one, whoever set it.
      - C(REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY) is set to O(storage.mount_path), unless variables or a mounted
        configuration file choose another directory or another storage driver.
      - Values are kept out of logs. Those of variables that look like credentials are kept out of results too.
    type: dict
"""
