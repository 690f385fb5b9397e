# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed TLS handshake means, as a sentence; OpenSSL gives its reasons as text only."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST_TEXT = 300

_TLS_TEXTS = (
    (
        re.compile("certificate has expired", re.IGNORECASE),
        "tls_expired",
        "the server's TLS certificate has expired. Renew it there, or dial http with Kerberos "
        "until then; "
        "switching the check off is possible but gives the password to whoever answers",
    ),
    (
        re.compile("certificate is not yet valid", re.IGNORECASE),
        "tls_not_yet_valid",
        "the server's TLS certificate is not valid yet. Compare the clocks of both machines",
    ),
    (
        re.compile(
            "hostname mismatch|ip address mismatch|doesn't match|is not valid for", re.IGNORECASE
        ),
        "tls_name_mismatch",
        "the server's TLS certificate is for another name than {host}. Dial the server by a name "
        "that is in the "
        "certificate",
    ),
    (
        re.compile(
            "self.signed certificate|unable to get (local )?issuer|unable to verify the first",
            re.IGNORECASE,
        ),
        "tls_untrusted",
        "the server's TLS certificate comes from an authority that is not trusted here. Name the "
        "authority's file "
        "in {ca_option}",
    ),
    (
        re.compile("certificate verify failed", re.IGNORECASE),
        "tls_untrusted",
        "the server's TLS certificate was not accepted ({text})",
    ),
    (
        re.compile("wrong version number|http request|unknown protocol", re.IGNORECASE),
        "tls_not_spoken",
        "port {port} does not speak TLS. Use scheme http there, or the port of https",
    ),
    (
        re.compile(
            "unsupported protocol|protocol version|handshake failure|no shared cipher",
            re.IGNORECASE,
        ),
        "tls_protocol",
        "no TLS version or cipher in common ({text}). Enable TLS 1.2 on the server",
    ),
)


def tls_reason(
    chain: Iterable[BaseException], *, host: str, port: int, ca_option: str
) -> tuple[str, str] | None:
    """A machine word and a sentence if the chain of exceptions holds one of TLS, else None."""
    members = list(chain)
    names = {type(member).__name__ for member in members}
    if not names & {"SSLError", "SSLCertVerificationError"}:
        return None
    text = " ".join(str(member) for member in members)
    shown = " ".join(_ssl_reason(text).split())[:_LONGEST_TEXT]
    for pattern, word, sentence in _TLS_TEXTS:
        if pattern.search(text):
            return word, sentence.format(host=host, port=port, ca_option=ca_option, text=shown)
    return "tls", f"the TLS handshake failed ({shown})"


def _ssl_reason(text: str) -> str:
    found = re.search(r"\[SSL[^\]]*\][^('\"]*", text)
    return found.group(0) if found else text
