# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with the Windows endpoint of one server: fixed scripts in, their JSON answers out.

Only a short constant bootstrap stands on the command line (cmd.exe takes 8191 characters). Script
and parameters travel on stdin, where no process list shows them; nothing is ever pasted into script
text.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.connection_errors import (
    explain,
    is_connection_trouble,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.endpoint_checks import (
    check_settings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.kerberos_ticket import (
    KerberosTicket,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.library_loggers import (
    cap_library_loggers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    WindowsEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_errors import (
    error_texts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    OutcomeUnknown,
    WindowsScriptFailed,
)

_SCRIPTS = Path(__file__).parent / "scripts"
_SEPARATOR = "\0\0\0\0"
_STDIN_BYTES = 100_000
_ANSWER = re.compile(rb"<<<answer ([A-Za-z0-9+/=\s]*) answer>>>")
_POWERSHELL = "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass"
_UTF8_CODE_PAGE = 65001
_LONGEST_COMMAND_LINE = 8191

Result = TypeVar("Result")


class WindowsSession:
    """One shell on one server, opened on first use. Not for use by two threads at once."""

    def __init__(self, settings: WindowsEndpointSettings) -> None:
        self.settings = settings
        self.shells = 0
        self._protocol: Any = None
        self._shell_id: str | None = None
        self._ticket: KerberosTicket | None = None
        self._last_answer: float | None = None

    def run(
        self,
        script_name: str,
        parameters: Mapping[str, object],
        *,
        changing: bool = False,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Run one of the collection's scripts.

        Args:
            script_name: A file of the scripts folder, without its suffix.
            parameters: What the script reads; JSON types only.
            changing: Whether the script changes something, which decides what a lost connection
                means.
            deadline: Seconds until the script is ended; default from the settings.

        Raises:
            EndpointUnreachable, MissingLibrary, InvalidInput: No session.
            WindowsScriptFailed: The script failed, or its answer cannot be read.
            OutcomeUnknown: Contact lost or deadline passed in a changing script.
        """
        ends_at = time.monotonic() + (self.settings.deadline if deadline is None else deadline)
        script = script_text(script_name)
        stdin = (script + _SEPARATOR + json.dumps(dict(parameters), ensure_ascii=True)).encode()
        started = False
        try:
            command_id = self._start()
            try:
                started = True
                self._send(command_id, stdin)
                stdout, stderr, exit_code = self._receive(command_id, ends_at, script_name)
            finally:
                self._forget(command_id)
        except ExchangeError as error:
            self.close()
            if started and changing:
                raise self._outcome_unknown(script_name, error.message) from error
            raise
        except Exception as error:
            self.close()
            if not is_connection_trouble(error):
                raise
            if started and changing:
                raise self._outcome_unknown(script_name, "contact was lost") from error
            raise explain(error, self.settings) from error
        return self._answer(script_name, stdout, stderr, exit_code)

    def close(self) -> None:
        """Close the shell and destroy a private ticket; may be called twice, never raises."""
        shell_id, self._shell_id = self._shell_id, None
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            try:
                if shell_id is not None:
                    with self._ticket.active() if self._ticket else nullcontext():
                        protocol.close_shell(shell_id)
                else:
                    protocol.transport.close_session()
            except Exception:
                # The server ends an idle shell by itself.
                pass
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            try:
                ticket.close()
            except Exception:
                # A cache in memory ends with the process anyway.
                pass

    def __enter__(self) -> WindowsSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _start(self) -> str:
        """The id of a waiting PowerShell; it does nothing before its stdin is closed, so a second
        try is safe."""
        had_shell = self._shell_id is not None
        try:
            return self._start_command()
        except Exception as error:
            if not had_shell or not _shell_is_gone(error):
                raise
        self._shell_id = None
        return self._start_command()

    def _start_command(self) -> str:
        protocol = self._open()
        return self._call(
            lambda: protocol.run_command(
                self._shell_id,
                command_line(script_text("bootstrap")),
                console_mode_stdin=False,
                skip_cmd_shell=False,
            )
        )

    def _open(self) -> Any:
        if self._protocol is None:
            check_settings(self.settings)
            self._protocol = self._new_protocol()
        protocol = self._protocol
        if self._shell_id is None:
            # A restart must come to its end in the shell even when nobody listens any more.
            idle = max(900, int(self.settings.deadline) + 300)
            self._shell_id = self._call(
                lambda: protocol.open_shell(codepage=_UTF8_CODE_PAGE, idle_timeout=f"PT{idle}S")
            )
            self.shells += 1
        return protocol

    def _new_protocol(self) -> Any:
        settings = self.settings
        import winrm

        cap_library_loggers()
        transport: Any = _transport(settings)
        encryption: Any = settings.message_encryption
        if transport == "kerberos" and settings.user_name and settings.password:
            self._ticket = KerberosTicket(settings.user_name, settings.password)
        return winrm.Protocol(
            settings.url,
            transport=transport,
            username=settings.user_name,
            password=settings.password,
            service=settings.service,
            ca_trust_path=_authorities(settings),
            server_cert_validation="validate" if settings.validate_certificates else "ignore",
            kerberos_hostname_override=settings.service_host_name,
            message_encryption=encryption,
            operation_timeout_sec=settings.operation_timeout,
            read_timeout_sec=settings.read_timeout,
            # A proxy from the environment is meant for the internet, not for this server.
            proxy=None,
        )

    def _send(self, command_id: str, stdin: bytes) -> None:
        protocol, shell_id = self._protocol, self._shell_id
        for start in range(0, len(stdin), _STDIN_BYTES):
            part = stdin[start : start + _STDIN_BYTES]
            last = start + _STDIN_BYTES >= len(stdin)
            request = partial(protocol.send_command_input, shell_id, command_id, part, end=last)
            self._call(request)

    def _receive(
        self, command_id: str, ends_at: float, script_name: str
    ) -> tuple[bytes, bytes, int]:
        from winrm.exceptions import WinRMOperationTimeoutError

        protocol, shell_id = self._protocol, self._shell_id
        stdout: list[bytes] = []
        stderr: list[bytes] = []
        while True:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise WindowsScriptFailed(
                    f"The Windows script {script_name} on {self.settings.host} passed its "
                    "deadline. Raise "
                    "ansible_exchange_winrm_deadline if the server is only slow",
                    details={"server": self.settings.host, "reason": "deadline"},
                )
            protocol.operation_timeout_sec = max(1, min(self.settings.operation_timeout, int(left)))
            try:
                out, err, exit_code, done = self._call(
                    lambda: protocol.get_command_output_raw(shell_id, command_id)
                )
            except WinRMOperationTimeoutError:
                continue
            stdout.append(out)
            stderr.append(err)
            if done:
                return b"".join(stdout), b"".join(stderr), exit_code

    def _forget(self, command_id: str) -> None:
        if self._protocol is None or self._shell_id is None:
            return
        protocol, shell_id = self._protocol, self._shell_id
        try:
            self._call(lambda: protocol.cleanup_command(shell_id, command_id))
        except Exception:
            # The outcome is known; the command ends with its shell.
            pass

    def _call(self, request: Callable[[], Result]) -> Result:
        """One request, with the ticket in place, on a connection that the server has not dropped
        for idling."""
        transport = self._protocol.transport
        if (
            self._last_answer is not None
            and time.monotonic() - self._last_answer > self.settings.idle_reset_seconds
        ):
            transport.close_session()
        with self._ticket.active() if self._ticket is not None else nullcontext():
            try:
                return request()
            except Exception as error:
                if not _undecryptable(error) or self._last_answer is None:
                    raise
                # The body could not be decrypted, so nothing has been executed: safe to repeat,
                # once.
                transport.close_session()
                return request()
            finally:
                self._last_answer = time.monotonic()

    def _answer(
        self, script_name: str, stdout: bytes, stderr: bytes, exit_code: int
    ) -> dict[str, Any]:
        where = f"The Windows script {script_name} on {self.settings.host}"
        details: dict[str, object] = {"server": self.settings.host, "exit_code": exit_code}
        found = _ANSWER.search(stdout)
        if found is None:
            said = "; ".join(error_texts(stderr)) or f"exit code {exit_code}, no message"
            raise WindowsScriptFailed(f"{where} gave no answer ({said})", details=details)
        try:
            document = json.loads(base64.b64decode(found.group(1)).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError):
            raise WindowsScriptFailed(
                f"{where} gave an answer that cannot be read", details=details
            ) from None
        if not document.get("ok"):
            raise WindowsScriptFailed(
                f"{where} failed: {document.get('message')}",
                details={
                    **details,
                    "error_id": document.get("error_id"),
                    "category": document.get("category"),
                    "exception_type": document.get("exception_type"),
                },
            )
        answer = document.get("answer")
        if not isinstance(answer, dict):
            raise WindowsScriptFailed(f"{where} gave an empty answer", details=details)
        return answer

    def _outcome_unknown(self, script_name: str, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Whether the Windows script {script_name} took effect on {self.settings.host} is "
            f"unknown: {why}. It may "
            "still be running there; look at the services' state before repeating it",
            details={"server": self.settings.host, "script": script_name},
        )


def script_text(name: str) -> str:
    """The text of a script of this collection."""
    return (_SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")


def command_line(bootstrap: str) -> str:
    """The command that runs the bootstrap; constant, and short enough for cmd.exe."""
    encoded = base64.b64encode(bootstrap.encode("utf-16-le")).decode("ascii")
    line = f"{_POWERSHELL} -EncodedCommand {encoded}"
    if len(line) > _LONGEST_COMMAND_LINE:
        raise ValueError(f"the bootstrap makes a command line of {len(line)} characters")
    return line


def _transport(settings: WindowsEndpointSettings) -> str:
    if settings.authentication == "basic":
        return "ssl"
    if settings.authentication == "negotiate":
        # pywinrm knows no Negotiate; with a ticket it is Kerberos, with a password NTLM.
        return "ntlm" if settings.password else "kerberos"
    return settings.authentication


def _authorities(settings: WindowsEndpointSettings) -> Any:
    # What requests would take by itself; asking pywinrm for it makes it warn. None is certifi.
    environment = os.environ
    return (
        settings.ca_file
        or environment.get("REQUESTS_CA_BUNDLE")
        or environment.get("CURL_CA_BUNDLE")
    )


_SHELL_NOT_FOUND = 2150858843
_SHELL_QUOTA = 0x803381A6


def _shell_is_gone(error: BaseException) -> bool:
    return (
        getattr(error, "wsman_fault_code", None) == _SHELL_NOT_FOUND
        or getattr(error, "wmierror_code", None) == _SHELL_QUOTA
    )


def _undecryptable(error: BaseException) -> bool:
    return (
        type(error).__name__ == "WinRMTransportError"
        and getattr(error, "code", None) == 400
        and not str(getattr(error, "response_text", "")).strip()
    )
