# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the writer of image streams: ``python3 -m standins.imagestreams --kubeconfig FILE --bind ADDRESS``."""

from __future__ import annotations

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standins.daemon import log, notify_ready, now, stamp
from standins.imagestreams.model import Push, pushes, status
from standins.kubeapi import ApiError, Client, KubeconfigError, read_kubeconfig

STREAMS = "/apis/image.openshift.io/v1/namespaces/{}/imagestreams"
REGISTRY = "/api/v1/namespaces/default/services/docker-registry"
CONFLICTS = 5


class Writer:
    """Writes what was pushed into the API."""

    def __init__(self, client: Client) -> None:
        """Nothing is kept here: each push is read against the stream as it is."""
        self._client = client

    def take(self, push: Push) -> None:
        """Write one push. Raises ApiError; then the registry sends it again."""
        service = self._client.find(REGISTRY)
        if service is None:
            return  # a registry by another name is none of the cluster's own
        registry = f"{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}"
        for remaining in range(CONFLICTS - 1, -1, -1):
            try:
                self._write(push, registry)
            except ApiError as error:  # noqa: PERF203 - that is what the loop is for
                if error.status != 409 or not remaining:
                    raise
            else:
                return

    def _write(self, push: Push, registry: str) -> None:
        collection = STREAMS.format(push.namespace)
        path = f"{collection}/{push.name}"
        live = self._client.find(path) or self._client.create(
            collection,
            {
                "apiVersion": "image.openshift.io/v1",
                "kind": "ImageStream",
                "metadata": {"name": push.name, "namespace": push.namespace},
                "spec": {"lookupPolicy": {"local": False}},
            },
        )
        wanted = status(live.get("status"), push, registry, stamp(now()))
        if wanted != live.get("status"):
            seen = {"resourceVersion": live["metadata"]["resourceVersion"]}
            self._client.patch(f"{path}/status", {"metadata": seen, "status": wanted})


def handler(writer: Writer) -> type[BaseHTTPRequestHandler]:
    """The HTTP handler to which registries send their notifications."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = 200
            try:
                for push in pushes(json.loads(body)):
                    writer.take(push)
            except (ValueError, AttributeError) as error:
                log(f"no notification: {error}")
                answer = 400
            except ApiError as error:
                log(str(error))
                # A project that is not there any more, or a name that no stream can have, is not worth another try.
                answer = 200 if error.status in (403, 404, 422) else 500
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Handler


def main() -> int:
    """Run until killed; returns 1 where the kubeconfig cannot be used."""
    parser = argparse.ArgumentParser(prog="standins.imagestreams", description="keep image streams by pushes")
    parser.add_argument("--kubeconfig", required=True, help="a kubeconfig in JSON, certificates inside")
    parser.add_argument("--bind", required=True, help="address to listen on")
    parser.add_argument("--port", type=int, default=8083)
    arguments = parser.parse_args()
    try:
        connection = read_kubeconfig(arguments.kubeconfig)
    except KubeconfigError as error:
        log(f"kubeconfig: {error}")
        return 1
    server = ThreadingHTTPServer((arguments.bind, arguments.port), handler(Writer(Client(connection))))
    notify_ready()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
