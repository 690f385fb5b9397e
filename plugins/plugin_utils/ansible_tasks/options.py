# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do a task's options become plain values that are spelled as documented?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    ArgumentSpec,
)


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as built-in types: Ansible's own text and list classes must not travel further."""
    return {str.__str__(name): _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return plain_options(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def spell_choices(options: dict[str, Any], spec: ArgumentSpec) -> None:
    """Spell values as the choices of their options are spelled: Exchange ignores case too."""
    for name, definition in spec.items():
        choices = {
            choice.lower(): choice
            for choice in definition.get("choices", ())
            if isinstance(choice, str)
        }
        value = options.get(name)
        if not choices or value is None:
            continue
        if isinstance(value, list):
            options[name] = [choices.get(str(item).strip().lower(), item) for item in value]
        elif isinstance(value, str) and definition.get("type") == "list":
            items = [item.strip() for item in value.split(",")]
            options[name] = [choices.get(item.lower(), item) for item in items if item]
        elif isinstance(value, str):
            options[name] = choices.get(value.strip().lower(), value)
