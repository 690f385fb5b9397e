# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What does a variable of several words mean, wherever it was set?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: comma_separated
short_description: Take a list as it is, or words with commas between them
version_added: 0.3.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - A variable that is a list in an inventory is words with commas between them when it comes
    from the command line (C(-e names=a,b)) or from a survey. Options of modules take both, and
    this filter lets an expression do so.
positional: _input
options:
  _input:
    description: A list, or a text. Lists within the list are taken as part of it.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show both names, whichever way they came
  ansible.builtin.debug:
    msg: "{{ 'mail.contoso.com, autodiscover.contoso.com' | mailops.exchange.comma_separated }}"
"""

RETURN = r"""
_value:
  description: The words in their order, without the space around them, and without empty ones.
  type: list
  elements: str
"""


def comma_separated(value: Any) -> list[str]:
    """Return the words of a text, or of a list of texts and lists; nothing is no word."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [word for item in value for word in comma_separated(item)]
    return [word for part in str(value).split(",") if (word := part.strip())]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[[Any], list[str]]]:
        return {"comma_separated": comma_separated}
