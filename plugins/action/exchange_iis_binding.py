# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does a web site come to name the certificate that it should?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    PRELOADED_FOR_WINDOWS,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificate_roles.web_bindings import (  # noqa: E501
    FRONT_END_PORT,
    FRONT_END_SITE,
    WebBinding,
    bind,
    front_end_certificate,
    read_web_bindings,
    select,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE, *PRELOADED_FOR_WINDOWS)


class ActionModule(ExchangeActionBase):
    """The action of M(mailops.exchange.exchange_iis_binding)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "thumbprint": {"type": "str"},
        "site": {"type": "str", "default": FRONT_END_SITE},
        "port": {"type": "int", "default": FRONT_END_PORT},
    }

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server, site, port = self.server(options), options["site"], options["port"]
        check_options(options)
        before = select(read_web_bindings(self.windows), site=site, port=port, server=server)
        certificates = read_certificates(self.session, server, self.domain_controller)
        wanted = self._wanted(certificates, options, server)
        differing = [item for item in before if item.thumbprint != wanted]
        after = before
        if differing and self.check_mode:
            self.report.changes += [_sentence(item, wanted, server) for item in differing]
            after = [_named(item, wanted) for item in before]
        elif differing:
            after = self._change(differing, wanted, server=server, site=site, port=port)
        self.report.before, self.report.after = _as_diff(before), _as_diff(after)
        now = self.now()
        return {
            "thumbprint": wanted,
            "bindings": [item.to_result(certificates, now) for item in after],
        }

    def _wanted(
        self, certificates: Sequence[ExchangeCertificate], options: Mapping[str, Any], server: str
    ) -> str:
        if not options["thumbprint"]:
            return front_end_certificate(certificates, server=server).thumbprint
        thumbprint = normalize_thumbprint(options["thumbprint"])
        if find_certificate(certificates, thumbprint) is None:
            raise InvalidInput(
                f"{server} has no certificate {thumbprint} that Exchange can see, so no site can "
                "use it: install it with exchange_certificate first.",
                details={"server": server, "thumbprint": thumbprint},
            )
        return thumbprint

    def _change(
        self, differing: Sequence[WebBinding], wanted: str, *, server: str, site: str, port: int
    ) -> list[WebBinding]:
        for binding in differing:
            after = self._bind(binding, wanted, server=server, site=site, port=port)
        return after

    def _bind(
        self, binding: WebBinding, wanted: str, *, server: str, site: str, port: int
    ) -> list[WebBinding]:
        return self.carry_out(
            _sentence(binding, wanted, server),
            lambda: bind(self.windows, binding, wanted),
            # Bindings of one address and port share a certificate, so all of them are looked at.
            read=lambda: select(
                read_web_bindings(self.windows), site=site, port=port, server=server
            ),
            reached=lambda after: _named_by(binding, after) == wanted,
            otherwise=lambda after: StateNotReached(
                f"{binding} on {server} was set to {wanted} without an error, but names "
                f"{_named_by(binding, after) or 'no certificate'}.",
                details={"server": server},
            ),
        )


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse what names no binding, or leaves open which certificate is meant.

    Raises:
        InvalidInput: with the option and its value.
    """
    if not 0 < options["port"] < 65536:
        raise InvalidInput(f"port {options['port']} is not a port.")
    if not options["thumbprint"] and options["site"].casefold() != FRONT_END_SITE.casefold():
        raise InvalidInput(
            f"The site '{options['site']}' needs thumbprint: Exchange itself names the certificate "
            f"of the {FRONT_END_SITE} only."
        )


def _named_by(binding: WebBinding, found: Sequence[WebBinding]) -> str | None:
    """The certificate that a binding names now."""
    named = {item.information: item.thumbprint for item in found}
    return named.get(binding.information)


def _named(binding: WebBinding, thumbprint: str) -> WebBinding:
    return WebBinding(
        site=binding.site,
        ip=binding.ip,
        port=binding.port,
        host_header=binding.host_header,
        thumbprint=thumbprint,
        store=binding.store or "MY",
    )


def _sentence(binding: WebBinding, thumbprint: str, server: str) -> str:
    former = binding.thumbprint or "none"
    return f"Bind {binding} on {server} to certificate {thumbprint} instead of {former}."


def _as_diff(bindings: Sequence[WebBinding]) -> dict[str, Any]:
    return {str(item): item.thumbprint or None for item in bindings}
