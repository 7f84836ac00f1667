# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the stand-ins and the helpers of these tests importable: they are programs of the sandbox, in no package."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPENSHIFT = HERE.parents[2] / "sandbox" / "openshift"

for directory in (OPENSHIFT, HERE):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
