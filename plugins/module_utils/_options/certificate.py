# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say where a registry's certificate comes from: its CA, or a certificate made elsewhere."""

from __future__ import annotations

from typing import Any

SPEC: dict[str, Any] = {
    "ca": {
        "type": "dict",
        "options": {
            "cert_path": {"type": "path"},
            "cert_content": {"type": "str"},
            "key_path": {"type": "path", "no_log": False},
            "serial_path": {"type": "path"},
            "passphrase": {"type": "str", "no_log": True},
            "create": {"type": "bool", "default": False},
        },
        "mutually_exclusive": [("cert_path", "cert_content")],
        "required_one_of": [("cert_path", "cert_content")],
    },
    "certificate": {
        "type": "dict",
        "options": {
            "cert_path": {"type": "path"},
            "cert_content": {"type": "str"},
            "key_path": {"type": "path", "no_log": False},
            "key_content": {"type": "str", "no_log": True},
            "chain_path": {"type": "path"},
            "chain_content": {"type": "str"},
            "passphrase": {"type": "str", "no_log": True},
        },
        "mutually_exclusive": [
            ("cert_path", "cert_content"),
            ("key_path", "key_content"),
            ("chain_path", "chain_content"),
        ],
        "required_one_of": [("cert_path", "cert_content"), ("key_path", "key_content")],
    },
}
