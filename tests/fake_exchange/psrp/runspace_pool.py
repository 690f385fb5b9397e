# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens inside a PowerShell session? A runspace pool of psrpcore behind the shell verbs:
payloads in, messages out, pipelines started, questions answered."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import psrpcore
from psrpcore._payload import create_fragment, create_message
from psrpcore.types import PSInvocationState, PSRPMessageType, PSVersion

from fake_exchange.psrp.pipeline import PipelineRunner, RunningPipeline, pipeline_key
from fake_exchange.wsman import fault_codes
from fake_exchange.wsman.output import OutputQueue

if TYPE_CHECKING:
    from fake_exchange.organisation.model import Account, Organisation, Server
    from fake_exchange.wsman.shells import CommandLine, OpenShell

RESOURCE_URI = "http://schemas.microsoft.com/powershell/Microsoft.Exchange"
STOP = "powershell/signal/crtl_c"
"""The only signal that stops; the spelling is the protocol's. Any other code ends the command."""

#: A message is cut into fragments of this size; each travels whole in one answer.
FRAGMENT_SIZE = 32768
_FRAGMENT_HEADER = 21
_VERSIONS = {
    "PSVersion": PSVersion("5.1.20348.2849"),
    "BuildVersion": PSVersion("10.0.20348.2849"),
    "CLRVersion": PSVersion("4.0.30319.42000"),
    "WSManStackVersion": PSVersion("3.0"),
    "PSEdition": "Desktop",
}


class RunspacePoolShell:
    """One session of one account on one server; implements `wsman.shells.Shell`.

    `run` executes the commands of a statement; `answer_is_lost` is asked for each cmdlet whether
    the client is to miss its end; `count` adds to the server's counters by name.
    """

    def __init__(
        self,
        opened: OpenShell,
        *,
        organisation: Organisation,
        server: Server,
        run: PipelineRunner,
        count: Callable[[str], None] = lambda name: None,
        answer_is_lost: Callable[[str], bool] = lambda cmdlet: False,
    ) -> None:
        self.organisation = organisation
        self.account: Account = opened.account
        self.server = server
        self.run = run
        self.count = count
        self.answer_is_lost = answer_is_lost
        self.changed = threading.Condition(threading.RLock())
        self.pool = psrpcore.ServerRunspacePool(
            application_private_data={"PSVersionTable": dict(_VERSIONS)}
        )
        self.has_exchanged_key = False
        self._own_output = OutputQueue()
        self._pipelines: dict[uuid.UUID, RunningPipeline] = {}
        self._feed(opened.creation, on_stream="")
        count("sessions")

    # The verbs ------------------------------------------------------------------------------

    def command(self, command: CommandLine) -> None:
        key = pipeline_key(command.command_id)
        payload = fault_codes.decoded("".join(command.arguments))
        with self.changed:
            if key in self._pipelines:
                raise fault_codes.schema_violation("The CommandId is in use.")
            pipeline = psrpcore.ServerPipeline(self.pool, key)
            self._pipelines[key] = RunningPipeline(self, pipeline)
            try:
                self._feed(payload, on_stream="stdin")
            except BaseException:
                # What cannot be decoded never becomes a command.
                self._pipelines.pop(key).close()
                raise

    def send(self, command_id: str | None, stream: str, data: bytes, *, end: bool) -> None:
        if stream not in ("stdin", "pr"):
            raise fault_codes.schema_violation(f"There is no input stream {stream!r}.")
        if command_id is not None and pipeline_key(command_id) not in self._pipelines:
            raise KeyError(command_id)
        self._feed(data, on_stream=stream)

    def output(self, command_id: str | None) -> OutputQueue:
        return self._own_output if command_id is None else self.running(command_id).output

    def signal(self, command_id: str, code: str) -> OutputQueue | None:
        # A stop is answered when the pipeline has stopped (WSManPluginInstance.StopCommand).
        running = self.running(command_id)
        if code == STOP:
            running.stop()
            return running.output
        with self.changed:
            self._pipelines.pop(running.pipeline.pipeline_id, None)
        running.close()
        running.output.fail(fault_codes.command_not_found(command_id))
        return None

    def name_of(self, command_id: str) -> str:
        try:
            return self.running(command_id).name
        except KeyError:
            return ""

    def close(self) -> None:
        with self.changed:
            running = list(self._pipelines.values())
            self._pipelines.clear()
        gone = fault_codes.shell_not_found(str(self.pool.runspace_pool_id).upper())
        self._own_output.fail(gone)
        for pipeline in running:
            pipeline.close()
            pipeline.output.fail(gone)

    def running(self, command_id: str) -> RunningPipeline:
        """Raises KeyError for a command that does not exist (any more)."""
        try:
            return self._pipelines[pipeline_key(command_id)]
        except KeyError as error:
            raise KeyError(command_id) from error

    # Messages in ----------------------------------------------------------------------------

    def _feed(self, data: bytes, *, on_stream: str) -> None:
        with self.changed:
            self.pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, None))
            try:
                while event := self.pool.next_event():
                    self._on_event(event, on_stream)
            finally:
                self.flush()

    def _on_event(self, event: psrpcore.PSRPEvent, on_stream: str) -> None:
        if isinstance(event, (psrpcore.CreatePipelineEvent, psrpcore.GetCommandMetadataEvent)):
            running = self._pipelines[event.pipeline_id]
            running.pipeline.state = PSInvocationState.Running
            self.count("pipelines")
            running.start()
        elif isinstance(event, psrpcore.PipelineHostResponseEvent):
            if on_stream != "pr":
                raise fault_codes.schema_violation("Answers of the host belong on stream pr.")
            error = None if event.error is None else str(event.error)
            running = self._pipelines[event.pipeline_id]
            running.answer_host_call(event.ci, None if error else event.result, error)
        elif isinstance(event, psrpcore.PublicKeyEvent):
            self.has_exchanged_key = True
        elif isinstance(
            event,
            (
                psrpcore.SetMaxRunspacesEvent,
                psrpcore.SetMinRunspacesEvent,
                psrpcore.ResetRunspaceStateEvent,
            ),
        ):
            self.pool.runspace_availability_response(event.ci, True)
        elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
            self.pool.runspace_availability_response(event.ci, 1)

    # Messages out ---------------------------------------------------------------------------

    def flush(self) -> None:
        """Hand what psrpcore has queued to the outputs of its targets (lock held)."""
        while payload := self.pool.data_to_send(FRAGMENT_SIZE):
            self._put(payload.pipeline_id, payload.data)

    def send_raw_output(self, pipeline_id: uuid.UUID, clixml: bytes) -> None:
        """One PIPELINE_OUTPUT message with exactly these bytes (lock held); psrpcore's own
        serializer would lose what makes Exchange's types Exchange's."""
        self.flush()
        message = create_message(
            False, PSRPMessageType.PipelineOutput, clixml, self.pool.runspace_pool_id, pipeline_id
        )
        number = self.pool._fragment_counter
        room = FRAGMENT_SIZE - _FRAGMENT_HEADER
        for index, start in enumerate(range(0, len(message), room)):
            part = message[start : start + room]
            end = start + room >= len(message)
            self._put(pipeline_id, create_fragment(number, index, part, end))

    def _put(self, pipeline_id: uuid.UUID | None, data: bytes) -> None:
        if pipeline_id is None:
            self._own_output.put("stdout", data)
        elif running := self._pipelines.get(pipeline_id):
            running.output.put("stdout", data)
