# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where are the captured Exchange objects, and how does the product's reader hand them over?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
        RemoteObject,
    )

_REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("MAILOPS_CAPTURES") or _REPOSITORY.parent / "shared" / "captures")

needs_captures = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no captured objects in {FOLDER} (set MAILOPS_CAPTURES)"
)


def read(name: str) -> list[RemoteObject]:
    """The objects of one file, such as ``exchange-certificate/e16-GetExchangeCertificate``."""
    # Here and not above: the fake's tests want to know the folder, and nothing of the product.
    from psrpcore import PSRemotingCrypto
    from psrpcore.types import deserialize_clixml

    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
        RemoteObject,
        to_plain,
    )

    text = (FOLDER / f"{name}.xml").read_text(encoding="utf-8-sig")
    values = [to_plain(value) for value in deserialize_clixml(text, PSRemotingCrypto())]
    return [value for value in values if isinstance(value, RemoteObject)]
