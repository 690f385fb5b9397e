# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does New-ExchangeCertificate do? A self-signed certificate that is enabled at once, or a
request that waits for the CA's reply."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fake_exchange.clixml.objects import OutputObject
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.certificate_object import TASKS, certificate_output, details_hidden
from fake_exchange.cmdlets.exchange_certificate import (
    DOMAIN_CONTROLLER,
    allowed_services,
    binary_file,
    check_friendly_name,
    check_services,
    reach,
    replaces_internal_transport,
    without_wildcard_trouble,
)
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.select_object import plain
from fake_exchange.organisation import certificate_rules as rules
from fake_exchange.organisation import tls_names
from fake_exchange.organisation.certificates import common_name
from fake_exchange.organisation.model import Server

KEY_SIZES = (1024, 2048, 4096)
DEFAULT_SERVICES = ["IMAP", "POP", "SMTP"]


def _renewed(invocation: Invocation) -> x509.Certificate | None:
    """The certificate of ``-Instance``, whose names the new one takes over."""
    data = invocation.parameters.get("Instance")
    try:
        return x509.load_der_x509_certificate(data) if data else None
    except ValueError:
        raise invocation.error(
            "The value of the Instance parameter is no certificate.",
            category="InvalidArgument",
            exception="ArgumentException",
        ) from None


def _domains(invocation: Invocation, server: Server, renewed: x509.Certificate | None) -> list[str]:
    """The names of the certificate: those given, and those the switches add."""
    parameters = invocation.parameters
    given = parameters.get("DomainName")
    names = list(given.replace or ()) if given is not None else []
    if given is None and renewed is not None:
        names = list(tls_names.dns_names(renewed))
    accepted = [domain.DomainName for domain in invocation.organisation.accepted_domains]
    if parameters.switch("IncludeServerFQDN"):
        names.append(server.Fqdn)
    if parameters.switch("IncludeServerNetBIOSName"):
        names.append(server.Name)
    if parameters.switch("IncludeAcceptedDomains"):
        names += accepted
    if parameters.switch("IncludeAutoDiscover"):
        names += [f"autodiscover.{domain}" for domain in accepted]
    if not names and given is None and "SubjectName" not in parameters:
        names = [server.Name, server.Fqdn]
    return list(dict.fromkeys(names))


def _subject(
    invocation: Invocation,
    domains: list[str],
    server: Server,
    renewed: x509.Certificate | None,
) -> x509.Name:
    text = invocation.parameters.get("SubjectName")
    if not text and renewed is not None:
        return renewed.subject
    if not text:
        return common_name(domains[0] if domains else server.Name)
    try:
        return tls_names.parse_name(text)
    except ValueError:
        raise invocation.error(
            f'The string "{text}" is not a valid X.500 distinguished name.',
            category="InvalidArgument",
            exception="ArgumentException",
        ) from None


def _key_size(invocation: Invocation) -> int:
    size = invocation.parameters.get("KeySize", 2048)
    if size not in KEY_SIZES:
        raise invocation.error(
            f"The key size {size} isn't valid. Valid key sizes are 1024, 2048 and 4096.",
            category="InvalidArgument",
            exception="ArgumentException",
        )
    return size


def _subject_key_identifier(invocation: Invocation) -> bytes | None:
    """Hexadecimal digits, as a GUID without dashes has them."""
    text = invocation.parameters.get("SubjectKeyIdentifier")
    if not text:
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise invocation.error(
            f"The value '{text}' of the SubjectKeyIdentifier parameter isn't a hexadecimal number.",
            category="InvalidArgument",
            exception="ArgumentException",
        ) from None


def _new(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    organisation = invocation.organisation
    server = reach(invocation, invocation.server_or_landed())
    check_friendly_name(invocation)
    services = parameters.get("Services", DEFAULT_SERVICES)
    renewed = _renewed(invocation)
    domains = _domains(invocation, server, renewed)
    subject = _subject(invocation, domains, server, renewed)
    request = parameters.switch("GenerateRequest")
    # Federation certificates are made here, though never enabled with Enable.
    check_services(invocation, server, [name for name in services if name != "Federation"])
    size = _key_size(invocation)
    identifier = _subject_key_identifier(invocation)
    if not invocation.should_process(f"Creating a certificate on server {server.Name}."):
        return
    friendly_name = parameters.get("FriendlyName") or "Microsoft Exchange"
    exportable = parameters.get("PrivateKeyExportable", False)
    if request:
        _, signing_request = rules.create_request(
            organisation,
            server,
            subject,
            dns_names=domains,
            friendly_name=friendly_name,
            exportable=exportable,
            key_size=size,
        )
        yield _request_output(invocation, signing_request)
        return
    stored = rules.create(
        organisation,
        server,
        subject,
        dns_names=domains,
        friendly_name=friendly_name,
        exportable=exportable,
        key_size=size,
        subject_key_identifier=identifier,
    )
    services = without_wildcard_trouble(invocation, stored, services)
    replace = "SMTP" in services and replaces_internal_transport(invocation, server, stored)
    rules.enable(organisation, server, stored, services, replace_internal_transport=replace)
    hidden = details_hidden(organisation, server)
    yield certificate_output(organisation, server, stored, hidden=hidden)


def _request_output(
    invocation: Invocation, request: x509.CertificateSigningRequest
) -> OutputObject:
    data = request.public_bytes(serialization.Encoding.DER)
    if invocation.parameters.switch("BinaryEncoded"):
        return binary_file(data)
    body = base64.encodebytes(data).decode("ascii").replace("\n", "\r\n")
    return plain(
        "-----BEGIN NEW CERTIFICATE REQUEST-----\r\n"
        f"{body}-----END NEW CERTIFICATE REQUEST-----\r\n"
    )


_CERTIFICATE, _REQUEST = ("Certificate",), ("Request",)

CMDLETS = (
    CmdletDefinition(
        "New-ExchangeCertificate",
        TASKS + "NewExchangeCertificate",
        (
            Parameter("Services", allowed_services, sets=_CERTIFICATE),
            Parameter("GenerateRequest", conversion.switch, sets=_REQUEST, required=True),
            Parameter("BinaryEncoded", conversion.switch, sets=_REQUEST),
            Parameter("Instance", conversion.byte_array),
            Parameter("SubjectName", conversion.text),
            Parameter("DomainName", conversion.multi_value()),
            Parameter("KeySize", conversion.integer),
            Parameter("PrivateKeyExportable", conversion.boolean),
            Parameter("FriendlyName", conversion.text),
            Parameter("SubjectKeyIdentifier", conversion.text),
            Parameter("IncludeAcceptedDomains", conversion.switch),
            Parameter("IncludeAutoDiscover", conversion.switch),
            Parameter("IncludeServerFQDN", conversion.switch),
            Parameter("IncludeServerNetBIOSName", conversion.switch),
            Parameter("Server", conversion.required_text),
            Parameter("Force", conversion.switch),
            DOMAIN_CONTROLLER,
        ),
        _new,
        default_set="Certificate",
        should_process=True,
    ),
)
