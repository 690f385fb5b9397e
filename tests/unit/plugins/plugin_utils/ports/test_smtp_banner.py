# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When does a port count as answering SMTP?"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import StateNotReached
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.smtp_banner import (
    wait_for_banner,
)


@contextmanager
def port_that_says(*greetings: bytes) -> Iterator[tuple[int, list[int]]]:
    """A port that greets each connection with the next text; the count of connections with it."""
    listener = socket.create_server(("127.0.0.1", 0))
    count = [0]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                greeting = greetings[min(count[0], len(greetings) - 1)]
                count[0] += 1
                connection.sendall(greeting)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], count
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def test_the_first_line_is_returned() -> None:
    with port_that_says(b"220 ex01 ready\r\n") as (port, count):
        answer = wait_for_banner("127.0.0.1", port, timeout=10)

    assert answer.banner == "220 ex01 ready"
    assert (answer.host, answer.port) == ("127.0.0.1", port)
    assert count == [1]


def test_it_tries_again_until_the_port_greets() -> None:
    with port_that_says(b"421 starting\r\n", b"", b"220 ready\r\n") as (port, count):
        answer = wait_for_banner("127.0.0.1", port, timeout=30, pause=0)

    assert answer.banner == "220 ready"
    assert count == [3]


@pytest.mark.parametrize(
    ("greeting", "seen"),
    [
        pytest.param(b"421 busy\r\n", "it said '421 busy'", id="not-220"),
        pytest.param(b"", "closed the connection without a word", id="nothing"),
    ],
)
def test_the_last_thing_seen_is_reported(greeting: bytes, seen: str) -> None:
    with (
        port_that_says(greeting) as (port, _count),
        pytest.raises(StateNotReached, match=seen) as error,
    ):
        wait_for_banner("127.0.0.1", port, timeout=0)

    assert error.value.details == {"host": "127.0.0.1", "port": port}


def test_a_closed_port_is_reported() -> None:
    with port_that_says(b"") as (port, _count):
        pass

    with pytest.raises(StateNotReached, match="refused"):
        wait_for_banner("127.0.0.1", port, timeout=0)
