# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services are flags that add up; a request is met when it is a part of what is there."""

from __future__ import annotations

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    check_names_suit,
    explain_surplus,
    missing_services,
    ordered,
    read_services,
    render_services,
    services_of_number,
    services_of_string_form,
    wanted_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import RemoteEnum
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput


@pytest.mark.parametrize(
    ("value", "services"),
    [
        pytest.param(RemoteEnum("IMAP, POP, IIS", 11), {"IMAP", "POP", "IIS"}, id="enum"),
        pytest.param(RemoteEnum("None", 0), set(), id="enum, none"),
        pytest.param("IIS, SMTP", {"IIS", "SMTP"}, id="text"),
        pytest.param("None", set(), id="text, none"),
        pytest.param(17, {"IMAP", "SMTP"}, id="number"),
        pytest.param("24", {"IIS", "SMTP"}, id="number as text"),
        pytest.param("Smtp", {"SMTP"}, id="other case"),
        pytest.param(None, None, id="missing is unknown"),
        pytest.param("", None, id="empty is unknown"),
    ],
)
def test_reading(value: object, services: set[str] | None) -> None:
    assert read_services(value) == services  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("letters", "services"),
    [
        pytest.param("IP.WS.", {"IMAP", "POP", "IIS", "SMTP"}, id="the usual four"),
        pytest.param("......", set(), id="none"),
        pytest.param("IPUWSF", {"IMAP", "POP", "UM", "IIS", "SMTP", "Federation"}, id="all"),
        pytest.param("", None, id="empty"),
        pytest.param("None", None, id="something else"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_reading_the_string_form(letters: str | None, services: set[str] | None) -> None:
    assert services_of_string_form(letters) == services


@pytest.mark.parametrize(
    ("number", "names"),
    [(0, []), (11, ["IMAP", "POP", "IIS"]), (16, ["SMTP"]), (27, ["IMAP", "POP", "IIS", "SMTP"])],
)
def test_numbers_seen_in_captures(number: int, names: list[str]) -> None:
    assert ordered(services_of_number(number)) == names


def test_wanted_services_are_spelled_as_exchange_does() -> None:
    assert wanted_services(["iis", " Smtp ", "UMCALLROUTER"]) == {"IIS", "SMTP", "UMCallRouter"}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Federation", "federation trust"),
        ("None", "cannot be taken away"),
        ("HTTP", "not a service of Exchange"),
    ],
)
def test_unusable_services(name: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        wanted_services(["IIS", name])


@pytest.mark.parametrize(
    ("common_name", "dns_names", "refused"),
    [
        pytest.param(
            "*.contoso.com", ["*.contoso.com", "contoso.com"], True, id="wildcard subject"
        ),
        pytest.param("mail.contoso.com", ["*.contoso.com"], False, id="host name as subject"),
        pytest.param(None, ["*.contoso.com"], True, id="nothing but a wildcard"),
        pytest.param(None, ["*.contoso.com", "contoso.com"], False, id="no subject, a host name"),
        pytest.param(None, [], False, id="no names at all"),
    ],
)
def test_wildcards_do_not_serve_pop_and_imap(
    common_name: str | None, dns_names: list[str], refused: bool
) -> None:
    check_names_suit(frozenset({"IIS", "SMTP"}), common_name, dns_names)
    if refused:
        with pytest.raises(InvalidInput, match="Set-PopSettings"):
            check_names_suit(frozenset({"POP"}), common_name, dns_names)
    else:
        check_names_suit(frozenset({"POP", "IMAP"}), common_name, dns_names)


def test_only_what_is_missing_has_to_be_enabled() -> None:
    wanted = frozenset({"IIS", "SMTP"})
    assert missing_services(wanted, frozenset({"SMTP", "IMAP"})) == {"IIS"}
    assert missing_services(wanted, wanted) == frozenset()
    assert missing_services(wanted, None) == wanted


def test_what_cannot_be_taken_away_is_explained() -> None:
    sentence = explain_surplus(frozenset({"SMTP"}), frozenset({"SMTP", "IMAP", "POP"}))
    assert sentence is not None
    assert "IMAP, POP" in sentence
    assert explain_surplus(frozenset({"SMTP"}), frozenset({"SMTP"})) is None
    assert explain_surplus(frozenset({"SMTP"}), None) is None


def test_rendering_has_a_fixed_order() -> None:
    assert render_services({"SMTP", "IIS", "IMAP"}) == "IMAP, IIS, SMTP"
    assert render_services(()) == "None"
