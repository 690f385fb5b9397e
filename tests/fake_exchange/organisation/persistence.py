# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an organisation survive the process? Its state as one JSON file, private keys included
(this is a test tool), written whole or not at all."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import types
import typing
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fake_exchange.organisation.model import (
    AcceptedDomain,
    AuthConfig,
    EdgeSubscription,
    FederationTrust,
    HybridConfiguration,
    MailLog,
    Organisation,
    SendConnector,
    Server,
)
from fake_exchange.organisation.reading import LoadingError

FORMAT = 4
_KEY_TYPES = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)

#: What of the organisation is state; the rest always comes from the YAML file.
PARTS: dict[str, Any] = {
    "send_connectors": list[SendConnector],
    "hybrid_configuration": HybridConfiguration | None,
    "auth_config": AuthConfig,
    "accepted_domains": list[AcceptedDomain],
    "mail": MailLog,
    "federation_trust": FederationTrust | None,
    "edge_subscriptions": list[EdgeSubscription],
}
#: Fields of a server that the YAML file decides even if there is a state.
FROM_YAML = ("address", "fixed_ports")


def state_document(organisation: Organisation) -> dict[str, Any]:
    """The state as JSON-able values."""
    encoder = _Encoder()
    with organisation.lock:
        parts = {name: encoder.encode(getattr(organisation, name)) for name in PARTS}
        servers = {server.Name: encoder.encode(server) for server in organisation}
    return {
        "format": FORMAT,
        "organization": organisation.Name,
        **parts,
        "servers": servers,
        "certificates": encoder.certificates,
        "keys": encoder.keys,
    }


def apply_document(organisation: Organisation, document: dict[str, Any]) -> None:
    """Replace what `organisation` holds; raises KeyError, ValueError or TypeError for nonsense."""
    decoder = _Decoder(document["certificates"], document["keys"])
    for name, hint in PARTS.items():
        setattr(organisation, name, decoder.decode(hint, document[name]))
    for name, state in document["servers"].items():
        _restore(organisation.servers[name], decoder.decode(Server, state))


def save_state(organisation: Organisation, file: Path) -> None:
    """Write the state to `file`, atomically and readable for its owner only."""
    document = state_document(organisation)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump(document, stream)
    temporary.replace(file)


def load_state(organisation: Organisation, file: Path) -> None:
    """Replace what `organisation` holds by what `file` says.

    Ports come back to the numbers they had. Raises `LoadingError` if the file is no state, or the
    state of other servers.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise LoadingError(
                f"{file}: is a state of another format; remove it to start from the beginning"
            )
        unknown = sorted(set(document["servers"]) - set(organisation.servers))
        if unknown:
            raise LoadingError(
                f"{file}: is the state of other servers ({', '.join(unknown[:3])}); "
                "remove it to start from the beginning"
            )
        apply_document(organisation, document)
    except OSError as error:
        raise LoadingError(f"{file}: cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise LoadingError(
            f"{file}: is no state of an organisation ({type(error).__name__}); "
            "remove it to start from the beginning"
        ) from None


def _restore(server: Server, saved: Server) -> None:
    for field in dataclasses.fields(Server):
        if field.name not in FROM_YAML:
            setattr(server, field.name, getattr(saved, field.name))
    server.fixed_ports = {**saved.ports, **server.fixed_ports}
    server.ports = {}


class _Encoder:
    """Objects to JSON; certificates and keys, which many servers share, are kept once each."""

    def __init__(self) -> None:
        self.certificates: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self._known: dict[int, str] = {}
        self._kept: list[object] = []

    def encode(self, value: object) -> Any:
        if isinstance(value, x509.Certificate):
            return self._reference(value, self.certificates, _der)
        if isinstance(value, _KEY_TYPES):
            return self._reference(value, self.keys, _pkcs8)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: self.encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, dict):
            return {str(key): self.encode(item) for key, item in value.items()}
        if isinstance(value, (set, frozenset)):
            return sorted(self.encode(item) for item in value)
        if isinstance(value, (list, tuple)):
            return [self.encode(item) for item in value]
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        return str(value)

    def _reference(
        self, value: Any, pool: dict[str, str], content: typing.Callable[[Any], bytes]
    ) -> str:
        known = self._known.get(id(value))
        if known is None:
            data = content(value)
            known = hashlib.sha256(data).hexdigest()
            pool[known] = base64.b64encode(data).decode()
            self._known[id(value)] = known
            self._kept.append(value)
        return known


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pkcs8(key: Any) -> bytes:
    return bytes(
        key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class _Decoder:
    """JSON to objects, guided by the annotations of the dataclasses."""

    def __init__(self, certificates: dict[str, str], keys: dict[str, str]) -> None:
        self._certificates = {
            name: x509.load_der_x509_certificate(base64.b64decode(text))
            for name, text in certificates.items()
        }
        self._keys = {
            name: serialization.load_der_private_key(base64.b64decode(text), None)
            for name, text in keys.items()
        }
        self._hints: dict[type, dict[str, Any]] = {}

    def decode(self, hint: Any, value: Any) -> Any:
        if value is None:
            return None
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            if any(argument in _KEY_TYPES for argument in arguments):
                return self._keys[value]
            return self.decode(next(a for a in arguments if a is not type(None)), value)
        if origin in (list, set):
            return origin(self.decode(arguments[0], item) for item in value)
        if origin is tuple:
            return tuple(self.decode(arguments[0], item) for item in value)
        if origin is dict:
            return {key: self.decode(arguments[1], item) for key, item in value.items()}
        if hint is x509.Certificate:
            return self._certificates[value]
        if dataclasses.is_dataclass(hint):
            return self._object(hint, value)
        if hint is datetime:
            return datetime.fromisoformat(value)
        if hint is uuid.UUID:
            return uuid.UUID(value)
        return base64.b64decode(value) if hint is bytes else value

    def _object(self, kind: Any, value: dict[str, Any]) -> Any:
        if kind not in self._hints:
            self._hints[kind] = typing.get_type_hints(kind)
        hints = self._hints[kind]
        return kind(
            **{
                field.name: self.decode(hints[field.name], value[field.name])
                for field in dataclasses.fields(kind)
                if field.name in value
            }
        )
