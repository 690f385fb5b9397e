# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Library exceptions are distinguished by code, whichever library raised them."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from winrm import exceptions as winrm_exceptions

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.connection_errors import (
    explain,
    is_connection_trouble,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
    WindowsEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    InvalidInput,
    MissingLibrary,
)

KERBEROS_BASE = -1765328384
EXCHANGE = ExchangeEndpointSettings(
    host="ex01.contoso.test", user_name="ansible@CONTOSO.TEST", password="geheim"
)
WINDOWS = WindowsEndpointSettings(host="ex01.contoso.test", user_name="a", password="geheim")


class Krb5Error(Exception):
    """Shaped like the one of the library krb5."""

    def __init__(self, code: int) -> None:
        super().__init__("some text of the library")
        self.err_code = code


class GSSError(Exception):
    """Shaped like the one of the library gssapi, whose minor codes have no sign."""

    def __init__(self, code: int) -> None:
        super().__init__("some text of the library")
        self.min_code = code % 2**32


class PykerberosError(Exception):
    """Shaped like the one of pykerberos: ((text, major), (text, minor))."""

    def __init__(self, code: int) -> None:
        super().__init__(("major", 851968), ("minor", code))


@pytest.mark.parametrize("kind", [Krb5Error, GSSError, PykerberosError])
@pytest.mark.parametrize(
    ("offset", "reason", "words"),
    [
        (6, "kerberos_user_unknown", "ansible@CONTOSO.TEST"),
        (7, "kerberos_service_unknown", "HTTP/ex01.contoso.test"),
        (12, "login_refused", "policy"),
        (14, "kerberos_encryption_type", "AES"),
        (18, "login_refused", "locked"),
        (23, "kerberos_password_expired", "expired"),
        (24, "login_refused", "password"),
        (31, "login_refused", "password"),
        (32, "kerberos_ticket_expired", "kinit"),
        (33, "kerberos_clock_skew", "clocks"),
        (37, "kerberos_clock_skew", "five minutes"),
        (41, "kerberos_wrong_key", "another machine"),
        (141, "kerberos_no_ticket", "kinit"),
        (154, "kerberos_realm_unknown", "CONTOSO.TEST"),
        (156, "kerberos_kdc_unreachable", "port 88"),
        (195, "kerberos_no_ticket", "kinit"),
        (224, "kerberos_realm_unknown", "user@REALM"),
    ],
)
def test_kerberos_codes(kind: Any, offset: int, reason: str, words: str) -> None:
    wrapped = RuntimeError("the library around it")
    wrapped.__cause__ = kind(KERBEROS_BASE + offset)
    error = explain(wrapped, EXCHANGE)
    assert isinstance(error, EndpointUnreachable)
    assert error.details["reason"] == reason
    assert words in error.message


def fault(code: int | None, reason: str = "", provider: str = "") -> WSManFaultError:
    return WSManFaultError(code, "machine", reason, None, None, provider)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (fault(2150858811, "resource URI"), "wrong_endpoint"),
        (fault(5, "Access is denied."), "access_denied"),
        (
            fault(
                2150859174,
                "This user is allowed a maximum number of 18 concurrent shells, which has been "
                "exceeded.",
            ),
            "throttled",
        ),
        (
            fault(
                1,
                provider="[FailureCategory=AuthZ-AuthorizationException] Fail to create a runspace "
                "because you have exceeded the maximum number of connections allowed : 3",
            ),
            "throttled",
        ),
        (
            fault(1, "The user load quota of 400 requests per 2 seconds has been exceeded."),
            "throttled",
        ),
        (
            fault(1, provider='The user "x" isn\'t assigned to any management roles.'),
            "no_roles",
        ),
        (fault(2150859193, "content type"), "wrong_endpoint"),
        (fault(4711, "something else"), "fault"),
        (AuthenticationError("Failed to authenticate the user x with kerberos"), "login_refused"),
        (WinRMTransportError("http", 401, ""), "login_refused"),
        (WinRMTransportError("http", 403, ""), "require_ssl"),
        (WinRMTransportError("http", 404, "<html>"), "wrong_path"),
        (WinRMTransportError("http", 400, ""), "message_encryption"),
        (WinRMTransportError("http", 503, ""), "unavailable"),
        (requests.exceptions.ReadTimeout("read timed out"), "timed_out"),
        (requests.exceptions.ConnectTimeout("timed out"), "timed_out"),
        (
            requests.exceptions.ConnectionError("[Errno 111] Connection refused"),
            "connection_refused",
        ),
        (requests.exceptions.ConnectionError("[Errno 113] No route to host"), "no_route"),
        (requests.exceptions.TooManyRedirects("Exceeded 0 redirects."), "wrong_path"),
        (
            requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED: certificate has expired"),
            "tls_expired",
        ),
        (
            requests.exceptions.SSLError("certificate is not yet valid"),
            "tls_not_yet_valid",
        ),
        (
            requests.exceptions.SSLError("Hostname mismatch, certificate is not valid for 'x'"),
            "tls_name_mismatch",
        ),
        (
            requests.exceptions.SSLError("unable to get local issuer certificate"),
            "tls_untrusted",
        ),
        (requests.exceptions.SSLError("self-signed certificate in chain"), "tls_untrusted"),
        (
            requests.exceptions.SSLError("[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol"),
            "tls_protocol",
        ),
        (requests.exceptions.SSLError("[SSL] something new"), "tls"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_reasons(error: Exception, reason: str) -> None:
    assert is_connection_trouble(error)
    explained = explain(error, EXCHANGE)
    assert isinstance(explained, EndpointUnreachable)
    assert explained.details["reason"] == reason
    assert explained.message.startswith("Cannot open a session on http://ex01.contoso.test:80/")
    assert "\n" not in explained.message


def test_pywinrm_s_exceptions_are_understood_too() -> None:
    refused = winrm_exceptions.InvalidCredentialsError("the specified credentials were rejected")
    assert explain(refused, WINDOWS).details["reason"] == "login_refused"
    missing = winrm_exceptions.WinRMTransportError("http", 404, "")
    assert explain(missing, WINDOWS).details["reason"] == "wrong_path"
    assert "WinRM's is wsman" in explain(missing, WINDOWS).message
    denied = winrm_exceptions.WSManFaultError(
        500, "Bad HTTP", "<xml/>", "Access is denied.", wsman_fault_code=5
    )
    assert explain(denied, WINDOWS).details["reason"] == "access_denied"


def test_pywinrm_without_pykerberos_is_a_missing_library() -> None:
    error = winrm_exceptions.WinRMError(
        "requested auth method is kerberos, but pykerberos is not installed"
    )
    assert isinstance(explain(error, WINDOWS), MissingLibrary)


def test_an_error_that_is_already_explained_stays_as_it_is() -> None:
    inner = InvalidInput("the reason")
    outer = RuntimeError("around it")
    outer.__cause__ = inner
    assert explain(outer, EXCHANGE) is inner


def test_long_texts_of_servers_are_cut() -> None:
    message = explain(fault(1, "word " * 500), EXCHANGE).message
    assert len(message) < 600


def test_our_own_mistakes_are_not_called_connection_trouble() -> None:
    assert not is_connection_trouble(AttributeError("bug"))
    assert not is_connection_trouble(AssertionError("bug"))


def test_exceptions_that_contain_each_other_are_looked_at_once() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert explain(first, EXCHANGE).details["reason"] == "unknown"


def test_no_password_in_texts_and_settings() -> None:
    assert "geheim" not in repr(EXCHANGE)
    assert "geheim" not in repr(WINDOWS)
    assert "geheim" not in explain(RuntimeError("x"), EXCHANGE).message
