# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bind_https.ps1: let one https binding name another certificate of the computer's store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fake_exchange.organisation import certificate_rules
from fake_exchange.organisation.journal import Change
from fake_exchange.winrs.scripts.conversion import text
from fake_exchange.winrs.scripts.failures import (
    ScriptFailed,
    method_failed,
    path_not_found,
    thrown,
)

if TYPE_CHECKING:
    from fake_exchange.organisation.model import WebBinding
    from fake_exchange.winrs.process import Process

# ERROR_ALREADY_EXISTS, and what IIS says when the private key of the certificate cannot be opened.
_THERE_ALREADY = (
    "Cannot create a file when that file already exists. (Exception from HRESULT: 0x800700B7)"
)
NO_KEY = (
    "A specified logon session does not exist. It may already have been terminated. (Exception "
    "from HRESULT: 0x80070520)"
)


def run(process: Process, parameters: dict[str, Any]) -> dict[str, Any]:
    thumbprint = text(parameters.get("thumbprint"))
    site, information = (text(parameters.get(one)) for one in ("site", "binding_information"))
    stored = process.server.certificates.get(thumbprint.upper())
    if stored is None:
        raise path_not_found(f"Cert:\\LocalMachine\\My\\{thumbprint}", "GetItemCommand")
    if not stored.HasPrivateKey:
        raise thrown(f"the certificate {thumbprint} has no private key in the store of this server")
    found = [
        one
        for one in process.server.web_bindings
        if one.protocol == "https"
        and one.site.casefold() == site.casefold()
        and one.bindingInformation.casefold() == information.casefold()
    ]
    if len(found) != 1:
        raise thrown(f"the site {site} has {len(found)} https bindings {information}")
    former = found[0].certificateHash.upper()
    _replace(process, found[0], thumbprint, former)
    return {"former": former}


def _replace(process: Process, binding: WebBinding, thumbprint: str, former: str) -> None:
    try:
        add_certificate(process, binding, thumbprint)
    except ScriptFailed:
        if not former:
            raise
        remove_certificate(process, binding)
        try:
            add_certificate(process, binding, thumbprint)
        except ScriptFailed:
            add_certificate(process, binding, former)
            raise


def add_certificate(process: Process, binding: WebBinding, thumbprint: str) -> None:
    """AddSslCertificate. Raises ScriptFailed: no usable key, or IIS wants the former one gone."""
    stored = process.server.certificates.get(thumbprint.upper())
    if stored is None or not stored.HasPrivateKey:
        raise method_failed("AddSslCertificate", 2, NO_KEY, "COMException")
    if binding.certificateHash and not process.organisation.behavior.iis_replaces_certificates:
        raise method_failed("AddSslCertificate", 2, _THERE_ALREADY, "COMException")
    _bind(process, binding, stored.Thumbprint, "MY")


def remove_certificate(process: Process, binding: WebBinding) -> None:
    """RemoveSslCertificate."""
    _bind(process, binding, "", "")


def _bind(process: Process, binding: WebBinding, thumbprint: str, store: str) -> None:
    organisation, server = process.organisation, process.server
    with organisation.lock:
        binding.certificateHash = thumbprint
        binding.certificateStoreName = store
        certificate_rules.refresh_iis(server)
    where = f"{binding.site} {binding.bindingInformation}"
    organisation.journal.record(
        organisation, Change(f"bind {where}", server.Name, detail=thumbprint)
    )
