# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who shows a folder to the world? A web server of the standard library on loopback."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from support.loopback_server import LoopbackServer


class WebDirectory(LoopbackServer):
    """Shows a folder on a port. Use as a context manager."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(partial(SimpleHTTPRequestHandler, directory=str(folder)), port)
