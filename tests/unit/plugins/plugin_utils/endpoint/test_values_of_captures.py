# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Exchange objects come through the reader as an independent reading of their XML has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from psrpcore import PSRemotingCrypto
from psrpcore.types import deserialize_clixml

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
    to_json_safe,
    to_plain,
)
from support import captures, clixml_by_hand
from support.captures import needs_captures

_FILES = sorted(captures.FOLDER.glob("*/*.xml"))


def comparable(value: Any) -> Any:
    """The product's values in the shape of the second reader's."""
    if isinstance(value, RemoteEnum):
        return ("enum", value.type_names, value.text, value.number)
    if isinstance(value, RemoteObject):
        properties = {name: comparable(item) for name, item in value.properties.items()}
        return ("object", value.type_names, value.text, properties)
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value


def read_as_product(path: Path) -> list[Any]:
    text = path.read_text(encoding="utf-8-sig")
    return [to_plain(value) for value in deserialize_clixml(text, PSRemotingCrypto())]


@needs_captures
@pytest.mark.parametrize("path", _FILES, ids=[path.stem for path in _FILES])
def test_every_captured_object_is_read_as_its_xml_says(path: Path) -> None:
    expected = clixml_by_hand.read_file(path)
    assert expected
    assert [comparable(value) for value in read_as_product(path)] == expected


@needs_captures
@pytest.mark.parametrize("path", _FILES, ids=[path.stem for path in _FILES])
def test_every_captured_object_can_become_json(path: Path) -> None:
    for value in read_as_product(path):
        assert json.loads(json.dumps(to_json_safe(value), allow_nan=False))


@needs_captures
def test_types_lose_the_prefix_that_only_the_receiver_adds() -> None:
    for path in _FILES:
        for value in read_as_product(path):
            assert not any(name.startswith("Deserialized.") for name in value.type_names)
