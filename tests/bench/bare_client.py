# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same cmdlets as one no-op task, without Ansible: a session opened, used and closed per round.

Prints one number a line: seconds of a round.
"""

from __future__ import annotations

import os
import sys
import time

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates import (
    exchange_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
)


def main() -> None:
    host, port, server, rounds = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    settings = ExchangeEndpointSettings(
        host=host,
        port=port,
        scheme="http",
        authentication="ntlm",
        user_name=os.environ["BENCH_USER"],
        password=os.environ["BENCH_PASSWORD"],
    )
    for _round in range(rounds):
        started = time.monotonic()
        with ExchangeSession(settings) as session:
            exchange_certificate.read_certificates(session, server)
        print(time.monotonic() - started, flush=True)


if __name__ == "__main__":
    main()
