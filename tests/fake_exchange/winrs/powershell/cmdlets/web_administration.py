# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IIS side: Get-WebBinding, Get-Website and the drive IIS:, in the shapes of a real server. A
binding takes another certificate by AddSslCertificate and RemoveSslCertificate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fake_exchange.organisation import certificate_rules, services
from fake_exchange.organisation.journal import Change

from ..conversion import to_text
from ..invocation import Call
from ..patterns import wildcard_to_regex
from ..values import CustomObject, MethodFailed
from .registry import cmdlet

if TYPE_CHECKING:
    from ..environment import Machine

_FRAMEWORK = "Microsoft.IIs.PowerShell.Framework"
_PROVIDER = "Microsoft.IIs.PowerShell.Provider"
_MODULE = "webadministration"
_COM_ERROR = "System.Runtime.InteropServices.COMException"
# ERROR_ALREADY_EXISTS, and what IIS says when the private key of the certificate cannot be opened.
_THERE_ALREADY = (
    "Cannot create a file when that file already exists. (Exception from HRESULT: 0x800700B7)"
)
_NO_KEY = (
    "A specified logon session does not exist. It may already have been terminated. (Exception "
    "from HRESULT: 0x80070520)"
)


def _bindings(call: Call) -> list[object]:
    server = call.machine.server
    return list(server.web_bindings) if server is not None else []


def _need_module(call: Call) -> None:
    """A command of the module loads it."""
    call.interpreter.modules.add(_MODULE)


class BindingElement(CustomObject):
    """A ConfigurationElement#bindings#binding (capture web-binding/e16-GetWebBinding.xml)."""

    def __init__(self, binding, machine: Machine) -> None:  # type: ignore[no-untyped-def]
        self._binding = binding
        self._machine = machine
        ssl = f" sslFlags={binding.sslFlags}" if binding.protocol == "https" else ""
        super().__init__(
            [
                ("protocol", binding.protocol),
                ("bindingInformation", binding.bindingInformation),
                ("sslFlags", binding.sslFlags),
                ("isDsMapperEnabled", False),
                ("certificateHash", binding.certificateHash),
                ("certificateStoreName", binding.certificateStoreName),
                (
                    "ItemXPath",
                    "/system.applicationHost/sites/site"
                    f"[@name='{binding.site}' and @id='{binding.site_id}']",
                ),
            ],
            type_names=(
                f"{_FRAMEWORK}.ConfigurationElement#bindings#binding",
                f"{_FRAMEWORK}.ConfigurationElement",
                "System.Object",
            ),
            text=f"{binding.protocol} {binding.bindingInformation}{ssl}",
        )

    def call(self, name: str, arguments: list[object]) -> object:
        match name.casefold(), len(arguments):
            case "addsslcertificate", 2:
                self._add(to_text(arguments[0]), to_text(arguments[1]))
            case "removesslcertificate", 0:
                self._bind("", "")
            case _:
                return super().call(name, arguments)
        return None

    def _add(self, thumbprint: str, store: str) -> None:
        organisation, server = self._machine.organisation, self._machine.server
        assert organisation is not None
        assert server is not None
        stored = server.certificates.get(thumbprint.upper())
        if store.casefold() != "my" or stored is None or not stored.HasPrivateKey:
            raise MethodFailed(_COM_ERROR, _NO_KEY)
        if self._binding.certificateHash and not organisation.behavior.iis_replaces_certificates:
            raise MethodFailed(_COM_ERROR, _THERE_ALREADY)
        self._bind(stored.Thumbprint, store.upper())

    def _bind(self, thumbprint: str, store: str) -> None:
        organisation, server = self._machine.organisation, self._machine.server
        assert organisation is not None
        assert server is not None
        with organisation.lock:
            self._binding.certificateHash = thumbprint
            self._binding.certificateStoreName = store
            certificate_rules.refresh_iis(server)
        where = f"{self._binding.site} {self._binding.bindingInformation}"
        organisation.journal.record(
            organisation, Change(f"bind {where}", server.Name, detail=thumbprint)
        )


def _parts(binding) -> tuple[str, str, str]:  # type: ignore[no-untyped-def]
    address, _, rest = binding.bindingInformation.rpartition(":")
    address, _, port = address.rpartition(":")
    return address, port, rest


@cmdlet(
    "Get-WebBinding",
    f"{_PROVIDER}.GetWebBindingCommand",
    "Name:0 Protocol Port IPAddress HostHeader",
    in_module=True,
)
def _get_web_binding(call: Call) -> None:
    _need_module(call)
    for binding in _bindings(call):
        address, port, host = _parts(binding)
        name = call.text("Name") or "".join(to_text(item) for item in call.items[:1])
        if name and not wildcard_to_regex(name).fullmatch(binding.site):  # type: ignore[attr-defined]
            continue
        if call.given("Protocol") and not wildcard_to_regex(call.text("Protocol")).fullmatch(
            binding.protocol  # type: ignore[attr-defined]
        ):
            continue
        if call.given("Port") and call.text("Port") != port:
            continue
        if call.given("IPAddress") and call.text("IPAddress") != (address or "*"):
            continue
        if call.given("HostHeader") and call.text("HostHeader").casefold() != host.casefold():
            continue
        call.output(BindingElement(binding, call.machine))


def _sites(call: Call) -> list[object]:
    sites: dict[str, list] = {}  # type: ignore[type-arg]
    for binding in _bindings(call):
        sites.setdefault(binding.site, []).append(binding)  # type: ignore[attr-defined]
    running = call.machine.server.services.get("W3SVC") if call.machine.server else None
    state = "Started" if running is None or running.Status == "Running" else "Stopped"
    return [
        CustomObject(
            [
                ("name", name),
                ("id", bindings[0].site_id),
                ("state", state),
                ("serverAutoStart", True),
                ("physicalPath", r"%SystemDrive%\inetpub\wwwroot"),
                (
                    "bindings",
                    CustomObject(
                        [("Collection", [BindingElement(one, call.machine) for one in bindings])]
                    ),
                ),
                ("PSPath", f"WebAdministration::\\\\{call.machine.name}\\Sites\\{name}"),
                ("PSChildName", name),
            ],
            type_names=(f"{_FRAMEWORK}.ConfigurationElement#site", "System.Object"),
            text=f"{_FRAMEWORK}.ConfigurationElement",
        )
        for name, bindings in sites.items()
    ]


@cmdlet("Get-Website", f"{_PROVIDER}.GetWebsiteCommand", "Name:0", in_module=True)
def _get_website(call: Call) -> None:
    _need_module(call)
    pattern = wildcard_to_regex(call.text("Name", "*") or "*")
    for site in _sites(call):
        assert isinstance(site, CustomObject)
        if pattern.fullmatch(to_text(site.get("name"))):
            call.output(site)


@cmdlet("Restart-WebAppPool", f"{_PROVIDER}.RestartWebAppPoolCommand", "Name:0+", in_module=True)
def _restart_pool(call: Call) -> None:
    _need_module(call)
    organisation, server = call.machine.organisation, call.machine.server
    for name in call.texts("Name") or [to_text(item) for item in call.items]:
        try:
            if organisation is None or server is None:
                raise services.ServiceRefused(f"There is no application pool '{name}'.")
            services.recycle(organisation, server, name)
        except services.ServiceRefused as refused:
            call.error(call.record(str(refused), "InvalidOperation", category="InvalidOperation"))


def _pools(call: Call) -> list[object]:
    server = call.machine.server
    web = server.services.get("W3SVC") if server is not None else None
    if web is None:
        return []
    state = "Started" if web.Status == "Running" else "Stopped"
    return [
        CustomObject(
            [
                ("name", name),
                ("state", state),
                ("PSPath", f"WebAdministration::\\\\{call.machine.name}\\AppPools\\{name}"),
                ("PSChildName", name),
            ],
            type_names=(f"{_FRAMEWORK}.ConfigurationElement#applicationPools#add", "System.Object"),
            text=f"{_FRAMEWORK}.ConfigurationElement",
        )
        for name in services.APPLICATION_POOLS
    ]


@cmdlet("Get-WebAppPoolState", f"{_PROVIDER}.GetWebAppPoolStateCommand", "Name:0", in_module=True)
def _get_pool_state(call: Call) -> None:
    _need_module(call)
    pattern = wildcard_to_regex(call.text("Name", "*") or "*")
    for pool in _pools(call):
        assert isinstance(pool, CustomObject)
        if pattern.fullmatch(to_text(pool.get("name"))):
            call.output(
                CustomObject([("Value", pool.get("state"))], text=to_text(pool.get("state")))
            )


def _ssl_bindings(call: Call) -> list[object]:
    """One entry per address and port in HTTP.sys, keyed `0.0.0.0!443`."""
    found: dict[str, list] = {}  # type: ignore[type-arg]
    for binding in _bindings(call):
        if binding.protocol != "https" or not binding.certificateHash:  # type: ignore[attr-defined]
            continue
        address, port, host = _parts(binding)
        key = f"!{port}!{host}" if host else f"{address.replace('*', '') or '0.0.0.0'}!{port}"
        found.setdefault(key, []).append(binding)
    return [_ssl_binding(key, bindings) for key, bindings in found.items()]


def _ssl_binding(key: str, bindings) -> CustomObject:  # type: ignore[no-untyped-def]
    first = bindings[0]
    address, _, rest = key.partition("!")
    port, _, host = rest.partition("!")
    return CustomObject(
        [
            ("IPAddress", address),
            ("Port", int(port)),
            ("Host", host),
            ("Thumbprint", first.certificateHash),
            ("Store", first.certificateStoreName),
            (
                "Sites",
                CustomObject(
                    [("Value", [one.site for one in bindings])],
                    text=", ".join(one.site for one in bindings),
                ),
            ),
            ("PSPath", f"WebAdministration::\\SslBindings\\{key}"),
            ("PSChildName", key),
        ],
        type_names=("System.Management.Automation.PSCustomObject", "System.Object"),
    )


def children(call: Call, path: str) -> list[object] | None:
    """What is in IIS:\\`path`; None if there is no such path."""
    parts = [part for part in re.split(r"[\\/]", path) if part]
    if not parts:
        names = ("AppPools", "Sites", "SslBindings")
        return [CustomObject([("Name", name)]) for name in names]
    listed: list[object]
    match parts[0].casefold():
        case "sslbindings":
            listed = _ssl_bindings(call)
        case "sites":
            listed = _sites(call)
        case "apppools":
            listed = _pools(call)
        case _:
            raise call.interpreter.unsupported(f"the path IIS:\\{path}", call.node)
    if len(parts) == 1:
        return listed
    pattern = wildcard_to_regex(parts[1])
    named: list[object] = [
        one
        for one in listed
        if isinstance(one, CustomObject) and pattern.fullmatch(to_text(one.get("PSChildName")))
    ]
    return named or None
