# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a reported text say, and what do certificates and ports speak for?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.certificate_choice import (  # noqa: E501
    judge_choice,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.causes import BY_NAME
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import Check, failed
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.connector_checks import (
    CertificatesOfServer,
    check_internal_transport,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.port_checks import (
    PortView,
    judge_failure,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.queue_checks import (
    check_queues,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.reported_error import (
    read_reported_error,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.symptoms import (
    SYMPTOMS,
    symptom_of_text,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.starttls_dialogue import (
    StartTlsNotOffered,
    TlsHandshakeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    TransportQueue,
)

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
SOUND = ExchangeCertificate(
    thumbprint="A" * 40,
    issuer="CN=CA",
    subject="CN=mail.contoso.test",
    dns_names=("mail.contoso.test",),
    not_before=NOW - timedelta(days=10),
    not_after=NOW + timedelta(days=10),
    services=frozenset({"SMTP"}),
    status="Valid",
    self_signed=False,
)
SERVER = CertificatesOfServer(server="EX01", certificates=[SOUND], in_windows=[], now=NOW)
CONNECTOR = ReceiveConnector(
    name="Default", fqdn="mail.contoso.test", auth_mechanism=frozenset({"Tls"})
)


def test_the_innermost_code_and_the_host_are_read_out_of_a_wrapped_text() -> None:
    error = read_reported_error(
        "450 4.4.317 Cannot connect\n [Message=451 5.7.3 STARTTLS is required to send mail] "
        "[{LED=450 4.4.101};{FQDN=Mail.Contoso.com};{IP=192.0.2.7}]"
    )

    assert error.codes[-1] == (450, "4.4.317")
    assert (451, "5.7.3") in error.codes
    assert error.remote_host == "mail.contoso.com"


@pytest.mark.parametrize(
    ("text", "symptom"),
    [
        ("Event ID: 12012", "event_12012"),
        ("12013", "event_12013"),
        (
            "550 5.7.51 TenantInboundAttribution; There is a partner connector",
            "relay_access_denied",
        ),
        ("450 4.4.101 x '451 5.7.3 STARTTLS is required to send mail'", "starttls_required"),
        ("454 4.7.0 TLS negotiation failed with error NoCredentials", "no_credentials"),
        ("454 4.7.0 Temporary authentication failure", "temporary_authentication_failure"),
        ("4.7.5 (no basic code)", "send_connector_certificate"),
        ("441 4.4.1 Error encountered while communicating", "connection_failed"),
        # The same enhanced codes behind other basic codes mean something else.
        ("535 5.7.3 Authentication unsuccessful", None),
        ("451 4.7.0 Temporary server error. Please try again later. PRX2", None),
        ("421 4.7.0 [TSS04] Messages temporarily deferred", None),
        ("550 5.1.1 User unknown", None),
        ("12012 messages are waiting", None),
    ],
)
def test_a_documented_error_is_recognized_and_nothing_else(text: str, symptom: str | None) -> None:
    found = symptom_of_text(text)

    assert (found.name if found else None) == symptom


def test_every_cause_of_every_error_has_a_repair() -> None:
    named = {cause for item in SYMPTOMS for cause in (*item.causes, item.queue_cause) if cause}

    assert named <= set(BY_NAME)
    assert set(BY_NAME) == named
    assert all(cause.repair.description for cause in BY_NAME.values())


def queue_with(last_error: str) -> TransportQueue:
    return TransportQueue(identity="EX01\\7", messages=3, status="Retry", last_error=last_error)


CLOCK = failed("clock", "windows", "EX01", "400 seconds", "clocks_differ")


@pytest.mark.parametrize(
    ("last_error", "earlier", "cause"),
    [
        ("454 4.7.0 Temporary authentication failure", [], "servers_cannot_authenticate"),
        ("454 4.7.0 Temporary authentication failure", [CLOCK], "clocks_differ"),
        ("535 5.7.3 Authentication unsuccessful", [], ""),
        ("421 4.7.0 [TSS04] Messages temporarily deferred", [CLOCK], ""),
        ("451 5.7.3 STARTTLS is required to send mail", [], "peer_offers_no_starttls"),
    ],
)
def test_a_waiting_queue_is_a_cause_only_by_what_is_documented(
    last_error: str, earlier: list[Check], cause: str
) -> None:
    (check,) = check_queues([queue_with(last_error)], earlier)

    assert check.cause == cause
    assert check.status == ("fail" if cause else "pass")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("<I>CN=CA<S>CN=mail.contoso.test", ""),
        ("<I>CN=CA</I><S>CN=mail.contoso.test</S>", "tls_certificate_name_malformed"),
        ("<I>CN=CA<S>CN=other", "nothing"),
        (None, ""),
    ],
)
def test_a_name_leads_to_its_certificate_or_to_the_cause(name: str | None, problem: str) -> None:
    choice = judge_choice(
        [SOUND],
        stored_name=name,
        host_name="mail.contoso.test",
        in_windows=None,
        not_found="nothing",
        now=NOW,
    )

    assert choice.problem == problem


@pytest.mark.parametrize(
    ("thumbprint", "cause"),
    [
        (None, "internal_transport_certificate_unreadable"),
        ("B" * 40, "internal_transport_certificate_missing"),
        ("A" * 40, ""),
    ],
)
def test_the_internal_transport_certificate_is_judged(thumbprint: str | None, cause: str) -> None:
    assert check_internal_transport(thumbprint, SERVER).cause == cause


def test_a_sound_connector_without_starttls_at_its_port_means_something_on_the_way() -> None:
    view = PortView(server=SERVER, connectors=[CONNECTOR])

    assert judge_failure("p", StartTlsNotOffered("x"), view).cause == "something_else_answers"
    assert judge_failure("p", TlsHandshakeFailed("x"), view).cause == "certificate_not_loaded"
