# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does this machine offer: which Pythons, fit for which ansible-core, and which programs?

Uses the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Which Pythons (3.x) each ansible-core runs on, from ansible-core's support matrix.
ANSIBLE_CORE_PYTHONS = {
    "2.17": range(10, 13),
    "2.18": range(11, 14),
    "2.19": range(11, 14),
    "2.20": range(12, 15),
    "2.21": range(12, 15),
}


@dataclass(frozen=True, order=True)
class Python:
    """An interpreter: the minor version of its Python 3 and its real path (never a pyenv shim)."""

    minor: int
    path: Path

    @property
    def version(self) -> str:
        return f"3.{self.minor}"


@dataclass(frozen=True)
class Choice:
    """An ansible-core (``2.NN``) and the interpreter that it is tried with."""

    ansible_core: str
    python: Python

    def __str__(self) -> str:
        return f"ansible-core {self.ansible_core}, Python {self.python.version}"


@dataclass(frozen=True)
class Need:
    """A program that some check needs, and the Debian package that brings it."""

    program: str
    package: str
    what_for: str

    @property
    def found(self) -> bool:
        return program_path(self.program) is not None

    def sentence(self) -> str:
        return f"{self.program} is missing ({self.what_for}): apt-get install {self.package}"


SHELLCHECK = Need("shellcheck", "shellcheck", "ansible-test's check of shell scripts")
GIT = Need("git", "git", "ansible-test reads the list of files from it")
KERBEROS_NEEDS = (
    Need("krb5kdc", "krb5-kdc", "the key distribution center of the Kerberos tests"),
    Need("kadmin.local", "krb5-admin-server", "accounts of the Kerberos tests"),
    Need("kinit", "krb5-user", "tickets of the Kerberos tests"),
)
ACME_NEEDS = (
    Need("pebble", "pebble", "the ACME authority of the renewal tests"),
    Need("named", "bind9", "the name server of the renewal tests"),
    Need("nsupdate", "bind9-dnsutils", "dynamic updates of the renewal tests"),
    Need("faketime", "faketime", "the clock of the simulated year"),
    Need("qemu-x86_64", "qemu-user", "the ACME authority under that clock"),
)
KERBEROS_BUILD_NEEDS = (
    Need("gcc", "gcc python3-dev", "building the Kerberos libraries"),
    Need("krb5-config", "libkrb5-dev", "building the Kerberos libraries"),
)


def program_path(program: str) -> str | None:
    """Where a program is; Debian keeps daemons out of an ordinary user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"])
    return shutil.which(program, path=path)


def find_pythons() -> list[Python]:
    """Every usable interpreter of a supported version, oldest first."""
    supported = sorted({minor for minors in ANSIBLE_CORE_PYTHONS.values() for minor in minors})
    found: dict[int, Python] = {}
    for directory in _directories():
        for minor in supported:
            candidate = directory / f"python3.{minor}"
            if minor not in found and candidate.is_file() and _works(candidate, minor=minor):
                found[minor] = Python(minor=minor, path=candidate)
    own = sys.version_info.minor
    if own in supported and own not in found:
        found[own] = Python(minor=own, path=Path(sys.executable))
    return sorted(found.values())


def real_directories(path: str) -> list[str]:
    """The directories of a PATH without pyenv's shims, which fail for absent Pythons."""
    return [entry for entry in path.split(os.pathsep) if entry and Path(entry).name != "shims"]


def oldest(pythons: list[Python]) -> Choice | None:
    """The oldest ansible-core that an interpreter here can take, on the oldest such interpreter."""
    return next(iter(_choices(pythons)), None)


def newest(pythons: list[Python]) -> Choice | None:
    """The newest ansible-core that an interpreter here can take, on the newest such interpreter."""
    choices = list(_choices(pythons))
    return choices[-1] if choices else None


def not_tried(pythons: list[Python]) -> list[str]:
    """What of the supported range this machine cannot show, in sentences."""
    sentences = []
    for label, choice, wanted in (
        ("oldest", oldest(pythons), min(ANSIBLE_CORE_PYTHONS)),
        ("newest", newest(pythons), max(ANSIBLE_CORE_PYTHONS)),
    ):
        if choice is not None and choice.ansible_core != wanted:
            minors = ANSIBLE_CORE_PYTHONS[wanted]
            sentences.append(
                f"ansible-core {wanted} needs Python 3.{minors[0]} to 3.{minors[-1]} and none was "
                f"found; the {label} that could be tried is {choice}"
            )
    return sentences


def _choices(pythons: list[Python]) -> Iterator[Choice]:
    for ansible_core, minors in sorted(ANSIBLE_CORE_PYTHONS.items()):
        for python in pythons:
            if python.minor in minors:
                yield Choice(ansible_core=ansible_core, python=python)


def _directories() -> Iterator[Path]:
    roots = [os.environ.get("PYENV_ROOT", ""), "~/.pyenv"]
    for root in dict.fromkeys(str(Path(root).expanduser()) for root in roots if root):
        yield from sorted(Path(root, "versions").glob("3.*/bin"), reverse=True)
    for entry in real_directories(os.environ.get("PATH", "")):
        if not Path(
            entry, "activate"
        ).exists():  # a virtual environment's Python is not the machine's
            yield Path(entry)
    yield from (Path("/usr/local/bin"), Path("/usr/bin"))
    yield from sorted(Path("~/.local/share/uv/python").expanduser().glob("cpython-*/bin"))


def _works(candidate: Path, *, minor: int) -> bool:
    question = "import sys; print(sys.version_info.minor, sys.implementation.name)"
    try:
        answer = subprocess.run(
            [candidate, "-I", "-c", question],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.split() == [str(minor), "cpython"]


if __name__ == "__main__":
    machine_pythons = find_pythons()
    for machine_python in machine_pythons:
        print(f"Python {machine_python.version}: {machine_python.path}")
    print(f"oldest: {oldest(machine_pythons)}")
    print(f"newest: {newest(machine_pythons)}")
    for line in not_tried(machine_pythons):
        print(line)
