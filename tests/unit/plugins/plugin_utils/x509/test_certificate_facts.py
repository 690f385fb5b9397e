# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wildcard, an old authority's odd strings, names: what a certificate says by itself."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_facts import (
    read_certificate_facts,
)
from support import captures, pki


def test_facts_of_an_issued_certificate(issuing_authority: pki.Authority) -> None:
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    end = datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    issued = issuing_authority.issue(
        ("CN", "*.contoso.com"),
        dns=["*.contoso.com", "contoso.com"],
        not_before=start,
        not_after=end,
        key=pki.kept_key("facts", "ec", 384),
    )
    facts = read_certificate_facts(issued.certificate.public_bytes(Encoding.DER))
    assert facts.thumbprint == issued.thumbprint
    assert facts.common_name == "*.contoso.com"
    assert facts.dns_names == ["*.contoso.com", "contoso.com"]
    assert (facts.not_before, facts.not_after) == (start, end)
    assert (facts.key_type, facts.key_size) == ("EC", 384)
    assert facts.extended_key_usages == {"serverAuth", "clientAuth"}
    assert not facts.is_certificate_authority
    assert not facts.self_issued


def test_without_alternative_names_the_common_name_counts() -> None:
    plain = pki.self_signed(("CN", "EX01"))
    titled = pki.self_signed(("CN", "Microsoft Exchange Server Auth Certificate"))
    facts = [
        read_certificate_facts(issued.certificate.public_bytes(Encoding.DER))
        for issued in (plain, titled)
    ]
    assert [item.dns_names for item in facts] == [["EX01"], []]
    assert all(item.self_issued for item in facts)


@pytest.mark.parametrize("data", [b"", b"0", b"0\x03abc", b"\x30\x80" * 10], ids=repr)
def test_garbage_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_certificate_facts(data)


@captures.needs_captures
def test_a_certificate_read_from_the_directory_has_only_its_bytes() -> None:
    file = "internal-transport-certificate/contoso-GetInternalTransportCertificateFromServer"
    (value,) = captures.read(file)
    facts = read_certificate_facts(value.get("RawData"))
    assert facts.thumbprint.startswith("D003810E")
