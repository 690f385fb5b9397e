# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the Exchange endpoint against the fake: NTLM, encrypted messages over http."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
    pipeline_run,
    shell_transport,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    Cmdlet,
    ExchangeSession,
    Prompt,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
    Secret,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    InvalidInput,
    OutcomeUnknown,
    UnexpectedPrompt,
)
from support.one_server import CONNECTORS, PASSWORD, SERVER, OneServer, start_one_server

READ = Cmdlet("Get-ExchangeServer", {"Identity": SERVER})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneServer]:
    server = start_one_server(tmp_path_factory.mktemp("one-server"))
    with server.fake:
        yield server


@pytest.fixture
def server(running: OneServer) -> OneServer:
    running.calm()
    return running


@pytest.fixture
def session(server: OneServer) -> Iterator[ExchangeSession]:
    with ExchangeSession(server.exchange()) as opened:
        yield opened


def import_certificate(server: OneServer) -> Cmdlet:
    return Cmdlet(
        "Import-ExchangeCertificate",
        {
            "Server": SERVER,
            "FileData": server.new.pfx("one time"),
            "Password": Secret("one time"),
            "PrivateKeyExportable": True,
        },
    )


# --- sessions ------------------------------------------------------------------------------------


def test_nothing_is_opened_before_the_first_cmdlet(server: OneServer) -> None:
    with ExchangeSession(server.exchange()):
        pass
    assert server.count("connections") == 0


def test_cmdlets_share_one_session_and_one_connection(
    server: OneServer, session: ExchangeSession
) -> None:
    for _ in range(5):
        (found,) = session.invoke(READ).output
        assert isinstance(found, RemoteObject)
        assert found.get("Name") == SERVER
    assert server.count("sessions") == 1
    assert server.count("connections") == 1
    assert session.statistics.sessions == 1
    assert session.statistics.cmdlets == 5


def test_a_pipeline_costs_three_requests_and_opening_two(session: ExchangeSession) -> None:
    session.invoke(READ)
    first = session.statistics.round_trips
    session.invoke(READ)
    assert session.statistics.round_trips - first == 3
    assert first == 2 + 3


def test_every_session_is_closed_on_the_server(server: OneServer) -> None:
    server.behave(maximum_sessions_per_user=1)
    for _ in range(3):
        with ExchangeSession(server.exchange()) as opened:
            opened.invoke(READ)
            opened.close()
            opened.close()


def test_a_session_is_closed_after_a_failed_cmdlet_too(server: OneServer) -> None:
    server.behave(maximum_sessions_per_user=1)
    for _ in range(2):
        with (
            pytest.raises(CmdletFailed),
            ExchangeSession(server.exchange()) as opened,
        ):
            opened.invoke(Cmdlet("Get-ExchangeServer", {"Identity": "EX99"}))


def test_a_closed_session_opens_again_when_it_is_used(
    server: OneServer, session: ExchangeSession
) -> None:
    session.invoke(READ)
    session.close()
    session.invoke(READ)
    assert server.count("sessions") == 2
    assert session.statistics.sessions == 2


# --- data in and out -----------------------------------------------------------------------------


def test_properties_can_be_selected_on_the_server(session: ExchangeSession) -> None:
    result = session.invoke(
        Cmdlet("Get-ExchangeCertificate", {"Server": SERVER}),
        Cmdlet("Select-Object", {"Property": ["Thumbprint", "Services", "Nonsense"]}),
    )
    found = result.output[0]
    assert isinstance(found, RemoteObject)
    assert list(found.properties) == ["Thumbprint", "Services", "Nonsense"]
    assert isinstance(found.get("Services"), RemoteEnum)
    assert found.get("Nonsense") is None


def test_hundreds_of_kilobytes_come_down_whole(server: OneServer, session: ExchangeSession) -> None:
    result = session.invoke(Cmdlet("Get-SendConnector"))
    names = {str(item.get("Name")) for item in result.output if isinstance(item, RemoteObject)}
    assert len(names) == CONNECTORS
    assert server.count("bytes_sent") > 400_000


def test_hundreds_of_kilobytes_go_up_whole(server: OneServer, session: ExchangeSession) -> None:
    data = bytes(range(256)) * 2000
    with pytest.raises(CmdletFailed):
        session.invoke(Cmdlet("Import-ExchangeCertificate", {"Server": SERVER, "FileData": data}))
    assert server.count("bytes_received") > len(data)
    assert server.executed("Import-ExchangeCertificate") == 1


def test_bytes_and_secure_strings_arrive(server: OneServer, session: ExchangeSession) -> None:
    (found,) = session.invoke(import_certificate(server), changing=True).output
    assert isinstance(found, RemoteObject)
    thumbprints = session.invoke(
        Cmdlet("Get-ExchangeCertificate", {"Server": SERVER}),
        Cmdlet("Select-Object", {"Property": ["Thumbprint"]}),
    ).output
    assert server.new.thumbprint in [
        item.get("Thumbprint") for item in thumbprints if isinstance(item, RemoteObject)
    ]


def test_the_session_key_is_agreed_on_once_and_only_for_a_secret(
    server: OneServer, session: ExchangeSession
) -> None:
    session.invoke(READ)
    costs = []
    for _ in range(2):
        before = session.statistics.round_trips
        session.invoke(import_certificate(server), changing=True, expect_errors=True)
        costs.append(session.statistics.round_trips - before)
    assert costs == [3 + 2, 3]


def test_lists_and_booleans_arrive_as_such(server: OneServer, session: ExchangeSession) -> None:
    session.invoke(
        Cmdlet(
            "Set-SendConnector",
            {"Identity": "Partner 01", "RequireTLS": True, "AddressSpaces": ["smtp:a.test;1"]},
        ),
        changing=True,
    )
    (found,) = session.invoke(Cmdlet("Get-SendConnector", {"Identity": "Partner 01"})).output
    assert isinstance(found, RemoteObject)
    assert found.get("RequireTLS") is True
    assert [text_of(item) for item in list_of(found.get("AddressSpaces"))] == ["smtp:a.test;1"]


def test_a_value_that_cannot_be_sent_is_refused_before_anything_is(server: OneServer) -> None:
    with (
        ExchangeSession(server.exchange()) as session,
        pytest.raises(InvalidInput, match="Parameter Identity of Get-ExchangeServer"),
    ):
        session.invoke(Cmdlet("Get-ExchangeServer", {"Identity": object()}))
    assert server.count("connections") == 0


def test_a_session_still_works_after_a_parameter_that_cannot_be_sent(
    session: ExchangeSession,
) -> None:
    session.invoke(READ)
    with pytest.raises(InvalidInput):
        session.invoke(Cmdlet("Get-ExchangeServer", {"Identity": object()}))
    assert len(session.invoke(READ).output) == 1


# --- errors, warnings, permissions ---------------------------------------------------------------


def test_an_error_record_becomes_an_exception_with_its_facts(session: ExchangeSession) -> None:
    with pytest.raises(CmdletFailed) as failure:
        session.invoke(Cmdlet("Get-ExchangeServer", {"Identity": "EX99"}))
    (error,) = failure.value.errors
    assert "EX99" in error.message
    assert error.cmdlet == "Get-ExchangeServer"
    assert error.error_class.endswith("GetExchangeServer")
    assert error.error_id.startswith("[Server=")
    assert error.exception_type.endswith("ManagementObjectNotFoundException")
    assert failure.value.details["cmdlet"] == "Get-ExchangeServer"
    assert "\n" not in failure.value.message


def test_expected_errors_stay_in_the_result(session: ExchangeSession) -> None:
    result = session.invoke(Cmdlet("Get-ExchangeServer", {"Identity": "EX99"}), expect_errors=True)
    assert result.output == []
    assert len(result.errors) == 1


def test_an_injected_error_is_not_mistaken_for_success(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("fail_cmdlet", cmdlet="Get-ExchangeServer", message="The directory is away.")
    with pytest.raises(CmdletFailed, match="The directory is away"):
        session.invoke(READ)
    assert len(session.invoke(READ).output) == 1


def test_a_cmdlet_outside_the_account_s_roles_says_so(server: OneServer) -> None:
    settings = server.exchange(user_name=r"CONTOSO\viewer")
    with ExchangeSession(settings) as session, pytest.raises(CmdletNotAvailable) as failure:
        session.invoke(Cmdlet("Enable-ExchangeCertificate", {"Server": SERVER}), expect_errors=True)
    assert "Enable-ExchangeCertificate" in failure.value.message
    assert r"CONTOSO\viewer" in failure.value.message
    assert "Exchange Server Certificates" in failure.value.message


def test_an_unknown_parameter_says_so(session: ExchangeSession) -> None:
    with pytest.raises(CmdletNotAvailable, match="Nonsense"):
        session.invoke(Cmdlet("Get-ExchangeServer", {"Nonsense": True}))


def test_script_text_is_refused_by_the_endpoint(session: ExchangeSession) -> None:
    with pytest.raises(CmdletFailed):
        session.invoke(Cmdlet("Get-ExchangeServer; Get-Process"))


# --- questions -----------------------------------------------------------------------------------


def enable_for_smtp(server: OneServer, **more: object) -> Cmdlet:
    return Cmdlet(
        "Enable-ExchangeCertificate",
        {"Server": SERVER, "Thumbprint": server.new.thumbprint, "Services": ["SMTP"], **more},
    )


def internal_transport(session: ExchangeSession) -> str | None:
    (service,) = session.invoke(Cmdlet("Get-TransportService", {"Identity": SERVER})).output
    assert isinstance(service, RemoteObject)
    return text_of(service.get("InternalTransportCertificateThumbprint"))


@pytest.fixture
def imported(server: OneServer, session: ExchangeSession) -> OneServer:
    session.invoke(import_certificate(server), changing=True, expect_errors=True)
    return server


def test_a_question_gets_the_answer_of_the_policy(
    imported: OneServer, session: ExchangeSession
) -> None:
    before = internal_transport(session)
    asked: list[Prompt] = []

    def policy(prompt: Prompt) -> str:
        asked.append(prompt)
        return "no"

    result = session.invoke(enable_for_smtp(imported), answer=policy, changing=True)
    (prompt,) = asked
    assert "No" in prompt.choices
    assert not any("&" in choice for choice in prompt.choices)
    assert [item.answer for item in result.prompts] == ["No"]
    assert internal_transport(session) == before


@pytest.mark.parametrize("answer", [None, "Perhaps"])
def test_a_question_that_nobody_foresaw_is_answered_no_and_fails(
    imported: OneServer, session: ExchangeSession, answer: str | None
) -> None:
    before = internal_transport(session)
    with pytest.raises(UnexpectedPrompt) as failure:
        session.invoke(
            enable_for_smtp(imported),
            answer=lambda prompt: answer,
            changing=True,
            expect_errors=True,
        )
    assert "not foreseen" in failure.value.message
    assert failure.value.details["prompt"]
    assert internal_transport(session) == before


def test_without_a_policy_every_question_is_one_too_many(
    imported: OneServer, session: ExchangeSession
) -> None:
    with pytest.raises(UnexpectedPrompt):
        session.invoke(enable_for_smtp(imported), changing=True)


# --- deadline ------------------------------------------------------------------------------------


def test_a_reading_cmdlet_is_stopped_at_its_deadline(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("slow_cmdlet", cmdlet="Get-ExchangeServer", seconds=120)
    with pytest.raises(CmdletFailed, match="deadline") as failure:
        session.invoke(READ, deadline=1)
    assert failure.value.details["reason"] == "deadline"
    assert len(session.invoke(READ).output) == 1
    assert server.count("sessions") == 1


def test_a_changing_cmdlet_stopped_at_its_deadline_leaves_an_unknown_outcome(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("slow_cmdlet", cmdlet="Set-SendConnector", seconds=120)
    with pytest.raises(OutcomeUnknown, match="Set-SendConnector"):
        session.invoke(
            Cmdlet("Set-SendConnector", {"Identity": "Partner 01", "Comment": "x"}),
            deadline=1,
            changing=True,
        )
    assert len(session.invoke(READ).output) == 1


def test_a_cmdlet_that_takes_its_time_to_stop_costs_no_session(
    server: OneServer, session: ExchangeSession
) -> None:
    server.fault("slow_cmdlet", cmdlet="Get-ExchangeServer", seconds=4, stubborn=True)
    with pytest.raises(CmdletFailed, match="deadline of 1 seconds and was stopped"):
        session.invoke(READ, deadline=1)
    assert len(session.invoke(READ).output) == 1
    assert server.count("sessions") == 1


@pytest.mark.parametrize("changing", [False, True])
def test_a_cmdlet_that_does_not_stop_is_neither_lost_contact_nor_repeated(
    server: OneServer,
    session: ExchangeSession,
    monkeypatch: pytest.MonkeyPatch,
    changing: bool,
) -> None:
    monkeypatch.setattr(shell_transport, "_CLOSE_PATIENCE", 1)
    monkeypatch.setattr(pipeline_run, "_STOP_GRACE_SECONDS", 1)
    server.fault("slow_cmdlet", cmdlet="Get-ExchangeServer", seconds=600, stubborn=True)
    with pytest.raises(OutcomeUnknown if changing else CmdletFailed) as failure:
        session.invoke(READ, deadline=1, changing=changing)
    assert "Get-ExchangeServer" in failure.value.message
    assert "deadline of 1 seconds and did not stop when asked to" in failure.value.message
    assert (server.count("sessions"), server.count("pipelines")) == (1, 1)
    assert len(session.invoke(READ).output) == 1
    assert server.count("sessions") == 2


def test_a_slow_cmdlet_within_its_deadline_is_waited_for(server: OneServer) -> None:
    server.fault("slow_cmdlet", cmdlet="Get-ExchangeServer", seconds=3)
    with ExchangeSession(server.exchange(operation_timeout=1)) as session:
        assert len(session.invoke(READ).output) == 1


# --- secrets -------------------------------------------------------------------------------------


def test_no_secret_in_any_log_of_any_level(server: OneServer) -> None:
    """Even where somebody has turned every logger of the process down to DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    names = [None, *logging.root.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    logging.getLogger().addHandler(handler)
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        pfx = server.new.pfx("one time")
        with ExchangeSession(server.exchange()) as session:
            session.invoke(
                Cmdlet(
                    "Import-ExchangeCertificate",
                    {"Server": SERVER, "FileData": pfx, "Password": Secret("one time")},
                ),
                changing=True,
                expect_errors=True,
            )
    finally:
        logging.getLogger().removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    written = stream.getvalue()
    assert PASSWORD not in written
    assert "one time" not in written
    assert base64.b64encode(pfx).decode()[:60] not in written
    assert "Envelope" not in written
