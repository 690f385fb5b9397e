# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights does a YAML file give at a connector? `extended_rights` and `denied_rights`, each
from a user or group to rights."""

from __future__ import annotations

from fake_exchange.organisation.connector_permissions import EXTENDED_RIGHTS, principal
from fake_exchange.organisation.model import AccessEntry, Organisation
from fake_exchange.organisation.reading import Section

_KEYS = {"extended_rights": False, "denied_rights": True}


def read_access(section: Section, organisation: Organisation) -> list[AccessEntry]:
    """The entries that a connector's section describes. Raises `LoadingError`."""
    entries = []
    for key, deny in _KEYS.items():
        if key not in section:
            continue
        part = section.section(key)
        for name in part.names():
            place = part.at(name)
            user = principal(organisation, name)
            if user is None:
                raise place.error(f"there is no user or group '{name}'")
            for right in part.texts(name):
                if right not in EXTENDED_RIGHTS:
                    raise place.error(f"there is no extended right '{right}'")
                entries.append(AccessEntry(user, ExtendedRight=right, Deny=deny))
        part.done()
    return entries
