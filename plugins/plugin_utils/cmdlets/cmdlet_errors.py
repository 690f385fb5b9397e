# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a cmdlet's error mean, and what should be done about it?

Errors are recognised by what no language changes: the cmdlet, the category, the exception type, the
eight hexadecimal digits of the error id, and names of .NET enums inside the text. The documented
English sentences are a second chance only. The server's own words always stay in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
    CmdletFailed,
    OutcomeUnknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR_CODE = re.compile(r"\b([0-9A-Fa-f]{8})(?=,[A-Za-z_][\w.]*$)")


@dataclass(frozen=True, kw_only=True)
class _Remedy:
    """Advice for errors that fit every given mark, or whose text fits ``words``."""

    advice: str
    cmdlet: str = ""
    code: str = ""
    category: str = ""
    exception: str = ""
    words: str = ""

    def fits(self, error: CmdletError) -> bool:
        if self.cmdlet and not _cmdlet_of(error).startswith(self.cmdlet.casefold()):
            return False
        if self.words and re.search(self.words, error.message, re.IGNORECASE):
            return True
        marks = [
            (self.code, error_code(error)),
            (self.category, error.category),
            (self.exception, error.exception_type.rpartition(".")[2]),
        ]
        given = [(mark, found) for mark, found in marks if mark]
        return bool(given) and all(mark.casefold() == found.casefold() for mark, found in given)


_REMEDIES = (
    _Remedy(
        code="DA6D9EA1",
        words="PrivateKeyMissing",
        advice="The server holds this certificate without its private key. Import it as a PFX with "
        "the key, or repair the link on the server with: certutil -repairstore my <serial number>.",
    ),
    _Remedy(
        cmdlet="Import-ExchangeCertificate",
        # The only refusal of an import that mentions a thumbprint, in whatever language, is
        # "A certificate with the thumbprint ... already exists".
        words=r"\b[0-9A-F]{40}\b",
        advice="The certificate is already in the server's store, but Exchange does not show it: "
        "it is there without its private key. On the server, repair it with certutil -repairstore "
        "my <serial number>, or delete it from the computer's Personal store, and run this again.",
    ),
    _Remedy(
        cmdlet="Import-ExchangeCertificate",
        code="A39CF339",
        words="wrong password was specified",
        advice="The file was re-encoded here in the form that all supported Windows versions read "
        "(3DES, SHA-1) with a password of its own, so the password is not wrong. Check that the "
        "server's security policy allows these algorithms, and that nothing changes the data on "
        "the way.",
    ),
    _Remedy(
        cmdlet="Remove-ExchangeCertificate",
        words="tagged with following Send Connectors",
        advice="Point these Send connectors to another certificate first. A renewed certificate "
        "with the same issuer and subject has the same TlsCertificateName; then the old one cannot "
        "be removed until the value has been cleared for a moment, or it stays until it expires.",
    ),
    _Remedy(
        cmdlet="Remove-ExchangeCertificate",
        code="DCA528C3",
        words="internal transport certificate cannot be removed",
        advice="Make another certificate the internal transport certificate first (enable it for "
        "SMTP with internal_transport_certificate: replace).",
    ),
    _Remedy(
        cmdlet="Export-ExchangeCertificate",
        words="isn't exportable|couldn't be exported",
        advice="The private key was imported as not exportable, so no backup can be taken from "
        "this server. Keep the original PFX, or import it again with exportable: true.",
    ),
    _Remedy(
        exception="AddAccessRuleCryptographicException",
        words="AddAccessRule(Cryptographic|UnauthorizedAccess)Exception|Keyset does not exist",
        advice="Exchange may not change the permissions of this private key, because another "
        "program stored it. Remove the certificate and import the PFX through Exchange.",
    ),
    _Remedy(
        exception="AddAccessRuleUnauthorizedAccessException",
        advice="Exchange may not change the permissions of this private key, because another "
        "program stored it. Remove the certificate and import the PFX through Exchange.",
    ),
    _Remedy(
        words=r"0xe0434f4d",
        advice="The session is not a real Exchange session. Check that the connection uses the "
        "configuration Microsoft.Exchange under /PowerShell.",
    ),
    _Remedy(
        words=r"\(reason: \w+\)",
        advice="Exchange finds the certificate unfit for use: look at its status with "
        "exchange_certificate_info (expired, untrusted root, revocation lists not reachable ...).",
    ),
    _Remedy(
        code="71D7F7B0",
        words=r"thumbprint [0-9A-F]{40} was not found",
        advice="The server does not have this certificate. Import it there, or name the server "
        "that has it.",
    ),
    _Remedy(
        cmdlet="Set-SendConnector",
        words="TLSDomain parameter can only be set",
        advice="Set tls_auth_level to DomainValidation together with tls_domain.",
    ),
    _Remedy(
        words="RequiredTls flag should be set to true",
        advice="Set require_tls together with the certificate.",
    ),
)


def error_code(error: CmdletError) -> str:
    """Return the eight hexadecimal digits that identify an Exchange error, or an empty text."""
    match = _ERROR_CODE.search(error.error_id.strip())
    return match.group(1).upper() if match else ""


def advice_for(errors: Iterable[CmdletError]) -> str:
    """Return what to do about the first error that is known, or an empty text."""
    for error in errors:
        for remedy in _REMEDIES:
            if remedy.fits(error):
                return remedy.advice
    return ""


@contextmanager
def explained(doing: str, *, details: Mapping[str, object] | None = None) -> Iterator[None]:
    """Let a cmdlet's failure say what was being done and what to do now.

    Args:
        doing: such as "Enabling certificate 0A1B... for SMTP on EX01".
        details: machine keys to add to those of the error.

    Raises:
        CmdletFailed: of the same class as the original, with the same error records.
        OutcomeUnknown: likewise.
    """
    try:
        yield
    except CmdletFailed as error:
        raise _retold(error, doing, details) from error
    except OutcomeUnknown as error:
        raise OutcomeUnknown(
            f"{doing}: {error.message}", details={**error.details, **(details or {})}
        ) from error


def _retold(error: CmdletFailed, doing: str, details: Mapping[str, object] | None) -> CmdletFailed:
    message = f"{doing} failed: {error.message}"
    advice = advice_for(error.errors)
    if advice:
        message = f"{message.rstrip('. ')}. {advice}"
    merged: dict[str, Any] = {**error.details, **(details or {})}
    return type(error)(message, errors=error.errors, details=merged)


def _cmdlet_of(error: CmdletError) -> str:
    """Return the cmdlet of an error; the activity may be empty on records of remote procedures."""
    if error.cmdlet:
        return error.cmdlet.casefold()
    # ...SystemConfigurationTasks.ImportExchangeCertificate -> import-exchangecertificate
    class_name = error.error_class.rpartition(".")[2]
    verb = re.match(r"[A-Z][a-z]+", class_name)
    return f"{verb.group()}-{class_name[verb.end() :]}".casefold() if verb else ""
