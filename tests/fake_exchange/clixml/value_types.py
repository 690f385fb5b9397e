# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do Exchange's own value types look on the wire? One function each, in the captured shapes:
ToString as an administrator would type it, the parts as properties, and the formatter's copy.
Values are constant, so each is built once and kept."""

from __future__ import annotations

from functools import lru_cache

from fake_exchange.clixml.binary_formatter import (
    Member,
    NetObject,
    class_member,
    enum_member,
    serialize,
)
from fake_exchange.clixml.objects import ClrObject, Int64

DATA = "Microsoft.Exchange.Data"
PUBLIC_KEY = "Version=15.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
DATA_LIBRARY = f"{DATA}, {PUBLIC_KEY}"
_COMMON_LIBRARY = (
    f"{DATA}.Common, Version=15.2.1748.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
)
MSCORLIB = "mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"
UNLIMITED = "Unlimited"
KEEP = 4096


def data_member(blob: bytes) -> list[tuple[str, bytes]]:
    """The extended member that holds the formatter's copy."""
    return [("SerializationData", blob)]


def blob_of(class_name: str, *members: Member, library: str = DATA_LIBRARY) -> list:
    """The extended members of an object whose fields are ``members``."""
    return data_member(serialize(NetObject(class_name, library, members)))


def _domain_object(domain: str | None) -> NetObject | None:
    if domain is None:
        return None
    members = (Member("domain", "String", domain), Member("hashCode", "Int32", -1))
    return NetObject(f"{DATA}.SmtpDomain", DATA_LIBRARY, members)


def _domain_with_subdomains(text: str) -> NetObject:
    includes = text.startswith("*")
    domain = text.removeprefix("*.") if text != "*" else None
    return NetObject(
        f"{DATA}.SmtpDomainWithSubdomains",
        DATA_LIBRARY,
        (
            class_member(
                "domain",
                _domain_object(domain),
                type_name=f"{DATA}.SmtpDomain",
                library=DATA_LIBRARY,
            ),
            Member("includeSubdomains", "Boolean", includes),
            Member("hashCode", "Int32", -1),
        ),
    )


@lru_cache(maxsize=KEEP)
def fqdn(name: str | None) -> ClrObject | None:
    """Fqdn of connectors; None stays None."""
    if not name:
        return None
    return ClrObject(
        (f"{DATA}.Fqdn", f"{DATA}.SmtpDomain", "System.Object"),
        to_string=name,
        properties=[("Domain", name)],
        members=blob_of(
            f"{DATA}.Fqdn",
            Member("SmtpDomain+domain", "String", name),
            Member("SmtpDomain+hashCode", "Int32", -1),
        ),
    )


@lru_cache(maxsize=KEEP)
def smtp_domain(name: str | None) -> ClrObject | None:
    if not name:
        return None
    return ClrObject(
        (f"{DATA}.SmtpDomain", "System.Object"),
        to_string=name,
        properties=[("Domain", name)],
        members=blob_of(
            f"{DATA}.SmtpDomain", Member("domain", "String", name), Member("hashCode", "Int32", -1)
        ),
    )


@lru_cache(maxsize=KEEP)
def smtp_domain_with_subdomains(name: str | None) -> ClrObject | None:
    """Domain of a certificate, an accepted domain or TlsDomain; ``*.`` means subdomains too."""
    if not name:
        return None
    return ClrObject(
        (f"{DATA}.SmtpDomainWithSubdomains", "System.Object"),
        to_string=name,
        properties=[
            ("Address", name),
            ("SmtpDomain", name.removeprefix("*.")),
            ("Domain", name.removeprefix("*.")),
            ("IncludeSubDomains", name.startswith("*")),
            ("IsStar", name == "*"),
        ],
        members=data_member(serialize(_domain_with_subdomains(name))),
    )


@lru_cache(maxsize=KEEP)
def auto_discover_domain(name: str) -> ClrObject:
    """Domain of the hybrid configuration; ``autod:`` marks the one for Autodiscover."""
    domain = name.removeprefix("autod:")
    marked = domain != name
    return ClrObject(
        (f"{DATA}.AutoDiscoverSmtpDomain", f"{DATA}.SmtpDomain", "System.Object"),
        to_string=name,
        properties=[("AutoDiscover", marked), ("Domain", domain)],
        members=blob_of(
            f"{DATA}.AutoDiscoverSmtpDomain",
            Member("<AutoDiscover>k__BackingField", "Boolean", marked),
            Member("SmtpDomain+domain", "String", domain),
            Member("SmtpDomain+hashCode", "Int32", -1),
        ),
    )


def split_certificate_name(text: str) -> tuple[str, str]:
    """Issuer and subject of a stored ``<I>..<S>..``; a text without tags is all subject."""
    folded = text.casefold()
    start, middle = folded.find("<i>"), folded.find("<s>")
    if start < 0 or middle < start:
        return "", text
    return text[start + 3 : middle], text[middle + 3 :]


def common_name(subject: str) -> str:
    """The CN value of a subject as .NET prints it, "" if there is none."""
    for part in subject.split(","):
        key, _, value = part.strip().partition("=")
        if key.strip().casefold() == "cn":
            return value.strip().strip('"')
    return ""


@lru_cache(maxsize=KEEP)
def smtp_x509_identifier(text: str | None) -> ClrObject | None:
    """TlsCertificateName. ToString is the stored text, whatever its form."""
    if not text:
        return None
    issuer, subject = split_certificate_name(text)
    name = common_name(subject)
    return ClrObject(
        (f"{DATA}.SmtpX509Identifier", "System.Object"),
        to_string=text,
        properties=[
            ("CertificateSubject", subject),
            ("CertificateIssuer", issuer),
            ("SubjectCommonName", name),
        ],
        members=blob_of(
            f"{DATA}.SmtpX509Identifier",
            Member("<CertificateSubject>k__BackingField", "String", subject),
            Member("<CertificateIssuer>k__BackingField", "String", issuer),
            class_member("<SubjectCommonName>k__BackingField", _domain_with_subdomains(name)),
        ),
    )


def time_span_text(seconds: int) -> str:
    """A duration as `[d.]hh:mm:ss`."""
    days, rest = divmod(seconds, 86400)
    hours, minutes = divmod(rest // 60, 60)
    text = f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}"
    return f"{days}.{text}" if days else text


@lru_cache(maxsize=KEEP)
def enhanced_time_span(seconds: int) -> ClrObject:
    """A duration in whole seconds."""
    ticks = seconds * 10_000_000
    days, rest = divmod(seconds, 86400)
    hours, minutes = divmod(rest // 60, 60)
    return ClrObject(
        (f"{DATA}.EnhancedTimeSpan", "System.ValueType", "System.Object"),
        to_string=time_span_text(seconds),
        properties=[
            ("Days", days),
            ("Hours", hours),
            ("Milliseconds", 0),
            ("Minutes", minutes),
            ("Seconds", seconds % 60),
            ("Ticks", Int64(ticks)),
            # TimeSpan multiplies by the reciprocal, which shows in the last digit.
            ("TotalDays", ticks * (1 / 864_000_000_000)),
            ("TotalHours", ticks * (1 / 36_000_000_000)),
            ("TotalMilliseconds", ticks * 0.0001),
            ("TotalMinutes", ticks * (1 / 600_000_000)),
            ("TotalSeconds", ticks * 1e-07),
            ("Sign", 1 if seconds > 0 else 0),
        ],
        members=blob_of(f"{DATA}.EnhancedTimeSpan", Member("timeSpan", "TimeSpan", ticks)),
    )


@lru_cache(maxsize=KEEP)
def unlimited_int(number: int | None) -> ClrObject:
    """Unlimited<Int32>; None is unlimited."""
    type_name = f"{DATA}.Unlimited`1[[System.Int32, {MSCORLIB}]]"
    limited = [] if number is None else [("Value", number)]
    return ClrObject(
        (type_name, "System.ValueType", "System.Object"),
        to_string=UNLIMITED if number is None else str(number),
        properties=[("IsUnlimited", number is None), *limited],
        members=blob_of(
            type_name,
            Member("limitedValue", "Int32", number or 0),
            Member("isUnlimited", "Boolean", number is None),
        ),
    )


def size_text(size: int) -> str:
    """A number of bytes as ByteQuantifiedSize prints it."""
    for unit, name in ((1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit:
            amount = f"{size / unit:.4g}"
            return f"{amount} {name} ({size:,} bytes)"
    return f"{size} B ({size:,} bytes)"


def _size_object(size: int, *, unit: int = 1, text: str | None = None) -> NetObject:
    quantifier = f"{DATA}.ByteQuantifiedSize+Quantifier"
    number = NetObject(quantifier, DATA_LIBRARY, (Member("value__", "UInt64", unit),), True)
    members = (
        Member("bytes", "UInt64", size),
        class_member("unit", number),
        Member("canonicalForm", "String", text),
    )
    return NetObject(f"{DATA}.ByteQuantifiedSize", DATA_LIBRARY, members, True)


@lru_cache(maxsize=KEEP)
def byte_quantified_size(size: int) -> ClrObject:
    return ClrObject(
        (f"{DATA}.ByteQuantifiedSize", "System.ValueType", "System.Object"),
        to_string=size_text(size),
        members=data_member(serialize(_size_object(size, text=size_text(size)))),
    )


@lru_cache(maxsize=KEEP)
def unlimited_size(size: int | None) -> ClrObject:
    """Unlimited<ByteQuantifiedSize>; its ``Value`` is text."""
    type_name = f"{DATA}.Unlimited`1[[{DATA}.ByteQuantifiedSize, {DATA_LIBRARY}]]"
    limited = [] if size is None else [("Value", size_text(size))]
    return ClrObject(
        (type_name, "System.ValueType", "System.Object"),
        to_string=UNLIMITED if size is None else size_text(size),
        properties=[("IsUnlimited", size is None), *limited],
        members=blob_of(
            type_name,
            class_member("limitedValue", _size_object(size or 0, unit=1024)),
            Member("isUnlimited", "Boolean", size is None),
        ),
    )


@lru_cache(maxsize=KEEP)
def address_space(text: str) -> ClrObject:
    """``smtp:*.contoso.test;1``; type and cost may be left out."""
    kind, colon, rest = text.partition(":")
    if not colon:
        kind, rest = "smtp", text
    address, _, cost = rest.partition(";")
    number = int(cost) if cost.strip().isdigit() else 1
    members = (
        Member("type", "String", kind),
        Member("addressSpace", "String", None),
        class_member("smtpDomainWithSubdomains", _domain_with_subdomains(address)),
        Member("x400Address", "Class", None, f"{DATA}.RoutingX400Address", DATA_LIBRARY),
        Member("cost", "Int32", number),
        Member("isLocal", "Boolean", False),
    )
    return ClrObject(
        (f"{DATA}.AddressSpace", "System.Object"),
        to_string=f"{kind}:{address};{number}",
        properties=[
            ("Address", address),
            ("Type", kind),
            ("Cost", number),
            ("IncludeSubDomains", address.startswith("*")),
            ("Domain", address),
            ("IsSmtpType", kind.casefold() == "smtp"),
            ("IsX400Type", kind.casefold() == "x400"),
            ("X400Address", None),
        ],
        members=blob_of(f"{DATA}.AddressSpace", *members),
    )


@lru_cache(maxsize=KEEP)
def receive_domain_capabilities(text: str) -> ClrObject:
    """``domain:Capability1, Capability2`` of TlsDomainCapabilities."""
    domain, _, capabilities = text.partition(":")
    enumeration = f"{DATA}.SmtpReceiveCapabilities"
    return ClrObject(
        (f"{DATA}.SmtpReceiveDomainCapabilities", "System.Object"),
        to_string=text,
        properties=[
            ("Domain", domain),
            ("Capabilities", capabilities),
            ("SmtpX509Identifier", None),
        ],
        members=blob_of(
            f"{DATA}.SmtpReceiveDomainCapabilities",
            class_member("domain", _domain_with_subdomains(domain)),
            enum_member("capabilities", enumeration, DATA_LIBRARY, 512),
            Member("smtpX509Identifier", "Class", None, f"{DATA}.SmtpX509Identifier", DATA_LIBRARY),
        ),
    )


@lru_cache(maxsize=KEEP)
def protocol_connection_settings(text: str) -> ClrObject:
    """``host:port:TLS`` of POP3 and IMAP4; no capture exists."""
    host, port, *encryption = text.split(":")
    return ClrObject(
        (f"{DATA}.ProtocolConnectionSettings", "System.Object"),
        to_string=text,
        properties=[
            ("Hostname", host),
            ("Port", int(port)),
            ("EncryptionType", encryption[0] if encryption else None),
        ],
    )


@lru_cache(maxsize=KEEP)
def server_version(build: str) -> ClrObject:
    """AdminDisplayVersion of a build like ``15.2.1748.10``."""
    parts = [int(part) for part in build.split(".")]
    names = ("Major", "Minor", "Build", "Revision")
    version = NetObject(
        "System.Version",
        "",
        tuple(Member(f"_{name}", "Int32", part) for name, part in zip(names, parts, strict=True)),
    )
    return ClrObject(
        (f"{DATA}.ServerVersion", "System.Object"),
        to_string=f"Version {parts[0]}.{parts[1]} (Build {parts[2]}.{parts[3]})",
        properties=[
            *zip(names, parts, strict=True),
            ("FilePatchLevelDescription", None),
        ],
        members=blob_of(
            f"{DATA}.ServerVersion",
            class_member("version", version, system=True),
            Member("filePatchLevelDescription", "String", None),
        ),
    )


@lru_cache(maxsize=KEEP)
def local_long_full_path(path: str) -> ClrObject:
    return ClrObject(
        (f"{DATA}.LocalLongFullPath", f"{DATA}.LongPath", "System.Object"),
        to_string=path,
        properties=[
            ("PathName", path),
            ("IsLocalFull", True),
            ("IsUnc", False),
            ("DriveName", path[:2]),
        ],
        members=blob_of(
            f"{DATA}.LocalLongFullPath",
            Member("LongPath+pathName", "String", path),
            Member("LongPath+isValid", "Boolean", True),
            Member("LongPath+isLocalFull", "Boolean", True),
            Member("LongPath+isUnc", "Boolean", False),
            Member("LongPath+driveName", "String", path[:2]),
            Member("LongPath+serverName", "String", None),
            library=_COMMON_LIBRARY,
        ),
    )
