# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which organisations do tests start from? Functions that write an organisation file with its
certificates into a folder: one per usual situation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from . import pki

USER = "ansible"
PASSWORD = "Correct-Horse-7"
DOMAIN = "CONTOSO"
REALM = "CONTOSO.TEST"
DNS_DOMAIN = "contoso.test"
PFX_PASSWORD = "Battery-Staple-9"

MAIL_NAMES = ("mail.contoso.test", "autodiscover.contoso.test")
SUBJECT: tuple[pki.Part, ...] = (
    ("CN", "mail.contoso.test"),
    ("OU", "Messaging"),
    ("O", "Contoso"),
    ("L", "Cologne"),
    ("ST", "NRW"),
    ("C", "DE"),
)
#: What a public certificate usually serves.
SERVICES = ("IIS", "SMTP", "POP", "IMAP")


@dataclass(frozen=True)
class OrganisationFile:
    """A written organisation. `old` is on the servers, `new` is what should replace it."""

    path: Path
    old: pki.Issued
    new: pki.Issued
    root: pki.Authority
    further_old: tuple[pki.Issued, ...] = ()
    document: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def ca_file(self) -> Path:
        """The root that issued everything a client should trust, as PEM."""
        return self.folder / "root.pem"

    @property
    def new_pfx(self) -> Path:
        """`new` as PFX under `PFX_PASSWORD`."""
        return self.folder / "new.pfx"

    @property
    def new_fullchain(self) -> Path:
        return self.folder / "new.fullchain.pem"

    @property
    def new_key(self) -> Path:
        return self.folder / "new.key.pem"

    def rewrite(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Apply `change` to the document and write the file again."""
        change(self.document)
        self.path.write_text(yaml.safe_dump(self.document, sort_keys=False), encoding="utf-8")


def write_organisation(
    folder: Path,
    *,
    old: pki.Issued,
    new: pki.Issued,
    root: pki.Authority,
    further_old: Sequence[pki.Issued] = (),
    servers: int = 2,
    services: Sequence[str] = SERVICES,
    receive_connectors: Sequence[str] = ("Default Frontend",),
    send_connectors: Sequence[str] = ("Outbound to Office 365",),
    hybrid: bool = True,
    mail_access: bool = True,
    behavior: Mapping[str, object] | None = None,
    account: Mapping[str, object] | None = None,
    name_pattern: str = "EX{number:02}",
) -> OrganisationFile:
    """Write `organisation.yml`, the old certificates, `root.pem`, and the new certificate as PFX
    and PEM into `folder`.

    Every server holds the old certificates (the first one enabled for `services`), and the named
    connectors name the first one. `mail_access` starts IMAP and POP.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificates: dict[str, Any] = {}
    held: list[dict[str, Any]] = []
    for number, issued in enumerate((old, *further_old)):
        name = "old" if number == 0 else f"old{number + 1}"
        issued.write_pfx(folder / f"{name}.pfx", PFX_PASSWORD)
        certificates[name] = {
            "pfx": f"{name}.pfx",
            "password": PFX_PASSWORD,
            "friendly_name": f"Public certificate {number + 1}",
            "exportable": True,
        }
        wanted = list(services) if number == 0 else ["SMTP"]
        held.append({"certificate": name, "services": wanted})
    of_old = {"of": "old"}
    document: dict[str, Any] = {
        "organization": {"name": "Contoso", "domain": DNS_DOMAIN},
        "accepted_domains": [{"name": DNS_DOMAIN, "default": True}],
        "accounts": [
            {
                "user": USER,
                "domain": DOMAIN,
                "realm": REALM,
                "password": PASSWORD,
                "role_groups": ["Organization Management"],
                **(account or {}),
            }
        ],
        "behavior": dict(behavior or {}),
        "winrm": {"authority": {"certificate": "root.pem", "key": "root.key.pem"}},
        "certificates": certificates,
        "defaults": {
            "certificates": held,
            "receive_connectors": {
                name: {"TlsCertificateName": of_old} for name in receive_connectors
            },
            "services": {
                name: "Running"
                for name in (
                    "MSExchangeIMAP4",
                    "MSExchangeIMAP4BE",
                    "MSExchangePOP3",
                    "MSExchangePOP3BE",
                )
                if mail_access
            },
        },
        "servers": [
            {"count": servers, "name_pattern": name_pattern, "site": ["Berlin", "Hamburg"]}
        ],
        "send_connectors": [
            {
                "name": name,
                "address_spaces": ["smtp:contoso.mail.onmicrosoft.test;1"],
                "TlsCertificateName": of_old,
                "RequireTLS": True,
                "TlsAuthLevel": "DomainValidation",
                "TlsDomain": "mail.protection.outlook.com",
                "CloudServicesMailEnabled": True,
            }
            for name in send_connectors
        ],
    }
    if hybrid:
        document["hybrid_configuration"] = {"TlsCertificateName": of_old}
    root.write(folder / "root.pem")
    pki.Issued(root.certificate, root.key).write_key(folder / "root.key.pem")
    new.write_pfx(folder / "new.pfx", PFX_PASSWORD)
    new.write_fullchain(folder / "new.fullchain.pem")
    new.write_key(folder / "new.key.pem")
    written = OrganisationFile(
        folder / "organisation.yml", old, new, root, tuple(further_old), document
    )
    written.rewrite(lambda _: None)
    return written


def same_issuer_renewal(folder: Path, **options: Any) -> OrganisationFile:
    """The same authority issued the new certificate for the same subject."""
    root = pki.root()
    authority = root.intermediate()
    old, new = expiring(authority), fresh(authority)
    return write_organisation(folder, old=old, new=new, root=root, **options)


def changed_issuer(folder: Path, **options: Any) -> OrganisationFile:
    """Another intermediate issued the new certificate."""
    root = pki.root()
    old = expiring(root.intermediate(("CN", "YR1"), ("O", "Test PKI"), ("C", "US")))
    new = fresh(root.intermediate(("CN", "YR2"), ("O", "Test PKI"), ("C", "US")))
    return write_organisation(folder, old=old, new=new, root=root, **options)


def wildcard(folder: Path, **options: Any) -> OrganisationFile:
    """Both are for `*.contoso.test`, from different issuers; POP and IMAP are not theirs."""
    root = pki.root()
    names = ("*.contoso.test", "contoso.test")
    subject = (("CN", "*.contoso.test"), ("O", "Contoso"))
    old = expiring(root.intermediate(("CN", "YR1"), ("C", "US")), *subject, dns=names)
    new = fresh(root.intermediate(("CN", "YR2"), ("C", "US")), *subject, dns=names)
    options.setdefault("services", ("IIS", "SMTP"))
    return write_organisation(folder, old=old, new=new, root=root, **options)


def commas_and_quotes(folder: Path, **options: Any) -> OrganisationFile:
    """Issuer and subject hold commas, quotes, plus signs and a multi-valued part."""
    root = pki.root(("CN", 'Root "R1", Test'), ("O", "Sectigo, Ltd."))
    issuer = (("CN", 'Issuing CA "Alpha", Class 2'), ("O", "Sectigo, Ltd."), ("C", "GB"))
    subject = (
        ("CN", "mail.contoso.test"),
        [("OU", "Mail + Web"), ("OU", "Ops")],
        ("O", 'Contoso "Cologne", GmbH; Co. KG'),
        ("ST", "NRW"),
        ("C", "DE"),
    )
    old = expiring(root.intermediate(*issuer), *subject)
    second = (("CN", 'Issuing CA "Beta", Class 2'), *issuer[1:])
    new = fresh(root.intermediate(*second), *subject)
    return write_organisation(folder, old=old, new=new, root=root, **options)


def two_old_certificates(folder: Path, **options: Any) -> OrganisationFile:
    """Two old certificates carry one issuer and subject; the new one has another issuer."""
    root = pki.root()
    authority = root.intermediate(("CN", "YR1"), ("O", "Test PKI"), ("C", "US"))
    old = expiring(authority)
    older = expiring(authority, started_days_ago=170, valid_days=180)
    new = fresh(root.intermediate(("CN", "YR2"), ("O", "Test PKI"), ("C", "US")))
    return write_organisation(folder, old=old, new=new, root=root, further_old=[older], **options)


def expiring(
    authority: pki.Authority,
    *subject: pki.Part,
    dns: Sequence[str] = MAIL_NAMES,
    started_days_ago: float = 80,
    valid_days: float = 90,
) -> pki.Issued:
    """A certificate with a few days left."""
    return authority.issue(
        *(subject or SUBJECT),
        dns=dns,
        not_before=pki.now() - pki.days(started_days_ago),
        valid_days=valid_days,
    )


def fresh(
    authority: pki.Authority, *subject: pki.Part, dns: Sequence[str] = MAIL_NAMES
) -> pki.Issued:
    """A certificate of today for 90 days."""
    return authority.issue(*(subject or SUBJECT), dns=dns, valid_days=90)


#: The usual situations by name.
SCENARIOS: dict[str, Callable[..., OrganisationFile]] = {
    "same_issuer_renewal": same_issuer_renewal,
    "changed_issuer": changed_issuer,
    "wildcard": wildcard,
    "commas_and_quotes": commas_and_quotes,
    "two_old_certificates": two_old_certificates,
}
