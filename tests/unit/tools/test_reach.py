# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the short loop run every unit test that a change can reach, and say what it left out?"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import reach

FILES = {
    "plugins/plugin_utils/x509/names.py": "VALUE = 1",
    "plugins/plugin_utils/x509/chain.py": (
        "def names():\n"
        "    from ansible_collections.mailops.exchange.plugins.plugin_utils.x509 import names\n"
    ),
    "plugins/plugin_utils/record/runs.py": "",
    "plugins/plugin_utils/endpoint/session.py": (
        "from pathlib import Path\nSCRIPTS = Path(__file__).parent / 'scripts'\n"
    ),
    "plugins/plugin_utils/endpoint/scripts/services.ps1": "",
    "tests/fake_exchange/__main__.py": "from . import running",
    "tests/fake_exchange/running.py": "",
    "tests/support/stage.py": "START = ['-m', 'fake_exchange']",
    "tests/unit/plugins/conftest.py": (
        "from ansible_collections.mailops.exchange.plugins.plugin_utils.record.runs import runs\n"
    ),
    "tests/unit/plugins/test_chain.py": (
        "from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.chain import names\n"
    ),
    "tests/unit/plugins/test_session.py": (
        "import ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.session\n"
    ),
    "tests/unit/test_fake.py": "from support import stage",
    "tests/unit/test_roles.py": "ROLES = REPOSITORY / 'roles'",
    "tests/unit/test_by_name.py": (
        "importlib.import_module('ansible_collections.mailops.exchange.plugins.plugin_utils.x509.names')"
    ),
    "roles/rotate/tasks/main.yml": "",
}
EVERY_TEST = sorted(file for file in FILES if "/test_" in file)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "reached"),
    [
        pytest.param(
            "plugins/plugin_utils/x509/names.py",
            ["plugins/test_chain.py", "test_by_name.py"],
            id="through an import in a function, and by its name as text",
        ),
        pytest.param(
            "plugins/plugin_utils/record/runs.py",
            ["plugins/test_chain.py", "plugins/test_session.py"],
            id="through conftest.py",
        ),
        pytest.param(
            "plugins/plugin_utils/endpoint/scripts/services.ps1",
            ["plugins/test_session.py"],
            id="a file that is read",
        ),
        pytest.param("tests/fake_exchange/running.py", ["test_fake.py"], id="a program's module"),
        pytest.param("roles/rotate/tasks/main.yml", ["test_roles.py"], id="a folder that is read"),
        pytest.param("tests/unit/test_fake.py", ["test_fake.py"], id="itself"),
        pytest.param("docs/new.md", [], id="nothing"),
    ],
)
def test_a_change_reaches(repository: Path, changed: str, reached: list[str]) -> None:
    found = reach.unit_tests([changed], repository)

    assert found.reached == [f"tests/unit/{name}" for name in reached]
    assert sorted(found.reached + found.left_out) == EVERY_TEST


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements.txt", "tests/tools/checks.py"])
def test_what_everything_rests_on_leaves_nothing_out(repository: Path, changed: str) -> None:
    assert reach.unit_tests([changed], repository) == reach.Reach(EVERY_TEST, [])


def test_changed_is_what_is_not_committed_or_else_the_last_commit(repository: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@contoso.test"]
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)

    git("init", "--quiet")
    git("add", "plugins")
    git("commit", "--quiet", "-m", "plugins")
    git("add", ".")
    git("commit", "--quiet", "-m", "the rest")
    last = [name for name in FILES if not name.startswith("plugins/")]
    assert reach.changed_files(repository) == sorted(last)

    (repository / "tests" / "a file.py").write_text("")
    (repository / "tests/support/stage.py").write_text("changed")
    git("mv", "tests/unit/test_fake.py", "tests/unit/test_false.py")
    assert reach.changed_files(repository) == [
        "tests/a file.py",
        "tests/support/stage.py",
        "tests/unit/test_fake.py",
        "tests/unit/test_false.py",
    ]
