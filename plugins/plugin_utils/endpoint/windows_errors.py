# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors among what powershell.exe writes to stderr, which also carries progress of successful
runs.
"""

from __future__ import annotations

import re

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)

_DOCUMENT = re.compile(r"<Objs\b.*?</Objs>", re.DOTALL)


def error_texts(stderr: bytes) -> list[str]:
    """The texts of error records, or of anything that is not CLIXML (cmd.exe's own messages).

    A document cut short yields nothing; progress, warnings and verbose records are left out.
    """
    text = stderr.decode("utf-8", "replace")
    found: list[str] = []
    for document in _DOCUMENT.findall(text):
        found += _errors_of(document)
    rest = _DOCUMENT.sub("", text).replace("#< CLIXML", "")
    if "<Objs" not in rest:
        found += [" ".join(line.split()) for line in rest.splitlines() if line.strip()]
    return [line for line in found if line]


def _errors_of(document: str) -> list[str]:
    from psrpcore import PSRemotingCrypto
    from psrpcore.types import ClixmlStream, deserialize_clixml

    try:
        values = deserialize_clixml(readable(document), PSRemotingCrypto(), preserve_streams=True)
    except Exception:
        # psrpcore raises anything here; there is no more to learn.
        return []
    return [
        " ".join(str(value).split()) for value, stream in values if stream == ClixmlStream.ERROR
    ]
