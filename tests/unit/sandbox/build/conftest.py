# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sandbox's build scripts importable: they are in no package."""

from __future__ import annotations

import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[3] / "sandbox" / "build"

if str(BUILD) not in sys.path:
    sys.path.append(str(BUILD))
