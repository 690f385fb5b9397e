# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do tests run cmdlets without a network? A small organisation made in code, and a context
that records output, errors, warnings and prompts; output is read back with psrpcore."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from psrpcore._crypto import PSCryptoProvider
from psrpcore.types import deserialize

from fake_exchange.cmdlets.registry import (
    Choice,
    CmdletContext,
    Command,
    ErrorSpec,
    TerminatingError,
    run_pipeline,
)
from fake_exchange.organisation import accounts, certificates, installation
from fake_exchange.organisation.model import (
    AcceptedDomain,
    Account,
    HybridConfiguration,
    Organisation,
    SendConnector,
    Server,
)

Answer = Callable[[str, str], int]


class NoCipher(PSCryptoProvider):
    """psrpcore wants one even where nothing is encrypted."""

    def decrypt(self, value: str) -> str:
        raise AssertionError("nothing is encrypted here")

    def encrypt(self, value: str) -> str:
        raise AssertionError("nothing is encrypted here")

    def register_key(self, key: bytes) -> None:
        raise AssertionError("nothing is encrypted here")


def read_fragment(text: str) -> Any:
    """One object as a PSRP client sees it."""
    return deserialize(ElementTree.fromstring(text), NoCipher())


def properties_of(item: Any) -> dict[str, Any]:
    """Adapted and extended properties of a read object."""
    found = [*item.PSObject.adapted_properties, *item.PSObject.extended_properties]
    return {p.name: p.get_value(item) for p in found}


@dataclass
class Prompted:
    """A host that answers by a function and remembers the questions."""

    answer: int
    questions: list[tuple[str, str]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    default: int | None = None

    def prompt_for_choice(
        self, caption: str, message: str, choices: Sequence[Choice], default: int
    ) -> int:
        self.questions.append((caption, message))
        self.labels = [choice.label for choice in choices]
        self.default = default
        return self.answer


@dataclass
class Outcome:
    """What one pipeline did."""

    fragments: list[str] = field(default_factory=list)
    errors: list[ErrorSpec] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verbose: list[str] = field(default_factory=list)
    failure: ErrorSpec | None = None

    @property
    def objects(self) -> list[Any]:
        return [read_fragment(text) for text in self.fragments]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [properties_of(item) for item in self.objects]

    @property
    def error(self) -> ErrorSpec:
        assert len(self.errors) == 1, self.errors
        return self.errors[0]

    def succeeded(self) -> Outcome:
        assert not self.errors, self.errors
        assert self.failure is None, self.failure
        return self


@dataclass
class Shell:
    """Runs pipelines on an organisation as one account, from one server."""

    organisation: Organisation
    account: Account
    server: Server
    host: Prompted | None = None

    def run(self, *commands: tuple[str, dict[str, Any]] | str) -> Outcome:
        outcome = Outcome()
        context = CmdletContext(
            self.organisation,
            self.account,
            self.server,
            self.host,
            emit_output=outcome.fragments.append,
            write_error=outcome.errors.append,
            write_warning=outcome.warnings.append,
            write_verbose=outcome.verbose.append,
        )
        pairs = [(c, {}) if isinstance(c, str) else c for c in commands]
        pipeline = [Command(name, list(parameters.items())) for name, parameters in pairs]
        try:
            run_pipeline(context, pipeline)
        except TerminatingError as failure:
            outcome.failure = failure.error
        return outcome


def small_organisation(*server_names: str, domain: str = "contoso.test") -> Organisation:
    """Servers as setup leaves them, one Send connector, an administrator."""
    organisation = Organisation("Contoso", domain)
    auth = certificates.auth_certificate()
    organisation.auth_config.CurrentCertificateThumbprint = (
        auth.certificate.fingerprint(certificates.hashes.SHA1()).hex().upper()
    )
    for name in server_names:
        server = Server(name, f"{name.lower()}.{domain}", "Berlin")
        organisation.servers[name] = server
        installation.equip(organisation, server, auth)
    organisation.accepted_domains.append(AcceptedDomain(domain, Default=True))
    organisation.send_connectors.append(
        SendConnector(
            "Outbound",
            ["smtp:*;1"],
            list(server_names),
            SmartHosts=["relay.test"],
            DNSRoutingEnabled=False,
        )
    )
    organisation.hybrid_configuration = HybridConfiguration()
    organisation.accounts.append(
        Account(
            "admin",
            "CONTOSO",
            "CONTOSO.TEST",
            "not used here",
            permissions=accounts.permissions_of(["Organization Management"]),
        )
    )
    return organisation
