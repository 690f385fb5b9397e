# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Are people notified before, after and on failure, and no secret with it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from support.example_organisation import write_example
from support.fake_process import FakeProcess
from support.loopback_server import LoopbackServer, answer, handler_of
from support.rotation_stage import RotationStage

TOKEN = "t0ken-of-the-webhook"


class Webhook(LoopbackServer):
    """A web service that keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        super().__init__(handler_of(self._keep))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/{TOKEN}"

    @property
    def events(self) -> list[str]:
        return [body["event"] for body in self.bodies]

    def _keep(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        self.bodies.append(json.loads(body))
        self.headers.append(dict(request.headers))
        answer(request, self.status)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


@pytest.fixture
def stage(tmp_path: Path, webhook: Webhook) -> Iterator[RotationStage]:
    example = write_example(tmp_path, [{"name": "EX01"}])
    with FakeProcess.start(example.file) as fake:
        variables = {
            "rotate_record_directory": str(tmp_path / "runs"),
            "notify_webhook_url": webhook.url,
            "notify_webhook_headers": {"X-Token": TOKEN},
        }
        yield RotationStage(tmp_path, example, fake, variables)


def test_people_are_notified_before_and_after_and_not_when_nothing_is_done(
    stage: RotationStage, webhook: Webhook, tmp_path: Path
) -> None:
    own = tmp_path / "own.yml"
    own.write_text(
        "- name: Write it down\n"
        "  ansible.builtin.copy:\n"
        f"    dest: {tmp_path}/notified-{{{{ notify_event }}}}\n"
        '    content: "{{ notify_subject }}"\n'
        '    mode: "0600"\n'
        "  delegate_to: localhost\n"
        "  vars:\n"
        "    ansible_connection: local\n"
    )

    stage.run(check_mode=True, notify_tasks=str(own)).check()
    assert webhook.events == []
    run = stage.run(notify_tasks=str(own), arguments=("-vvv",)).check()

    assert webhook.events == ["before", "after"]
    assert webhook.headers[0]["X-Token"] == TOKEN
    assert "Import certificate" in webhook.bodies[0]["text"]
    assert stage.example.new.thumbprint in webhook.bodies[1]["text"]
    assert webhook.bodies[1]["run_folder"].startswith(str(tmp_path / "runs"))
    assert {file.name for file in tmp_path.glob("notified-*")} == {
        "notified-before",
        "notified-after",
    }
    assert TOKEN not in run.output
    assert stage.example.password not in json.dumps(webhook.bodies)

    assert stage.run().check().changed == 0
    assert webhook.events == ["before", "after"]


def test_people_are_notified_of_a_failure_and_of_what_became_of_it(
    stage: RotationStage, webhook: Webhook
) -> None:
    stage.fake.post("/faults", kind="fail_cmdlet", cmdlet="Set-SendConnector")

    assert stage.run().return_code != 0

    assert webhook.events == ["before", "failure"]
    assert "Everything is as it was before the run." in webhook.bodies[1]["text"]


def test_a_notification_that_fails_before_stops_the_run_unless_that_is_not_wanted(
    stage: RotationStage, webhook: Webhook
) -> None:
    webhook.status = 503

    run = stage.run()
    assert run.return_code != 0
    assert "answered 503" in run.output
    assert stage.changing_cmdlets() == []
    assert TOKEN not in run.output

    continued = stage.run(notify_must_succeed=False).check()
    assert "NOT NOTIFIED (before)" in continued.output
    assert stage.everywhere() == {stage.example.new.thumbprint}


def test_a_mail_reaches_the_people(stage: RotationStage, tmp_path: Path) -> None:
    """Through the fake's own front end, which trusts its root."""
    variables = {
        "notify_webhook_url": "",
        "notify_mail_host": "127.0.0.1",
        "notify_mail_port": stage.fake.server("EX01")["ports"]["smtp"],
        "notify_mail_security": "none",
        "notify_mail_sender": "exchange@contoso.test",
        "notify_mail_recipients": ["team@contoso.test"],
    }

    stage.run(**variables).check()

    events = [item["recipient"] for item in stage.fake.get("/mail")["delivered"]]
    assert events == ["team@contoso.test", "team@contoso.test"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"notify_mail_recipients": []}, "recipients is empty"),
        ({"notify_mail_recipients": ["nobody"]}, "'nobody' is not a mail address"),
        ({"notify_mail_port": 1}, "cannot be reached"),
    ],
)
def test_a_mail_that_cannot_be_sent_says_why(
    stage: RotationStage, variables: dict[str, Any], said: str
) -> None:
    run = stage.run(
        **{
            "notify_webhook_url": "",
            "notify_mail_host": "127.0.0.1",
            "notify_mail_security": "none",
            "notify_mail_sender": "exchange@contoso.test",
            "notify_mail_recipients": ["team@contoso.test"],
            "notify_mail_port": stage.fake.server("EX01")["ports"]["smtp"],
            **variables,
        }
    )

    assert run.return_code != 0
    assert said in run.output
    assert stage.changing_cmdlets() == []
