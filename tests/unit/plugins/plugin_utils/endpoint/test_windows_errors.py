# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What powershell.exe writes to stderr: CLIXML documents, or plain text of cmd.exe."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_errors import (
    error_texts,
)

HEAD = b"#< CLIXML\r\n"
PROGRESS = (
    b'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
    b'<Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T>'
    b'<T>System.Object</T></TN><MS><I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing</AV>'
    b"<AI>0</AI><Nil /><PI>-1</PI><PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj>"
    b"</Objs>"
)


def errors(*lines: str, stream: str = "Error") -> bytes:
    body = "".join(f'<S S="{stream}">{line}_x000D__x000A_</S>' for line in lines)
    return (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        f"{body}</Objs>"
    ).encode()


@pytest.mark.parametrize(
    ("stderr", "texts"),
    [
        (b"", []),
        (HEAD + PROGRESS, []),
        (HEAD + errors("Access is denied."), ["Access is denied."]),
        (HEAD + errors("One", "Two"), ["One", "Two"]),
        (HEAD + PROGRESS + errors("After progress"), ["After progress"]),
        (HEAD + errors("First") + HEAD + errors("Second"), ["First", "Second"]),
        (HEAD + errors("a warning", stream="Warning"), []),
        (b"The command line is too long.\r\n", ["The command line is too long."]),
        (HEAD + errors("cut short")[:60], []),
        (b"text\r\n" + HEAD + errors("record"), ["record", "text"]),
        (HEAD + errors("Grüße"), ["Grüße"]),
        (b"\xff\xfe not UTF-8", ["\ufffd\ufffd not UTF-8"]),
    ],
)
def test_errors_are_found_among_everything_else(stderr: bytes, texts: list[str]) -> None:
    assert error_texts(stderr) == texts
