# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the fake and the collection stay strangers? If they shared code, one misunderstanding would
make both agree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
FAKE = REPOSITORY / "tests" / "fake_exchange"
PRODUCT = REPOSITORY / "plugins"


def imported(directory: Path) -> Iterator[tuple[str, str]]:
    """File and top-level package of every import, those inside of functions too."""
    for file in sorted(directory.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            yield from ((file.name, name.partition(".")[0]) for name in names)


def functions(directory: Path) -> dict[str, str]:
    """The body of every function of some length, names of variables and docstring included, and
    where it stands."""
    found = {}
    for file in sorted(directory.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and len(node.body) > 3:
                body = ast.Module(body=node.body, type_ignores=[])
                found[ast.dump(body)] = f"{file.name}: {node.name}"
    return found


def test_the_fake_imports_nothing_of_the_collection_nor_of_ansible() -> None:
    found = list(imported(FAKE))
    assert ("__main__.py", "argparse") in found
    strangers = {"ansible", "ansible_collections", "plugins", "support", "tests"}
    assert [(file, name) for file, name in found if name in strangers] == []


def test_the_collection_imports_nothing_of_the_tests() -> None:
    found = list(imported(PRODUCT))
    assert any(name == "ansible_collections" for _, name in found)
    strangers = {"fake_exchange", "support", "tests"}
    assert [(file, name) for file, name in found if name in strangers] == []


def test_no_function_was_copied_from_one_to_the_other() -> None:
    fake, product = functions(FAKE), functions(PRODUCT)
    assert len(fake) > 100
    assert len(product) > 50
    assert [(fake[body], product[body]) for body in fake.keys() & product.keys()] == []
