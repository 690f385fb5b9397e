# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What do a server's queues say about TLS with the other side?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.check import (
    EXCHANGE,
    FAIL,
    Check,
    failed,
    passed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.diagnosis.symptoms import (
    symptom_of_text,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    TransportQueue,
)

_OWN_CERTIFICATE = "specified in tlscertificatename of the sendconnector could not be found"


def check_queues(
    queues: Sequence[TransportQueue], earlier_checks: Sequence[Check]
) -> Iterator[Check]:
    """Judge the last error of each queue.

    Args:
        earlier_checks: what is known already; a queue that waits because of a Send connector or
            of the clock is no cause of its own.
    """
    blamed = _failed_causes(earlier_checks, "send_connector")
    clock = _failed_causes(earlier_checks, "clock")
    found = False
    for queue in queues:
        symptom = symptom_of_text(queue.last_error) if queue.last_error else None
        if symptom is None or not symptom.queue_cause:
            continue
        found = True
        cause = symptom.queue_cause
        if _OWN_CERTIFICATE in queue.last_error.casefold():
            cause = blamed[0] if blamed else "messages_wait_for_retry"
        elif cause == "client_certificate_refused" and blamed:
            cause = blamed[0]
        elif cause == "servers_cannot_authenticate" and clock:
            cause = clock[0]
        yield failed("queue", EXCHANGE, f"queue {queue.identity}", queue.describe(), cause)
    if not found:
        yield passed("queue", EXCHANGE, "queues", "No queue waits because of TLS.")


def _failed_causes(checks: Sequence[Check], name: str) -> list[str]:
    return [item.cause for item in checks if item.check == name and item.status == FAIL]
