# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the documentation of the connector modules say what the table of properties says?

Options and results of properties are written between two comments in each module, from
``connectors/properties.py`` and the texts in ``connectors/documentation.yml`` beside it. With
``--check`` nothing is written. What is outside of the comments is written by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    RECEIVE_PROPERTIES,
    RECEIVE_TLS_PROPERTIES,
    SEND_PROPERTIES,
    Property,
)

REPOSITORY = Path(__file__).resolve().parents[2]
TEXTS = REPOSITORY / "plugins" / "plugin_utils" / "connectors" / "documentation.yml"
MODULES = REPOSITORY / "plugins" / "modules"
COMMAND = "make connector-documentation"
# Sanity tests allow 160 columns.
WIDTH = 150


class Fault(Exception):
    """The documentation cannot be generated; the message says what is wrong in which file."""


@dataclass(frozen=True)
class Text:
    """What is said about a property; ``documentation.yml`` says where each part goes."""

    description: str
    sample: object
    when_given: str = ""
    when_returned: str = ""
    notes: Sequence[str] = ()
    version_added: str = ""


@dataclass(frozen=True)
class Module:
    """A module's file, the rows of the table that it has as options, and their texts."""

    path: Path
    properties: tuple[Property, ...]
    texts: Mapping[str, Text]


@dataclass(frozen=True)
class Section:
    """A part of a module's documentation that is generated, and how far it is indented."""

    # How its comments name all of it, and a message one entry.
    title: str
    what: str
    indent: int
    entries: Mapping[str, str]

    @property
    def begin(self) -> str:
        """The comment before it."""
        return f"{self.title} written by {COMMAND}, from {TEXTS.parent.name}/{TEXTS.name}:"

    @property
    def end(self) -> str:
        """The comment behind it."""
        return f"End of the {self.title.lower()} written by {COMMAND}."

    @property
    def text(self) -> str:
        """The whole of it, with the comments around it."""
        margin = " " * self.indent
        body = "".join(self.entries.values())
        return f"{margin}# {self.begin}\n{body}{margin}# {self.end}\n"

    def place(self, source: str) -> tuple[int, int]:
        """Where it begins and ends in a module's source.

        Raises:
            Fault: its comments are not there exactly once, or the other way round.
        """
        found = [
            list(re.finditer(rf"^ *# {re.escape(comment)}\n", source, re.MULTILINE))
            for comment in (self.begin, self.end)
        ]
        if [len(places) for places in found] != [1, 1] or found[0][0].end() > found[1][0].start():
            raise Fault(f"it needs the comments '# {self.begin}' and '# {self.end}', once each")
        return found[0][0].start(), found[1][0].end()

    def entries_in(self, source: str) -> dict[str, str]:
        """The entries that a module's source has, by name."""
        begin, end = self.place(source)
        lines = source[begin:end].splitlines(keepends=True)[1:-1]
        heading = re.compile(rf" {{{self.indent}}}(\w+):")
        entries: dict[str, str] = {}
        # A line before the first name counts as a difference of the first entry.
        name = next(iter(self.entries))
        for line in lines:
            found = heading.match(line)
            name = found[1] if found else name
            entries[name] = entries.get(name, "") + line
        return entries


def connector_modules() -> tuple[Module, ...]:
    """The modules with their tables and texts.

    Raises:
        Fault: texts that are not to be understood, a row without one, one without a row.
    """
    loaded = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    send = texts_of(SEND_PROPERTIES, loaded["send"])
    receive = texts_of(RECEIVE_PROPERTIES, loaded["receive"])
    return (
        Module(MODULES / "exchange_send_connector.py", SEND_PROPERTIES, send),
        Module(MODULES / "exchange_receive_connector.py", RECEIVE_PROPERTIES, receive),
        Module(MODULES / "exchange_receive_connector_tls.py", RECEIVE_TLS_PROPERTIES, receive),
    )


def texts_of(
    properties: Sequence[Property], loaded: Mapping[str, Mapping[str, Any]]
) -> dict[str, Text]:
    """The texts by option name, one for each row.

    Raises:
        Fault: a row without a text, a text without a row or with parts that it does not have.
    """
    rows = {item.name for item in properties}
    if missing := rows - set(loaded):
        raise Fault(f"{_shown(TEXTS)}: no text for {_listed(missing)}")
    if more := set(loaded) - rows:
        raise Fault(f"{_shown(TEXTS)}: no row of the table for {_listed(more)}")
    known = {field.name for field in fields(Text)}
    for name, parts in loaded.items():
        if unknown := set(parts) - known:
            raise Fault(f"{_shown(TEXTS)}: '{name}' has the unknown part {_listed(unknown)}")
        if missing := {"description", "sample"} - set(parts):
            raise Fault(f"{_shown(TEXTS)}: '{name}' has no {_listed(missing)}")
    return {name: Text(**parts) for name, parts in loaded.items()}


def sections(module: Module) -> tuple[Section, Section]:
    """What is generated for a module: its options and its results."""
    names = {item.name for item in module.properties}
    rows = [(item, module.texts[item.name]) for item in module.properties]
    return (
        Section(
            "Options",
            "option",
            indent=2,
            entries={item.name: _option(item, text) for item, text in rows},
        ),
        Section(
            "Results",
            "return value",
            indent=4,
            entries={item.name: _result(item, text, names) for item, text in rows},
        ),
    )


def generated(source: str, module: Module) -> str:
    """A module's source with its generated sections as they have to be.

    Raises:
        Fault: the comments around a section are missing.
    """
    for section in sections(module):
        begin, end = section.place(source)
        source = source[:begin] + section.text + source[end:]
    return source


def differences(source: str, module: Module) -> list[str]:
    """What is different in a module's source from what would be generated, one clause each.

    Raises:
        Fault: the comments around a section are missing.
    """
    found: list[str] = []
    for section in sections(module):
        begin, end = section.place(source)
        if source[begin:end] == section.text:
            continue
        there = section.entries_in(source)
        names = [
            name
            for name in dict.fromkeys([*section.entries, *there])
            if section.entries.get(name) != there.get(name)
        ]
        found += [
            f"{section.what} '{name}' is not documented as the table of properties says"
            for name in names
        ]
        if not names:
            found.append(f"{section.what}s are not in the order of the table of properties")
    return found


def main(arguments: Sequence[str] | None = None, modules: Sequence[Module] | None = None) -> int:
    """Write the documentation, or compare it; 1 where it differs or cannot be generated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="only compare, and write nothing")
    check = parser.parse_args(arguments).check
    status = 0
    try:
        modules = connector_modules() if modules is None else modules
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    for module in modules:
        source = module.path.read_text(encoding="utf-8")
        try:
            found = differences(source, module)
        except Fault as fault:
            print(f"{_shown(module.path)}: {fault}.", file=sys.stderr)
            status = 1
            continue
        if check:
            for clause in found:
                print(f"{_shown(module.path)}: {clause}; run: {COMMAND}", file=sys.stderr)
            status = 1 if found else status
        elif found:
            module.path.write_text(generated(source, module), encoding="utf-8")
            print(f"{_shown(module.path)}: written")
    return status


def _option(item: Property, text: Text) -> str:
    first = _with_parameter(text.description, item.parameter)
    return _entry(
        item.name,
        indent=2,
        paragraphs=[_joined(first, text.when_given), *text.notes],
        further={
            "type": item.argument["type"],
            "elements": item.argument.get("elements"),
            "choices": _flow(item.argument.get("choices", ())),
            "version_added": text.version_added,
        },
    )


def _result(item: Property, text: Text, names: set[str]) -> str:
    first = _with_parameter(text.description, item.parameter)
    return _entry(
        item.name,
        indent=4,
        paragraphs=[_of_results(_joined(first, text.when_returned), names)],
        further={
            "returned": "always",
            "type": item.kind.result,
            "elements": "str" if item.kind.result == "list" else None,
            "sample": json.dumps(text.sample, ensure_ascii=False),
        },
    )


def _entry(
    name: str, *, indent: int, paragraphs: Sequence[str], further: Mapping[str, str | None]
) -> str:
    """An option or a result as YAML; further keys without a value are left out."""
    margin, inner = " " * indent, " " * (indent + 2)
    lines = [f"{margin}{name}:", f"{inner}description:"]
    for paragraph in paragraphs:
        lines += textwrap.wrap(
            _scalar(paragraph),
            width=WIDTH,
            initial_indent=f"{inner}  - ",
            subsequent_indent=f"{inner}    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines += [f"{inner}{key}: {value}" for key, value in further.items() if value]
    return "\n".join(lines) + "\n"


def _with_parameter(description: str, parameter: str) -> str:
    """The description with the cmdlets' name of the property behind its first clause."""
    return re.sub(r"(?=[.,;:](\s|$))", f" (C({parameter}))", description, count=1)


def _of_results(text: str, names: set[str]) -> str:
    """The text with references to properties as results."""

    def reference(found: re.Match[str]) -> str:
        return f"RV(connector.{found[1]})" if found[2] in names else f"O({found[1]})"

    return re.sub(r"\bO\(((\w+)[^)]*)\)", reference, text)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _flow(names: Sequence[str]) -> str:
    return f"[{', '.join(_scalar(name) for name in names)}]" if names else ""


def _scalar(text: str) -> str:
    """A text as YAML, quoted only where it would mean something else without quotes."""
    try:
        plain = yaml.safe_load(f"- {text}") == [text]
    except yaml.YAMLError:
        plain = False
    return text if plain else "'" + text.replace("'", "''") + "'"


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _shown(path: Path) -> str:
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else str(path)


if __name__ == "__main__":
    sys.exit(main())
