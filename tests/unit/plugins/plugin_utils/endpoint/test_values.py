# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values cross to the server and back without a loss that goes unseen."""

from __future__ import annotations

import enum
import json
import pickle
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from psrpcore import PSRemotingCrypto
from psrpcore.types import deserialize, deserialize_clixml, serialize

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.clixml_repair import (
    readable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    MASK,
    Credential,
    RemoteEnum,
    RemoteObject,
    Secret,
    contains_secret,
    from_python,
    in_utc,
    list_of,
    text_of,
    time_span_text,
    to_json_safe,
    to_plain,
)

CIPHER = PSRemotingCrypto()
CIPHER.register_key(b"\1" * 32)


def sent(value: object) -> str:
    """The XML that a parameter's value becomes."""
    return ElementTree.tostring(serialize(from_python(value), CIPHER), encoding="unicode")


def received(xml: str) -> Any:
    return to_plain(deserialize(ElementTree.fromstring(readable(xml)), CIPHER))


def there_and_back(value: object) -> Any:
    return received(sent(value))


class AnsibleText(str):
    """In place of the text classes of Ansible, which carry origins and tags."""


class Service(enum.IntEnum):
    SMTP = 16


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**31 - 1,
        -(2**31),
        2**31,
        -(2**31) - 1,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        0.1,
        1e300,
        Decimal("1.50"),
        "",
        "Grüße aus Köln 😀",
        "_x0041_ is not A",
        "line\r\nbreak\ttab\0end",
        b"",
        bytes(range(256)),
        [],
        ["IIS", "SMTP"],
        [[1], [True, None]],
        {},
        {"Add": ["a"], "Remove": []},
        datetime(2026, 3, 1, 12, 30, 15, tzinfo=timezone.utc),
        datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        datetime(2026, 3, 1, 12, 30, 15),
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_went(value: object) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("number", "element"),
    [(1, "I32"), (2**31, "I64"), (-(2**31) - 1, "I64"), (2**63, "U64"), (0.1, "Db")],
)
def test_numbers_get_an_element_that_holds_them(number: float, element: str) -> None:
    assert sent(number).startswith(f"<{element}>")


@pytest.mark.parametrize("items", [("IIS", "SMTP"), {"SMTP", "IIS"}, frozenset({"IIS", "SMTP"})])
def test_other_collections_are_sent_as_lists(items: object) -> None:
    assert there_and_back(items) == ["IIS", "SMTP"]


def test_a_bytearray_is_sent_as_bytes() -> None:
    assert there_and_back(bytearray(b"abc")) == b"abc"


def test_guids_are_sent_as_guids() -> None:
    guid = uuid.UUID("12345678-1234-5678-1234-567812345678")
    assert sent(guid) == f"<G>{guid}</G>"


def test_ansible_s_text_classes_become_plain_text() -> None:
    value = from_python({AnsibleText("Name"): [AnsibleText("x")]})
    (key,) = value
    assert type(key) is str
    assert type(value["Name"][0]) is str


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "00:00:00"),
        (timedelta(seconds=10), "00:00:10"),
        (timedelta(minutes=10), "00:10:00"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4), "1.02:03:04"),
        (timedelta(seconds=-90), "-00:01:30"),
        (timedelta(microseconds=1500), "00:00:00.0015000"),
    ],
)
def test_time_spans_are_sent_as_dotnet_writes_them(span: timedelta, text: str) -> None:
    """psrpcore 0.3.1 turns ten seconds into `PT1S`; text is safe."""
    assert time_span_text(span) == text
    assert sent(span) == f"<S>{text}</S>"


class SomeObject:
    password = "geheim"


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "value",
    [SomeObject(), SomeObject, numbers(), date(2026, 1, 1), Service.SMTP, complex(1, 2), object()],
    ids=lambda value: type(value).__name__,
)
def test_types_without_a_faithful_form_are_refused_wherever_they_stand(value: object) -> None:
    for container in (value, [value], {"key": [value]}):
        with pytest.raises(TypeError):
            from_python(container)


def test_a_refusal_does_not_show_the_value() -> None:
    with pytest.raises(TypeError) as refusal:
        from_python({"Password": SomeObject()})
    assert "geheim" not in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**63) - 1,
        datetime(999, 12, 31),
        Decimal("NaN"),
        "half a pair \ud83d",
        {"\ud83d": 1},
        "a\ufffeb",
        {"\uffff": 1},
        Credential("a\uffff", Secret("x")),
        Decimal(2**96),
        Decimal(-(2**96)),
        Decimal("1E+29"),
        Decimal("1E+999999"),
        Decimal("1E-29"),
        Decimal("1.00000000000000000000000000001"),
        datetime(1000, 1, 1, tzinfo=timezone(timedelta(hours=1, seconds=1))),
        datetime.min.replace(tzinfo=timezone(timedelta(seconds=1))),
        datetime.max.replace(tzinfo=timezone(-timedelta(seconds=1))),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_values_out_of_range_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="parameter"):
        from_python(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+20", "100000000000000000000"),
        ("1E-7", "0.0000001"),
        ("-1E-28", "-0.0000000000000000000000000001"),
        ("0E-10", "0.0000000000"),
        ("1.50", "1.50"),
        (str(2**96 - 1), "79228162514264337593543950335"),
    ],
)
def test_a_decimal_is_sent_with_all_its_digits(value: str, text: str) -> None:
    """.NET's reader of decimals takes no exponent: the pipeline ends without a word."""
    assert sent(Decimal(value)) == f"<D>{text}</D>"
    assert sent([Decimal(value)]).count(text) == 1


class NoOffset(tzinfo):
    def utcoffset(self, moment: datetime | None) -> None:
        return None

    dst = tzname = utcoffset  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (timezone(timedelta(minutes=53, seconds=28)), "2026-03-01T11:36:32Z"),
        (timezone(timedelta(hours=-14, minutes=-1)), "2026-03-02T02:31:00Z"),
        (timezone(timedelta(hours=14)), "2026-03-01T12:30:00+14:00"),
        (NoOffset(), "2026-03-01T12:30:00"),
    ],
)
def test_an_offset_that_dotnet_cannot_read_becomes_utc(zone: tzinfo, text: str) -> None:
    assert sent(datetime(2026, 3, 1, 12, 30, tzinfo=zone)) == f"<DT>{text}</DT>"


def test_a_secret_may_hold_what_xml_cannot_carry() -> None:
    """It travels encrypted."""
    assert sent(Secret("a\ufffe")).startswith("<SS>")


def test_keys_must_be_text() -> None:
    with pytest.raises(TypeError):
        from_python({1: "x"})


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="contains itself"):
        from_python(endless)


# --- secrets -------------------------------------------------------------------------------------


def test_a_secret_travels_encrypted_and_comes_back_masked() -> None:
    xml = sent(Secret("geheim"))
    assert xml.startswith("<SS>")
    assert "geheim" not in xml
    assert received(xml) == MASK


def test_a_secret_is_never_shown() -> None:
    secret = Secret("geheim")
    shown = [repr(secret), str(secret), f"{secret}", format(secret), repr([secret])]
    shown.append(repr(from_python(secret)))
    shown.append(json.dumps(to_json_safe({"Password": secret})))
    assert not any("geheim" in text for text in shown)


def test_a_secret_cannot_be_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("geheim"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Secret("x"), True),
        ({"Password": Secret("x")}, True),
        ([{"a": (Secret("x"),)}], True),
        ({"Password": "x"}, False),
        ([], False),
    ],
)
def test_whether_a_session_key_is_needed_is_known_before_sending(
    value: object, expected: bool
) -> None:
    assert contains_secret(value) is expected


# --- results -------------------------------------------------------------------------------------

SERVICES = (
    '<Obj RefId="0"><TN RefId="0"><T>{prefix}Microsoft.Exchange.AllowedServices</T>'
    "<T>{prefix}System.Enum</T></TN><ToString>IIS, SMTP</ToString><I32>24</I32></Obj>"
)


@pytest.mark.parametrize("prefix", ["", "Deserialized."])
def test_an_enum_keeps_its_text_and_its_number(prefix: str) -> None:
    value = received(SERVICES.format(prefix=prefix))
    assert value == RemoteEnum(
        "IIS, SMTP", 24, ("Microsoft.Exchange.AllowedServices", "System.Enum")
    )
    assert value.names == {"IIS", "SMTP"}


def test_an_enum_that_psrpcore_knows_is_read_like_any_other() -> None:
    value = received(
        '<Obj RefId="0"><TN RefId="0"><T>System.ConsoleColor</T><T>System.Enum</T></TN>'
        "<ToString>Red</ToString><I32>12</I32></Obj>"
    )
    assert (value.text, value.number) == ("Red", 12)


def test_extended_properties_win_over_adapted_ones() -> None:
    value = received(
        '<Obj RefId="0"><TN RefId="0"><T>X</T></TN><ToString>text</ToString>'
        '<Props><S N="Name">adapted</S><S N="Only">a</S></Props>'
        '<MS><S N="Name">extended</S><Nil N="Missing" /></MS></Obj>'
    )
    assert value.properties == {"Only": "a", "Name": "extended", "Missing": None}
    assert value.text == "text"


def test_properties_are_found_without_regard_to_case() -> None:
    value = RemoteObject(properties={"TlsCertificateName": "x", "Empty": None})
    assert value.get("tlscertificatename") == "x"
    assert value.get("absent", "default") == "default"
    assert value.has("EMPTY")
    assert not value.has("absent")


def test_property_names_that_python_uses_itself_are_read_too() -> None:
    value = received(
        '<Obj RefId="0"><MS><I32 N="count">3</I32><S N="items">i</S><S N="PSObject">p</S></MS>'
        "</Obj>"
    )
    assert value.properties == {"count": 3, "items": "i", "PSObject": "p"}


@pytest.mark.parametrize("element", ["LST", "IE", "STK", "QUE"])
def test_every_kind_of_list_becomes_a_list(element: str) -> None:
    xml = f'<Obj RefId="0"><{element}><S>a</S><I32>1</I32></{element}></Obj>'
    assert received(xml) == ["a", 1]


def test_an_empty_multi_valued_property_is_an_empty_list() -> None:
    assert (
        received('<Obj RefId="0"><TN RefId="0"><T>MultiValuedProperty</T></TN><LST /></Obj>') == []
    )


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<C>65</C>", "A"),
        ("<Version>15.2.1748.10</Version>", "15.2.1748.10"),
        ("<URI>http://x/</URI>", "http://x/"),
        ("<G>12345678-1234-5678-1234-567812345678</G>", "12345678-1234-5678-1234-567812345678"),
        ("<TS>PT10M</TS>", timedelta(minutes=10)),
        ("<TS>-P1DT1.5S</TS>", -timedelta(days=1, seconds=1.5)),
        ("<U64>18446744073709551615</U64>", 2**64 - 1),
        ("<D>1.50</D>", Decimal("1.50")),
        (
            "<DT>2021-08-21T10:43:54.1234567+02:00</DT>",
            datetime(2021, 8, 21, 10, 43, 54, 123456, timezone(timedelta(hours=2))),
        ),
        ("<DT>0001-01-01T00:00:00</DT>", datetime(1, 1, 1)),
    ],
)
def test_other_primitives(xml: str, expected: object) -> None:
    value = received(xml)
    assert value == expected
    assert type(value) is type(expected)


# --- what psrpcore cannot read -------------------------------------------------------------------

CUSTOM = '<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN>'


@pytest.mark.parametrize(
    "members",
    [
        '<MS N="PSStandardMembers" />',
        '<MS N="Group"><I32 N="Inner">5</I32></MS>',
        '<MS N="Outer"><MS N="Inner"><I32 N="A">1</I32></MS></MS>',
    ],
)
def test_a_member_set_is_no_property(members: str) -> None:
    value = received(
        f'<Obj RefId="0">{CUSTOM}<MS><I32 N="A">1</I32>{members}<S N="B">b</S></MS></Obj>'
    )
    assert value.properties == {"A": 1, "B": "b"}


def test_what_stands_in_a_member_set_can_be_referred_to() -> None:
    value = received(
        f'<Obj RefId="0">{CUSTOM}<MS>'
        '<MS N="Group"><Obj N="X" RefId="1"><TN RefId="1"><T>Contoso.X</T></TN>'
        "<ToString>x</ToString></Obj></MS>"
        '<Ref N="Same" RefId="1" /><Obj N="Other" RefId="2"><TNRef RefId="1" /></Obj></MS></Obj>'
    )
    assert value.get("Same").text == "x"
    assert value.get("Other").type_names == ("Contoso.X",)


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<S>a&#xFFFE;&#xFFFF;b</S>", "a\ufffe\uffffb"),
        ("<S>a&#xfffe;b</S>", "a\ufffeb"),
        ("<S>_x005F_x000A_&#xFFFE;x000A_</S>", "_x000A_\ufffex000A_"),
    ],
)
def test_characters_that_xml_forbids_are_read(xml: str, text: str) -> None:
    assert received(xml) == text


def test_they_are_read_wherever_text_stands() -> None:
    value = received(
        f'<Obj RefId="0">{CUSTOM}<ToString>&#xFFFE;</ToString>'
        '<MS><S N="&#xFFFF;">&#xFFFE;</S></MS></Obj>'
    )
    assert value.text == "\ufffe"
    assert value.properties == {"\uffff": "\ufffe"}


DAY = "<T>System.DayOfWeek</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T>"


def test_an_enum_as_key_of_a_table_is_its_name_and_not_its_number() -> None:
    value = received(
        '<Obj RefId="0"><DCT>'
        '<En><I32 N="Key">1</I32><S N="Value">one</S></En>'
        f'<En><Obj N="Key" RefId="1"><TN RefId="1">{DAY}</TN><ToString>Monday</ToString>'
        '<I32>1</I32></Obj><S N="Value">monday</S></En>'
        '<En><Obj N="Key" RefId="2"><TNRef RefId="1" /><ToString>Tuesday</ToString>'
        '<I32>2</I32></Obj><Obj N="Value" RefId="3"><TNRef RefId="1" />'
        "<ToString>Friday</ToString><I32>5</I32></Obj></En></DCT></Obj>"
    )
    assert list(value) == ["1", "Monday", "Tuesday"]
    assert (value["1"], value["Monday"]) == ("one", "monday")
    assert value["Tuesday"].text == "Friday"


def test_an_enum_that_psrpcore_knows_is_a_key_like_any_other() -> None:
    value = received(
        '<Obj RefId="0"><DCT><En><Obj N="Key" RefId="1"><TN RefId="1">'
        "<T>System.ConsoleColor</T><T>System.Enum</T></TN><ToString>Red</ToString><I32>12</I32>"
        '</Obj><I32 N="Value">1</I32></En></DCT></Obj>'
    )
    assert value == {"Red": 1}


def test_what_needs_no_repair_is_not_touched() -> None:
    xml = f'<Obj RefId="0">{CUSTOM}<MS><S N="A">_x000A_&#xD;&amp;</S></MS></Obj>'
    assert readable(xml) is xml
    assert readable("no <MS xml") == "no <MS xml"


def test_a_document_keeps_its_members_without_its_namespace() -> None:
    document = (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        f'<Obj RefId="0">{CUSTOM}<MS><I32 N="A">1</I32><MS N="Group" /></MS></Obj></Objs>'
    )
    (value,) = [to_plain(item) for item in deserialize_clixml(readable(document), CIPHER)]
    assert isinstance(value, RemoteObject)
    assert value.properties == {"A": 1}


def test_an_object_that_contains_itself_is_read_once() -> None:
    value = received(
        '<Obj RefId="0"><ToString>me</ToString><MS><Ref N="Self" RefId="0" /></MS></Obj>'
    )
    assert value.properties == {"Self": "me"}


def test_nesting_is_followed_to_a_limit() -> None:
    xml = "<S>bottom</S>"
    for level in range(60):
        xml = f'<Obj RefId="{level}"><LST>{xml}</LST></Obj>'
    value = received(xml)
    depth = 0
    while isinstance(value, list):
        (value,) = value
        depth += 1
    assert depth == 40


# --- JSON ----------------------------------------------------------------------------------------


def test_json_safe_values() -> None:
    value = RemoteObject(
        properties={
            "Services": RemoteEnum("IIS, SMTP", 24),
            "Fqdn": RemoteObject(text="mail.contoso.com"),
            "RawData": b"\x30\x82",
            "NotAfter": datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "Unspecified": datetime(2026, 1, 1),
            "TimeOut": timedelta(minutes=10),
            "Ratio": float("inf"),
            "Odd": "\ud83d",
            "Lists": [Decimal("1.5"), None],
        }
    )
    assert json.loads(json.dumps(to_json_safe(value), allow_nan=False)) == {
        "Services": "IIS, SMTP",
        "Fqdn": "mail.contoso.com",
        "RawData": "MII=",
        "NotAfter": "2026-01-01T00:00:00Z",
        "Unspecified": "2026-01-01T00:00:00",
        "TimeOut": "00:10:00",
        "Ratio": "inf",
        "Odd": "?",
        "Lists": ["1.5", None],
    }


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        (datetime.min.replace(tzinfo=timezone(HOUR)), "0001-01-01T00:00:00Z"),
        (datetime.max.replace(tzinfo=timezone(-HOUR)), "9999-12-31T23:59:59.999999Z"),
        (datetime.min.replace(tzinfo=timezone(-HOUR)), "0001-01-01T01:00:00Z"),
        (datetime.max.replace(tzinfo=timezone(HOUR)), "9999-12-31T22:59:59.999999Z"),
    ],
)
def test_dates_at_the_ends_of_time_never_raise(moment: datetime, utc: str) -> None:
    assert in_utc(moment).isoformat().replace("+00:00", "Z") == utc
    assert to_json_safe({"When": [moment]}) == {"When": [utc]}


@pytest.mark.parametrize("naive", [datetime.min, datetime.max, datetime(2026, 3, 1)])
def test_a_date_without_a_zone_is_utc(naive: datetime) -> None:
    assert in_utc(naive) == naive.replace(tzinfo=timezone.utc)
    assert to_json_safe(naive) == naive.isoformat()


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+01:00",
        "0001-01-01T00:00:00+00:54",
        "9999-12-31T23:59:59.9999999-05:00",
        "9999-12-31T23:59:59.9999999",
    ],
)
def test_the_ends_of_time_are_read(text: str) -> None:
    value = received(f"<DT>{text}</DT>")
    assert value.isoformat()[:10] == text[:10]
    assert to_json_safe(value).startswith(text[:10])


def test_the_repr_of_an_object_does_not_unroll_its_properties() -> None:
    assert "blob" not in repr(RemoteObject(("X",), "x", {"SerializationData": b"blob"}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("a", "a"),
        (RemoteEnum("Valid", 1), "Valid"),
        (RemoteObject(text="<I>a<S>b"), "<I>a<S>b"),
        (RemoteObject(), None),
        (True, "True"),
        (5, "5"),
        (["a", RemoteObject(text="b")], "a, b"),
    ],
)
def test_text_of(value: Any, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "items"), [(None, []), ([], []), (["a"], ["a"]), ("a", ["a"]), (0, [0])]
)
def test_list_of(value: Any, items: list[Any]) -> None:
    assert list_of(value) == items
