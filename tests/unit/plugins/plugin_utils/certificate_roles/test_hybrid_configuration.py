# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hybrid configuration names is read as Exchange keeps it."""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    read_hybrid_configuration,
)
from support import captures
from support.recording_session import RecordingSession, remote

NAME = "<I>CN=Issuing CA<S>CN=mail.contoso.com"


def test_hybrid_configuration() -> None:
    session = RecordingSession({"Get-HybridConfiguration": [[remote(TlsCertificateName=NAME)], []]})
    first, second = read_hybrid_configuration(session), read_hybrid_configuration(session)
    assert first is not None
    assert first.tls_certificate_name == NAME
    assert second is None


@captures.needs_captures
def test_a_captured_hybrid_configuration() -> None:
    answer = list(captures.read("hybrid-configuration/365labs-GetHybridConfiguration"))
    hybrid = read_hybrid_configuration(RecordingSession({"Get-HybridConfiguration": [answer]}))
    assert hybrid is not None
    assert hybrid.tls_certificate_name == (
        "<I>CN=GeoTrust TLS RSA CA G1, OU=www.digicert.com, O=DigiCert Inc, C=US"
        "<S>CN=mail.contoso.com"
    )
