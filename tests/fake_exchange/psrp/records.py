# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does an error look on the wire? PowerShell's ErrorRecord made from what a cmdlet says."""

from __future__ import annotations

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from fake_exchange.cmdlets.registry import ErrorSpec

_GENERIC_EXCEPTION = -2146233087
"""HResult of an exception that has none of its own (COR_E_SYSTEM)."""


def exception_of(error: ErrorSpec) -> NETException:
    """The exception inside the record, with its type's ancestors that everybody shares."""
    exception = NETException(Message=error.message, HResult=_GENERIC_EXCEPTION)
    names = [error.exception_type, "System.Exception", "System.Object"]
    exception.PSObject.type_names = list(dict.fromkeys(names))
    exception.PSObject.to_string = f"{error.exception_type}: {error.message}"
    return exception


def category_of(error: ErrorSpec, *, activity: str) -> ErrorCategoryInfo:
    """Raises KeyError for a category that PowerShell does not have."""
    return ErrorCategoryInfo(
        Category=ErrorCategory[error.category],
        Activity=error.category_activity or activity,
        Reason=error.category_reason or error.exception_type.rpartition(".")[2],
        TargetName=error.target or "",
        TargetType="String" if error.target else "",
    )


def record_of(error: ErrorSpec, *, activity: str) -> ErrorRecord:
    """`activity` is the cmdlet, where the error does not name one itself."""
    return ErrorRecord(
        Exception=exception_of(error),
        CategoryInfo=category_of(error, activity=activity),
        TargetObject=error.target,
        FullyQualifiedErrorId=error.error_id,
    )
