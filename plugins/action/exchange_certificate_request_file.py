# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How is a certificate asked for on the control node, and the answer joined with its key?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    EXCHANGE_OPTIONS,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.key_file_action import (  # noqa: E501
    KeyFileAction,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.local_request import (
    Key,
    asks_for_the_same,
    certificate_of_key,
    check_key_spec,
    load_key,
    make_key,
    make_request,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.request import (
    RequestSpec,
    Response,
    certificates_in,
    check_spec,
    names_or_common_name,
    read_file,
    request_facts,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    order_chain,
)


class ActionModule(KeyFileAction):
    """The action of M(mailops.exchange.exchange_certificate_request_file)."""

    ARGUMENT_SPEC = {
        **EXCHANGE_OPTIONS,
        "state": {"type": "str", "choices": ["present", "completed"], "default": "present"},
        "subject": {"type": "str"},
        "names": {"type": "list", "elements": "str", "default": []},
        "key_type": {"type": "str", "choices": ["RSA", "EC"], "default": "RSA"},
        "key_size": {"type": "int", "default": 2048},
        "private_key_path": {"type": "path", "no_log": False},
        "private_key_content": {"type": "str", "no_log": True},
        "private_key_passphrase": {"type": "str", "no_log": True},
        "encrypt": {"type": "bool", "default": False},
        "vault_id": {"type": "str"},
        "path": {"type": "path"},
        "response_path": {"type": "path"},
        "response_content": {"type": "str"},
    }
    MUTUALLY_EXCLUSIVE = [
        ("private_key_path", "private_key_content"),
        ("response_path", "response_content"),
    ]
    REQUIRED_ONE_OF = [("private_key_path", "private_key_content")]
    REQUIRED_IF = [
        ("state", "completed", ("response_path", "response_content"), True),
        ("state", "present", ("subject",)),
    ]
    # Only files of the control node are touched.
    REQUIRES_CONNECTION = False

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        # Absolute, because whoever reads these files later would look elsewhere first.
        for option in ("private_key_path", "path"):
            if options[option]:
                options[option] = str(Path(options[option]).expanduser().absolute())
        if options["state"] == "present":
            return self._present(options)
        return self._completed(options)

    def _present(self, options: Mapping[str, Any]) -> dict[str, Any]:
        subject = options["subject"].strip()
        spec = RequestSpec(
            subject=subject,
            names=names_or_common_name(options["names"], subject),
            friendly_name="",
        )
        check_spec(spec)
        check_key_spec(options["key_type"], options["key_size"])
        key = self._key(options)
        if key is None:
            key = make_key(
                options["key_type"], options["key_size"], options["private_key_passphrase"]
            )
            # The subject may be refused, so before the key is kept.
            pem = make_request(spec.subject, spec.names, key)
            self.keep_key(
                Path(options["private_key_path"]),
                key.pem,
                encrypt=options["encrypt"],
                vault_id=options["vault_id"],
            )
            if self.check_mode:
                return {"request": None, "private_key_path": options["private_key_path"]}
        else:
            pem = make_request(spec.subject, spec.names, key)
        if options["path"]:
            pem = self._written(Path(options["path"]), pem)
        return {"request": request_facts(pem), "private_key_path": options["private_key_path"]}

    def _completed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        from cryptography.hazmat.primitives.serialization import Encoding

        key = self._key(options)
        if key is None:
            raise InvalidInput(
                f"private_key_path: there is no {options['private_key_path']}; it holds the key of "
                "the request that the answer belongs to."
            )
        if options["response_path"]:
            path = self.find_file(options["response_path"], option="response_path")
            data, origin = read_file(path), f"response_path {options['response_path']}"
        else:
            data, origin = options["response_content"].encode(), "response_content"
        certificates = certificates_in(data, origin)
        leaf = certificate_of_key(certificates, key)
        if leaf is None:
            where = options["private_key_path"] or "private_key_content"
            raise InvalidInput(
                f"{origin}: none of the {len(certificates)} certificates in it has the key in "
                f"{where}. Give the answer to the request that was made with this key."
            )
        chain, _unrelated = order_chain(leaf, certificates)
        return {
            "thumbprint": Response(leaf=leaf, others=()).thumbprint,
            "fullchain": "".join(
                item.public_bytes(Encoding.PEM).decode("ascii") for item in (leaf, *chain)
            ),
            "private_key_path": options["private_key_path"],
        }

    def _key(self, options: Mapping[str, Any]) -> Key | None:
        """The key that is given or kept, or None where one has to be made."""
        passphrase = options["private_key_passphrase"]
        if options["private_key_content"]:
            return load_key(
                options["private_key_content"], passphrase, origin="private_key_content"
            )
        held = self.held_content(Path(options["private_key_path"]))
        if held is None:
            return None
        return load_key(held, passphrase, origin=options["private_key_path"])

    def _written(self, path: Path, pem: str) -> str:
        """The request in the file, which is written again only when it asks for something else."""
        try:
            held = path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            held = ""
        except OSError as error:
            raise InvalidInput(f"path: {path} cannot be read: {error.strerror}.") from error
        if held and asks_for_the_same(held, pem):
            return held
        if self.check_mode:
            self.report.changes.append(f"Write the request to {path}.")
            return pem
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pem, encoding="ascii")
        except OSError as error:
            raise InvalidInput(f"path: {path} cannot be written: {error.strerror}.") from error
        self.report.changes.append(f"Wrote the request to {path}.")
        return pem
