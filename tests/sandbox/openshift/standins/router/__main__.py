# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the router: ``python3 -m standins.router --kubeconfig FILE --bind ADDRESS``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from standins.daemon import log
from standins.kubeapi import Client, KubeconfigError, read_kubeconfig
from standins.router import haproxy
from standins.router.controller import Router, apply_to_haproxy
from standins.router.render import Settings, render


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="standins.router", description="serve Routes with HAProxy")
    parser.add_argument("--kubeconfig", help="a kubeconfig in JSON, certificates inside")
    parser.add_argument("--bind", required=True, help="address HAProxy listens on")
    parser.add_argument("--domain", default="apps.sandbox.test", help="domain of generated hosts")
    parser.add_argument("--http-port", type=int, default=80)
    parser.add_argument("--https-port", type=int, default=443)
    parser.add_argument("--config", type=Path, default=Path("/var/lib/openshift-router/haproxy.cfg"))
    parser.add_argument(
        "--run-dir",
        type=Path,
        default=Path("/run/openshift-haproxy"),
        help="where HAProxy has its sockets: stats.sock, and master.sock (its -S)",
    )
    parser.add_argument(
        "--initial",
        action="store_true",
        help="only write a configuration without routes where there is none, for HAProxy to start with",
    )
    arguments = parser.parse_args()
    if not arguments.kubeconfig and not arguments.initial:
        parser.error("--kubeconfig is needed")
    return arguments


def main() -> int:
    """Run until killed; returns 1 where the kubeconfig or the first configuration cannot be used."""
    arguments = _arguments()
    settings = Settings(
        bind=arguments.bind,
        domain=arguments.domain,
        stats_socket=str(arguments.run_dir / "stats.sock"),
        http_port=arguments.http_port,
        https_port=arguments.https_port,
        tls_dir=str(arguments.config.parent / "tls"),
    )
    try:
        if arguments.initial:
            if not arguments.config.exists():
                haproxy.write(arguments.config, render([], [], [], settings).config)
            return 0
        connection = read_kubeconfig(arguments.kubeconfig)
    except (KubeconfigError, haproxy.HaproxyError) as error:
        log(str(error))
        return 1
    effect = apply_to_haproxy(arguments.config, arguments.run_dir / "master.sock", Path(settings.tls_dir))
    Router(Client(connection), settings, effect).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
