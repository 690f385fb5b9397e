# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do Send connectors let go of a certificate for the moment of its removal, and get it back?

Exchange removes no certificate whose issuer and subject a Send connector names, even when a renewed
one of the same name stays. So the value is cleared, the certificate removed, and the value set
again (Microsoft's article on a certificate that cannot be removed). What was cleared is on the
control node's disk before it is cleared, so that whoever comes next can set it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.mailops.exchange.plugins.plugin_utils.change import once
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.access import (
    read_send_connectors,
    set_connector,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.connectors.connector import (
    SendConnector,
    difference,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder

RELEASED = "released-send-connectors.json"
# Setting a value back is tried so often before a person is asked to.
_ATTEMPTS = 3


@contextmanager
def released(
    session_now: Callable[[], Session],
    connectors: Sequence[SendConnector],
    *,
    record: Path,
    domain_controller: str | None,
    note: Callable[[str], None],
) -> Iterator[None]:
    """Clear TlsCertificateName of the connectors, and set it again whatever happens inside.

    Args:
        session_now: returns a session that works; asked again for each attempt.
        record: folder in which the values are kept while they are cleared.
        note: called with what was done, in sentences.

    Raises:
        StateNotReached: a value could not be set again; the message says what to type.
    """
    values = {connector.name: connector.tls_certificate_name or "" for connector in connectors}
    run_folder.write_document(record, RELEASED, {"send_connectors": values})
    try:
        for connector in connectors:
            _set(session_now(), connector, None, domain_controller)
            note(f"Cleared TlsCertificateName of {connector.title} for the moment.")
        yield
    finally:
        restore(session_now, record=record, domain_controller=domain_controller, note=note)


def restore(
    session_now: Callable[[], Session],
    *,
    record: Path,
    domain_controller: str | None,
    note: Callable[[str], None],
) -> bool:
    """Set what is still cleared according to the folder; True if there was anything to look at.

    Raises:
        StateNotReached: a value could not be set again; the message says what to type.
    """
    document = run_folder.read_document(record, RELEASED)
    if document is None:
        return False
    values: Mapping[str, str] = document["send_connectors"]
    failure: ExchangeError | None = None
    for _attempt in range(_ATTEMPTS):
        try:
            _set_all(session_now(), values, domain_controller, note)
            os.unlink(record / RELEASED)
            return True
        except ExchangeError as error:
            failure = error
    commands = " ".join(
        f'Set-SendConnector -Identity "{name}" -TlsCertificateName "{value}";'
        for name, value in values.items()
    )
    raise StateNotReached(
        "Send connectors do not name their certificate again, and mail may leave without it: "
        f"{failure} Run this again, or type: {commands.rstrip(';')}",
        details={"send_connectors": dict(values)},
    )


def _set_all(
    session: Session,
    values: Mapping[str, str],
    domain_controller: str | None,
    note: Callable[[str], None],
) -> None:
    for connector in read_send_connectors(session, domain_controller):
        if connector.name in values and _set(
            session, connector, values[connector.name], domain_controller
        ):
            note(f"Set TlsCertificateName of {connector.title} again.")


def _set(
    session: Session, connector: SendConnector, value: str | None, domain_controller: str | None
) -> bool:
    change = difference({"tls_certificate_name": value}, connector)
    if not change:
        return False

    def is_set() -> bool:
        found = read_send_connectors(session, domain_controller)
        now = next((item for item in found if item.name == connector.name), connector)
        return not difference({"tls_certificate_name": value}, now)

    once(
        lambda: set_connector(session, connector, change, domain_controller=domain_controller),
        is_set,
    )
    return True
