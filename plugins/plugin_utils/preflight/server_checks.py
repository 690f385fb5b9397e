# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is a server in a state in which a rotation may begin, as Exchange reports it?

Each check reads one thing and judges it. What the account may not see is a warning and no failure,
except where the rotation itself needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.auth_configuration import (  # noqa: E501
    read_auth_configuration,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
    read_objects,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    list_of,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletNotAvailable,
    ExchangeError,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.exchange_builds import (
    Build,
    find_build,
    is_newer_than_known,
    is_too_old,
    read_version,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.finding import (
    Finding,
    failed,
    passed,
    warned,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.preflight.permissions import (
    missing_permissions,
    needed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.component_states import (
    ACTIVE,
    ComponentState,
    component_states_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.neighbours import (
    TRANSPORT,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.transport.queues import (
    TransportQueue,
    read_queues,
)

# Services that a rotation starts again by itself, when it loads the certificate into them.
RESTARTED = (
    TRANSPORT,
    "MSExchangeFrontEndTransport",
    "W3SVC",
    "MSExchangeIMAP4",
    "MSExchangeIMAP4BE",
    "MSExchangePOP3",
    "MSExchangePOP3BE",
)
# Inactive from setup on (seen in captures of Get-ServerComponentState).
_INACTIVE_BY_DEFAULT = ("forwardsyncdaemon", "provisioningrps")
_AUTH_CERTIFICATE_DAYS = 30
_HIGH, _MEDIUM = "high", "medium"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is still taken as healthy."""

    queue_messages: int = 500
    queue_growth: int = 50
    further_builds: tuple[Build, ...] = ()
    activities: tuple[str, ...] = ("rotate",)
    # Component states before an unfinished run: (component, requester) -> state; None without one.
    interrupted: Mapping[tuple[str, str], str] | None = None
    # An Edge Transport server has local administrators instead of roles, and no Auth certificate.
    edge: bool = False


@dataclass
class ServerChecks:
    """The checks of one server over one session."""

    session: Session
    server: str
    limits: Limits
    domain_controller: str | None = None
    findings: list[Finding] = field(default_factory=list)
    # Queues and resources are known to the process of this service alone.
    transport_runs: bool = True

    def run(self, certificates: Sequence[ExchangeCertificate], *, now: datetime) -> list[Finding]:
        """Run all of them; whatever happens in one does not keep the others from running."""
        if not self.limits.edge:
            self._try("permissions", self._permissions)
        self._try("build", self._build)
        self._try("services", self._services)
        self._try("components", self._components)
        self._try("queues", self._queues)
        self._try("back_pressure", self._back_pressure)
        self._try("pending_requests", lambda: self._pending_requests(certificates))
        if not self.limits.edge:
            self._try("auth_certificate", lambda: self._auth_certificate(certificates, now))
        return self.findings

    def _try(self, check: str, look: Callable[[], Iterator[Finding]]) -> None:
        try:
            self.findings += list(look())
        except CmdletNotAvailable as error:
            self.findings.append(
                warned(
                    check,
                    f"It could not be checked: {error.details.get('cmdlet')} is not available to "
                    "this account.",
                    "Give the account the role View-Only Configuration or Monitoring to have it "
                    "checked.",
                )
            )
        except ExchangeError as error:
            self.findings.append(
                failed(check, error.message, "Mend that first, then run this again.")
            )

    def _permissions(self) -> Iterator[Finding]:
        lacking = missing_permissions(self.session, needed(self.limits.activities))
        if lacking:
            yield failed(
                "permissions",
                f"The account may not use {', '.join(lacking)}, which the run needs.",
                "Add the account to Organization Management, or to a role group with the roles "
                "that hold these cmdlets: Get-ManagementRoleEntry shows which.",
            )
        else:
            yield passed("permissions", "The account may use every cmdlet that the run needs.")

    def _build(self) -> Iterator[Finding]:
        values = read_objects(
            self.session,
            Cmdlet("Get-ExchangeServer", {"Identity": self.server}),
            ("Name", "AdminDisplayVersion"),
        )
        own = [
            value
            for value in values
            if (text_of(value.get("Name")) or "").casefold()
            == self.server.partition(".")[0].casefold()
        ]
        if not own:
            yield failed(
                "build",
                f"Exchange knows no server '{self.server}'.",
                "Set ansible_exchange_server to the server's name as Exchange knows it.",
            )
            return
        yield judge_build(
            text_of(own[0].get("AdminDisplayVersion")) or "", self.limits.further_builds
        )

    def _services(self) -> Iterator[Finding]:
        result = self.session.invoke(Cmdlet("Test-ServiceHealth", {"Server": self.server}))
        stopped: dict[str, None] = {}
        for value in result.output:
            if isinstance(value, RemoteObject):
                for item in list_of(value.get("ServicesNotRunning")):
                    stopped[text_of(item) or ""] = None
        self.transport_runs = TRANSPORT.casefold() not in (name.casefold() for name in stopped)
        yield from judge_services([name for name in stopped if name])

    def _components(self) -> Iterator[Finding]:
        result = self.session.invoke(Cmdlet("Get-ServerComponentState", {"Identity": self.server}))
        yield from judge_components(
            component_states_of(result.output, self.server), self.limits.interrupted
        )

    def _queues(self) -> Iterator[Finding]:
        if not self.transport_runs:
            yield _not_to_be_asked("queues")
            return
        first = _waiting(read_queues(self.session, self.server))
        second = _waiting(read_queues(self.session, self.server)) if first else {}
        yield judge_queues(first, second, self.limits)

    def _back_pressure(self) -> Iterator[Finding]:
        if not self.transport_runs:
            yield _not_to_be_asked("back_pressure")
            return
        try:
            result = self.session.invoke(
                Cmdlet(
                    "Get-ExchangeDiagnosticInfo",
                    {
                        "Server": self.server,
                        "Process": "EdgeTransport",
                        "Component": "ResourceThrottling",
                    },
                )
            )
        except CmdletNotAvailable:
            yield passed("back_pressure", "Not visible to this account.")
            return
        text = "".join(text_of(item) or "" for item in result.output)
        yield from judge_back_pressure(text)

    def _pending_requests(self, certificates: Sequence[ExchangeCertificate]) -> Iterator[Finding]:
        pending = [item.thumbprint for item in certificates if item.is_pending_request]
        if pending:
            yield warned(
                "pending_requests",
                f"Certificate requests wait for their certificate: {', '.join(pending)}.",
                "Import the reply of the authority, or remove requests that nobody waits for.",
            )
        else:
            yield passed("pending_requests", "No certificate request is waiting.")

    def _auth_certificate(
        self, certificates: Sequence[ExchangeCertificate], now: datetime
    ) -> Iterator[Finding]:
        configuration = read_auth_configuration(self.session, self.domain_controller)
        yield judge_auth_certificate(configuration.current, certificates, now)


def _not_to_be_asked(check: str) -> Finding:
    return warned(
        check,
        f"It could not be checked: {TRANSPORT} does not run.",
        "Start it to have it checked; the event log shows why it stopped.",
    )


def judge_build(text: str, further: tuple[Build, ...]) -> Finding:
    """Judge an AdminDisplayVersion."""
    version = read_version(text)
    if version is None:
        return warned("build", f"The version '{text}' cannot be read.")
    shown = ".".join(map(str, version))
    if is_too_old(version):
        return failed(
            "build",
            f"Build {shown} is too old: its cmdlets for certificates have other parameters.",
            "Install a current cumulative update first.",
        )
    build = find_build(version, further)
    if build is None:
        known = "newer than" if is_newer_than_known(version) else "not among"
        return warned(
            "build",
            f"Build {shown} is {known} the known ones.",
            "Name it in known_builds once you know that it works.",
        )
    if not build.supported:
        return warned(
            "build",
            f"{build.name} ({shown}) gets no regular updates any more.",
            "Plan the upgrade to Exchange Server Subscription Edition.",
        )
    return passed("build", f"{build.name} ({shown}).")


def judge_services(stopped: Sequence[str]) -> Iterator[Finding]:
    """Judge the required services that do not run."""
    restarted = {name.casefold() for name in RESTARTED}
    others = [name for name in stopped if name.casefold() not in restarted]
    started = [name for name in stopped if name.casefold() in restarted]
    if others:
        yield failed(
            "services",
            f"Required services do not run: {', '.join(others)}.",
            "Start them; the event log shows why they stopped.",
        )
    if started:
        yield warned(
            "services",
            f"{', '.join(started)} does not run.",
            "The rotation starts it, as the certificate has to be loaded into it anyway.",
        )
    if not stopped:
        yield passed("services", "Every required service runs.")


def judge_components(
    states: Sequence[ComponentState], interrupted: Mapping[tuple[str, str], str] | None
) -> Iterator[Finding]:
    """Judge which components are not active, and who holds them down."""
    down = [
        state
        for state in states
        if state.state != ACTIVE and state.component.casefold() not in _INACTIVE_BY_DEFAULT
    ]
    for state in down:
        holders = {name: asked for name, asked in state.requesters.items() if asked != ACTIVE}
        shown = ", ".join(f"{name}: {asked}" for name, asked in holders.items())
        message = f"{state.component} is {state.state} ({shown or 'ServerWideOffline'})."
        if (
            interrupted is not None
            and holders
            and all(interrupted.get((state.component, name), ACTIVE) == ACTIVE for name in holders)
        ):
            yield warned(
                "components",
                f"{message} It was Active before the run that was interrupted.",
                "The rotation sets it back.",
            )
        else:
            yield failed(
                "components",
                message,
                "End the maintenance first: exchange_component_state with state: Active and the "
                "same requester.",
            )
    if not down:
        yield passed("components", "Every component is active.")


def judge_queues(first: Mapping[str, int], second: Mapping[str, int], limits: Limits) -> Finding:
    """Judge the messages that wait, read twice."""
    before, after = sum(first.values()), sum(second.values())
    worst = max(second or first, key=lambda name: (second or first)[name], default="")
    if after - before > limits.queue_growth:
        return failed(
            "queues",
            f"The queues are growing: {before} and then {after} messages, most in {worst}.",
            "Find out what holds mail up before transport is restarted.",
        )
    if max(before, after) > limits.queue_messages:
        return failed(
            "queues",
            f"{max(before, after)} messages wait, most in {worst}; {limits.queue_messages} are "
            "allowed.",
            "Find out what holds mail up, or raise queue_limit.",
        )
    return passed("queues", f"{after} messages wait.")


def judge_back_pressure(text: str) -> Iterator[Finding]:
    """Judge what Get-ExchangeDiagnosticInfo reports of the resources of transport."""
    try:
        meters = list(ElementTree.fromstring(text).iter("ResourceMeter")) if text else []
    except ElementTree.ParseError:
        meters = []
    if not meters:
        yield passed("back_pressure", "Not visible.")
        return
    levels = {
        _meter(meter, "Resource"): _meter(meter, "CurrentResourceUse").casefold()
        for meter in meters
    }
    high = [name for name, level in levels.items() if level == _HIGH]
    medium = [name for name, level in levels.items() if level == _MEDIUM]
    if high:
        yield failed(
            "back_pressure",
            f"Transport takes no mail, for want of {', '.join(high)}.",
            "Make room on the disk of the transport queue, or find what uses the memory.",
        )
    if medium:
        yield warned(
            "back_pressure",
            f"Transport is short of {', '.join(medium)} and takes mail from its own organization "
            "only.",
            "Make room before transport is restarted.",
        )
    if not (high or medium):
        yield passed("back_pressure", "Transport is short of nothing.")


def judge_auth_certificate(
    current: str | None, certificates: Sequence[ExchangeCertificate], now: datetime
) -> Finding:
    """Judge the certificate that signs OAuth tokens."""
    remedy = (
        "Renew the Auth certificate first (playbook renew_auth): OWA, ECP and the cmdlets "
        "themselves depend on it."
    )
    if current is None:
        return failed("auth_certificate", "The organization names no Auth certificate.", remedy)
    certificate = find_certificate(list(certificates), current)
    if certificate is None:
        return failed(
            "auth_certificate", f"The Auth certificate {current} is not on the server.", remedy
        )
    days = certificate.days_left(now)
    if days is not None and days < 0:
        return failed("auth_certificate", f"The Auth certificate {current} has expired.", remedy)
    if days is not None and days < _AUTH_CERTIFICATE_DAYS:
        return warned(
            "auth_certificate",
            f"The Auth certificate {current} has {days} days left.",
            "Renew it soon; it takes two days until every server has the next one.",
        )
    return passed("auth_certificate", f"The Auth certificate has {days} days left.")


def _waiting(queues: Sequence[TransportQueue]) -> dict[str, int]:
    return {queue.identity: queue.messages for queue in queues if queue.empties}


def _meter(meter: Any, name: str) -> str:
    """Older builds write attributes, newer ones elements."""
    return str(meter.get(name) or meter.findtext(name) or "")
