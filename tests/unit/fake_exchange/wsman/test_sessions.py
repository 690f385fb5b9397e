# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can real clients open a session, run pipelines and close it again, over each way in?"""

from __future__ import annotations

import time

import psrpcore
import pytest
from psrpcore.types import (
    PSCredential,
    PSCustomObject,
    PSDouble,
    PSInvocationState,
    PSSecureString,
)
from pypsrp.complex_objects import ObjectMeta
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool

from support.remote_powershell import STOP

WAYS_IN = [("ntlm", False), ("negotiate", False), ("basic", True), ("ntlm", True)]


@pytest.mark.parametrize(("protocol", "ssl"), WAYS_IN)
def test_a_session_runs_pipelines_and_leaves_nothing_behind(fake, protocol, ssl):
    with fake.session(protocol, ssl=ssl) as session:
        first = session.invoke(("Write-Text", {"Length": 7}))
        second = session.invoke(("Write-Text", {"Length": 3, "Count": 2}))
        assert fake.open_shells() == 1
    assert first.state == second.state == PSInvocationState.Completed
    assert first.output == ["x" * 7]
    assert second.output == ["xxx", "xxx"]
    assert fake.open_shells() == 0
    assert (fake.total["sessions"], fake.total["pipelines"]) == (1, 2)


def test_a_session_is_counted_in_requests_connections_and_bytes(fake):
    with fake.session("ntlm") as session:
        session.invoke(("Write-Text", {"Length": 100_000}))
    # NTLM needs three requests more than the verbs: create, receive, command, receive, signal,
    # delete, and one Receive for each answer the output is spread over.
    assert 9 <= fake.total["http_requests"] <= 14
    verbs = dict(fake.total["wsman_requests"])
    assert sum(verbs.values()) == fake.total["http_requests"] - 3
    assert verbs.pop("Receive") >= 2
    assert verbs == {"Create": 1, "Command": 1, "Signal": 1, "Delete": 1}
    assert fake.total["connections"] == 1
    assert fake.total["bytes_sent"] > 100_000 > fake.total["bytes_received"] > 1_000


@pytest.mark.parametrize("protocol", ["ntlm", "basic"])
def test_large_output_arrives_whole(fake, protocol):
    with fake.session(protocol) as session:
        result = session.invoke(("Write-Text", {"Length": 700_000}))
    assert [len(text) for text in result.output] == [700_000]


@pytest.mark.parametrize("protocol", ["ntlm", "basic"])
def test_large_input_arrives_whole(fake, protocol):
    data = bytes(range(256)) * 2000
    with fake.session(protocol) as session:
        result = session.invoke(("Measure-Data", {"Data": data}))
    assert result.output == [512_000]
    assert fake.cmdlets.calls[0].parameters == (("Data", data),)


def test_an_answer_never_exceeds_the_clients_envelope_size(fake):
    session = fake.session("basic")
    sizes = []
    with session:
        session.wsman.transport.session.hooks["response"].append(
            lambda response, **_: sizes.append(len(response.content))
        )
        session.invoke(("Write-Text", {"Length": 60_000, "Count": 10}))
    assert 32_768 < max(sizes) <= session.wsman.max_envelope_size


def test_records_come_on_their_own_streams(fake):
    with fake.session() as session:
        result = session.invoke(("Write-Records", {}))
    assert result.state == PSInvocationState.Completed
    assert result.output == [True]
    assert result.warnings == ["careful"]
    assert result.verbose == ["looking"]
    (record,) = result.errors
    assert str(record) == "something failed"
    assert record.CategoryInfo.Category.name == "InvalidOperation"
    assert record.CategoryInfo.Activity == "Write-Records"
    assert record.Exception.PSObject.type_names[0].endswith("System.InvalidOperationException")
    assert record.FullyQualifiedErrorId.endswith("1234ABCD,Microsoft.Exchange.Test")


def test_a_terminating_error_is_the_reason_of_the_failed_state(fake):
    with fake.session() as session:
        result = session.invoke(("Stop-Here", {}))
        afterwards = session.invoke(("Write-Text", {}))
    assert result.state == PSInvocationState.Failed
    assert result.errors == []
    assert str(result.reason) == "cannot continue"
    assert afterwards.output == ["xxxxx"]


def test_script_text_is_refused_as_in_no_language_mode(fake):
    with fake.session() as session:
        result = session.invoke(script="Get-ExchangeCertificate | Format-List")
    assert result.state == PSInvocationState.Failed
    assert str(result.reason) == (
        "The syntax is not supported by this runspace. This can occur if the runspace is in "
        "no-language mode."
    )
    assert result.reason.FullyQualifiedErrorId == "ScriptsNotAllowed"
    assert fake.cmdlets.calls == []


@pytest.mark.parametrize("value", [("a", "b"), {"a"}, PSCustomObject(), [("a",)]])
def test_what_is_no_plain_value_is_refused_by_the_parameter(fake, value):
    with fake.session() as session:
        result = session.invoke(("Measure-Data", {"Data": value}))
    assert result.state == PSInvocationState.Failed
    assert "on parameter 'Data'" in str(result.reason)
    assert fake.cmdlets.calls == []


def test_a_payload_that_cannot_be_decoded_is_a_fault_and_no_command(fake):
    # psrpcore writes such a number as I32, where it does not fit.
    with fake.session("basic") as session:
        with pytest.raises(WSManFaultError):
            session.invoke(("Measure-Data", {"Data": -(2**40)}))
        session.pool.pipeline_table.clear()
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert fake.total["pipelines"] == 1


def test_values_reach_the_cmdlet_as_plain_python(fake):
    values = {
        "Text": "ünï <&> 𝄞 _x0041_",
        "Data": b"\x00\xff",
        "Number": 2**40,
        "Flag": True,
        "Nothing": None,
        "Many": ["a", 1, [False]],
        "Table": {"Add": ["x"], "Remove": "y"},
    }
    with fake.session() as session:
        session.invoke(("Measure-Data", values))
    received = dict(fake.cmdlets.calls[0].parameters)
    assert received == values
    assert [type(value) for value in received.values()] == [type(v) for v in values.values()]


def test_a_prompt_is_asked_and_its_answer_reaches_the_cmdlet(fake):
    with fake.session(answer=lambda *prompt: 2) as session:
        result = session.invoke(("Ask", {}))
    labels = ["&Yes", "Yes to &All", "&No", "No to A&ll"]
    assert result.prompts == [("Confirm", "Replace it?", labels, 0)]
    assert result.output == [2]


def test_without_a_host_nobody_can_be_asked(fake):
    with fake.session(has_host=False) as session:
        result = session.invoke(("Ask", {}))
    assert result.prompts == []
    assert result.state == PSInvocationState.Failed
    assert result.reason.FullyQualifiedErrorId == "HostFunctionNotImplemented"


def test_an_answer_on_the_wrong_stream_is_a_fault(fake):
    with fake.session() as session:
        pipeline = session.start(("Ask", {}))
        call = next(
            event
            for event in session._events(session.receive_once(pipeline))
            if isinstance(event, psrpcore.PipelineHostCallEvent)
        )
        psrpcore.ClientHostResponder(pipeline).prompt_for_choice(call.ci, 2)
        payload = session.pool.data_to_send(10_000)
        with pytest.raises(WSManFaultError, match="stream pr"):
            session.send_raw(payload.data, "stdin", pipeline.pipeline_id)
        session.end(pipeline)


def test_a_stopped_pipeline_says_so(fake):
    with fake.session() as session:
        pipeline = session.start(("Wait-Forever", {}))
        session._events(session.receive_once(pipeline))
        session.signal(pipeline, STOP)
        result = session.finish(pipeline)
        session.end(pipeline)
    assert result.state == PSInvocationState.Stopped
    assert result.reason.FullyQualifiedErrorId == "PipelineStopped"


def test_a_stop_is_answered_when_the_pipeline_has_stopped(fake):
    with fake.session() as session:
        pipeline = session.start(("Wait-Stubbornly", {"Seconds": PSDouble(0.5)}))
        session._events(session.receive_once(pipeline))
        begun = time.monotonic()
        session.signal(pipeline, STOP)
        assert time.monotonic() - begun >= 0.4
        assert session.finish(pipeline).state == PSInvocationState.Stopped
        session.end(pipeline)


def test_a_stop_that_takes_longer_than_the_request_may_times_out(fake):
    with fake.session(operation_timeout=1) as session:
        pipeline = session.start(("Wait-Stubbornly", {"Seconds": 3}))
        session._events(session.receive_once(pipeline))
        with pytest.raises(WSManFaultError) as caught:
            session.signal(pipeline, STOP)
        session.end(pipeline)
    assert caught.value.code == 2150858793


def test_a_prompt_that_is_never_answered_can_be_stopped(fake):
    with fake.session() as session:
        pipeline = session.start(("Ask", {}))
        session._events(session.receive_once(pipeline))
        session.signal(pipeline, STOP)
        result = session.finish(pipeline)
        session.end(pipeline)
    assert result.state == PSInvocationState.Stopped


def test_a_misspelled_stop_signal_ends_the_command_instead(fake):
    with fake.session() as session:
        pipeline = session.start(("Wait-Forever", {}))
        session.signal(pipeline, "powershell/signal/ctrl_c")
        with pytest.raises(WSManFaultError) as caught:
            session.receive_once(pipeline)
        session.pool.pipeline_table.clear()
    assert caught.value.code == 2150858843


def test_a_receive_with_nothing_to_say_times_out(fake):
    with fake.session(operation_timeout=1) as session:
        pipeline = session.start(("Wait-Forever", {}))
        assert session.receive_once(pipeline) != []
        assert session.receive_once(pipeline) == []  # the client's word for fault 2150858793
        session.end(pipeline)


def test_a_password_travels_encrypted_after_the_key_exchange(fake):
    with fake.session() as session:
        session.exchange_key()
        result = session.invoke(("Show-Password", {"Password": PSSecureString("gehëim")}))
    assert result.output == [6]
    assert "gehëim" not in repr(fake.cmdlets.calls)


def test_a_credential_is_a_name_and_a_password(fake):
    credential = PSCredential(UserName="CONTOSO\\relay", Password=PSSecureString("gehëim"))
    with fake.session() as session:
        session.exchange_key()
        session.invoke(("Write-Text", {"AuthenticationCredential": credential}))
    (arrived,) = [dict(call.parameters)["AuthenticationCredential"] for call in fake.cmdlets.calls]
    assert (arrived.user_name, arrived.password.text) == ("CONTOSO\\relay", "gehëim")
    assert "gehëim" not in f"{arrived} {arrived!r}"


def test_the_landed_server_is_the_accounts_not_the_one_dialled(organisation, start):
    from fake_exchange.organisation.model import Server

    organisation.servers["EX02"] = Server("EX02", "ex02.contoso.test", "Paris")
    organisation.accounts[0].lands_on = "EX02"
    fake = start(organisation)
    with fake.session() as session:
        session.invoke(("Write-Text", {}))
    assert fake.organisation.counters.as_dict()["servers"]["EX02"]["sessions"] == 1


@pytest.mark.parametrize(("protocol", "ssl"), [("ntlm", False), ("basic", True)])
def test_pypsrps_own_client_agrees(fake, protocol, ssl):
    wsman = fake.wsman(protocol, ssl=ssl)
    with wsman, RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:
        shell = PowerShell(pool)
        shell.add_cmdlet("Write-Text").add_parameter("Length", 50_000)
        assert shell.invoke() == ["x" * 50_000]
        records = PowerShell(pool)
        records.add_cmdlet("Write-Records")
        assert records.invoke() == [True]
        assert [str(error) for error in records.streams.error] == ["something failed"]
        pool.exchange_keys()
        secret = PowerShell(pool)
        secret.add_cmdlet("Show-Password").add_parameter(
            "Password", pool.serialize("geheim", ObjectMeta("SS"))
        )
        assert secret.invoke() == [6]
    assert fake.open_shells() == 0
