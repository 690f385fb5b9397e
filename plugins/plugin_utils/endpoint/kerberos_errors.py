# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Kerberos library means by its error codes, as a sentence for a mail administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

# MIT Kerberos numbers its errors from this base (krb5.h); the offsets below it are RFC 4120's
# protocol errors.
_BASE = -1765328384


@dataclass(frozen=True)
class _Names:
    user: str
    realm: str
    principal: str


_Sentence = Callable[[_Names], str]

_MEANINGS: dict[int, tuple[str, _Sentence]] = {
    _BASE + 6: (
        "kerberos_user_unknown",
        lambda n: (
            f"the domain does not know the account {n.user}. Write it as user@REALM, the realm in "
            "capitals"
        ),
    ),
    _BASE + 7: (
        "kerberos_service_unknown",
        lambda n: (
            f"the domain knows no service {n.principal}. Dial the server by its own full name, or "
            "set the service "
            "principal's host name"
        ),
    ),
    _BASE + 12: (
        "login_refused",
        lambda n: (
            f"the domain's policy refuses a ticket to {n.user} (log-on hours or workstations)"
        ),
    ),
    _BASE + 14: (
        "kerberos_encryption_type",
        lambda n: (
            "client and domain have no Kerberos encryption type in common. Allow AES for the "
            "account and in krb5.conf"
        ),
    ),
    _BASE + 18: (
        "login_refused",
        lambda n: f"the account {n.user} is disabled, locked or expired",
    ),
    _BASE + 23: (
        "kerberos_password_expired",
        lambda n: f"the password of {n.user} has expired and must be changed first",
    ),
    _BASE + 24: (
        "login_refused",
        lambda n: f"the domain refuses the password of {n.user}",
    ),
    _BASE + 31: (
        "login_refused",
        lambda n: f"the domain refuses the password of {n.user}",
    ),
    _BASE + 32: (
        "kerberos_ticket_expired",
        lambda n: "the Kerberos ticket has expired. Run kinit again, or give a password",
    ),
    _BASE + 33: (
        "kerberos_clock_skew",
        lambda n: (
            "the ticket is not valid yet: the clocks of this machine and the domain differ. "
            "Synchronise them"
        ),
    ),
    _BASE + 37: (
        "kerberos_clock_skew",
        lambda n: (
            "the clocks of this machine and the domain differ by more than five minutes. "
            "Synchronise them"
        ),
    ),
    _BASE + 41: (
        "kerberos_wrong_key",
        lambda n: (
            f"the server cannot read a ticket for {n.principal}: the name belongs to another "
            "machine or account. "
            "Dial the server by its own full name"
        ),
    ),
    _BASE + 154: (
        "kerberos_realm_unknown",
        lambda n: (
            f"no domain controller is known for the realm {n.realm}. Write the realm in capitals "
            "and check "
            "krb5.conf or this machine's DNS"
        ),
    ),
    _BASE + 156: (
        "kerberos_kdc_unreachable",
        lambda n: (
            f"no domain controller of the realm {n.realm} answers. Check DNS and the firewall "
            "(port 88)"
        ),
    ),
    _BASE + 224: (
        "kerberos_realm_unknown",
        lambda n: (
            "this machine has no default Kerberos realm. Write the user as user@REALM, or set "
            "default_realm in "
            "krb5.conf"
        ),
    ),
}
_NO_TICKET = (_BASE + 141, _BASE + 195)


def kerberos_reason(
    chain: Iterable[BaseException], *, user_name: str | None, service: str, host: str
) -> tuple[str, str] | None:
    """A machine word and a sentence for the first Kerberos error of a chain, None when there is
    none."""
    names = _Names(
        user=user_name or "the ticket's owner",
        realm=(user_name or "").rpartition("@")[2] or "(none)",
        principal=f"{service}/{host}",
    )
    unnamed: str | None = None
    for error in chain:
        for code in _codes(error):
            if code in _NO_TICKET:
                return "kerberos_no_ticket", _no_ticket(user_name)
            meaning = _MEANINGS.get(code)
            if meaning is not None:
                return meaning[0], meaning[1](names)
        if _is_missing_ticket(error):
            return "kerberos_no_ticket", _no_ticket(user_name)
        if _is_kerberos(error):
            unnamed = unnamed or " ".join(str(error).split())
    return None if unnamed is None else ("kerberos", f"Kerberos failed: {unnamed}")


def _is_kerberos(error: BaseException) -> bool:
    return (
        type(error).__module__.partition(".")[0] in ("krb5", "gssapi")
        or type(error).__name__ == "KerberosExchangeError"
    )


def _no_ticket(user_name: str | None) -> str:
    if user_name is None:
        return "there is no Kerberos ticket. Give user and password, or run kinit first"
    return f"there is no Kerberos ticket for {user_name}. Give its password, or run kinit first"


def _is_missing_ticket(error: BaseException) -> bool:
    if type(error).__name__ in ("NoCredentialError", "MissingCredentialsError"):
        return True
    text = str(error)
    return any(
        words in text
        for words in (
            "No Kerberos credentials available",
            "No credentials were supplied",
            "No username or password was specified and the credential cache",
            "No credentials cache found",
        )
    )


def _codes(error: BaseException) -> Iterable[int]:
    for name in ("err_code", "min_code"):
        code = getattr(error, name, None)
        if isinstance(code, int):
            # gssapi shows minor codes without their sign.
            yield code - 2**32 if code >= 2**31 else code
    for argument in error.args:
        # pykerberos: ((major text, major code), (minor text, minor code))
        if isinstance(argument, tuple) and len(argument) == 2 and isinstance(argument[1], int):
            yield argument[1] - 2**32 if argument[1] >= 2**31 else argument[1]
