# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Could the Hybrid Configuration Wizard run, and does it have to after a renewal?

Its prerequisites are documented one by one in Microsoft's support articles (KB2879262, KB3058190,
KB2772596, KB2964920, HCW8010, HCW8011). The cloud holds names only: the inbound connector the name
that the certificate must have, the outbound connector the name that it expects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.new_certificate import (
    NewCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    choose,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange_builds import (
    read_version,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    passed,
    warned,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import covers
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

LEFT_ALONE = "left_alone"
OPTION = "Update Secure Mail Certificate for Connectors"
_SERVICE_HOST = "msexchangeservicehost"
_THIRD_PARTY = "thirdparty"


@dataclass(frozen=True, kw_only=True)
class WizardVerdict:
    """Whether the wizard has to run again, or its cloud side be done by hand."""

    required: bool
    recommended: bool
    reasons: tuple[str, ...]
    commands: tuple[str, ...]

    def to_result(self) -> dict[str, object]:
        """The verdict as RETURN documents it."""
        return {
            "required": self.required,
            "recommended": self.recommended,
            "reasons": list(self.reasons),
            "option": OPTION,
            "commands": list(self.commands),
        }


def judge_certificate(
    new: NewCertificate, certificates: Sequence[ExchangeCertificate], server: str
) -> Iterator[Finding]:
    """What the wizard asks of the certificate on a chosen server.

    A server that is to get it by a rotation first has no say in it yet.
    """
    held = find_certificate(list(certificates), new.thumbprint)
    if held is None:
        yield warned(
            "same_certificate",
            f"{server} does not hold the certificate {new.title} yet.",
            "The rotation installs it; the wizard wants it on every chosen server.",
        )
        return
    yield passed("same_certificate", f"{server} holds the certificate {new.title}.")
    kind = (held.root_ca_type or "").casefold()
    if kind and kind != _THIRD_PARTY:
        yield failed(
            "third_party_issuer",
            f"{server} takes the issuer of {new.title} for {held.root_ca_type}, and the wizard "
            "shows only certificates of third-party authorities.",
            "Get one of a public authority, and see that its root is among the third-party roots "
            "of the server's Windows.",
        )
    else:
        yield passed("third_party_issuer", f"{new.title} is of a third-party authority.")
    if held.services is not None and "SMTP" not in held.services:
        yield failed(
            "smtp_enabled",
            f"{new.title} is not enabled for SMTP on {server}: the wizard says that it is not "
            "bound to the SMTP service.",
            "Enable it for SMTP (exchange_certificate with services: [SMTP]).",
        )
    else:
        yield passed("smtp_enabled", f"{new.title} is enabled for SMTP on {server}.")


def judge_store(certificates: Iterable[ExchangeCertificate], server: str) -> Finding:
    """Every certificate of the store needs a subject, also one that nobody uses."""
    nameless = [item.thumbprint for item in certificates if not item.subject.strip()]
    if nameless:
        return failed(
            "subjects",
            f"{', '.join(nameless)} on {server} {'has' if len(nameless) == 1 else 'have'} no "
            'subject, and the wizard fails with "" isn\'t a valid SMTP domain.',
            "Remove it when nothing uses it, or replace it by one with a common name.",
        )
    return passed("subjects", f"Every certificate of {server} has a subject.")


def judge_frontend(count: int, server: str) -> Finding:
    """The wizard looks for one default Receive connector on port 25."""
    if count == 1:
        return passed("receive_connector", f"{server} takes mail on port 25 by one connector.")
    what = "no enabled Receive connector" if count == 0 else f"{count} Receive connectors"
    return failed(
        "receive_connector",
        f"{server} has {what} that take{'s' if count == 0 else ''} mail from everybody on port 25 "
        "(HCW8010).",
        "Enable or create Default Frontend for all addresses and port 25, and no other one.",
    )


def judge_cloud_connectors(names: Sequence[str]) -> Finding:
    """The wizard looks for one Send connector to Exchange Online."""
    if len(names) == 1:
        return passed("send_connector", f"One Send connector leads to Exchange Online: {names[0]}.")
    if not names:
        return warned(
            "send_connector",
            "No Send connector leads to Exchange Online as the wizard leaves it.",
            "The wizard makes one; until then no secure mail leaves for the cloud.",
        )
    return failed(
        "send_connector",
        f"{len(names)} Send connectors lead to Exchange Online (HCW8011): {', '.join(names)}.",
        "Leave one of them; remove the others, or take the cloud's address space from them.",
    )


def judge_left_alone(title: str, why: str) -> Finding:
    """A Send connector to Exchange Online that is no part of this hybrid configuration."""
    return warned(
        LEFT_ALONE,
        f"{title} leads to Exchange Online; the settings of hybrid mail leave it alone, because "
        f"{why}.",
        "If it does carry hybrid mail of this organization, set it with exchange_send_connector.",
    )


def judge_service_host(stopped: Iterable[str], server: str) -> Finding:
    """Without its service host a server shows the wizard no certificate."""
    if _SERVICE_HOST in {name.casefold() for name in stopped}:
        return failed(
            "service_host",
            f"MSExchangeServiceHost does not run on {server}: the wizard says that no valid "
            "certificate exists.",
            "Start it (exchange_service with names: [MSExchangeServiceHost]).",
        )
    return passed("service_host", f"MSExchangeServiceHost runs on {server}.")


def judge_builds(versions: Mapping[str, str]) -> Finding:
    """Servers of several builds make the wizard fail on the older ones.

    It uses parameters that the newest cmdlets have, over a session that may land on any server.

    Args:
        versions: server to AdminDisplayVersion.
    """
    known = {name: read_version(text) for name, text in versions.items()}
    shown = {name: version[:3] for name, version in known.items() if version is not None}
    if len(set(shown.values())) <= 1:
        return passed("builds", "The servers are of one build.")
    newest = max(shown.values())
    older = sorted(name for name, version in shown.items() if version < newest)
    return failed(
        "builds",
        f"{', '.join(older)} {'is' if len(older) == 1 else 'are'} older than "
        f'{".".join(map(str, newest))}: where the wizard lands on one of them, it fails with "A '
        "parameter cannot be found that matches parameter name 'ApplicationIdentifier'\".",
        "Bring them to the same cumulative update, or name a server of the newest build in the "
        "wizard (Specify a server running Exchange).",
    )


def former_names(
    former: TlsCertificateName | None,
    new: NewCertificate,
    certificates: Iterable[ExchangeCertificate],
    *,
    now: datetime,
) -> tuple[str, ...]:
    """Every name of the certificate that the new one follows, as far as the server has it.

    A renewal by the same authority leaves several of one issuer and subject behind. Only the one
    that was presented counts: what an older one had was dropped before.
    """
    others = [item for item in certificates if item.thumbprint != new.thumbprint]
    followed = choose(others, former, now=now) if former is not None else None
    return followed.names if followed is not None else ()


def judge_wizard(
    former: TlsCertificateName | None,
    former_names: Sequence[str],
    new: NewCertificate,
) -> WizardVerdict:
    """Judge whether the wizard must run, after everything on-premises has been set.

    Args:
        former: what the hybrid configuration named before.
        former_names: every name of that certificate, as far as they are known.
        new: the certificate that takes over.
    """
    if former is None:
        return WizardVerdict(
            required=True,
            recommended=True,
            reasons=("No certificate was named for hybrid mail before.",),
            commands=_commands(None, new),
        )
    former_common = common_name(former.subject)
    names = list(dict.fromkeys([*([former_common] if former_common else []), *former_names]))
    lost = [name for name in names if not covers(new.names, name)]
    same_issuer = TlsCertificateName(former.issuer, "CN=x") == TlsCertificateName(
        new.tls_certificate_name.issuer, "CN=x"
    )
    reasons = []
    if former == new.tls_certificate_name:
        reasons.append(
            "Issuer and subject are as before: no connector changes, here or in Exchange Online."
        )
    if not same_issuer:
        reasons.append(
            "The issuer changed. That concerns what is set on-premises; Exchange Online holds "
            "names and no issuer."
        )
    elif former != new.tls_certificate_name:
        reasons.append("The subject changed, which is set on-premises.")
    if lost:
        reasons.append(
            f"The new certificate lacks {', '.join(lost)}. Where TlsSenderCertificateName of the "
            "inbound connector in Exchange Online, or TlsDomain of the outbound one, is one of "
            "these names, mail stops until it is changed."
        )
    else:
        reasons.append(
            "The new certificate has every name of the former one, so TlsSenderCertificateName and "
            "TlsDomain in Exchange Online still fit."
        )
    return WizardVerdict(
        required=bool(lost),
        recommended=former != new.tls_certificate_name or bool(lost),
        reasons=tuple(reasons),
        commands=_commands(lost, new) if lost else (),
    )


def _commands(lost: Sequence[str] | None, new: NewCertificate) -> tuple[str, ...]:
    """For Exchange Online PowerShell, ready to copy."""
    name = new.common_name or next(iter(new.names), "")
    look = (
        "Get-InboundConnector | Format-List Name,TlsSenderCertificateName",
        "Get-OutboundConnector | Format-List Name,TlsDomain",
    )
    changes = tuple(
        command
        for old in lost or ()
        for command in (
            f"Get-InboundConnector | Where-Object {{ $_.TlsSenderCertificateName -eq '{old}' }} | "
            f"Set-InboundConnector -TlsSenderCertificateName '{name}'",
            f"Get-OutboundConnector | Where-Object {{ $_.TlsDomain -eq '{old}' }} | "
            f"Set-OutboundConnector -TlsDomain '{name}'",
        )
    )
    return (*look, *changes)
