# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the fake fail the way real servers do: refused log-ons, wrong addresses, quotas, lost
connections, lost answers, lost shells?"""

from __future__ import annotations

import pytest
import requests
from psrpcore.types import PSInvocationState, RunspacePoolState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.wsman import WSManAction

from fake_exchange.faults import Fault


def code_of_opening(session) -> tuple[int, str]:
    """Number and text of the fault with which a session is refused."""
    with pytest.raises(WSManFaultError) as caught:
        session.open()
    return caught.value.code, caught.value.provider_fault or caught.value.reason


def http_status_of_opening(session) -> int:
    """pypsrp takes a page of IIS for a fault without details; the status is in the context."""
    with pytest.raises((WinRMTransportError, WSManFaultError)) as caught:
        session.open()
    error = caught.value
    while not isinstance(error, WinRMTransportError):
        error = error.__context__
    return error.code


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate", "basic"])
def test_a_wrong_password_is_refused(fake, protocol):
    with pytest.raises(AuthenticationError):
        fake.session(protocol, password="wrong").open()
    assert fake.total["sessions"] == 0


def test_an_unknown_user_is_refused(fake):
    with pytest.raises(AuthenticationError):
        fake.session(username=r"CONTOSO\stranger").open()


@pytest.mark.parametrize("user", ["ansible", r"CONTOSO\ansible", "ansible@CONTOSO.TEST"])
@pytest.mark.parametrize("protocol", ["ntlm", "basic"])
def test_a_user_may_be_named_in_every_usual_form(fake, protocol, user):
    with fake.session(protocol, username=user) as session:
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]


def test_basic_is_offered_over_tls_only(fake):
    plain = requests.post(f"http://127.0.0.1:{fake.ports['powershell_http']}/PowerShell", timeout=9)
    secure = requests.post(
        f"https://127.0.0.1:{fake.ports['https']}/PowerShell", verify=fake.ca_file, timeout=9
    )
    assert plain.status_code == secure.status_code == 401
    assert plain.headers["WWW-Authenticate"] == "Negotiate, Kerberos, NTLM"
    assert "Basic realm" in secure.headers["WWW-Authenticate"]


def offered(fake) -> str:
    url = f"https://127.0.0.1:{fake.ports['https']}/PowerShell"
    return requests.post(url, verify=fake.ca_file, timeout=9).headers["WWW-Authenticate"]


def test_basic_can_be_switched_off(fake):
    fake.organisation.behavior.basic_authentication = False
    assert "Basic" not in offered(fake)
    with pytest.raises(AuthenticationError):
        fake.session("basic").open()


def test_without_kerberos_and_negotiate_there_is_ntlm(fake):
    fake.organisation.behavior.kerberos_authentication = False
    assert offered(fake).startswith("NTLM, Basic ")
    with fake.session("ntlm") as session:
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]


def test_ntlm_over_tls_must_name_the_certificate_it_saw(fake):
    with pytest.raises(AuthenticationError):
        fake.session("ntlm", ssl=True, negotiate_send_cbt=False).open()


def test_messages_in_the_clear_are_not_taken_over_http(fake):
    session = fake.session("ntlm", encryption="never")
    with pytest.raises(WinRMTransportError) as caught:
        session.open()
    assert (caught.value.code, caught.value.response_text) == (500, "")


@pytest.mark.parametrize(
    "path", ["powershell", "POWERSHELL/", "PowerShell?serializationLevel=Full"]
)
def test_the_path_is_taken_in_any_case_and_with_a_query(fake, path):
    with fake.session(path=path) as session:
        assert session.pool.state == RunspacePoolState.Opened


@pytest.mark.parametrize("protocol", ["ntlm", "basic"])
def test_a_wrong_path_is_not_found(fake, protocol):
    assert (
        http_status_of_opening(fake.session(protocol, path="PowerShellX", encryption="auto")) == 404
    )


def test_beside_wsman_nothing_is_found(fake):
    port = fake.ports["winrm_http"]
    assert http_status_of_opening(fake.session(port=port, path="PowerShell")) == 404


def test_another_configuration_than_exchanges_is_not_found(fake):
    session = fake.session(
        resource_uri="http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
    )
    assert code_of_opening(session)[0] == 2150858811


def test_an_exchange_session_does_not_open_at_the_winrm_port(fake):
    session = fake.session(path="wsman", port=fake.ports["winrm_http"])
    assert code_of_opening(session)[0] == 2150858811


def test_an_account_without_remote_powershell_gets_a_page_instead_of_soap(fake):
    assert http_status_of_opening(fake.session("basic", username=r"CONTOSO\locked")) == 403


def test_an_account_without_roles_gets_that_as_the_reason(fake):
    code, text = code_of_opening(fake.session(username=r"CONTOSO\nobody"))
    assert code == 5
    assert text.endswith('The user "CONTOSO\\nobody" isn\'t assigned to any management roles.')


def test_the_quota_of_sessions_counts_what_is_open_now(fake):
    fake.organisation.behavior.maximum_sessions_per_user = 2
    first, second, third = fake.session(), fake.session(), fake.session()
    first.open()
    second.open()
    code, text = code_of_opening(third)
    assert code == 2150859173
    assert "maximum number of 2 concurrent shells" in text
    with fake.session(username=r"CONTOSO\colleague"):
        pass  # the quota is each account's own
    first.close()
    with fake.session():
        pass
    second.close()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("throttle", "maximum number of 18 concurrent shells"),
        ("throttle_requests", "The user load quota of"),
        ("throttle_connections", "exceeded the maximum number of connections allowed : 18"),
    ],
)
def test_throttling_speaks_in_each_of_its_wordings_and_then_lets_pass(fake, kind, text):
    fake.organisation.faults.arm(Fault(kind))
    assert text in code_of_opening(fake.session())[1]
    with fake.session() as session:
        assert session.invoke(("Write-Text", {})).state == PSInvocationState.Completed


def test_a_shell_is_its_owners_alone(fake):
    with fake.session() as mine:
        stranger = fake.session(username=r"CONTOSO\colleague")
        stranger.shell_id = mine.shell_id
        stranger.wsman.transport.session = None
        with pytest.raises(WSManFaultError):
            stranger._invoke(WSManAction.GET, None)
        assert mine.invoke(("Write-Text", {})).output == ["xxxxx"]


def test_a_shell_is_found_only_with_the_cookie_that_leads_to_it(fake):
    with fake.session() as session:
        cookies = session.wsman.transport.session.cookies
        kept = cookies.copy()
        cookies.clear()
        with pytest.raises(WSManFaultError) as caught:
            session.invoke(("Write-Text", {}))
        session.pool.pipeline_table.clear()
        cookies.clear()
        cookies.update(kept)
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert caught.value.code == 2150858843


def test_without_cookies_a_shell_is_found_by_its_name_alone(fake):
    fake.organisation.behavior.session_cookies = False
    with fake.session() as session:
        assert list(session.wsman.transport.session.cookies) == []
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]


# Connections that break -------------------------------------------------------------------------


def test_an_idle_drop_makes_encrypted_messages_unreadable_until_the_transport_is_reset(fake):
    with fake.session("ntlm") as session:
        session.invoke(("Write-Text", {}))
        fake.organisation.faults.arm(Fault("drop_idle"))
        for _ in range(2):
            with pytest.raises(WinRMTransportError) as caught:
                session.invoke(("Write-Text", {}))
            session.pool.pipeline_table.clear()
            assert (caught.value.code, caught.value.response_text) == (400, "")
        assert len(fake.cmdlets.calls) == 1
        session.reset_transport()
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert len(fake.cmdlets.calls) == 2
    assert fake.total["sessions"] == 1


def test_an_idle_drop_over_tls_is_healed_by_logging_on_again(fake):
    with fake.session("basic") as session:
        session.invoke(("Write-Text", {}))
        fake.organisation.faults.arm(Fault("drop_idle", server="EX01", port="https"))
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert fake.total["connections"] == 2


def test_a_connection_idle_for_the_configured_time_is_dropped(fake):
    fake.organisation.behavior.idle_drop_seconds = 0.05
    with fake.session("basic") as session:
        fake.wait_until_no_connection()
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert fake.total["connections"] >= 2


def test_a_lost_answer_to_a_command_was_executed_and_can_be_received_after_a_reset(fake):
    with fake.session("ntlm") as session:
        fake.organisation.faults.arm(Fault("lose_answer", verb="Command"))
        with pytest.raises(requests.ConnectionError):
            session.start(("Write-Text", {}))
        (pipeline,) = session.pool.pipeline_table.values()
        session.reset_transport()
        result = session.finish(pipeline)
        session.end(pipeline)
    assert result.output == ["xxxxx"]
    assert len(fake.cmdlets.calls) == 1


def test_a_dropped_request_never_arrived(fake):
    with fake.session("ntlm") as session:
        fake.organisation.faults.arm(Fault("drop_connection", verb="Command"))
        with pytest.raises(requests.ConnectionError):
            session.start(("Write-Text", {}))
        (pipeline,) = session.pool.pipeline_table.values()
        session.reset_transport()
        with pytest.raises(WSManFaultError) as caught:
            session.receive_once(pipeline)
        session.end(pipeline)
    assert caught.value.code == 2150858843
    assert fake.cmdlets.calls == []


def test_the_end_of_a_cmdlet_can_get_lost_after_it_was_executed(fake):
    with fake.session("ntlm") as session:
        fake.organisation.faults.arm(Fault("lose_cmdlet", cmdlet="Write-Text"))
        pipeline = session.start(("Write-Text", {}))
        with pytest.raises(requests.ConnectionError):
            session.receive_once(pipeline)
        session.reset_transport()
        assert session.receive_once(pipeline) == []  # the command is done, its output is gone
        session.end(pipeline)
    assert len(fake.cmdlets.calls) == 1


def test_a_killed_shell_is_not_found(fake):
    session = fake.session()
    session.open()
    fake.organisation.faults.arm(Fault("kill_shell", server="EX01"))
    with pytest.raises(WSManFaultError) as caught:
        session.start(("Write-Text", {}))
    assert caught.value.code == 2150858843
    assert fake.open_shells() == 0


def test_sessions_die_with_the_web_service(fake):
    from fake_exchange.organisation.model import Service

    session = fake.session("basic")
    session.open()
    service = Service("W3SVC", "World Wide Web Publishing Service", Status="Stopped")
    for observer in fake.organisation.service_observers:
        observer(fake.server, service)
    assert fake.open_shells() == 0


def test_an_unreadable_message_is_a_fault_and_the_connection_lives_on(fake):
    with fake.session("basic") as session:
        with pytest.raises(WSManFaultError, match="SOAP XML"):
            session.wsman.invoke(
                "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command",
                session.resource_uri,
                None,
                selector_set=_selectors(session),
            )
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
    assert fake.total["connections"] == 1


def _selectors(session):
    from pypsrp.wsman import SelectorSet

    selectors = SelectorSet()
    selectors.add_option("ShellId", session.shell_id)
    return selectors
