# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Would AWX take what it is sent? A stand-in for its REST API (version 2) that keeps what it is
given and refuses what AWX documents as wrong, and more: a field that AWX would ignore is an error.

Fields, types and choices are those of AWX 24's API browser and of the documentation of awx.awx.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from support.loopback_server import LoopbackServer, answer, handler_of

VERSION = "24.6.1"
TOKEN = "a token of AWX"
ENCRYPTED = "$encrypted$"
_MACHINE_INPUTS = {
    "fields": [
        {"id": "username", "type": "string"},
        {"id": "password", "type": "string", "secret": True},
        {"id": "ssh_key_data", "type": "string", "secret": True},
    ]
}
_VAULT_INPUTS = {"fields": [{"id": "vault_password", "type": "string", "secret": True}]}
_NOTIFICATION_FIELDS = {
    "email": {
        "host", "port", "username", "password", "sender", "recipients", "use_tls", "use_ssl",
        "timeout",
    },
    "webhook": {"url", "headers", "http_method", "username", "password"},
}  # fmt: skip
_SURVEY_TYPES = {
    "text",
    "textarea",
    "password",
    "integer",
    "float",
    "multiplechoice",
    "multiselect",
}


class Refused(Exception):
    """What the API answers with 400, by field."""


@dataclass(frozen=True)
class Kind:
    """A collection of the API: its fields with their types, those that are needed, and its lists of
    others. A type that is a name is a reference into that collection."""

    fields: Mapping[str, type | str | tuple[str, ...]]
    required: tuple[str, ...] = ("name",)
    lists: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


_NOTIFIED = {
    f"notification_templates_{when}": "notification_templates"
    for when in ("started", "success", "error")
}
_APPROVED = {**_NOTIFIED, "notification_templates_approvals": "notification_templates"}
_ASKS = dict.fromkeys(
    f"ask_{what}_on_launch"
    for what in (
        "variables", "limit", "tags", "skip_tags", "inventory", "credential", "job_type", "labels",
        "diff_mode", "verbosity", "scm_branch", "forks", "timeout", "execution_environment",
        "instance_groups", "job_slice_count",
    )
)  # fmt: skip

KINDS: dict[str, Kind] = {
    "organizations": Kind(
        {
            "name": str, "description": str, "default_environment": "execution_environments",
            "max_hosts": int,
        },
        lists=_APPROVED,
    ),
    "execution_environments": Kind(
        {
            "name": str, "description": str, "image": str, "organization": "organizations",
            "credential": "credentials", "pull": ("", "always", "missing", "never"),
        },
        required=("name", "image"),
    ),
    "credential_types": Kind(
        {
            "name": str, "description": str, "kind": ("cloud", "net"), "inputs": dict,
            "injectors": dict, "managed": bool,
        },
        required=("name", "kind"),
    ),
    "credentials": Kind(
        {
            "name": str, "description": str, "organization": "organizations",
            "credential_type": "credential_types", "inputs": dict,
        },
        required=("name", "credential_type"),
    ),
    "notification_templates": Kind(
        {
            "name": str, "description": str, "organization": "organizations",
            "notification_type": tuple(_NOTIFICATION_FIELDS), "notification_configuration": dict,
            "messages": dict,
        },
        required=("name", "organization", "notification_type"),
    ),
    "projects": Kind(
        {
            "name": str, "description": str, "organization": "organizations",
            "scm_type": ("", "git", "svn", "insights", "archive"), "scm_url": str,
            "scm_branch": str,
            "scm_refspec": str, "scm_clean": bool, "scm_update_on_launch": bool,
            "credential": "credentials", "default_environment": "execution_environments",
            "scm_update_cache_timeout": int, "allow_override": bool, "timeout": int,
        },
        required=("name", "organization"),
        lists=_NOTIFIED,
        defaults={"status": "successful", "scm_revision": "0" * 40},
    ),
    "inventories": Kind(
        {
            "name": str, "description": str, "organization": "organizations", "variables": str,
            "kind": ("", "smart", "constructed"), "host_filter": str,
        },
        required=("name", "organization"),
    ),
    "inventory_sources": Kind(
        {
            "name": str, "description": str, "inventory": "inventories",
            "source": ("file", "scm", "ec2", "gce", "azure_rm", "vmware", "controller", "insights"),
            "source_path": str, "source_project": "projects", "overwrite": bool,
            "overwrite_vars": bool, "update_on_launch": bool, "update_cache_timeout": int,
            "execution_environment": "execution_environments", "credential": "credentials",
        },
        required=("name", "inventory", "source"),
        lists=_NOTIFIED,
    ),
    "job_templates": Kind(
        {
            "name": str, "description": str, "organization": "organizations",
            "job_type": ("run", "check"), "inventory": "inventories", "project": "projects",
            "playbook": str, "execution_environment": "execution_environments", "forks": int,
            "limit": str, "verbosity": int, "extra_vars": str, "survey_enabled": bool,
            "diff_mode": bool, "allow_simultaneous": bool, "timeout": int, "become_enabled": bool,
            **dict.fromkeys(_ASKS, bool),
        },
        required=("name", "project", "playbook"),
        lists={**_NOTIFIED, "credentials": "credentials", "labels": "labels"},
    ),
    "workflow_job_templates": Kind(
        {
            "name": str, "description": str, "organization": "organizations", "extra_vars": str,
            "inventory": "inventories", "limit": str, "survey_enabled": bool,
            "allow_simultaneous": bool, "webhook_service": ("", "github", "gitlab"),
            **dict.fromkeys(_ASKS, bool),
        },
        lists={**_APPROVED, "labels": "labels"},
    ),
    "workflow_job_template_nodes": Kind(
        {
            "identifier": str, "workflow_job_template": "workflow_job_templates",
            "unified_job_template": "unified_job_templates", "inventory": "inventories",
            "all_parents_must_converge": bool, "extra_data": dict, "limit": str, "job_type": str,
        },
        required=("identifier", "workflow_job_template"),
        lists=dict.fromkeys(
            ("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"
        ),
    ),
    "workflow_approval_templates": Kind({"name": str, "description": str, "timeout": int}),
    "schedules": Kind(
        {
            "name": str, "description": str, "unified_job_template": "unified_job_templates",
            "rrule": str, "enabled": bool, "extra_data": dict, "limit": str,
        },
        required=("name", "unified_job_template", "rrule"),
        lists={"credentials": "credentials", "labels": "labels"},
    ),
    "labels": Kind({"name": str, "organization": "organizations"}),
}  # fmt: skip
# Of the fields that are no references, the ones that may be null.
_NULLABLE = {"host_filter"}
# What awx.awx sends along, and AWX leaves as it is.
_READ_ONLY = {"type"}
# What a schedule or a node may start.
_UNIFIED = (
    "job_templates", "workflow_job_templates", "projects", "inventory_sources",
    "workflow_approval_templates",
)  # fmt: skip


class AwxStub(LoopbackServer):
    """The stand-in. Use as a context manager.

    Args:
        project: the folder used as the checked-out project; a template may only name what
            is in it.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._next = 100
        self.objects: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in KINDS}
        self.secrets: dict[int, dict[str, Any]] = {}
        self.changes: list[str] = []
        self.refusals: list[str] = []
        self._add_own_types()
        super().__init__(handler_of(self._handle))

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}"

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """The one object of this name."""
        (found,) = [
            item
            for item in self.objects[kind].values()
            if name in (item.get("name"), item.get("identifier"))
        ]
        return found

    def list_of(self, kind: str, name: str, others: str) -> set[str]:
        """The names in one of an object's lists."""
        found = self.named(kind, name)
        target = KINDS[kind].lists[others]
        return {
            self.objects[target][number].get("name") or self.objects[target][number]["identifier"]
            for number in found["_lists"].get(others, [])
        }

    # -- HTTP ------------------------------------------------------------------------------------

    def _handle(self, request: BaseHTTPRequestHandler, text: bytes) -> None:
        url = urlsplit(request.path)
        try:
            body = json.loads(text) if text else {}
            with self._lock:
                status, found = self._route(
                    request.command, url.path, dict(parse_qsl(url.query)), body,
                    authorized=request.headers.get("Authorization") == f"Bearer {TOKEN}",
                )  # fmt: skip
        except Refused as refusal:
            self.refusals.append(f"{request.command} {url.path}: {refusal}")
            status, found = 400, {"detail": str(refusal)}
        headers = [
            ("Content-Type", "application/json"),
            ("X-API-Product-Name", "AWX"),
            ("X-API-Product-Version", VERSION),
        ]
        data = json.dumps(found).encode() if found is not None else b""
        answer(request, status, headers, data)

    def _route(
        self, method: str, path: str, query: dict[str, str], body: Any, *, authorized: bool
    ) -> tuple[int, Any]:
        if path == "/api/":
            return 200, {"current_version": "/api/v2/", "available_versions": {"v2": "/api/v2/"}}
        parts = [part for part in path.removeprefix("/api/v2/").split("/") if part]
        if parts == ["ping"]:
            return 200, {"version": VERSION}
        if not authorized:
            return 401, {"detail": "Authentication credentials were not provided."}
        if parts == ["config"]:
            return 200, {"version": VERSION}
        if parts == ["me"]:
            return 200, _page([{"id": 1, "username": "admin"}])
        if parts[0] == "unified_job_templates" and method == "GET":
            everything = [item for name in _UNIFIED for item in self.objects[name].values()]
            return 200, _page([self._shown(i) for i in everything if _matches(i, query)])
        if parts[0] not in KINDS:
            return 404, {"detail": "Not found."}
        if len(parts) == 1:
            return self._collection(method, parts[0], query, body)
        found = self.objects[parts[0]].get(int(parts[1]))
        if found is None:
            return 404, {"detail": "Not found."}
        if len(parts) == 2:
            return self._one(method, parts[0], found, body)
        return self._related(method, parts[0], found, parts[2], body)

    def _collection(
        self, method: str, kind: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "GET":
            items = [item for item in self.objects[kind].values() if self._found(kind, item, query)]
            return 200, _page([self._shown(item) for item in items])
        return 201, self._shown(self._create(kind, body))

    def _found(self, kind: str, item: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """By its own fields, and by the name of what it refers to."""
        own = dict(query)
        for name, wanted in query.items():
            field, _, rest = name.partition("__")
            target = KINDS[kind].fields.get(field)
            if rest == "name" and isinstance(target, str):
                del own[name]
                if self.objects[target].get(item.get(field, 0), {}).get("name") != wanted:
                    return False
        return _matches(item, own)

    def _one(self, method: str, kind: str, found: dict[str, Any], body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            del self.objects[kind][found["id"]]
            self.changes.append(f"DELETE {kind} {found['name']}")
            return 204, None
        if method == "PATCH":
            self._check(kind, {**_public(found), **body}, given=body)
            self._keep(kind, found, body)
            self.changes.append(f"PATCH {kind} {found.get('name') or found.get('identifier')}")
        return 200, self._shown(found)

    def _related(
        self, method: str, kind: str, found: dict[str, Any], name: str, body: Any
    ) -> tuple[int, Any]:
        if name == "survey_spec":
            if method == "POST":
                _check_survey(body)
                found["_survey"] = body
                self.changes.append(f"POST survey of {found['name']}")
            return 200, found.get("_survey", {})
        if name == "create_approval_template" and method == "POST":
            template = self._create("workflow_approval_templates", body)
            found["unified_job_template"] = template["id"]
            return 201, self._shown(template)
        if name == "update":
            return (200, {"can_update": True}) if method == "GET" else (202, {"id": 1})
        if name not in KINDS[kind].lists:
            return 404, {"detail": "Not found."}
        target = KINDS[kind].lists[name]
        members: list[int] = found["_lists"].setdefault(name, [])
        if method == "GET":
            return 200, _page([self._shown(self.objects[target][number]) for number in members])
        number = body["id"]
        if number not in self.objects[target]:
            raise Refused(f"{name}: there is no {target} {number}")
        if body.get("disassociate"):
            members.remove(number)
        else:
            if number in members:
                raise Refused(f"{name}: {number} is there already")
            members.append(number)
        self.changes.append(f"POST {name} of {found.get('name') or found.get('identifier')}")
        return 204, None

    # -- what is kept ----------------------------------------------------------------------------

    def _create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check(kind, body, given=body)
        for name in KINDS[kind].required:
            if body.get(name) in (None, ""):
                raise Refused(f"{name}: this field is required")
        self._next += 1
        made = {"id": self._next, "type": kind[:-1], "_kind": kind, "_lists": {}}
        made |= {"type": "inventory"} if kind == "inventories" else {}
        made |= dict(KINDS[kind].defaults)
        self.objects[kind][self._next] = made
        self._keep(kind, made, body)
        self.changes.append(f"POST {kind} {body.get('name') or body.get('identifier')}")
        return made

    def _keep(self, kind: str, found: dict[str, Any], body: dict[str, Any]) -> None:
        if kind == "credentials" and "inputs" in body:
            held = self.secrets.setdefault(found["id"], {})
            held.update({k: v for k, v in body["inputs"].items() if v != ENCRYPTED})
            secret = {item["id"] for item in self._inputs(found, body) if item.get("secret")}
            shown = {k: ENCRYPTED if k in secret else v for k, v in held.items()}
            body = {**body, "inputs": shown}
        if kind == "notification_templates" and "notification_configuration" in body:
            shown = dict(body["notification_configuration"])
            shown |= {"password": ENCRYPTED} if shown.get("password") else {}
            body = {**body, "notification_configuration": shown}
        found.update(body)

    def _inputs(self, found: Mapping[str, Any], body: Mapping[str, Any]) -> list[dict[str, Any]]:
        number = body.get("credential_type", found.get("credential_type"))
        fields: list[dict[str, Any]] = self.objects["credential_types"][number]["inputs"]["fields"]
        return fields

    def _shown(self, found: dict[str, Any]) -> dict[str, Any]:
        base = f"/api/v2/{found['_kind']}/{found['id']}/"
        names = [*KINDS[found["_kind"]].lists, "survey_spec", "create_approval_template", "update"]
        related = {name: f"{base}{name}/" for name in names}
        started = found.get("unified_job_template")
        for kind in _UNIFIED:
            if started in self.objects[kind]:
                related["unified_job_template"] = f"/api/v2/{kind}/{started}/"
        return {
            **_public(found),
            "url": base,
            "related": related,
            "summary_fields": {},
        }

    def _add_own_types(self) -> None:
        self.objects["credential_types"][1] = {
            "id": 1, "type": "credential_type", "_kind": "credential_types", "_lists": {},
            "name": "Machine", "kind": "ssh", "inputs": _MACHINE_INPUTS, "injectors": {},
        }  # fmt: skip
        self.objects["credential_types"][2] = {
            "id": 2, "type": "credential_type", "_kind": "credential_types", "_lists": {},
            "name": "Vault", "kind": "vault", "inputs": _VAULT_INPUTS, "injectors": {},
        }  # fmt: skip

    # -- what is refused -------------------------------------------------------------------------

    def _check(self, kind: str, whole: Mapping[str, Any], *, given: Mapping[str, Any]) -> None:
        fields = KINDS[kind].fields
        for name, value in given.items():
            if name in _READ_ONLY:
                continue
            if name not in fields:
                raise Refused(f"{name}: {kind} have no such field")
            self._check_value(name, value, fields[name])
        special = {
            "credential_types": self._check_credential_type,
            "credentials": self._check_credential,
            "notification_templates": self._check_notification,
            "job_templates": self._check_job_template,
            "schedules": self._check_schedule,
            "projects": self._check_project,
        }.get(kind)
        if special:
            special(whole)

    def _check_value(self, name: str, value: Any, wanted: type | str | tuple[str, ...]) -> None:
        if value is None and name in _NULLABLE:
            return
        if isinstance(wanted, tuple):
            if value not in wanted:
                raise Refused(f'{name}: "{value}" is not a valid choice')
        elif isinstance(wanted, str):
            kinds = _UNIFIED if wanted == "unified_job_templates" else (wanted,)
            if value is not None and not any(value in self.objects[kind] for kind in kinds):
                raise Refused(f'{name}: invalid pk "{value}" - object does not exist')
        elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise Refused(f"{name}: {value!r} is no {wanted.__name__}")
        elif name == "extra_vars" and not isinstance(json.loads(str(value or "{}")), dict):
            raise Refused(f"{name}: no JSON object")

    def _check_credential_type(self, whole: Mapping[str, Any]) -> None:
        known = {item["id"] for item in whole.get("inputs", {}).get("fields", [])}
        for item in whole.get("inputs", {}).get("fields", []):
            unknown = set(item) - {
                "id",
                "label",
                "type",
                "secret",
                "multiline",
                "help_text",
                "choices",
                "default",
            }
            if unknown or item.get("type") not in ("string", "boolean"):
                raise Refused(f"inputs: {item} is no field")
        if set(whole.get("inputs", {}).get("required", [])) - known:
            raise Refused("inputs: a required field is none")
        for name, template in whole.get("injectors", {}).get("extra_vars", {}).items():
            used = set(re.findall(r"{{\s*(\w+)\s*}}", str(template)))
            if not used or used - known:
                raise Refused(f"injectors: {name}: {template} uses no or an unknown field")

    def _check_credential(self, whole: Mapping[str, Any]) -> None:
        if whole.get("credential_type") is None:
            return
        known = {item["id"] for item in self._inputs(whole, {})}
        if unknown := set(whole.get("inputs") or {}) - known:
            # AWX would not quote a secret. Nor must the client show it.
            raise Refused(f"inputs: {sorted(unknown)} not known in {whole['inputs']}")

    def _check_notification(self, whole: Mapping[str, Any]) -> None:
        wanted = _NOTIFICATION_FIELDS[whole["notification_type"]]
        given = whole.get("notification_configuration") or {}
        if wrong := set(given) ^ wanted:
            raise Refused(f"notification_configuration: {sorted(wrong)} in {given}")

    def _check_job_template(self, whole: Mapping[str, Any]) -> None:
        playbook = whole.get("playbook", "")
        if playbook and not (self._project / playbook).is_file():
            raise Refused(f"playbook: {playbook} not found for project")

    def _check_project(self, whole: Mapping[str, Any]) -> None:
        if whole.get("scm_type") and not whole.get("scm_url"):
            raise Refused("scm_url: SCM URL is required")

    def _check_schedule(self, whole: Mapping[str, Any]) -> None:
        """As AWX does: one DTSTART with a zone or in UTC, and rules with FREQ and INTERVAL."""
        rule = whole.get("rrule", "")
        if not re.match(r"DTSTART(;TZID=[\w/+-]+:\d{8}T\d{6}|:\d{8}T\d{6}Z)\s", rule):
            raise Refused("rrule: valid DTSTART required in rrule, with a zone or in UTC")
        rules = re.findall(r"RRULE:(\S+)", rule)
        if not rules or any("FREQ=" not in r or "INTERVAL=" not in r for r in rules):
            raise Refused("rrule: RRULE, FREQ and INTERVAL are required in rrule")
        if any("SECONDLY" in r or ("COUNT=" in r and "UNTIL=" in r) for r in rules):
            raise Refused("rrule: not supported")


def _check_survey(body: Any) -> None:
    if set(body) != {"name", "description", "spec"} or not isinstance(body["spec"], list):
        raise Refused("survey: name, description and spec are needed, and nothing else")
    for question in body["spec"]:
        for name in ("question_name", "variable", "type", "required"):
            if name not in question:
                raise Refused(f"survey: '{name}' missing from a question")
        if question["type"] not in _SURVEY_TYPES:
            raise Refused(f"survey: {question['type']} is no type of question")
        if not isinstance(question["required"], bool):
            raise Refused("survey: required is no bool")


def _matches(item: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    alternatives = {k.removeprefix("or__"): v for k, v in query.items() if k.startswith("or__")}
    if alternatives and not any(str(item.get(k)) == v for k, v in alternatives.items()):
        return False
    wanted = {
        k.removesuffix("__exact"): v
        for k, v in query.items()
        if not k.startswith("or__") and k not in ("page", "page_size", "order_by")
    }
    for name in [name for name in wanted if name.endswith("__startswith")]:
        if not str(item.get(name.removesuffix("__startswith"))).startswith(wanted.pop(name)):
            return False
    return all(str(item.get(name)) == value for name, value in wanted.items())


def _public(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if not name.startswith("_")}


def _page(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(results), "next": None, "previous": None, "results": results}
