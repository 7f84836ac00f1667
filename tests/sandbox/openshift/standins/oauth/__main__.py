# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python3 oauth/ CONFIG: be the OAuth server that a configuration (JSON) describes, until killed."""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from standins.oauth.server import Server
from standins.oauth.tokens import Tokens, User


def main(file: str) -> None:
    """Serve. Each line of the log is flushed, so that tests can count."""
    config = json.loads(Path(file).read_text())
    users = {
        one["name"]: User(one["name"], one["uid"], tuple(one["groups"]), Path(one["password"]).read_text)
        for one in config["users"]
    }
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(config["certificate"], config["key"])
    api = (config["api"]["host"], config["api"]["port"], ssl.create_default_context(cafile=config["api"]["ca"]))
    server = Server((config["bind"], config["port"]), serving, Tokens(users), api, lambda line: print(line, flush=True))
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
