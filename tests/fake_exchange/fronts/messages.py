# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a message say about itself? Its headers, read from the lines after DATA, and the
addresses of the envelope."""

from __future__ import annotations

from dataclasses import dataclass, field

from fake_exchange.fronts.lines import Lines


@dataclass
class Content:
    """Headers by lower-case name (the first of each), and the size in bytes."""

    headers: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def read_content(lines: Lines) -> Content | None:
    """What follows DATA up to the line with a dot; None if the connection ends before."""
    content, in_headers, last = Content(), True, ""
    while (line := lines.read()) != ".":
        if line is None:
            return None
        content.size += len(line.encode()) + 2
        in_headers = in_headers and bool(line)
        if in_headers:
            last = _read_header(content.headers, line, last)
    return content


def _read_header(headers: dict[str, str], line: str, last: str) -> str:
    """Take in one line of the headers; the name of the header that the next line may continue,
    empty if that has been there before."""
    if line[0] in " \t":
        if last:
            headers[last] = f"{headers[last]} {line.strip()}".strip()
        return last
    name, colon, value = line.partition(":")
    name = name.strip().casefold()
    if not colon or name in headers:
        return ""
    headers[name] = value.strip()
    return name


def address(argument: str) -> str:
    """The address in `FROM:<a@b> SIZE=1` or `TO:<a@b>`."""
    rest = argument.partition(":")[2].strip()
    if rest.startswith("<"):
        return rest[1:].partition(">")[0]
    return rest.partition(" ")[0]
