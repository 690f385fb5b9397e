# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the listener for http-01 answer where it was told to?"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


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
    shown = tmp_path / "shown"
    challenges = shown / ".well-known" / "acme-challenge"
    challenges.mkdir(parents=True)
    (challenges / "a-token").write_text("the answer")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = REPOSITORY / "roles" / "acme_renewal" / "files" / "challenge_listener.py"
    listener = subprocess.Popen([sys.executable, str(script), str(shown), address, str(port)])
    try:
        deadline = time.monotonic() + 20
        while not (shown / "listening").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        for host in reached:
            door = http.client.HTTPConnection(host, port, timeout=10)
            door.request("GET", "/.well-known/acme-challenge/a-token")
            assert door.getresponse().read() == b"the answer"
    finally:
        shutil.rmtree(shown)
        assert listener.wait(20) == 0
