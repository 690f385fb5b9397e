# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the listener for http-01 answer at the address it was given?"""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


SCRIPT = REPOSITORY / "roles" / "acme_renewal" / "files" / "challenge_listener.py"


@contextmanager
def listening(directory: Path, address: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The listener with one answer to show, and its port."""
    shown = directory / "shown"
    challenges = shown / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "a-token").write_text("the answer")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listener = subprocess.Popen([sys.executable, str(SCRIPT), str(shown), address, str(port)])
    try:
        deadline = time.monotonic() + 20
        while not (shown / "listening").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield listener, port
    finally:
        shutil.rmtree(shown)
        assert listener.wait(20) == 0


@pytest.mark.parametrize(
    ("address", "reached"),
    [
        ("", ["127.0.0.1", "::1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("localhost", ["localhost"]),
    ],
)
def test_the_listener_takes_any_kind_of_address(
    tmp_path: Path, address: str, reached: list[str]
) -> None:
    if not socket.has_dualstack_ipv6() and "::1" in reached:
        pytest.skip("This machine has no IPv6.")
    with listening(tmp_path, address) as (_, port):
        for host in reached:
            connection = http.client.HTTPConnection(host, port, timeout=10)
            connection.request("GET", "/.well-known/acme-challenge/a-token")
            assert connection.getresponse().read() == b"the answer"


def test_as_many_as_an_authority_sends_may_ask_at_once(tmp_path: Path) -> None:
    """Every name from several places: connections wait in the queue while nobody takes them."""
    with listening(tmp_path, "127.0.0.1") as (listener, port), ExitStack() as opened:
        listener.send_signal(signal.SIGSTOP)
        try:
            waiting = [
                opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                for _ in range(60)
            ]
        finally:
            listener.send_signal(signal.SIGCONT)
        for connection in waiting:
            connection.sendall(b"GET /.well-known/acme-challenge/a-token HTTP/1.0\r\n\r\n")
        for connection in waiting:
            assert connection.makefile("rb").read().endswith(b"the answer")
