# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a secret blotted out of what a server answers, and nothing else?"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.scrubbing import (
    scrubbed,
)


def test_a_secret_is_blotted_out_wherever_a_text_holds_it() -> None:
    found = scrubbed({"msg": "with s3cret!", "texts": ["<s3cret>", 5]}, ["s3cret", "s3cret!"])
    assert found == {"msg": "with ********", "texts": ["<********>", 5]}


def test_a_secret_too_short_to_hide_anything_tears_no_holes() -> None:
    assert scrubbed({"thumbprint": "A1B2"}, ["A1"]) == {"thumbprint": "A1B2"}
