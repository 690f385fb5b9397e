# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does any module return data under a key to which Ansible gives a meaning of its own?

Only keys of the result itself count; what lies below another key is the module's own.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
PACKAGE = "ansible_collections.mailops.exchange.plugins.modules"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("exchange_*.py"))

# Of the "Common return values" in Ansible's documentation, and of what the task executor, loops,
# async tasks and callbacks of ansible-core 2.17 to 2.22 read from a result or write into it.
RESERVED = {
    "add_group",
    "add_host",
    "ansible_facts",
    "ansible_job_id",
    "ansible_stats",
    "async_result",
    "attempts",
    "backup_file",
    "censored",
    "changed",
    "deprecations",
    "diff",
    "exception",
    "failed",
    "failed_when_result",
    "false_condition",
    "finished",
    "invocation",
    "item",
    "meta",
    "module_stderr",
    "module_stdout",
    "msg",
    "parsed",
    "rc",
    "results",
    "results_file",
    "retries",
    "skip_reason",
    "skipped",
    "skipped_reason",
    "started",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
    "unreachable",
    "warnings",
}
# Used as Ansible means it, and documented because a task may look at it.
AS_ANSIBLE_MEANS_IT = {"warnings": {"type": "list", "elements": "str"}}


@pytest.mark.parametrize("module", MODULES)
def test_no_documented_return_value_has_a_reserved_key_with_another_meaning(module: str) -> None:
    returned = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{module}").RETURN)

    for name in RESERVED & set(returned):
        assert name in AS_ANSIBLE_MEANS_IT, name
        shape = {key: returned[name][key] for key in ("type", "elements")}
        assert shape == AS_ANSIBLE_MEANS_IT[name], name


def details_of_errors() -> Iterator[tuple[str, str]]:
    """Where a key of the `details` of an error is written, and the key; they become result keys."""
    for file in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case (
                    ast.keyword(arg="details", value=ast.Dict() as written)
                    | ast.Assign(targets=[ast.Name(id="details")], value=ast.Dict() as written)
                    | ast.AnnAssign(target=ast.Name(id="details"), value=ast.Dict() as written)
                ):
                    for key in written.keys:
                        if isinstance(key, ast.Constant):
                            yield f"{file.relative_to(PLUGINS)}:{key.lineno}", str(key.value)


def test_no_detail_of_an_error_has_a_reserved_key() -> None:
    written = list(details_of_errors())

    # As a keyword, assigned, and assigned with an annotation.
    assert {"cmdlet", "services_left_alone", "exit_code"} <= {key for _, key in written}
    assert [(place, key) for place, key in written if key in RESERVED] == []
