# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a typical organization with an expiring certificate look like, and its new certificate?

For the demonstration, molecule and tests: files for the fake, a PFX with the new certificate, and
an inventory as a user would write it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support import pki, role_group

DOMAIN = "contoso.test"
NAMES = ("mail.contoso.test", "autodiscover.contoso.test", "imap.contoso.test", "pop.contoso.test")
SUBJECT = (("CN", NAMES[0]), ("O", "Contoso, Ltd."), ("C", "DE"))
USER = r"CONTOSO\ansible"
ROLE = "Certificate Automation"
SERVICES = ("IIS", "SMTP", "IMAP", "POP")
CLIENT_SERVICES = ("MSExchangeIMAP4", "MSExchangeIMAP4BE", "MSExchangePOP3", "MSExchangePOP3BE")

# Port of the fake -> (protocol of exchange_tls_probe, Exchange service).
MAIL_AND_WEB_PORTS = {
    "smtp": ("smtp", "SMTP"),
    "submission": ("smtp", "SMTP"),
    "https": ("https", "IIS"),
    "imaps": ("imaps", "IMAP"),
    "pop3s": ("pop3s", "POP"),
}

# Port of the fake -> the one that its Receive connector is bound to.
CONNECTOR_PORTS = {"smtp": 25, "submission": 587}


@dataclass(frozen=True)
class ExampleOrganisation:
    """The files in `directory`, and what a playbook has to be given."""

    directory: Path
    old: pki.Issued
    new: pki.Issued
    password: str = field(default="Pl4y with fire!", repr=False)
    pfx_password: str = field(default="s3cret of the PFX", repr=False)

    @property
    def file(self) -> Path:
        return self.directory / "organisation.yml"

    @property
    def pfx(self) -> Path:
        return self.directory / "mail.contoso.test.pfx"

    def variables(self, services: Sequence[str] = SERVICES) -> dict[str, Any]:
        """The role's variables for the new certificate."""
        return {
            "rotate_pfx_path": str(self.pfx),
            "rotate_pfx_password": self.pfx_password,
            "rotate_services": list(services),
            "rotate_record_directory": str(self.directory / "runs"),
        }

    def inventory(self, endpoints: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
        """An inventory (as data) of the running fake: NTLM and message encryption over http."""
        return {
            "exchange": {
                "hosts": {
                    name: host_variables(name, server)
                    for name, server in endpoints["servers"].items()
                },
                "vars": {
                    "ansible_connection": "mailops.exchange.exchange",
                    "ansible_python_interpreter": sys.executable,
                    "ansible_user": USER,
                    "ansible_password": self.password,
                    "ansible_exchange_scheme": "http",
                    "ansible_exchange_auth": "ntlm",
                    "ansible_exchange_winrm_scheme": "http",
                    "ansible_exchange_winrm_auth": "ntlm",
                    **variables,
                },
            }
        }


def host_variables(name: str, server: Mapping[str, Any]) -> dict[str, Any]:
    """Where a server of the fake is reached; a real one needs none of the ports."""
    ports = server["ports"]
    if "powershell_http" not in ports:
        return edge_variables(name, server)
    return {
        "ansible_host": server["address"],
        "ansible_exchange_server": name,
        "ansible_exchange_port": ports["powershell_http"],
        "ansible_exchange_winrm_port": ports["winrm_http"],
        "rotate_ports": [
            {
                "port": ports[port],
                "protocol": protocol,
                "service": service,
                **({"server_port": CONNECTOR_PORTS[port]} if port in CONNECTOR_PORTS else {}),
            }
            for port, (protocol, service) in MAIL_AND_WEB_PORTS.items()
            if port in ports
        ],
    }


def edge_variables(name: str, server: Mapping[str, Any]) -> dict[str, Any]:
    """Where an Edge Transport server of the fake is reached."""
    ports = server["ports"]
    return {
        "ansible_host": server["address"],
        "ansible_exchange_role": "edge",
        "ansible_exchange_server": name,
        "ansible_exchange_winrm_port": ports["winrm_http"],
        "rotate_edge_ports": [
            {"port": ports["smtp"], "server_port": 25, "protocol": "smtp", "service": "SMTP"}
        ],
    }


def authorities() -> tuple[pki.Authority, pki.Authority, pki.Authority]:
    """The root and its two issuing authorities: of the old certificate, and another one."""
    root = pki.root(("CN", "Contoso Root CA"), ("O", "Contoso, Ltd."))
    return (
        root,
        root.intermediate(("CN", "Contoso Issuing CA 1"), ("O", "Contoso, Ltd.")),
        root.intermediate(("CN", "Contoso Issuing CA 2"), ("O", "Contoso, Ltd.")),
    )


def write_example(
    directory: Path,
    servers: Sequence[Mapping[str, Any]],
    *,
    old: pki.Issued | None = None,
    new: pki.Issued | None = None,
    behavior: Mapping[str, Any] | None = None,
    services: Sequence[str] = SERVICES,
    adjust: Callable[[dict[str, Any]], None] = lambda organisation: None,
) -> ExampleOrganisation:
    """Write everything into an existing directory.

    Args:
        servers: Entries of `servers:`; the rest is as setup and the defaults here give it.
        old: The certificate in use, by default one that ends in ten days.
        new: Its successor, by default of the same names from another issuing authority, so that
            every `TlsCertificateName` has to change.
        adjust: Changes the fake's organisation (as data) before it is written.
    """
    root, first, second = authorities()
    old = old or first.issue(
        *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90
    )
    new = new or second.issue(*SUBJECT, dns=NAMES, valid_days=90)
    example = ExampleOrganisation(directory, old, new)
    root.write(directory / "root.pem")
    old.write_pfx(directory / "old.pfx", "old", friendly_name="mail.contoso.test 2026")
    new.write_pfx(
        example.pfx, example.pfx_password, friendly_name="mail.contoso.test 2027", modern=True
    )
    organisation = _organisation(example, servers, behavior=behavior or {}, services=services)
    adjust(organisation)
    example.file.write_text(yaml.safe_dump(organisation, sort_keys=False), encoding="utf-8")
    return example


def _organisation(
    example: ExampleOrganisation,
    servers: Sequence[Mapping[str, Any]],
    *,
    behavior: Mapping[str, Any],
    services: Sequence[str],
) -> dict[str, Any]:
    of_old = {"tls_certificate_name": {"of": "old"}}
    account, domain = USER.split("\\")[1], USER.split("\\")[0]
    return {
        "organization": {"name": "Contoso", "domain": DOMAIN},
        "trusted_roots": ["root.pem"],
        "accepted_domains": [{"name": DOMAIN, "default": True}],
        "accounts": [
            {
                "user": account,
                "domain": domain,
                "password": example.password,
                "roles": [ROLE],
            }
        ],
        # Exactly what docs/role-group gives, so that every test proves that it is enough.
        "roles": {ROLE: role_group.role()},
        "behavior": dict(behavior),
        "certificates": {"old": {"pfx": "old.pfx", "password": "old", "exportable": True}},
        "defaults": {
            "certificates": [{"certificate": "old", "services": list(services)}],
            "receive_connectors": {
                "Default Frontend": of_old,
                # Authenticated clients: no certificate named, Exchange finds it by this name.
                "Client Frontend": {"fqdn": NAMES[0]},
            },
            "services": dict.fromkeys(CLIENT_SERVICES, "Running"),
        },
        "servers": [dict(server) for server in servers],
        "send_connectors": [
            {
                "name": "Outbound to Office 365",
                "address_spaces": ["smtp:contoso.mail.onmicrosoft.com;1"],
                "require_tls": True,
                **of_old,
            },
            {"name": "Internet", "address_spaces": ["smtp:*;1"], "fqdn": NAMES[0]},
        ],
    }


# An Edge server comes first, so that nothing goes by the first server of a play.
EDGE_AND_MAILBOX = (
    {"name": "EDGE01", "site": "Berlin", "role": "Edge", "services": {}},
    {"name": "EX01", "site": "Berlin"},
)
EDGE_CONNECTOR = "Default internal receive connector EDGE01"


def with_edge(organisation: dict[str, Any]) -> None:
    """Adjust an example of EDGE_AND_MAILBOX: the Edge server serves mail with the same certificate,
    is subscribed, and the organization is hybrid."""
    edge, mailbox = organisation["servers"]
    edge["certificates"] = [{"certificate": "old", "services": ["SMTP"]}]
    edge["receive_connectors"] = {EDGE_CONNECTOR: {"tls_certificate_name": {"of": "old"}}}
    defaults = organisation.pop("defaults")
    mailbox.update(
        certificates=defaults["certificates"],
        receive_connectors={
            "Default Frontend EX01": defaults["receive_connectors"]["Default Frontend"],
            "Client Frontend EX01": defaults["receive_connectors"]["Client Frontend"],
        },
        services=defaults["services"],
    )
    organisation["edge_subscriptions"] = ["EDGE01"]
    organisation["hybrid_configuration"] = {"TlsCertificateName": {"of": "old"}}
