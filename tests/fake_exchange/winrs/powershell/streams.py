# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do a PowerShell process's streams end up? Output as encoded text on stdout; errors,
warnings and progress as CLIXML on stderr, as powershell.exe writes them when nobody sits at it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from xml.sax.saxutils import escape

from .errors import ErrorRecord

_NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
_PROGRESS = (
    '<Obj S="progress" RefId="{reference}">{type_names}<MS><I64 N="SourceId">{source}</I64>'
    '<PR N="Record"><AV>{activity}</AV><AI>{number}</AI><Nil /><PI>-1</PI><PC>{percent}</PC>'
    "<T>{state}</T><SR>-1</SR><SD>{status}</SD></PR></MS></Obj>"
)
_TYPE_NAMES = (
    '<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN>'
)
#: Windows' numbers of the code pages a console may have.
_CODE_PAGES = {65001: "utf-8", 1200: "utf-16-le", 20127: "ascii", 28591: "latin-1"}


def codec_of_code_page(number: int) -> str:
    """Python's codec for a Windows code page; cp437 for one that Python lacks."""
    name = _CODE_PAGES.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp437"


class Streams:
    """`write_stdout` and `write_stderr` take bytes as they come. With `clixml` false, stderr
    carries the text a person would see."""

    def __init__(
        self,
        write_stdout: Callable[[bytes], None],
        write_stderr: Callable[[bytes], None],
        *,
        read_stdin: Callable[[], bytes] = lambda: b"",
        code_page: int = 65001,
        clixml: bool = True,
    ) -> None:
        self._write_stdout = write_stdout
        self._write_stderr = write_stderr
        self._read_stdin = read_stdin
        self._clixml = clixml
        self._records: list[str] = []
        self._progress_count = 0
        self._input: str | None = None
        self.input_codec = codec_of_code_page(code_page)
        self.output_codec = self.input_codec

    # -- input ---------------------------------------------------------------------------------

    def input_text(self) -> str:
        """All of stdin, waiting for its end; decoded with the console's encoding of that moment."""
        if self._input is None:
            raw = self._read_stdin().removeprefix(codecs.BOM_UTF8)
            self._input = raw.decode(self.input_codec, "replace")
        return self._input

    def input_lines(self) -> list[object]:
        text = self.input_text()
        lines = re.split(r"\r\n|\n|\r", text)
        return list(lines[:-1] if lines[-1] == "" else lines)

    # -- output --------------------------------------------------------------------------------

    def out(self, text: str) -> None:
        """[Console]::Out.Write: as it is."""
        self._write_stdout(text.encode(self.output_codec, "replace"))

    def out_line(self, text: str) -> None:
        self.out(text.replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n")

    def raw_error_text(self, text: str) -> None:
        """[Console]::Error.Write and native programs."""
        self._write_stderr(text.encode(self.output_codec, "replace"))

    def error(self, record: ErrorRecord) -> None:
        self.error_lines(record.as_lines())

    def error_lines(self, lines: list[str]) -> None:
        if self._clixml:
            self._records += [f'<S S="Error">{_encoded(line)}_x000D__x000A_</S>' for line in lines]
        else:
            self.raw_error_text("".join(f"{line}\r\n" for line in lines))

    def message(self, stream: str, text: str) -> None:
        """A warning, verbose, debug or information text; `stream` in lower case."""
        if self._clixml:
            self._records.append(f'<S S="{stream}">{_encoded(text)}</S>')
        else:
            self.out_line(f"{stream.upper()}: {text}")

    def progress(
        self,
        activity: str,
        status: str,
        *,
        percent: int = -1,
        number: int = 0,
        completed: bool = False,
    ) -> None:
        if not self._clixml:
            return
        first = self._progress_count == 0
        record = _PROGRESS.format(
            reference=self._progress_count,
            type_names=_TYPE_NAMES if first else '<TNRef RefId="0" />',
            source=1,
            activity=_encoded(activity),
            number=number,
            percent=percent,
            state="Completed" if completed else "Processing",
            status=_encoded(status),
        )
        self._records.append(record)
        self._progress_count += 1

    def flush(self) -> None:
        """Write the collected records as one document; called when the process ends."""
        if not self._records:
            return
        body = "".join(self._records)
        self._records.clear()
        self._progress_count = 0
        document = f'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="{_NAMESPACE}">{body}</Objs>'
        self._write_stderr(document.encode(self.output_codec, "replace"))


def _encoded(text: str) -> str:
    """Text inside CLIXML: control characters and line ends as _xHHHH_."""
    protected = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    controlled = re.sub(
        r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", lambda c: f"_x{ord(c.group()):04X}_", protected
    )
    return escape(controlled)
