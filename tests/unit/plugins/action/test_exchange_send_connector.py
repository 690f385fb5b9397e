# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_send_connector set the TLS side of a Send connector?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.mailops.exchange.plugins.modules import exchange_send_connector
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import OutcomeUnknown
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.tls_certificate_name import (
    TlsCertificateName,
)
from support import pki
from support.model_server import Held, ModelServer, failed, raising

MODULE = "exchange_send_connector"
NAME = "Outbound to Office 365"


def name_of(issued: Any) -> str:
    return TlsCertificateName.from_certificate(issued.certificate).render()


@pytest.fixture
def connector(server: ModelServer, certificates: Any) -> dict[str, Any]:
    """The connector of the model; it names the old certificate."""
    server.send_connectors[NAME] = {
        "TlsCertificateName": name_of(certificates.old),
        "RequireTLS": True,
        "TlsAuthLevel": None,
        "TlsDomain": None,
        "Fqdn": "mail.contoso.test",
        "DomainSecureEnabled": False,
        "CloudServicesMailEnabled": True,
        "IgnoreSTARTTLS": False,
        "DNSRoutingEnabled": True,
    }
    server.send_connectors["Other"] = {"TlsCertificateName": None, "RequireTLS": False}
    return server.send_connectors[NAME]


def sent_parameters(run: Any) -> dict[str, Any]:
    assert run.changing == ["Set-SendConnector"]
    return dict(run.session.changing[0].parameters)


def test_a_file_names_the_certificate_and_only_what_differs_is_sent(
    run: Any, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    result = run(name=NAME, **pfx(certificates.new), require_tls=True, fqdn="MAIL.contoso.test")

    assert run.sent == ["Get-SendConnector", "Set-SendConnector", "Get-SendConnector"]
    parameters = sent_parameters(run)
    assert parameters["Identity"] == NAME
    assert parameters["TlsCertificateName"] == name_of(certificates.new)
    assert "Fqdn" not in parameters
    assert connector["TlsCertificateName"] == name_of(certificates.new)
    assert result["changed"] is True
    assert result["connector"]["tls_certificate_name"] == name_of(certificates.new)
    assert result["changes"] == [f"Set TlsCertificateName of Send connector '{NAME}'."]


def test_the_second_run_is_one_read(
    run: Any, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    options = {"name": NAME, **pfx(certificates.new)}
    run(**options)

    result = run(**options)

    assert result["changed"] is False
    assert run.sent == ["Get-SendConnector"]


def test_check_mode_shows_the_value_on_a_server_that_lacks_the_certificate(
    run: Any, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    result = run(name=NAME, **pfx(certificates.new), check_mode=True, diff=True)

    assert result["changed"] is True
    assert run.changing == []
    assert result["diff"]["before"]["tls_certificate_name"] == name_of(certificates.old)
    assert result["diff"]["after"]["tls_certificate_name"] == name_of(certificates.new)
    assert result["connector"] == result["diff"]["after"]


def test_a_chain_without_its_key_is_enough(
    run: Any, connector: dict[str, Any], certificates: Any, tmp_path: Path
) -> None:
    certificates.new.write_fullchain(tmp_path / "fullchain.pem")

    result = run(name=NAME, fullchain_path="fullchain.pem")

    assert result["connector"]["tls_certificate_name"] == name_of(certificates.new)


def test_a_thumbprint_is_looked_up_on_the_server(
    run: Any, server: ModelServer, connector: dict[str, Any], certificates: Any
) -> None:
    server.certificates.append(Held(certificates.new, frozenset({"SMTP"})))

    result = run(name=NAME, thumbprint=certificates.new.thumbprint.lower())

    assert run.sent[0] == "Get-ExchangeCertificate"
    assert result["connector"]["tls_certificate_name"] == name_of(certificates.new)
    assert "warnings" not in result


def test_a_certificate_that_does_not_serve_smtp_yet_is_a_warning(
    run: Any, server: ModelServer, connector: dict[str, Any], certificates: Any
) -> None:
    server.certificates.append(Held(certificates.new, frozenset()))

    result = run(name=NAME, thumbprint=certificates.new.thumbprint)

    assert result["changed"] is True
    assert "not enabled for SMTP" in result["warnings"][0]


@pytest.mark.parametrize(
    "spelling",
    [
        '<i>CN=Issuing CA 2,O="Contoso, Ltd."</i><s>CN=mail.contoso.test,O="Contoso, Ltd."</s>',
        ' <I>CN=issuing ca 2, O="Contoso, Ltd." <S> CN=mail.contoso.test, O="Contoso, Ltd."',
    ],
)
def test_any_spelling_of_the_value_is_rewritten(
    run: Any, connector: dict[str, Any], certificates: Any, spelling: str
) -> None:
    run(name=NAME, tls_certificate_name=spelling)

    stored = TlsCertificateName.parse(connector["TlsCertificateName"])
    assert stored == TlsCertificateName.from_certificate(certificates.new.certificate)
    assert "</" not in connector["TlsCertificateName"]
    assert run(name=NAME, tls_certificate_name=spelling)["changed"] is False


def test_a_stored_value_that_exchange_does_not_find_is_repaired(
    run: Any, connector: dict[str, Any], certificates: Any
) -> None:
    connector["TlsCertificateName"] = name_of(certificates.new).replace("<S>", "</I><S>") + "</S>"

    result = run(name=NAME, tls_certificate_name=name_of(certificates.new))

    assert result["changed"] is True
    assert connector["TlsCertificateName"] == name_of(certificates.new)


def test_empty_text_clears(run: Any, connector: dict[str, Any]) -> None:
    result = run(name=NAME, tls_certificate_name="", fqdn="")

    parameters = sent_parameters(run)
    assert parameters["TlsCertificateName"] is None
    assert parameters["Fqdn"] is None
    assert result["connector"]["tls_certificate_name"] is None
    assert run(name=NAME, tls_certificate_name="", fqdn="")["changed"] is False


def test_settings_that_exchange_demands_together_are_sent_together(
    run: Any, connector: dict[str, Any]
) -> None:
    run(
        name=NAME,
        tls_auth_level="domainvalidation",
        tls_domain="mail.protection.outlook.com",
    )

    parameters = sent_parameters(run)
    assert parameters["TlsAuthLevel"] == "DomainValidation"
    assert parameters["TlsDomain"] == "mail.protection.outlook.com"
    assert parameters["RequireTLS"] is True


def test_none_clears_the_level(run: Any, connector: dict[str, Any]) -> None:
    connector["TlsAuthLevel"] = "CertificateValidation"

    result = run(name=NAME, tls_auth_level="none", require_tls=False)

    assert sent_parameters(run)["TlsAuthLevel"] is None
    assert result["connector"]["tls_auth_level"] is None
    assert result["connector"]["require_tls"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, "missing required arguments: name", id="no-name"),
        pytest.param({"name": "Nowhere"}, "There is no Send connector 'Nowhere'", id="unknown"),
        pytest.param(
            {"name": NAME, "tls_certificate_name": "CN=mail"}, "<I>issuer<S>subject", id="no-name"
        ),
        pytest.param(
            {"name": NAME, "tls_certificate_name": "x", "thumbprint": "y"},
            "mutually exclusive",
            id="two",
        ),
        pytest.param(
            {"name": NAME, "tls_domain": "example.com"}, "DomainValidation", id="domain-alone"
        ),
        pytest.param(
            {"name": "Other", "tls_auth_level": "EncryptionOnly"}, "RequireTLS", id="level-alone"
        ),
        pytest.param(
            {"name": NAME, "ignore_starttls": True, "require_tls": True},
            "IgnoreSTARTTLS",
            id="contradiction",
        ),
        pytest.param({"name": NAME, "tls_auth_level": "Full"}, "must be one of", id="level"),
        pytest.param(
            {"name": NAME, "thumbprint": "A" * 40}, "has no certificate", id="thumbprint-missing"
        ),
    ],
)
def test_bad_input_is_refused_and_nothing_is_set(
    run: Any, connector: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    result = run(**options)

    assert result["failed"] is True
    assert words in result["msg"]
    assert "\n" not in result["msg"]
    assert run.changing == []


def test_an_expired_certificate_is_refused(
    run: Any, server: ModelServer, connector: dict[str, Any], certificates: Any, pfx: Any
) -> None:
    assert "expired" in run(name=NAME, **pfx(certificates.expired))["msg"]
    server.certificates.append(Held(certificates.expired))
    assert "expired" in run(name=NAME, thumbprint=certificates.expired.thumbprint)["msg"]
    assert run.changing == []


def test_a_certificate_that_is_not_valid_yet_is_refused(
    run: Any, server: ModelServer, connector: dict[str, Any]
) -> None:
    future = pki.root().issue(("CN", "m"), dns=["m"], not_before=pki.now() + pki.days(2))
    server.certificates.append(Held(future))
    assert "not valid before" in run(name=NAME, thumbprint=future.thumbprint)["msg"]
    assert run.changing == []


def test_the_words_of_exchange_and_the_keys_are_kept(
    run: Any, server: ModelServer, connector: dict[str, Any]
) -> None:
    server.instead["Set-SendConnector"] = raising(
        failed("Set-SendConnector", "The value is not valid.", category="InvalidArgument")
    )

    result = run(name=NAME, fqdn="smtp.contoso.test")

    assert result["failed"] is True
    assert result["changed"] is False
    assert result["cmdlet"] == "Set-SendConnector"
    assert result["category"] == "InvalidArgument"
    assert "The value is not valid." in result["msg"]
    assert NAME in result["msg"]


def test_a_value_that_does_not_stick_is_a_failure(
    run: Any, server: ModelServer, connector: dict[str, Any]
) -> None:
    server.instead["Set-SendConnector"] = CmdletResult

    result = run(name=NAME, fqdn="smtp.contoso.test")

    assert result["failed"] is True
    assert "still differs in fqdn" in result["msg"]


def test_a_lost_answer_is_looked_up_and_not_repeated(
    run: Any, server: ModelServer, connector: dict[str, Any]
) -> None:
    def set_but_lost() -> CmdletResult:
        connector["Fqdn"] = "smtp.contoso.test"
        raise OutcomeUnknown("contact was lost")

    server.instead["Set-SendConnector"] = set_but_lost

    result = run(name=NAME, fqdn="smtp.contoso.test")

    assert result["changed"] is True
    assert "failed" not in result
    assert run.sent.count("Set-SendConnector") == 1


def test_a_lost_change_that_did_not_happen_fails(
    run: Any, server: ModelServer, connector: dict[str, Any]
) -> None:
    server.instead["Set-SendConnector"] = raising(OutcomeUnknown("contact was lost"))

    result = run(name=NAME, fqdn="smtp.contoso.test")

    assert result["failed"] is True
    assert result["changed"] is False


def test_the_keys_are_those_that_the_documentation_promises(
    run: Any, connector: dict[str, Any]
) -> None:
    documented = yaml.safe_load(exchange_send_connector.RETURN)["connector"]["contains"]

    assert set(run(name=NAME)["connector"]) == set(documented)
