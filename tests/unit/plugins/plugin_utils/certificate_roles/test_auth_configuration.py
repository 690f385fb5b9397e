# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates sign OAuth tokens is read as Exchange keeps it."""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    AuthConfiguration,
    read_auth_configuration,
)
from support import captures
from support.recording_session import RecordingSession, remote


def test_auth_configuration() -> None:
    answer = remote(
        CurrentCertificateThumbprint="ab" * 20,
        PreviousCertificateThumbprint="",
        NextCertificateThumbprint=None,
    )
    session = RecordingSession({"Get-AuthConfig": [[answer], []]})
    assert read_auth_configuration(session) == AuthConfiguration(current="AB" * 20)
    assert read_auth_configuration(session) == AuthConfiguration()


@captures.needs_captures
def test_a_captured_auth_configuration() -> None:
    answer = list(captures.read("auth-config/exlab-GetAuthConfig"))
    session = RecordingSession({"Get-AuthConfig": [answer]})
    assert read_auth_configuration(session) == AuthConfiguration(
        current="2D10A746D6BB8D795F1679AEBD89D5D2AE583CB7"
    )
