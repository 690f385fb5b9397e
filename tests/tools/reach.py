# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit tests can a change reach?

Those that import a changed file, themselves or through others, and those that name it or a folder
it lies in, because they read files or start programs by name. Too many is harmless, too few is not.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from environments import REPOSITORY

# Whoever changes these may have changed everything.
OF_EVERYTHING = ("pyproject.toml", "tests/conftest.py", "requirements", "tests/tools", "Makefile")
# Folders that nearly every text names, so that naming them says nothing.
SAYS_NOTHING = {"tests", "unit"}
PATH_FUNCTIONS = {"Path", "joinpath", "glob", "rglob"}
# Top-level package of an import -> where it lies.
PACKAGES = {
    "ansible_collections.mailops.exchange.": "",
    "fake_exchange": "tests/fake_exchange",
    "support": "tests/support",
}


@dataclass(frozen=True)
class Reach:
    """Paths of test files, relative to the repository."""

    reached: list[str]
    left_out: list[str]


def changed_files(repository: Path = REPOSITORY) -> list[str]:
    """What is not committed yet; in a clean tree what the last commit changed."""
    uncommitted = _git(repository, "status", "--porcelain=v1", "--untracked-files=all", "-z")
    files = []
    entries = iter(uncommitted.split("\0"))
    for entry in entries:
        if entry:
            files.append(entry[3:])
            if entry[0] in "RC":  # the former name follows
                files.append(next(entries))
    if files:
        return sorted(files)
    return sorted(filter(None, _git(repository, "diff", "--name-only", "HEAD~1").splitlines()))


def unit_tests(changed: list[str], repository: Path = REPOSITORY) -> Reach:
    """Divide the unit tests by whether one of the changed files can matter to them."""
    tests = sorted(
        file.relative_to(repository).as_posix()
        for file in (repository / "tests" / "unit").rglob("test_*.py")
    )
    if any(file.startswith(OF_EVERYTHING) for file in changed):
        return Reach(tests, [])
    graph = Graph(repository)
    reached = [test for test in tests if graph.can_reach(test, changed)]
    return Reach(reached, [test for test in tests if test not in reached])


@dataclass(frozen=True)
class Source:
    """What a Python file depends on: files that it imports, and words of paths that it names."""

    imports: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


class Graph:
    """The Python files of a checkout."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._source = functools.cache(self._read)

    def can_reach(self, test: str, changed: list[str]) -> bool:
        """Whether a test depends on one of the files."""
        needed = self._needed(test)
        words = {word for file in needed for word in self._source(file).words}
        return any(file in needed or _words_for(file) & words for file in changed)

    def _needed(self, test: str) -> set[str]:
        """The test, its conftest.py files, and everything that they import."""
        waiting = [test]
        for folder in PurePosixPath(test).parents:
            waiting.append((folder / "conftest.py").as_posix())
        found: set[str] = set()
        while waiting:
            file = waiting.pop()
            if file not in found and (self._repository / file).is_file():
                found.add(file)
                waiting.extend(self._source(file).imports)
        return found

    def _read(self, file: str) -> Source:
        try:
            tree = ast.parse((self._repository / file).read_text(encoding="utf-8"))
        except SyntaxError:
            return Source()
        names: set[str] = set()
        words: set[str] = set()
        for node in ast.walk(tree):
            names.update(_imported(node, file))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.update(_module_in(node.value))
                if "/" in node.value and " " not in node.value:
                    words.update(re.split(r"[/.]", node.value))
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                words.update(_words_of(node.right))
            elif isinstance(node, ast.Call) and _called(node) in PATH_FUNCTIONS:
                words.update(word for value in node.args for word in _words_of(value))
        candidates = {candidate for name in names for candidate in _candidates(name)}
        imports = {file for file in candidates if (self._repository / file).exists()}
        return Source(frozenset(imports), frozenset(words))


def _words_for(file: str) -> set[str]:
    """The words by which a program would name a file."""
    path = PurePosixPath(file)
    return {*path.parts[:-1], path.stem} - SAYS_NOTHING


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _words_of(node: ast.expr) -> list[str]:
    """Of a text that is an operand of ``/`` or an argument, such as a folder's name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
        return re.split(r"[/.]", node.value)
    return []


def _imported(node: ast.AST, file: str) -> list[str]:
    """Absolute dotted names; of ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    module = node.module or ""
    if node.level:
        folder = PurePosixPath(file).parts[1 : -node.level]
        module = ".".join([*folder, *filter(None, [module])])
    return [module, *(f"{module}.{alias.name}" for alias in node.names)]


def _module_in(text: str) -> list[str]:
    """A module that is imported, or started, by its name as text."""
    return [text] if text in PACKAGES or text.startswith(tuple(PACKAGES)) else []


def _candidates(name: str) -> list[str]:
    for package, folder in PACKAGES.items():
        if name.startswith(package):
            path = PurePosixPath(folder, *name.removeprefix(package).strip(".").split("."))
            return [f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py"]
    return []


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=repository, capture_output=True, text=True, check=False
    )
    return done.stdout
