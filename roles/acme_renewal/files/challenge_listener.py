# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows an authority the files of one folder for http-01, and ends when the folder is gone.

Arguments: the folder, the address (empty for all), the port. A file `listening` appears in the
folder when the port is open.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_PATH = "/.well-known/acme-challenge/"


class Handler(SimpleHTTPRequestHandler):
    """Only what an authority looks for, and no listings."""

    extensions_map = {"": "application/octet-stream"}

    def do_GET(self) -> None:
        name = self.path.removeprefix(_PATH)
        if not self.path.startswith(_PATH) or not name or "/" in name or name.startswith("."):
            self.send_error(404)
            return
        super().do_GET()

    do_HEAD = do_GET


class ChallengeServer(ThreadingHTTPServer):
    """An authority asks for every name, from several places, at once.

    With the queue of the base class (5) the sixth of them is reset.
    """

    request_queue_size = 128


class DualStackServer(ChallengeServer):
    """Listens on all addresses, those of IPv4 included."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class Ip6Server(ChallengeServer):
    """Listens on one address of IPv6."""

    address_family = socket.AF_INET6


def open_server(address: str, port: int, handler: Handler | partial) -> ChallengeServer:
    """Listen on an address, or on all of them where it is empty."""
    if address:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        kind = Ip6Server if family == socket.AF_INET6 else ChallengeServer
        return kind((address, port), handler)
    if socket.has_dualstack_ipv6():
        return DualStackServer(("::", port), handler)
    return ChallengeServer(("", port), handler)


def main() -> None:
    """Serve until the folder is removed."""
    folder, address, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    server = open_server(address, port, partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "listening").touch()
    while folder.exists():
        time.sleep(0.2)
    server.shutdown()


if __name__ == "__main__":
    main()
