# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that Microsoft's PSRP server sent are read as PowerShell itself reads them."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from psrpcore import PSRemotingCrypto
from psrpcore.types import deserialize

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
    to_json_safe,
    to_plain,
)
from support import microsoft_answers

SAMPLES = [
    sample
    for sample in microsoft_answers.psrp_samples("value_")
    # PowerShell makes live objects of these two, with properties that never were on the wire.
    if sample not in ("value_certificate", "value_ipaddress")
]
_SEVENTH_DIGIT = re.compile(r"(\.\d{6})\d")


def read(sample: str) -> list[Any]:
    messages = microsoft_answers.psrp(sample)["clixml"]
    # A message without content is $null.
    return [
        to_plain(deserialize(ElementTree.fromstring(readable(xml)), PSRemotingCrypto()))
        if xml
        else None
        for xml in messages
    ]


def described(value: Any) -> Any:
    """One of the product's values in the words in which PowerShell describes its own."""
    if value is None:
        return None
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, RemoteEnum):
        return {"enum": [text(value.text), str(value.number)]}
    if isinstance(value, str):
        return {"text": text(value)}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"date": value.isoformat()}
    if isinstance(value, timedelta):
        return {"ticks": str(value // timedelta(microseconds=1) * 10)}
    if isinstance(value, list):
        return {"list": [described(item) for item in value]}
    if isinstance(value, dict):
        return {"map": {text(key): described(item) for key, item in value.items()}}
    assert isinstance(value, RemoteObject)
    properties = [[text(name), described(item)] for name, item in value.properties.items()]
    shown = {"types": list(value.type_names), "text": text(value.text or "")}
    return {"object": {**shown, "properties": properties}}


def text(value: str) -> str:
    """Printable ASCII as it is, anything else as UTF-16 code units."""
    if value.isascii() and value.isprintable():
        return value
    units = value.encode("utf-16-be", "surrogatepass")
    return "u:" + " ".join(units[i : i + 2].hex().upper() for i in range(0, len(units), 2))


def comparable(said: Any) -> Any:
    """PowerShell's description with what the product leaves out on purpose: the order of a table
    and what is shorter than a microsecond."""
    if isinstance(said, list):
        return [comparable(item) for item in said]
    if not isinstance(said, dict):
        return said
    if "date" in said:
        written = _SEVENTH_DIGIT.sub(r"\1", said["date"].replace("Z", "+00:00"))
        return {"date": datetime.fromisoformat(written).isoformat()}
    if "ticks" in said:
        return {"ticks": str(int(said["ticks"]) // 10 * 10)}
    if "map" in said:
        return {"map": {key: comparable(item) for key, item in said["map"]}}
    return {name: comparable(item) for name, item in said.items()}


@microsoft_answers.needs_microsoft_answers
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_value_is_what_powershell_says_it_is(sample: str) -> None:
    says = microsoft_answers.psrp(sample)["pwsh_says"]
    if says is None:
        pytest.skip("PowerShell was not asked about this one")
    assert [described(value) for value in read(sample)] == comparable(
        says["by its own deserializer"]
    )


@microsoft_answers.needs_microsoft_answers
@pytest.mark.parametrize("sample", microsoft_answers.psrp_samples("value_"))
def test_every_value_can_become_json(sample: str) -> None:
    for value in read(sample):
        json.dumps(to_json_safe(value), allow_nan=False)
