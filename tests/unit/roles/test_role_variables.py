# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the documented variables of each role, its defaults, its files and the README agree?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir())
# Variables of the rotation that the other roles take over, so that they are given once.
OF_THE_ROTATION = {"rotate_hosts"}
# Facts that a role leaves for whoever comes after it.
LEFT_BEHIND = {
    "acme_renewal_certificate",
    "certificate_request_fullchain",
    "certificate_request_thumbprint",
    "due_renewal",
    "newest_certificate_found",
    "rotate_interrupted",
    "restart_note_found",
    # Artifacts of a job, and what tasks for DNS records are given.
    "rotate_run_folder",
    "rotate_run_thumbprint",
    "acme_renewal_record_state",
    "acme_renewal_records",
}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def documented(role: str) -> dict[str, dict[str, Any]]:
    specs = load(REPOSITORY / "roles" / role / "meta" / "argument_specs.yml")
    options: dict[str, dict[str, Any]] = specs["argument_specs"]["main"]["options"]
    return options


def defaults(role: str) -> dict[str, Any]:
    found: dict[str, Any] = load(REPOSITORY / "roles" / role / "defaults" / "main.yml")
    return found


def secrets() -> list[tuple[str, str]]:
    return [
        (role, name)
        for role in ROLES
        for name in documented(role)
        if re.search("password|passphrase|content", name)
    ]


def test_there_are_roles() -> None:
    assert ROLES == [
        "acme_renewal",
        "auth_certificate",
        "awx_setup",
        "certificate_request",
        "diagnose_tls",
        "due",
        "federation_certificate",
        "hybrid_renewal",
        "iis_binding",
        "internal_certificate",
        "newest_certificate",
        "notify",
        "pop_imap",
        "preflight",
        "remove_old",
        "restart_note",
        "rollback",
        "rotate",
    ]


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_documented_with_the_same_value(role: str) -> None:
    stated = {name: spec["default"] for name, spec in documented(role).items() if "default" in spec}
    assert stated == defaults(role)


@pytest.mark.parametrize("role", ROLES)
def test_all_variables_begin_with_the_name_of_the_role(role: str) -> None:
    names = {*documented(role), *defaults(role)}
    assert {name for name in names if not name.startswith(f"{role}_")} == set()
    constants = load(REPOSITORY / "roles" / role / "vars" / "main.yml")
    assert {name for name in constants if not name.startswith(f"__{role}_")} == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_that_a_file_of_the_role_uses_is_documented(role: str) -> None:
    folder = REPOSITORY / "roles" / role
    files = [*folder.glob("*/*.yml"), *folder.glob("templates/*.j2")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    for owner in ROLES:
        used = set(re.findall(rf"(?<![\w.]){owner}_[a-z_]+[a-z]", text))
        assert used - OF_THE_ROTATION - LEFT_BEHIND - _names_of_roles() <= set(documented(owner)), (
            owner
        )


def _names_of_roles() -> set[str]:
    return {
        *ROLES,
        "repair_iis_binding",
        "rollback_cert",
        "rotate_cert",
        "rotate_newest",
        "remove_old_cert",
    }


@pytest.mark.parametrize("name", sorted(documented("rotate")))
def test_the_readme_names_every_variable_of_the_rotation(name: str) -> None:
    assert f"`{name}`" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("role", "name"), secrets())
def test_secrets_have_no_default(role: str, name: str) -> None:
    assert name not in defaults(role)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_readme_with_an_example(role: str) -> None:
    text = (REPOSITORY / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert "```yaml" in text
    assert f"ansible-doc -t role mailops.exchange.{role}" in text


def bare_uses(role: str, kind: str) -> list[str]:
    """Where an expression uses a documented variable of a kind without converting it.

    A value of the command line (-e name=false) is text: argument specs check it, and convert
    nothing. Given to an option as it is, the module converts it.
    """
    names = [name for name, spec in documented(role).items() if spec["type"] == kind]
    folder = REPOSITORY / "roles" / role
    files = [
        *folder.glob("tasks/*.yml"), *folder.glob("handlers/*.yml"), *folder.glob("vars/*.yml"),
        *folder.glob("templates/*.j2"),
    ]  # fmt: skip
    found = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        templates = re.findall(r"\{\{(.*?)\}\}|\{%(.*?)%\}", text, re.DOTALL)
        conditions = re.findall(r"^\s*(?:when|that|- )(?::)?([^{\n]*)$", text, re.MULTILINE)
        for name in names:
            given = re.compile(rf"\s*{name}(\s*\|\s*default\(omit\))?\s*")
            used = ["".join(pair) for pair in templates if not given.fullmatch("".join(pair))]
            found += [
                f"{file.relative_to(folder)}: {expression.strip()}"
                for expression in [*used, *conditions]
                if re.search(rf"\b{name}\b(?!\s*\|\s*{kind})", expression)
            ]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_boolean_of_the_command_line_is_converted_before_it_decides(role: str) -> None:
    assert bare_uses(role, "bool") == []
