# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does every import of the collection keep to the floors that docs/architecture.md shows?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.layers import COLLECTION, House, complaints, read_house, read_imports

REPOSITORY = Path(__file__).resolve().parents[3]
UTILS = f"{COLLECTION}plugins.plugin_utils"


def test_every_import_keeps_to_the_floors() -> None:
    house = read_house((REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert complaints(house, REPOSITORY) == []


def test_the_tables_and_the_imports_are_found() -> None:
    """Nothing to complain about must not mean that nothing was looked at."""
    house = read_house((REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert len(house.floors) > 5
    assert house.room_of("plugins/plugin_utils/x509/thumbprint.py") == "plugins/plugin_utils/x509/"
    assert house.room_of("plugins/plugin_utils/errors.py") in house.floors[-1]
    imports = read_imports(REPOSITORY)
    assert len([item for item in imports if item.is_ours]) > 500
    assert any(item.target == "plugins/plugin_utils/x509/thumbprint.py" for item in imports)
    # One that stands in a function, and one for type checkers alone.
    targets = {(item.file, item.target) for item in imports}
    tasks = "plugins/plugin_utils/ansible_tasks"
    assert (f"{tasks}/key_file_action.py", "ansible.parsing.vault.match_encrypt_secret") in targets
    windows = "plugins/plugin_utils/endpoint/windows_session.py"
    assert (f"{tasks}/action_base.py", windows) in targets


# -- the checker, on a house of four floors --------------------------------------------------------

DOCUMENT = """
# A house

## The floors, from the roof down

| Room | Question |
| --- | --- |
| `plugins/action/` | What is asked for? |
| `tasks/` | What is shared? |
| `left/`, `right/` | What is an object? |
| `ground/`, `errors.py` | What is below? |

| From | To |
| --- | --- |
| `left/` | `right/` |

Only these import Ansible: `plugins/action/`, `tasks/`.

## Another section

| Room | Question |
| --- | --- |
| `elsewhere/` | Not looked at |
"""

TREE = {
    "plugins/action/ask.py": f"import ansible.errors\nfrom {UTILS}.tasks.base import Base\n",
    "plugins/action/answer.py": f"from {UTILS}.ground import stone\n",
    "plugins/plugin_utils/tasks/base.py": f"def base():\n    from {UTILS}.left.one import One\n",
    "plugins/plugin_utils/left/one.py": f"from {UTILS}.right.two import Two\n",
    "plugins/plugin_utils/right/two.py": f"import {UTILS}.errors\nimport json\n",
    "plugins/plugin_utils/ground/stone.py": "",
    "plugins/plugin_utils/errors.py": "",
}


@pytest.fixture
def house() -> House:
    return read_house(DOCUMENT)


def build(root: Path, **changed: str) -> Path:
    """The tree with some files replaced or added; `__` in a keyword means `/`."""
    files = {**TREE, **{f"plugins/{name.replace('__', '/')}.py": changed[name] for name in changed}}
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_the_table_is_read_as_it_is_written(house: House) -> None:
    below = "plugins/plugin_utils"
    assert house.floors == (
        frozenset({"plugins/action/"}),
        frozenset({f"{below}/tasks/"}),
        frozenset({f"{below}/left/", f"{below}/right/"}),
        frozenset({f"{below}/ground/", f"{below}/errors.py"}),
    )
    assert house.arrows == frozenset({(f"{below}/left/", f"{below}/right/")})
    assert house.may_import_ansible == frozenset({"plugins/action/", f"{below}/tasks/"})


@pytest.mark.parametrize(
    "lost",
    ["## The floors", "| `left/` | `right/` |\n", "Only these import Ansible: ", "| Room |"],
)
def test_a_table_that_is_not_there_is_no_table_that_allows_everything(lost: str) -> None:
    with pytest.raises(ValueError, match=r"missing|no section"):
        read_house(DOCUMENT.replace(lost, "", 1))


def test_a_tree_that_keeps_to_the_table(house: House, tmp_path: Path) -> None:
    assert complaints(house, build(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        pytest.param(
            "plugin_utils__ground__stone",
            f"from {UTILS}.left.one import One\n",
            "ground/stone.py:1 imports {}left/, which lies above {}ground/",
            id="up",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            f"def build():\n    from {UTILS}.left.one import One\n",
            "ground/stone.py:2 imports {}left/, which lies above {}ground/",
            id="up, in a function",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {UTILS}.left.one\n",
            "ground/stone.py:3 imports {}left/, which lies above {}ground/",
            id="up, for type checkers",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            f"from {UTILS} import left\n",
            "ground/stone.py:1 imports {}left/, which lies above {}ground/",
            id="up, to a folder",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            "from ..left.one import One\n",
            "ground/stone.py:1 imports {}left/, which lies above {}ground/",
            id="up, relative",
        ),
        pytest.param(
            "plugin_utils__right__two",
            f"from {UTILS}.left import other\n",
            "right/two.py:1 imports {}left/, and no arrow leads there from {}right/",
            id="against the arrow",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            f"from {UTILS}.errors import Error\n",
            "ground/stone.py:1 imports {}errors.py, and no arrow leads there from {}ground/",
            id="beside, without an arrow",
        ),
        pytest.param(
            "plugin_utils__left__one",
            "",
            "the arrow from {}left/ to {}right/ is in the table, but no import needs it",
            id="an arrow too many",
        ),
        pytest.param(
            "plugin_utils__attic__box",
            "",
            "attic/box.py lies in no room of the table",
            id="a room that is not listed",
        ),
        pytest.param(
            "plugin_utils__left__one",
            f"from {UTILS}.right.two import Two\nfrom {UTILS}.cellar import box\n",
            "left/one.py:2 imports {}cellar/box/, which lies in no room of the table",
            id="what is not there",
        ),
        pytest.param(
            "plugin_utils__right__two",
            "def two():\n    from ansible.errors import AnsibleError\n",
            "right/two.py:2 imports Ansible (ansible.errors.AnsibleError)",
            id="Ansible, where nothing knows it",
        ),
        pytest.param(
            "action__answer",
            f"from {COLLECTION}plugins.action.ask import Ask\n",
            "action/answer.py:1 imports the plugin plugins/action/ask.py; what both need goes to "
            "plugins/plugin_utils/",
            id="a plugin from another one",
        ),
        pytest.param(
            "plugin_utils__ground__stone",
            f"from {UTILS}.ground import stone\n",
            "files import each other in a circle: {}ground/stone.py -> {}ground/stone.py",
            id="a circle",
        ),
    ],
)
def test_what_does_not_keep_to_the_table(
    house: House, tmp_path: Path, file: str, text: str, complaint: str
) -> None:
    build(tmp_path, **{file: text, "plugin_utils__left__other": ""})
    (found,) = complaints(house, tmp_path)
    assert found.endswith(complaint.format(*["plugins/plugin_utils/"] * 2))


def test_a_circle_of_three_files_is_found(house: House, tmp_path: Path) -> None:
    build(
        tmp_path,
        plugin_utils__ground__stone=f"import {UTILS}.ground.sand\n",
        plugin_utils__ground__sand=f"import {UTILS}.ground.clay\n",
        plugin_utils__ground__clay=f"import {UTILS}.ground.stone\n",
    )
    (found,) = complaints(house, tmp_path)
    assert "circle" in found
    assert [found.count(name) for name in ("stone", "sand", "clay")] == [2, 1, 1]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("| `right/` | `left/` |", "the arrows of the table run in a circle"),
        ("| `left/` | `errors.py` |", "leads to another floor"),
        ("| `left/` | `cellar/` |", "names a room that has no floor"),
    ],
)
def test_an_arrow_that_makes_no_sense(tmp_path: Path, row: str, complaint: str) -> None:
    allowed = "| `left/` | `right/` |"
    house = read_house(DOCUMENT.replace(allowed, f"{allowed}\n{row}"))
    assert any(complaint in text for text in complaints(house, build(tmp_path)))


def test_a_room_on_two_floors(tmp_path: Path) -> None:
    house = read_house(DOCUMENT.replace("| `tasks/` |", "| `tasks/`, `ground/` |"))
    assert complaints(house, build(tmp_path)) == ["plugins/plugin_utils/ground/ is on two floors"]


def test_a_room_that_is_only_in_the_table(tmp_path: Path) -> None:
    house = read_house(DOCUMENT.replace("`ground/`, ", "`ground/`, `cellar/`, "))
    assert complaints(house, build(tmp_path)) == [
        "plugins/plugin_utils/cellar/ is in the table, but not in the tree"
    ]
