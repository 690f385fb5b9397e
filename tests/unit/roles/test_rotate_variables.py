# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the role's documented variables, its defaults, its files and the README agree?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
ROLE = REPOSITORY / "roles" / "rotate"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


DOCUMENTED: dict[str, dict[str, Any]] = load(ROLE / "meta" / "argument_specs.yml")[
    "argument_specs"
]["main"]["options"]
DEFAULTS: dict[str, Any] = load(ROLE / "defaults" / "main.yml")


def test_every_default_is_documented_with_the_same_value() -> None:
    documented = {name: spec["default"] for name, spec in DOCUMENTED.items() if "default" in spec}
    assert documented == DEFAULTS


def test_all_variables_begin_with_the_name_of_the_role() -> None:
    names = {*DOCUMENTED, *DEFAULTS}
    assert {name for name in names if not name.startswith("rotate_")} == set()
    constants = load(ROLE / "vars" / "main.yml")
    assert {name for name in constants if not name.startswith("__rotate_")} == set()


def test_every_variable_that_a_file_of_the_role_uses_is_documented() -> None:
    files = [*ROLE.glob("*/*.yml"), *ROLE.glob("templates/*.j2")]
    used = {
        name
        for file in files
        for name in re.findall(r"(?<![\w.])rotate_[a-z_]+", file.read_text(encoding="utf-8"))
    }
    assert used - {"rotate_hosts"} <= set(DOCUMENTED)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_the_readme_tells_of_every_variable(name: str) -> None:
    assert f"`{name}`" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if re.search("pass|content", name)])
def test_secrets_have_no_default(name: str) -> None:
    assert name not in DEFAULTS


def test_what_is_documented_as_required_python_packages_is_what_is_declared() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    declared = dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(lines), flags=re.MULTILINE))
    files = [*(REPOSITORY / "plugins").rglob("*.py")]
    named = {
        (package.lower(), version)
        for file in files
        for package, version in re.findall(
            r"^ +- ([\w-]+) >= ([\d.]+) \(on the control node", file.read_text(), flags=re.MULTILINE
        )
    }
    lower = {package.lower(): version for package, version in declared.items()}
    assert named, "the documentation names packages"
    differing = {(package, version) for package, version in named if lower[package] != version}
    assert differing == set()
