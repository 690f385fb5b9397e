# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a certificate with its key exported to the control node, so that it can be had again?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.action_base import (
    ExchangeActionBase,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.backup import (
    check_password,
    check_written,
    read_backup,
    why_not_usable,
    write_backup,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    export_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import Secret
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    InvalidInput,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_certificate_backup)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "thumbprint": {"type": "str", "required": True},
        "directory": {"type": "path", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "not_exportable": {"type": "str", "choices": ["fail", "accept"], "default": "fail"},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        thumbprint = normalize_thumbprint(options["thumbprint"])
        check_password(options["password"])
        server = self.server(options)
        path = Path(options["directory"]) / f"{server}-{thumbprint}.pfx"
        existing = read_backup(path)
        if existing is not None:
            reason = why_not_usable(existing, options["password"], thumbprint)
            if reason:
                raise InvalidInput(
                    f"{path} is there and is no backup of {thumbprint}: {reason}. It is not "
                    "overwritten: name another directory, or move it away.",
                    details={"path": str(path)},
                )
            return {"backup": result_of(thumbprint, path, size=len(existing))}
        certificate = self._certificate(server, thumbprint)
        if certificate.exportable is False:
            return self._not_exportable(server, thumbprint, options)
        sentence = f"certificate {thumbprint} of {server} to {path}."
        if self.check_mode:
            self.report.changes.append(f"Back up {sentence}")
            return {"backup": result_of(thumbprint, path)}
        return self._back_up(server, thumbprint, path, sentence, options)

    def _certificate(self, server: str, thumbprint: str) -> ExchangeCertificate:
        certificates = read_certificates(self.session, server, self.domain_controller)
        certificate = find_certificate(certificates, thumbprint)
        if certificate is None:
            raise InvalidInput(
                f"{server} has no certificate {thumbprint} that Exchange can see, so there is "
                "nothing to back up.",
                details={"server": server, "thumbprint": thumbprint},
            )
        return certificate

    def _back_up(
        self,
        server: str,
        thumbprint: str,
        path: Path,
        sentence: str,
        options: Mapping[str, Any],
    ) -> dict[str, Any]:
        self.begin(f"Back up {sentence}")
        try:
            data = export_certificate(
                self.session, thumbprint, Secret(options["password"]), server=server
            )
        except CmdletNotAvailable:
            raise
        except CmdletFailed as error:
            # Where Exchange does not report whether the key is exportable, this is how it is known.
            return self._not_exportable(server, thumbprint, options, error)
        reason = why_not_usable(data, options["password"], thumbprint)
        if reason:
            raise InvalidInput(
                f"What {server} exported as {thumbprint} cannot be used: {reason}. Nothing was "
                "written.",
                details={"server": server, "thumbprint": thumbprint},
            )
        write_backup(path, data)
        size = check_written(path, options["password"], thumbprint)
        self.done(f"Backed up {sentence}")
        return {"backup": result_of(thumbprint, path, size=size)}

    def _not_exportable(
        self,
        server: str,
        thumbprint: str,
        options: Mapping[str, Any],
        error: CmdletFailed | None = None,
    ) -> dict[str, Any]:
        said = f" ({error.message})" if error else ""
        sentence = (
            f"The private key of {thumbprint} cannot be exported from {server}{said}: it was "
            "imported as not exportable. Keep the PFX that it came from."
        )
        if options["not_exportable"] == "fail":
            raise InvalidInput(
                f"{sentence} To continue without a backup, set not_exportable: accept.",
                details={"server": server, "thumbprint": thumbprint, "exportable": False},
            )
        self.report.warn([sentence])
        return {"backup": result_of(thumbprint, None)}


def result_of(thumbprint: str, path: Path | None, *, size: int | None = None) -> dict[str, Any]:
    """The backup as RETURN documents it."""
    return {
        "thumbprint": thumbprint,
        "path": None if path is None else str(path),
        "exportable": path is not None,
        "size": size,
    }
