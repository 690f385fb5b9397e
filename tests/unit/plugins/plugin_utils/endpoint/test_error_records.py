# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Error records are read as PowerShell reads them, and the remoting layer's wrapper is looked
through.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from psrpcore import PSRemotingCrypto
from psrpcore.types import deserialize

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.error_records import (
    cmdlet_error,
)
from support import microsoft_answers

REMOTE = "System.Management.Automation.RemoteException"
RUNTIME = "System.Management.Automation.RuntimeException"
ENDS = ("System.SystemException", "System.Exception", "System.Object")


def read(xml: str) -> Any:
    return deserialize(ElementTree.fromstring(readable(xml)), PSRemotingCrypto())


def record(*type_names: str, reason: str) -> Any:
    """As Microsoft's server writes it, reduced to what is read."""
    names = "".join(f"<T>{name}</T>" for name in type_names)
    return read(
        '<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T>'
        "<T>System.Object</T></TN><ToString>it broke</ToString><MS>"
        f'<Obj N="Exception" RefId="1"><TN RefId="1">{names}</TN>'
        f"<ToString>{type_names[0]}: it broke</ToString>"
        '<Props><S N="Message">it broke</S></Props></Obj>'
        '<Nil N="TargetObject" /><S N="FullyQualifiedErrorId">Lab.Remote,Get-Something</S>'
        '<Nil N="InvocationInfo" /><I32 N="ErrorCategory_Category">20</I32>'
        '<S N="ErrorCategory_Activity"></S>'
        f'<S N="ErrorCategory_Reason">{reason}</S><S N="ErrorCategory_TargetName"></S>'
        '<S N="ErrorCategory_TargetType"></S>'
        f'<S N="ErrorCategory_Message">ResourceUnavailable: (:) [], {reason}</S>'
        '<B N="SerializeExtendedInfo">false</B></MS></Obj>'
    )


@pytest.mark.parametrize("prefix", ["", "Deserialized."])
@pytest.mark.parametrize(
    ("type_names", "expected"),
    [
        pytest.param((REMOTE, RUNTIME, *ENDS), "ObjectNotFound", id="the wrapper and its bases"),
        pytest.param((REMOTE, *ENDS[1:]), "ObjectNotFound", id="the wrapper alone"),
        pytest.param((RUNTIME, *ENDS), RUNTIME, id="the same base without the wrapper"),
        pytest.param(ENDS, "System.SystemException", id="another base alone"),
        pytest.param(ENDS[1:], "ObjectNotFound", id="no class at all"),
        pytest.param(("Some.Exception", RUNTIME, *ENDS), "Some.Exception", id="a class"),
    ],
)
def test_the_class_of_an_exception(type_names: tuple[str, ...], expected: str, prefix: str) -> None:
    names = [prefix + name for name in type_names]
    error = cmdlet_error(record(*names, reason="ObjectNotFound"), cmdlet="Get-Something")
    assert error.exception_type == expected
    assert error.message == "it broke"
    assert error.cmdlet == "Get-Something"


def records_of(sample: str) -> list[Any]:
    """The records of the error stream, and the one that came with the final state."""
    messages = microsoft_answers.psrp(sample)["clixml"]
    states = [read(state) for state in messages["states"]]
    return [
        *map(read, messages["errors"]),
        *[
            member.get_value(state)
            for state in states
            for member in state.PSObject.extended_properties
            if member.name == "ExceptionAsErrorRecord"
        ],
    ]


@microsoft_answers.needs_microsoft_answers
@pytest.mark.parametrize("sample", microsoft_answers.psrp_samples("error_"))
def test_an_error_is_what_powershell_says_it_is(sample: str) -> None:
    errors = [cmdlet_error(found, cmdlet="") for found in records_of(sample)]
    assert errors
    assert all(error.message and error.exception_type and error.error_id for error in errors)
    says = microsoft_answers.psrp(sample)["pwsh_says"]
    if not isinstance(says, list):
        pytest.skip("PowerShell said no more than that it is an error")
    assert [
        {
            "message": error.message,
            "category": error.category,
            "exception_type": error.exception_type,
            "error_id": error.error_id,
            "activity": error.cmdlet,
            "target": error.target,
        }
        for error in errors
    ] == [
        {
            **{name: value for name, value in said.items() if name != "reason"},
            # An exception without a text is shown by its class.
            "message": said["message"] or said["exception_type"],
        }
        for said in says
        if "error_id" in said
    ]
