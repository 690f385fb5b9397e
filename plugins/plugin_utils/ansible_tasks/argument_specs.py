# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options do several modules share, and how are they checked together?

Each block goes together with a documentation fragment; a unit test compares every module's options
with its documentation.
"""

from __future__ import annotations

from typing import Any

ArgumentSpec = dict[str, dict[str, Any]]

# Documented in doc_fragments/exchange.py.
EXCHANGE_OPTIONS: ArgumentSpec = {
    "server": {"type": "str"},
}

# Documented in doc_fragments/record.py.
RECORD_OPTIONS: ArgumentSpec = {
    "record": {"type": "path"},
}

# Documented in doc_fragments/certificate_source.py.
CERTIFICATE_SOURCE_OPTIONS: ArgumentSpec = {
    "pfx_path": {"type": "path"},
    "pfx_content": {"type": "str", "no_log": True},
    "pfx_password": {"type": "str", "no_log": True},
    "fullchain_path": {"type": "path"},
    "fullchain_content": {"type": "str"},
    "private_key_path": {"type": "path", "no_log": False},
    "private_key_content": {"type": "str", "no_log": True},
    "private_key_passphrase": {"type": "str", "no_log": True},
    "thumbprint": {"type": "str"},
}

CERTIFICATE_FILE_OPTIONS = ("pfx_path", "pfx_content", "fullchain_path", "fullchain_content")

CERTIFICATE_SOURCE_MUTUALLY_EXCLUSIVE: list[tuple[str, ...]] = [
    CERTIFICATE_FILE_OPTIONS,
    ("private_key_path", "private_key_content"),
]

# Documented in doc_fragments/extended_rights.py.
EXTENDED_RIGHTS_OPTIONS: ArgumentSpec = {
    "extended_rights": {
        "type": "list",
        "elements": "dict",
        "options": {
            "user": {"type": "str", "required": True},
            "rights": {"type": "list", "elements": "str", "required": True},
            "deny": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    },
}

# Documented in doc_fragments/renewal_due.py; renewal_due.rules_from() reads them.
RENEWAL_OPTIONS: ArgumentSpec = {
    "minimum_days": {"type": "int", "default": 0},
    "revoked_thumbprints": {"type": "list", "elements": "str", "default": []},
    "distrusted_issuers": {
        "type": "list",
        "elements": "dict",
        "options": {
            "issuer": {"type": "str", "required": True},
            "from": {"type": "str", "required": True},
        },
        "default": [],
    },
}
