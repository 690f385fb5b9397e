# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How do Windows services of a server get started, stopped or restarted, and when are they back?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_WINDOWS,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.change import once
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    ExchangeError,
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.smtp_banner import (
    wait_for_banner,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ACTIVE,
    HUB_TRANSPORT,
    MAINTENANCE,
    REQUESTERS,
    read_component_state,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.drain import Drain
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.neighbours import (
    TRANSPORT,
    choose_targets,
    find_server,
    read_transport_servers,
)

preload(*PRELOADED_FOR_WINDOWS)

TRANSPORT_SERVICES = (TRANSPORT, "MSExchangeFrontEndTransport")
SMTP_PORT = 25

# Get-Service takes patterns; a name must mean one service.
_SERVICE_NAME = re.compile(r"[\w.$-][\w.$ -]*")
_ACTIONS = {"started": "start", "stopped": "stop", "restarted": "restart"}
_REACHED = {"started": "Running", "stopped": "Stopped", "restarted": "Running"}
# The script waits for each service; the answer needs some time of its own on top.
_SLACK_SECONDS = 60
# After lost contact, so often and with such pauses the services are asked to run.
_ATTEMPTS = 5
_SECONDS_BETWEEN_ATTEMPTS = 2.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as the server reports it; status None where it does not exist."""

    name: str
    exists: bool
    status: str | None = None
    start_type: str | None = None


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_service)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "state": {"type": "str", "choices": ["started", "stopped", "restarted"], "required": True},
        "names": {
            "type": "list",
            "elements": "str",
            "default": list(TRANSPORT_SERVICES),
            "aliases": ["name"],
        },
        "optional_names": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "int", "default": 300},
        "smtp_ports": {"type": "list", "elements": "int"},
        "smtp_host": {"type": "str"},
        "drain": {"type": "bool", "default": False},
        "drain_targets": {"type": "list", "elements": "str", "default": []},
        "drain_timeout": {"type": "int", "default": 600},
        "drain_on_timeout": {"type": "str", "choices": ["fail", "restart"], "default": "fail"},
        "drain_requester": {"type": "str", "choices": list(REQUESTERS), "default": MAINTENANCE},
    }

    # Replaced by tests.
    sleep = staticmethod(time.sleep)

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        check_options(options)
        server, state = self.server(options), options["state"]
        before = self._query(wanted_names(options))
        check_services(before, options, server=server)
        to_do = services_to_touch(before, options)
        self.report.before = {service.name: service.status for service in before if service.exists}
        drain = self._plan_drain(before, to_do, options, server=server)
        result: dict[str, Any] = {}
        if self.check_mode:
            verb = _ACTIONS[state].capitalize()
            self.report.changes += [drain_sentence("Drain", drain)] if drain else []
            self.report.changes += [f"{verb} {name} on {server}." for name in to_do]
            reports = [report_of(service, options, touched=to_do) for service in before]
        else:
            with self._drained(drain, options) if drain else nullcontext():
                reports = self._act(before, to_do, options, server=server)
                answers = self._wait_for_smtp(reports, options, task_vars)
            if answers:
                result["smtp"] = answers
        self.report.after = {
            report["name"]: f"{report['status']}, restarted"
            if state == "restarted" and report["name"] in to_do
            else report["status"]
            for report in reports
            if report["exists"]
        }
        self.report.facts["services"] = reports
        return {**result, "services": reports}

    # -- draining --------------------------------------------------------------------------------

    def _plan_drain(
        self,
        before: Sequence[Service],
        to_do: Sequence[str],
        options: Mapping[str, Any],
        *,
        server: str,
    ) -> Drain | None:
        """What has to be drained, and to where; refuses before anything is changed."""
        if not options["drain"]:
            return None
        if TRANSPORT.casefold() not in (name.casefold() for name in to_do):
            self.report.warn([f"{server} is not drained: {TRANSPORT} is not to be restarted."])
            return None
        servers = read_transport_servers(self.session)
        own = find_server(servers, server)
        targets = choose_targets(self.session, own, servers, named=options["drain_targets"])
        requester = options["drain_requester"]
        state = read_component_state(self.session, own.name, HUB_TRANSPORT)
        transport_runs = any(
            service.name.casefold() == TRANSPORT.casefold() and service.status == "Running"
            for service in before
        )
        if state.asked_by(requester) != ACTIVE:
            # In check mode there is no record, and nothing is left or taken by a guess.
            ours = self._record is not None and server in run_folder.open_drains(self._record)
            if not ours:
                self.report.warn(
                    [
                        f"{server} is not drained: {requester} holds HubTransport down already "
                        f"({state.asked_by(requester)}), and not by this run. It is left so; set "
                        "it Active with exchange_component_state when the maintenance is over."
                    ]
                )
                return None
            self.report.warn(
                [
                    f"{server} was left draining by an interrupted run. It is set Active again "
                    "after the restart."
                ]
            )
        elif not transport_runs:
            self.report.warn(
                [
                    f"{server} is not drained: {TRANSPORT} does not run. What it holds is on its "
                    "disk, and is delivered once it runs again."
                ]
            )
            return None
        return Drain(
            session_now=lambda: self.session,
            server=own.name,
            targets=[target.fqdn for target in targets],
            requester=requester,
            timeout=options["drain_timeout"],
            transport_runs=transport_runs,
        )

    @contextmanager
    def _drained(self, drain: Drain, options: Mapping[str, Any]) -> Iterator[None]:
        """Empty the server, and let it take messages again whatever happens inside."""
        self.begin(drain_sentence("Drain", drain), kind=run_folder.DRAIN)
        try:
            with drain.held():
                drain.empty()
                self.report.facts["drain"] = drain_result(drain)
                self._judge(drain, options)
                yield
        finally:
            if drain.free:
                self.done(drain_sentence("Drained", drain), kind=run_folder.DRAIN)

    def _judge(self, drain: Drain, options: Mapping[str, Any]) -> None:
        if not drain.timed_out:
            return
        queues = "; ".join(queue.describe() for queue in drain.left)
        if options["drain_on_timeout"] == "restart":
            self.report.warn(
                [
                    f"The queues of {drain.server} did not empty within {drain.timeout} seconds. "
                    f"It was restarted all the same; the messages are kept on its disk: {queues}."
                ]
            )
            return
        raise StateNotReached(
            f"The queues of {drain.server} did not empty within {drain.timeout} seconds: {queues}. "
            "Nothing was restarted, and the server takes messages again. Mend what holds them up, "
            "raise drain_timeout, or set drain_on_timeout: restart.",
            details={"server": drain.server, "queues": [queue.identity for queue in drain.left]},
        )

    # -- services --------------------------------------------------------------------------------

    def _query(self, names: Sequence[str]) -> list[Service]:
        if not names:
            return []
        answer = self.windows.run("services", {"action": "query", "services": names, "timeout": 0})
        return [
            Service(
                name=str(item["name"]),
                exists=bool(item["exists"]),
                status=item.get("status"),
                start_type=item.get("start_type"),
            )
            for item in answer["services"]
        ]

    def _act(
        self,
        before: Sequence[Service],
        to_do: Sequence[str],
        options: Mapping[str, Any],
        *,
        server: str,
    ) -> list[dict[str, Any]]:
        """Start, stop or restart in one script run; report every service that was asked about."""
        state, timeout = options["state"], options["timeout"]
        touched: dict[str, dict[str, Any]] = {}
        if to_do:
            self.begin(f"{_ACTIONS[state].capitalize()} {', '.join(to_do)} on {server}.")
            answer = once(
                lambda: self._run_script(_ACTIONS[state], to_do, timeout),
                lambda: self._after_lost_contact(to_do, options, server=server),
            )
            touched = {str(item["name"]): item for item in answer["services"]}
        reports = []
        for service in before:
            report = report_of(service, options, touched=())
            done = touched.get(service.name)
            if done is not None:
                report["status"] = done.get("status")
                report["seconds"] = float(done.get("seconds") or 0)
                if done.get("changed"):
                    self.done(f"{state.capitalize()} {service.name} on {server}.")
            reports.append(report)
        self.report.facts["services"] = reports
        check_reached(touched, state, server=server)
        return reports

    def _run_script(self, action: str, names: Sequence[str], timeout: int) -> dict[str, Any]:
        return self.windows.run(
            "services",
            {"action": action, "services": list(names), "timeout": timeout},
            changing=True,
            deadline=timeout * len(names) * 2 + _SLACK_SECONDS,
        )

    def _after_lost_contact(
        self, names: Sequence[str], options: Mapping[str, Any], *, server: str
    ) -> dict[str, Any] | None:
        """The script runs on without us, or died with its shell between stop and start: no service
        may stay stopped, least of all the one that carries Exchange's own endpoint.

        Returns:
            What the script would have said of services that were to be started; None where nobody
            knows whether all of them were restarted, whether they run by now or not, or where they
            cannot be reached.
        """
        state = options["state"]
        if state == "stopped":
            return None
        seen: dict[str, Any] | None = None
        ends_at = time.monotonic() + options["timeout"]
        for _attempt in range(_ATTEMPTS):
            self.sleep(_SECONDS_BETWEEN_ATTEMPTS)
            try:
                seen = self._run_script("start", names, options["timeout"])
            except ExchangeError:
                continue
            # A service that was still stopping can be started a moment later.
            if not not_running(seen) or time.monotonic() > ends_at:
                break
        if seen is None:
            return None
        if state == "started":
            return seen
        self.report.warn([seen_after_lost_contact(seen, server=server)])
        return None

    def _wait_for_smtp(
        self,
        reports: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        task_vars: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        if options["state"] == "stopped":
            return []
        ports = options["smtp_ports"]
        if ports is None:
            running = {report["name"] for report in reports if report["status"] == "Running"}
            ports = [SMTP_PORT] if running & set(TRANSPORT_SERVICES) else []
        host = options["smtp_host"] or self.host_address(task_vars)
        answers = []
        for port in ports:
            answer = wait_for_banner(host, port, timeout=options["timeout"])
            answers.append(
                {
                    "host": answer.host,
                    "port": answer.port,
                    "banner": answer.banner,
                    "seconds": answer.seconds,
                }
            )
        return answers


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse names that are patterns, and times and ports that are none.

    Raises:
        InvalidInput: with the value in question.
    """
    for name in wanted_names(options):
        if not _SERVICE_NAME.fullmatch(name):
            raise InvalidInput(
                f"'{name}' is not a service name: give the name of one service, such as "
                "MSExchangeTransport (not its display name, and no pattern)."
            )
    if options["drain"] and options["state"] != "restarted":
        raise InvalidInput("drain goes with state: restarted only.")
    if options["drain_timeout"] < 1:
        raise InvalidInput(
            f"drain_timeout must be at least 1 second, not {options['drain_timeout']}."
        )
    if options["timeout"] < 1:
        raise InvalidInput(f"timeout must be at least 1 second, not {options['timeout']}.")
    for port in options["smtp_ports"] or []:
        if not 0 < port < 65536:
            raise InvalidInput(f"smtp_ports: {port} is not a port.")


def wanted_names(options: Mapping[str, Any]) -> list[str]:
    """All service names of the task, each once, in their order."""
    found: dict[str, str] = {}
    for name in [*options["names"], *options["optional_names"]]:
        found.setdefault(name.strip().lower(), name.strip())
    return list(found.values())


def check_services(services: Sequence[Service], options: Mapping[str, Any], *, server: str) -> None:
    """Fail before anything is touched if the task cannot succeed.

    Raises:
        InvalidInput: a service is missing, or disabled and to be started.
    """
    optional = {name.strip().lower() for name in options["optional_names"]}
    missing = [
        item.name for item in services if not item.exists and item.name.lower() not in optional
    ]
    if missing:
        raise InvalidInput(
            f"{server} has no service {', '.join(missing)}: correct names, or put what only some "
            "server roles have into optional_names.",
            details={"server": server, "missing": missing},
        )
    touched = services_to_touch(services, options)
    disabled = [
        item.name for item in services if item.start_type == "Disabled" and item.name in touched
    ]
    if disabled and options["state"] != "stopped":
        raise InvalidInput(
            f"{', '.join(disabled)} on {server} is disabled and cannot be started: set its start "
            "type to automatic or manual first.",
            details={"server": server, "disabled": disabled},
        )


def services_to_touch(services: Sequence[Service], options: Mapping[str, Any]) -> list[str]:
    """The services whose state has to change, or that have to be restarted."""
    optional = {name.strip().lower() for name in options["optional_names"]}
    state = options["state"]
    touched = []
    for service in services:
        if not service.exists:
            continue
        if state == "restarted":
            # What is stopped and may be missing is stopped on purpose.
            if service.status == "Running" or service.name.lower() not in optional:
                touched.append(service.name)
        elif service.status != _REACHED[state]:
            touched.append(service.name)
    return touched


def report_of(
    service: Service, options: Mapping[str, Any], *, touched: Sequence[str]
) -> dict[str, Any]:
    """The service as RETURN documents it; for those touched, as it will be."""
    return {
        "name": service.name,
        "exists": service.exists,
        "status_before": service.status,
        "status": _REACHED[options["state"]] if service.name in touched else service.status,
        "start_type": service.start_type,
        "seconds": 0.0,
    }


def not_running(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The reports of the services that were not seen running."""
    return [item for item in answer["services"] if item.get("status") != _REACHED["started"]]


def seen_after_lost_contact(answer: Mapping[str, Any], *, server: str) -> str:
    """What is known of services whose restart nobody has seen the end of."""
    standing = not_running(answer)
    names = ", ".join(str(item["name"]) for item in answer["services"])
    running = ", ".join(str(item["name"]) for item in answer["services"] if item not in standing)
    said = [f"Contact with {server} was lost while {names} restarted."]
    if running:
        several = "," in running
        said.append(
            f"{running} {'run' if several else 'runs'} again; whether "
            f"{'each of them' if several else 'it'} was restarted is not known."
        )
    for item in standing:
        why = f": {str(item['error']).rstrip('.')}" if item.get("error") else ""
        said.append(f"{item['name']} does not run, it is {item.get('status')}{why}.")
    return " ".join(said)


def check_reached(touched: Mapping[str, Mapping[str, Any]], state: str, *, server: str) -> None:
    """Fail if the server reports an error or another state.

    Raises:
        StateNotReached: with the first such service, the server's words, how the service is now
            and which ones were left alone because of it.
    """
    left_alone = [name for name, item in touched.items() if item.get("skipped")]
    after_that = f" Left alone after that: {', '.join(left_alone)}." if left_alone else ""
    for name, item in touched.items():
        details = {"server": server, "service": name, "services_left_alone": left_alone}
        if item.get("error"):
            raise StateNotReached(
                f"{name} on {server} could not be {state}: {str(item['error']).rstrip('.')}. It is "
                f"{item.get('status')} now.{after_that} The server's event log says why; then "
                "run this again.",
                details=details,
            )
        if item.get("status") != _REACHED[state]:
            raise StateNotReached(
                f"{name} on {server} is {item.get('status')} and not {_REACHED[state]}."
                f"{after_that} The server's event log says why; then run this again.",
                details=details,
            )


def drain_sentence(verb: str, drain: Drain) -> str:
    """What is done, as results and records say it."""
    end = ", and set HubTransport Active again" if verb == "Drained" else ""
    return f"{verb} {drain.server} to {', '.join(drain.targets)}{end}."


def drain_result(drain: Drain) -> dict[str, Any]:
    """The drain as RETURN documents it."""
    return {
        "targets": list(drain.targets),
        "seconds": drain.seconds,
        "messages_before": drain.messages_before,
        "messages_left": sum(queue.messages for queue in drain.left),
        "timed_out": drain.timed_out,
        "queues_left": [queue.describe() for queue in drain.left],
    }
