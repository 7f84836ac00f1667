# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the controller: ``python3 -m standins.deploymentconfigs --kubeconfig FILE``."""

from __future__ import annotations

import argparse
import sys

from standins.daemon import log
from standins.deploymentconfigs.controller import Controller
from standins.kubeapi import Client, KubeconfigError, read_kubeconfig


def main() -> int:
    """Run until killed; returns 1 where the kubeconfig cannot be used."""
    parser = argparse.ArgumentParser(prog="standins.deploymentconfigs", description="roll out DeploymentConfigs")
    parser.add_argument("--kubeconfig", required=True, help="a kubeconfig in JSON, certificates inside")
    arguments = parser.parse_args()
    try:
        connection = read_kubeconfig(arguments.kubeconfig)
    except KubeconfigError as error:
        log(f"kubeconfig: {error}")
        return 1
    Controller(Client(connection)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
