# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How does exchange_tls_probe compare what a port presents with what is expected, and retry?"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.mailops.exchange.plugins.modules import exchange_tls_probe
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    MissingLibrary,
    TlsProbeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.chain_verdict import (
    ChainVerdict,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    TlsProbeResult,
)
from support.action_runner import RecordingConnection, run_action


def presented(issued: Any, **keywords: Any) -> TlsProbeResult:
    """What a port with this certificate and its whole chain presents."""
    chain = tuple(item.public_bytes(Encoding.DER) for item in (issued.certificate, *issued.chain))
    values: dict[str, Any] = {
        "host": "ex01.contoso.test",
        "port": 25,
        "protocol": "smtp",
        "server_name": None,
        "chain": chain,
        "verdict": ChainVerdict(
            complete=True,
            chain_problem=None,
            trusted=False,
            trust_problem="self-signed certificate in certificate chain",
        ),
        "tls_version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "banner": "220 ready",
        "capabilities": ("STARTTLS",),
    }
    return TlsProbeResult(**{**values, **keywords})


@dataclass
class Runner:
    """Runs the action on a port that presents one thing after the other."""

    answers: list[TlsProbeResult | Exception]
    asked: list[dict[str, Any]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    files: Path | None = None
    transport: str = "local"

    def __call__(self, **options: Any) -> dict[str, Any]:
        def probe(host: str, port: int, protocol: str, **keywords: Any) -> TlsProbeResult:
            self.asked.append({"host": host, "port": port, "protocol": protocol, **keywords})
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return run_action(
            "exchange_tls_probe",
            options,
            connection=RecordingConnection(transport=self.transport),
            search_path=self.files,
            attributes={"probe_port": probe, "sleep": self.pauses.append},
            task_vars={"inventory_hostname": "ex01", "ansible_host": "ex01.contoso.test"},
        )


@pytest.fixture
def run(certificates: Any) -> Runner:
    return Runner([presented(certificates.new)])


def test_a_port_is_examined_without_any_session_or_connection_of_ours(
    run: Runner, certificates: Any
) -> None:
    result = run()

    assert result["changed"] is False
    assert result["probe"]["as_expected"] is True
    assert result["probe"]["reachable"] is True
    assert result["probe"]["certificate"]["thumbprint"] == certificates.new.thumbprint
    assert len(result["probe"]["chain"]) == 2
    assert run.asked[0]["host"] == "ex01.contoso.test"
    assert run.asked[0]["port"] == 25


def test_the_keys_are_those_that_the_documentation_promises(run: Runner) -> None:
    documented = yaml.safe_load(exchange_tls_probe.RETURN)["probe"]["contains"]

    probe = run()["probe"]

    assert set(probe) == set(documented)
    assert set(probe["certificate"]) == set(documented["certificate"]["contains"])
    assert set(probe["chain"][0]) == set(documented["chain"]["contains"])


def test_with_our_own_connection_its_address_is_the_host(run: Runner) -> None:
    run.transport = "mailops.exchange.exchange"

    assert run(host="mail.example")["probe"]["host"] == "mail.example"


@pytest.mark.parametrize(
    ("protocol", "port"),
    [("smtp", 25), ("smtps", 465), ("https", 443), ("imap", 143), ("pop3s", 995)],
)
def test_the_usual_port_of_a_protocol_is_the_default(run: Runner, protocol: str, port: int) -> None:
    run(protocol=protocol)

    assert run.asked[0]["port"] == port


def test_options_of_the_dialogue_are_handed_on(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/ca.pem").write_text("x")
    run.files = tmp_path

    run(server_name="mail.contoso.test", ca_path="ca.pem", timeout=3, ehlo_name="probe.example")

    assert run.asked[0]["server_name"] == "mail.contoso.test"
    assert run.asked[0]["ca_file"] == str(tmp_path / "files/ca.pem")
    assert run.asked[0]["timeout"] == 3
    assert run.asked[0]["ehlo_name"] == "probe.example"


class TestExpectations:
    def test_met_ones_are_as_expected(self, run: Runner, certificates: Any) -> None:
        result = run(
            expect_thumbprint=certificates.new.thumbprint.lower(),
            expect_host_name="autodiscover.contoso.test",
            expect_days_left=60,
        )

        assert result["probe"]["as_expected"] is True
        assert result["probe"]["findings"] == []

    @pytest.mark.parametrize(
        "expectation",
        [
            pytest.param({"expect_thumbprint": "AB" * 20}, id="thumbprint"),
            pytest.param({"expect_host_name": "other.example"}, id="host-name"),
            pytest.param({"expect_days_left": 365}, id="days"),
            pytest.param({"expect_trusted": True}, id="trusted"),
        ],
    )
    def test_each_one_that_is_not_met_fails_the_task(
        self, run: Runner, expectation: dict[str, Any]
    ) -> None:
        result = run(**expectation)

        assert result["failed"] is True
        assert result["probe"]["as_expected"] is False
        assert len(result["probe"]["findings"]) == 1
        assert result["msg"] == result["probe"]["findings"][0]

    def test_an_incomplete_chain_is_found(self, run: Runner, certificates: Any) -> None:
        verdict = ChainVerdict(
            complete=False,
            chain_problem="CN=Issuing CA 2 is missing",
            trusted=False,
            trust_problem="unable to get local issuer certificate",
        )
        run.answers = [presented(certificates.new, verdict=verdict)]

        result = run(expect_complete_chain=True)

        assert result["failed"] is True
        assert "incomplete chain" in result["msg"]

    def test_the_decision_can_be_left_to_the_playbook(self, run: Runner) -> None:
        result = run(expect_thumbprint="AB" * 20, fail_when_unexpected=False)

        assert "failed" not in result
        assert result["probe"]["as_expected"] is False


class TestRetries:
    def test_it_tries_until_the_port_is_as_expected(self, run: Runner, certificates: Any) -> None:
        run.answers = [
            TlsProbeFailed("refused"),
            presented(certificates.old),
            presented(certificates.new),
        ]

        result = run(expect_thumbprint=certificates.new.thumbprint, retries=5, delay=0.25)

        assert result["probe"]["as_expected"] is True
        assert result["probe"]["attempts"] == 3
        assert run.pauses == [0.25, 0.25]

    def test_it_fails_after_the_last_one_with_what_was_seen_last(
        self, run: Runner, certificates: Any
    ) -> None:
        run.answers = [TlsProbeFailed("refused"), presented(certificates.old)]

        result = run(expect_thumbprint=certificates.new.thumbprint, retries=2, delay=1)

        assert result["failed"] is True
        assert result["probe"]["attempts"] == 3
        assert result["probe"]["certificate"]["thumbprint"] == certificates.old.thumbprint
        assert run.pauses == [1, 1]

    def test_without_retries_it_is_tried_once(self, run: Runner) -> None:
        run.answers = [TlsProbeFailed("Connection refused.")]

        result = run()

        assert len(run.asked) == 1
        assert result["failed"] is True
        assert result["msg"] == "Connection refused."
        assert result["probe"]["reachable"] is False
        assert "certificate" not in result["probe"]

    def test_a_peer_that_greets_without_offering_tls_leaves_its_greeting(self, run: Runner) -> None:
        said = {"banner": "220 mail.contoso.com ESMTP", "capabilities": ["SIZE 37748736"]}
        run.answers = [TlsProbeFailed("does not offer STARTTLS.", details={**said, "port": 25})]

        result = run(fail_when_unexpected=False)

        assert result["probe"]["reachable"] is False
        assert result["probe"]["banner"] == said["banner"]
        assert result["probe"]["capabilities"] == said["capabilities"]

    def test_a_missing_library_is_not_tried_again(self, run: Runner) -> None:
        run.answers = [MissingLibrary("pip install pyOpenSSL")]

        result = run(retries=5)

        assert len(run.asked) == 1
        assert result["msg"] == "pip install pyOpenSSL"


def test_a_port_that_cannot_be_examined_is_no_failure_if_the_task_says_so(run: Runner) -> None:
    run.answers = [TlsProbeFailed("Connection refused.")]

    result = run(fail_when_unexpected=False)

    assert "failed" not in result
    assert result["probe"]["as_expected"] is False
    assert result["probe"]["findings"] == ["Connection refused."]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"protocol": "tls"}, "give port", id="tls-without-port"),
        pytest.param({"protocol": "ftp"}, "must be one of", id="protocol"),
        pytest.param({"port": 0}, "port 0 is not a port", id="port"),
        pytest.param({"timeout": 0}, "at least 1 second", id="timeout"),
        pytest.param({"retries": -1}, "must not be negative", id="retries"),
        pytest.param({"expect_thumbprint": "mail"}, "is not a thumbprint", id="thumbprint"),
        pytest.param({"ca_path": "nowhere.pem"}, "was not found", id="ca-path"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(
    run: Runner, options: dict[str, Any], words: str
) -> None:
    result = run(**options)

    assert result["failed"] is True
    assert words in result["msg"]
    assert run.asked == []
