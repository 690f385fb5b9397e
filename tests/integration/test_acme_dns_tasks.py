# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do the ready-made tasks for DNS records say what a provider said, and never a secret?"""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.loopback_server import LoopbackServer, answer, handler_of
from support.run_playbook import PlaybookRun, play, run_playbook, write_yaml

TOKEN = "token-of-the-provider"
URL_KEY = "key-in-the-url"
RECORD = "_acme-challenge.mail.contoso.test"
RECORDS = [{"name": RECORD, "values": ["first proof", "second proof"]}]


@dataclass
class Call:
    """What a provider was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Provider:
    """A DNS provider with an HTTP API, which answers as it is told."""

    status: int = 200
    calls: list[Call] = field(default_factory=list)
    port: int = 0

    def handle(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append(Call(request.command, request.path, headers, body))
        answer(request, self.status)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/records/{{{{ acme_renewal_record_name }}}}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()
    with LoopbackServer(handler_of(found.handle)) as server:
        found.port = server.port
        yield found


def update(
    folder: Path,
    tasks: str,
    *,
    state: str = "present",
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    **variables: Any,
) -> PlaybookRun:
    """Run one of the files as the role does."""
    inventory = write_yaml(
        folder / "inventory.yml",
        {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}},
    )
    step = {
        "name": "Update the records",
        "ansible.builtin.include_role": {
            "name": "mailops.exchange.acme_renewal",
            "tasks_from": tasks,
        },
        "vars": {"acme_renewal_record_state": state, "acme_renewal_records": RECORDS},
    }
    return run_playbook(
        folder,
        [play("localhost", [step])],
        inventory=inventory,
        extra_variables=variables,
        arguments=arguments,
        environment=environment,
    )


# -- a provider with an HTTP API ------------------------------------------------------------------


def call_api(folder: Path, provider: Provider, **more: Any) -> PlaybookRun:
    variables = {
        "acme_renewal_dns_api_headers": {"Authorization": f"Bearer {TOKEN}"},
        "acme_renewal_dns_api_present_url": f"{provider.url}?key={URL_KEY}",
        "acme_renewal_dns_api_present_body": {"value": "{{ acme_renewal_record_value }}"},
        "acme_renewal_dns_api_absent_url": f"{provider.url}?key={URL_KEY}",
        **more,
    }
    return update(folder, "dns_http_api.yml", **variables)


def told(run: PlaybookRun) -> str:
    """All that anybody sees, without line breaks."""
    return " ".join(f"{run.output} {run.results}".split())


@pytest.mark.parametrize("loudness", ["", "-vvvv"])
@pytest.mark.parametrize("inject", ["false", "true"])
def test_a_provider_that_refuses_is_told_without_its_token(
    tmp_path: Path, provider: Provider, loudness: str, inject: str
) -> None:
    provider.status = 403
    run = call_api(
        tmp_path,
        provider,
        arguments=(loudness,) if loudness else (),
        environment={"ANSIBLE_INJECT_INVOCATION": inject},
    )
    assert run.return_code != 0
    assert provider.calls[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert f"answered 403 for the TXT record of {RECORD}" in told(run)
    assert "HTTP Error 403: Forbidden" in told(run)
    assert TOKEN not in told(run)
    assert URL_KEY not in told(run)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_provider_that_takes_it_is_told_nothing_of_either(
    tmp_path: Path, provider: Provider, state: str
) -> None:
    run = call_api(
        tmp_path,
        provider,
        state=state,
        arguments=("-vvvv", "--diff"),
        environment={"ANSIBLE_INJECT_INVOCATION": "true"},
    ).check()
    assert len(provider.calls) == 2
    assert TOKEN not in told(run)
    assert URL_KEY not in told(run)


def test_each_value_is_a_call_with_its_own_body(tmp_path: Path, provider: Provider) -> None:
    call_api(tmp_path, provider).check()
    bodies = [json.loads(call.body) for call in provider.calls]
    assert bodies == [{"value": "first proof"}, {"value": "second proof"}]
    assert {call.method for call in provider.calls} == {"POST"}
    assert {call.headers["content-type"] for call in provider.calls} == {"application/json"}


def test_a_call_without_a_body_has_none(tmp_path: Path, provider: Provider) -> None:
    call_api(tmp_path, provider, state="absent").check()
    assert {call.path for call in provider.calls} == {f"/records/{RECORD}?key={URL_KEY}"}
    for call in provider.calls:
        assert call.method == "DELETE"
        assert call.body == b""
        assert "content-type" not in call.headers


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"acme_renewal_dns_api_present_url": f"http://127.0.0.1:1/?key={URL_KEY}"}, "refused"),
        # Python quotes these two in its reason.
        (
            {"acme_renewal_dns_api_headers": {"Authorization": f"Bearer {TOKEN}\n"}},
            "would show its headers or URL",
        ),
        (
            {"acme_renewal_dns_api_present_url": f"http://127.0.0.1:1/a b?key={URL_KEY}"},
            "would show its headers or URL",
        ),
    ],
)
def test_a_call_that_cannot_be_made_is_told_without_secrets(
    tmp_path: Path, provider: Provider, wrong: dict[str, Any], reason: str
) -> None:
    run = call_api(tmp_path, provider, arguments=("-vvvv",), **wrong)
    assert run.return_code != 0
    assert provider.calls == []
    assert "answered -1" in told(run)
    assert reason in told(run)
    assert TOKEN not in told(run)
    assert URL_KEY not in told(run)
