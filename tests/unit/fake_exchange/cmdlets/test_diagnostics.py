# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does transport report its resources in the documented form?"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from fake_exchange.organisation import services
from fake_exchange.organisation.model import Organisation
from support.cmdlet_shell import Outcome, Shell

TRACKER = "Components/ResourceThrottling/ResourceTracker/ResourceMeter"


def ask(shell: Shell, **changes: Any) -> Outcome:
    parameters = {
        "Server": "EX01",
        "Process": "EdgeTransport",
        "Component": "ResourceThrottling",
        **changes,
    }
    return shell.run(("Get-ExchangeDiagnosticInfo", parameters))


def meters(shell: Shell, **changes: Any) -> dict[str, ElementTree.Element]:
    """By name of the resource, without what it is measured on."""
    (text,) = ask(shell, **changes).succeeded().objects
    root = ElementTree.fromstring(str(text))
    assert root.tag == "Diagnostics"
    found = {}
    for meter in root.findall(TRACKER):
        found[(meter.findtext("Resource") or "").partition("[")[0]] = meter
    return found


def test_every_resource_is_low_on_a_server_at_ease(shell: Shell) -> None:
    found = meters(shell)
    assert set(found) == {
        "UsedDiskSpace",
        "DatabaseUsedSpace",
        "PrivateBytes",
        "SystemMemory",
        "QueueLength",
        "UsedVersionBuckets",
    }
    for meter in found.values():
        assert meter.findtext("CurrentResourceUse") == "Low"
        assert meter.findtext("PreviousResourceUse") == "Low"
        assert meter.findtext("PressureTransitions")
        assert int(meter.findtext("Pressure") or "") < 95


def test_resources_say_what_they_are_measured_on(shell: Shell) -> None:
    found = meters(shell)
    assert (found["UsedDiskSpace"].findtext("Resource") or "").endswith("\\data\\Queue]")
    assert found["QueueLength"].findtext("Resource") == "QueueLength[SubmissionQueue]"


@pytest.mark.parametrize("level", ["Medium", "High"])
def test_back_pressure_shows_in_its_resource_and_on_its_server(
    shell: Shell, organisation: Organisation, level: str
) -> None:
    organisation.servers["EX02"].back_pressure = {"UsedDiskSpace": level}
    found = meters(shell, Server="EX02")
    assert found["UsedDiskSpace"].findtext("CurrentResourceUse") == level
    assert found["SystemMemory"].findtext("CurrentResourceUse") == "Low"
    assert meters(shell)["UsedDiskSpace"].findtext("CurrentResourceUse") == "Low"


def test_a_transport_that_does_not_run_reports_nothing(
    shell: Shell, organisation: Organisation
) -> None:
    services.stop(organisation, organisation.servers["EX01"], "MSExchangeTransport")
    outcome = ask(shell)
    assert outcome.error.category == "ReadError"
    assert outcome.objects == []


def test_other_processes_are_not_there(shell: Shell) -> None:
    assert "EdgeSync" in ask(shell, Process="EdgeSync").error.message


def test_names_are_taken_in_any_case(shell: Shell) -> None:
    assert meters(shell, Process="edgetransport", Component="resourcethrottling")
