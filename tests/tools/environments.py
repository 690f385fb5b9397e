# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python environments do the commands of the Makefile run in, and are they ready?

Virtual environments in ``.cache/venvs``, made with uv from PyPI and nothing else: ``oldest`` (the
oldest ansible-core with our dependencies at their lower bounds), ``newest`` (the newest of
everything), ``core-2.NN`` for every supported ansible-core between them, and ``tools`` (what looks
at the code). Each is made once, when it is first asked for; a stamp holds a digest of what it was
made from.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
COLLECTIONS = CACHE / "collections"
KERBEROS_REQUIREMENTS = "requirements-kerberos.txt"
OLDEST, NEWEST, TOOLS = "oldest", "newest", "tools"
# Collections that are used when they are there (requirements-collections.yml). Galaxy may be out of
# reach, and PyPI's package `ansible` has them: community.crypto 3.0.5, our lower bound, and 3.2.2.
OPTIONAL_COLLECTIONS = ("community.crypto", "awx.awx")
ANSIBLE_PACKAGE_OF_OLDEST, ANSIBLE_PACKAGE = "12.3.0", "13.8.0"
# Compiling the Kerberos libraries takes minutes for each Python, and they have nothing to do with
# the version of ansible-core.
WITH_KERBEROS = (OLDEST, NEWEST)


class SetupFailed(Exception):
    """Something that is needed cannot be had; the message says what and what to do."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its name, what is in it, and whether Kerberos could be built."""

    name: str
    choice: machine.Choice

    @property
    def directory(self) -> Path:
        return CACHE / "venvs" / self.name

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def without_kerberos(self) -> str | None:
        """Why the Kerberos libraries are not installed, or None when they are."""
        if self.name not in WITH_KERBEROS:
            return "the Kerberos libraries are only in the oldest and the newest environment"
        note = self.directory / "without-kerberos"
        return note.read_text().strip() if note.exists() else None

    @property
    def optional_collections(self) -> Path:
        """Where the collections of others are, if they could be had."""
        return self.directory / "optional-collections"

    def program(self, name: str) -> Path:
        return self.directory / "bin" / name

    def variables(self) -> dict[str, str]:
        """The environment variables to run this environment's programs with.

        A user's own Ansible settings, pyenv's shims and caches outside of the folder are kept out.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE_", "MOLECULE_", "PYTHON", "VIRTUAL_ENV"))
        }
        path = [str(self.directory / "bin"), *machine.real_directories(kept.get("PATH", ""))]
        path += [entry for entry in ("/usr/sbin", "/sbin") if entry not in path]
        return kept | {
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join([str(COLLECTIONS), str(REPOSITORY / "tests")]),
            "PYTHONDONTWRITEBYTECODE": "",
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
                [str(COLLECTIONS), str(self.optional_collections)]
            ),
            "MAILOPS_OPTIONAL_COLLECTIONS": str(self.optional_collections),
            "ANSIBLE_CONFIG": str(REPOSITORY / "tests" / "ansible.cfg"),
            "ANSIBLE_HOME": str(CACHE / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "NO_COLOR": "1",
            "XDG_CACHE_HOME": str(CACHE / "xdg"),
            "LC_ALL": "C.UTF-8",
        }


def ready(*names: str) -> list[Environment]:
    """The named environments, made or brought up to date where that is necessary.

    Raises:
        SetupFailed: no fitting Python, no python3-venv, PyPI out of reach, ...
    """
    try:
        CACHE.mkdir(exist_ok=True)
        with _lock("workshop"):
            _link_collection()
            _uv()
        environments = [Environment(name=name, choice=_choice(name)) for name in names]
        for environment in environments:
            with _lock(environment.name):
                _make(environment)
    except OSError as error:
        raise SetupFailed(
            f"{error.filename or CACHE} cannot be written: {error.strerror}"
        ) from error
    return environments


@functools.cache
def core_choices() -> dict[str, machine.Choice]:
    """The environments that have an ansible-core to try, oldest first.

    Raises:
        SetupFailed: no fitting Python.
    """
    choices = machine.choices(machine.find_pythons())
    if not choices:
        raise SetupFailed(
            "Python 3.10 or later is needed and none was found: "
            "apt-get install python3 python3-venv"
        )
    between = {f"core-{choice.ansible_core}": choice for choice in choices[1:-1]}
    return {OLDEST: choices[0], **between, NEWEST: choices[-1]}


def _choice(name: str) -> machine.Choice:
    choices = core_choices()
    if name == TOOLS:
        usable = [c for c in choices.values() if c.ansible_core <= machine.TOOLS_ANSIBLE_CORE]
        newest_python = machine.find_pythons()[-1]
        return machine.Choice((usable or [choices[NEWEST]])[-1].ansible_core, newest_python)
    if name not in choices:
        raise SetupFailed(f"there is no Python here for {name}; there is {', '.join(choices)}")
    return choices[name]


def _make(environment: Environment) -> None:
    stamp = environment.directory / "stamp"
    wanted = _digest(environment)
    if stamp.exists() and stamp.read_text() == wanted and environment.python.exists():
        return
    print(
        f"Setting up {environment.directory.relative_to(REPOSITORY)} ({environment.choice})",
        flush=True,
    )
    shutil.rmtree(environment.directory, ignore_errors=True)
    uv = _uv()
    _run([uv, "venv", "--quiet", "--python", environment.choice.python.path, environment.directory])
    ansible_core = _ansible_core(uv, environment)
    files = ["requirements.txt", "requirements-test.txt"]
    if environment.name == TOOLS:
        files.append("requirements-dev.txt")
    kerberos = [KERBEROS_REQUIREMENTS] if environment.name in WITH_KERBEROS else []
    try:
        _install(uv, environment, ansible_core, [*files, *kerberos])
    except SetupFailed as failure:
        if not kerberos:
            raise
        # Most often headers or a compiler are missing; everything but Kerberos works without.
        _install(uv, environment, ansible_core, files)
        missing = [need.sentence() for need in machine.KERBEROS_BUILD_NEEDS if not need.found]
        reason = "; ".join(missing) or f"the Kerberos libraries could not be built: {failure}"
        (environment.directory / "without-kerberos").write_text(reason + "\n")
        print(f"  without Kerberos: {reason}", flush=True)
    _add_optional_collections(environment)
    stamp.write_text(wanted)


def _add_optional_collections(environment: Environment) -> None:
    """Unpack them from the package `ansible`; tests that need them say so when that failed."""
    version = ANSIBLE_PACKAGE_OF_OLDEST if environment.name == OLDEST else ANSIBLE_PACKAGE
    wheels = CACHE / "wheels"
    try:
        with _lock("wheels"):
            wheel = _download(f"ansible=={version}", wheels)
    except SetupFailed as failure:
        print(f"  without community.crypto and awx.awx: {failure}", flush=True)
        return
    prefixes = tuple(
        f"ansible_collections/{name.replace('.', '/')}/" for name in OPTIONAL_COLLECTIONS
    )
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(prefixes)]
        archive.extractall(environment.optional_collections, names)


def _download(package: str, folder: Path) -> Path:
    """A wheel that needs no compiler, downloaded once."""
    pattern = f"{package.replace('==', '-')}-*.whl"
    if not list(folder.glob(pattern)):
        command: list[str | Path] = [CACHE / "venvs" / "uv" / "bin" / "python", "-m", "pip"]
        command += ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
        # Only to be unpacked, so any Python's package will do.
        _run([*command, "--python-version", "3.13", package])
    return next(iter(folder.glob(pattern)))


def _ansible_core(uv: Path, environment: Environment) -> str:
    """The requirement for its release, or for its newest pre-release while there is no other."""
    version = environment.choice.ansible_core
    major, _, minor = version.partition(".")
    released = f"ansible-core=={version}.*"
    or_before = f"ansible-core>={version}.0b1,<{major}.{int(minor) + 1}"
    asked = environment.directory / "ansible-core.txt"
    asked.write_text(released + "\n", encoding="utf-8")
    command: list[str | Path] = [uv, "pip", "compile", "--quiet", "--no-deps", asked]
    try:
        _run([*command, "--python", environment.python])
    except SetupFailed:
        return or_before
    return released


def _install(uv: Path, environment: Environment, ansible_core: str, files: list[str]) -> None:
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", environment.python]
    if environment.name != TOOLS:
        # A run of ansible-playbook in a test writes no bytecode of its own.
        command.append("--compile-bytecode")
    for file in files:
        command += ["--requirement", REPOSITORY / file]
    if environment.name == OLDEST:
        command += ["--constraint", _lower_bounds(uv, environment, files)]
    try:
        _run([*command, ansible_core])
    except SetupFailed as failure:
        raise SetupFailed(
            f"the packages of {environment.name} could not be installed from PyPI: {failure}"
        ) from failure


def _lower_bounds(uv: Path, environment: Environment, files: list[str]) -> Path:
    """Pins for what we declare as a user's dependencies: exactly the declared lower bounds."""
    pins = environment.directory / "lower-bounds.txt"
    declared = [
        REPOSITORY / file for file in files if file in ("requirements.txt", KERBEROS_REQUIREMENTS)
    ]
    command: list[str | Path] = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += ["--no-deps", "--resolution", "lowest-direct", "--python", environment.python]
    _run([*command, "--output-file", pins, *declared])
    return pins


def _uv() -> Path:
    """uv in a virtual environment of its own."""
    directory = CACHE / "venvs" / "uv"
    uv = directory / "bin" / "uv"
    if uv.exists():
        return uv
    shutil.rmtree(directory, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", directory])
    except SetupFailed as failure:
        raise SetupFailed("python3-venv is missing: apt-get install python3-venv") from failure
    try:
        _run([directory / "bin" / "python", "-m", "pip", "install", "--quiet", "uv>=0.5"])
    except SetupFailed as failure:
        shutil.rmtree(directory, ignore_errors=True)
        raise SetupFailed(f"uv could not be installed from PyPI: {failure}") from failure
    return uv


def _pip_settings() -> dict[str, str]:
    """Pip's settings for package indexes, in uv's words: uv reads none of pip's settings."""
    listing = subprocess.run(
        [CACHE / "venvs" / "uv" / "bin" / "python", "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    settings: dict[str, str] = {}
    for line in listing.stdout.splitlines():
        name, _, value = line.partition("=")
        settings[name.rpartition(".")[2]] = value.strip("'\"")
    translated = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    if "index-url" in settings:
        translated["UV_DEFAULT_INDEX"] = settings["index-url"]
    if "cert" in settings:
        translated["SSL_CERT_FILE"] = settings["cert"]
    return {name: value for name, value in translated.items() if name not in os.environ}


def _run(command: list[str | Path]) -> None:
    """Run a command of the set-up.

    Raises:
        SetupFailed: with the last line that says something.
    """
    variables = os.environ | (_pip_settings() if Path(command[0]).name == "uv" else {})
    variables.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reasons = [line for line in lines if "error" in line.lower() or "×" in line] or lines[-1:]
        raise SetupFailed(reasons[0] if reasons else f"{command[0]} ended with {done.returncode}")


def _link_collection() -> None:
    """Let Ansible find this folder as mailops.exchange, wherever it lies."""
    link = COLLECTIONS / "ansible_collections" / "mailops" / "exchange"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.resolve() != REPOSITORY:
        link.unlink(missing_ok=True)
        link.symlink_to(REPOSITORY)


def _digest(environment: Environment) -> str:
    digest = hashlib.sha256(f"{environment.choice} {environment.choice.python.path}\n".encode())
    digest.update(b"kerberos can be built\n" * all(n.found for n in machine.KERBEROS_BUILD_NEEDS))
    for file in sorted(REPOSITORY.glob("requirements*.txt")):
        digest.update(file.read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _lock(name: str) -> Iterator[None]:
    """Two commands at once must not make the same thing."""
    locks = CACHE / "locks"
    locks.mkdir(exist_ok=True)
    with (locks / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Make the named environments ready, and run a command, if given, in the last of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "names",
        nargs="+",
        metavar="ENVIRONMENT",
        help="oldest, newest, tools, or core-2.NN for what is between",
    )
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="a command to run in the last one")
    arguments = parser.parse_args()
    try:
        environments = ready(*arguments.names)
    except SetupFailed as failure:
        print(f"Cannot continue: {failure}", file=sys.stderr)
        return 1
    if arguments.run:
        last = environments[-1]
        os.execvpe(arguments.run[0], arguments.run, last.variables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
