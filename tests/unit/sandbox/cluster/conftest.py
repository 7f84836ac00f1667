# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sandbox's helpers importable: they are no part of the collection."""

from __future__ import annotations

import sys
from pathlib import Path

CLUSTER = Path(__file__).resolve().parents[3] / "sandbox" / "cluster"

for directory in (CLUSTER, CLUSTER / "rootfs" / "node" / "usr" / "local" / "lib" / "sandbox"):
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
