# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which documented error is it that was reported, and which causes does it have?

Data, and one function that recognizes. The first symptom that fits is the one: the more specific
precede the less specific.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.reported_error import (
    ReportedError,
    read_reported_error,
)

_INBOUND = (
    "receive_connector_certificate_not_found",
    "tls_certificate_name_malformed",
    "private_key_unusable",
    "chain_incomplete",
    "starttls_not_in_auth_mechanism",
    "smtp_not_enabled",
    "certificate_expired",
    "certificate_invalid",
    "certificate_not_loaded",
    "something_else_answers",
    "port_closed",
)
_OUTBOUND_CERTIFICATE = (
    "send_connector_certificate_not_found",
    "tls_certificate_name_malformed",
    "private_key_unusable",
    "smtp_not_enabled",
    "certificate_expired",
    "certificate_invalid",
    "chain_incomplete",
    "client_certificate_refused",
    "messages_wait_for_retry",
)
_CLOUD = (
    "cloud_connector_without_certificate",
    "cloud_mail_not_enabled",
    "certificate_name_not_accepted",
    *_OUTBOUND_CERTIFICATE,
)


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """A documented error, how it is recognized, and the causes that are documented for it."""

    name: str
    title: str
    causes: tuple[str, ...]
    pattern: str = ""
    # "454 4.7.5" is this pair only, since an enhanced code means other things behind other basic
    # codes (535 5.7.3 is a wrong password); "4.4.1" is meant behind every basic code.
    codes: tuple[str, ...] = ()
    events: tuple[int, ...] = ()
    # What it means when it is the last error of one of our own queues.
    queue_cause: str = ""

    def fits(self, error: ReportedError) -> bool:
        """Whether this is what was reported."""
        if error.event is not None and error.event in self.events:
            return True
        if self.pattern and re.search(self.pattern, error.text, re.IGNORECASE):
            return True
        return any(_is_code(code, error) for code in self.codes)


SYMPTOMS = (
    Symptom(
        name="event_12012",
        title="Event 12012: the thumbprint of the internal transport certificate is unreadable",
        events=(12012,),
        causes=("internal_transport_certificate_unreadable",),
    ),
    Symptom(
        name="event_12013",
        title="Event 12013: the internal transport certificate is not in the store",
        events=(12013,),
        causes=("internal_transport_certificate_missing", "private_key_unusable"),
    ),
    Symptom(
        name="event_12014",
        title="Event 12014: no certificate contains the name that a connector goes by",
        events=(12014,),
        pattern=r"could not find a certificate that contains the domain name",
        causes=(
            "receive_connector_certificate_not_found",
            "send_connector_certificate_not_found",
            "tls_certificate_name_malformed",
            "private_key_unusable",
        ),
    ),
    Symptom(
        name="event_12015",
        title="Event 12015: the internal transport certificate has expired",
        events=(12015,),
        causes=("internal_transport_certificate_expired",),
    ),
    Symptom(
        name="event_12016",
        title="Event 12016: the certificate for STARTTLS has expired",
        events=(12016,),
        causes=("certificate_expired", "certificate_not_loaded"),
    ),
    Symptom(
        name="certificate_expired",
        title="450 4.4.317: the other side was shown an expired certificate",
        pattern=r"CertificateExpired",
        causes=("certificate_expired", "certificate_not_loaded", "something_else_answers"),
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="subject_mismatch",
        title="450 4.4.317: the other side was shown a certificate with another name",
        pattern=r"SubjectMismatch",
        causes=(
            "presented_certificate_has_other_names",
            "receive_connector_certificate_not_found",
            "tls_certificate_name_malformed",
            "private_key_unusable",
            "certificate_not_loaded",
            "something_else_answers",
        ),
    ),
    Symptom(
        name="send_connector_certificate",
        title="454 4.7.5: the certificate of the Send connector was not found, or not accepted",
        codes=("454 4.7.5",),
        pattern=r"specified in TlsCertificateName of the SendConnector could not be found",
        causes=_OUTBOUND_CERTIFICATE,
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="untrusted_root",
        title="454 4.7.0 UntrustedRoot: a chain does not end at a trusted root",
        pattern=r"UntrustedRoot",
        causes=("peer_not_trusted", "chain_incomplete", "something_else_answers"),
        queue_cause="peer_not_trusted",
    ),
    Symptom(
        name="temporary_authentication_failure",
        title="454 4.7.0: Exchange servers cannot authenticate to each other",
        pattern=r"Temporary authentication failure",
        causes=("clocks_differ", "servers_cannot_authenticate"),
        queue_cause="servers_cannot_authenticate",
    ),
    Symptom(
        name="no_credentials",
        title="TLS negotiation failed with NoCredentials: no usable private key",
        pattern=r"(?<!\w)NoCredentials",
        causes=("private_key_unusable", "smtp_not_enabled"),
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="unknown_credentials",
        title="TLS negotiation failed with UnknownCredentials: not enabled for SMTP, or refused",
        pattern=r"UnknownCredentials",
        causes=("smtp_not_enabled", *_OUTBOUND_CERTIFICATE),
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="tls_negotiation_failed",
        title="454 4.7.0: the TLS channel could not be established",
        codes=("454 4.7.0",),
        pattern=r"TLS negotiation failed|establish appropriate TLS channel",
        causes=tuple(
            dict.fromkeys(
                (
                    *_INBOUND,
                    *_OUTBOUND_CERTIFICATE,
                    "peer_not_trusted",
                    "clocks_differ",
                    "servers_cannot_authenticate",
                )
            )
        ),
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="relay_access_denied",
        title="550 5.7.64, 5.7.51: Exchange Online does not know whose mail it is",
        codes=("5.7.64", "5.7.51"),
        pattern=r"ATTR36|TenantInboundAttribution",
        causes=_CLOUD,
        queue_cause="client_certificate_refused",
    ),
    Symptom(
        name="starttls_required",
        title="451 5.7.3: STARTTLS is required, and not offered",
        codes=("451 5.7.3",),
        pattern=r"STARTTLS is required",
        causes=(*_INBOUND, "peer_offers_no_starttls"),
        queue_cause="peer_offers_no_starttls",
    ),
    Symptom(
        name="connection_failed",
        title="450 4.4.101, 4.4.317, 421 4.4.1: no connection, or none with TLS",
        codes=("4.4.101", "4.4.317", "4.4.1"),
        causes=_INBOUND,
    ),
)


def find_symptom(error: ReportedError) -> Symptom | None:
    """Return the documented error that was reported, or None."""
    return next((symptom for symptom in SYMPTOMS if symptom.fits(error)), None)


def symptom_of_text(text: str) -> Symptom | None:
    """Return the documented error that a text reports, or None."""
    return find_symptom(read_reported_error(text))


def _is_code(wanted: str, error: ReportedError) -> bool:
    *basic, enhanced = wanted.split()
    # Of several wrapped codes only the innermost says what happened.
    if error.enhanced_code != enhanced:
        return False
    return not basic or error.code is None or error.code == int(basic[0])
