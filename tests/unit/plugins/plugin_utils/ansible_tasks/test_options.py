# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do options travel on as plain values?"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.options import (
    plain_options,
)


def test_options_become_builtin_types() -> None:
    class Tagged(str):
        """As Ansible's own text classes."""

    plain = plain_options({"a": Tagged("x"), "b": [Tagged("y")], "c": {"d": Tagged("z")}, "e": 1})

    assert plain == {"a": "x", "b": ["y"], "c": {"d": "z"}, "e": 1}
    assert type(plain["a"]) is str
    assert type(plain["b"][0]) is str
    assert type(plain["c"]["d"]) is str
