# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Are the examples for schedules, inventories and the role group what they say?"""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import real_powershell, role_group

REPOSITORY = Path(__file__).resolve().parents[3]
DOCS = REPOSITORY / "docs"
SCHEDULES = DOCS / "schedules"
INVENTORIES = sorted((DOCS / "inventories").glob("*.yml"))
SERVICE = SCHEDULES / "exchange-certificates.service"
TIMER = SCHEDULES / "exchange-certificates.timer"
CRON = SCHEDULES / "exchange-certificates.cron"


def options_of_the_connection() -> set[str]:
    text = (REPOSITORY / "plugins" / "connection" / "exchange.py").read_text(encoding="utf-8")
    return set(re.findall(r"- name: (ansible_\w+)", text))


def variables_of_roles() -> set[str]:
    found: set[str] = set()
    for file in (REPOSITORY / "roles").glob("*/meta/argument_specs.yml"):
        spec = yaml.safe_load(file.read_text(encoding="utf-8"))
        found |= set(spec["argument_specs"]["main"]["options"])
    return found


def variables_in(node: Any) -> Iterator[tuple[str, Any]]:
    """Every variable that an inventory sets."""
    for group in node.values():
        yield from (group.get("vars") or {}).items()
        for host in (group.get("hosts") or {}).values():
            yield from (host or {}).items()
        yield from variables_in(group.get("children") or {})


@pytest.mark.parametrize("file", INVENTORIES, ids=lambda path: path.stem)
def test_an_inventory_sets_what_exists_and_no_secret(file: Path) -> None:
    known = options_of_the_connection() | variables_of_roles() | {"ansible_python_interpreter"}
    known |= {"ansible_connection"}
    found = dict(variables_in(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert found["ansible_connection"] == "mailops.exchange.exchange"
    assert set(found) <= known
    for name, value in found.items():
        if "password" in name or "secret" in name:
            assert re.fullmatch(r"\{\{ vault_\w+ \}\}", value), name


@pytest.mark.parametrize("file", INVENTORIES, ids=lambda path: path.stem)
def test_ansible_reads_an_inventory(file: Path) -> None:
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(file), "--graph"]
    graph = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(re.findall(r"--[\w.]+\.com", graph)) >= 2


def unit(file: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(file.read_text(encoding="utf-8"))
    return parser


def test_the_timer_starts_the_service_and_both_start_the_playbook() -> None:
    assert SERVICE.stem == TIMER.stem
    assert unit(TIMER)["Timer"]["OnCalendar"]
    assert unit(SERVICE)["Service"]["Type"] == "oneshot"
    line = next(text for text in CRON.read_text().splitlines() if re.match(r"\d", text))
    minute, hour, *others, user, command = line.split(None, 6)
    assert (int(minute) < 60, int(hour) < 24, others, user) == (True, True, ["*"] * 3, "mailops")
    for text in (unit(SERVICE)["Service"]["ExecStart"], command):
        assert "ansible-playbook mailops.exchange.renew_acme " in text
        assert "--vault-password-file" in text
    assert (REPOSITORY / "playbooks" / "renew_acme.yml").is_file()


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing (systemd)"
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for file in (SERVICE, TIMER):
        # It looks for the program, which is installed elsewhere on this machine.
        text = file.read_text(encoding="utf-8").replace("/usr/bin/ansible-playbook", "/bin/true")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
        (tmp_path / file.name).chmod(0o644)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / TIMER.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "exchange-certificates" in line]
    assert (done.returncode, said) == (0, [])


def test_the_script_of_the_role_group_is_made_from_the_code() -> None:
    written = role_group.SCRIPT.read_text(encoding="utf-8")
    assert written == role_group.script(), "make it again: python -m support.role_group"


@pytest.mark.skipif(
    real_powershell.program() is None,
    reason=real_powershell.missing("the script was compared with what the code makes of it"),
)
def test_the_script_of_the_role_group_is_powershell() -> None:
    found = real_powershell.parse({"role": role_group.SCRIPT.read_text(encoding="utf-8")})["role"]
    assert (found["errors"], found["newer"]) == ([], [])


def test_the_role_group_has_every_cmdlet_that_the_code_names() -> None:
    """And none that it does not name."""
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in (REPOSITORY / "plugins").rglob("*.py")
        if "modules" not in file.parts and file.name != "permissions.py"
    )
    named = set(
        re.findall(r'"((?:Get|Set|New|Add|Remove|Test|Enable|Import|Export|Redirect)-\w+)"', code)
    )
    nouns = set(re.findall(r'"(\w+Settings)"', code))
    named |= {
        f"{verb}-{noun}"
        for verb in ("Get", "Set")
        for noun in nouns & {"PopSettings", "ImapSettings"}
    }
    everybodys = {"Get-Command"}
    assert named - everybodys == set(role_group.role())


def test_the_image_has_the_headers_of_the_python_that_it_names() -> None:
    """What Kerberos needs is compiled for that interpreter, while the image is built."""
    image = yaml.safe_load((REPOSITORY / "execution-environment.yml").read_text())["dependencies"]
    package = image["python_interpreter"]["package_system"]
    assert image["python_interpreter"]["python_path"] == f"/usr/bin/{package}"
    assert f"{package}-devel [compile platform:rpm]" in image["system"]


def test_optional_collections_have_one_lower_bound() -> None:
    """The image, the project for AWX and the sentences that say how to install them agree."""
    stated = yaml.safe_load((REPOSITORY / "requirements-collections.yml").read_text())
    bounds = {item["name"]: item["version"] for item in stated["collections"]}
    image = yaml.safe_load((REPOSITORY / "execution-environment.yml").read_text())
    project = yaml.safe_load(
        (DOCS / "awx-project" / "collections" / "requirements.yml").read_text()
    )
    for item in (*image["dependencies"]["galaxy"]["collections"], *project["collections"]):
        assert item.get("version") == bounds.get(item["name"])
    texts = [
        *(REPOSITORY / "roles").glob("*/tasks/*.yml"),
        REPOSITORY / "README.md",
    ]
    for name, bound in bounds.items():
        commands = [
            command
            for file in texts
            for command in re.findall(rf"'({re.escape(name)}:[^']+)'", file.read_text())
        ]
        assert set(commands) == {f"{name}:{bound}"}
