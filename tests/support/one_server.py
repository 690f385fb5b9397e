# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What do the tests of the connection dial? A fake organization of one server with several
accounts, and settings that lead the product's client to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
    WindowsEndpointSettings,
)
from support import pki
from support.fake_process import FakeProcess

SERVER = "EX01"
PASSWORD = "Grün & geheim 1"
CONNECTORS = 30


@dataclass(frozen=True)
class OneServer:
    """The running fake and the files around it."""

    directory: Path
    fake: FakeProcess
    new: pki.Issued = field(repr=False)

    @property
    def ca_file(self) -> str:
        return str(self.directory / "root.pem")

    @property
    def ports(self) -> dict[str, int]:
        ports: dict[str, int] = self.fake.server(SERVER)["ports"]
        return ports

    def exchange(self, **changes: Any) -> ExchangeEndpointSettings:
        """NTLM with message encryption over http, unless `changes` say otherwise."""
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.ports["powershell_http"],
            "authentication": "ntlm",
            "user_name": r"CONTOSO\ansible",
            "password": PASSWORD,
            "operation_timeout": 5,
            "read_timeout": 15,
            "connect_timeout": 5,
            "deadline": 60.0,
        }
        return ExchangeEndpointSettings(**settings | changes)

    def exchange_over_tls(self, **changes: Any) -> ExchangeEndpointSettings:
        """Basic over TLS, by a name that the certificate holds."""
        settings: dict[str, Any] = {
            "host": "localhost",
            "port": self.ports["https"],
            "scheme": "https",
            "authentication": "basic",
            "ca_file": self.ca_file,
        }
        return self.exchange(**settings | changes)

    def windows(self, **changes: Any) -> WindowsEndpointSettings:
        """NTLM with message encryption over http, unless `changes` say otherwise."""
        settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.ports["winrm_http"],
            "authentication": "ntlm",
            "user_name": r"CONTOSO\ansible",
            "password": PASSWORD,
            "operation_timeout": 5,
            "read_timeout": 15,
            "deadline": 60.0,
        }
        return WindowsEndpointSettings(**settings | changes)

    def executed(self, cmdlet: str) -> int:
        """How often the cmdlet has really run since the counters were reset."""
        return int(self.fake.get("/counters")["total"]["cmdlets"].get(cmdlet, 0))

    def count(self, name: str) -> int:
        return int(self.fake.get("/counters")["total"][name])

    def fault(self, kind: str, **values: Any) -> None:
        self.fake.post("/faults", kind=kind, **values)

    def behave(self, **switches: Any) -> None:
        self.fake.post("/behavior", **switches)

    def calm(self) -> None:
        """No armed faults, usual behavior, counters at zero."""
        self.fake.post("/faults/clear")
        self.behave(idle_drop_seconds=None, maximum_sessions_per_user=18, cmdlet_seconds=0.0)
        self.fake.post("/counters/reset")


def start_one_server(
    directory: Path,
    *,
    valid_days: float = 90,
    dns: tuple[str, ...] = ("localhost", "mail.contoso.test"),
    ip: tuple[str, ...] = ("127.0.0.1",),
    servers: tuple[str, ...] = (SERVER,),
    kerberos: Mapping[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> OneServer:
    """Write the organization's files and start it; `valid_days` may be negative for an expired
    certificate on the web site."""
    root = pki.root(("CN", "Contoso Root CA"))
    subject = (("CN", "mail.contoso.test"), ("O", "Contoso"))
    old = root.issue(
        *subject,
        dns=dns,
        ip=ip,
        not_before=pki.now() - pki.days(100),
        valid_days=100 + valid_days,
    )
    new = root.issue(*subject, dns=dns, valid_days=365)
    root.write(directory / "root.pem")
    (directory / "root.key").write_bytes(pki.Issued(root.certificate, root.key).key_pem())
    old.write_pfx(directory / "old.pfx", "old")
    organisation: dict[str, Any] = {
        "organization": {"name": "Contoso", "domain": "contoso.test"},
        "behavior": {"list_all_for_missing_identity": False},
        "trusted_roots": ["root.pem"],
        "accepted_domains": [{"name": "contoso.test", "default": True}],
        "accounts": [
            account("ansible", "Organization Management"),
            account("viewer", "View-Only Organization Management"),
            account("nobody"),
        ],
        "winrm": {"authority": {"certificate": "root.pem", "key": "root.key"}},
        "certificates": {"old": {"pfx": "old.pfx", "password": "old", "exportable": True}},
        "defaults": {"certificates": [{"certificate": "old", "services": ["IIS", "SMTP"]}]},
        "servers": [{"name": name} for name in servers],
        "send_connectors": [
            {"name": f"Partner {number:02}", "address_spaces": [f"smtp:p{number}.test;1"]}
            for number in range(CONNECTORS)
        ],
    }
    if kerberos:
        organisation["kerberos"] = dict(kerberos)
    file = directory / "organisation.yml"
    file.write_text(yaml.safe_dump(organisation, sort_keys=False), encoding="utf-8")
    return OneServer(directory, FakeProcess.start(file, environment=environment), new)


def account(user: str, *role_groups: str) -> dict[str, Any]:
    return {
        "user": user,
        "domain": "CONTOSO",
        "password": PASSWORD,
        "role_groups": list(role_groups),
    }
