# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-, Import-, Enable-, Export- and Remove-ExchangeCertificate do? Parameters, checks,
prompts, warnings and error texts; the effects are the organisation's rules."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization

from fake_exchange.clixml.directory_types import object_state
from fake_exchange.clixml.objects import OutputObject, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.certificate_object import TASKS, certificate_output, details_hidden
from fake_exchange.cmdlets.invocation import Invocation, time_text
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.registry import CmdletError
from fake_exchange.cmdlets.select_object import plain
from fake_exchange.organisation import certificate_rules as rules
from fake_exchange.organisation import selection, tls_names
from fake_exchange.organisation.certificates import SourceDataUnreadable
from fake_exchange.organisation.model import SERVICE_NAMES, Server, StoredCertificate

FRIENDLY_NAME_LIMIT = 64
BINARY_FILE = (
    "Microsoft.Exchange.Data.BinaryFileDataObject",
    "Microsoft.Exchange.Data.ConfigurableObject",
    "System.Object",
)

allowed_services = conversion.flags(TASKS + "AllowedServices", SERVICE_NAMES)


def not_found(invocation: Invocation, server: Server, thumbprint: str) -> CmdletError:
    return invocation.rpc_error(
        server,
        f"The certificate with thumbprint {thumbprint} was not found.",
        code="71D7F7B0" if invocation.definition.name.startswith("Get") else None,
    )


def reach(invocation: Invocation, server: Server) -> Server:
    """The server, if its Service Host answers: the certificate cmdlets work through it."""
    service = server.services.get("MSExchangeServiceHost")
    if service is not None and service.Status != "Running":
        raise invocation.rpc_error(
            server,
            "Rpc error when calling the server. Error 0x6d9 (There are no more endpoints "
            "available from the endpoint mapper).",
            category="ReadError",
        )
    return server


def _addressed(invocation: Invocation) -> tuple[Server, str | None]:
    """Server and thumbprint that -Thumbprint/-Server or -Identity mean."""
    parameters = invocation.parameters
    identity = parameters.get("Identity")
    if identity:
        name, separator, thumbprint = identity.rpartition("\\")
        server = invocation.find_server(name) if separator else invocation.context.landed_server
        return reach(invocation, server), thumbprint
    return reach(invocation, invocation.server_or_landed()), parameters.get("Thumbprint")


def _stored(invocation: Invocation, server: Server, thumbprint: str) -> StoredCertificate:
    stored = rules.find_even_without_key(server, thumbprint)
    if stored is None:
        raise not_found(invocation, server, thumbprint)
    return stored


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    server, thumbprint = _addressed(invocation)
    organisation = invocation.organisation
    with organisation.lock:
        found = rules.visible(server)
        domains = invocation.parameters.get("DomainName")
        if thumbprint:
            stored = rules.find(server, thumbprint)
            if stored is not None:
                found = [stored]
            elif not _lists_all(invocation):
                raise not_found(invocation, server, thumbprint)
        elif domains is not None and domains.replace:
            found = selection.for_domain(
                server,
                domains.replace[0],
                tie_break=organisation.behavior.certificate_tie_break,
            )
        hidden = details_hidden(organisation, server)
        outputs = [certificate_output(organisation, server, s, hidden=hidden) for s in found]
    yield from outputs


def _lists_all(invocation: Invocation) -> bool:
    """The documented trap: an identity that does not exist brings everything."""
    asked_by_identity = "Identity" in invocation.parameters
    return asked_by_identity and invocation.organisation.behavior.list_all_for_missing_identity


def _import(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    server = reach(invocation, invocation.server_or_landed())
    check_friendly_name(invocation)
    if not invocation.should_process(f"Importing certificate on server {server.Name}."):
        return
    password = parameters.get("Password")
    try:
        stored = rules.import_data(
            invocation.organisation,
            server,
            parameters.get("FileData"),
            password.text if password else None,
            friendly_name=parameters.get("FriendlyName"),
            exportable=parameters.get("PrivateKeyExportable", False),
        )
        invocation.changed = stored.Thumbprint
    except SourceDataUnreadable:
        raise invocation.rpc_error(
            server,
            "The source data cannot be imported or the wrong password was specified.",
            category="ReadError",
            code="A39CF339",
        ) from None
    except rules.CertificateAlreadyExists as existing:
        invocation.changed = existing.thumbprint
        raise invocation.rpc_error(
            server,
            "Cannot import certificate. A certificate with the thumbprint "
            f"{existing.thumbprint} already exists.",
            category="InvalidOperation",
        ) from None
    hidden = details_hidden(invocation.organisation, server)
    yield certificate_output(invocation.organisation, server, stored, hidden=hidden)


def check_friendly_name(invocation: Invocation) -> None:
    name = invocation.parameters.get("FriendlyName") or ""
    if len(name) >= FRIENDLY_NAME_LIMIT:
        raise invocation.error(
            f"The friendly name must be fewer than {FRIENDLY_NAME_LIMIT} characters.",
            category="InvalidArgument",
            exception="ArgumentException",
        )


def check_usable(invocation: Invocation, server: Server, stored: StoredCertificate) -> None:
    """Refuse what Exchange cannot use: no key, out of date, an unsupported kind of key."""
    reason = None
    if not stored.HasPrivateKey or stored.request_pending:
        reason = "PrivateKeyMissing"
    elif stored.Status == "DateInvalid":
        reason = "DateInvalid"
    elif not _key_supported(invocation, stored):
        reason = "KeyAlgorithmUnsupported"
    if reason is not None:
        raise invocation.rpc_error(
            server,
            f"The certificate with thumbprint {stored.Thumbprint} was found but is not valid for "
            f"use with Exchange Server (reason: {reason}).",
            code="DA6D9EA1" if reason == "PrivateKeyMissing" else None,
        )


def _key_supported(invocation: Invocation, stored: StoredCertificate) -> bool:
    is_rsa = hasattr(stored.certificate.public_key(), "encrypt")
    return is_rsa or invocation.organisation.behavior.elliptic_curve_certificates


def check_services(invocation: Invocation, server: Server, services: list[str]) -> None:
    """Refuse services that cannot be enabled this way."""
    if "Federation" in services:
        raise invocation.error(
            "The Federation service can't be specified for this cmdlet. Use the FederationTrust "
            "cmdlets to enable a certificate for federation.",
            category="InvalidArgument",
            exception="ArgumentException",
        )
    has_unified_messaging = server.AdminDisplayVersion.startswith("15.1.")
    gone = [name for name in ("UM", "UMCallRouter") if name in services]
    if gone and not has_unified_messaging:
        raise invocation.rpc_error(
            server,
            f"The certificate can't be enabled for the {gone[0]} service because the service "
            f"isn't installed on server {server.Name}.",
            category="InvalidArgument",
        )


def replaces_internal_transport(
    invocation: Invocation, server: Server, stored: StoredCertificate
) -> bool:
    """Whether SMTP makes it the internal transport certificate: asks, unless nothing is lost."""
    current = server.InternalTransportCertificateThumbprint
    if not current:
        return True
    if not rules.asks_to_overwrite(server, stored):
        return False
    old = server.certificates.get(current)
    time_zone = invocation.organisation.time_zone
    expires = f" (expires {time_text(old.NotAfter, time_zone)})" if old is not None else ""
    return invocation.should_continue(
        "Overwrite the existing default SMTP certificate?\r\n\r\n"
        f"Current certificate: '{current}'{expires}\r\n"
        f"Replace it with certificate: '{stored.Thumbprint}' "
        f"(expires {time_text(stored.NotAfter, time_zone)})"
    )


def without_wildcard_trouble(
    invocation: Invocation, stored: StoredCertificate, services: list[str]
) -> list[str]:
    """The services without POP and IMAP for a wildcard, which they cannot use; warns."""
    subject = tls_names.common_name(stored.certificate)
    if not subject.startswith("*"):
        return services
    kept = []
    for service in services:
        if service not in ("POP", "IMAP"):
            kept.append(service)
            continue
        invocation.warn(
            f"This certificate with thumbprint {stored.Thumbprint} and subject '{subject}' cannot "
            f"used for {service} SSL/TLS connections because the subject is not a Fully Qualified "
            f"Domain Name (FQDN). Use command Set-{service}Settings to set X509CertificateName to "
            "the FQDN of the service."
        )
    return kept


def _enable(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    server, thumbprint = _addressed(invocation)
    services = parameters.get("Services")
    check_services(invocation, server, services)
    stored = _stored(invocation, server, thumbprint or "")
    check_usable(invocation, server, stored)
    if not invocation.should_process(
        f"Enabling certificate with thumbprint {stored.Thumbprint} on server {server.Name}."
    ):
        return
    services = without_wildcard_trouble(invocation, stored, services)
    replace = "SMTP" in services and replaces_internal_transport(invocation, server, stored)
    rules.enable(
        invocation.organisation,
        server,
        stored,
        services,
        replace_internal_transport=replace,
        require_ssl=not parameters.switch("DoNotRequireSsl"),
        network_service_allowed=parameters.switch("NetworkServiceAllowed"),
    )
    yield from ()


def _export(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    server, thumbprint = _addressed(invocation)
    stored = _stored(invocation, server, thumbprint or "")
    if not invocation.should_process(f"Exporting certificate {stored.Thumbprint}."):
        return
    if stored.request_pending:
        data = rules.signing_request(stored).public_bytes(serialization.Encoding.DER)
    else:
        data = _exported(invocation, server, stored)
    if parameters.switch("BinaryEncoded"):
        yield binary_file(data)
    else:
        yield plain(base64.encodebytes(data).decode("ascii").replace("\n", "\r\n"))


def _exported(invocation: Invocation, server: Server, stored: StoredCertificate) -> bytes:
    password = invocation.parameters.get("Password")
    try:
        if not password or not password.text:
            raise rules.NotExportable(stored.Thumbprint)
        return rules.export(stored, password.text)
    except rules.NotExportable:
        raise invocation.rpc_error(
            server,
            "The private key couldn't be exported as PKCS-12. It either couldn't be accessed or "
            "isn't exportable.",
            category="InvalidOperation",
        ) from None


def binary_file(data: bytes) -> OutputObject:
    """What a -BinaryEncoded export sends."""
    return output_of(
        BINARY_FILE,
        BINARY_FILE[0],
        {
            "FileData": lambda: data,
            "Identity": lambda: None,
            "IsValid": lambda: True,
            "ObjectState": lambda: object_state("New"),
        },
    )


def _remove(invocation: Invocation) -> Iterator[OutputObject]:
    server, thumbprint = _addressed(invocation)
    stored = _stored(invocation, server, thumbprint or "")
    if not invocation.should_process(
        f"Remove certificate with thumbprint {stored.Thumbprint} from the computer's certificate "
        "store?"
    ):
        return
    refusal = rules.removal_refusal(invocation.organisation, server, stored)
    if refusal is not None:
        raise _removal_refused(invocation, server, stored, refusal)
    rules.remove(invocation.organisation, server, stored)
    yield from ()


def _removal_refused(
    invocation: Invocation,
    server: Server,
    stored: StoredCertificate,
    refusal: rules.RemovalRefusal,
) -> CmdletError:
    """The first two are Exchange's own words; for the other two there are no public ones."""
    if refusal.reason is rules.Refusal.INTERNAL_TRANSPORT:
        return invocation.rpc_error(
            server,
            "The internal transport certificate cannot be removed because that would cause the "
            "Microsoft Exchange Transport service to stop. To replace the internal transport "
            "certificate, create a new certificate. The new certificate will automatically become "
            "the internal transport certificate. You can then remove the existing certificate.",
            category="InvalidArgument",
            code="DCA528C3",
        )
    if refusal.reason is rules.Refusal.SEND_CONNECTORS:
        return invocation.rpc_error(
            server,
            "These certificates are tagged with following Send Connectors : "
            f"{','.join(refusal.connectors)}. Removing and replacing certificates from Send "
            "Connector would break the mail flow. If you still want to proceed then replace or "
            "remove these certificates from Send Connector and then try this command.",
            category="InvalidOperation",
        )
    user = "IIS" if refusal.reason is rules.Refusal.IIS else "the authorization configuration"
    return invocation.rpc_error(
        server,
        f"The certificate with thumbprint {stored.Thumbprint} is in use by {user} and can't be "
        f"removed from server {server.Name}.",
        category="InvalidOperation",
    )


_THUMBPRINT, _IDENTITY, _INSTANCE = ("Thumbprint",), ("Identity",), ("Instance",)
SERVER = Parameter("Server", conversion.required_text, sets=("Thumbprint", "Instance"))
DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)


def _address(*, required: bool, with_instance: bool = False) -> tuple[Parameter, ...]:
    """The parameters that say which certificate, in their sets."""
    convert = conversion.required_text if required else conversion.text
    instance = (
        (Parameter("Instance", conversion.byte_array, sets=_INSTANCE),) if with_instance else ()
    )
    return (
        Parameter("Thumbprint", convert, sets=_THUMBPRINT, position=1, required=required),
        Parameter("Identity", convert, sets=_IDENTITY, position=1, required=required),
        *instance,
        SERVER,
        DOMAIN_CONTROLLER,
    )


CMDLETS = (
    CmdletDefinition(
        "Get-ExchangeCertificate",
        TASKS + "GetExchangeCertificate",
        (
            *_address(required=False, with_instance=True),
            Parameter("DomainName", conversion.multi_value()),
        ),
        _get,
        default_set="Thumbprint",
    ),
    CmdletDefinition(
        "Import-ExchangeCertificate",
        TASKS + "ImportExchangeCertificate",
        (
            Parameter("FileData", conversion.byte_array, sets=("FileData",), required=True),
            Parameter("Password", conversion.secure_text),
            Parameter("FriendlyName", conversion.text),
            Parameter("PrivateKeyExportable", conversion.boolean),
            Parameter("Server", conversion.required_text),
            DOMAIN_CONTROLLER,
        ),
        _import,
        default_set="FileData",
        should_process=True,
    ),
    CmdletDefinition(
        "Enable-ExchangeCertificate",
        TASKS + "EnableExchangeCertificate",
        (
            *_address(required=True),
            Parameter("Services", allowed_services, position=2, required=True),
            Parameter("DoNotRequireSsl", conversion.switch),
            Parameter("NetworkServiceAllowed", conversion.switch),
            Parameter("Force", conversion.switch),
        ),
        _enable,
        default_set="Thumbprint",
        should_process=True,
    ),
    CmdletDefinition(
        "Export-ExchangeCertificate",
        TASKS + "ExportExchangeCertificate",
        (
            *_address(required=True),
            Parameter("Password", conversion.secure_text),
            Parameter("BinaryEncoded", conversion.switch),
        ),
        _export,
        default_set="Thumbprint",
        should_process=True,
    ),
    CmdletDefinition(
        "Remove-ExchangeCertificate",
        TASKS + "RemoveExchangeCertificate",
        _address(required=True),
        _remove,
        default_set="Thumbprint",
        should_process=True,
        asks_confirmation=True,
    ),
)
