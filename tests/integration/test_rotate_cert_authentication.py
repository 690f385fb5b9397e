# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does a whole rotation work with every way to log in: Basic over TLS and Kerberos? (The other
tests of the playbook use NTLM with message encryption.)"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from support import kdc
from support.example_organisation import ExampleOrganisation, authorities, write_example
from support.fake_process import FakeProcess
from support.rotation_stage import RotationStage

SERVERS = [{"name": "EX01", "site": "Berlin"}, {"name": "EX02", "site": "Hamburg"}]

_missing = [
    name for name in ("gssapi", "krb5", "kerberos") if importlib.util.find_spec(name) is None
]
_missing += kdc.missing_programs()


def assert_rotates(stage: RotationStage) -> None:
    """The first run changes every port, the second nothing."""
    assert stage.everywhere() == {stage.example.old.thumbprint}
    stage.run().check()
    assert stage.everywhere() == {stage.example.new.thumbprint}
    assert stage.run().check().changed == 0


def test_a_rotation_over_tls_with_basic_checks_certificates_all_the_time(tmp_path: Path) -> None:
    """Also the web site's own certificate, while it is being replaced under the session."""
    root = authorities()[0]

    def adjust(organisation: dict[str, Any]) -> None:
        authority = {"certificate": "winrm.pem", "key": "winrm.key"}
        organisation["winrm"] = {"authority": authority}

    example = write_example(tmp_path, SERVERS, adjust=adjust)
    issuing = root.intermediate(("CN", "WinRM Issuing CA"))
    (tmp_path / "winrm.pem").write_bytes(issuing.certificate_pem())
    (tmp_path / "winrm.key").write_bytes(_key_of(issuing))
    with FakeProcess.start(example.file) as fake:
        stage = RotationStage(tmp_path, example, fake)
        stage.inventory_variables = {
            "ansible_exchange_scheme": "https",
            "ansible_exchange_auth": "basic",
            "ansible_exchange_ca_file": str(tmp_path / "root.pem"),
            "ansible_exchange_winrm_scheme": "https",
            "ansible_exchange_winrm_auth": "basic",
        }
        stage.host_variables = {
            name: {
                "ansible_exchange_port": fake.server(name)["ports"]["https"],
                "ansible_exchange_winrm_port": fake.server(name)["ports"]["winrm_https"],
            }
            for name in fake.names
        }
        assert_rotates(stage)


@pytest.mark.kerberos
@pytest.mark.skipif(bool(_missing), reason=f"missing for Kerberos: {', '.join(_missing)}")
def test_a_rotation_with_kerberos_takes_its_own_ticket(tmp_path: Path) -> None:
    passwords = {"ansible": ExampleOrganisation.password}
    names = [f"{server['name'].lower()}.contoso.test" for server in SERVERS]
    with kdc.Kdc(users=passwords, hosts=names) as domain, domain.in_environment():

        def adjust(organisation: dict[str, Any]) -> None:
            organisation["kerberos"] = {"keytab": str(domain.keytab)}

        example = write_example(tmp_path, SERVERS, adjust=adjust)
        with FakeProcess.start(example.file, environment=domain.environment) as fake:
            stage = RotationStage(tmp_path, example, fake)
            stage.inventory_variables = {
                "ansible_user": "ansible@CONTOSO.TEST",
                "ansible_exchange_auth": "kerberos",
                "ansible_exchange_winrm_auth": "kerberos",
            }
            stage.host_variables = {
                name: {
                    "ansible_host": "localhost",
                    "ansible_exchange_hostname_override": fake.server(name)["fqdn"],
                }
                for name in fake.names
            }
            assert_rotates(stage)


def _key_of(authority: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    key: bytes = authority.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key
