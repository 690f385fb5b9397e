# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates, server and ways to run a task do the tests of all actions start from?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support import pki
from support.action_runner import RecordingConnection, RecordingSession, run_action
from support.model_server import Held, ModelServer

NAMES = ("mail.contoso.test", "autodiscover.contoso.test")
SUBJECT = (("CN", "mail.contoso.test"), ("O", "Contoso, Ltd."))
PFX_PASSWORD = "pfx-Passw0rd!"


@dataclass(frozen=True)
class Certificates:
    """The old certificate, its renewals, and Exchange's own."""

    old: pki.Issued
    new: pki.Issued
    # The same issuer and subject as the old one.
    renewed: pki.Issued
    wildcard: pki.Issued
    expired: pki.Issued
    own: pki.Issued


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    root = pki.root()
    first = root.intermediate(("CN", "Issuing CA 1"), ("O", "Contoso, Ltd."))
    second = root.intermediate(("CN", "Issuing CA 2"), ("O", "Contoso, Ltd."))
    return Certificates(
        old=first.issue(*SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(80), valid_days=90),
        new=second.issue(*SUBJECT, dns=NAMES, valid_days=90),
        renewed=first.issue(*SUBJECT, dns=NAMES, valid_days=90),
        wildcard=second.issue(("CN", "*.contoso.test"), dns=["*.contoso.test"], valid_days=90),
        expired=first.issue(
            *SUBJECT, dns=NAMES, not_before=pki.now() - pki.days(90), valid_days=30
        ),
        own=pki.self_signed(("CN", "EX01"), dns=["EX01", "ex01.contoso.test"]),
    )


@pytest.fixture
def server(certificates: Certificates) -> ModelServer:
    """A server whose old certificate serves everything, and whose own one is internal transport."""
    return ModelServer(
        certificates=[
            Held(certificates.own, frozenset({"SMTP"}), "Microsoft Exchange"),
            Held(certificates.old, frozenset({"IIS", "SMTP"}), "mail 2026"),
        ],
        internal_transport=certificates.own.thumbprint,
    )


@dataclass
class Runner:
    """Runs one module against the model and keeps what went over the wire in `session`."""

    module: str
    server: ModelServer
    files: Path
    session: RecordingSession = field(init=False)

    def __call__(
        self,
        *,
        check_mode: bool = False,
        diff: bool = False,
        connection: RecordingConnection | None = None,
        attributes: dict[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        self.session = RecordingSession(self.server.answer)
        return run_action(
            self.module,
            options,
            connection=connection or RecordingConnection(session=self.session),
            check_mode=check_mode,
            diff=diff,
            search_path=self.files,
            attributes=attributes,
            task_vars={"inventory_hostname": "ex01", "ansible_host": "ex01.contoso.test"},
        )

    @property
    def sent(self) -> list[str]:
        """All cmdlets of the last run, in order."""
        return self.session.names

    @property
    def changing(self) -> list[str]:
        """The cmdlets of the last run that change something."""
        return [call.name for call in self.session.changing]


@pytest.fixture
def run(request: pytest.FixtureRequest, server: ModelServer, tmp_path: Path) -> Runner:
    """Runs the module that the test file's MODULE names."""
    return Runner(request.module.MODULE, server, tmp_path)


@pytest.fixture
def pfx(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Writes a PFX and returns the options that name it."""

    def write(issued: pki.Issued, **keywords: Any) -> dict[str, str]:
        issued.write_pfx(tmp_path / "mail.pfx", PFX_PASSWORD, **keywords)
        return {"pfx_path": "mail.pfx", "pfx_password": PFX_PASSWORD}

    return write
