# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the programs beside PowerShell print: hostname, whoami, chcp, iisreset?"""

from __future__ import annotations

from collections.abc import Callable

from fake_exchange.organisation import services
from fake_exchange.winrs.process import Machine

Program = Callable[[Machine, list[str]], tuple[list[str], int]]


def _hostname(machine: Machine, words: list[str]) -> tuple[list[str], int]:
    return [machine.name], 0


def _whoami(machine: Machine, words: list[str]) -> tuple[list[str], int]:
    return [machine.user.lower()], 0


def _chcp(machine: Machine, words: list[str]) -> tuple[list[str], int]:
    return [f"Active code page: {words[0] if words else 437}"], 0


def _iisreset(machine: Machine, words: list[str]) -> tuple[list[str], int]:
    """Restart the web services; /status only shows."""
    options = {word.lstrip("/-").casefold() for word in words}
    if "status" in options:
        state = machine.server.services["W3SVC"].Status
        return [f'Status for World Wide Web Publishing Service ( W3SVC ) : "{state}"'], 0
    lines = ["", "Attempting stop...", "Internet services successfully stopped"]
    try:
        if "start" not in options:
            services.stop(machine.organisation, machine.server, "W3SVC")
        if "stop" in options:
            return lines, 0
        services.start(machine.organisation, machine.server, "W3SVC")
    except services.ServiceRefused:
        return [
            *lines,
            "Attempting start...",
            "Restart attempt failed.",
            "The IIS Admin Service or the World Wide Web Publishing Service, or a service "
            "dependent on them failed to start.  The service, or dependent services, may had an "
            "error during its startup or may be disabled.",
        ], 1
    return [*lines, "Attempting start...", "Internet services successfully restarted"], 0


NATIVE_PROGRAMS: dict[str, Program] = {
    "hostname": _hostname,
    "whoami": _whoami,
    "chcp.com": _chcp,
    "chcp": _chcp,
    "iisreset": _iisreset,
}
