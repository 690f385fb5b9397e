# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is ``ansible-test sanity`` run from a checkout that lies anywhere, with only PyPI in reach?

ansible-test insists on a physical ``ansible_collections/mailops/exchange`` directory, skips (and is
green about it) whatever git ignores, and fetches pip's bootstrap script from a site that may be out
of reach. So it gets a copy that is a git repository of its own, a home directory of its own, and a
stand-in for that script which lets the standard library install pip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from environments import CACHE, REPOSITORY, Environment, SetupFailed, ready

PIP_BOOTSTRAP = """\
import subprocess
import sys

wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True)
"""

# What the artifact carries no code of, and what only tests use, is judged by ruff and mypy instead.
LEFT_OUT: tuple[str, ...] = (
    "tests/bench",
    "tests/demo",
    "tests/faults",
    "tests/fake_exchange",
    "tests/integration",
    "tests/support",
)
LEFT_OUT += ("tests/tools", "tests/unit", "tests/conftest.py", "extensions")


def main() -> int:
    """Run the sanity tests in the environment that the first argument names."""
    name, *more = sys.argv[1:]
    try:
        (environment,) = ready(name)
    except SetupFailed as failure:
        print(f"Cannot continue: {failure}", file=sys.stderr)
        return 1
    home = _home()
    _write_pip_bootstrap(environment, home=home)
    _take_from_pypi(environment)
    collection = _copy(environment)
    command: list[str | Path] = [
        environment.program("ansible-test"),
        "sanity",
        "--local",
        "--color",
        "no",
    ]
    command += ["--python", environment.choice.python.version, *more]
    variables = environment.variables() | {"HOME": str(home)}
    # A search path of the tests' own would let the copy import from the checkout.
    for variable in ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG"):
        del variables[variable]
    done = subprocess.run(
        command, cwd=collection, env=variables, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    print(done.stdout)
    return done.returncode or _judge(done.stdout)


def _judge(output: str) -> int:
    """ansible-test ends with 0 when it tested nothing at all; that is a failure here."""
    ran = [line for line in output.splitlines() if line.startswith("Running sanity test")]
    skipped = [line for line in output.splitlines() if "All targets skipped" in line]
    if len(ran) < 10 or skipped:
        print(f"Only {len(ran)} sanity tests ran; targets were skipped: {skipped}", file=sys.stderr)
        return 1
    print(f"{len(ran)} sanity tests ran.")
    return 0


def _home() -> Path:
    home = CACHE / "home"
    home.mkdir(exist_ok=True)
    pip_settings = Path("~/.config/pip").expanduser()
    link = home / ".config" / "pip"
    if pip_settings.is_dir() and not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(pip_settings)
    return home


def _write_pip_bootstrap(environment: Environment, *, home: Path) -> None:
    (source,) = environment.directory.glob(
        "lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"
    )
    downloads = home / ".ansible" / "test" / "cache"
    downloads.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([0-9.]+)'", source.read_text()):
        (downloads / f"get_pip_{version.replace('.', '_')}.py").write_text(PIP_BOOTSTRAP)


def _take_from_pypi(environment: Environment) -> None:
    """Let pip have from PyPI what a pre-release of ansible-core wants from a place out of reach."""
    for file in environment.directory.glob(
        "lib/python3*/site-packages/ansible_test/_data/requirements/sanity.*.txt"
    ):
        text = file.read_text()
        from_pypi, number = re.subn(r"^(\S+) @ https?://\S+", r"\1", text, flags=re.MULTILINE)
        if number:
            file.write_text(from_pypi)


def _copy(environment: Environment) -> Path:
    """A copy of what git knows or would know, committed or not, as a git repository of its own."""
    collection = (
        CACHE / "ansible-test" / environment.name / "ansible_collections" / "mailops" / "exchange"
    )
    shutil.rmtree(collection, ignore_errors=True)
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for file in filter(None, listing.stdout.split("\0")):
        source = REPOSITORY / file
        if source.is_file() and not file.startswith(LEFT_OUT) and not file.endswith(".whl"):
            target = collection / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "init", "--quiet"], cwd=collection, env=variables, check=True)
    return collection


if __name__ == "__main__":
    sys.exit(main())
