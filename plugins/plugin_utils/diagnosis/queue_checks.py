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
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange.transport_queues import (
    TransportQueue,
)

_OWN_CERTIFICATE = "specified in tlscertificatename of the sendconnector could not be found"


def check_queues(
    queues: Sequence[TransportQueue], connector_checks: Sequence[Check]
) -> Iterator[Check]:
    """Judge the last error of each queue.

    Args:
        connector_checks: what is known of the Send connectors; a queue that waits because of one
            of them is no cause of its own.
    """
    blamed = [item.cause for item in connector_checks if item.status == FAIL]
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
        yield failed("queue", EXCHANGE, f"queue {queue.identity}", queue.describe(), cause)
    if not found:
        yield passed("queue", EXCHANGE, "queues", "No queue waits because of TLS.")
