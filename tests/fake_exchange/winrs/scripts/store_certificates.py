# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""store_certificates.ps1: the certificates of the computer's own store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_exchange.organisation.tls_names import render_name

if TYPE_CHECKING:
    from fake_exchange.winrs.process import Process


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "certificates": [
            {
                "thumbprint": stored.Thumbprint,
                "issuer": render_name(stored.certificate.issuer),
                "subject": render_name(stored.certificate.subject),
                "has_private_key": stored.HasPrivateKey,
            }
            for stored in list(process.server.certificates.values())
        ]
    }
