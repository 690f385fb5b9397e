# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of one PowerShell shell on a WSMan endpoint: what goes over HTTP and what is safe to
send again.

Knows nothing of PowerShell's own protocol: payloads are bytes. Every request goes through
WSMan.invoke, because the convenience methods of pypsrp retry on time-outs, far past any deadline.
"""

from __future__ import annotations

import base64
import binascii
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any

import requests
from pypsrp.exceptions import (
    AuthenticationError,
    WinRMError,
    WinRMTransportError,
    WSManFaultError,
)
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSMan, WSManAction

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
)

RESOURCE_URI = "http://schemas.microsoft.com/powershell/Microsoft.Exchange"
# The server compares this literally; any other spelling closes instead of stopping.
SIGNAL_STOP = "powershell/signal/crtl_c"
SIGNAL_TERMINATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/terminate"

FAULT_OPERATION_TIMEOUT = 2150858793
FAULT_SHELL_NOT_FOUND = 2150858843

_RSP = NAMESPACES["rsp"]
_CLOSE_PATIENCE = 10


class ShellNotFound(Exception):
    """The server knows neither the shell nor the command (any more)."""


class AnswerLost(Exception):
    """A request may have reached the server, but no usable answer came back."""


class NotSent(Exception):
    """No connection was made, so the server never saw the request."""


class NotAuthenticated(Exception):
    """The login failed in a way that the library reports by an exception of no kind of its own."""


@dataclass(frozen=True)
class Received:
    """One answer to Receive; `empty` when the server had nothing to say within the operation time-
    out."""

    payloads: list[bytes] = field(default_factory=list)
    done: bool = False
    empty: bool = False


class ShellTransport:
    """One shell on one endpoint. Not for use by two threads: message encryption is tied to one
    connection."""

    def __init__(self, settings: ExchangeEndpointSettings) -> None:
        self._settings = settings
        self._wsman = _wsman(settings)
        self._selectors: SelectorSet | None = None
        self._last_answer: float | None = None
        self.round_trips = 0

    @property
    def max_payload_size(self) -> int:
        return int(self._wsman.max_payload_size)

    def create(self, shell_id: str, payload: bytes, *, protocol_version: str) -> None:
        """Open the shell; the payload starts PowerShell's own negotiation."""
        shell = ET.Element(f"{{{_RSP}}}Shell", ShellId=shell_id)
        ET.SubElement(shell, f"{{{_RSP}}}InputStreams").text = "stdin pr"
        ET.SubElement(shell, f"{{{_RSP}}}OutputStreams").text = "stdout"
        creation = ET.SubElement(
            shell, "creationXml", xmlns="http://schemas.microsoft.com/powershell"
        )
        creation.text = _base64(payload)
        options = OptionSet()
        options.add_option("protocolversion", protocol_version, {"MustComply": "true"})
        answer = self._request(
            WSManAction.CREATE, shell, options=options, patience=self._settings.open_timeout
        )
        self._selectors = SelectorSet()
        self._selectors.add_option("ShellId", _shell_id(answer) or shell_id)

    def command(self, command_id: str, payload: bytes, *, patience: float) -> None:
        """Start a pipeline with its first (often only) payload."""
        patience = min(patience, self._settings.open_timeout)
        line = ET.Element(f"{{{_RSP}}}CommandLine", CommandId=command_id)
        ET.SubElement(line, f"{{{_RSP}}}Command")
        ET.SubElement(line, f"{{{_RSP}}}Arguments").text = _base64(payload)
        self._request(WSManAction.COMMAND, line, patience=patience)

    def send(self, payload: bytes, *, stream: str, command_id: str | None) -> None:
        """Send a further payload to the pipeline, or to the shell itself without a command id."""
        send = ET.Element(f"{{{_RSP}}}Send")
        data = ET.SubElement(send, f"{{{_RSP}}}Stream", Name=stream)
        if command_id is not None:
            data.attrib["CommandId"] = command_id
        data.text = _base64(payload)
        self._request(WSManAction.SEND, send)

    def receive(self, command_id: str | None, *, patience: float | None = None) -> Received:
        """Wait for output of the pipeline, or of the shell itself without a command id.

        `patience` can shorten the wait below the operation time-out, not lengthen it.
        """
        longest = float(self._settings.operation_timeout)
        receive = ET.Element(f"{{{_RSP}}}Receive")
        stream = ET.SubElement(receive, f"{{{_RSP}}}DesiredStream")
        if command_id is not None:
            stream.attrib["CommandId"] = command_id
        stream.text = "stdout"
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
        try:
            answer = self._request(
                WSManAction.RECEIVE,
                receive,
                options=options,
                patience=longest if patience is None else min(patience, longest),
            )
        except WSManFaultError as fault:
            if fault.code == FAULT_OPERATION_TIMEOUT:
                return Received(empty=True)
            raise
        return _received(answer)

    def signal(self, command_id: str, code: str) -> None:
        signal = ET.Element(f"{{{_RSP}}}Signal", CommandId=command_id)
        ET.SubElement(signal, f"{{{_RSP}}}Code").text = code
        self._request(WSManAction.SIGNAL, signal, closing=True)

    def delete(self) -> None:
        """Close the shell on the server, which ends everything in it."""
        if self._selectors is not None:
            self._request(WSManAction.DELETE, None, closing=True)
            self._selectors = None

    def disconnect(self) -> None:
        """Drop the HTTP connection; the shell on the server is not touched."""
        self._wsman.close()

    def enlarge_envelopes(self) -> None:
        """Use the envelope size of servers that speak protocol version 2.2 or later."""
        self._wsman.update_max_payload_size(512000)

    def reset(self) -> None:
        """Drop connections and the security context, keep cookies and the shell.

        A server that has closed an idle connection cannot decrypt what is encrypted with the old
        context.
        """
        transport = self._wsman.transport
        if transport.session is not None:
            transport.session.close()
        transport.encryption = None
        self._last_answer = None

    def _request(
        self,
        action: str,
        body: ET.Element | None,
        *,
        options: OptionSet | None = None,
        patience: float | None = None,
        closing: bool = False,
    ) -> ET.Element:
        self._forget_idle_connection()
        self._be_patient(patience, closing=closing)
        try:
            return self._exchange(action, body, options)
        except WinRMTransportError as error:
            if not self._undecryptable(error):
                raise
        # The server could not decrypt the body, so nothing has been executed: safe to repeat, once.
        self.reset()
        return self._exchange(action, body, options)

    def _exchange(
        self, action: str, body: ET.Element | None, options: OptionSet | None
    ) -> ET.Element:
        self.round_trips += 1
        try:
            answer = self._wsman.invoke(action, RESOURCE_URI, body, options, self._selectors)
        except WSManFaultError as fault:
            self._last_answer = time.monotonic()
            if fault.code == FAULT_SHELL_NOT_FOUND:
                raise ShellNotFound from fault
            if fault.code is None and isinstance(fault.__context__, WinRMTransportError):
                # An ordinary web page that happens to be well-formed: the status says more.
                raise fault.__context__ from None
            raise
        except requests.exceptions.RequestException as error:
            self.reset()
            raise (NotSent() if _never_connected(error) else AnswerLost()) from error
        except AuthenticationError:
            self.reset()
            raise
        except WinRMTransportError as error:
            self._last_answer = time.monotonic()
            if error.code >= 500:
                raise AnswerLost from error
            raise
        except (WinRMError, ET.ParseError) as error:
            self.reset()
            raise AnswerLost from error
        except Exception as error:
            # Before the first answer this is a failed login; later it may be an answer that cannot
            # be decrypted.
            established = self._last_answer is not None
            self.reset()
            if established:
                raise AnswerLost from error
            if isinstance(error, (KeyError, ValueError)):
                raise NotAuthenticated from error
            raise
        self._last_answer = time.monotonic()
        return answer

    def _undecryptable(self, error: WinRMTransportError) -> bool:
        return (
            error.code == 400
            and not error.response_text.strip()
            and bool(self._wsman.transport.wrap_required)
        )

    def _forget_idle_connection(self) -> None:
        if self._last_answer is None:
            return
        if time.monotonic() - self._last_answer > self._settings.idle_reset_seconds:
            self.reset()

    def _be_patient(self, seconds: float | None, *, closing: bool) -> None:
        # Passing a time-out to invoke() would shorten the slack for HTTP to two seconds and stretch
        # the time to connect.
        slack = max(5, self._settings.read_timeout - self._settings.operation_timeout)
        operation = self._settings.operation_timeout if seconds is None else seconds
        if closing:
            operation, slack = _CLOSE_PATIENCE, 5
        self._wsman.operation_timeout = max(1, int(operation))
        self._wsman.transport.read_timeout = self._wsman.operation_timeout + slack


def _wsman(settings: ExchangeEndpointSettings) -> WSMan:
    # The annotation of WSMan says bool; requests takes the path of a CA file too.
    verify: Any = settings.validate_certificates
    if settings.validate_certificates and settings.ca_file:
        verify = settings.ca_file
    wsman = WSMan(
        settings.host,
        port=settings.port,
        path=settings.path,
        ssl=settings.scheme == "https",
        username=settings.user_name,
        password=settings.password,
        auth=settings.authentication,
        cert_validation=verify,
        encryption=settings.message_encryption,
        connection_timeout=settings.connect_timeout,
        operation_timeout=settings.operation_timeout,
        read_timeout=settings.read_timeout,
        negotiate_service=settings.service,
        negotiate_hostname_override=settings.service_host_name,
        # A proxy from the environment is meant for the internet, not for this server.
        no_proxy=True,
    )
    # A redirect would carry the login to a host that nobody has named.
    wsman.transport.session = wsman.transport._build_session()
    wsman.transport.session.max_redirects = 0
    return wsman


def _base64(payload: bytes) -> str:
    return base64.b64encode(payload).decode("ascii")


def _shell_id(answer: ET.Element) -> str | None:
    selector = answer.find(".//wsman:Selector[@Name='ShellId']", namespaces=NAMESPACES)
    if selector is None:
        selector = answer.find(".//rsp:ShellId", namespaces=NAMESPACES)
    return selector.text if selector is not None else None


def _received(answer: ET.Element) -> Received:
    payloads: list[bytes] = []
    for stream in answer.iterfind(".//rsp:Stream", namespaces=NAMESPACES):
        try:
            payloads.append(base64.b64decode(stream.text or "", validate=False))
        except binascii.Error as error:
            raise AnswerLost from error
    state = answer.find(".//rsp:CommandState", namespaces=NAMESPACES)
    name = state.attrib.get("State", "") if state is not None else ""
    return Received(payloads=payloads, done=name.endswith("/Done"))


def _never_connected(error: requests.exceptions.RequestException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    reason: Any = error.args[0] if error.args else None
    cause = getattr(reason, "reason", None)
    return type(cause).__name__ in ("NewConnectionError", "NameResolutionError")
