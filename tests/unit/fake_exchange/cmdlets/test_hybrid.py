# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the hybrid configuration recorded, compared by meaning and held to its rules?"""

from __future__ import annotations

from typing import Any

import pytest

from fake_exchange.organisation.model import AcceptedDomain, Organisation
from support.cmdlet_shell import Outcome, Shell


def change(shell: Shell, **parameters: Any) -> Outcome:
    return shell.run(("Set-HybridConfiguration", parameters))


def shown(shell: Shell) -> dict[str, str]:
    (row,) = shell.run("Get-HybridConfiguration").succeeded().rows
    return {
        name: ", ".join(
            item.PSObject.to_string if hasattr(item, "PSObject") else str(item) for item in value
        )
        if isinstance(value, list)
        else value.PSObject.to_string
        if hasattr(value, "PSObject")
        else str(value)
        for name, value in row.items()
    }


EVERYTHING: dict[str, tuple[Any, str]] = {
    "Domains": (["autod:contoso.test", "fabrikam.test"], "autod:contoso.test, fabrikam.test"),
    "ExternalIPAddresses": (["192.0.2.1"], "192.0.2.1"),
    "Features": (
        ["SecureMail", "freebusy", "Centralized"],
        "SecureMail, FreeBusy, CentralizedTransport",
    ),
    "OnPremisesSmartHost": ("mail.contoso.test", "mail.contoso.test"),
    "ReceivingTransportServers": (["ex02.contoso.test"], "EX02"),
    "SendingTransportServers": (["EX01", "ex02", "EX01"], "EX01, EX02"),
    "ServiceInstance": (1, "1"),
    "TlsCertificateName": ("<i>CN=a<s>CN=b.test", "<I>CN=a<S>CN=b.test"),
}


@pytest.fixture
def organisation(organisation: Organisation) -> Organisation:
    organisation.accepted_domains.append(AcceptedDomain("fabrikam.test"))
    return organisation


def test_every_property_is_set_shown_and_the_same_when_set_again(shell: Shell) -> None:
    given = {name: value for name, (value, _) in EVERYTHING.items()}
    assert change(shell, **given).succeeded().warnings == []
    after = shown(shell)
    assert {name: after[name] for name in EVERYTHING} == {
        name: text for name, (_, text) in EVERYTHING.items()
    }
    (warning,) = change(shell, **given).succeeded().warnings
    assert "no settings of 'Hybrid Configuration' have been modified" in warning


def test_the_order_of_features_means_nothing(shell: Shell) -> None:
    change(shell, Features=["FreeBusy", "Photos"]).succeeded()
    assert "no settings" in change(shell, Features=["photos", "FREEBUSY"]).warnings[0]


def test_lists_are_added_to_and_emptied(shell: Shell) -> None:
    change(shell, Domains="contoso.test").succeeded()
    change(shell, Domains={"Add": "fabrikam.test", "Remove": "CONTOSO.test"}).succeeded()
    assert shown(shell)["Domains"] == "fabrikam.test"
    change(shell, Domains=None, OnPremisesSmartHost=None).succeeded()
    assert (shown(shell)["Domains"], shown(shell)["OnPremisesSmartHost"]) == ("", "None")


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"Domains": "elsewhere.test"}, "isn't an accepted domain"),
    ({"Domains": ["autod:contoso.test", "autod:fabrikam.test"]}, "Only one domain"),
    ({"EdgeTransportServers": "EX01"}, "isn't an Edge Transport server"),
    ({"SendingTransportServers": "EDGE01"}, "isn't a Mailbox server"),
    ({"SendingTransportServers": "EX77"}, '"EX77" was not found'),
    ({"ExternalIPAddresses": "2001:db8::1"}, "isn't an IPv4 address"),
    ({"ServiceInstance": 2}, "isn't between"),
    (
        {"EdgeTransportServers": "EDGE01", "ReceivingTransportServers": "EX01"},
        "must be set to $null",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSALS)
def test_what_cannot_be_is_refused(
    shell: Shell, organisation: Organisation, given: dict[str, Any], message: str
) -> None:
    organisation.servers["EX02"].Name = "EDGE01"
    organisation.servers["EX02"].ServerRole = "Edge"
    before = shown(shell)
    assert message in change(shell, **given).error.message
    assert shown(shell) == before


@pytest.mark.parametrize("name", ["SecureMailCertificateThumbprint", "TransportServers"])
def test_what_only_exchange_2010_had_is_not_there(shell: Shell, name: str) -> None:
    failure = change(shell, **{name: "x"}).failure
    assert failure is not None
    assert failure.error_id.startswith("NamedParameterNotFound,")
