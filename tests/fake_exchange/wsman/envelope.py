# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does a WS-Management message look? Requests read into plain values, answers and faults
written as SOAP 1.2."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"

#: Every action that remote shells use, by its short name.
ACTIONS = {
    f"{TRANSFER}/Create": "Create",
    f"{TRANSFER}/Delete": "Delete",
    f"{TRANSFER}/Get": "Get",
    f"{SHELL}/Command": "Command",
    f"{SHELL}/Send": "Send",
    f"{SHELL}/Receive": "Receive",
    f"{SHELL}/Signal": "Signal",
}
_RESPONSE_ACTIONS = {
    "Create": f"{TRANSFER}/CreateResponse",
    "Delete": f"{TRANSFER}/DeleteResponse",
    "Get": f"{TRANSFER}/GetResponse",
    "Command": f"{SHELL}/CommandResponse",
    "Send": f"{SHELL}/SendResponse",
    "Receive": f"{SHELL}/ReceiveResponse",
    "Signal": f"{SHELL}/SignalResponse",
}
_DURATION = re.compile(
    r"\AP(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?\Z"
)
_ENVELOPE = (
    '<s:Envelope xml:lang="en-US" xmlns:s="' + SOAP + '" xmlns:a="' + ADDRESSING + '" '
    'xmlns:w="' + WSMAN + '" xmlns:rsp="' + SHELL + '" xmlns:x="' + TRANSFER + '" '
    'xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header>'
    "<a:Action>{action}</a:Action><a:MessageID>uuid:{message_id}</a:MessageID>"
    "<a:To>" + ADDRESSING + "/role/anonymous</a:To>{relates_to}</s:Header>"
    "<s:Body>{body}</s:Body></s:Envelope>"
)


class NotSoap(Exception):
    """The body is not a WS-Management request."""


@dataclass(frozen=True)
class Request:
    """One request: `verb` is the short name of the action, or the action itself if unknown.
    `operation_timeout` in seconds."""

    verb: str
    resource_uri: str
    message_id: str
    body: ElementTree.Element = field(repr=False)
    operation_timeout: float = 60.0
    max_envelope_size: int = 153_600
    options: dict[str, str] = field(default_factory=dict)
    selectors: dict[str, str] = field(default_factory=dict)

    @property
    def shell_id(self) -> str:
        return self.selectors.get("ShellId", "")

    def shell_element(self, name: str) -> ElementTree.Element | None:
        """The first element of the remote shell namespace with this name in the body."""
        return self.body.find(f".//{{{SHELL}}}{name}")


@dataclass(eq=False)
class Fault(Exception):
    """A request that fails. `code` is the WSManFault number, `subcode` WS-Management's own name;
    `provider` the text of the plug-in, where the failure is the plug-in's."""

    code: int
    subcode: str
    reason: str
    provider: str | None = None
    sender: bool = True
    detail: str | None = None


def parse(message: bytes) -> Request:
    """Read a request. Raises `NotSoap`."""
    try:
        root = ElementTree.fromstring(message)
    except ElementTree.ParseError as error:
        raise NotSoap(str(error)) from error
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if root.tag != f"{{{SOAP}}}Envelope" or header is None:
        raise NotSoap("no SOAP envelope with a header")
    action = _text(header, ADDRESSING, "Action")
    size = _text(header, WSMAN, "MaxEnvelopeSize")
    timeout = _text(header, WSMAN, "OperationTimeout")
    return Request(
        verb=ACTIONS.get(action, action),
        resource_uri=_text(header, WSMAN, "ResourceURI"),
        message_id=_text(header, ADDRESSING, "MessageID"),
        body=body if body is not None else ElementTree.Element(f"{{{SOAP}}}Body"),
        operation_timeout=seconds_of(timeout) if timeout else 60.0,
        max_envelope_size=int(size) if size.isdigit() else 153_600,
        options=_named(header, "OptionSet", "Option"),
        selectors=_named(header, "SelectorSet", "Selector"),
    )


def seconds_of(duration: str) -> float:
    """Seconds of an XML duration such as `PT20.5S`. Raises `NotSoap`."""
    match = _DURATION.match(duration)
    if match is None:
        raise NotSoap(f"not a duration: {duration}")
    factors = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
    return sum(float(match[name] or 0) * factor for name, factor in factors.items())


def response(request: Request, body: str) -> bytes:
    """The answer to `request` with this body (XML text; prefixes s a w rsp x p are declared)."""
    action = _RESPONSE_ACTIONS.get(request.verb, request.verb + "Response")
    return _envelope(action, request.message_id, body)


def fault(error: Fault, *, relates_to: str, machine: str) -> bytes:
    """A SOAP fault with the WSManFault detail that clients read the number from."""
    text = escape(error.reason)
    if error.provider is not None:
        path = r"C:\Program Files\Microsoft\Exchange Server\V15\Bin"
        text = (
            f'<f:ProviderFault provider="Microsoft.Exchange" path={quoteattr(path)}>'
            f"{escape(error.provider)}</f:ProviderFault>"
        )
    detail = f"<w:FaultDetail>{WSMAN}/faultDetail/{error.detail}</w:FaultDetail>"
    body = (
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if error.sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(error.reason)}</s:Text></s:Reason>'
        f"<s:Detail>{detail if error.detail else ''}"
        '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" '
        f'Code="{error.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope(FAULT_ACTION, relates_to, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return _ENVELOPE.format(
        action=escape(action),
        message_id=str(uuid.uuid4()).upper(),
        relates_to=f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else "",
        body=body,
    ).encode()


def _text(header: ElementTree.Element, namespace: str, name: str) -> str:
    return (header.findtext(f"{{{namespace}}}{name}") or "").strip()


def _named(header: ElementTree.Element, collection: str, item: str) -> dict[str, str]:
    elements = header.findall(f"{{{WSMAN}}}{collection}/{{{WSMAN}}}{item}")
    return {element.get("Name", ""): element.text or "" for element in elements}
