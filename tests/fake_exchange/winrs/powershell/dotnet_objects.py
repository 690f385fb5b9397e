# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which small .NET objects do scripts hold on to? Encodings, stopwatches, text builders and the
console's writers."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from datetime import timedelta

from .conversion import cast, to_text
from .formatting import format_items
from .streams import codec_of_code_page
from .values import NOTHING, MemberNotFound, MethodFailed, NetObject, TypeRef

_ENCODING_TYPES = {
    "utf-8": "System.Text.UTF8Encoding",
    "utf-16-le": "System.Text.UnicodeEncoding",
    "ascii": "System.Text.ASCIIEncoding",
}


class Encoding(NetObject):
    """System.Text.Encoding over one of Python's codecs."""

    def __init__(self, codec: str) -> None:
        self.codec = codecs.lookup(codec).name
        name = _ENCODING_TYPES.get(self.codec, "System.Text.SBCSCodePageEncoding")
        self.type_names = (name, "System.Text.Encoding", "System.Object")

    def get(self, name: str) -> object:
        if name.casefold() in ("webname", "bodyname", "headername"):
            return "us-ascii" if self.codec == "ascii" else self.codec
        if name.casefold() == "codepage":
            return {"utf-8": 65001, "utf-16-le": 1200, "ascii": 20127}.get(
                self.codec, int("".join(filter(str.isdigit, self.codec)) or 0)
            )
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return ["BodyName", "WebName", "CodePage"]

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), arguments:
            case ("getbytes", [value]):
                return to_text(value).encode(self.codec, "replace")
            case ("getstring", [value, *place]):
                raw = cast(value, TypeRef("System.Byte[]", element=TypeRef("System.Byte")))
                assert isinstance(raw, bytes)
                if len(place) == 2:
                    start, count = (int(to_text(one)) for one in place)
                    raw = raw[start : start + count]
                return raw.decode(self.codec, "replace")
            case ("getbytecount", [value]):
                return len(to_text(value).encode(self.codec, "replace"))
            case ("getpreamble", []):
                return b""
        raise MemberNotFound(name)


def encoding_by_name(value: object) -> Encoding:
    """Encoding.GetEncoding. Raises MethodFailed for an unknown one."""
    if isinstance(value, int):
        return Encoding(codec_of_code_page(value))
    try:
        return Encoding(to_text(value))
    except LookupError:
        raise MethodFailed(
            "System.ArgumentException", f"'{to_text(value)}' is not a supported encoding name."
        ) from None


class TextWriter(NetObject):
    """[Console]::Out and [Console]::Error."""

    type_names = ("System.IO.TextWriter+SyncTextWriter", "System.IO.TextWriter", "System.Object")

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def call(self, name: str, arguments: list[object]) -> object:
        text = to_text(arguments[0]) if arguments else ""
        if len(arguments) > 1:
            text = format_items(text, arguments[1:])
        match name.casefold():
            case "write":
                self._write(text)
            case "writeline":
                self._write(f"{text}\r\n")
            case "flush" | "close":
                pass
            case _:
                raise MemberNotFound(name)
        return NOTHING


class StringBuilder(NetObject):
    type_names = ("System.Text.StringBuilder", "System.Object")

    def __init__(self, text: str) -> None:
        self._pieces = [text]

    def to_text(self) -> str:
        return "".join(self._pieces)

    def get(self, name: str) -> object:
        if name.casefold() == "length":
            return len(self.to_text())
        raise MemberNotFound(name)

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), arguments:
            case ("append", [value]):
                self._pieces.append(to_text(value))
            case ("appendline", _):
                self._pieces.append("".join(to_text(one) for one in arguments) + "\r\n")
            case ("appendformat", [template, *items]):
                self._pieces.append(format_items(to_text(template), items))
            case ("clear", []):
                self._pieces = []
            case ("tostring", []):
                return self.to_text()
            case _:
                raise MemberNotFound(name)
        return self


class Stopwatch(NetObject):
    type_names = ("System.Diagnostics.Stopwatch", "System.Object")

    def __init__(self, clock: Callable[[], float], *, running: bool = False) -> None:
        self._clock = clock
        self._before = 0.0
        self._since: float | None = clock() if running else None

    @property
    def _elapsed(self) -> float:
        return self._before + (self._clock() - self._since if self._since is not None else 0.0)

    def get(self, name: str) -> object:
        match name.casefold():
            case "elapsed":
                return timedelta(seconds=self._elapsed)
            case "elapsedmilliseconds":
                return int(self._elapsed * 1000)
            case "elapsedticks":
                return int(self._elapsed * 10_000_000)
            case "isrunning":
                return self._since is not None
        raise MemberNotFound(name)

    def property_names(self) -> list[str]:
        return ["IsRunning", "Elapsed", "ElapsedMilliseconds", "ElapsedTicks"]

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold():
            case "start":
                self._since = self._since if self._since is not None else self._clock()
            case "stop":
                self._before, self._since = self._elapsed, None
            case "reset":
                self._before, self._since = 0.0, None
            case "restart":
                self._before, self._since = 0.0, self._clock()
            case _:
                raise MemberNotFound(name)
        return NOTHING
