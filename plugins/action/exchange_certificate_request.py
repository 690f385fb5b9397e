# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a certificate asked for on a server, completed with the answer, or removed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
    RECORD_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.distributing_action import (  # noqa: E501
    DistributingAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.preloading import (
    PRELOADED_FOR_EXCHANGE,
    preload,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.changes import (
    check_friendly_name,
    remove_certificate,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.exchange_certificate import (  # noqa: E501
    ExchangeCertificate,
    find_certificate,
    read_certificates,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.request import (
    RequestSpec,
    Response,
    certificates_in,
    check_spec,
    complete_request,
    create_request,
    export_request,
    is_full_host_name,
    names_or_common_name,
    not_completed,
    pending_requests,
    read_file,
    read_response,
    request_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    StateNotReached,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.distinguished_name import (
    common_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.thumbprint import (
    normalize_thumbprint,
)

preload(*PRELOADED_FOR_EXCHANGE)


class ActionModule(DistributingAction):
    """The action of M(mailops.exchange.exchange_certificate_request)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        **RECORD_OPTIONS,
        "state": {
            "type": "str",
            "choices": ["present", "completed", "absent"],
            "default": "present",
        },
        "subject": {"type": "str"},
        "names": {"type": "list", "elements": "str", "default": []},
        "renews": {"type": "str"},
        "friendly_name": {"type": "str"},
        "key_size": {"type": "int", "default": 2048},
        "exportable": {"type": "bool", "default": True},
        "thumbprint": {"type": "str"},
        "response_path": {"type": "path"},
        "response_content": {"type": "str"},
        "distribute": {"type": "bool", "default": True},
    }
    MUTUALLY_EXCLUSIVE = [("response_path", "response_content"), ("subject", "renews")]
    REQUIRED_IF = [
        ("state", "present", ("subject", "renews"), True),
        ("state", "completed", ("response_path", "response_content"), True),
    ]

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        server = self.server(options)
        if options["thumbprint"]:
            options["thumbprint"] = normalize_thumbprint(options["thumbprint"])
        if options["renews"]:
            self._take_over(options, server)
        if options["state"] == "present":
            return self._present(options, server)
        if options["state"] == "completed":
            return self._completed(options, server)
        return self._absent(options, server)

    # -- state: present --------------------------------------------------------------------------

    def _present(self, options: Mapping[str, Any], server: str) -> dict[str, Any]:
        subject = options["subject"].strip()
        spec = RequestSpec(
            subject=subject,
            names=names_or_common_name(options["names"], subject),
            friendly_name=options["friendly_name"] or common_name(subject) or "",
            key_size=options["key_size"],
            exportable=options["exportable"],
        )
        check_spec(spec)
        check_friendly_name(spec.friendly_name)
        pending = [item for item in self._pending(server) if spec.matches(item)]
        if pending:
            return {"request": self._shown(server, pending[0].thumbprint)}
        sentence = f"Create a request for {spec.subject} on {server}."
        if self.check_mode:
            self.report.changes.append(sentence)
            return {"request": None}
        made = self.carry_out(
            sentence,
            lambda: create_request(
                self.session, spec, server=server, domain_controller=self.domain_controller
            ),
            read=lambda: [item for item in self._pending(server) if spec.matches(item)],
            reached=bool,
            otherwise=lambda _made: StateNotReached(
                f"{server} created a request without an error, but it does not wait there.",
                details={"server": server},
            ),
            done=[sentence.replace("Create ", "Created ", 1)],
        )
        return {"request": self._shown(server, made[-1].thumbprint)}

    def _take_over(self, options: dict[str, Any], server: str) -> None:
        """Subject and names of the certificate that is renewed, and what names are given on top."""
        thumbprint = normalize_thumbprint(options["renews"])
        certificates = read_certificates(self.session, server, self.domain_controller)
        former = find_certificate(certificates, thumbprint)
        if former is None or former.is_pending_request:
            raise InvalidInput(
                f"renews: {server} has no certificate {thumbprint} that Exchange can see.",
                details={"server": server, "thumbprint": thumbprint},
            )
        options["subject"] = former.subject
        names = [name for name in former.dns_names if is_full_host_name(name)]
        left_out = [name for name in former.dns_names if name not in names]
        if left_out and options["state"] == "present":
            self.report.warn(
                [
                    f"Not asked for, though certificate {thumbprint} has it: "
                    f"{', '.join(left_out)}. Public authorities refuse what is no full host name."
                ]
            )
        options["names"] = list(dict.fromkeys([*names, *options["names"]]))

    def _pending(self, server: str) -> list[ExchangeCertificate]:
        return pending_requests(read_certificates(self.session, server, self.domain_controller))

    def _pem(self, server: str, thumbprint: str) -> str:
        return export_request(
            self.session, thumbprint, server=server, domain_controller=self.domain_controller
        )

    def _shown(self, server: str, thumbprint: str) -> dict[str, Any]:
        return {
            "thumbprint": thumbprint,
            "server": server,
            **request_facts(self._pem(server, thumbprint)),
        }

    # -- state: completed ------------------------------------------------------------------------

    def _completed(self, options: Mapping[str, Any], server: str) -> dict[str, Any]:
        if options["response_path"]:
            path = self.find_file(options["response_path"], option="response_path")
            data, origin = read_file(path), f"response_path {options['response_path']}"
        else:
            data, origin = options["response_content"].encode(), "response_content"
        certificates = read_certificates(self.session, server, self.domain_controller)
        pending = [
            item.thumbprint
            for item in pending_requests(certificates)
            if options["thumbprint"] in (None, item.thumbprint)
        ]
        requests = [(thumbprint, self._pem(server, thumbprint)) for thumbprint in pending]
        try:
            request, response = read_response(data, requests, origin=origin)
        except InvalidInput:
            done = self._completed_before(data, origin, certificates)
            if done is None:
                raise
            return self._finish(options, server, done, certificates_in(data, origin))
        sentence = f"Complete request {request} on {server} with certificate {response.thumbprint}."
        if self.check_mode:
            self.report.changes.append(sentence)
            return {"thumbprint": response.thumbprint, "certificate": None}
        self._complete(server, response, sentence)
        return self._finish(options, server, response.thumbprint, response.others)

    def _complete(self, server: str, response: Response, sentence: str) -> None:
        self.carry_out(
            sentence,
            lambda: complete_request(
                self.session, response, server=server, domain_controller=self.domain_controller
            ),
            read=lambda: find_certificate(
                read_certificates(self.session, server, self.domain_controller),
                response.thumbprint,
            ),
            reached=lambda found: (
                found is not None
                and not found.is_pending_request
                and found.has_private_key is not False
            ),
            otherwise=lambda _found: not_completed(server, response.thumbprint),
            done=[sentence.replace("Complete ", "Completed ", 1)],
        )

    def _completed_before(
        self, data: bytes, origin: str, certificates: list[ExchangeCertificate]
    ) -> str | None:
        """The certificate of the answer, where an earlier run has brought it to its key."""
        for thumbprint in thumbprints_of(data, origin):
            found = find_certificate(certificates, thumbprint)
            if found is not None and found.has_private_key is not False:
                return thumbprint
        return None

    def _finish(
        self, options: Mapping[str, Any], server: str, thumbprint: str, answer: Sequence[Any]
    ) -> dict[str, Any]:
        certificates = read_certificates(self.session, server, self.domain_controller)
        found = find_certificate(certificates, thumbprint)
        if found is not None and found.friendly_name:
            self.FRIENDLY_NAME = found.friendly_name
        if not self.check_mode and not self.is_edge:
            chain = [
                item for item in answer if Response(leaf=item, others=()).thumbprint != thumbprint
            ]
            self.distribute(thumbprint, options, chain=chain)
        return {
            "thumbprint": thumbprint,
            "certificate": found.to_result(self.now()) if found else None,
        }

    # -- state: absent ---------------------------------------------------------------------------

    def _absent(self, options: Mapping[str, Any], server: str) -> dict[str, Any]:
        wanted = options["thumbprint"]
        subject = (options["subject"] or "").strip()
        if not wanted and not subject:
            raise InvalidInput("state: absent needs thumbprint or subject of the request.")
        spec = RequestSpec(
            subject=subject,
            names=names_or_common_name(options["names"], subject),
            friendly_name="",
            key_size=options["key_size"],
        )
        found = [
            item
            for item in self._pending(server)
            if item.thumbprint == wanted or (not wanted and spec.matches(item))
        ]
        for item in found:
            self._remove(server, item)
        return {"removed": [item.thumbprint for item in found]}

    def _remove(self, server: str, item: ExchangeCertificate) -> None:
        sentence = f"Remove request {item.thumbprint} ({item.subject}) on {server}."
        if self.check_mode:
            self.report.changes.append(sentence)
            return
        self.carry_out(
            sentence,
            lambda: remove_certificate(
                self.session,
                item.thumbprint,
                server=server,
                domain_controller=self.domain_controller,
            ),
            read=lambda: [other.thumbprint for other in self._pending(server)],
            reached=lambda pending: item.thumbprint not in pending,
            otherwise=lambda _pending: StateNotReached(
                f"{server} removed request {item.thumbprint} without an error, but still has it."
            ),
            done=[sentence.replace("Remove", "Removed", 1)],
        )


def thumbprints_of(data: bytes, origin: str) -> list[str]:
    """The thumbprints of the certificates in an answer."""
    return [Response(leaf=item, others=()).thumbprint for item in certificates_in(data, origin)]
