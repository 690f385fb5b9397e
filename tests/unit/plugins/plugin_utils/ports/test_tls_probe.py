# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a port presents is read whole, judged as a peer would, and reported in sentences."""

from __future__ import annotations

import json
import socket
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    InvalidInput,
    TlsProbeFailed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.probe_expectations import (
    Expectations,
    check_expectations,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.starttls_dialogue import (
    PortTimedOut,
    PortUnreachable,
    StartTlsNotOffered,
    TlsHandshakeFailed,
    UnexpectedAnswer,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ports.tls_probe import (
    TlsProbeResult,
    probe,
)
from support import pki
from support.scripted_peer import (
    Behavior,
    context_of,
    implicit_tls,
    peer,
    scripted,
    server_context,
    silent,
)

SMTP_OFFER = "250-ex01.contoso.com Hello\r\n250-SIZE 37748736\r\n250-STARTTLS\r\n250 CHUNKING\r\n"
SMTP = scripted(
    "220-ex01.contoso.com Microsoft ESMTP\r\n220 MAIL Service ready\r\n",
    {"EHLO ": SMTP_OFFER, "STARTTLS": "220 2.0.0 SMTP server ready\r\n"},
    then_tls="STARTTLS",
)
IMAP = scripted(
    "* OK The Microsoft Exchange IMAP4 service is ready.\r\n",
    {
        "A1 CAPABILITY": "* CAPABILITY IMAP4 IMAP4rev1 STARTTLS\r\nA1 OK CAPABILITY completed.\r\n",
        "A2 STARTTLS": "A2 OK Begin TLS negotiation now.\r\n",
    },
    then_tls="A2 STARTTLS",
)
POP3 = scripted(
    "+OK The Microsoft Exchange POP3 service is ready.\r\n",
    {"CAPA": "+OK\r\nTOP\r\nUIDL\r\nSTLS\r\n.\r\n", "STLS": "+OK Begin TLS negotiation.\r\n"},
    then_tls="STLS",
)
POP3_WITHOUT_CAPA = scripted(
    "+OK ready\r\n", {"CAPA": "-ERR unknown\r\n", "STLS": "+OK\r\n"}, then_tls="STLS"
)


@pytest.fixture(scope="module")
def root() -> pki.Authority:
    return pki.root()


@pytest.fixture(scope="module")
def issued(root: pki.Authority) -> pki.Issued:
    return root.intermediate().issue(
        ("CN", "mail.contoso.com"),
        dns=["mail.contoso.com", "*.mail.contoso.com"],
        valid_days=90,
        key=pki.kept_key("mail.contoso.com"),
    )


@pytest.fixture(scope="module")
def ca_file(root: pki.Authority, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(root.write(tmp_path_factory.mktemp("authorities") / "root.pem"))


@pytest.fixture(scope="module")
def presented(issued: pki.Issued, ca_file: str) -> TlsProbeResult:
    with peer(SMTP, context_of(issued)) as (port, _):
        return probe("127.0.0.1", port, "smtp", ca_file=ca_file)


@pytest.fixture(scope="module")
def unchained(issued: pki.Issued, ca_file: str) -> TlsProbeResult:
    with peer(implicit_tls, context_of(issued, with_chain=False)) as (port, _):
        return probe("127.0.0.1", port, "https", ca_file=ca_file)


class TestWhatIsPresented:
    @pytest.mark.parametrize(
        ("protocol", "behavior", "commands", "banner", "capabilities"),
        [
            pytest.param(
                "smtp",
                SMTP,
                ["EHLO probe.example", "STARTTLS"],
                "220-ex01.contoso.com Microsoft ESMTP",
                ["SIZE 37748736", "STARTTLS", "CHUNKING"],
                id="SMTP",
            ),
            pytest.param(
                "imap",
                IMAP,
                ["A1 CAPABILITY", "A2 STARTTLS"],
                "* OK The Microsoft Exchange IMAP4 service is ready.",
                ["IMAP4", "IMAP4rev1", "STARTTLS"],
                id="IMAP",
            ),
            pytest.param(
                "pop3",
                POP3,
                ["CAPA", "STLS"],
                "+OK The Microsoft Exchange POP3 service is ready.",
                ["TOP", "UIDL", "STLS"],
                id="POP3",
            ),
            pytest.param(
                "pop3", POP3_WITHOUT_CAPA, ["CAPA", "STLS"], "+OK ready", [], id="POP3 of old"
            ),
            *[
                pytest.param(protocol, implicit_tls, [], None, [], id=protocol)
                for protocol in ("smtps", "https", "imaps", "pop3s", "tls")
            ],
        ],
    )
    def test_every_protocol(
        self,
        issued: pki.Issued,
        ca_file: str,
        protocol: str,
        behavior: Behavior,
        commands: list[str],
        banner: str | None,
        capabilities: list[str],
    ) -> None:
        with peer(behavior, context_of(issued)) as (port, heard):
            result = probe(
                "127.0.0.1",
                port,
                protocol,
                server_name="mail.contoso.com",
                ca_file=ca_file,
                ehlo_name="probe.example",
            )
        assert heard.commands == commands
        assert heard.server_names == ["mail.contoso.com"]
        expected = [issued.certificate, *issued.chain]
        assert list(result.chain) == [item.public_bytes(Encoding.DER) for item in expected]
        assert (result.complete, result.trusted) == (True, True)
        assert result.tls_version == "TLSv1.3"
        assert result.cipher.startswith("TLS_")
        now = datetime.now(timezone.utc)
        plain = result.to_result(now)
        assert json.loads(json.dumps(plain)) == plain
        assert plain["banner"] == banner
        assert plain["capabilities"] == capabilities
        assert plain["certificate"]["thumbprint"] == issued.thumbprint
        assert plain["chain"][1]["subject"] == "CN=Test Issuing CA, O=Test PKI"

    @pytest.mark.parametrize(
        ("host", "asked"),
        [("127.0.0.1", None), ("localhost", "localhost")],
        ids=["address", "name"],
    )
    def test_the_name_asked_for_is_the_host_unless_that_is_an_address(
        self, issued: pki.Issued, host: str, asked: str | None
    ) -> None:
        with peer(implicit_tls, context_of(issued)) as (port, heard):
            probe(host, port, "tls")
        assert heard.server_names == [asked]

    def test_old_tls_is_still_looked_at(self, issued: pki.Issued) -> None:
        context = context_of(issued)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with peer(implicit_tls, context) as (port, _):
            assert probe("127.0.0.1", port, "tls").tls_version == "TLSv1.2"

    def test_a_weak_key_is_still_looked_at(self, root: pki.Authority) -> None:
        weak = root.issue(("CN", "weak"), key=pki.kept_key("weak", "rsa", 1024))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with peer(implicit_tls, _loaded(context, weak)) as (port, _):
            result = probe("127.0.0.1", port, "tls")
        assert result.certificate.key_size == 1024


def _loaded(context: ssl.SSLContext, issued: pki.Issued) -> ssl.SSLContext:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        chain = issued.write_fullchain(Path(folder, "chain.pem"))
        key = issued.write_key(Path(folder, "key.pem"))
        context.load_cert_chain(chain, key)
    return context


class TestVerdict:
    def look(self, context: ssl.SSLContext, ca_file: str | None) -> TlsProbeResult:
        with peer(implicit_tls, context) as (port, _):
            return probe("127.0.0.1", port, "tls", ca_file=ca_file)

    def test_a_missing_intermediate_is_neither_complete_nor_trusted(
        self, issued: pki.Issued, ca_file: str
    ) -> None:
        result = self.look(context_of(issued, with_chain=False), ca_file)
        assert (result.complete, result.trusted) == (False, False)
        assert result.verdict.chain_problem is not None
        assert "CN=Test Issuing CA, O=Test PKI" in result.verdict.chain_problem
        assert result.verdict.trust_problem == "unable to get local issuer certificate"

    def test_a_presented_root_makes_it_complete_and_not_trusted(
        self, issued: pki.Issued, root: pki.Authority, tmp_path: Path
    ) -> None:
        stranger = pki.root(("CN", "Another Root"))
        context = server_context(issued.fullchain_pem() + root.certificate_pem(), issued.key_pem())
        result = self.look(context, str(stranger.write(tmp_path / "stranger.pem")))
        assert (result.complete, result.trusted) == (True, False)
        assert "self-signed certificate in certificate chain" in str(result.verdict.trust_problem)

    def test_self_signed(self, ca_file: str) -> None:
        own = pki.self_signed(("CN", "EX01"), dns=["EX01"])
        result = self.look(context_of(own), ca_file)
        assert (result.complete, result.trusted) == (True, False)
        assert "self-signed" in str(result.verdict.trust_problem)

    def test_expired(self, root: pki.Authority, ca_file: str) -> None:
        past = datetime.now(timezone.utc) - timedelta(days=1)
        expired = root.issue(
            ("CN", "old"),
            not_before=past - timedelta(days=90),
            not_after=past,
            key=pki.kept_key("old"),
        )
        result = self.look(context_of(expired), ca_file)
        assert (result.complete, result.trusted) == (True, False)
        assert result.verdict.trust_problem == "certificate has expired"

    def test_a_root_of_our_own_is_unknown_to_the_system(self, issued: pki.Issued) -> None:
        assert not self.look(context_of(issued), None).trusted

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [(None, "cannot read"), ("hello", "holds no PEM certificate")],
        ids=["missing", "no certificate"],
    )
    def test_an_unusable_ca_file_is_said_before_connecting(
        self, tmp_path: Path, content: str | None, complaint: str
    ) -> None:
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        with pytest.raises(InvalidInput, match=complaint):
            probe("127.0.0.1", 1, "tls", ca_file=str(path))


class TestFailures:
    @pytest.mark.parametrize(
        ("protocol", "behavior", "kind", "complaint"),
        [
            pytest.param(
                "smtp",
                scripted("220 ready\r\n", {"EHLO ": "250-x\r\n250 SIZE\r\n"}),
                StartTlsNotOffered,
                "does not offer STARTTLS.*event 12014",
                id="SMTP without STARTTLS",
            ),
            pytest.param(
                "imap",
                scripted("* OK\r\n", {"A1 ": "* CAPABILITY IMAP4\r\nA1 OK\r\n"}),
                StartTlsNotOffered,
                "does not offer STARTTLS",
                id="IMAP without STARTTLS",
            ),
            pytest.param(
                "pop3",
                scripted("+OK\r\n", {"CAPA": "+OK\r\nTOP\r\n.\r\n"}),
                StartTlsNotOffered,
                "does not offer STLS",
                id="POP3 without STLS",
            ),
            pytest.param(
                "smtp",
                scripted("421 4.3.2 Service not available\r\n", {}),
                UnexpectedAnswer,
                "greets with '421 4.3.2 Service not available'",
                id="SMTP is busy",
            ),
            pytest.param(
                "smtp",
                scripted("220 x\r\n", {"EHLO ": SMTP_OFFER, "STARTTLS": "454 4.7.0 no\r\n"}),
                UnexpectedAnswer,
                "answered '454 4.7.0 no' to STARTTLS",
                id="STARTTLS is refused",
            ),
            pytest.param(
                "smtp",
                scripted("220 x\r\n", {}),
                UnexpectedAnswer,
                "closed the connection before TLS",
                id="hangs up",
            ),
            pytest.param(
                "smtp",
                scripted("* OK IMAP\r\n", {}),
                UnexpectedAnswer,
                "no SMTP server",
                id="IMAP instead of SMTP",
            ),
            pytest.param(
                "imap",
                scripted("220 ESMTP\r\n", {}),
                UnexpectedAnswer,
                "does not greet as an IMAP server",
                id="SMTP instead of IMAP",
            ),
            pytest.param(
                "pop3",
                scripted("220 ESMTP\r\n", {}),
                UnexpectedAnswer,
                "does not greet as a POP3 server",
                id="SMTP instead of POP3",
            ),
            pytest.param(
                "smtp",
                scripted("220 " + "x" * 300_000, {}),
                UnexpectedAnswer,
                "more than this protocol",
                id="endless line",
            ),
            pytest.param(
                "smtp",
                scripted("220-x\r\n" * 60_000, {}),
                UnexpectedAnswer,
                "more than this protocol",
                id="endless greeting",
            ),
            pytest.param(
                "smtp",
                scripted(
                    "220 x\r\n",
                    {"EHLO ": SMTP_OFFER, "STARTTLS": "220 go\r\n"},
                    then_tls="STARTTLS",
                    behind=b"250 injected\r\n",
                ),
                UnexpectedAnswer,
                "sent more in clear",
                id="text injected behind STARTTLS",
            ),
            pytest.param(
                "tls",
                scripted("220 x\r\n", {}),
                TlsHandshakeFailed,
                "wrong version number",
                id="clear text where TLS is expected",
            ),
        ],
    )
    def test_a_peer_that_misbehaves(
        self,
        issued: pki.Issued,
        protocol: str,
        behavior: Behavior,
        kind: type[TlsProbeFailed],
        complaint: str,
    ) -> None:
        with (
            peer(behavior, context_of(issued)) as (port, _),
            pytest.raises(kind, match=complaint) as failure,
        ):
            probe("127.0.0.1", port, protocol, timeout=5)
        assert f"127.0.0.1:{port}" in failure.value.message

    def test_a_server_without_a_certificate(self) -> None:
        with (
            peer(implicit_tls) as (port, _),
            pytest.raises(TlsHandshakeFailed, match="no usable certificate"),
        ):
            probe("127.0.0.1", port, "tls")

    @pytest.mark.parametrize("protocol", ["smtp", "tls"])
    def test_a_silent_peer_is_not_waited_for_longer_than_asked(self, protocol: str) -> None:
        with (
            peer(silent) as (port, _),
            pytest.raises(PortTimedOut, match=r"within 0\.2 seconds"),
        ):
            probe("127.0.0.1", port, protocol, timeout=0.2)

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(PortUnreachable, match="refuses the connection"):
            probe("127.0.0.1", port, "smtp")

    def test_an_unknown_name(self) -> None:
        with pytest.raises(PortUnreachable, match=r"no-such-host\.invalid"):
            probe("no-such-host.invalid", 25, "smtp")

    def test_an_unknown_protocol(self) -> None:
        with pytest.raises(InvalidInput, match="'ldaps' is not a protocol"):
            probe("127.0.0.1", 636, "ldaps")


class TestExpectations:
    def check(self, result: TlsProbeResult, *, days: float = 0, **expected: object) -> list[str]:
        now = datetime.now(timezone.utc) + timedelta(days=days)
        return check_expectations(result, Expectations(**expected), now=now)  # type: ignore[arg-type]

    def test_nothing_expected(self, unchained: TlsProbeResult) -> None:
        assert self.check(unchained) == []

    def test_everything_as_expected(self, presented: TlsProbeResult, issued: pki.Issued) -> None:
        assert not self.check(
            presented,
            thumbprints=("0" * 40, issued.thumbprint.lower()),
            host_name="mx1.mail.contoso.com",
            days_left=80,
            complete_chain=True,
            trusted=True,
        )

    def test_another_certificate(self, presented: TlsProbeResult, issued: pki.Issued) -> None:
        (finding,) = self.check(presented, thumbprints=("0" * 40,))
        assert f"presents {issued.thumbprint} (CN=mail.contoso.com" in finding
        assert f"instead of {'0' * 40}" in finding
        assert "restart MSExchangeFrontEndTransport" in finding
        assert "TlsCertificateName" in finding

    def test_the_hint_names_the_service_of_the_port(self, unchained: TlsProbeResult) -> None:
        (finding,) = self.check(unchained, thumbprints=("0" * 40,))
        assert "restart W3SVC" in finding

    def test_another_name(self, presented: TlsProbeResult) -> None:
        (finding,) = self.check(presented, host_name="webmail.contoso.com")
        assert "for mail.contoso.com, *.mail.contoso.com, which does not cover webmail" in finding

    def test_too_few_days(self, presented: TlsProbeResult) -> None:
        (finding,) = self.check(presented, days_left=500)
        assert "at least 500 are expected" in finding

    def test_expired(self, presented: TlsProbeResult) -> None:
        (finding,) = self.check(presented, days=100, days_left=1)
        assert "expired on" in finding

    def test_not_yet_valid(self, presented: TlsProbeResult) -> None:
        (finding,) = self.check(presented, days=-100)
        assert "not valid before" in finding

    def test_chain_and_trust(self, unchained: TlsProbeResult) -> None:
        chain, trust = self.check(unchained, complete_chain=True, trusted=True)
        assert "incomplete chain" in chain
        assert "CN=Test Issuing CA" in chain
        assert "unable to get local issuer certificate" in trust

    def test_an_impossible_thumbprint(self, presented: TlsProbeResult) -> None:
        with pytest.raises(InvalidInput, match="not a thumbprint"):
            self.check(presented, thumbprints=("xyz",))
