# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked: one line of data per check, and which of them belong to the quick round."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import machine
from environments import CACHE, COLLECTIONS, REPOSITORY

TOOLS = Path(__file__).resolve().parent
IMAGE = CACHE / "image-context"


@dataclass(frozen=True)
class Check:
    """A command to run in one of the environments.

    ``needs`` are programs without which the check cannot run at all; ``better_with`` are programs
    without which a part of it is skipped.
    """

    name: str
    environment: str
    command: list[str]
    directory: Path = REPOSITORY
    needs: tuple[machine.Need, ...] = ()
    better_with: tuple[machine.Need, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    junit: bool = False

    @property
    def log(self) -> Path:
        return CACHE / "logs" / f"{self.name}.log"

    @property
    def report(self) -> Path:
        return CACHE / "logs" / f"{self.name}.xml"


def quick() -> list[Check]:
    """The inner loop: less than a minute."""
    return [*_code(), _pytest("unit", "newest", "tests/unit", "-n", "2")]


def everything() -> list[Check]:
    """All checks, the long ones first, so that two at a time end together."""
    return [
        _own(
            "sanity-oldest",
            "sanity.py",
            "oldest",
            needs=(machine.GIT,),
            better_with=(machine.SHELLCHECK,),
        ),
        _own(
            "sanity-newest",
            "sanity.py",
            "newest",
            needs=(machine.GIT,),
            better_with=(machine.SHELLCHECK,),
        ),
        _pytest(
            "integration-newest", "newest", "tests/integration", "-n", "2", "--dist", "worksteal"
        ),
        _pytest("integration-oldest", "oldest", "tests/integration", "-m", "not once", "--first=3"),
        Check("demo", "newest", ["python", "tests/demo/demo.py"]),
        Check("molecule", "tools", ["molecule", "test", "--all"]),
        _pytest("unit-newest", "newest", "tests/unit"),
        _pytest("unit-oldest", "oldest", "tests/unit"),
        _own("galaxy-import", "artifact.py", "import"),
        _own("docs-build", "documentation.py"),
        Check("ansible-lint", "tools", ["ansible-lint"]),
        Check(
            "docs-lint", "tools", ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."]
        ),
        *_code(),
        Check("yamllint", "tools", ["yamllint", "--strict", "."]),
        Check("changelog", "tools", ["antsibull-changelog", "lint"]),
        Check(
            "execution-environment", "tools", ["ansible-builder", "introspect", str(COLLECTIONS)]
        ),
        Check(
            "image-context",
            "tools",
            ["ansible-builder", "create", "-f", "execution-environment.yml", "-c", str(IMAGE)],
        ),
    ]


def _code() -> list[Check]:
    mypy = ["mypy", "--config-file", str(REPOSITORY / "pyproject.toml")]
    mypy += ["--cache-dir", str(CACHE / "mypy")]
    return [
        Check("ruff", "tools", ["ruff", "check", "--cache-dir", str(CACHE / "ruff"), "."]),
        Check(
            "ruff-format",
            "tools",
            ["ruff", "format", "--check", "--cache-dir", str(CACHE / "ruff"), "."],
        ),
        Check(
            "mypy",
            "tools",
            [
                *mypy,
                "-p",
                "ansible_collections.mailops.exchange.plugins",
                "-p",
                "fake_exchange",
                "-p",
                "support",
            ],
            directory=COLLECTIONS,
            variables={"MYPYPATH": f"{COLLECTIONS}:{REPOSITORY / 'tests'}"},
        ),
        Check(
            "mypy-tools",
            "tools",
            [*mypy, "."],
            directory=TOOLS,
            variables={"MYPYPATH": f"{TOOLS}:{COLLECTIONS}"},
        ),
        Check(
            "connector-documentation",
            "tools",
            ["python", str(TOOLS / "connector_documentation.py"), "--check"],
        ),
    ]


def _pytest(name: str, environment: str, *arguments: str) -> Check:
    needs = (*machine.KERBEROS_NEEDS, *machine.ACME_NEEDS) if "integration" in name else ()
    command = [
        "python",
        "-m",
        "pytest",
        "-q",
        *arguments,
        "-o",
        f"cache_dir={CACHE / 'pytest' / name}",
    ]
    return Check(name, environment, command, better_with=needs, junit=True)


def _own(
    name: str,
    script: str,
    *arguments: str,
    needs: tuple[machine.Need, ...] = (),
    better_with: tuple[machine.Need, ...] = (),
) -> Check:
    command = [sys.executable, str(TOOLS / script), *arguments]
    return Check(name, "tools", command, needs=needs, better_with=better_with)
