# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which state of a server may a rotation begin?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils import exchange_builds
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.server_checks import (
    Limits,
    judge_auth_certificate,
    judge_back_pressure,
    judge_build,
    judge_components,
    judge_queues,
    judge_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ComponentState,
)

NOW = datetime(2027, 1, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Version 15.2 (Build 2562.17)", "pass"),
        ("15.2.2562.17", "pass"),
        ("Version 15.2 (Build 1748.10)", "warn"),
        ("Version 15.2 (Build 9999.1)", "warn"),
        ("Version 15.1 (Build 2375.7)", "fail"),
        ("Version 15.0 (Build 1497.2)", "fail"),
        ("nonsense", "warn"),
    ],
)
def test_builds_are_judged_by_the_list(text: str, status: str) -> None:
    assert judge_build(text, ()).status == status


def test_the_list_of_builds_is_extended_by_the_user() -> None:
    own = exchange_builds.Build(name="Exchange SE CU1", first=(15, 2, 9999))
    assert judge_build("15.2.9999.1", (own,)).status == "pass"


def test_the_builds_are_listed_once_each_and_newest_first() -> None:
    for main in (1, 2):
        listed = [build.first for build in exchange_builds.BUILDS if build.first[1] == main]
        assert listed == sorted(set(listed), reverse=True)


def test_what_the_rotation_starts_anyway_is_no_failure() -> None:
    assert [item.status for item in judge_services([])] == ["pass"]
    assert [item.status for item in judge_services(["MSExchangeTransport"])] == ["warn"]
    assert [item.status for item in judge_services(["MSExchangeServiceHost", "W3Svc"])] == [
        "fail",
        "warn",
    ]


def state(component: str, effective: str, **requesters: str) -> ComponentState:
    return ComponentState(
        server="EX01", component=component, state=effective, requesters=requesters
    )


def test_a_component_that_is_down_is_a_failure_with_its_requester() -> None:
    (found,) = judge_components([state("HubTransport", "Draining", Maintenance="Draining")], None)

    assert found.status == "fail"
    assert "Maintenance: Draining" in found.message


def test_what_setup_leaves_inactive_does_not_count() -> None:
    (found,) = judge_components([state("ForwardSyncDaemon", "Inactive")], None)
    assert found.status == "pass"


def test_what_an_interrupted_run_left_draining_is_to_note_only() -> None:
    down = [state("HubTransport", "Draining", Maintenance="Draining")]

    assert next(judge_components(down, {})).status == "warn"
    held_before = {("HubTransport", "Maintenance"): "Draining"}
    assert next(judge_components(down, held_before)).status == "fail"


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ({}, {}, "pass"),
        ({"EX01\\3": 40}, {"EX01\\3": 45}, "pass"),
        ({"EX01\\3": 40}, {"EX01\\3": 95}, "fail"),
        ({"EX01\\3": 600}, {"EX01\\3": 600}, "fail"),
    ],
)
def test_queues_may_hold_something_but_neither_much_nor_more_and_more(
    first: dict[str, int], second: dict[str, int], status: str
) -> None:
    assert judge_queues(first, second, Limits()).status == status


def pressure(level: str) -> str:
    return (
        "<Diagnostics><ResourceMeter><Resource>UsedDiskSpace[C:\\Queue]</Resource>"
        f"<CurrentResourceUse>{level}</CurrentResourceUse></ResourceMeter></Diagnostics>"
    )


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (pressure("Low"), "pass"),
        (pressure("Medium"), "warn"),
        (pressure("High"), "fail"),
        ('<D><ResourceMeter Resource="x" CurrentResourceUse="High" /></D>', "fail"),
        ("", "pass"),
        ("no xml <", "pass"),
    ],
)
def test_back_pressure_counts_where_it_is_visible(text: str, status: str) -> None:
    assert [item.status for item in judge_back_pressure(text)] == [status]


@pytest.mark.parametrize(
    ("days", "status"), [(200, "pass"), (10, "warn"), (-1, "fail"), (None, "fail")]
)
def test_the_auth_certificate_has_to_be_there_and_valid(days: int | None, status: str) -> None:
    held = []
    if days is not None:
        held = [
            ExchangeCertificate(
                thumbprint="A" * 40,
                subject="CN=x",
                issuer="CN=x",
                not_after=NOW + timedelta(days=days),
            )
        ]
    assert judge_auth_certificate("A" * 40, held, NOW).status == status
    assert judge_auth_certificate(None, held, NOW).status == "fail"
