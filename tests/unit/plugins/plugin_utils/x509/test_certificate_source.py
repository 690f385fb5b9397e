# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate file is understood or refused with a sentence, before anything is sent."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)

from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
    load_certificate,
)
from support import pki

PASSWORD = "correct horse battery"


def pfx(content: bytes, password: str | None = PASSWORD) -> CertificateSource:
    return CertificateSource(pfx_content=base64.b64encode(content).decode(), pfx_password=password)


def pem(issued: pki.Issued, **changes: str | None) -> CertificateSource:
    source = CertificateSource(
        fullchain_content=issued.fullchain_pem().decode(),
        private_key_content=issued.key_pem().decode(),
    )
    return replace(source, **changes)


class TestWhatIsUnderstood:
    @pytest.mark.parametrize("modern", [False, True], ids=["3DES", "AES"])
    def test_pfx(self, issued: pki.Issued, modern: bool) -> None:
        loaded = load_certificate(pfx(issued.pfx(PASSWORD, modern=modern, friendly_name="Mail")))
        assert loaded.thumbprint == issued.thumbprint
        assert loaded.chain == issued.chain
        assert loaded.friendly_name == "Mail"
        assert loaded.warnings == []

    def test_pfx_from_a_file(self, issued: pki.Issued, tmp_path: Path) -> None:
        path = issued.write_pfx(tmp_path / "mail.pfx", PASSWORD)
        loaded = load_certificate(CertificateSource(pfx_path=str(path), pfx_password=PASSWORD))
        assert loaded.thumbprint == issued.thumbprint
        assert loaded.origin == str(path)

    def test_pfx_without_a_password(self, issued: pki.Issued) -> None:
        content = pkcs12.serialize_key_and_certificates(
            None, issued.key, issued.certificate, None, NoEncryption()
        )
        assert load_certificate(pfx(content, None)).thumbprint == issued.thumbprint

    def test_base64_with_line_breaks(self, issued: pki.Issued) -> None:
        content = base64.encodebytes(issued.pfx(PASSWORD)).decode()
        source = CertificateSource(pfx_content=content, pfx_password=PASSWORD)
        assert load_certificate(source).thumbprint == issued.thumbprint

    def test_pem_contents(self, issued: pki.Issued) -> None:
        loaded = load_certificate(pem(issued))
        assert (loaded.thumbprint, loaded.chain) == (issued.thumbprint, issued.chain)

    def test_pem_files_with_a_passphrase(self, issued: pki.Issued, tmp_path: Path) -> None:
        source = CertificateSource(
            fullchain_path=str(issued.write_fullchain(tmp_path / "fullchain.pem")),
            private_key_path=str(issued.write_key(tmp_path / "key.pem", "sesame")),
            private_key_passphrase="sesame",
        )
        assert load_certificate(source).thumbprint == issued.thumbprint

    def test_key_and_chain_in_one_file(self, issued: pki.Issued) -> None:
        both = (issued.key_pem() + issued.fullchain_pem()).decode()
        source = CertificateSource(fullchain_content=both)
        assert load_certificate(source).thumbprint == issued.thumbprint

    def test_a_passphrase_for_a_key_that_has_none(self, issued: pki.Issued) -> None:
        source = pem(issued, private_key_passphrase="needless")
        assert load_certificate(source).thumbprint == issued.thumbprint

    @pytest.mark.parametrize(
        "form",
        [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL],
        ids=["PKCS#8", "traditional"],
    )
    def test_key_forms(self, issued: pki.Issued, form: PrivateFormat) -> None:
        key = issued.key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
        assert load_certificate(pem(issued, private_key_content=key))

    def test_a_chain_in_any_order_is_sorted(self, issued: pki.Issued) -> None:
        root = pki.root().certificate
        shuffled = b"".join(
            certificate.public_bytes(Encoding.PEM)
            for certificate in (root, *issued.chain, issued.certificate)
        )
        loaded = load_certificate(pem(issued, fullchain_content=shuffled.decode()))
        assert loaded.thumbprint == issued.thumbprint
        assert loaded.chain == (*issued.chain, root)

    def test_a_chain_ends_at_the_first_root(self, issued: pki.Issued) -> None:
        roots = [pki.root().certificate, pki.root().certificate]  # the same key and name
        certificates = [issued.certificate, *issued.chain, *roots]
        content = b"".join(item.public_bytes(Encoding.PEM) for item in certificates).decode()
        loaded = load_certificate(pem(issued, fullchain_content=content))
        assert loaded.chain == (*issued.chain, roots[0])

    def test_the_public_part_alone_where_that_is_enough(self, issued: pki.Issued) -> None:
        reverse = b"".join(
            item.public_bytes(Encoding.PEM) for item in (*issued.chain, issued.certificate)
        )
        source = CertificateSource(fullchain_content=reverse.decode())
        loaded = load_certificate(source, needs_private_key=False)
        assert loaded.thumbprint == issued.thumbprint
        with pytest.raises(InvalidInput, match="without its private key"):
            loaded.pkcs12("x")

    def test_the_thumbprint_that_was_asked_for(self, issued: pki.Issued) -> None:
        source = pem(issued, thumbprint=f"\u200e{issued.thumbprint.lower()}")
        assert load_certificate(source).thumbprint == issued.thumbprint


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("source", "complaint"),
        [
            pytest.param(CertificateSource(), "No certificate is given", id="nothing"),
            pytest.param(
                CertificateSource(thumbprint="A" * 40), "No certificate is given", id="thumbprint"
            ),
            pytest.param(
                CertificateSource(pfx_path="a", fullchain_path="b"), "not both", id="PFX and PEM"
            ),
            pytest.param(
                CertificateSource(pfx_path="a", pfx_content="b"),
                "either pfx_path or pfx_content",
                id="path and content",
            ),
            pytest.param(
                CertificateSource(pfx_path="a", private_key_path="b"),
                "brings its own private key",
                id="PFX and key",
            ),
            pytest.param(
                CertificateSource(pfx_path="/no/such.pfx"), "No such file", id="missing file"
            ),
            pytest.param(
                CertificateSource(pfx_content="%%% not base64"), "not base64", id="not base64"
            ),
            pytest.param(
                CertificateSource(pfx_content="AAAA"), "is not a PFX", id="something else"
            ),
            pytest.param(
                CertificateSource(fullchain_content="hello"), "no PEM certificate", id="no PEM"
            ),
            pytest.param(
                CertificateSource(
                    fullchain_content="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
                ),
                "damaged certificate",
                id="damaged certificate",
            ),
        ],
    )
    def test_unusable_options(self, source: CertificateSource, complaint: str) -> None:
        with pytest.raises(InvalidInput, match=complaint):
            load_certificate(source)

    def test_empty_and_oversized_files(self, tmp_path: Path) -> None:
        empty, large = tmp_path / "empty.pfx", tmp_path / "large.pfx"
        empty.touch()
        with large.open("wb") as file:
            file.truncate(5 * 1024 * 1024)
        for path, complaint in ((empty, "is empty"), (large, "too large")):
            with pytest.raises(InvalidInput, match=complaint):
                load_certificate(CertificateSource(pfx_path=str(path)))

    def test_wrong_password(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match="password is wrong") as refusal:
            load_certificate(pfx(issued.pfx(PASSWORD), "guess"))
        assert "guess" not in str(refusal.value)

    def test_missing_password(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match="set pfx_password"):
            load_certificate(pfx(issued.pfx(PASSWORD), None))

    def test_damaged_pfx(self, issued: pki.Issued) -> None:
        content = bytearray(issued.pfx(PASSWORD))
        content[len(content) // 2] ^= 0xFF
        with pytest.raises(InvalidInput, match="damaged"):
            load_certificate(pfx(bytes(content)))

    def test_pem_given_as_pfx(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match="it is PEM; use fullchain_path"):
            load_certificate(pfx(issued.fullchain_pem()))

    def test_pkcs7(self, issued: pki.Issued) -> None:
        content = pkcs7.serialize_certificates([issued.certificate], Encoding.PEM).decode()
        with pytest.raises(InvalidInput, match=r"PKCS#7"):
            load_certificate(CertificateSource(fullchain_content=content))

    def test_pfx_without_a_private_key(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match="holds no private key"):
            load_certificate(pfx(issued.pfx(PASSWORD, with_key=False)))

    def test_pem_without_a_private_key(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match="set private_key_path"):
            load_certificate(pem(issued, private_key_content=None))

    def test_a_key_where_the_certificate_belongs(self, issued: pki.Issued) -> None:
        source = CertificateSource(fullchain_content=issued.key_pem().decode())
        with pytest.raises(InvalidInput, match="private key but no certificate"):
            load_certificate(source)

    def test_key_of_another_certificate(self, issued: pki.Issued) -> None:
        stranger = pki.kept_key("stranger")
        key = stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        with pytest.raises(InvalidInput, match=r"does not match.*mail\.contoso\.com"):
            load_certificate(pem(issued, private_key_content=key))

    def test_missing_passphrase(self, issued: pki.Issued) -> None:
        source = pem(issued, private_key_content=issued.key_pem("sesame").decode())
        with pytest.raises(InvalidInput, match="set private_key_passphrase"):
            load_certificate(source)

    def test_wrong_passphrase(self, issued: pki.Issued) -> None:
        source = pem(
            issued,
            private_key_content=issued.key_pem("sesame").decode(),
            private_key_passphrase="guess",
        )
        with pytest.raises(InvalidInput, match="passphrase is wrong") as refusal:
            load_certificate(source)
        assert "guess" not in str(refusal.value)

    def test_no_key_in_the_key_file(self, issued: pki.Issued) -> None:
        source = pem(issued, private_key_content=issued.certificate_pem().decode())
        with pytest.raises(InvalidInput, match="no private key in PEM form"):
            load_certificate(source)

    def test_damaged_key(self, issued: pki.Issued) -> None:
        damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        with pytest.raises(InvalidInput, match="is damaged"):
            load_certificate(pem(issued, private_key_content=damaged))

    def test_expired(self, issued: pki.Issued) -> None:
        late = issued.certificate.not_valid_after_utc + timedelta(seconds=1)
        with pytest.raises(InvalidInput, match="expired on"):
            load_certificate(pem(issued), now=late)
        assert load_certificate(pem(issued), now=late - timedelta(seconds=1))

    def test_not_yet_valid(self, issued: pki.Issued) -> None:
        early = issued.certificate.not_valid_before_utc - timedelta(seconds=1)
        with pytest.raises(InvalidInput, match="not valid before"):
            load_certificate(pem(issued), now=early)

    def test_another_thumbprint(self, issued: pki.Issued) -> None:
        with pytest.raises(InvalidInput, match=f"{issued.thumbprint}.*{'A' * 40}"):
            load_certificate(pem(issued, thumbprint="A" * 40))

    def test_a_key_type_that_exchange_does_not_know(self, issuing_authority: pki.Authority) -> None:
        key = ed25519.Ed25519PrivateKey.generate()
        curious = issuing_authority.issue(("CN", "x"), key=key)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="Ed25519"):
            load_certificate(pem(curious))


class TestWhatIsOnlyWarnedAbout:
    def warnings_for(self, issued: pki.Issued, **changes: str | None) -> str:
        return " ".join(load_certificate(pem(issued, **changes)).warnings)

    def test_elliptic_curve(self, issuing_authority: pki.Authority) -> None:
        issued = issuing_authority.issue(("CN", "x"), dns=["x"], key=pki.kept_key("ec", "ec"))
        assert "EnableEccCertificateSupport" in self.warnings_for(issued)

    def test_small_key(self, issuing_authority: pki.Authority) -> None:
        issued = issuing_authority.issue(("CN", "x"), key=pki.kept_key("small", "rsa", 1024))
        assert "only 1024 bits" in self.warnings_for(issued)

    def test_no_common_name(self, issuing_authority: pki.Authority) -> None:
        issued = issuing_authority.issue(dns=["x.example"], key=pki.kept_key("no cn"))
        assert "no common name" in self.warnings_for(issued)

    def test_not_for_servers(self, issuing_authority: pki.Authority) -> None:
        usages = [pki.ExtendedKeyUsageOID.CLIENT_AUTH]
        issued = issuing_authority.issue(("CN", "x"), usages=usages, key=pki.kept_key("client"))
        assert "not meant for servers" in self.warnings_for(issued)

    def test_missing_issuer(self, issued: pki.Issued) -> None:
        leaf_only = issued.certificate_pem().decode()
        warning = self.warnings_for(issued, fullchain_content=leaf_only)
        assert "No certificate of the issuer 'CN=Test Issuing CA, O=Test PKI'" in warning

    def test_a_name_too_long_for_an_edge_server(self, issuing_authority: pki.Authority) -> None:
        parts = [("CN", "x"), *(("OU", f"{number}" * 60) for number in range(4))]
        issued = issuing_authority.issue(*parts, key=pki.kept_key("long"))
        assert "longer than 256 characters" in self.warnings_for(issued)

    def test_strangers_in_the_file(self, issued: pki.Issued) -> None:
        stranger = pki.self_signed(("CN", "stranger"))
        both = (issued.fullchain_pem() + stranger.certificate_pem()).decode()
        loaded = load_certificate(pem(issued, fullchain_content=both))
        assert stranger.certificate not in loaded.chain
        assert "left out: 'CN=stranger'" in " ".join(loaded.warnings)


class TestTheFileForWindows:
    def test_old_algorithms_whole_chain_and_key(self, issued: pki.Issued) -> None:
        loaded = load_certificate(pfx(issued.pfx(PASSWORD, modern=True)))
        content = loaded.pkcs12("one-time", "Mail 2027")
        bundle = pkcs12.load_pkcs12(content, b"one-time")
        assert bundle.cert is not None
        assert bundle.cert.certificate == issued.certificate
        assert bundle.cert.friendly_name == b"Mail 2027"
        assert tuple(extra.certificate for extra in bundle.additional_certs) == issued.chain
        assert bundle.key is not None
        assert bundle.key.public_key() == issued.key.public_key()
        # pbeWithSHAAnd3-KeyTripleDES-CBC for both bags and SHA-1 in the MAC; no AES, no SHA-256.
        triple_des, sha1 = (
            bytes.fromhex("060a2a864886f70d010c0103"),
            bytes.fromhex("06052b0e03021a"),
        )
        aes_256, sha256 = (
            bytes.fromhex("0609608648016503040 12a".replace(" ", "")),
            bytes.fromhex("0609608648016503040201"),
        )
        assert content.count(triple_des) == 2
        assert sha1 in content
        assert aes_256 not in content
        assert sha256 not in content

    def test_secrets_are_in_no_representation(self, issued: pki.Issued) -> None:
        source = CertificateSource(
            pfx_content="UEZY",
            pfx_password="hidden-1",
            fullchain_content="hidden-4",
            private_key_content="hidden-2",
            private_key_passphrase="hidden-3",
        )
        loaded = load_certificate(pem(issued))
        shown = f"{source!r} {source} {loaded!r} {loaded}"
        assert "hidden" not in shown
        assert "UEZY" not in shown
        assert "PrivateKey" not in shown
