# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""https_bindings.ps1: the https bindings of all IIS sites, with the certificate of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fake_exchange.organisation.model import WebBinding
    from fake_exchange.winrs.process import Process

_INFORMATION = re.compile(r"(.*):([0-9]+):([^:]*)")


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "bindings": [
            _binding(one) for one in process.server.web_bindings if one.protocol == "https"
        ]
    }


def _binding(binding: WebBinding) -> dict[str, Any]:
    found = _INFORMATION.fullmatch(binding.bindingInformation)
    ip, port, host_header = found.groups() if found else ("", "0", "")
    return {
        # In the path of the site a quote ends its name.
        "site": binding.site.partition("'")[0],
        "ip": ip,
        "port": int(port),
        "host_header": host_header,
        "thumbprint": binding.certificateHash.upper(),
        "store": binding.certificateStoreName,
    }
