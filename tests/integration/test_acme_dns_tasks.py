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

from support.dns_server import missing_programs
from support.loopback_server import LoopbackServer, answer, handler_of
from support.run_playbook import PlaybookRun, has_collection, play, run_playbook, write_yaml

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
    """A DNS provider with an HTTP API, which answers with `status`."""

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


def shown(run: PlaybookRun) -> str:
    """All that anybody sees, without line breaks."""
    return " ".join(f"{run.output} {run.results}".split())


@pytest.mark.parametrize("loudness", ["", "-vvvv"])
@pytest.mark.parametrize("inject", ["false", "true"])
def test_a_provider_that_refuses_is_reported_without_its_token(
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
    assert f"answered 403 for the TXT record of {RECORD}" in shown(run)
    assert "HTTP Error 403: Forbidden" in shown(run)
    assert TOKEN not in shown(run)
    assert URL_KEY not in shown(run)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_provider_that_accepts_has_neither_secret_in_the_output(
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
    assert TOKEN not in shown(run)
    assert URL_KEY not in shown(run)


def test_each_value_is_a_call_with_its_own_body(tmp_path: Path, provider: Provider) -> None:
    call_api(tmp_path, provider).check()
    bodies = [json.loads(call.body) for call in provider.calls]
    assert bodies == [{"value": "first proof"}, {"value": "second proof"}]
    assert {call.method for call in provider.calls} == {"POST"}
    assert {call.headers["content-type"] for call in provider.calls} == {"application/json"}


@pytest.mark.parametrize("codes", [[204], "200,204", "204"])
def test_what_a_provider_answers_is_a_list_or_words_of_the_command_line(
    tmp_path: Path, provider: Provider, codes: Any
) -> None:
    provider.status = 204
    call_api(tmp_path, provider, acme_renewal_dns_api_status_codes=codes).check()
    provider.status = 201
    refused = call_api(tmp_path, provider, acme_renewal_dns_api_status_codes=codes)
    assert "answered 201 for the TXT record" in shown(refused)


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
def test_a_call_that_cannot_be_made_is_reported_without_secrets(
    tmp_path: Path, provider: Provider, wrong: dict[str, Any], reason: str
) -> None:
    run = call_api(tmp_path, provider, arguments=("-vvvv",), **wrong)
    assert run.return_code != 0
    assert provider.calls == []
    assert "answered -1" in shown(run)
    assert reason in shown(run)
    assert TOKEN not in shown(run)
    assert URL_KEY not in shown(run)


# -- nsupdate -------------------------------------------------------------------------------------


def nsupdate(folder: Path, tasks: str, **more: Any) -> PlaybookRun:
    variables = {
        "acme_renewal_terms_agreed": True,
        "acme_renewal_names": ["mail.contoso.test"],
        "acme_renewal_dns_tasks": "dns_nsupdate.yml",
        "acme_renewal_nsupdate_server": "127.0.0.1",
        "acme_renewal_nsupdate_port": 1,
        "acme_renewal_nsupdate_key_name": "acme",
        "acme_renewal_nsupdate_key_secret": "c2VjcmV0",
        **more,
    }
    return update(folder, tasks, arguments=("-vvvv",), **variables)


@pytest.mark.parametrize("secret", ["not/base64", "neither+this=", "n0t!", "", None])
def test_a_secret_that_is_no_base64_is_refused_before_anything(
    tmp_path: Path, secret: str | None
) -> None:
    run = nsupdate(tmp_path, "check.yml", acme_renewal_nsupdate_key_secret=secret)
    assert run.return_code != 0
    assert "acme_renewal_nsupdate_key_secret in base64" in shown(run)
    assert not secret or secret not in shown(run)


@pytest.mark.skipif(
    not has_collection("community.crypto"),
    reason="community.crypto could not be downloaded from PyPI (package ansible)",
)
@pytest.mark.parametrize("secret", ["c2VjcmV0", "c2VjcmV0cw==", "c2VjcmV0 cy4=\n"])
def test_a_secret_in_base64_is_taken_wherever_its_lines_break(tmp_path: Path, secret: str) -> None:
    nsupdate(tmp_path, "check.yml", acme_renewal_nsupdate_key_secret=secret).check()


@pytest.mark.skipif(bool(missing_programs()), reason="named or nsupdate is missing (bind9)")
def test_what_nsupdate_says_is_shown_without_the_secret(tmp_path: Path) -> None:
    run = nsupdate(tmp_path, "dns_nsupdate.yml", acme_renewal_nsupdate_key_secret="no/base64")
    assert run.return_code != 0
    assert "could not create key from (the secret): bad base64 encoding" in shown(run)
    assert "no/base64" not in shown(run)


@pytest.mark.skipif(bool(missing_programs()), reason="named or nsupdate is missing (bind9)")
def test_a_name_server_that_is_down_is_reported(tmp_path: Path) -> None:
    run = nsupdate(tmp_path, "dns_nsupdate.yml")
    assert run.return_code != 0
    assert f"127.0.0.1 refused to update the TXT records of {RECORD}" in shown(run)
    assert "c2VjcmV0" not in shown(run)
