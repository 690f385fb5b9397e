# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is Exchange's question about the default SMTP certificate recognised and answered?"""

from __future__ import annotations

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.prompts import (
    Prompt,
    PromptPolicy,
    choice_index,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    thumbprints_in,
)

# Where the labels are of another language, only PowerShell's own two shapes are trusted:
# [Yes, No] and [Yes, Yes to All, No, No to All]; the answer is still given as a label.
_POSITIONS = {"Yes": {2: 0, 4: 0}, "No": {2: 1, 4: 2}}


def smtp_overwrite_policy(thumbprint: str, *, replace: bool) -> PromptPolicy:
    """Return the policy for ``Enable-ExchangeCertificate`` of one certificate.

    The question has the certificate in use and the one being enabled in its text, by thumbprint,
    in every language ("Overwrite the existing default SMTP certificate? Current certificate: ...
    Replace it with certificate: ..."). Anything else is not known and gets no answer from here.
    """
    wanted = "Yes" if replace else "No"

    def answer(prompt: Prompt) -> str | None:
        if not is_smtp_overwrite_question(prompt, thumbprint):
            return None
        index = choice_index(prompt.choices, wanted)
        if index is None:
            index = _POSITIONS[wanted].get(len(prompt.choices))
        return None if index is None else prompt.choices[index]

    return answer


def is_smtp_overwrite_question(prompt: Prompt, thumbprint: str) -> bool:
    """Whether a question is about putting this certificate in another one's place."""
    mentioned = thumbprints_in(f"{prompt.caption}\n{prompt.message}")
    return thumbprint.upper() in mentioned and len(mentioned) == 2
