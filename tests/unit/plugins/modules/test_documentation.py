# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the documentation of every module say what its action does?"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[4]
PACKAGE = "ansible_collections.mailops.exchange.plugins"
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins/modules").glob("exchange_*.py"))
COMPARED = ("type", "elements", "choices", "default", "aliases", "required")


def constants(path: Path) -> dict[str, str]:
    """The texts that a documentation file assigns."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    found[target.id] = node.value.value
    return found


def documentation(module: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        constants(REPOSITORY / f"plugins/modules/{module}.py")["DOCUMENTATION"]
    )
    return document


def fragments(document: dict[str, Any]) -> list[dict[str, Any]]:
    loaded = []
    for name in document.get("extends_documentation_fragment", []):
        _, _, file, *section = name.split(".")
        texts = constants(REPOSITORY / f"plugins/doc_fragments/{file}.py")
        loaded.append(yaml.safe_load(texts[section[0].upper() if section else "DOCUMENTATION"]))
    return loaded


def documented_options(module: str) -> dict[str, Any]:
    document = documentation(module)
    options: dict[str, Any] = {}
    for part in [*fragments(document), document]:
        options |= part.get("options") or {}
    return options


def action(module: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.action.{module}").ActionModule


def comparable(definition: dict[str, Any]) -> dict[str, Any]:
    result = {key: definition[key] for key in COMPARED if definition.get(key) not in (None, False)}
    result.setdefault("type", "str")
    if definition.get("default") is False:
        result["default"] = False
    nested = definition.get("suboptions") or definition.get("options")
    if nested:
        result["options"] = {name: comparable(part) for name, part in nested.items()}
    return result


@pytest.mark.parametrize("module", MODULES)
def test_options_and_their_documentation_agree(module: str) -> None:
    spec = {name: comparable(part) for name, part in action(module).ARGUMENT_SPEC.items()}
    documented = {name: comparable(part) for name, part in documented_options(module).items()}

    assert spec == documented


@pytest.mark.parametrize("module", MODULES)
def test_every_option_that_holds_a_secret_is_marked(module: str) -> None:
    names = ("password", "passphrase", "private_key_content", "pfx_content")
    for name, definition in action(module).ARGUMENT_SPEC.items():
        # An option with choices, such as update_password, says what is done and holds nothing.
        if any(part in name for part in names) and "choices" not in definition:
            assert definition.get("no_log") is True, name


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_examples_with_full_names_and_valid_options(module: str) -> None:
    text = constants(REPOSITORY / f"plugins/modules/{module}.py")["EXAMPLES"]
    used = [item for item in yaml.safe_load(text) if f"mailops.exchange.{module}" in item]

    assert used, "no example uses the module"
    for item in used:
        options = item[f"mailops.exchange.{module}"] or {}
        known = set(documented_options(module))
        aliases = {
            a for part in documented_options(module).values() for a in part.get("aliases", [])
        }
        assert set(options) <= known | aliases, item["name"]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_states_its_attributes(module: str) -> None:
    document = documentation(module)
    stated: dict[str, Any] = {}
    for part in [*fragments(document), document]:
        for name, attribute in (part.get("attributes") or {}).items():
            stated.setdefault(name, {}).update(attribute)

    assert {name: value.get("support") for name, value in stated.items()}.keys() == {
        "check_mode",
        "diff_mode",
        "idempotent",
        "action_group",
    }
    assert all(value.get("support") for value in stated.values())
    assert all(value.get("description") for value in stated.values())


@pytest.mark.parametrize("module", MODULES)
def test_every_return_value_is_described(module: str) -> None:
    returned = yaml.safe_load(constants(REPOSITORY / f"plugins/modules/{module}.py")["RETURN"])

    def look(values: dict[str, Any], path: str) -> None:
        for name, value in values.items():
            assert value.get("description"), f"{path}{name}"
            assert value.get("returned"), f"{path}{name}"
            assert value.get("type"), f"{path}{name}"
            if value["type"] == "list":
                assert value.get("elements"), f"{path}{name}"
            if "contains" in value:
                look(value["contains"], f"{path}{name}.")
            else:
                assert "sample" in value, f"{path}{name}"

    look(returned, "")


def test_the_action_group_names_every_module() -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta/runtime.yml").read_text(encoding="utf-8"))

    assert runtime["action_groups"]["exchange"] == MODULES


def test_every_module_has_an_action_and_the_other_way_round() -> None:
    actions = sorted(path.stem for path in (REPOSITORY / "plugins/action").glob("exchange_*.py"))

    assert actions == MODULES


def test_every_member_of_the_action_group_takes_the_options_that_a_group_default_may_set() -> None:
    for module in MODULES:
        assert "server" in documented_options(module), module


def test_every_module_is_of_this_version() -> None:
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
    for module in MODULES:
        assert documentation(module)["version_added"] <= galaxy["version"]


def test_the_libraries_named_are_those_of_the_requirements() -> None:
    needed = {
        f"{library} >= {bound.strip()}"
        for name in ("requirements.txt", "requirements-kerberos.txt")
        for line in (REPOSITORY / name).read_text(encoding="utf-8").splitlines()
        if ">=" in line and not line.startswith("#")
        for library, _, bound in [line.partition(">=")]
    }
    named = {
        requirement
        for file in (REPOSITORY / "plugins").rglob("*.py")
        for requirement in re.findall(
            r"^ +- (\w+ >= [\d.]+)", file.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert len(named) >= 5
    assert named <= needed
