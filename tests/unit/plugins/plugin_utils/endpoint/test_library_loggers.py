# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The libraries' logs show nothing of what travels, whatever the root logger is set to."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import psrpcore  # noqa: F401 - creates its loggers
import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.library_loggers import (
    cap_library_loggers,
)


@pytest.fixture
def everything() -> Iterator[io.StringIO]:
    """What a root logger at DEBUG writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("name", ["psrpcore._base", "pypsrp.wsman", "winrm.protocol", "urllib3.x"])
def test_debug_records_of_the_libraries_are_not_made(everything: io.StringIO, name: str) -> None:
    logger = logging.getLogger(name)
    cap_library_loggers()
    logger.debug("geheim")
    logger.warning("visible")
    assert everything.getvalue() == "visible\n"


def test_a_lowered_child_logger_does_not_help(everything: io.StringIO) -> None:
    logger = logging.getLogger("psrpcore._base")
    cap_library_loggers()
    logger.setLevel(logging.DEBUG)
    try:
        logger.debug("geheim")
    finally:
        logger.setLevel(logging.INFO)
    assert everything.getvalue() == ""


def test_a_logger_s_own_higher_level_stays() -> None:
    logger = logging.getLogger("pypsrp.test")
    logger.setLevel(logging.ERROR)
    cap_library_loggers()
    assert logger.level == logging.ERROR


def test_other_loggers_are_left_alone() -> None:
    logger = logging.getLogger("something.else")
    cap_library_loggers()
    assert logger.level == logging.NOTSET
    assert not logger.filters


def test_capping_twice_adds_nothing() -> None:
    logger = logging.getLogger("psrpcore._base")
    cap_library_loggers()
    cap_library_loggers()
    assert len(logger.filters) == 1
