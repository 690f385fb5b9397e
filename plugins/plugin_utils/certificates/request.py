# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a certificate asked for on a server, and how does the authority's answer come to it?

The key is made on the server and waits there: a request shows up as a certificate of the status
PendingRequest, and can be completed on that server alone (New-, Export- and
Import-ExchangeCertificate).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import distinguished_name
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.host_names import (
    normalize_host_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    encoded_public_key,
    public_key_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)

if TYPE_CHECKING:
    from cryptography import x509

KEY_SIZES = (2048, 4096)
_HEADER = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PEM_PKCS7 = b"-----BEGIN PKCS7-----"


@dataclass(frozen=True, kw_only=True)
class RequestSpec:
    """What a request shall ask for."""

    subject: str
    names: tuple[str, ...]
    friendly_name: str
    key_size: int = 2048
    exportable: bool = True

    def matches(self, pending: ExchangeCertificate) -> bool:
        """Whether a pending request asks for the same."""
        held, wanted = _folded(pending.dns_names), _folded(self.names)
        # Exchange counts the common name among the names of a certificate that does not say so.
        common = _folded([distinguished_name.common_name(self.subject) or ""])
        return (
            _same_subject(pending.subject, self.subject)
            and held in (wanted, wanted | common)
            and pending.key_size in (None, self.key_size)
        )


@dataclass(frozen=True, kw_only=True)
class Response:
    """The authority's answer: the certificate of a request, and what came with it."""

    leaf: x509.Certificate
    others: tuple[x509.Certificate, ...]

    @property
    def thumbprint(self) -> str:
        """SHA-1, as Windows has it."""
        from cryptography.hazmat.primitives import hashes

        return self.leaf.fingerprint(hashes.SHA1()).hex().upper()

    def pkcs7(self) -> bytes:
        """All of it in the form that Import-ExchangeCertificate takes without a key."""
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

        return pkcs7.serialize_certificates([self.leaf, *self.others], Encoding.DER)


def check_spec(spec: RequestSpec) -> None:
    """Refuse what Exchange or an authority would refuse.

    Raises:
        InvalidInput: with the value.
    """
    if spec.key_size not in KEY_SIZES:
        raise InvalidInput(
            f"key_size has to be one of {', '.join(map(str, KEY_SIZES))}, and is {spec.key_size}."
        )
    try:
        distinguished_name.parse(spec.subject)
    except ValueError as error:
        raise InvalidInput(f"subject '{spec.subject}' cannot be asked for: {error}.") from error
    if not distinguished_name.common_name(spec.subject):
        raise InvalidInput(
            f"subject '{spec.subject}' has no common name: give it as CN=mail.contoso.com, O=..., "
            "because connectors and the Hybrid Configuration Wizard go by it."
        )
    for name in spec.names:
        if not is_full_host_name(name):
            raise InvalidInput(f"names: '{name}' is no full host name.")


def is_full_host_name(name: str) -> bool:
    """Whether a public authority could issue for the name, which has a domain then."""
    return re.fullmatch(r"(?:\*\.)?[^\s.*]+(?:\.[^\s.*]+)+", name.strip()) is not None


def names_or_common_name(names: Iterable[str], subject: str) -> tuple[str, ...]:
    """The names that were given, or else the common name where it is a full host name.

    Clients look at the alternative names alone, and not every authority adds the common name.
    """
    given = tuple(name.strip() for name in names)
    common = distinguished_name.common_name(subject) or ""
    return given or ((common,) if is_full_host_name(common) else ())


def pending_requests(certificates: Iterable[ExchangeCertificate]) -> list[ExchangeCertificate]:
    """The requests that wait on a server."""
    return [item for item in certificates if item.is_pending_request]


def create_request(
    session: Session,
    spec: RequestSpec,
    *,
    server: str,
    domain_controller: str | None = None,
) -> str:
    """Make a key and a request on a server, and return the request as PEM.

    Raises:
        CmdletFailed: with the server's words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    parameters: dict[str, object] = {
        "GenerateRequest": True,
        "Server": server,
        "SubjectName": spec.subject,
        "DomainName": list(spec.names),
        "FriendlyName": spec.friendly_name,
        "KeySize": spec.key_size,
        "PrivateKeyExportable": spec.exportable,
    }
    _add_domain_controller(parameters, domain_controller)
    with explained(f"Creating a request on {server}", details={"server": server}):
        result = session.invoke(Cmdlet("New-ExchangeCertificate", parameters), changing=True)
        return _request_of(result, server)


def export_request(
    session: Session, thumbprint: str, *, server: str, domain_controller: str | None = None
) -> str:
    """Return a pending request as PEM.

    Raises:
        CmdletFailed: with the server's words, or because its answer is no request.
    """
    parameters: dict[str, object] = {"Server": server, "Thumbprint": thumbprint}
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Reading request {thumbprint} of {server}",
        details={"server": server, "thumbprint": thumbprint},
    ):
        result = session.invoke(Cmdlet("Export-ExchangeCertificate", parameters))
        return _request_of(result, server)


def complete_request(
    session: Session,
    response: Response,
    *,
    server: str,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Bring the answer to the key that waits for it.

    Raises:
        CmdletFailed: with the reason in plain words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    parameters: dict[str, object] = {"Server": server, "FileData": response.pkcs7()}
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Completing the request on {server} with {response.thumbprint}",
        details={"server": server, "thumbprint": response.thumbprint},
    ):
        return session.invoke(Cmdlet("Import-ExchangeCertificate", parameters), changing=True)


def read_response(
    data: bytes, requests: Sequence[tuple[str, str]], *, origin: str
) -> tuple[str, Response]:
    """Read an authority's answer (CER, P7B or PEM), and find the request that it belongs to.

    Args:
        requests: thumbprint and PEM of the requests that wait.
        origin: how messages name the file.

    Returns:
        The request's thumbprint, and the answer.

    Raises:
        InvalidInput: it cannot be read, or belongs to none of them.
    """
    certificates = certificates_in(data, origin)
    for thumbprint, pem in requests:
        key = encoded_public_key(_load_request(pem).public_key())
        for certificate in certificates:
            if public_key_of(certificate) == key:
                others = tuple(item for item in certificates if item is not certificate)
                return thumbprint, Response(leaf=certificate, others=others)
    waiting = ", ".join(thumbprint for thumbprint, _pem in requests) or "none"
    raise InvalidInput(
        f"{origin}: no certificate in it ({len(certificates)}) has the key of a request that waits "
        f"on this server ({waiting}). A request can be completed on the server alone that made it."
    )


def request_facts(pem: str) -> dict[str, object]:
    """Subject, names and key of a request, as RETURN documents them."""
    from cryptography import x509

    request = _load_request(pem)
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    return {
        "subject": request.subject.rfc4514_string(),
        "dns_names": list(names),
        "key_size": getattr(request.public_key(), "key_size", None),
        "pem": pem,
    }


def read_file(path: str) -> bytes:
    """Read an answer from the control node.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"response_path: {path} cannot be read: {error.strerror}.") from error


def certificates_in(data: bytes, origin: str) -> list[x509.Certificate]:
    """Read the certificates of an answer.

    Raises:
        InvalidInput: it holds none.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import pkcs7

    readers: list[Callable[[bytes], Sequence[x509.Certificate]]]
    if _PEM_CERTIFICATE in data:
        readers = [x509.load_pem_x509_certificates]
    elif _PEM_PKCS7 in data:
        readers = [pkcs7.load_pem_pkcs7_certificates]
    else:
        # What some portals offer for download is the bare base64 of a certificate or P7B.
        readers = [_der_certificate, pkcs7.load_der_pkcs7_certificates, _base64_certificates]
    for reader in readers:
        try:
            found = reader(data)
        except (ValueError, binascii.Error, InvalidInput):
            continue
        if found:
            return list(found)
    raise InvalidInput(
        f"{origin}: it is no certificate, neither CER, P7B nor PEM. Give what the authority sent."
    )


def _der_certificate(data: bytes) -> list[x509.Certificate]:
    from cryptography import x509

    return [x509.load_der_x509_certificate(data)]


def _base64_certificates(data: bytes) -> list[x509.Certificate]:
    return certificates_in(base64.b64decode(b"".join(data.split()), validate=True), "base64")


def _request_of(result: CmdletResult, server: str) -> str:
    for value in result.output:
        text = value if isinstance(value, str) else text_of(value) or ""
        data = value.get("FileData") if isinstance(value, RemoteObject) else None
        if isinstance(data, bytes):
            text = base64.encodebytes(data).decode("ascii")
        body = "".join(_HEADER.sub("", text).split())
        if not body:
            continue
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        pem = "\n".join(
            ["-----BEGIN CERTIFICATE REQUEST-----", *lines, "-----END CERTIFICATE REQUEST-----", ""]
        )
        try:
            _load_request(pem)
        except InvalidInput:
            continue
        return pem
    raise CmdletFailed(f"{server} returned no request that can be read", errors=result.errors)


def _load_request(pem: str) -> x509.CertificateSigningRequest:
    from cryptography import x509

    try:
        return x509.load_pem_x509_csr(pem.encode("ascii"))
    except ValueError as error:
        raise InvalidInput(f"This is no certificate request: {error}.") from error


def _same_subject(one: str, other: str) -> bool:
    return TlsCertificateName("CN=x", one) == TlsCertificateName("CN=x", other)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(normalize_host_name, names))


def _add_domain_controller(parameters: dict[str, object], domain_controller: str | None) -> None:
    if domain_controller:
        parameters["DomainController"] = domain_controller


def not_completed(server: str, thumbprint: str) -> StateNotReached:
    """The error of an answer that came to no key."""
    return StateNotReached(
        f"{server} took the answer, but Exchange shows no certificate {thumbprint} with its key. "
        "On the server, repair it with certutil -repairstore my <serial number>.",
        details={"server": server, "thumbprint": thumbprint},
    )
