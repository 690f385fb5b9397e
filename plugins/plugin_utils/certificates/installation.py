# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be sent so that a server has a certificate and uses it for some services?

Everything here is pure: what a task asks for and what was read go in; a plan, its sentences and the
state that it leads to come out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    EXCLUSIVE_SERVICES,
    Services,
    check_names_suit,
    explain_surplus,
    missing_services,
    ordered,
    render_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    LoadedCertificate,
)


@dataclass(frozen=True, kw_only=True)
class InstallationSpec:
    """What state: present asks for."""

    server: str
    thumbprint: str
    services: Services
    loaded: LoadedCertificate | None
    friendly_name: str | None
    exportable: bool | None
    require_ssl: bool
    network_service_allowed: bool
    replace_internal_transport: bool

    @property
    def friendly_name_at_import(self) -> str | None:
        """The name that is asked for, else the one that the PFX brings along."""
        return self.friendly_name or (self.loaded.friendly_name if self.loaded else None)


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """What the server has, as far as the task is concerned."""

    certificates: list[ExchangeCertificate]
    certificate: ExchangeCertificate | None
    internal_transport: str | None = None

    def as_diff(self) -> dict[str, Any]:
        """The part of the state that a diff shows."""
        shown: dict[str, Any] = {"certificate": None}
        if self.certificate is not None:
            shown["certificate"] = {
                "thumbprint": self.certificate.thumbprint,
                "subject": self.certificate.subject,
                "friendly_name": self.certificate.friendly_name,
                "exportable": self.certificate.exportable,
                "services": None
                if self.certificate.services is None
                else ordered(self.certificate.services),
            }
        if self.internal_transport is not None:
            shown["internal_transport_certificate"] = self.internal_transport
        return shown


@dataclass(frozen=True, kw_only=True)
class InstallationPlan:
    """What has to be sent to reach the desired state."""

    to_import: LoadedCertificate | None = None
    enable: Services = frozenset()
    # Enable the certificate for nothing, only to let NETWORK SERVICE read its key.
    grant_only: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def changes_something(self) -> bool:
        return self.to_import is not None or self.enable_it

    @property
    def enable_it(self) -> bool:
        return bool(self.enable) or self.grant_only


def check_usable(
    spec: InstallationSpec,
    certificate: ExchangeCertificate | None,
    *,
    now: datetime,
    allow_expired: bool = False,
) -> None:
    """Refuse a thumbprint of which nothing good can come; a file has been checked when it was read.

    Raises:
        InvalidInput: the server lacks it, or holds only a request or an expired certificate.
    """
    if spec.loaded is not None:
        return
    details = {"server": spec.server, "thumbprint": spec.thumbprint}
    if certificate is None:
        raise InvalidInput(
            f"{spec.server} has no certificate {spec.thumbprint} that Exchange can see: give its "
            "PFX or PEM files to install it. If it is in the server's Windows store, its private "
            "key is missing there.",
            details=details,
        )
    if certificate.is_pending_request:
        raise InvalidInput(
            f"{spec.thumbprint} on {spec.server} is a request that waits for its certificate: "
            "import the reply of the authority on that server first.",
            details=details,
        )
    expired = certificate.not_after is not None and certificate.not_after < now
    if spec.services and expired and not allow_expired:
        raise InvalidInput(
            f"The certificate {spec.thumbprint} on {spec.server} expired on "
            f"{certificate.not_after:%Y-%m-%d %H:%M} UTC: get a new one first.",
            details=details,
        )
    if spec.services and certificate.not_before is not None and now < certificate.not_before:
        raise InvalidInput(
            f"The certificate {spec.thumbprint} on {spec.server} is not valid before "
            f"{certificate.not_before:%Y-%m-%d %H:%M} UTC: wait until then.",
            details=details,
        )
    check_names_suit(spec.services, certificate.common_name, list(certificate.dns_names))


def plan_installation(spec: InstallationSpec, before: ServerState) -> InstallationPlan:
    """What has to be sent, and what has to be said."""
    certificate = before.certificate
    if certificate is None:
        return InstallationPlan(
            to_import=spec.loaded,
            enable=spec.services,
            grant_only=spec.network_service_allowed and not spec.services,
        )
    enable = missing_services(spec.services, certificate.services)
    if "IIS" in spec.services and certificate.is_bound_to_back_end_only:
        # Exchange's own certificate keeps IIS through the back end when another takes the front.
        enable |= {"IIS"}
    replacing = spec.replace_internal_transport and "SMTP" in spec.services
    if replacing and before.internal_transport != spec.thumbprint:
        enable |= {"SMTP"}
    return InstallationPlan(enable=enable, warnings=reservations(spec, certificate))


def reservations(spec: InstallationSpec, certificate: ExchangeCertificate) -> list[str]:
    """What differs from the desired state and cannot be changed on a certificate that is there."""
    found = []
    if spec.services and certificate.services is None:
        found.append(unknown_services_sentence(spec))
    surplus = explain_surplus(spec.services, certificate.services) if spec.services else None
    if surplus:
        found.append(f"{spec.server}, {spec.thumbprint}: {surplus}")
    if differs(spec.exportable, certificate.exportable):
        found.append(
            f"The private key of {spec.thumbprint} on {spec.server} is "
            f"{'' if certificate.exportable else 'not '}exportable. Exchange cannot change that "
            "later: remove the certificate and import it again."
        )
    if differs(spec.friendly_name, certificate.friendly_name):
        found.append(
            f"The friendly name of {spec.thumbprint} on {spec.server} is "
            f"'{certificate.friendly_name}'. Exchange sets it at the import only."
        )
    return found


def differs(wanted: object, actual: object) -> bool:
    """Whether both are known and not the same."""
    return wanted is not None and actual is not None and wanted != actual


def planned_sentences(
    spec: InstallationSpec, plan: InstallationPlan, before: ServerState
) -> list[str]:
    """What check mode says."""
    sentences = []
    if plan.to_import is not None:
        sentences.append(f"Import {title(spec)} on {spec.server}.")
    if plan.enable_it:
        sentences.append(enabled_sentence("Enable", spec, plan, before))
    return sentences


def predicted(spec: InstallationSpec, plan: InstallationPlan, before: ServerState) -> ServerState:
    """The state that the plan leads to."""
    certificate = before.certificate
    if plan.to_import is not None:
        certificate = future_certificate(spec, plan.to_import)
    if certificate is not None and certificate.services is not None:
        certificate = replace(certificate, services=certificate.services | plan.enable)
    replaced = spec.replace_internal_transport and "SMTP" in plan.enable
    return ServerState(
        certificates=before.certificates,
        certificate=certificate,
        internal_transport=spec.thumbprint if replaced else before.internal_transport,
    )


def future_certificate(spec: InstallationSpec, loaded: LoadedCertificate) -> ExchangeCertificate:
    """The certificate as the server will show it; what only the server can know is None."""
    return ExchangeCertificate(
        thumbprint=loaded.thumbprint,
        subject=loaded.subject,
        issuer=loaded.issuer,
        dns_names=tuple(loaded.dns_names),
        not_before=loaded.not_before,
        not_after=loaded.not_after,
        services=frozenset(),
        self_signed=loaded.is_self_signed,
        friendly_name=spec.friendly_name_at_import or "",
        exportable=bool(spec.exportable),
        key_type=loaded.key_type,
        key_size=loaded.key_size,
        has_private_key=True,
        serial_number=loaded.facts.serial_number,
        server=spec.server,
    )


def enabled_sentence(
    verb: str, spec: InstallationSpec, plan: InstallationPlan, before: ServerState
) -> str:
    """One sentence about enabling, which also says what moves away from which certificate."""
    if not plan.enable:
        done = "Let" if verb == "Enable" else "Allowed"
        return f"{done} NETWORK SERVICE to read the key of {title(spec)} on {spec.server}."
    moves = [
        f"{service} moves from {holder.thumbprint}"
        for service in ordered(plan.enable & EXCLUSIVE_SERVICES)
        for holder in before.certificates
        if service in (holder.services or ()) and holder.thumbprint != spec.thumbprint
    ]
    note = f" ({', '.join(moves)})" if moves else ""
    return f"{verb} {title(spec)} for {render_services(plan.enable)} on {spec.server}{note}."


def title(spec: InstallationSpec) -> str:
    """How sentences name the certificate."""
    name = None
    if spec.loaded is not None:
        name = spec.loaded.facts.common_name or ", ".join(spec.loaded.dns_names[:1])
    return f"certificate {spec.thumbprint}" + (f" ({name})" if name else "")


def unknown_services_sentence(spec: InstallationSpec) -> str:
    """What it means that Exchange does not report the services."""
    return (
        f"{spec.server} does not report which services {spec.thumbprint} serves, so it is enabled "
        "again at every run. That happens when the Exchange Auth certificate has expired: renew it."
    )
