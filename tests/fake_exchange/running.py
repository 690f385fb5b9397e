# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do the parts make one running fake? Ports, remote management, control endpoint: opened
together, closed together."""

from __future__ import annotations

from pathlib import Path

from fake_exchange.cmdlet_faults import run_pipeline_with_faults
from fake_exchange.control import ControlEndpoint
from fake_exchange.fronts.https import page
from fake_exchange.fronts.outbound import MailPump
from fake_exchange.fronts.peer import Peers
from fake_exchange.fronts.ports import Ports
from fake_exchange.fronts.tls import TlsContexts
from fake_exchange.organisation.model import Organisation
from fake_exchange.winrs.shell import cmd_shells
from fake_exchange.wsman.front import FrontParts, RemoteManagement
from fake_exchange.wsman.listener import ListenerHub


class RunningFake:
    """An organisation with its ports open. Use as a context manager."""

    def __init__(
        self,
        organisation: Organisation,
        *,
        control_port: int = 0,
        state_file: Path | None = None,
    ) -> None:
        self._control_port = control_port
        self._hub = ListenerHub()
        self._management = RemoteManagement(
            organisation,
            FrontParts(
                page=page,
                cmd_shell=cmd_shells(organisation),
                run=run_pipeline_with_faults,
            ),
        )
        self._ports = Ports(
            organisation, self._hub, TlsContexts(organisation), self._management.handler
        )
        self._peers = Peers(organisation, self._hub)
        self._pump = MailPump(organisation)
        self.control = ControlEndpoint(
            organisation, self._ports, peers=self._peers, state_file=state_file
        )

    def __enter__(self) -> RunningFake:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._hub.start()
        self._ports.open()
        self._peers.open()
        self._pump.start()
        self.control.open(self._control_port)

    def close(self) -> None:
        """Close every port and session. Calling it again does nothing."""
        self.control.close()
        self._pump.close()
        self._hub.close()
        self._management.close()
