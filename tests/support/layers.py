# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which imports of the collection run against the table of floors in docs/architecture.md?

A room is a folder or a file of `plugins/`. It may import what lies on a lower floor, and on its own
floor only what an arrow of the second table allows. Every import counts: those at the top of a
file, those in functions, and those for type checkers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COLLECTION = "ansible_collections.mailops.exchange."
SECTION = "## The floors"
# Where a room lies that the table names without its way from the root of the repository.
SHORT = "plugins/plugin_utils/"
ROOTS = ("playbooks/", "plugins/", "roles/")
# Whoever wants to share code puts it there, so that no plugin imports another one.
SHARED = "plugins/plugin_utils/"


@dataclass(frozen=True)
class House:
    """What the tables allow; rooms by their path from the root of the repository."""

    # The roof comes first.
    floors: tuple[frozenset[str], ...]
    arrows: frozenset[tuple[str, str]]
    may_import_ansible: frozenset[str]

    def floor(self, room: str) -> int:
        """The number of a room's floor, counted from the roof."""
        return next(number for number, rooms in enumerate(self.floors) if room in rooms)

    def room_of(self, file: str) -> str | None:
        """The room that a file or folder lies in."""
        rooms = [room for rooms in self.floors for room in rooms]
        return next((room for room in rooms if file == room or file.startswith(room)), None)


@dataclass(frozen=True)
class Import:
    """One import: where it stands, and what it names.

    `target` is a path from the root of the repository for a file or folder of the collection, else
    the name of the module.
    """

    file: str
    line: int
    target: str

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def is_ours(self) -> bool:
        return self.target.startswith("plugins/")


# -- reading ---------------------------------------------------------------------------------------


def read_house(document: str) -> House:
    """Read the tables of the section; ValueError if there is none."""
    start = document.find(f"\n{SECTION}")
    if start < 0:
        raise ValueError(f"there is no section '{SECTION}'")
    section = document[start + 1 :].partition("\n## ")[0]
    floors = [frozenset(_rooms(cells[0])) for cells in _table(section, "Room")]
    arrows = {
        (source, target)
        for cells in _table(section, "From")
        for source in _rooms(cells[0])
        for target in _rooms(cells[1])
    }
    sentence = re.search(r"^Only these import Ansible: (.*)$", section, re.MULTILINE)
    if not floors or not arrows or sentence is None:
        raise ValueError("a table, or the sentence of who imports Ansible, is missing")
    return House(tuple(floors), frozenset(arrows), frozenset(_rooms(sentence.group(1))))


def read_imports(repository: Path) -> list[Import]:
    """Every import of every file of `plugins/`."""
    found = []
    for file in sorted((repository / "plugins").rglob("*.py")):
        name = file.relative_to(repository).as_posix()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found += [
                Import(name, line, target) for line, target in _targets(repository, name, node)
            ]
    return found


def _table(section: str, first: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has this title."""
    inside = False
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if inside and cells and not cells[0].startswith("---"):
            yield cells
        inside = bool(cells) and (inside or cells[0] == first)


def _rooms(text: str) -> list[str]:
    names = re.findall(r"`([^`]+)`", text)
    return [name if name.startswith(ROOTS) else SHORT + name for name in names]


def _targets(repository: Path, file: str, node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield node.lineno, _path(repository, alias.name)
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            parents = file.split("/")[: -node.level]
            module = COLLECTION + ".".join([*parents, *filter(None, [module])])
        for target in {_path(repository, f"{module}.{alias.name}") for alias in node.names}:
            yield node.lineno, target


def _path(repository: Path, module: str) -> str:
    """The file of the collection that a module, or a name in one, is; any other name as it is."""
    if not f"{module}.".startswith(f"{COLLECTION}plugins."):
        return module
    path = module[len(COLLECTION) :].replace(".", "/")
    for candidate in (path, path.rpartition("/")[0]):
        if (repository / f"{candidate}.py").is_file():
            return f"{candidate}.py"
    return f"{path}/"


# -- judging ---------------------------------------------------------------------------------------


def complaints(house: House, repository: Path) -> list[str]:
    """Everything that the tables and the tree do not agree about, one line each."""
    imports = read_imports(repository)
    return [
        *_tree(house, repository),
        *_arrows(house, imports),
        *_own_room(imports),
        *_ansible(house, imports),
    ]


def _tree(house: House, repository: Path) -> Iterator[str]:
    for number, rooms in enumerate(house.floors):
        for room in sorted(rooms):
            if house.floor(room) != number:
                yield f"{room} is on two floors"
            if not (repository / room).exists():
                yield f"{room} is in the table, but not in the tree"
    for file in sorted((repository / "plugins").rglob("*.py")):
        name = file.relative_to(repository).as_posix()
        if house.room_of(name) is None:
            yield f"{name} lies in no room of the table"


def _arrows(house: House, imports: list[Import]) -> Iterator[str]:
    used = set()
    for item in imports:
        if not item.is_ours:
            continue
        source, target = house.room_of(item.file), house.room_of(item.target)
        if source is None or source == target:
            continue
        if target is None:
            yield f"{item.place} imports {item.target}, which lies in no room of the table"
            continue
        used.add((source, target))
        down = house.floor(target) - house.floor(source)
        if down < 0:
            yield f"{item.place} imports {target}, which lies above {source}"
        if down == 0 and (source, target) not in house.arrows:
            yield f"{item.place} imports {target}, and no arrow leads there from {source}"
    for source, target in sorted(house.arrows):
        if house.room_of(source) is None or house.room_of(target) is None:
            yield f"the arrow from {source} to {target} names a room that has no floor"
        elif house.floor(source) != house.floor(target):
            yield f"the arrow from {source} to {target} leads to another floor"
        elif (source, target) not in used:
            yield f"the arrow from {source} to {target} is in the table, but no import needs it"
    for circle in _circle(_graph(house.arrows)):
        yield f"the arrows of the table run in a circle: {circle}"


def _own_room(imports: list[Import]) -> Iterator[str]:
    """What goes wrong between the files of one room."""
    for item in imports:
        if item.is_ours and not item.target.startswith(SHARED) and item.target.endswith(".py"):
            yield f"{item.place} imports the plugin {item.target}; what both need goes to {SHARED}"
    for circle in _circle(_graph({(item.file, item.target) for item in imports if item.is_ours})):
        yield f"files import each other in a circle: {circle}"


def _ansible(house: House, imports: list[Import]) -> Iterator[str]:
    for item in imports:
        if item.target.partition(".")[0] != "ansible":
            continue
        if house.room_of(item.file) not in house.may_import_ansible:
            yield f"{item.place} imports Ansible ({item.target})"


def _graph(arrows: frozenset[tuple[str, str]] | set[tuple[str, str]]) -> dict[str, list[str]]:
    graph: dict[str, list[str]] = {}
    for source, target in sorted(arrows):
        graph.setdefault(source, []).append(target)
    return graph


def _circle(graph: Mapping[str, list[str]]) -> Iterator[str]:
    """One circle of the graph, where there is any."""
    done: set[str] = set()

    def visit(node: str, way: tuple[str, ...]) -> tuple[str, ...]:
        if node in way:
            return (*way[way.index(node) :], node)
        if node in done:
            return ()
        for following in graph.get(node, ()):
            if found := visit(following, (*way, node)):
                return found
        done.add(node)
        return ()

    for node in graph:
        if found := visit(node, ()):
            yield " -> ".join(found)
            return
