# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, as exceptions whose text a mail administrator can act on.

Every message is one line: what was being done, to what, and what to do about it. `details` carries
the same facts for machines and ends up in the task result. No message ever holds a credential.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class ExchangeError(Exception):
    """Base of every error of this collection.

    Args:
        message: One line for a person; line breaks are folded.
        details: JSON-safe facts for machines (server, cmdlet, error_id, ...).
    """

    def __init__(self, message: str, *, details: Mapping[str, object] | None = None) -> None:
        self.message = " ".join(message.split())
        self.details: dict[str, object] = dict(details or {})
        super().__init__(self.message)


class InvalidInput(ExchangeError):
    """The task asks for something impossible; nothing has been sent."""


class EndpointUnreachable(ExchangeError):
    """No usable session: network, TLS, login, permissions to connect, throttling."""


class MissingLibrary(ExchangeError):
    """A Python library or system library is missing on the control node."""

    @classmethod
    def named(cls, library: str, *, details: Mapping[str, object] | None = None) -> MissingLibrary:
        """The error for a library, by the name it is imported by."""
        return cls(
            f"The Python library {library} is missing for the Python that runs Ansible "
            f"({sys.executable}). Install what the collection needs: {sys.executable} -m pip "
            "install -r requirements.txt, the file in the collection's folder.",
            details={**(details or {}), "reason": "library_missing"},
        )


@dataclass(frozen=True)
class CmdletError:
    """An error record of a cmdlet, as the server sent it.

    `error_id` is the whole FullyQualifiedErrorId, `error_class` its last comma part: Exchange puts
    server, request id and time stamp in front, so only the last part can be compared.
    """

    message: str
    category: str
    exception_type: str
    error_id: str
    error_class: str
    cmdlet: str
    target: str | None = None


class CmdletFailed(ExchangeError):
    """A cmdlet ended with errors.

    Args:
        message: One line; the caller may say what it was doing.
        errors: The error records in the order in which the server sent them.
        details: More facts; cmdlet, category, error_id and exception_type of the first record are
            added.
    """

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[CmdletError] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        facts: dict[str, object] = {}
        if errors:
            first = errors[0]
            facts = {
                "cmdlet": first.cmdlet,
                "category": first.category,
                "error_id": first.error_id,
                "exception_type": first.exception_type,
            }
        super().__init__(message, details={**facts, **(details or {})})
        self.errors: list[CmdletError] = list(errors)


class CmdletNotAvailable(CmdletFailed):
    """The account's roles do not include this cmdlet or parameter, or the server lacks it."""


class UnexpectedPrompt(CmdletFailed):
    """A cmdlet asked a question nobody foresaw; it was answered with No."""


class PromptNotAnswerable(CmdletFailed):
    """A cmdlet asked a question where nobody can answer; it has changed nothing."""


class OutcomeUnknown(ExchangeError):
    """Contact was lost or the deadline passed while a changing cmdlet ran: read, then repeat."""


class WindowsScriptFailed(ExchangeError):
    """A script on the Windows endpoint failed or its answer cannot be read."""


class TlsProbeFailed(ExchangeError):
    """A TLS or SMTP peer could not be examined."""


class StateNotReached(ExchangeError):
    """After a change the server does not report the state that was asked for."""
