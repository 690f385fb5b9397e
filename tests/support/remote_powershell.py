# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How would somebody else's client see the fake? A small one straight on pypsrp's transport and
psrpcore's protocol, kept apart from the product so that it cannot share its mistakes."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from xml.etree import ElementTree

import psrpcore
from psrpcore.types import HostInfo, PSInvocationState, RunspacePoolState
from pypsrp.exceptions import WSManFaultError
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSMan, WSManAction

SHELL = NAMESPACES["rsp"]
MICROSOFT_EXCHANGE = "http://schemas.microsoft.com/powershell/Microsoft.Exchange"
STOP = "powershell/signal/crtl_c"
TERMINATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate"
TIMED_OUT = 2150858793

#: Answers a prompt: caption, message, labels, default -> index of the answer.
Answer = Callable[[str, str, list[str], int], int]


@dataclass
class Result:
    """Everything one pipeline said."""

    state: PSInvocationState = PSInvocationState.Running
    reason: Any = None
    output: list[Any] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verbose: list[str] = field(default_factory=list)
    prompts: list[tuple[str, str, list[str], int]] = field(default_factory=list)
    receives: int = 0


class RemotePowerShell:
    """One runspace pool; a context manager that opens and closes it."""

    def __init__(
        self,
        wsman: WSMan,
        *,
        resource_uri: str = MICROSOFT_EXCHANGE,
        has_host: bool = True,
        answer: Answer | None = None,
        operation_timeout: int = 20,
    ) -> None:
        self.wsman = wsman
        self.resource_uri = resource_uri
        self.answer = answer
        self.operation_timeout = operation_timeout
        host = HostInfo(
            IsHostNull=not has_host,
            IsHostUINull=not has_host,
            IsHostRawUINull=True,
            UseRunspaceHost=False,
        )
        self.pool = psrpcore.ClientRunspacePool(host=host)
        self.shell_id = str(self.pool.runspace_pool_id).upper()
        self.key_exchanged = False

    def __enter__(self) -> RemotePowerShell:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        self.pool.open()
        first = self.pool.data_to_send(self.wsman.max_payload_size)
        assert first is not None
        shell = ElementTree.Element(f"{{{SHELL}}}Shell", ShellId=self.shell_id)
        ElementTree.SubElement(shell, f"{{{SHELL}}}InputStreams").text = "stdin pr"
        ElementTree.SubElement(shell, f"{{{SHELL}}}OutputStreams").text = "stdout"
        creation = ElementTree.SubElement(shell, "creationXml")
        creation.set("xmlns", "http://schemas.microsoft.com/powershell")
        creation.text = base64.b64encode(first.data).decode()
        options = OptionSet()
        options.add_option("protocolversion", "2.3", {"MustComply": "true"})
        self._invoke(WSManAction.CREATE, shell, options=options, with_shell=False)
        while self.pool.state == RunspacePoolState.Opening:
            for event in self._events(self._received(None)):
                assert not isinstance(event, psrpcore.PipelineOutputEvent)

    def close(self) -> None:
        """Delete the shell; errors of a shell that is gone anyway are swallowed."""
        try:
            self._invoke(WSManAction.DELETE, None)
        except WSManFaultError:
            pass
        finally:
            self.wsman.close()

    def exchange_key(self) -> None:
        self.pool.exchange_key()
        self._send_all()
        while not self.key_exchanged:
            for event in self._events(self._received(None)):
                if isinstance(event, psrpcore.EncryptedSessionKeyEvent):
                    self.key_exchanged = True

    def invoke(self, *commands: tuple[str, dict[str, object]], script: str | None = None) -> Result:
        """Run one pipeline to its end."""
        pipeline = self.start(*commands, script=script)
        try:
            return self.finish(pipeline)
        finally:
            self.end(pipeline)

    def start(
        self, *commands: tuple[str, dict[str, object]], script: str | None = None
    ) -> psrpcore.ClientPowerShell:
        pipeline = psrpcore.ClientPowerShell(self.pool)
        if script is not None:
            pipeline.add_script(script)
        for name, parameters in commands:
            pipeline.add_command(name)
            for parameter, value in parameters.items():
                pipeline.add_parameter(parameter, value)
        pipeline.start()
        first = self.pool.data_to_send(self.wsman.max_payload_size)
        assert first is not None
        line = ElementTree.Element(
            f"{{{SHELL}}}CommandLine", CommandId=str(pipeline.pipeline_id).upper()
        )
        ElementTree.SubElement(line, f"{{{SHELL}}}Command").text = ""
        arguments = ElementTree.SubElement(line, f"{{{SHELL}}}Arguments")
        arguments.text = base64.b64encode(first.data).decode()
        self._invoke(WSManAction.COMMAND, line)
        self._send_all()
        return pipeline

    def finish(self, pipeline: psrpcore.ClientPowerShell) -> Result:
        """Receive until the pipeline has ended."""
        result = Result()
        while pipeline.state == PSInvocationState.Running:
            payloads = self._received(pipeline.pipeline_id)
            result.receives += 1
            for event in self._events(payloads):
                self._note(event, result, pipeline)
        result.state = pipeline.state
        return result

    def signal(self, pipeline: psrpcore.ClientPowerShell, code: str) -> None:
        command_id = str(pipeline.pipeline_id).upper()
        signal = ElementTree.Element(f"{{{SHELL}}}Signal", CommandId=command_id)
        ElementTree.SubElement(signal, f"{{{SHELL}}}Code").text = code
        self._invoke(WSManAction.SIGNAL, signal)

    def end(self, pipeline: psrpcore.ClientPowerShell) -> None:
        try:
            self.signal(pipeline, TERMINATE)
        except WSManFaultError:
            pass
        finally:
            self.pool.pipeline_table.pop(pipeline.pipeline_id, None)

    def reset_transport(self) -> None:
        """New connections and security context, same cookies."""
        transport = self.wsman.transport
        if transport.session is not None:
            transport.session.close()
        transport.encryption = None

    def receive_once(self, pipeline: psrpcore.ClientPowerShell) -> list[bytes]:
        return self._received(pipeline.pipeline_id)

    def _note(
        self, event: psrpcore.PSRPEvent, result: Result, pipeline: psrpcore.ClientPowerShell
    ) -> None:
        if isinstance(event, psrpcore.PipelineOutputEvent):
            result.output.append(event.data)
        elif isinstance(event, psrpcore.ErrorRecordEvent):
            result.errors.append(event.record)
        elif isinstance(event, psrpcore.WarningRecordEvent):
            result.warnings.append(event.record.Message)
        elif isinstance(event, psrpcore.VerboseRecordEvent):
            result.verbose.append(event.record.Message)
        elif isinstance(event, psrpcore.PipelineStateEvent):
            result.reason = event.reason
        elif isinstance(event, psrpcore.PipelineHostCallEvent):
            self._answer_prompt(event, result, pipeline)

    def _answer_prompt(
        self,
        event: psrpcore.PipelineHostCallEvent,
        result: Result,
        pipeline: psrpcore.ClientPowerShell,
    ) -> None:
        caption, message, choices, default = event.method_parameters
        prompt = (caption, message, [choice.Label for choice in choices], default)
        result.prompts.append(prompt)
        index = self.answer(*prompt) if self.answer else default
        psrpcore.ClientHostResponder(pipeline).prompt_for_choice(event.ci, index)
        self._send_all()

    def _send_all(self) -> None:
        while payload := self.pool.data_to_send(self.wsman.max_payload_size):
            stream = "pr" if payload.stream_type == psrpcore.StreamType.prompt_response else "stdin"
            self.send_raw(payload.data, stream, payload.pipeline_id)

    def send_raw(self, data: bytes, stream: str, pipeline_id: uuid.UUID | None) -> None:
        send = ElementTree.Element(f"{{{SHELL}}}Send")
        attributes = {"Name": stream}
        if pipeline_id is not None:
            attributes["CommandId"] = str(pipeline_id).upper()
        element = ElementTree.SubElement(send, f"{{{SHELL}}}Stream", attributes)
        element.text = base64.b64encode(data).decode()
        self._invoke(WSManAction.SEND, send)

    def _received(self, pipeline_id: uuid.UUID | None) -> list[bytes]:
        """Payloads of one Receive; nothing on its time-out."""
        receive = ElementTree.Element(f"{{{SHELL}}}Receive")
        desired = ElementTree.SubElement(receive, f"{{{SHELL}}}DesiredStream")
        desired.text = "stdout"
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
        if pipeline_id is not None:
            desired.set("CommandId", str(pipeline_id).upper())
        try:
            answer = self._invoke(WSManAction.RECEIVE, receive, options=options)
        except WSManFaultError as fault:
            if fault.code == TIMED_OUT:
                return []
            raise
        streams = answer.iter(f"{{{SHELL}}}Stream")
        return [base64.b64decode(stream.text or "") for stream in streams]

    def _events(self, payloads: Sequence[bytes]) -> list[psrpcore.PSRPEvent]:
        for data in payloads:
            self.pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, None))
        events = []
        while event := self.pool.next_event():
            events.append(event)
        return events

    def _invoke(
        self,
        action: str,
        element: ElementTree.Element | None,
        *,
        options: OptionSet | None = None,
        with_shell: bool = True,
    ) -> ElementTree.Element:
        selectors = None
        if with_shell:
            selectors = SelectorSet()
            selectors.add_option("ShellId", self.shell_id)
        return self.wsman.invoke(
            action,
            self.resource_uri,
            element,
            option_set=options,
            selector_set=selectors,
            timeout=self.operation_timeout,
        )
