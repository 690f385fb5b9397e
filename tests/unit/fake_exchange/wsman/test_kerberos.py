# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does Kerberos work against a real KDC: tickets for a host name, message encryption, refusals?"""

from __future__ import annotations

import os
import stat

import pytest
import winrm
from winrm.exceptions import WSManFaultError

from fake_exchange.faults import Fault
from support import kdc as kdc_module
from support.kdc import Kdc

gssapi = pytest.importorskip("gssapi", reason="Kerberos needs the gssapi library")
pytest.importorskip("krb5", reason="Kerberos needs the krb5 library")
MISSING = kdc_module.missing_programs()
pytestmark = [
    pytest.mark.kerberos,
    pytest.mark.skipif(bool(MISSING), reason=f"no KDC on this machine: {MISSING} not found"),
]
PASSWORD = 'Pa:ss "word" 1'


@pytest.fixture(scope="module")
def kdc():
    users = {"ansible": PASSWORD, "stranger": PASSWORD}
    with Kdc(users, ["ex01.contoso.test"]) as running, running.in_environment():
        yield running


@pytest.fixture
def domain_fake(kdc, organisation, start):
    organisation.keytab = kdc.keytab
    return start(organisation)


def kerberos_session(fake, user="ansible@CONTOSO.TEST", password=PASSWORD, **options):
    settings = {"username": user, "password": password}
    settings["negotiate_hostname_override"] = "ex01.contoso.test"
    return fake.session("kerberos", **{**settings, **options})


@pytest.mark.parametrize("ssl", [False, True])
def test_a_session_with_user_and_password(domain_fake, ssl):
    with kerberos_session(domain_fake, ssl=ssl) as session:
        assert session.invoke(("Write-Text", {"Length": 200_000})).output == ["x" * 200_000]
    assert (domain_fake.total["sessions"], domain_fake.open_shells()) == (1, 0)


def test_negotiate_prefers_kerberos(domain_fake):
    session = kerberos_session(domain_fake)
    session.wsman.transport.auth = "negotiate"
    with session:
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]
        context = session.wsman.transport.session.auth.contexts["127.0.0.1"]
        assert context.negotiated_protocol == "kerberos"


def test_the_address_itself_has_a_ticket_too(domain_fake):
    with kerberos_session(domain_fake, negotiate_hostname_override=None) as session:
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]


def test_a_wrong_password_fails_at_the_kdc(domain_fake):
    with pytest.raises(Exception, match=r"(?i)preauthentication|password|decrypt"):
        kerberos_session(domain_fake, password="wrong").open()
    assert domain_fake.total["connections"] == 1  # the first 401 and nothing after it


def test_a_principal_without_an_account_is_refused(domain_fake):
    with pytest.raises(Exception, match="authenticate"):
        kerberos_session(domain_fake, user="stranger@CONTOSO.TEST").open()


def test_an_idle_drop_is_healed_by_a_reset(domain_fake):
    with kerberos_session(domain_fake) as session:
        domain_fake.organisation.faults.arm(Fault("drop_idle"))
        with pytest.raises(Exception, match="400"):
            session.invoke(("Write-Text", {}))
        session.pool.pipeline_table.clear()
        session.reset_transport()
        assert session.invoke(("Write-Text", {})).output == ["xxxxx"]


def test_pywinrm_with_a_ticket_in_a_cache(domain_fake):
    pytest.importorskip("kerberos", reason="pywinrm needs pykerberos for Kerberos")
    name = gssapi.Name("ansible@CONTOSO.TEST", gssapi.NameType.kerberos_principal)
    ticket = gssapi.raw.acquire_cred_with_password(
        name, PASSWORD.encode(), usage="initiate", mechs=[gssapi.MechType.kerberos]
    )
    cache = {b"ccache": os.environ["KRB5CCNAME"].encode()}
    gssapi.raw.store_cred_into(cache, ticket.creds, usage="initiate", overwrite=True)
    client = winrm.Protocol(
        endpoint=f"http://127.0.0.1:{domain_fake.ports['winrm_http']}/wsman",
        transport="kerberos",
        kerberos_hostname_override="ex01.contoso.test",
        username="ansible@CONTOSO.TEST",
        proxy=None,
        ca_trust_path=None,
    )
    with pytest.raises(WSManFaultError) as caught:  # no cmd shells here, but who asks is known
        client.open_shell()
    assert caught.value.wsman_fault_code == 2150858811


def test_the_kdc_leaves_nothing_behind_and_keeps_secrets_to_itself():
    with Kdc({"ansible": PASSWORD}, ["ex01.contoso.test"]) as kdc:
        assert stat.S_IMODE(os.stat(kdc.directory).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(kdc.keytab).st_mode) == 0o600
        process = kdc._process
    assert process.returncode is not None
    assert not kdc.directory.exists()
