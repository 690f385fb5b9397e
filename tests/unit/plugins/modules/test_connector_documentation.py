# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is documented of a connector's properties is what the table of properties says."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.properties import (
    SEND_PROPERTIES,
    Property,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.values import (
    Boolean,
    choice,
)

TOOL = Path(__file__).resolve().parents[3] / "tools" / "connector_documentation.py"


def load_tool() -> Any:
    """The program; its folder is not on the path of the tests."""
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[TOOL.stem] = loaded
    spec.loader.exec_module(loaded)
    return loaded


tool = load_tool()
MODULES = {module.path.stem: module for module in tool.connector_modules()}
SEND = MODULES["exchange_send_connector"]
SOURCE = SEND.path.read_text(encoding="utf-8")
NEW_ROW = Property("brand_new", "BrandNew", Boolean())
NEW_TEXT = tool.Text("Whether it is new, by O(port=25) or O(force).", True, notes=["More: this."])


def with_row(name: str, **changes: Any) -> Any:
    """The module of Send connectors with one row of the table changed."""
    rows = tuple(replace(row, **changes) if row.name == name else row for row in SEND.properties)
    return replace(SEND, properties=rows)


def with_text(name: str, **changes: Any) -> Any:
    """The module of Send connectors with the text of one property changed."""
    return replace(SEND, texts={**SEND.texts, name: replace(SEND.texts[name], **changes)})


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_what_is_generated_is_what_the_file_has(module: Any) -> None:
    source = module.path.read_text(encoding="utf-8")

    assert tool.differences(source, module) == []
    assert tool.generated(source, module) == source


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_what_is_generated_passes_the_sanity_tests(module: Any) -> None:
    for section in tool.sections(module):
        lines = section.text.splitlines()
        assert max(len(line) for line in lines) <= 160
        assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_sample_is_a_value_as_the_result_has_it(module: Any) -> None:
    for row in module.properties:
        sample = module.texts[row.name].sample
        assert row.kind.read(sample) == sample, row.name


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (with_row("port", kind=choice("25", "587")), ["option 'port'", "return value 'port'"]),
        (
            with_row("protocol_logging_level", kind=choice("None", "Verbose", "All")),
            ["option 'protocol_logging_level'"],
        ),
        (with_row("fqdn", parameter="FQDN"), ["option 'fqdn'", "return value 'fqdn'"]),
        (with_text("port", when_given="Seldom changed."), ["option 'port'"]),
        (with_text("port", notes=["Seldom changed."]), ["option 'port'"]),
        (with_text("port", version_added="0.4.0"), ["option 'port'"]),
        (with_text("port", when_returned="Seldom 26."), ["return value 'port'"]),
        (with_text("port", sample=26), ["return value 'port'"]),
        (
            replace(SEND, properties=SEND_PROPERTIES[:-1]),
            [f"{what} '{SEND_PROPERTIES[-1].name}'" for what in ("option", "return value")],
        ),
        (
            replace(
                SEND,
                properties=(*SEND_PROPERTIES, NEW_ROW),
                texts={**SEND.texts, "brand_new": NEW_TEXT},
            ),
            ["option 'brand_new'", "return value 'brand_new'"],
        ),
        (
            replace(SEND, properties=SEND_PROPERTIES[::-1]),
            ["options are not in the order", "return values are not in the order"],
        ),
    ],
    ids=[
        "kind",
        "choices",
        "parameter",
        "when given",
        "note",
        "version",
        "when returned",
        "sample",
        "no row any more",
        "new row",
        "order",
    ],
)
def test_a_changed_row_or_text_is_a_difference_until_it_is_written(
    changed: Any, named: list[str]
) -> None:
    found = tool.differences(SOURCE, changed)

    assert len(found) == len(named)
    for clause, beginning in zip(found, named, strict=True):
        assert clause.startswith(beginning)
    assert tool.differences(tool.generated(SOURCE, changed), changed) == []


def test_a_property_becomes_an_option_and_a_result() -> None:
    row = replace(NEW_ROW, kind=choice("None", "yes"))
    text = replace(NEW_TEXT, when_given="Rarely.", when_returned="V(null) for old.", sample="a: b")
    module = replace(
        SEND,
        properties=(*SEND_PROPERTIES, row),
        texts={**SEND.texts, "brand_new": replace(text, version_added="0.4.0")},
    )
    options, results = (yaml.safe_load(section.text) for section in tool.sections(module))

    assert options["brand_new"] == {
        "description": [
            "Whether it is new (C(BrandNew)), by O(port=25) or O(force). Rarely.",
            "More: this.",
        ],
        "type": "str",
        "choices": ["None", "yes"],
        "version_added": "0.4.0",
    }
    # The port is a property and so a result; to force something is only an option.
    assert results["brand_new"] == {
        "description": [
            "Whether it is new (C(BrandNew)), by RV(connector.port=25) or O(force). "
            "V(null) for old.",
        ],
        "returned": "always",
        "type": "str",
        "sample": "a: b",
    }


def test_what_is_written_by_hand_stays() -> None:
    changed = with_row("port", parameter="SmtpPort")
    before, after = SOURCE.splitlines(), tool.generated(SOURCE, changed).splitlines()

    differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert len(differing) == 2
    assert all("(C(SmtpPort))" in line for _, line in differing)


def copied(folder: Path, source: str) -> Any:
    """The module of Send connectors, in a folder where it may be written."""
    path = folder / "exchange_send_connector.py"
    path.write_text(source, encoding="utf-8")
    return replace(SEND, path=path)


def test_the_check_names_file_option_and_command_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = SOURCE.replace("Port of the smart hosts (C(Port)).", "Some port.", 1)
    module = copied(tmp_path, edited)

    assert tool.main(["--check"], [module]) == 1
    assert capsys.readouterr().err == (
        f"{module.path}: option 'port' is not documented as the table of properties says; "
        "run: make connector-documentation\n"
    )
    assert module.path.read_text(encoding="utf-8") == edited

    assert tool.main([], [module]) == 0
    assert module.path.read_text(encoding="utf-8") == SOURCE
    assert tool.main(["--check"], [module]) == 0


def test_without_its_comments_a_file_is_not_taken_for_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = tool.sections(SEND)[0]
    module = copied(tmp_path, SOURCE.replace(f"  # {section.end}\n", ""))

    assert tool.main(["--check"], [module]) == 1
    assert section.end in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({}, "no text for 'brand_new'"),
        ({"other": {}, "brand_new": {}}, "no row of the table for 'other'"),
        ({"brand_new": {"description": "New."}}, "'brand_new' has no 'sample'"),
        (
            {"brand_new": {"description": "New.", "sample": True, "note": "x"}},
            "'brand_new' has the unknown part 'note'",
        ),
    ],
)
def test_rows_and_texts_belong_together(texts: dict[str, Any], reason: str) -> None:
    with pytest.raises(tool.Fault, match=reason):
        tool.texts_of([NEW_ROW], texts)
