# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a unit test's Exchange server hold, and how does it answer the cmdlets of an action?

A few dictionaries instead of the fake: enough that a change is seen by the read that follows, and
every misbehaviour of a real server can be switched on in one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    AnsweredPrompt,
    Prompt,
    PromptPolicy,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import RemoteObject
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    CmdletFailed,
)
from support import pki

CHOICES = ["Yes", "Yes to All", "No", "No to All"]


@dataclass(frozen=True)
class Held:
    """A certificate in the model's store."""

    issued: pki.Issued
    services: frozenset[str] | None = frozenset()
    friendly_name: str = ""
    exportable: bool = False
    status: str = "Valid"
    visible: bool = True

    @property
    def thumbprint(self) -> str:
        return self.issued.thumbprint


@dataclass
class ModelServer:
    """One server and its organization; `name` is the only server that it knows."""

    certificates: list[Held] = field(default_factory=list)
    internal_transport: str = ""
    send_connectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    receive_connectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    auth: dict[str, str] = field(default_factory=dict)
    hybrid: str | None = None
    federation: str = ""
    # Component -> requester -> state.
    component_states: dict[str, dict[str, str]] = field(default_factory=dict)
    name: str = "EX01"
    # Misbehaviour: what to do instead of the cmdlet of this name.
    instead: dict[str, Callable[[], CmdletResult]] = field(default_factory=dict)
    ignores_no: bool = False
    forgets_services: bool = False
    shows_exportable: bool = True
    prompts: list[AnsweredPrompt] = field(default_factory=list)

    def answer(self, cmdlet: Cmdlet, *, answer: PromptPolicy | None = None) -> CmdletResult:
        """Do what the cmdlet says."""
        if cmdlet.name in self.instead:
            return self.instead[cmdlet.name]()
        self._check_server(cmdlet)
        verb, noun = cmdlet.name.split("-")
        handler = getattr(self, f"_{verb.lower()}_{noun.lower()}")
        if verb == "Enable":
            return handler(cmdlet.parameters, answer)  # type: ignore[no-any-return]
        return handler(cmdlet.parameters)  # type: ignore[no-any-return]

    def held(self, thumbprint: str) -> Held:
        """The certificate in the store."""
        return next(item for item in self.certificates if item.thumbprint == thumbprint)

    def services(self, issued: pki.Issued) -> frozenset[str] | None:
        """What a certificate serves."""
        return self.held(issued.thumbprint).services

    # -- cmdlets ---------------------------------------------------------------------------------

    def _check_server(self, cmdlet: Cmdlet) -> None:
        if "ExchangeCertificate" in cmdlet.name:
            assert cmdlet.parameters["Server"] == self.name, "a certificate cmdlet names its server"

    def _get_exchangecertificate(self, parameters: Any) -> CmdletResult:
        return CmdletResult(
            output=[self._object(item) for item in self.certificates if item.visible]
        )

    def _object(self, item: Held) -> RemoteObject:
        der = item.issued.certificate.public_bytes(Encoding.DER)
        properties: dict[str, Any] = {
            "Thumbprint": item.thumbprint,
            "RawData": der,
            "Status": item.status,
            "FriendlyName": item.friendly_name,
            "PrivateKeyExportable": item.exportable if self.shows_exportable else None,
            "HasPrivateKey": True,
            "Identity": f"{self.name}\\{item.thumbprint}",
        }
        if item.services is not None:
            properties["Services"] = ", ".join(sorted(item.services)) or "None"
        return RemoteObject(properties=properties)

    def _import_exchangecertificate(self, parameters: Any) -> CmdletResult:
        password = parameters["Password"].reveal()
        key, leaf, _chain = pkcs12.load_key_and_certificates(
            parameters["FileData"], password.encode()
        )
        assert leaf is not None
        held = Held(
            pki.Issued(leaf, key),  # type: ignore[arg-type]
            friendly_name=parameters.get("FriendlyName", ""),
            exportable=parameters.get("PrivateKeyExportable", False),
        )
        if any(item.thumbprint == held.thumbprint for item in self.certificates):
            raise failed(
                "Import-ExchangeCertificate",
                "Cannot import certificate. A certificate with the thumbprint "
                f"{held.thumbprint} already exists.",
            )
        self.certificates.append(held)
        return CmdletResult(output=[self._object(held)])

    def _enable_exchangecertificate(
        self, parameters: Any, answer: PromptPolicy | None
    ) -> CmdletResult:
        thumbprint = parameters["Thumbprint"]
        services = frozenset(parameters["Services"].split(", ")) - {"None"}
        prompts = []
        if "SMTP" in services and thumbprint != self.internal_transport:
            label = "Yes"
            if not parameters.get("Force"):
                assert answer is not None
                prompt = Prompt(
                    "Confirm",
                    "Overwrite the existing default SMTP certificate?\nCurrent certificate: "
                    f"'{self.internal_transport}'\nReplace it with certificate: '{thumbprint}'",
                    CHOICES,
                    0,
                )
                label = answer(prompt) or "No"
                prompts.append(AnsweredPrompt(prompt, label))
                self.prompts += prompts
            if label == "Yes" or self.ignores_no:
                self.internal_transport = thumbprint
        if not self.forgets_services:
            self._assign(thumbprint, services)
        return CmdletResult(prompts=prompts)

    def _assign(self, thumbprint: str, services: frozenset[str]) -> None:
        exclusive = services & {"IIS", "POP", "IMAP"}
        for index, item in enumerate(self.certificates):
            if item.services is None:
                continue
            if item.thumbprint == thumbprint:
                self.certificates[index] = replace(item, services=item.services | services)
            else:
                self.certificates[index] = replace(item, services=item.services - exclusive)

    def _remove_exchangecertificate(self, parameters: Any) -> CmdletResult:
        assert parameters["Confirm"] is False, "without it, the cmdlet asks"
        thumbprint = parameters["Thumbprint"]
        self.certificates = [item for item in self.certificates if item.thumbprint != thumbprint]
        return CmdletResult()

    def _get_transportservice(self, parameters: Any) -> CmdletResult:
        properties: dict[str, Any] = {
            "Name": self.name,
            "InternalTransportCertificateThumbprint": self.internal_transport,
        }
        return CmdletResult(output=[RemoteObject(properties=properties)])

    def _get_authconfig(self, parameters: Any) -> CmdletResult:
        properties: dict[str, Any] = {
            f"{role}CertificateThumbprint": self.auth.get(role.lower(), "")
            for role in ("Current", "Next", "Previous")
        }
        return CmdletResult(output=[RemoteObject(properties=properties)])

    def _get_federationtrust(self, parameters: Any) -> CmdletResult:
        if not self.federation:
            return CmdletResult()
        return CmdletResult(
            output=[RemoteObject(properties={"OrgPrivCertificate": self.federation})]
        )

    def _get_servercomponentstate(self, parameters: Any) -> CmdletResult:
        name = parameters.get("Component", "HubTransport")
        states = self.component_states.get(name, {})
        effective = next((s for s in ("Inactive", "Draining") if s in states.values()), "Active")
        properties: dict[str, Any] = {
            "Component": name,
            "State": effective,
            "LocalStates": [
                RemoteObject(properties={"Requester": requester, "State": state})
                for requester, state in states.items()
            ],
            "RemoteStates": [],
        }
        return CmdletResult(output=[RemoteObject(properties=properties)])

    def _set_servercomponentstate(self, parameters: Any) -> CmdletResult:
        states = self.component_states.setdefault(parameters["Component"], {})
        states[parameters["Requester"]] = parameters["State"]
        return CmdletResult()

    def _set_hybridconfiguration(self, parameters: Any) -> CmdletResult:
        self.hybrid = parameters["TlsCertificateName"] or ""
        return CmdletResult()

    def _export_exchangecertificate(self, parameters: Any) -> CmdletResult:
        held = self.held(parameters["Thumbprint"])
        if not held.exportable:
            raise failed(
                "Export-ExchangeCertificate",
                "The private key couldn't be exported as PKCS-12. It either couldn't be accessed "
                "or isn't exportable.",
            )
        data = held.issued.pfx(parameters["Password"].reveal())
        return CmdletResult(output=[RemoteObject(properties={"FileData": data})])

    def _get_hybridconfiguration(self, parameters: Any) -> CmdletResult:
        if self.hybrid is None:
            return CmdletResult()
        return CmdletResult(output=[RemoteObject(properties={"TlsCertificateName": self.hybrid})])

    def _get_sendconnector(self, parameters: Any) -> CmdletResult:
        return CmdletResult(
            output=[
                RemoteObject(properties={"Name": name, "Identity": name, **values})
                for name, values in self.send_connectors.items()
            ]
        )

    def _get_receiveconnector(self, parameters: Any) -> CmdletResult:
        assert parameters["Server"] == self.name
        return CmdletResult(
            output=[
                RemoteObject(
                    properties={"Name": name, "Identity": f"{self.name}\\{name}", **values}
                )
                for name, values in self.receive_connectors.items()
            ]
        )

    def _set_sendconnector(self, parameters: Any) -> CmdletResult:
        return self._set(self.send_connectors, parameters)

    def _set_receiveconnector(self, parameters: Any) -> CmdletResult:
        return self._set(self.receive_connectors, parameters)

    def _set(self, connectors: dict[str, dict[str, Any]], parameters: Any) -> CmdletResult:
        values = dict(parameters)
        name = values.pop("Identity").rpartition("\\")[2]
        connectors[name].update(values)
        return CmdletResult()


def failed(cmdlet: str, message: str, *, category: str = "NotSpecified") -> CmdletFailed:
    """The failure of a cmdlet as a session raises it."""
    record = CmdletError(
        message=message,
        category=category,
        exception_type="System.InvalidOperationException",
        error_id=f"[Server=EX01] ABCD1234,Microsoft.Exchange.{cmdlet.replace('-', '')}",
        error_class=f"Microsoft.Exchange.{cmdlet.replace('-', '')}",
        cmdlet=cmdlet,
    )
    return CmdletFailed(message, errors=[record])


def raising(error: Exception) -> Callable[[], CmdletResult]:
    """A misbehaviour: raise this."""

    def instead() -> CmdletResult:
        raise error

    return instead
