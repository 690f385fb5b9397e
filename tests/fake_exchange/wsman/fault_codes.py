# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failures does remote management report, and how? One function for each fault, with the
number and the words that Windows and Exchange use."""

from __future__ import annotations

import base64
import binascii

from fake_exchange.wsman.envelope import Fault

TIMED_OUT = 2150858793
SHELL_NOT_FOUND = 2150858843
RESOURCE_NOT_FOUND = 2150858811
TOO_MANY_SHELLS = 2150859173
ACCESS_DENIED = 5


def timed_out() -> Fault:
    """Nothing to send within OperationTimeout; normal for Receive."""
    return Fault(
        TIMED_OUT,
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in "
        "OperationTimeout.",
        sender=False,
    )


def shell_not_found(shell_id: str) -> Fault:
    return Fault(
        SHELL_NOT_FOUND,
        "w:InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the "
        "shell was not found on the server. Possible causes are: the specified ShellId is "
        "incorrect or the shell no longer exists on the server. Provide the correct ShellId or "
        "create a new shell and retry the operation.",
        detail="UnexpectedSelectors",
    )


def command_not_found(command_id: str) -> Fault:
    return Fault(
        SHELL_NOT_FOUND,
        "w:InvalidSelectors",
        f"The Windows Remote Shell received a request to perform an operation on a command "
        f"identifier {command_id} that does not exist. Either the command has completed execution "
        "or the client specified an invalid command identifier.",
        detail="UnexpectedSelectors",
    )


def resource_not_found(resource_uri: str) -> Fault:
    return Fault(
        RESOURCE_NOT_FOUND,
        "a:DestinationUnreachable",
        "The WS-Management service cannot process the request. The service cannot find the "
        f"resource identified by the resource URI and selectors. Resource URI: {resource_uri}",
        detail="InvalidResourceURI",
    )


def access_denied() -> Fault:
    return Fault(ACCESS_DENIED, "w:AccessDenied", "Access is denied.")


def too_many_shells(limit: int) -> Fault:
    return Fault(
        TOO_MANY_SHELLS,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. This user is allowed a maximum "
        f"number of {limit} concurrent shells, which has been exceeded. Close existing shells or "
        "raise the quota for this user.",
        sender=False,
    )


def too_many_connections(limit: int) -> Fault:
    """The same limit in the words of Exchange 2013 and later."""
    text = (
        "[FailureCategory=AuthZ-AuthorizationException] Fail to create a runspace because you "
        f"have exceeded the maximum number of connections allowed : {limit} for the policy party "
        ": MaxConcurrency. Please close existing runspace and try again."
    )
    return Fault(ACCESS_DENIED, "w:AccessDenied", text, provider=text)


def too_many_requests() -> Fault:
    """The words are Exchange's (event texts of 2010); the number is not known from any source."""
    return Fault(
        2150859119,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. The user load quota of 200 "
        "requests per 5 seconds has been exceeded. Send future requests at a slower rate or raise "
        "the quota for this user. The next request from this user will not be approved for at "
        "least 2500 milliseconds.",
        sender=False,
    )


def no_management_roles(account: str) -> Fault:
    """Somebody known who is in no role group."""
    text = (
        "[FailureCategory=AuthZ-CmdletAccessDeniedException] The user "
        f'"{account}" isn\'t assigned to any management roles.'
    )
    return Fault(ACCESS_DENIED, "w:AccessDenied", text, provider=text)


def unsupported_action(action: str) -> Fault:
    return Fault(
        2150858754,
        "a:ActionNotSupported",
        "The WS-Management service cannot process the request. The requested action is not "
        f"supported: {action}",
    )


def schema_violation(problem: str) -> Fault:
    """The message is not what the schema or the protocol wants."""
    return Fault(
        2150858817,
        "w:SchemaValidationError",
        f"The WS-Management service cannot process the request. The SOAP XML in the message does "
        f"not match the corresponding XML schema definition. {problem}",
    )


def internal_error(problem: str) -> Fault:
    return Fault(
        1359,
        "w:InternalError",
        f"The WS-Management service cannot process the request because of an internal error: "
        f"{problem}",
        sender=False,
    )


def decoded(text: str | None) -> bytes:
    """The bytes of a base64 text in a message. Raises `Fault`."""
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error as error:
        raise schema_violation("A payload is not base64.") from error
