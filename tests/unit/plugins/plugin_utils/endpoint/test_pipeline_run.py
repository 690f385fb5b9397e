# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's side of PowerShell's protocol against answers that only odd servers give."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psrpcore
import pytest
import requests
from psrpcore.types import (
    ChoiceDescription,
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    HostMethodIdentifier,
    NETException,
    PSInvocationState,
    PSRPMessageType,
    RunspacePoolState,
)
from pypsrp.exceptions import WSManFaultError

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint import (
    exchange_session,
    pipeline_run,
    runspace_pool,
    shell_transport,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    Cmdlet,
    CmdletResult,
    ExchangeSession,
    Prompt,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.shell_transport import (
    AnswerLost,
    Received,
    ShellNotFound,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Secret,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    EndpointUnreachable,
    OutcomeUnknown,
    UnexpectedPrompt,
)
from support.shell_in_memory import Program, ShellInMemory

Pipe = psrpcore.ServerPipeline
Steps = Generator[None, Any, None]
GET = Cmdlet("Get-Something", {"Identity": "x"})
CHOICES = ["&Yes", "Yes to &All", "&No", "No to A&ll"]


def open_session(program: Program, **changes: Any) -> tuple[ExchangeSession, ShellInMemory]:
    """A session whose pool is already open, over a shell in memory."""
    values: dict[str, Any] = {"host": "ex01", "user_name": "ansible@X", "deadline": 5.0}
    shell = ShellInMemory(program)
    session = ExchangeSession(ExchangeEndpointSettings(**values | changes))
    pool = runspace_pool.RunspacePool(shell)  # type: ignore[arg-type]
    pool.open()
    session._pool = pool
    return session, shell


def result_of(program: Program, **options: Any) -> CmdletResult:
    session, _shell = open_session(program)
    return session.invoke(GET, **options)


def record(
    message: str | None = "It broke.",
    *,
    error_id: str = "[Server=EX01,RequestId=1] [FailureCategory=Cmdlet-X] 1A2B,Exchange.GetX",
    exception: str = "Microsoft.Exchange.SomeException",
    category: ErrorCategory = ErrorCategory.InvalidArgument,
    activity: str = "Get-Something",
) -> ErrorRecord:
    inner = NETException(Message=message)
    inner.PSObject.type_names = [exception, "System.Exception", "System.Object"]
    return ErrorRecord(
        Exception=inner,
        CategoryInfo=ErrorCategoryInfo(Category=category, Activity=activity, Reason="SomeReason"),
        FullyQualifiedErrorId=error_id,
    )


# --- streams -------------------------------------------------------------------------------------


def test_every_stream_is_kept() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.write_output("a")
        pipe.write_warning("careful")
        pipe.write_verbose("looking")
        pipe.write_debug("not kept")
        pipe.write_output(None)
        pipe.complete()
        yield from ()

    result = result_of(program)
    assert result.output == ["a", None]
    assert result.warnings == ["careful"]
    assert result.verbose == ["looking"]
    assert result.errors == []


def test_an_error_record_beside_output_is_a_failure_unless_expected() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.write_output("a")
        pipe.write_error(**_record_fields())
        pipe.complete()
        yield from ()

    with pytest.raises(CmdletFailed, match="It broke"):
        result_of(program)
    result = result_of(program, expect_errors=True)
    assert result.output == ["a"]
    (error,) = result.errors
    assert error.error_class == "Exchange.GetX"
    assert error.category == "InvalidArgument"
    assert error.exception_type == "Microsoft.Exchange.SomeException"
    assert error.cmdlet == "Get-Something"


def _record_fields() -> dict[str, Any]:
    shaped = record()
    return {
        "exception": shaped.Exception,
        "category_info": shaped.CategoryInfo,
        "fully_qualified_error_id": shaped.FullyQualifiedErrorId,
    }


def test_a_terminating_error_is_in_the_final_state() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe._change_state(PSInvocationState.Failed, record("No way on."))
        yield from ()

    with pytest.raises(CmdletFailed, match="No way on"):
        result_of(program)
    assert len(result_of(program, expect_errors=True).errors) == 1


def test_the_same_error_as_record_and_as_reason_counts_once() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.write_error(**_record_fields())
        pipe._change_state(PSInvocationState.Failed, record())
        yield from ()

    assert len(result_of(program, expect_errors=True).errors) == 1


@pytest.mark.parametrize(
    ("type_name", "text", "expected"),
    [
        ("Some.OtherException", "the text of the exception", "the text of the exception"),
        ("Some.OtherException", None, "the server gave no text"),
        ("System.Exception", None, "the server gave no text"),
    ],
)
def test_an_exception_without_a_message_has_its_text_read_elsewhere(
    type_name: str, text: str | None, expected: str
) -> None:
    shells: list[ShellInMemory] = []
    to_string = f"<ToString>{text}</ToString>" if text else ""
    xml = (
        '<Obj RefId="0"><MS>'
        f'<Obj N="Exception" RefId="1"><TN RefId="0"><T>{type_name}</T></TN>{to_string}</Obj>'
        '<Nil N="TargetObject" /><S N="FullyQualifiedErrorId">Id,Class</S>'
        '<Nil N="InvocationInfo" /><I32 N="ErrorCategory_Category">5</I32>'
        '<S N="ErrorCategory_Activity">Get-Something</S><S N="ErrorCategory_Reason">R</S>'
        '<S N="ErrorCategory_TargetName"></S><S N="ErrorCategory_TargetType"></S>'
        '<S N="ErrorCategory_Message">m</S><B N="SerializeExtendedInfo">false</B></MS></Obj>'
    )

    def program(pipe: Pipe) -> Steps:
        shells[0].say_raw(pipe.pipeline_id, PSRPMessageType.ErrorRecord, xml)
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    shells[:] = [shell]
    with pytest.raises(CmdletFailed, match=expected) as failure:
        session.invoke(GET)
    assert failure.value.errors[0].error_class == "Class"


@pytest.mark.parametrize("changing", [False, True])
def test_an_end_without_a_reason_is_no_success(changing: bool) -> None:
    def program(pipe: Pipe) -> Steps:
        pipe._change_state(PSInvocationState.Stopped)
        yield from ()

    with pytest.raises(OutcomeUnknown if changing else CmdletFailed, match="without a reason"):
        result_of(program, changing=changing)


@pytest.mark.parametrize("expect_errors", [False, True])
@pytest.mark.parametrize("changing", [False, True])
def test_a_pipeline_that_the_server_stops_gives_its_reason(
    changing: bool, expect_errors: bool
) -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.write_error(**_record_fields())
        reason = record(
            "The pipeline has been stopped.",
            error_id="PipelineStopped",
            exception="System.Management.Automation.PipelineStoppedException",
            category=ErrorCategory.OperationStopped,
        )
        pipe._change_state(PSInvocationState.Stopped, reason)
        yield from ()

    with pytest.raises(OutcomeUnknown if changing else CmdletFailed) as failure:
        result_of(program, changing=changing, expect_errors=expect_errors)
    assert "Get-Something" in failure.value.message
    assert "The pipeline has been stopped." in failure.value.message
    if isinstance(failure.value, CmdletFailed):
        ids = [error.error_class for error in failure.value.errors]
        assert ids == ["Exchange.GetX", "PipelineStopped"]


def test_a_missing_cmdlet_names_itself() -> None:
    def program(pipe: Pipe) -> Steps:
        missing = record(
            "The term 'Get-Something' is not recognized as the name of a cmdlet.",
            error_id="CommandNotFoundException",
            exception="System.Management.Automation.CommandNotFoundException",
            category=ErrorCategory.ObjectNotFound,
            activity="",
        )
        missing.TargetObject = "Select-Object"
        pipe._change_state(PSInvocationState.Failed, missing)
        yield from ()

    with pytest.raises(CmdletNotAvailable) as failure:
        result_of(program, expect_errors=True)
    assert failure.value.details["cmdlet"] == "Select-Object"
    assert "ansible@X" in failure.value.message


# --- what cannot be decoded ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "xml",
    [
        "<Obj RefId='0'><Unheard>1</Unheard></Obj>",
        "<Ref RefId='7' />",
        "<I32>99999999999999</I32>",
        "not xml",
        "<Obj RefId='0'><TN RefId='0'><T>System.Management.Automation.ErrorRecord</T></TN></Obj>",
    ],
)
def test_output_that_cannot_be_read_is_a_failure_and_not_an_empty_result(xml: str) -> None:
    shells: list[ShellInMemory] = []

    def program(pipe: Pipe) -> Steps:
        pipe.write_output("before")
        shells[0].say_raw(pipe.pipeline_id, PSRPMessageType.PipelineOutput, xml)
        pipe.write_output("after")
        pipe.complete()
        yield from ()

    for changing, expected in ((False, CmdletFailed), (True, OutcomeUnknown)):
        session, shell = open_session(program)
        shells[:] = [shell]
        with pytest.raises(expected, match="cannot be read"):
            session.invoke(GET, changing=changing, expect_errors=True)
        assert shell.signals, "the pipeline was left on the server"


def test_the_pool_stays_usable_after_something_undecodable() -> None:
    shells: list[ShellInMemory] = []
    broken = [True]

    def program(pipe: Pipe) -> Steps:
        if broken.pop() if broken else False:
            shells[0].say_raw(pipe.pipeline_id, PSRPMessageType.PipelineOutput, "<Ref RefId='7'/>")
        pipe.write_output("fine")
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    shells[:] = [shell]
    with pytest.raises(CmdletFailed):
        session.invoke(GET)
    assert session.invoke(GET).output == ["fine"]


UNREADABLE_END = (
    '<Obj RefId="0"><MS><I32 N="PipelineState">5</I32>'
    '<Obj N="ExceptionAsErrorRecord" RefId="1"><Unheard /></Obj></MS></Obj>'
)


@pytest.mark.parametrize("stopping", [False, True])
@pytest.mark.parametrize("changing", [False, True])
def test_an_end_that_cannot_be_read_is_an_end_and_no_lost_contact(
    changing: bool, stopping: bool
) -> None:
    def end(pipe: Pipe) -> None:
        shell.say_raw(pipe.pipeline_id, PSRPMessageType.PipelineState, UNREADABLE_END)
        shell._done = True

    def program(pipe: Pipe) -> Steps:
        if stopping:
            yield
        end(pipe)

    session, shell = open_session(program)
    shell.on_stop = end
    what = "deadline of 0 seconds and was stopped" if stopping else "cannot be read"
    with pytest.raises(OutcomeUnknown if changing else CmdletFailed, match=what) as failure:
        session.invoke(GET, changing=changing, deadline=0 if stopping else None)
    assert "Get-Something" in failure.value.message
    assert not shell.deleted
    assert shell.commands == 1


def test_an_end_that_never_comes_is_lost_contact() -> None:
    def program(pipe: Pipe) -> Steps:
        yield from ()

    session, _shell = open_session(program)
    with pytest.raises(OutcomeUnknown, match="contact was lost"):
        session.invoke(GET, changing=True)


def test_what_psrpcore_cannot_read_is_read() -> None:
    def program(pipe: Pipe) -> Steps:
        for xml in (
            "<S>a&#xFFFE;b</S>",
            '<Obj RefId="0"><MS><I32 N="A">1</I32><MS N="Group" /></MS></Obj>',
        ):
            shell.say_raw(pipe.pipeline_id, PSRPMessageType.PipelineOutput, xml)
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    text, item = session.invoke(GET).output
    assert text == "a\ufffeb"
    assert isinstance(item, RemoteObject)
    assert item.properties == {"A": 1}


def test_a_target_with_a_member_set_does_not_cost_the_text_of_the_error() -> None:
    xml = (
        '<Obj RefId="0"><MS>'
        '<Obj N="Exception" RefId="1"><TN RefId="0"><T>Some.Exception</T></TN>'
        '<Props><S N="Message">the real message</S></Props></Obj>'
        '<Obj N="TargetObject" RefId="2"><MS><I32 N="A">1</I32>'
        '<MS N="Group"><I32 N="Inner">5</I32></MS></MS></Obj>'
        '<S N="FullyQualifiedErrorId">Id,Class</S><Nil N="InvocationInfo" />'
        '<I32 N="ErrorCategory_Category">5</I32><S N="ErrorCategory_Activity">Get-Something</S>'
        '<S N="ErrorCategory_Reason">R</S><S N="ErrorCategory_TargetName"></S>'
        '<S N="ErrorCategory_TargetType"></S><S N="ErrorCategory_Message">m</S>'
        '<B N="SerializeExtendedInfo">false</B></MS></Obj>'
    )

    def program(pipe: Pipe) -> Steps:
        shell.say_raw(pipe.pipeline_id, PSRPMessageType.ErrorRecord, xml)
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    with pytest.raises(CmdletFailed, match="the real message"):
        session.invoke(GET)


def test_any_number_of_messages_that_cannot_be_read_is_no_lost_contact() -> None:
    def program(pipe: Pipe) -> Steps:
        for _ in range(1500):
            shell.say_raw(pipe.pipeline_id, PSRPMessageType.PipelineOutput, "<Unheard />")
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    with pytest.raises(CmdletFailed, match="cannot be read"):
        session.invoke(GET)


# --- questions and other calls of the host -------------------------------------------------------


def ask(pipe: Pipe, choices: list[str] = CHOICES, default: int = 0) -> None:
    requestor = psrpcore.ServerHostRequestor(pipe)
    requestor.prompt_for_choice(
        "Confirm",
        "Replace it?",
        [ChoiceDescription(Label=label, HelpMessage="") for label in choices],
        default,
    )


def asking(*choices: str) -> Program:
    def program(pipe: Pipe) -> Steps:
        ask(pipe, list(choices) or CHOICES)
        answer = yield
        pipe.write_output(answer.result)
        pipe.complete()

    return program


def test_a_question_reaches_the_policy_and_its_answer_the_cmdlet() -> None:
    asked: list[Prompt] = []

    def policy(prompt: Prompt) -> str:
        asked.append(prompt)
        return "Yes to All"

    session, shell = open_session(asking())
    result = session.invoke(GET, answer=policy)
    assert result.output == [1]
    assert asked == [Prompt("Confirm", "Replace it?", ["Yes", "Yes to All", "No", "No to All"], 0)]
    assert [item.answer for item in result.prompts] == ["Yes to All"]
    assert shell.sends == [("pr", True)]


@pytest.mark.parametrize(
    ("choices", "index"),
    [(("&Yes", "&No"), 1), ((), 2), (("&Ja", "&Nein"), 1), (("&No", "&Yes"), 0)],
)
def test_an_unknown_question_is_answered_no(choices: tuple[str, ...], index: int) -> None:
    answered: list[Any] = []

    def program(pipe: Pipe) -> Steps:
        ask(pipe, list(choices) or CHOICES)
        answered.append((yield).result)
        pipe.complete()

    with pytest.raises(UnexpectedPrompt, match=r"Replace it\?"):
        result_of(program, expect_errors=True)
    assert answered == [index]


def test_a_question_without_a_no_is_refused() -> None:
    refused: list[Any] = []

    def program(pipe: Pipe) -> Steps:
        ask(pipe, ["&Retry", "&Skip", "&Abort"])
        answer = yield
        refused.append(answer.error)
        pipe.complete()

    with pytest.raises(UnexpectedPrompt):
        result_of(program)
    assert refused[0] is not None


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (HostMethodIdentifier.ReadLine, []),
        (HostMethodIdentifier.ReadLineAsSecureString, []),
        (HostMethodIdentifier.PromptForCredential1, ["c", "m", "u", "t"]),
        (HostMethodIdentifier.GetWindowTitle, []),
    ],
)
def test_every_other_call_is_refused_and_never_left_waiting(
    method: HostMethodIdentifier, parameters: list[Any]
) -> None:
    refused: list[Any] = []

    def program(pipe: Pipe) -> Steps:
        pipe.host_call(method, parameters)
        refused.append((yield).error)
        pipe.complete()

    with pytest.raises(UnexpectedPrompt, match=method.name):
        result_of(program)
    assert refused[0] is not None


def test_calls_that_want_no_answer_get_none() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.host_call(HostMethodIdentifier.WriteLine2, ["text"])
        pipe.host_call(HostMethodIdentifier.SetShouldExit, [1])
        pipe.write_output("on")
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    assert session.invoke(GET).output == ["on"]
    assert shell.sends == []


def test_a_call_of_the_pool_is_refused_while_a_pipeline_waits() -> None:
    """It never shows on the pipeline's own Receive."""

    def program(pipe: Pipe) -> Steps:
        pipe.runspace_pool.host_call(HostMethodIdentifier.ReadLine, [])
        answer = yield
        pipe.write_output(answer.error is not None)
        pipe.complete()

    session, shell = open_session(program)
    assert session.invoke(GET).output == [True]
    assert shell.sends == [("pr", False)]
    assert None in shell.receives


# --- the pool ------------------------------------------------------------------------------------


def test_a_pool_that_breaks_under_a_change_leaves_its_outcome_unknown() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.runspace_pool.set_broken(record("The back end is gone."))
        yield

    session, shell = open_session(program)
    with pytest.raises(OutcomeUnknown):
        session.invoke(GET, changing=True)
    assert shell.deleted


def test_a_session_that_is_lost_in_the_middle_names_the_cmdlet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def program(pipe: Pipe) -> Steps:
        pipe.runspace_pool.set_broken(record("The back end is gone."))
        yield

    monkeypatch.setattr(shell_transport, "ShellTransport", lambda settings: ShellInMemory(program))
    session = ExchangeSession(ExchangeEndpointSettings(host="ex01", user_name="a@X", password="x"))
    with pytest.raises(EndpointUnreachable) as failure:
        session.invoke(GET, Cmdlet("Select-Object"))
    assert failure.value.message.startswith(
        f"The session on {session.settings.url} was lost during Get-Something | Select-Object: "
    )
    assert "The back end is gone" in failure.value.message
    assert failure.value.details["cmdlet"] == "Get-Something"


def test_a_session_that_the_server_does_not_know_any_more_is_said_to_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Forgetful(ShellInMemory):
        def command(self, command_id: str, payload: bytes, *, patience: float) -> None:
            raise ShellNotFound

    monkeypatch.setattr(shell_transport, "ShellTransport", lambda settings: Forgetful(waiting))
    session = ExchangeSession(ExchangeEndpointSettings(host="ex01", user_name="a@X", password="x"))
    with pytest.raises(EndpointUnreachable, match="does not know it any more") as failure:
        session.invoke(GET)
    assert failure.value.details["reason"] == "session_gone"


def test_a_lost_session_that_cannot_be_opened_again_names_the_cmdlet_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(settings: ExchangeEndpointSettings) -> ShellInMemory:
        raise ConnectionRefusedError("Connection refused")

    def vanished(command_id: str, payload: bytes, *, patience: float) -> None:
        raise ShellNotFound

    session, shell = open_session(waiting)
    monkeypatch.setattr(shell, "command", vanished)
    monkeypatch.setattr(shell_transport, "ShellTransport", refuse)
    with pytest.raises(EndpointUnreachable, match=r"was lost during Get-Something: .* refuses"):
        session.invoke(GET)
    with pytest.raises(EndpointUnreachable, match=r"^Cannot open a session on .* refuses"):
        session.invoke(GET)


def test_a_pool_that_breaks_on_opening_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(ShellInMemory):
        def create(self, shell_id: str, payload: bytes, *, protocol_version: str) -> None:
            super().create(shell_id, payload, protocol_version=protocol_version)
            while self.server.data_to_send() is not None:
                pass
            self.server.set_broken(
                record(
                    "Fail to create a runspace because you have exceeded the maximum number of "
                    "connections allowed : 3"
                )
            )

    shells: list[ShellInMemory] = []

    def transport(settings: ExchangeEndpointSettings) -> ShellInMemory:
        shells.append(Refusing(lambda pipe: iter(())))  # type: ignore[arg-type,return-value]
        return shells[-1]

    monkeypatch.setattr(shell_transport, "ShellTransport", transport)
    session = ExchangeSession(ExchangeEndpointSettings(host="ex01", user_name="a@X", password="x"))
    with pytest.raises(EndpointUnreachable) as failure:
        session.invoke(GET)
    assert failure.value.details["reason"] == "throttled"
    assert shells[0].deleted


def test_the_key_is_exchanged_before_the_first_secret_only() -> None:
    def program(pipe: Pipe) -> Steps:
        (command,) = pipe.metadata.commands  # type: ignore[union-attr]
        ((_name, value),) = command.parameters
        pipe.write_output(value.decrypt() if hasattr(value, "decrypt") else value)
        pipe.complete()
        yield from ()

    session, shell = open_session(program)
    assert session.invoke(GET).output == ["x"]
    assert shell.sends == []
    for _ in range(2):
        result = session.invoke(Cmdlet("Import", {"Password": Secret("geheim")}))
        assert result.output == ["geheim"]
    assert shell.sends == [("stdin", False)]


# --- deadline ------------------------------------------------------------------------------------


def waiting(pipe: Pipe) -> Steps:
    yield


def test_the_stop_at_the_deadline_is_spelled_as_the_server_compares_it() -> None:
    session, shell = open_session(waiting)
    with pytest.raises(CmdletFailed, match="deadline"):
        session.invoke(GET, deadline=0)
    assert shell.signals == [
        "powershell/signal/crtl_c",
        "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate",
    ]


def test_a_cmdlet_that_ends_while_it_is_being_stopped_has_ended() -> None:
    session, shell = open_session(waiting)

    def complete(pipe: Pipe) -> None:
        pipe.write_output("just in time")
        pipe.complete()
        shell._done = True

    shell.on_stop = complete
    assert session.invoke(GET, deadline=0, changing=True).output == ["just in time"]


def test_a_question_that_comes_while_it_is_being_stopped_is_answered() -> None:
    session, shell = open_session(waiting)

    def question(pipe: Pipe) -> None:
        ask(pipe)
        shell._running = finish(pipe)
        next(shell._running)

    def finish(pipe: Pipe) -> Steps:
        yield
        pipe.stop()
        shell._done = True

    shell.on_stop = question
    with pytest.raises(UnexpectedPrompt):
        session.invoke(GET, deadline=0)


def test_a_server_that_ignores_the_stop_does_not_hold_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline_run, "_STOP_GRACE_SECONDS", 0.05)
    session, shell = open_session(waiting)
    shell.on_stop = lambda pipe: None
    with pytest.raises(OutcomeUnknown, match="deadline"):
        session.invoke(GET, deadline=0, changing=True)


# A server answers Signal when the pipeline has stopped. One that does not stop soon brings a fault
# when the request's time is over, or nothing at all.
NO_ANSWER_TO_STOP = [
    pytest.param(
        WSManFaultError(
            2150858793,
            None,
            "The WS-Management service cannot complete the operation within the time specified in "
            "OperationTimeout.",
            None,
            None,
            None,
        ),
        id="operation time-out",
    ),
    pytest.param(AnswerLost(), id="silence"),
    pytest.param(ShellNotFound(), id="command not found"),
    pytest.param(requests.exceptions.ReadTimeout("read timed out"), id="read time-out"),
]


def does_not_stop(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> tuple[ExchangeSession, ShellInMemory]:
    monkeypatch.setattr(pipeline_run, "_STOP_GRACE_SECONDS", 0.05)
    session, shell = open_session(waiting)

    def on_stop(pipe: Pipe) -> None:
        raise trouble

    shell.on_stop = on_stop
    return session, shell


@pytest.mark.parametrize("trouble", NO_ANSWER_TO_STOP)
@pytest.mark.parametrize("changing", [False, True])
def test_trouble_while_stopping_is_the_deadline_and_no_lost_contact(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, changing: bool
) -> None:
    session, _shell = does_not_stop(monkeypatch, trouble)
    with pytest.raises(OutcomeUnknown if changing else CmdletFailed) as failure:
        session.invoke(GET, deadline=0, changing=changing)
    assert "Get-Something" in failure.value.message
    assert "passed its deadline of 0 seconds and did not stop when asked to" in (
        failure.value.message
    )
    assert failure.value.details["cmdlet"] == "Get-Something"


@pytest.mark.parametrize("trouble", NO_ANSWER_TO_STOP)
def test_a_pool_whose_pipeline_does_not_stop_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    session, shell = does_not_stop(monkeypatch, trouble)
    with pytest.raises(CmdletFailed):
        session.invoke(GET, deadline=0)
    assert shell.deleted
    assert session._pool is None
    # Ending what does not stop would only wait once more.
    assert shell.signals == ["powershell/signal/crtl_c"]
    assert shell.commands == 1


def test_a_pool_whose_pipeline_has_stopped_is_used_again() -> None:
    session, shell = open_session(waiting)
    with pytest.raises(CmdletFailed, match="and was stopped"):
        session.invoke(GET, deadline=0)
    assert not shell.deleted
    assert session._pool is not None


def test_a_lost_answer_to_the_stop_does_not_hide_that_the_cmdlet_came_to_its_end() -> None:
    session, shell = open_session(waiting)

    def complete_unanswered(pipe: Pipe) -> None:
        pipe.write_output("just in time")
        pipe.complete()
        shell._done = True
        raise AnswerLost

    shell.on_stop = complete_unanswered
    assert session.invoke(GET, deadline=0, changing=True).output == ["just in time"]


def test_a_defect_while_stopping_is_no_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    session, _shell = does_not_stop(monkeypatch, RuntimeError("a defect"))
    with pytest.raises(RuntimeError, match="a defect"):
        session.invoke(GET, deadline=0)


class Clock:
    """The session's, so that a deadline passes at a known point."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(exchange_session, "time", self)

    def monotonic(self) -> float:
        return self.now


def test_nothing_is_started_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contact that is lost while the deadline passes does not start the cmdlet once more."""
    clock = Clock(monkeypatch)
    session, shell = open_session(waiting)
    opened: list[object] = []
    monkeypatch.setattr(shell_transport, "ShellTransport", lambda settings: opened.append(settings))

    def lose(command_id: str | None, *, patience: float | None = None) -> Received:
        clock.now = 51
        raise AnswerLost

    monkeypatch.setattr(shell, "receive", lose)
    with pytest.raises(CmdletFailed, match=r"Get-Something .* deadline of 50 seconds") as failure:
        session.invoke(GET, deadline=50)
    assert failure.value.details["reason"] == "deadline"
    assert (shell.commands, opened) == (1, [])


@pytest.mark.parametrize("changing", [False, True])
def test_a_session_that_opens_again_after_the_deadline_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, changing: bool
) -> None:
    clock = Clock(monkeypatch)
    session, shell = open_session(waiting)
    second = ShellInMemory(waiting)

    def slowly(settings: ExchangeEndpointSettings) -> ShellInMemory:
        clock.now = 51
        return second

    def refuse(command_id: str, payload: bytes, *, patience: float) -> None:
        raise ShellNotFound

    monkeypatch.setattr(shell_transport, "ShellTransport", slowly)
    monkeypatch.setattr(shell, "command", refuse)
    with pytest.raises(CmdletFailed, match="deadline of 50 seconds and was not started"):
        session.invoke(GET, deadline=50, changing=changing)
    assert second.commands == 0


# --- secrets -------------------------------------------------------------------------------------


def test_values_of_parameters_are_in_no_repr_and_no_failure() -> None:
    def program(pipe: Pipe) -> Steps:
        pipe._change_state(PSInvocationState.Failed, record())
        yield from ()

    cmdlet = Cmdlet("Import", {"Password": Secret("geheim"), "FileData": b"geheim"})
    session, _shell = open_session(program)
    with pytest.raises(CmdletFailed) as failure:
        session.invoke(cmdlet)
    shown = [repr(cmdlet), str(failure.value), repr(failure.value.details), repr(session)]
    shown += [repr(failure.value.errors), repr(exchange_session.SessionStatistics())]
    assert not any("geheim" in text for text in shown)


def test_a_pool_state_is_read_as_the_server_says() -> None:
    session, shell = open_session(waiting)
    assert shell.server.state == RunspacePoolState.Opened
    session.close()
    session.close()
    assert shell.deleted
