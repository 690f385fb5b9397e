# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a message that is handed to a server arrive, on which way, and how was it encrypted?"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.smtp_submission import (
    IF_OFFERED,
    NEVER,
    STARTTLS,
    Submission,
    looking_context,
    submit,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.accepted_domains import (
    covers_domain,
    read_accepted_domains,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.message_tracking import (
    DELIVERED,
    SENT_OUTSIDE,
    STUCK,
    TrackedEvent,
    delays,
    in_order,
    read_events,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.neighbours import (
    read_transport_servers,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    read_queues,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    read_certificate_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)

_SECURITY = {"required": STARTTLS, "if_offered": IF_OFFERED, "never": NEVER}
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_LONGEST_PAUSE_SECONDS = 10.0
_GOALS = {"delivered": {DELIVERED}, "sent_external": {SENT_OUTSIDE}}


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_mail_flow)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "smtp_host": {"type": "str"},
        "port": {"type": "int", "default": 25},
        "starttls": {"type": "str", "choices": list(_SECURITY), "default": "required"},
        "user": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "sender": {"type": "str", "required": True},
        "recipient": {"type": "str", "required": True},
        "subject": {"type": "str", "default": "Test of mail flow"},
        "helo_name": {"type": "str"},
        "expect": {"type": "str", "choices": ["delivered", "sent_external", "any"]},
        "expect_thumbprint": {"type": "str"},
        "search_servers": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 120},
        "smtp_timeout": {"type": "int", "default": 30},
        "poll_interval": {"type": "float", "default": 1.0},
        "fail_when_not_arrived": {"type": "bool", "default": True},
    }

    # Replaced by tests, which know no waiting.
    sleep = staticmethod(time.sleep)
    clock = staticmethod(time.monotonic)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        expected = options["expect_thumbprint"]
        expected = normalize_thumbprint(expected) if expected else None
        host = options["smtp_host"] or self.host_address(task_vars)
        if self.check_mode:
            return {"mail": {"sent": False, "smtp": {"host": host, "port": options["port"]}}}
        server = self.server(options)
        goals = self._goals(options)
        sent_at = self.now()
        message = test_message(options, sent_at)
        submission = submit(
            message,
            host=host,
            port=options["port"],
            sender=options["sender"],
            recipients=[options["recipient"]],
            security=_SECURITY[options["starttls"]],
            context=looking_context(),
            user=options["user"],
            password=options["password"],
            helo_name=options["helo_name"],
            timeout=options["smtp_timeout"],
        )
        mail: dict[str, Any] = {
            "sent": True,
            "message_id": str(message["Message-ID"]),
            "smtp": {"host": host, "port": options["port"], **smtp_result(submission)},
        }
        self.report.facts["mail"] = mail
        path = self._follow(mail["message_id"], server, options, goals, since=sent_at)
        arrival = next((event for event in path if event.event_id in goals), None)
        mail |= {
            "arrived": arrival is not None,
            "path": [event.to_result() for event in path],
            "delays": delays(path),
            "connector": arrival.connector if arrival else None,
            "seconds": total_seconds(path) if arrival else None,
        }
        mail["findings"] = self._findings(path, submission, expected, mail, options)
        if mail["findings"] and options["fail_when_not_arrived"]:
            raise StateNotReached(" ".join(mail["findings"]), details={"server": server})
        return {"mail": mail}

    def _goals(self, options: Mapping[str, Any]) -> set[str]:
        """The events that mean that the message has arrived."""
        expect = options["expect"]
        if expect == "any":
            return {DELIVERED, SENT_OUTSIDE}
        if expect is None:
            domain = options["recipient"].rpartition("@")[2]
            try:
                accepted = read_accepted_domains(self.session, self.domain_controller)
            except CmdletNotAvailable:
                return {DELIVERED, SENT_OUTSIDE}
            inside = any(covers_domain(item, domain) for item in accepted)
            expect = "delivered" if inside else "sent_external"
        return _GOALS[expect]

    def _follow(
        self,
        message_id: str,
        server: str,
        options: Mapping[str, Any],
        goals: set[str],
        *,
        since: datetime,
    ) -> list[TrackedEvent]:
        """Look into the logs until the message has arrived or the time is over.

        The server that took it is asked first, and the others only when it does not know the end.
        """
        servers = self._servers_to_search(server, options)
        ends_at = self.clock() + options["timeout"]
        pause = options["poll_interval"]
        while True:
            events: list[TrackedEvent] = []
            for name in servers:
                events += read_events(self.session, name, message_id, since=since)
                if any(event.event_id in goals for event in events):
                    return in_order(events)
            if self.clock() >= ends_at or any(event.event_id == "FAIL" for event in events):
                return in_order(events)
            self.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def _servers_to_search(self, server: str, options: Mapping[str, Any]) -> list[str]:
        names = options["search_servers"] or [
            item.name for item in read_transport_servers(self.session)
        ]
        others = [name for name in names if name.casefold() != server.casefold()]
        return [server, *others]

    def _findings(
        self,
        path: list[TrackedEvent],
        submission: Submission,
        expected: str | None,
        mail: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> list[str]:
        findings = []
        where = f"{mail['smtp']['host']}:{mail['smtp']['port']}"
        if expected and submission.thumbprint != expected:
            findings.append(
                f"{where} presented certificate {submission.thumbprint or 'none'} and not "
                f"{expected}: restart MSExchangeFrontEndTransport, and look at TlsCertificateName "
                "of its connector."
            )
        if not mail["arrived"]:
            findings.append(self._why_not(path, options, where))
        return findings

    def _why_not(self, path: list[TrackedEvent], options: Mapping[str, Any], where: str) -> str:
        """Say where the message is, and what its queue says about it."""
        what = f"The message that {where} took for {options['recipient']}"
        if not path:
            return (
                f"{what} is in no message tracking log after {options['timeout']} seconds. Look at "
                "the queues and at the transport service of the servers that were searched."
            )
        last = path[-1]
        stuck = next((event for event in reversed(path) if event.event_id in STUCK), None)
        reasons = self._queue_errors(last.server)
        if stuck is not None and stuck.status:
            reasons.insert(0, stuck.status)
        said = f": {'; '.join(dict.fromkeys(reasons))}" if reasons else ""
        advice = ""
        if any("4.7.5" in reason for reason in reasons):
            advice = (
                " The certificate that the Send connector names is not on that server, or does not "
                "serve SMTP there: install it there, or correct TlsCertificateName."
            )
        return (
            f"{what} has not arrived after {options['timeout']} seconds. It was last seen on "
            f"{last.server} ({last.event_id}){said}.{advice}"
        )

    def _queue_errors(self, server: str) -> list[str]:
        try:
            queues = read_queues(self.session, server)
        except CmdletNotAvailable:
            return []
        return [queue.describe() for queue in queues if queue.last_error and queue.empties]


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse addresses, ports and times that are none.

    Raises:
        InvalidInput: with the option and its value.
    """
    for name in ("sender", "recipient"):
        if not _ADDRESS.fullmatch(options[name]):
            raise InvalidInput(f"{name}: '{options[name]}' is not a mail address.")
    if not 0 < options["port"] < 65536:
        raise InvalidInput(f"port {options['port']} is not a port.")
    for name in ("timeout", "smtp_timeout", "poll_interval"):
        if options[name] <= 0:
            raise InvalidInput(f"{name} must be more than 0, not {options[name]}.")
    if options["user"] and not options["password"]:
        raise InvalidInput("user needs password.")
    if options["user"] and options["starttls"] == "never":
        raise InvalidInput("No password is sent without TLS: leave out user, or starttls: never.")


def test_message(options: Mapping[str, Any], sent_at: datetime) -> EmailMessage:
    """A message that says what it is, and that nothing answers by itself."""
    domain = options["sender"].rpartition("@")[2]
    message = EmailMessage()
    message["From"] = options["sender"]
    message["To"] = options["recipient"]
    message["Subject"] = options["subject"]
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{secrets.token_hex(16)}.mail-flow@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(
        "This message was sent by an automatic test of mail flow. It can be deleted.\n"
    )
    return message


def smtp_result(submission: Submission) -> dict[str, Any]:
    """How the message was handed over, as RETURN documents it."""
    certificate = None
    if submission.certificate is not None:
        facts = read_certificate_facts(submission.certificate)
        certificate = {
            "thumbprint": facts.thumbprint,
            "subject": facts.subject,
            "issuer": facts.issuer,
            "dns_names": list(facts.dns_names),
            "not_after": facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    return {
        "reply": submission.reply,
        "seconds": submission.seconds,
        "tls_version": submission.tls_version,
        "certificate": certificate,
    }


def total_seconds(path: list[TrackedEvent]) -> float | None:
    """Seconds from the first event to the last."""
    times = [event.time for event in path if event.time is not None]
    return round((times[-1] - times[0]).total_seconds(), 3) if times else None
