# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services can a task name, and why is another one refused?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    wanted_services,
)

SERVICES_OPTION: dict[str, Any] = {
    "type": "list",
    "elements": "str",
    "choices": ["IMAP", "POP", "UM", "IIS", "SMTP", "UMCallRouter"],
}


def check_services_given(given: Mapping[str, Any]) -> None:
    """Refuse services with the reason, before the list of choices does it without one."""
    services = given.get("services")
    if isinstance(services, str):
        services = [item for item in services.split(",") if item.strip()]
    if isinstance(services, list):
        wanted_services(str(item) for item in services)
