# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does Ansible know which options of the connection hold a secret?"""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.mailops.exchange.plugins.connection import exchange

# What a name says that holds a secret.
SECRETS = ("password", "passphrase", "secret", "token", "private_key")


def options() -> dict[str, dict[str, Any]]:
    document: dict[str, Any] = yaml.safe_load(exchange.DOCUMENTATION)
    return dict(document["options"])


def test_every_option_that_holds_a_secret_is_marked_so_that_ansible_masks_its_value() -> None:
    marked = {name for name, option in options().items() if option.get("secret") is True}

    assert marked == {name for name in options() if any(word in name for word in SECRETS)}
    assert "password" in marked


def test_what_is_marked_is_of_a_type_that_ansible_can_mask() -> None:
    for name, option in options().items():
        if option.get("secret"):
            # ansible-core 2.22 refuses to load a plugin that marks an option of another type.
            assert option["type"] in ("str", "list"), name
