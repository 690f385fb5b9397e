# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done so that a server is again as its record says?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.hybrid_configuration import (  # noqa: E501
    HybridConfiguration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    ReceiveConnector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.recorded_state import (
    OrganizationState,
    RecordedServer,
    RequestedState,
    organization_of_json,
    organization_to_json,
    server_of_json,
    server_to_json,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.rotation.rollback import (
    plan_organization_rollback,
    plan_server_rollback,
)

NOW = datetime(2027, 1, 10, tzinfo=timezone.utc)
OLD, NEW, OWN = "A" * 40, "B" * 40, "C" * 40
OLD_NAME = "<I>CN=CA 1<S>CN=mail.contoso.com"
NEW_NAME = "<I>CN=CA 2<S>CN=mail.contoso.com"


def certificate(
    thumbprint: str,
    *services: str,
    issuer: str = "CN=CA 1",
    days: int = 60,
    sites: tuple[str, ...] | None = None,
) -> ExchangeCertificate:
    return ExchangeCertificate(
        thumbprint=thumbprint,
        subject="CN=mail.contoso.com",
        issuer=issuer,
        dns_names=("mail.contoso.com",),
        not_before=NOW - timedelta(days=30),
        not_after=NOW + timedelta(days=days),
        services=frozenset(services),
        iis_sites=sites,
    )


FRONT, BACK = "IIS://EX01/W3SVC/1", "IIS://EX01/W3SVC/2"
own = certificate(OWN, "SMTP", "IIS", issuer="CN=EX01", sites=(BACK,))
old = certificate(OLD, "SMTP", "IIS", sites=(FRONT,))
new = certificate(NEW, "SMTP", "IIS", issuer="CN=CA 2", sites=(FRONT,))


def connector(name: str | None, **settings: bool) -> ReceiveConnector:
    return ReceiveConnector(
        name="Default Frontend EX01",
        identity="EX01\\Default Frontend EX01",
        guid="1",
        tls_certificate_name=name,
        **settings,
    )


BEFORE = RecordedServer(
    server="EX01",
    certificates=(own, old),
    internal_transport=OWN,
    receive_connectors=(connector(OLD_NAME),),
    component_states=(),
)
ROTATED = replace(
    BEFORE,
    certificates=(own, replace(old, services=frozenset({"SMTP"}), iis_sites=()), new),
    receive_connectors=(connector(NEW_NAME),),
)


def plan(before: RecordedServer = BEFORE, actual: RecordedServer = ROTATED):  # type: ignore[no-untyped-def]
    return plan_server_rollback(before, actual, new_thumbprint=NEW, now=NOW)


def test_a_server_that_is_as_it_was_needs_nothing() -> None:
    found = plan(actual=BEFORE)

    assert found.changes == []
    assert (found.enable, found.remove, found.receive_connectors) == ([], None, [])


def test_a_rotation_is_rolled_back_and_the_new_certificate_goes() -> None:
    found = plan()

    assert found.enable == [(OLD, ["IIS", "SMTP"])]
    assert [item.settings for item in found.receive_connectors] == [
        {"tls_certificate_name": OLD_NAME}
    ]
    assert found.remove == NEW
    assert found.problems == []


def test_a_certificate_that_was_there_before_stays_and_what_it_serves_since_is_reported() -> None:
    before = replace(BEFORE, certificates=(own, old, replace(new, services=frozenset())))

    found = plan(before)

    assert found.remove is None
    assert any("serves SMTP since" in warning for warning in found.warnings)


def test_exchanges_own_certificate_gets_the_front_end_back_but_never_gains_it() -> None:
    """It keeps IIS among its services through the back end, so only the sites show it."""
    both = replace(own, iis_sites=(FRONT, BACK))
    before = replace(BEFORE, certificates=(both, replace(old, services=frozenset({"SMTP"}))))

    assert (OWN, ["IIS", "SMTP"]) in plan(before).enable
    assert all(thumbprint != OWN for thumbprint, _services in plan().enable)


def test_where_sites_are_not_known_the_newcomer_decides() -> None:
    before = replace(
        BEFORE,
        certificates=(replace(own, services=frozenset({"SMTP"})), replace(old, iis_sites=None)),
    )
    keeps = replace(old, iis_sites=None)
    actual = replace(
        ROTATED, certificates=(*before.certificates[:1], keeps, replace(new, iis_sites=None))
    )

    assert plan(before, actual).enable == [(OLD, ["IIS", "SMTP"])]


def test_a_certificate_that_is_gone_is_a_problem_that_names_the_backup() -> None:
    found = plan(actual=replace(ROTATED, certificates=(own, new)))

    assert len(found.problems) == 1
    assert OLD in found.problems[0]
    assert "backup" in found.problems[0]


def test_a_rollback_to_an_expired_certificate_warns() -> None:
    expired = replace(old, not_after=NOW - timedelta(days=1))

    found = plan(replace(BEFORE, certificates=(own, expired)))

    assert found.enable
    assert any("expired" in warning for warning in found.warnings)


def test_the_internal_transport_certificate_gets_its_role_back() -> None:
    found = plan(actual=replace(ROTATED, internal_transport=NEW))

    assert found.internal_transport == OWN


def test_an_internal_transport_certificate_that_is_not_known_is_left_alone() -> None:
    assert plan(actual=replace(ROTATED, internal_transport=None)).internal_transport is None


def test_a_component_that_was_left_draining_is_released_by_the_same_requester() -> None:
    held = RequestedState(component="HubTransport", requester="Maintenance", state="Draining")

    found = plan(actual=replace(ROTATED, component_states=(held,)))

    assert found.component_states == [replace(held, state="Active")]


def test_a_component_that_was_held_down_before_stays_so() -> None:
    held = RequestedState(component="HubTransport", requester="Maintenance", state="Inactive")
    before = replace(BEFORE, component_states=(held,))

    assert plan(before, replace(ROTATED, component_states=(held,))).component_states == []


def test_a_connector_is_found_by_its_guid_after_it_was_renamed() -> None:
    renamed = replace(connector(NEW_NAME), name="Frontend", identity="EX01\\Frontend")

    found = plan(actual=replace(ROTATED, receive_connectors=(renamed,)))

    assert [item.name for item in found.receive_connectors] == ["EX01\\Frontend"]


def test_every_setting_of_the_record_is_restored() -> None:
    found = plan(
        actual=replace(ROTATED, receive_connectors=(connector(None, domain_secure_enabled=True),))
    )

    assert found.receive_connectors[0].to_result()["settings"] == {
        "tls_certificate_name": OLD_NAME,
        "domain_secure_enabled": False,
    }


def test_a_value_that_nobody_can_read_is_left_as_it_is() -> None:
    odd = connector("nonsense")

    found = plan(
        replace(BEFORE, receive_connectors=(odd,)), replace(ROTATED, receive_connectors=(odd,))
    )

    assert found.receive_connectors == []
    assert found.problems == []


def send(name: str | None) -> SendConnector:
    return SendConnector(
        name="Outbound", identity="Outbound", guid="2", tls_certificate_name=name, require_tls=True
    )


def test_the_organization_is_restored_too() -> None:
    before = OrganizationState(
        send_connectors=(send(OLD_NAME),),
        hybrid_configuration=HybridConfiguration(tls_certificate_name=OLD_NAME),
    )
    actual = OrganizationState(
        send_connectors=(send(NEW_NAME),),
        hybrid_configuration=HybridConfiguration(tls_certificate_name=NEW_NAME),
    )

    found = plan_organization_rollback(before, actual, new=new)

    assert [item.settings for item in found.send_connectors] == [{"tls_certificate_name": OLD_NAME}]
    assert found.hybrid_tls_certificate_name == OLD_NAME
    assert found.sharing_the_name == []
    assert plan_organization_rollback(before, before, new=new).changes == []


def test_a_name_that_both_certificates_bear_is_reported() -> None:
    before = OrganizationState(send_connectors=(send(NEW_NAME),))

    assert plan_organization_rollback(before, before, new=new).sharing_the_name == ["Outbound"]


def test_what_is_written_down_comes_back_as_it_was() -> None:
    full = replace(
        BEFORE,
        component_states=(
            RequestedState(component="HubTransport", requester="Functional", state="Active"),
        ),
        receive_connectors=(replace(connector(OLD_NAME), auth_mechanism=frozenset({"Tls"})),),
    )
    organization = OrganizationState(
        send_connectors=(replace(send(OLD_NAME), source_transport_servers=("EX01",)),)
    )

    assert server_of_json(server_to_json(full)) == full
    assert organization_of_json(organization_to_json(organization)) == organization
