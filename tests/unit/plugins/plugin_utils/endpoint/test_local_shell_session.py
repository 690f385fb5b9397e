# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cmdlets in the Exchange shell of a server: what is sent to the script, and what comes back.

The fake takes the place of the script here, pinned by recordings of real PowerShell
(test_recordings.py); its whole way through WinRM is tested with playbooks (test_edge.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.local_shell_session import (
    LocalShellSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteEnum,
    RemoteObject,
    Secret,
    text_of,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    CmdletNotAvailable,
    InvalidInput,
    PromptNotAnswerable,
    WindowsScriptFailed,
)
from fake_exchange.organisation import installation
from fake_exchange.organisation.model import Organisation, Server
from support import pki
from support.cmdlet_shell import small_organisation
from support.windows_scripts import run_script

MAIL = pki.root(("CN", "Test Root")).issue(("CN", "mail.contoso.test"), dns=["mail.contoso.test"])


class ScriptRunner:
    """In place of a WindowsSession: runs the collection's scripts on one server of the fake."""

    settings = SimpleNamespace(host="edge01.contoso.test")

    def __init__(self, organisation: Organisation, server: Server) -> None:
        self.organisation, self.server = organisation, server
        self.sent: list[Mapping[str, Any]] = []
        self.changing: list[bool] = []

    def run(
        self,
        script_name: str,
        parameters: Mapping[str, Any],
        *,
        changing: bool = False,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        self.sent.append(parameters)
        self.changing.append(changing)
        document = run_script(self.organisation, self.server, script_name, **parameters)
        if not document["ok"]:
            raise WindowsScriptFailed(document["message"])
        answer: dict[str, Any] = document["answer"]
        return answer


@pytest.fixture
def organisation() -> Organisation:
    organisation = small_organisation("EX01")
    edge = Server("EDGE01", "edge01.contoso.test", "Perimeter", ServerRole="Edge")
    organisation.servers["EDGE01"] = edge
    installation.equip(organisation, edge, None)
    return organisation


@pytest.fixture
def runner(organisation: Organisation) -> ScriptRunner:
    return ScriptRunner(organisation, organisation.servers["EDGE01"])


@pytest.fixture
def session(runner: ScriptRunner) -> LocalShellSession:
    return LocalShellSession(runner)  # type: ignore[arg-type]


def import_mail(session: LocalShellSession) -> None:
    session.invoke(
        Cmdlet(
            "Import-ExchangeCertificate",
            {"FileData": MAIL.pfx("s3cret"), "Password": Secret("s3cret"), "Server": "EDGE01"},
        ),
        changing=True,
    )


def enable(**more: Any) -> Cmdlet:
    parameters = {"Thumbprint": MAIL.thumbprint, "Services": "SMTP", "Server": "EDGE01", **more}
    return Cmdlet("Enable-ExchangeCertificate", parameters)


# What comes back ----------------------------------------------------------------------------------


def test_objects_come_with_their_properties_enums_lists_bytes_and_dates(
    session: LocalShellSession,
) -> None:
    names = ["Thumbprint", "Services", "CertificateDomains", "RawData", "NotAfter", "IsSelfSigned"]
    (found,) = session.invoke(
        Cmdlet("Get-ExchangeCertificate"), Cmdlet("Select-Object", {"Property": names})
    ).output

    assert isinstance(found, RemoteObject)
    assert list(found.properties) == names
    services = found.get("Services")
    assert isinstance(services, RemoteEnum)
    assert services.names == {"SMTP"}
    assert [text_of(item) for item in found.get("CertificateDomains")] == [  # type: ignore[union-attr]
        "EDGE01",
        "edge01.contoso.test",
    ]
    assert isinstance(found.get("RawData"), bytes)
    assert found.get("NotAfter").tzinfo is not None  # type: ignore[union-attr]
    assert found.get("IsSelfSigned") is True


def test_without_a_projection_the_whole_object_comes(session: LocalShellSession) -> None:
    (found,) = session.invoke(Cmdlet("Get-TransportService", {"Identity": "EDGE01"})).output
    assert isinstance(found, RemoteObject)
    assert text_of(found.get("Name")) == "EDGE01"


def test_nothing_is_an_empty_list(session: LocalShellSession) -> None:
    assert session.invoke(Cmdlet("Get-MessageTrackingLog")).output == []


# What is sent -------------------------------------------------------------------------------------


def test_bytes_and_secrets_arrive_and_change_something_once(
    session: LocalShellSession, runner: ScriptRunner
) -> None:
    import_mail(session)

    assert MAIL.thumbprint in runner.server.certificates
    assert runner.changing == [True]
    (sent,) = runner.sent
    assert {item["name"]: item["kind"] for item in sent["cmdlet"]["arguments"]} == {
        "FileData": "bytes",
        "Password": "secret",
        "Server": "plain",
    }


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, True),
        (None, None),
        (["a", "b"], ["a", "b"]),
        (frozenset({"Tls", "None"}), ["None", "Tls"]),
        (timedelta(minutes=10), "00:10:00"),
    ],
)
def test_values_travel_as_json(value: object, sent: object) -> None:
    seen: list[Any] = []

    def run(name: str, parameters: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        seen.extend(parameters["cmdlet"]["arguments"])
        return {"cmdlet": {"output": "<Objs></Objs>"}}

    windows: Any = SimpleNamespace(settings=SimpleNamespace(host="edge01"), run=run)
    LocalShellSession(windows).invoke(Cmdlet("Set-ReceiveConnector", {"Value": value}))
    assert seen == [{"name": "Value", "kind": "plain", "value": sent}]


def test_a_value_without_a_form_is_refused_before_anything_is_sent(
    session: LocalShellSession, runner: ScriptRunner
) -> None:
    with pytest.raises(InvalidInput, match="Parameter Value of Set-ReceiveConnector"):
        session.invoke(Cmdlet("Set-ReceiveConnector", {"Value": object()}))
    assert runner.sent == []


def test_a_longer_pipeline_is_a_mistake_of_the_caller(session: LocalShellSession) -> None:
    with pytest.raises(ValueError, match="one cmdlet"):
        session.invoke(Cmdlet("Get-Queue"), Cmdlet("Measure-Object"))


# Failures -----------------------------------------------------------------------------------------


def test_a_cmdlet_that_an_edge_server_lacks_is_not_available(session: LocalShellSession) -> None:
    with pytest.raises(CmdletNotAvailable, match="Get-AuthConfig"):
        session.invoke(Cmdlet("Get-AuthConfig"))


def test_a_failed_cmdlet_reports_its_words_once(session: LocalShellSession) -> None:
    with pytest.raises(CmdletFailed, match="couldn't be found") as caught:
        session.invoke(Cmdlet("Set-ReceiveConnector", {"Identity": "EDGE01\\Nowhere"}))
    (error,) = caught.value.errors
    assert error.cmdlet == "Set-ReceiveConnector"


def test_error_records_can_be_left_to_the_caller(session: LocalShellSession) -> None:
    result = session.invoke(
        Cmdlet("Set-ReceiveConnector", {"Identity": "EDGE01\\Nowhere"}), expect_errors=True
    )
    assert len(result.errors) == 1


def test_a_server_without_an_exchange_shell_is_named_as_such(organisation: Organisation) -> None:
    runner: Any = ScriptRunner(organisation, organisation.servers["EX01"])
    with pytest.raises(WindowsScriptFailed, match="no Exchange Management Shell of its own"):
        LocalShellSession(runner).invoke(Cmdlet("Get-ExchangeCertificate"))


# Questions ----------------------------------------------------------------------------------------


def test_a_question_fails_and_changes_nothing(
    session: LocalShellSession, runner: ScriptRunner
) -> None:
    import_mail(session)

    with pytest.raises(PromptNotAnswerable, match="NonInteractive mode"):
        session.invoke(enable(), answer=lambda prompt: "No", changing=True)

    assert not runner.server.certificates[MAIL.thumbprint].Services


def test_another_cmdlet_can_follow_within_the_same_process(
    session: LocalShellSession, runner: ScriptRunner
) -> None:
    import_mail(session)
    internal = runner.server.InternalTransportCertificateThumbprint
    again = enable(Thumbprint=internal, Force=True)

    session.invoke(
        Cmdlet("Enable-ExchangeCertificate", enable(Force=True).parameters, again), changing=True
    )

    assert len(runner.sent) == 2
    assert runner.server.InternalTransportCertificateThumbprint == internal
    assert "SMTP" in str(runner.server.certificates[MAIL.thumbprint].Services)


def test_what_follows_runs_even_if_the_first_one_fails(
    session: LocalShellSession, runner: ScriptRunner
) -> None:
    import_mail(session)
    wrong = Cmdlet(
        "Enable-ExchangeCertificate",
        enable(Thumbprint="0" * 40, Force=True).parameters,
        afterwards=enable(Force=True),
    )

    with pytest.raises(CmdletFailed):
        session.invoke(wrong, changing=True)

    assert runner.server.InternalTransportCertificateThumbprint == MAIL.thumbprint


@pytest.mark.parametrize(
    "message",
    [
        "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not "
        "available.",
        "PowerShell befindet sich im NonInteractive-Modus.",
    ],
)
def test_the_words_of_a_console_that_cannot_ask_are_known_too(message: str) -> None:
    record = {
        "message": message,
        "exception_type": "System.Management.Automation.PSInvalidOperationException",
        "error_id": "InvalidOperation,Enable-ExchangeCertificate",
    }
    windows: Any = SimpleNamespace(
        settings=SimpleNamespace(host="edge01"),
        run=lambda *a, **k: {"cmdlet": {"output": "<Objs></Objs>", "errors": [record, record]}},
    )
    with pytest.raises(PromptNotAnswerable):
        LocalShellSession(windows).invoke(enable(), changing=True)
