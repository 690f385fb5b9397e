# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a message handed to an SMTP server, and what was shown on the way?

The client is the standard library's. What the peer presents in the TLS handshake is kept; whether
it has to be trusted is up to the caller.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.message import EmailMessage

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import ExchangeError

STARTTLS, IF_OFFERED, TLS, NEVER = "starttls", "if_offered", "tls", "none"


class MailRefused(ExchangeError):
    """The message was not taken; ``stage`` says at which point of the dialogue."""

    def __init__(self, message: str, *, stage: str, reply: str = "") -> None:
        super().__init__(message, details={"stage": stage, "reply": reply})
        self.stage = stage
        self.reply = reply


@dataclass(frozen=True, kw_only=True)
class Submission:
    """How a message was handed over."""

    reply: str
    seconds: float
    tls_version: str | None = None
    # DER of the certificate that was presented; None without TLS.
    certificate: bytes | None = None

    @property
    def thumbprint(self) -> str | None:
        """SHA-1 of the certificate, as Windows writes it."""
        if self.certificate is None:
            return None
        return hashlib.sha1(self.certificate, usedforsecurity=False).hexdigest().upper()


def looking_context() -> ssl.SSLContext:
    """A context that takes any certificate: what is presented is what is asked about."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def submit(
    message: EmailMessage,
    *,
    host: str,
    port: int,
    sender: str,
    recipients: list[str],
    security: str,
    context: ssl.SSLContext,
    user: str | None = None,
    password: str | None = None,
    helo_name: str | None = None,
    timeout: float = 30,
) -> Submission:
    """Hand one message over.

    Args:
        security: STARTTLS, IF_OFFERED, TLS (from the first byte) or NEVER.
        context: decides whether the peer's certificate has to be trusted.
        user: to log in with; never without TLS.
        timeout: seconds for the connection and for each answer.

    Raises:
        MailRefused: with a sentence that says at which point and what to do.
    """
    peer = f"{host}:{port}"
    began = time.monotonic()
    client: smtplib.SMTP | None = None
    try:
        client = _connect(host, port, security, context, helo_name, timeout, peer)
        _encrypt(client, security, context, peer)
        version, certificate = _presented(client)
        if user:
            _log_in(client, user, password or "", encrypted=certificate is not None, peer=peer)
        reply = _hand_over(client, message, sender, recipients, peer)
    except (smtplib.SMTPException, OSError) as error:
        raise MailRefused(
            f"{peer} broke off: {_reason(error)}. Look whether the service runs and lets this "
            "address in.",
            stage="connection",
        ) from error
    finally:
        if client is not None:
            client.close()
    return Submission(
        reply=reply,
        seconds=round(time.monotonic() - began, 2),
        tls_version=version,
        certificate=certificate,
    )


def _connect(
    host: str,
    port: int,
    security: str,
    context: ssl.SSLContext,
    helo_name: str | None,
    timeout: float,
    peer: str,
) -> smtplib.SMTP:
    try:
        client: smtplib.SMTP
        if security == TLS:
            client = smtplib.SMTP_SSL(
                host, port, local_hostname=helo_name, timeout=timeout, context=context
            )
        else:
            client = smtplib.SMTP(host, port, local_hostname=helo_name, timeout=timeout)
    except smtplib.SMTPConnectError as error:
        raise MailRefused(
            f"{peer} greets with '{_reply(error)}': the service is starting, paused, or refuses "
            "this address.",
            stage="greeting",
            reply=_reply(error),
        ) from error
    except ssl.SSLError as error:
        raise _handshake_failed(peer, error) from error
    except OSError as error:
        raise MailRefused(
            f"{peer} cannot be reached: {_reason(error)}. Look whether the service runs, and "
            "whether a firewall is in between.",
            stage="connection",
        ) from error
    client.ehlo_or_helo_if_needed()
    return client


def _encrypt(client: smtplib.SMTP, security: str, context: ssl.SSLContext, peer: str) -> None:
    if security in (TLS, NEVER):
        return
    if not client.has_extn("starttls"):
        if security == IF_OFFERED:
            return
        raise MailRefused(
            f"{peer} does not offer STARTTLS. On Exchange that means: AuthMechanism of the "
            "connector lacks Tls, or its TlsCertificateName matches no certificate that is enabled "
            "for SMTP (event 12014).",
            stage="starttls",
        )
    try:
        code, reply = client.starttls(context=context)
    except ssl.SSLError as error:
        raise _handshake_failed(peer, error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailRefused(
            f"{peer} broke off the TLS handshake: {_reason(error)}. The certificate that it chose "
            "may not be enabled for SMTP, or its key cannot be read.",
            stage="handshake",
        ) from error
    if code != 220:
        raise MailRefused(
            f"{peer} offers STARTTLS and answers {code} {_text(reply)} to it.",
            stage="starttls",
            reply=f"{code} {_text(reply)}",
        )
    client.ehlo()


def _presented(client: smtplib.SMTP) -> tuple[str | None, bytes | None]:
    if isinstance(client.sock, ssl.SSLSocket):
        return client.sock.version(), client.sock.getpeercert(binary_form=True)
    return None, None


def _log_in(client: smtplib.SMTP, user: str, password: str, *, encrypted: bool, peer: str) -> None:
    if not encrypted:
        raise MailRefused(
            f"{peer}: no password is sent without TLS. Require TLS, or leave the user out.",
            stage="authentication",
        )
    try:
        client.login(user, password)
    except smtplib.SMTPNotSupportedError as error:
        raise MailRefused(
            f"{peer} offers no login with user and password. On Exchange that takes BasicAuth in "
            "AuthMechanism of the connector, as on Client Frontend (port 587).",
            stage="authentication",
        ) from error
    except smtplib.SMTPResponseException as error:
        # The exception's own text is the server's reply; it holds no password.
        raise MailRefused(
            f"{peer} refuses the login of {user}: {_reply(error)}. Check user and password.",
            stage="authentication",
            reply=_reply(error),
        ) from None
    except smtplib.SMTPException:
        raise MailRefused(
            f"{peer} offers no kind of login that user {user} could use.", stage="authentication"
        ) from None


def _hand_over(
    client: smtplib.SMTP, message: EmailMessage, sender: str, recipients: list[str], peer: str
) -> str:
    code, reply = client.mail(sender)
    if code != 250:
        raise MailRefused(
            f"{peer} refuses the sender {sender}: {code} {_text(reply)}. A connector that takes no "
            "anonymous mail needs user and password.",
            stage="sender",
            reply=f"{code} {_text(reply)}",
        )
    for recipient in recipients:
        code, reply = client.rcpt(recipient)
        if code not in (250, 251):
            raise MailRefused(
                f"{peer} refuses the recipient {recipient}: {code} {_text(reply)}. Mail to a "
                "domain that is not accepted here is only taken from who has logged in, or is "
                "allowed to relay.",
                stage="recipient",
                reply=f"{code} {_text(reply)}",
            )
    code, reply = client.data(message.as_bytes())
    if code != 250:
        raise MailRefused(
            f"{peer} refuses the message: {code} {_text(reply)}.",
            stage="message",
            reply=f"{code} {_text(reply)}",
        )
    client.quit()
    return f"{code} {_text(reply)}"


def _handshake_failed(peer: str, error: ssl.SSLError) -> MailRefused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailRefused(
            f"{peer} presents a certificate that is not trusted: {error.verify_message}.",
            stage="handshake",
        )
    return MailRefused(
        f"The TLS handshake with {peer} failed: {error.reason or 'closed by the peer'}. The "
        "service may have no usable certificate or key, or expect another protocol on this port.",
        stage="handshake",
    )


def _reply(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join(text.split())


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the connection was closed"
    return getattr(error, "strerror", None) or type(error).__name__
