# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a port present to a peer, and is that what the task expects?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    TlsProbeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.probe_expectations import (
    Expectations,
    check_expectations,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    DEFAULT_PORTS,
    PROTOCOLS,
    TlsProbeResult,
    probe,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload("OpenSSL.SSL", "OpenSSL.crypto", "cryptography.x509")


# What a peer that greets but offers no TLS leaves behind.
_GREETING = ("banner", "capabilities")


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_tls_probe)."""

    REQUIRES_CONNECTION = False
    ARGUMENT_SPEC = {
        "host": {"type": "str"},
        "port": {"type": "int"},
        "protocol": {"type": "str", "choices": list(PROTOCOLS), "default": "smtp"},
        "server_name": {"type": "str"},
        "server": {"type": "str"},
        "ca_path": {"type": "path"},
        "timeout": {"type": "int", "default": 10},
        "ehlo_name": {"type": "str"},
        "expect_thumbprint": {"type": "str"},
        "expect_host_name": {"type": "str"},
        "expect_days_left": {"type": "int"},
        "expect_complete_chain": {"type": "bool", "default": False},
        "expect_trusted": {"type": "bool", "default": False},
        "retries": {"type": "int", "default": 0},
        "delay": {"type": "float", "default": 2},
        "fail_when_unexpected": {"type": "bool", "default": True},
    }

    # Replaced by tests, which know no waiting.
    probe_port = staticmethod(probe)
    sleep = staticmethod(time.sleep)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        where = {
            "host": options["host"] or self.host_address(task_vars),
            "port": options["port"] or DEFAULT_PORTS[options["protocol"]],
            "protocol": options["protocol"],
        }
        ca_file = options["ca_path"] and self.find_file(options["ca_path"], option="ca_path")
        expected = expectations(options)
        for attempt in range(1, options["retries"] + 2):
            if attempt > 1:
                self.sleep(options["delay"])
            presented, greeting, findings = self._examine(where, options, ca_file, expected)
            if not findings:
                break
        result = {
            **where,
            "server": options["server"],
            "as_expected": not findings,
            "findings": findings,
            "attempts": attempt,
            "reachable": presented is not None,
            **greeting,
            **(presented.to_result(self.now()) if presented else {}),
        }
        self.report.facts["probe"] = result
        if findings and options["fail_when_unexpected"]:
            raise TlsProbeFailed(" ".join(findings))
        return {"probe": result}

    def _examine(
        self,
        where: Mapping[str, Any],
        options: Mapping[str, Any],
        ca_file: str | None,
        expected: Expectations,
    ) -> tuple[TlsProbeResult | None, dict[str, object], list[str]]:
        """One try: what was presented, else what was said before TLS; what is not as expected."""
        try:
            presented = self.probe_port(
                where["host"],
                where["port"],
                where["protocol"],
                server_name=options["server_name"],
                ca_file=ca_file,
                timeout=options["timeout"],
                ehlo_name=options["ehlo_name"],
            )
        except TlsProbeFailed as error:
            said = {name: error.details[name] for name in _GREETING if name in error.details}
            return None, said, [error.message]
        return presented, {}, check_expectations(presented, expected, now=self.now())


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse numbers that make no sense.

    Raises:
        InvalidInput: with the option and its value.
    """
    port = options["port"]
    if port is None and options["protocol"] not in DEFAULT_PORTS:
        raise InvalidInput(f"protocol {options['protocol']} has no usual port: give port.")
    if port is not None and not 0 < port < 65536:
        raise InvalidInput(f"port {port} is not a port.")
    if options["timeout"] < 1:
        raise InvalidInput(f"timeout must be at least 1 second, not {options['timeout']}.")
    for name in ("retries", "delay"):
        if options[name] < 0:
            raise InvalidInput(f"{name} must not be negative.")


def expectations(options: Mapping[str, Any]) -> Expectations:
    """What the task expects.

    Raises:
        InvalidInput: the thumbprint is none.
    """
    thumbprint = options["expect_thumbprint"]
    return Expectations(
        thumbprints=(normalize_thumbprint(thumbprint),) if thumbprint else (),
        host_name=options["expect_host_name"],
        days_left=options["expect_days_left"],
        complete_chain=options["expect_complete_chain"],
        trusted=options["expect_trusted"],
    )
