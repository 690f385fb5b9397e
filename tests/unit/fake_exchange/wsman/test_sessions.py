# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can real clients open a session, run pipelines and close it again, over each way in?"""

from __future__ import annotations

import pytest
from psrpcore.types import PSInvocationState


@pytest.mark.parametrize(("protocol", "ssl"), [("ntlm", False), ("basic", True), ("ntlm", True)])
def test_a_session_runs_a_pipeline_and_leaves_nothing_behind(fake, protocol, ssl):
    with fake.session(protocol, ssl=ssl) as session:
        result = session.invoke(("Write-Text", {"Length": 7}))
        assert fake.total["sessions"] == 1
    assert result.state == PSInvocationState.Completed
    assert result.output == ["xxxxxxx"]
