# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connectors are there, and which certificate would each present on which server?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    find_connector,
    read_receive_connectors,
    read_send_connectors,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    Connector,
    SendConnector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.presented_certificate import (  # noqa: E501
    ServerStore,
    presented_by_receive,
    presented_by_send,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.rights import (
    read_rights,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import text_of
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.transport_service import (
    read_internal_transport_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)

_BOTH = "both"


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_connector_info)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "kind": {"type": "str", "choices": ["send", "receive", _BOTH], "default": _BOTH},
        "name": {"type": "str", "aliases": ["identity"]},
        "presented_certificates": {"type": "bool", "default": True},
        "extended_rights": {"type": "bool", "default": False},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        self._stores: dict[str, ServerStore] = {}
        result: dict[str, Any] = {}
        if options["kind"] in ("send", _BOTH):
            connectors = read_send_connectors(self.session, self.domain_controller, whole=True)
            result["send_connectors"] = self._shown(connectors, options, {})
        if options["kind"] in ("receive", _BOTH):
            server = self.server(options)
            found = read_receive_connectors(
                self.session, server, self.domain_controller, whole=True
            )
            result["receive_connectors"] = self._shown(found, options, {"server": server})
        return result

    def _shown(
        self, connectors: Sequence[Any], options: Mapping[str, Any], where: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if options["name"] and options["kind"] == _BOTH:
            wanted = options["name"].strip().casefold()
            connectors = [item for item in connectors if wanted in _names(item)]
        elif options["name"]:
            connectors = [find_connector(connectors, options["name"], **where)]
        return [self._entry(item, options) for item in connectors]

    def _entry(self, connector: Connector, options: Mapping[str, Any]) -> dict[str, Any]:
        entry: dict[str, Any] = connector.to_result()
        if options["presented_certificates"]:
            entry["presents"] = self._presents(connector, options)
        if options["extended_rights"]:
            rights = read_rights(self.session, connector, self.domain_controller)
            entry["extended_rights"] = [item.to_result() for item in rights]
        return entry

    def _presents(
        self, connector: Connector, options: Mapping[str, Any]
    ) -> list[dict[str, object]]:
        now = self.now()
        if isinstance(connector, SendConnector):
            found = [
                presented
                for name in connector.source_transport_servers
                for presented in presented_by_send(connector, self._store(_short(name)), now=now)
            ]
        else:
            store = self._store(self.server(options))
            found = presented_by_receive(connector, store, now=now)
        return [item.to_result() for item in found]

    def _store(self, server: str) -> ServerStore:
        """What a server holds; one that cannot be read must not hide what the others show."""
        known = self._stores.get(server.casefold())
        if known is None:
            try:
                known = self._read_store(server)
            except EndpointUnreachable:
                raise
            except ExchangeError as error:
                self.report.warn([f"{server} could not be read: {error.message}"])
                known = ServerStore(server=server, unreadable=error.message)
            self._stores[server.casefold()] = known
        return known

    def _read_store(self, server: str) -> ServerStore:
        controller = self.domain_controller
        values = read_objects(
            self.session, Cmdlet("Get-ExchangeServer", {"Identity": server}), ("Name", "Fqdn")
        )
        fqdn = next(
            (
                text_of(value.get("Fqdn"))
                for value in values
                if (text_of(value.get("Name")) or "").casefold() == _short(server).casefold()
            ),
            None,
        )
        return ServerStore(
            server=server,
            fqdn=fqdn or "",
            certificates=read_certificates(self.session, server, controller),
            internal_transport=read_internal_transport_thumbprint(self.session, server, controller),
        )


def _names(connector: Connector) -> set[str]:
    last = connector.identity.rpartition("\\")[2]
    return {
        text.casefold()
        for text in (connector.name, connector.identity, connector.guid, last)
        if text
    }


def _short(name: str) -> str:
    """A server's name out of the forms in which a directory object is shown."""
    return name.rpartition("/")[2].partition(".")[0]
