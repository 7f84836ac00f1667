# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that the modules state about themselves, described once.

A module extends the fragments that hold for it and, under C(attributes), states its C(support) where the fragment
leaves it open: C(okd.registry._attributes) describes, C(.registry_group), C(.node) and C(.info) also state.
"""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments C(okd.registry._attributes[.<name>]); one class attribute each, in capitals."""

    # Every module. It adds support (and details) for the three itself.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change, without changing it.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second run changes nothing.
      - This assumes that the system has not been changed by others between the two runs.
"""

    # Modules that talk to the cluster's API; the list in meta/runtime.yml is compared with this one by a test.
    REGISTRY_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/okd.registry.registry) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - okd.registry.registry
"""

    # Modules that run on the nodes.
    NODE = r"""
options: {}
attributes:
  platform:
    description: Systems that the module can run on.
    support: full
    platforms: posix
    details:
      - Needs Python 3.6 or newer on the node and nothing beyond its standard library.
"""

    # Modules that only read (C(*_info)).
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
  idempotent:
    support: full
    details:
      - This module only reads.
"""
