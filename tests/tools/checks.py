# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked, and how patient one has to be: `make check`, `make test`, `make test-long`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import machine
import reach as reach_of
from environments import (
    CACHE,
    COLLECTIONS,
    NEWEST,
    OLDEST,
    REPOSITORY,
    TOOLS,
    core_choices,
)

PROGRAMS = Path(__file__).resolve().parent
IMAGE = CACHE / "image-context"
# How long faults are thrown that `make test` does not throw.
FAULTS_MINUTES = "45"


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


def quick() -> tuple[list[Check], list[str]]:
    """What a change can break, as far as a minute goes; and the test files that were left out."""
    reach = reach_of.unit_tests(reach_of.changed_files())
    units = [_pytest("unit", NEWEST, *reach.reached, "-n", "2")] if reach.reached else []
    return [*_code(), *units], reach.left_out


def everything() -> list[Check]:
    """What has to pass before a change lands, the long ones first, so that two end together."""
    return [
        _integration("integration", NEWEST, "not long", "-n", "2", "--dist", "worksteal"),
        _sanity("sanity", NEWEST),
        _pytest("unit", NEWEST, "tests/unit"),
        _pytest("unit-oldest", OLDEST, "tests/unit"),
        *(_integration(f"main-ways-{name}", name, "main_way") for name in _older_cores()),
        Check("molecule", TOOLS, ["molecule", "test", "--all"]),
        Check("demo", NEWEST, ["python", "tests/demo/demo.py"]),
        _own("galaxy-import", "artifact.py", "import"),
        _own("docs-build", "documentation.py"),
        Check("ansible-lint", TOOLS, ["ansible-lint"]),
        Check("docs-lint", TOOLS, ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."]),
        *_code(),
        Check("yamllint", TOOLS, ["yamllint", "--strict", "."]),
        Check("changelog", TOOLS, ["antsibull-changelog", "lint"]),
        Check("execution-environment", TOOLS, ["ansible-builder", "introspect", str(COLLECTIONS)]),
        Check(
            "image-context",
            TOOLS,
            ["ansible-builder", "create", "-f", "execution-environment.yml", "-c", str(IMAGE)],
        ),
    ]


def long_parts() -> dict[str, list[Check]]:
    """What has to pass before a release, in parts of at most an hour."""
    by_core = {
        f"core-{choice.ansible_core}": [
            _integration(f"integration-{name}", name, "not once", "-n", "2", "--dist", "worksteal"),
            *([_pytest(f"unit-{name}", name, "tests/unit")] if name != OLDEST else []),
        ]
        for name, choice in core_choices().items()
        if name != NEWEST
    }
    return {
        "year": [_integration("year", NEWEST, "year")],
        "variants": [
            _integration("variants", NEWEST, "long and not year", "-n", "2", "--dist", "worksteal")
        ],
        "faults": [
            Check("faults", NEWEST, ["python", "tests/faults/run.py", "--minutes", FAULTS_MINUTES])
        ],
        **by_core,
        "sanity": [_sanity(f"sanity-{name}", name) for name in _older_cores()],
        "bench": [Check("bench", NEWEST, ["python", "tests/bench/run.py"])],
    }


def _older_cores() -> list[str]:
    """The environments of every supported ansible-core but the newest."""
    return [name for name in core_choices() if name != NEWEST]


def _code() -> list[Check]:
    mypy = ["mypy", "--config-file", str(REPOSITORY / "pyproject.toml")]
    mypy += ["--cache-dir", str(CACHE / "mypy")]
    return [
        Check("ruff", TOOLS, ["ruff", "check", "--cache-dir", str(CACHE / "ruff"), "."]),
        Check(
            "ruff-format",
            TOOLS,
            ["ruff", "format", "--check", "--cache-dir", str(CACHE / "ruff"), "."],
        ),
        Check(
            "mypy",
            TOOLS,
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
            TOOLS,
            [*mypy, "."],
            directory=PROGRAMS,
            variables={"MYPYPATH": f"{PROGRAMS}:{COLLECTIONS}:{REPOSITORY / 'tests'}"},
        ),
        _own("words", "words.py"),
        Check(
            "connector-documentation",
            TOOLS,
            ["python", str(PROGRAMS / "connector_documentation.py"), "--check"],
        ),
    ]


def _sanity(name: str, environment: str) -> Check:
    return _own(
        name,
        "sanity.py",
        environment,
        needs=(machine.GIT,),
        better_with=(machine.SHELLCHECK,),
    )


def _integration(name: str, environment: str, marks: str, *arguments: str) -> Check:
    return _pytest(
        name,
        environment,
        "tests/integration",
        "-m",
        marks,
        *arguments,
        better_with=(*machine.KERBEROS_NEEDS, *machine.ACME_NEEDS),
    )


def _pytest(
    name: str, environment: str, *arguments: str, better_with: tuple[machine.Need, ...] = ()
) -> Check:
    command = ["python", "-m", "pytest", "-q", *arguments]
    command += ["-o", f"cache_dir={CACHE / 'pytest' / name}"]
    return Check(name, environment, command, better_with=better_with, junit=True)


def _own(
    name: str,
    script: str,
    *arguments: str,
    needs: tuple[machine.Need, ...] = (),
    better_with: tuple[machine.Need, ...] = (),
) -> Check:
    command = [sys.executable, str(PROGRAMS / script), *arguments]
    return Check(name, TOOLS, command, needs=needs, better_with=better_with)
