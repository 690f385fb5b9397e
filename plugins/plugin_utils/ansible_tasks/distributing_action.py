# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a certificate that one server holds get to every Mailbox server?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_certificate import (  # noqa: E501
    NAME,
    ServerHoldings,
    export_in_memory,
    give_to_server,
    holders_and_lacking,
    read_holdings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
    OutcomeUnknown,
)


class DistributingAction(ExchangeActionBase):
    """What actions share that bring a certificate to every Mailbox server.

    A subclass names the certificate, as it is named where it is imported.
    """

    FRIENDLY_NAME = NAME

    def distribute(
        self, thumbprint: str, options: Mapping[str, Any], *, chain: Sequence[Any] = ()
    ) -> bool:
        """Import it where it is missing; what fails is a warning, the next run tries again.

        Args:
            chain: Its issuers, which an export may leave behind and the other servers lack.
        """
        if not options["distribute"]:
            return False
        holdings = read_holdings(self.session, self.domain_controller)
        holders, lacking = holders_and_lacking(holdings, thumbprint)
        if not lacking:
            return False
        try:
            loaded = export_in_memory(self.session, thumbprint, server=holders[0], now=self.now())
        except EndpointUnreachable:
            raise
        except ExchangeError as error:
            self.report.warn(
                [
                    f"{thumbprint} could not be taken from {holders[0]} for {', '.join(lacking)}: "
                    f"{error.message}"
                ]
            )
            return False
        if chain and not loaded.chain:
            loaded = replace(loaded, chain=tuple(chain))
        given = [self._give(thumbprint, server, loaded) for server in lacking]
        return any(given)

    def foretell_distribution(
        self, thumbprint: str, holdings: Sequence[ServerHoldings], options: Mapping[str, Any]
    ) -> None:
        """Report what `distribute` would do."""
        if options["distribute"]:
            _holders, lacking = holders_and_lacking(holdings, thumbprint)
            self.report.changes += [f"Import {thumbprint} on {server}." for server in lacking]

    def warn_of_unread(self, holdings: Sequence[ServerHoldings]) -> None:
        """Say which servers could not be read, and why."""
        self.report.warn(
            f"{item.server} could not be read: {item.reason}"
            for item in holdings
            if item.certificates is None
        )

    def _give(self, thumbprint: str, server: str, loaded: Any) -> bool:
        self.begin(f"Import {thumbprint} on {server}.")
        try:
            give_to_server(
                self.session,
                loaded,
                server=server,
                friendly_name=self.FRIENDLY_NAME,
                domain_controller=self.domain_controller,
            )
        except EndpointUnreachable:
            raise
        except OutcomeUnknown:
            # Whether it is there is read again at the end.
            return True
        except ExchangeError as error:
            self.report.warn([f"{thumbprint} could not be imported on {server}: {error.message}"])
            return False
        self.done(f"Imported {thumbprint} on {server}.")
        return True
