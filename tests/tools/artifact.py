# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can the artifact be built, does it carry what a user needs, and would Galaxy take it?

galaxy-importer ends with status 0 on most faults, so its log and its result are judged here.
ansible-lint is a check of its own and switched off in the importer.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from environments import CACHE, REPOSITORY, TOOLS, SetupFailed, ready

IMPORTER_SETTINGS = """\
[galaxy-importer]
CHECK_CHANGELOG = True
CHECK_REQUIRED_TAGS = True
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = False
RUN_ANSIBLE_TEST = False
LOG_LEVEL_MAIN = INFO
"""

CARRIED: tuple[str, ...] = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "meta/runtime.yml",
    "playbooks/rotate_cert.yml",
)
CARRIED += ("roles/rotate/tasks/main.yml", "plugins/connection/exchange.py", "requirements.txt")
CARRIED += ("requirements-kerberos.txt", "meta/ee-requirements.txt", "meta/ee-bindep.txt")
NOT_CARRIED: tuple[str, ...] = (
    "tests/fake_exchange",
    "tests/unit",
    "tests/integration",
    "tests/tools",
    ".cache",
    ".git",
)


def main() -> int:
    """Build the artifact in .cache/artifact, look into it, install it, let the importer read it."""
    try:
        (tools,) = ready(TOOLS)
    except SetupFailed as failure:
        print(f"Cannot continue: {failure}", file=sys.stderr)
        return 1
    directory = CACHE / "artifact"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    variables = tools.variables()
    galaxy = str(tools.program("ansible-galaxy"))
    _run([galaxy, "collection", "build", "--output-path", str(directory)], REPOSITORY, variables)
    (artifact,) = directory.glob("mailops-exchange-*.tar.gz")
    faults = _faults_of_contents(artifact)
    install = [
        galaxy,
        "collection",
        "install",
        "--offline",
        "-p",
        str(directory / "installed"),
        str(artifact),
    ]
    _run(install, directory, variables)
    settings = directory / "importer.cfg"
    settings.write_text(IMPORTER_SETTINGS)
    importer = [str(tools.python), "-m", "galaxy_importer.main", str(artifact)]
    # The importer must see the artifact alone, not this checkout.
    alone = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
    log = _run(importer, directory, alone | {"GALAXY_IMPORTER_CONFIG": str(settings)})
    faults += [line for line in log.splitlines() if line.startswith(("ERROR", "CRITICAL"))]
    if not (directory / "importer_result.json").exists():
        faults.append("the importer wrote no result")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def _faults_of_contents(artifact: Path) -> list[str]:
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
    print(f"{artifact.name}: {artifact.stat().st_size} bytes, {len(names)} entries")
    faults = [f"{name} is not in the artifact" for name in CARRIED if name not in names]
    for unwanted in NOT_CARRIED:
        faults += [
            f"{name} is in the artifact" for name in names if name.startswith(unwanted + "/")
        ][:1]
    return faults


def _run(command: list[str], directory: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=directory, env=os.environ | variables, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    print(done.stdout)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:3])} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
