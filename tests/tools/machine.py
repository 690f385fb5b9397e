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
from collections import Counter
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
    "2.22": range(13, 16),
}
# What ansible-lint and molecule are run with: they may lag behind a pre-release.
TOOLS_ANSIBLE_CORE = "2.21"


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
            if minor not in found and os.path.isfile(candidate) and _works(candidate, minor=minor):
                found[minor] = Python(minor=minor, path=candidate)
    own = sys.version_info.minor
    if own in supported and own not in found:
        found[own] = Python(minor=own, path=Path(sys.executable))
    return sorted(found.values())


def real_directories(path: str) -> list[str]:
    """The directories of a PATH without pyenv's shims, which fail for absent Pythons."""
    return [entry for entry in path.split(os.pathsep) if entry and Path(entry).name != "shims"]


def choices(pythons: list[Python]) -> list[Choice]:
    """Every supported ansible-core that an interpreter here can take, oldest first.

    Each goes with the Python that was least tried before it, so that every Python has its turn; the
    newest ansible-core goes with the newest Python.
    """
    fitting = {
        ansible_core: [python for python in pythons if python.minor in minors]
        for ansible_core, minors in sorted(ANSIBLE_CORE_PYTHONS.items())
    }
    possible = [ansible_core for ansible_core, found in fitting.items() if found]
    used: Counter[int] = Counter()
    chosen: list[Choice] = []
    for ansible_core in possible:
        python = min(fitting[ansible_core], key=lambda python: (used[python.minor], python.minor))
        if ansible_core == possible[-1]:
            python = fitting[ansible_core][-1]
        used[python.minor] += 1
        chosen.append(Choice(ansible_core, python))
    return chosen


def not_tried(pythons: list[Python]) -> list[str]:
    """What of the supported range this machine cannot show, in sentences."""
    tried = {choice.ansible_core for choice in choices(pythons)}
    return [
        f"ansible-core {ansible_core} needs Python 3.{minors[0]} to 3.{minors[-1]}; none was found"
        for ansible_core, minors in sorted(ANSIBLE_CORE_PYTHONS.items())
        if ansible_core not in tried
    ]


def _directories() -> Iterator[Path]:
    roots = [os.environ.get("PYENV_ROOT", ""), "~/.pyenv"]
    for root in dict.fromkeys(os.path.expanduser(root) for root in roots if root):
        yield from _below(Path(root, "versions"), "3.*/bin")
    for entry in real_directories(os.environ.get("PATH", "")):
        # A virtual environment's Python is not the machine's. os.path, unlike Path, says no where
        # a directory may not be looked into.
        if not os.path.exists(os.path.join(entry, "activate")):
            yield Path(entry)
    yield from (Path("/usr/local/bin"), Path("/usr/bin"))
    yield from _below(Path(os.path.expanduser("~/.local/share/uv/python")), "cpython-*/bin")


def _below(directory: Path, pattern: str) -> list[Path]:
    """The newest first; none where the directory may not be looked into."""
    try:
        return sorted(directory.glob(pattern), reverse=True)
    except OSError:
        return []


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
    for machine_choice in choices(machine_pythons):
        print(machine_choice)
    for line in not_tried(machine_pythons):
        print(line)
