# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which causes do the checks speak for, and do they explain what was reported?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.causes import BY_NAME
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import (
    FAIL,
    UNCHECKED,
    Check,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.symptoms import Symptom


def conclude(checks: Sequence[Check], symptom: Symptom | None) -> list[dict[str, Any]]:
    """Return each cause once with its evidence and repair; what explains the report comes first,
    in the order in which the causes of that error are documented."""
    named: dict[str, list[Check]] = {}
    for item in checks:
        if item.status == FAIL:
            named.setdefault(item.cause, []).append(item)
    order = {cause: place for place, cause in enumerate(symptom.causes)} if symptom else {}
    return [
        {
            "cause": name,
            "description": BY_NAME[name].description,
            "explains_message": name in order,
            "subjects": list(dict.fromkeys(item.subject for item in evidence)),
            "evidence": list(dict.fromkeys(item.evidence for item in evidence)),
            "repair": BY_NAME[name].repair.to_result(),
        }
        for name, evidence in sorted(named.items(), key=lambda one: order.get(one[0], len(order)))
    ]


def summarize(
    server: str, causes: Sequence[dict[str, Any]], checks: Sequence[Check], *, reported: bool
) -> str:
    """Say the result in one sentence, and never more than was seen."""
    blind = sum(item.status == UNCHECKED for item in checks)
    rest = f" {blind} check(s) could not be made, so this is not all." if blind else ""
    explaining = [item["cause"] for item in causes if item["explains_message"]]
    others = [item["cause"] for item in causes if not item["explains_message"]]
    if explaining:
        return f"{server}: what was reported is explained by {', '.join(explaining)}.{rest}"
    if others and reported:
        return (
            f"{server}: nothing here explains what was reported, but there is "
            f"{', '.join(others)}.{rest}"
        )
    if others:
        return f"{server}: found {', '.join(others)}.{rest}"
    if reported:
        return (
            f"{server}: nothing here explains what was reported; look at the other side and at "
            f"what stands between.{rest}"
        )
    return f"{server}: nothing is wrong with TLS as far as it was checked.{rest}"
