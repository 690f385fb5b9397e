# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a mail reach the people who have to know?"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.smtp_submission import (
    NEVER,
    STARTTLS,
    TLS,
    submit,
)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_notification_mail)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "host": {"type": "str", "required": True},
        "port": {"type": "int", "default": 25},
        "security": {"type": "str", "choices": [STARTTLS, TLS, NEVER], "default": STARTTLS},
        "ca_path": {"type": "path"},
        "user": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "sender": {"type": "str", "required": True},
        "recipients": {"type": "list", "elements": "str", "required": True},
        "subject": {"type": "str", "required": True},
        "body": {"type": "str", "required": True},
        "timeout": {"type": "int", "default": 30},
    }
    # It is sent from the control node.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        context = self._context(options["ca_path"])
        if self.check_mode:
            return {"sent": False}
        message = EmailMessage()
        message["From"] = options["sender"]
        message["To"] = ", ".join(options["recipients"])
        message["Subject"] = " ".join(options["subject"].split())
        message["Date"] = format_datetime(self.now())
        message["Message-ID"] = make_msgid(domain=options["sender"].rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(options["body"])
        submission = submit(
            message,
            host=options["host"],
            port=options["port"],
            sender=options["sender"],
            recipients=options["recipients"],
            security=options["security"],
            context=context,
            user=options["user"],
            password=options["password"],
            timeout=options["timeout"],
        )
        return {"sent": True, "reply": submission.reply, "tls_version": submission.tls_version}

    def _context(self, ca_path: str | None) -> ssl.SSLContext:
        """The peer has to be trusted: it gets a password, and the text of the message."""
        if not ca_path:
            return ssl.create_default_context()
        file = self.find_file(ca_path, option="ca_path")
        try:
            return ssl.create_default_context(cafile=file)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(f"ca_path: '{file}' holds no readable certificates.") from error


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what cannot be sent.

    Raises:
        InvalidInput: with the option and its value.
    """
    if not options["recipients"]:
        raise InvalidInput("recipients is empty: name at least one address.")
    for address in [options["sender"], *options["recipients"]]:
        if "@" not in address or any(character in address for character in "\r\n <>"):
            raise InvalidInput(f"'{address}' is not a mail address.")
    if not 0 < options["port"] < 65536:
        raise InvalidInput(f"port {options['port']} is not a port.")
    if options["user"] and not options["password"]:
        raise InvalidInput("user needs password.")
    if options["user"] and options["security"] == NEVER:
        raise InvalidInput("No password is sent without TLS: leave out user, or use starttls.")
