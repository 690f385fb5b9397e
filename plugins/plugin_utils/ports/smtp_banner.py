# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does SMTP answer yet? Windows calls transport running some time before it takes connections."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached

_LONGEST_ATTEMPT = 10.0
_PAUSE = 0.5
_LONGEST_BANNER = 4096


@dataclass(frozen=True, kw_only=True)
class SmtpAnswer:
    """The first line that a port sent, and the seconds until it did."""

    host: str
    port: int
    banner: str
    seconds: float


def wait_for_banner(host: str, port: int, *, timeout: float, pause: float = _PAUSE) -> SmtpAnswer:
    """Try until the port greets as SMTP does (220).

    Args:
        timeout: Seconds in all; one attempt is always made.
        pause: Seconds between two attempts.

    Raises:
        StateNotReached: it did not in time; the message has the last thing that was seen.
    """
    began = time.monotonic()
    while True:
        left = timeout - (time.monotonic() - began)
        try:
            banner = _read_banner(host, port, timeout=min(_LONGEST_ATTEMPT, max(left, 1.0)))
            if banner.startswith("220"):
                return SmtpAnswer(
                    host=host,
                    port=port,
                    banner=banner,
                    seconds=round(time.monotonic() - began, 1),
                )
            seen = f"it said '{banner}'" if banner else "it closed the connection without a word"
        except OSError as error:
            seen = error.strerror or str(error) or type(error).__name__
        if time.monotonic() - began + pause >= timeout:
            raise StateNotReached(
                f"SMTP on {host} port {port} did not greet with 220 within {timeout:g} seconds: "
                f"{seen}.",
                details={"host": host, "port": port},
            )
        time.sleep(pause)


def _read_banner(host: str, port: int, *, timeout: float) -> str:
    """The first line that the peer sends, without its line end."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        received = b""
        while b"\n" not in received and len(received) < _LONGEST_BANNER:
            part = connection.recv(1024)
            if not part:
                break
            received += part
        try:
            connection.sendall(b"QUIT\r\n")
        except OSError:
            pass  # politeness only
    return received.split(b"\n")[0].decode("utf-8", "replace").strip()
