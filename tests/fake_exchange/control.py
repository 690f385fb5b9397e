# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do tests look into the fake while it runs, and play with it? A small JSON interface over
HTTP, on loopback only. No private key and no password ever leaves through it."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fake_exchange.faults import KINDS, Fault
from fake_exchange.fronts.peer import Peers
from fake_exchange.fronts.ports import Ports
from fake_exchange.organisation import (
    auth_certificate,
    certificate_distribution,
    certificate_rules,
    federation_certificate,
    mail,
    services,
    snapshots,
)
from fake_exchange.organisation.behavior import Behavior
from fake_exchange.organisation.journal import Change
from fake_exchange.organisation.model import Organisation, Server, now
from fake_exchange.organisation.persistence import save_state
from fake_exchange.organisation.reading import LoadingError, Place, Section, fill
from fake_exchange.organisation.view import plain, state_of

ROUTES = {
    "GET /": "this list",
    "GET /endpoints": "addresses and ports, as in the ready file",
    "GET /state": "servers, certificates, connectors, services and what each has loaded",
    "GET /counters": "sessions, shells, cmdlets, requests, bytes, per server and in total",
    "POST /counters/reset": "start counting from zero; empties the log too",
    "GET /log": "the cmdlets that ran, with their parameters",
    "GET /behavior": "the switches",
    "POST /behavior": 'change switches: {"select_object": false}',
    "GET /mail": "where every message is, what peers got, what was lost or is there twice",
    "POST /mail": '{"server": "EX01", "queue": "3", "count": 5, "stuck": true}: put messages there',
    "POST /mail/release": '{"server": "EX01", "queue": "3"}: let stuck messages move again',
    "GET /requests": "every request on the wire since the counters were reset, numbered",
    "GET /journal": "what was changed, and connectors that named what a server cannot present",
    "POST /journal/reset": "forget both",
    "POST /snapshot": '{"name": "before"}: keep the state of the organisation in memory',
    "POST /snapshot/restore": '{"name": "before"}: restore it; shells end, counters are reset',
    "GET /faults": "armed faults, those that fired, and the kinds there are",
    "POST /faults": 'arm one: {"kind": "fail_cmdlet", "cmdlet": "Enable-ExchangeCertificate"}',
    "POST /faults/clear": "disarm all, and let go of what is held",
    "POST /faults/release": "let go of requests that the fault hold keeps",
    "POST /services": '{"server": "EX01", "service": "W3SVC", "action": "start|stop|restart"}',
    "POST /auth-servicelet": '{"server": "EX01", "hours_later": 50}: let AuthAdmin run as if then',
    "POST /federation-servicelet": '{"server": "EX01"}: let it bring the certificates there',
    "POST /components": '{"server": "EX01", "component": "HubTransport", "state": "Draining"}',
    "POST /bindings": '{"server": "EX01", "binding": "127.0.0.1:443:", "thumbprint": "..."}',
    "POST /ports": '{"server": "EX01", "port": "smtp", "closed": true}: refuse connections',
    "POST /peers": '{"peer": "partner", "closed": true}: the same of a mail server outside',
    "POST /state/save": "write the state file now",
}


class BadRequest(Exception):
    """What was sent makes no sense; the text is one line."""


class ControlEndpoint:
    """The interface of one running fake; `url` once it is open."""

    def __init__(
        self,
        organisation: Organisation,
        ports: Ports,
        *,
        peers: Peers,
        state_file: Path | None = None,
    ) -> None:
        self._organisation = organisation
        self._ports = ports
        self._peers = peers
        self._state_file = state_file
        self._server: ThreadingHTTPServer | None = None
        self._snapshots: dict[str, snapshots.Snapshot] = {}
        self._answers: dict[str, Callable[[Any], object]] = {
            "GET /": lambda _: ROUTES,
            "GET /endpoints": lambda _: self.endpoints(),
            "GET /state": lambda _: state_of(organisation),
            "GET /counters": lambda _: organisation.counters.as_dict(),
            "POST /counters/reset": self._reset,
            "GET /log": lambda _: [plain(call) for call in organisation.cmdlet_log.calls()],
            "GET /behavior": lambda _: dataclasses.asdict(organisation.behavior),
            "POST /behavior": self._change_behavior,
            "GET /mail": lambda _: mail.state_of_mail(organisation),
            "POST /mail": self._add_mail,
            "POST /mail/release": self._release_mail,
            "GET /requests": lambda _: organisation.wire_log.as_list(),
            "GET /journal": lambda _: organisation.journal.as_dict(),
            "POST /journal/reset": self._reset_journal,
            "POST /snapshot": self._keep_snapshot,
            "POST /snapshot/restore": self._restore_snapshot,
            "GET /faults": lambda _: {
                "armed": organisation.faults.armed(),
                "fired": organisation.faults.fired(),
                "holding": organisation.faults.holding,
                "kinds": KINDS,
            },
            "POST /faults": self._arm,
            "POST /faults/clear": self._clear_faults,
            "POST /faults/release": self._release,
            "POST /services": self._service,
            "POST /auth-servicelet": self._auth_servicelet,
            "POST /federation-servicelet": self._federation_servicelet,
            "POST /components": self._component,
            "POST /bindings": self._binding,
            "POST /ports": self._port,
            "POST /peers": self._peer,
            "POST /state/save": self._save,
        }

    def open(self, port: int = 0) -> None:
        """Listen on 127.0.0.1. Raises OSError if `port` is taken."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                self._respond("GET", None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self._respond("POST", self.rfile.read(length))

            def _respond(self, method: str, body: bytes | None) -> None:
                status, answer = endpoint.answer(method, self.path, body)
                content = json.dumps(answer, default=str).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Requests are not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="control", daemon=True).start()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, method: str, path: str, body: bytes | None) -> tuple[int, object]:
        """Status and JSON-able answer of one request."""
        answer = self._answers.get(f"{method} {path.partition('?')[0].rstrip('/') or '/'}")
        if answer is None:
            return 404, {"error": f"there is no {method} {path}; GET / lists what there is"}
        try:
            return 200, answer(json.loads(body) if body else {})
        except json.JSONDecodeError:
            return 400, {"error": "the body is no JSON"}
        except (BadRequest, LoadingError) as error:
            return 400, {"error": str(error)}

    def endpoints(self) -> dict[str, object]:
        """The content of the ready file."""
        return {
            "control": self.url,
            "peers": {
                peer.name: {"domain": peer.domain, "port": peer.port}
                for peer in self._organisation.peers
            },
            "servers": {
                server.Name: {
                    "fqdn": server.Fqdn,
                    "address": server.address,
                    "site": server.Site,
                    "ports": dict(server.ports),
                }
                for server in self._organisation
            },
        }

    def _reset(self, _: object) -> object:
        self._organisation.counters.reset()
        self._organisation.cmdlet_log.reset()
        self._organisation.wire_log.reset()
        return {"reset": True}

    def _add_mail(self, wanted: Any) -> object:
        values = _mapping(wanted)
        server = self._server_named(values)
        unknown = set(values) - {"server", "queue", "count", "stuck", "recipient", "last_error"}
        count = values.get("count", 1)
        if unknown or not isinstance(count, int) or count < 0:
            raise BadRequest(
                "expected server, queue, count (a number), stuck, recipient and last_error"
            )
        with self._organisation.lock:
            target = mail.queue(server, str(values.get("queue", mail.SUBMISSION)))
            mail.make_up(
                self._organisation,
                target,
                count,
                stuck=bool(values.get("stuck", False)),
                recipient=values.get("recipient"),
                last_error=str(values.get("last_error", mail.HELD_UP)),
            )
            answer = {"queue": target.Identity, "messages": target.MessageCount}
        mail.wake(self._organisation)
        return answer

    def _release_mail(self, wanted: Any) -> object:
        values = _mapping(wanted)
        server = self._server_named(values)
        identity = f"{server.Name}\\{values.get('queue')}".casefold()
        found = [each for each in server.queues if each.Identity.casefold() == identity]
        if not found:
            raise BadRequest(f"{server.Name} has no queue '{values.get('queue')}'")
        mail.release(self._organisation, found[0])
        return {"queue": found[0].Identity}

    def _reset_journal(self, _: object) -> object:
        self._organisation.journal.reset()
        return {"reset": True}

    def _keep_snapshot(self, wanted: Any) -> object:
        name = str(_mapping(wanted).get("name", ""))
        self._snapshots[name] = snapshots.take(self._organisation)
        return {"kept": name}

    def _restore_snapshot(self, wanted: Any) -> object:
        name = str(_mapping(wanted).get("name", ""))
        if name not in self._snapshots:
            raise BadRequest(f"there is no snapshot '{name}'")
        organisation = self._organisation
        # Also requests that a fault holds belong to what is over.
        organisation.faults.clear()
        organisation.faults.arm(Fault("kill_shells"))
        snapshots.restore(organisation, self._snapshots[name])
        for server in organisation:
            self._ports.follow(server)
        organisation.journal.reset()
        self._reset(None)
        mail.wake(organisation)
        return {"restored": name}

    def _release(self, _: object) -> object:
        self._organisation.faults.release()
        return {"released": True}

    def _change_behavior(self, wanted: Any) -> object:
        section = Section(wanted, Place(Path("behavior")))
        changed = dataclasses.replace(self._organisation.behavior)
        fill(changed, section, only=vars(changed))
        section.done()
        for name, words in Behavior.CHOICES.items():
            if getattr(changed, name) not in words:
                raise BadRequest(f"{name}: '{getattr(changed, name)}' is none of {words}")
        vars(self._organisation.behavior).update(vars(changed))
        mail.wake(self._organisation)
        return dataclasses.asdict(self._organisation.behavior)

    def _arm(self, wanted: Any) -> object:
        try:
            self._organisation.faults.arm(Fault(**_mapping(wanted)))
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from None
        return {"armed": self._organisation.faults.armed()}

    def _clear_faults(self, _: object) -> object:
        self._organisation.faults.clear()
        return {"armed": []}

    def _service(self, wanted: Any) -> object:
        actions = {"start": services.start, "stop": services.stop, "restart": services.restart}
        values = _mapping(wanted)
        action = actions.get(values.get("action", ""))
        if action is None:
            raise BadRequest("action: expected start, stop or restart")
        try:
            action(self._organisation, self._server_named(values), str(values.get("service")))
        except services.ServiceRefused as error:
            raise BadRequest(str(error)) from None
        return {"done": True}

    def _component(self, wanted: Any) -> object:
        """As an administrator does for maintenance, unless another `requester` is given."""
        values = _mapping(wanted)
        server = self._server_named(values)
        component = server.component_states.get(str(values.get("component")))
        if component is None or values.get("state") not in ("Active", "Draining", "Inactive"):
            raise BadRequest("expected a component and a state")
        with self._organisation.lock:
            requester = str(values.get("requester", "Maintenance"))
            component.requesters[requester] = str(values["state"])
            component.changed[requester] = now()
        mail.wake(self._organisation)
        return {"state": component.State}

    def _binding(self, wanted: Any) -> object:
        """As an administrator does by hand in IIS, whatever the certificate; "" takes it away."""
        values = _mapping(wanted)
        server = self._server_named(values)
        found = [b for b in server.web_bindings if b.bindingInformation == values.get("binding")]
        if not found or not isinstance(values.get("thumbprint"), str):
            raise BadRequest("expected a binding, such as 127.0.0.1:443:, and a thumbprint")
        with self._organisation.lock:
            found[0].certificateHash = values["thumbprint"].upper()
            found[0].certificateStoreName = "MY" if values["thumbprint"] else ""
            certificate_rules.refresh_iis(server)
        return {"done": True}

    def _port(self, wanted: Any) -> object:
        values = _mapping(wanted)
        server, port = self._server_named(values), str(values.get("port"))
        try:
            self._ports.hold_closed(server, port, closed=bool(values.get("closed", True)))
        except KeyError:
            raise BadRequest(f"{server.Name} has no port '{port}'") from None
        return {"done": True}

    def _peer(self, wanted: Any) -> object:
        values = _mapping(wanted)
        try:
            self._peers.hold_closed(
                str(values.get("peer")), closed=bool(values.get("closed", True))
            )
        except KeyError:
            raise BadRequest(f"there is no peer '{values.get('peer')}'") from None
        return {"done": True}

    def _auth_servicelet(self, wanted: Any) -> object:
        """Let it run once, as it does every 12 hours, on one server or on all."""
        values = _mapping(wanted)
        hours = values.get("hours_later", 0)
        if isinstance(hours, bool) or not isinstance(hours, (int, float)):
            raise BadRequest("hours_later has to be a number")
        moment = now() + timedelta(hours=hours)
        return self._run_servicelet(
            values,
            lambda server: auth_certificate.run_servicelet(self._organisation, server, moment),
        )

    def _federation_servicelet(self, wanted: Any) -> object:
        return self._run_servicelet(
            _mapping(wanted),
            lambda server: federation_certificate.run_servicelet(self._organisation, server),
        )

    def _run_servicelet(
        self, values: Mapping[str, Any], run: Callable[[Server], list[Change]]
    ) -> object:
        servers = [self._server_named(values)] if "server" in values else list(self._organisation)
        changes: list[Change] = []
        for server in servers:
            if certificate_distribution.runs(server):
                changes += run(server)
        for change in changes:
            self._organisation.journal.record(self._organisation, change)
        return {"changes": [dataclasses.asdict(change) for change in changes]}

    def _save(self, _: object) -> object:
        if self._state_file is None:
            raise BadRequest("the fake was started without --state")
        save_state(self._organisation, self._state_file)
        return {"saved": str(self._state_file)}

    def _server_named(self, values: Mapping[str, Any]) -> Server:
        server = self._organisation.server(str(values.get("server")))
        if server is None:
            raise BadRequest(f"there is no server '{values.get('server')}'")
        return server


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("expected a JSON object")
    return value
