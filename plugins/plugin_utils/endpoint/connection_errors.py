# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a session cannot be had, and what to do about it, in one line.

The libraries raise some thirty kinds of exceptions for the dozen things that go wrong in practice.
They are distinguished by type and code wherever there is one; text decides only where a server or
library gives nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.kerberos_errors import (
    kerberos_reason,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
    WindowsEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
    MissingLibrary,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_errors import (
    tls_reason,
)

EndpointSettings = ExchangeEndpointSettings | WindowsEndpointSettings

FAULT_RESOURCE_URI_UNKNOWN = 2150858811
FAULT_ACCESS_DENIED = 5
FAULT_SHELLS_PER_USER = 2150859174
FAULT_CONTENT_TYPE = 2150859193
_LONGEST_SERVER_TEXT = 300

# Of shell_transport and runspace_pool, which cannot be imported without the libraries.
_OWN_TROUBLES = ("AnswerLost", "NotSent", "NotAuthenticated", "ShellNotFound", "PoolBroken")


@dataclass(frozen=True)
class Reason:
    """A machine word for the cause, and the sentence that goes behind the endpoint's address."""

    word: str
    sentence: str


def explain(
    error: BaseException, settings: EndpointSettings, *, lost_during: str | None = None
) -> ExchangeError:
    """The error to raise instead of a library's exception.

    Args:
        error: What the library raised; its causes are looked at too.
        settings: The endpoint that was dialled.
        lost_during: The cmdlets that ran or were to run, where a session was open before.
    """
    chain = list(_chain(error))
    for member in chain:
        if isinstance(member, ExchangeError):
            return member
    details: dict[str, object] = {"server": settings.host, "url": settings.url}
    missing = _missing_library(chain, settings)
    if missing is not None:
        return MissingLibrary(missing, details={**details, "reason": "library_missing"})
    reason = _reason(chain, settings)
    what = (
        f"The session on {settings.url} was lost during {lost_during}"
        if lost_during
        else f"Cannot open a session on {settings.url}"
    )
    return EndpointUnreachable(
        f"{what}: {reason.sentence}",
        details={**details, "reason": reason.word},
    )


def is_connection_trouble(error: BaseException) -> bool:
    """Whether an exception belongs to the libraries that carry the session (and is none of our own
    bugs)."""
    roots = {type(member).__module__.partition(".")[0] for member in _chain(error)}
    known = {"requests", "urllib3", "pypsrp", "spnego", "krb5", "gssapi", "winrm", "ssl", "socket"}
    return (
        bool(roots & known)
        or isinstance(error, (OSError, ImportError))
        or type(error).__name__ in _OWN_TROUBLES
    )


def _reason(chain: list[BaseException], settings: EndpointSettings) -> Reason:
    steps = (_tls, _fault, _kerberos, _http_status, _login, _network)
    for step in steps:
        reason = step(chain, settings)
        if reason is not None:
            return reason
    first = chain[0]
    return Reason(
        "unknown", f"{type(first).__name__}: {_short(str(first)) or 'no further information'}"
    )


# --- what the server says in a WSMan fault
# ---------------------------------------------------------------------------

_THROTTLED = re.compile(
    r"maximum number of \d+ concurrent shells|exceeded the maximum number of connections|"
    r"load quota of|"
    r"quota .{0,60}has been exceeded|Send future requests at a slower rate",
    re.IGNORECASE,
)
_NO_ROLES = re.compile("assigned to any management roles", re.IGNORECASE)


def _fault(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    fault = next((m for m in chain if type(m).__name__ in ("WSManFaultError", "PoolBroken")), None)
    if fault is None:
        return None
    code = _fault_code(fault)
    text = _fault_text(fault)
    if code == FAULT_RESOURCE_URI_UNKNOWN and isinstance(settings, ExchangeEndpointSettings):
        return Reason(
            "wrong_endpoint",
            "this is Windows' own WinRM service, not Exchange's (it does not know "
            "Microsoft.Exchange). Dial port 80 "
            "or 443 of an Exchange server with the path PowerShell/",
        )
    if _THROTTLED.search(text) or code == FAULT_SHELLS_PER_USER:
        return Reason(
            "throttled",
            "the account has too many sessions or requests under way (throttling policy). Run with "
            "fewer forks, wait "
            "for other jobs of this account, or raise its PowerShellMaxConcurrency. The server "
            f"says: {_short(text)}",
        )
    if _NO_ROLES.search(text):
        return Reason(
            "no_roles",
            f"{_account(settings)} is in no management role group of Exchange. Add it to one that "
            "holds the cmdlets "
            "needed, such as Organization Management",
        )
    if code == FAULT_ACCESS_DENIED or "AuthZ-" in text or "access is denied" in text.lower():
        return Reason(
            "access_denied",
            f"the server refuses a session to {_account(settings)}. Check its role groups and that "
            "remote PowerShell is "
            f"enabled for it. The server says: {_short(text)}",
        )
    if code == FAULT_CONTENT_TYPE:
        return Reason(
            "wrong_endpoint",
            "the answer does not come from a working PowerShell directory. Check the modules WSMan "
            "and kerbauth of the "
            "PowerShell directory in IIS",
        )
    answer = f"fault {code}" if code is not None else "the end of the session"
    return Reason("fault", f"the server answers with {answer}: {_short(text)}")


def _fault_code(fault: BaseException) -> int | None:
    for name in ("wsman_fault_code", "code"):
        value = getattr(fault, name, None)
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return None


def _fault_text(fault: BaseException) -> str:
    parts = [
        getattr(fault, name, None)
        for name in ("reason", "provider_fault", "fault_reason", "fault_detail", "wmierror_message")
    ]
    texts = [part for part in parts if isinstance(part, str) and part.strip()]
    return " ".join(dict.fromkeys(texts)) or str(fault)


# --- TLS and Kerberos -----------------------------------------------------------------------------
# -------------------


def _tls(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    found = tls_reason(
        chain, host=settings.host, port=settings.port, ca_option=_option(settings, "ca_file")
    )
    return Reason(*found) if found is not None else None


def _kerberos(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    found = kerberos_reason(
        chain,
        user_name=settings.user_name,
        service=settings.service,
        host=settings.service_host_name or settings.host,
    )
    return Reason(*found) if found is not None else None


# --- HTTP -----------------------------------------------------------------------------------------
# -------------------


def _http_status(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    status = next((code for code in map(_status_of, chain) if code is not None), None)
    if status is None:
        return None
    if status == 401:
        return _login_refused(settings)
    if status == 403:
        if settings.scheme == "http":
            return Reason(
                "require_ssl",
                "the server answers 403. The directory demands TLS (Require SSL): use scheme "
                "https, or switch the demand "
                "off on the front-end PowerShell directory",
            )
        return Reason(
            "forbidden",
            f"the server answers 403 to {_account(settings)}. Check IP restrictions of the "
            "PowerShell directory and that "
            "remote PowerShell is enabled for the account",
        )
    if status == 404:
        return Reason(
            "wrong_path",
            f"there is nothing under the path {settings.path} (404). " + _usual_path(settings),
        )
    if status == 400:
        return Reason(
            "message_encryption",
            "the server cannot read the encrypted request (400). Check the path, and that no proxy "
            "stands between",
        )
    if status == 413:
        return Reason("too_large", "the server refuses the size of the request (413)")
    if status in (502, 503, 504):
        return Reason(
            "unavailable",
            f"the server answers {status}. The application pool of the PowerShell directory may be "
            "stopped, or a load "
            "balancer has no server to offer: dial the server by its own name",
        )
    return Reason("http_status", f"the server answers with HTTP status {status}")


def _status_of(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    if type(error).__name__ in ("WinRMTransportError", "InvalidCredentialsError"):
        return code if isinstance(code, int) else 401
    return None


# --- login ----------------------------------------------------------------------------------------
# -------------------


def _login(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    for error in chain:
        name = type(error).__name__
        text = str(error)
        if name == "AuthenticationError":
            if "did not response with one of" in text:
                offered = text.rpartition("actual:")[2].strip(" '")
                return Reason(
                    "authentication_not_offered",
                    f"the server does not offer {settings.authentication} here (it offers: "
                    f"{_short(offered) or 'nothing'}). "
                    f"Choose another {_option(settings, 'auth')}",
                )
            return _login_refused(settings)
        if name == "ValueError" and "incompatible with the specified auth_provider" in text:
            return Reason(
                "authentication_not_offered",
                f"the server does not offer {settings.authentication} here. Choose another "
                f"{_option(settings, 'auth')}",
            )
        if name == "KeyError" and settings.scheme == "http":
            return Reason(
                "no_authentication",
                "the server asks for no login, so messages cannot be encrypted. This is no "
                "PowerShell directory of "
                "Exchange, or anonymous access is switched on there",
            )
        if type(error).__module__.startswith("spnego"):
            return Reason("login", f"the login could not be prepared: {_short(text)}")
        if name in ("WinRMError", "ParseError"):
            return Reason(
                "wrong_endpoint",
                "the answer is not one of a PowerShell directory. Check host, port and path",
            )
    return None


def _login_refused(settings: EndpointSettings) -> Reason:
    hint = {
        "kerberos": f"Check that {settings.host} is the server's own name and has the service "
        "principal "
        f"{settings.service}/{settings.service_host_name or settings.host}, and compare the clocks",
        "basic": "Check user name and password, and that Basic authentication is enabled on the "
        "PowerShell directory",
    }.get(settings.authentication, "Check user name and password (DOMAIN\\user or user@domain)")
    return Reason(
        "login_refused",
        f"the server refuses the login of {_account(settings)} with {settings.authentication} "
        f"(401). {hint}",
    )


# --- network --------------------------------------------------------------------------------------
# -------------------


def _network(chain: list[BaseException], settings: EndpointSettings) -> Reason | None:
    text = " ".join(str(member) for member in chain)
    names = {type(member).__name__ for member in chain}
    if "TooManyRedirects" in names:
        return Reason(
            "wrong_path",
            f"the server redirects the path {settings.path} elsewhere, as it does for web pages. "
            + _usual_path(settings),
        )
    where = f"{settings.host} port {settings.port}"
    if names & {"NameResolutionError", "gaierror"} or "Name or service not known" in text:
        return Reason(
            "name_unknown",
            f"the name {settings.host} is unknown. Check its spelling and this machine's DNS",
        )
    if "ConnectionRefusedError" in names or "Connection refused" in text:
        return Reason(
            "connection_refused",
            f"{where} refuses the connection. Check the port, the service behind it and firewalls",
        )
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return Reason(
            "timed_out", f"{where} does not answer. Check the name, routing and firewalls"
        )
    if names & {"ReadTimeout", "ReadTimeoutError", "TimeoutError"}:
        return Reason(
            "timed_out",
            f"{where} took the request but did not answer in time. A cold application pool may "
            "need a second try; else "
            f"raise {_option(settings, 'read_timeout')}",
        )
    if "No route to host" in text or "Network is unreachable" in text:
        return Reason("no_route", f"there is no route to {where}. Check routing and firewalls")
    if names & {"ConnectionError", "ProtocolError", "RemoteDisconnected", "ConnectionResetError"}:
        return Reason(
            "connection_lost",
            f"{where} closed the connection without an answer. Check that scheme {settings.scheme} "
            "fits the port",
        )
    if names & {"AnswerLost"}:
        return Reason("connection_lost", f"contact with {where} was lost before an answer came")
    if names & {"ShellNotFound"}:
        return Reason("session_gone", "the server does not know it any more, as after a restart")
    return None


# --- helpers --------------------------------------------------------------------------------------


def _missing_library(chain: list[BaseException], settings: EndpointSettings) -> str | None:
    error = next((m for m in chain if isinstance(m, ImportError)), None)
    if error is None and any("kerberos" in str(m) and "not installed" in str(m) for m in chain):
        error = ImportError("kerberos")
    if error is None:
        return None
    text = str(error)
    if any(word in text.lower() for word in ("gssapi", "krb5", "kerberos")):
        return (
            "Kerberos needs a Python library that is missing or broken on the control node "
            f"({_short(text)}). Install it with: pip install 'pypsrp[kerberos]' "
            "(needs the Kerberos development files and a C compiler), or choose another "
            f"{_option(settings, 'auth')}"
        )
    return MissingLibrary.named(_short(str(getattr(error, "name", None) or text))).message


def _usual_path(settings: EndpointSettings) -> str:
    if isinstance(settings, ExchangeEndpointSettings):
        return "Exchange's is PowerShell/"
    return "WinRM's is wsman"


def _account(settings: EndpointSettings) -> str:
    return settings.user_name or "the owner of the Kerberos ticket"


def _option(settings: EndpointSettings, name: str) -> str:
    prefix = (
        "ansible_exchange_"
        if isinstance(settings, ExchangeEndpointSettings)
        else "ansible_exchange_winrm_"
    )
    return prefix + name


def _short(text: str) -> str:
    folded = " ".join(text.split())
    if len(folded) > _LONGEST_SERVER_TEXT:
        folded = folded[:_LONGEST_SERVER_TEXT].rstrip() + "..."
    return folded.rstrip(".")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, its causes, and the ones that libraries hide in arguments; each once."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [
            current.__cause__,
            None if current.__suppress_context__ else current.__context__,
            getattr(current, "base_error", None),
            getattr(current, "reason", None),
            *current.args,
        ]
