# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The *-Object cmdlets: picking, filtering, sorting, measuring and making objects."""

from __future__ import annotations

import functools

from ..conversion import to_bool, to_number, to_text
from ..invocation import Call
from ..members import call_method, get_member, has_property
from ..operators import compare, order
from ..patterns import has_wildcards, wildcard_to_regex
from ..statics import construct
from ..type_names import type_from_text, type_names_of
from ..values import (
    CustomObject,
    Hashtable,
    NetObject,
    ScriptBlock,
    enumerate_output,
)
from .registry import cmdlet, streaming_cmdlet

_UTILITY = "Microsoft.PowerShell.Commands"
_OPERATORS = [
    "EQ",
    "NE",
    "GT",
    "GE",
    "LT",
    "LE",
    "Like",
    "NotLike",
    "Match",
    "NotMatch",
    "Contains",
    "NotContains",
    "In",
    "NotIn",
    "Is",
    "IsNot",
    "CEQ",
    "CNE",
    "CLike",
    "CMatch",
]


def run_with_item(call: Call, block: ScriptBlock, item: object) -> list[object]:
    """The output of `block` with $_ set, in the caller's scope."""
    output: list[object] = []
    call.interpreter.run_block(block, [], output.append, new_scope=False, variables={"_": item})
    return output


def _blocks(call: Call) -> list[ScriptBlock]:
    return [one for one in call.many("Process") if isinstance(one, ScriptBlock)]


def _each_begin(call: Call) -> None:
    first = call.value("Begin")
    blocks = _blocks(call)
    if first is None and len(blocks) > 1:
        first = blocks[0]
    if isinstance(first, ScriptBlock):
        for one in run_with_item(call, first, None):
            call.output(one)


def _each(call: Call, item: object) -> None:
    blocks = _blocks(call)
    if not blocks:
        _each_member(call, item)
        return
    if len(blocks) > 1:
        blocks = blocks[0 if call.given("Begin") else 1 : len(blocks)]
        blocks = blocks[:-1] if len(blocks) > 1 and not call.given("End") else blocks
    for block in blocks:
        before = call.interpreter.scope.variables.get("_")
        call.interpreter.run_block(block, [], call.output, new_scope=False, variables={"_": item})
        if before is not None:
            call.interpreter.scope.variables["_"] = before


def _each_member(call: Call, item: object) -> None:
    name = to_text(call.value("Process"))
    arguments = call.many("ArgumentList")
    if has_property(item, name) and not arguments:
        value: object = get_member(item, name)
    else:
        value = call_method(item, name, arguments)
    for one in enumerate_output(value):
        call.output(one)


def _each_end(call: Call) -> None:
    last = call.value("End")
    blocks = _blocks(call)
    if last is None and len(blocks) > 2:
        last = blocks[-1]
    if isinstance(last, ScriptBlock):
        for one in run_with_item(call, last, None):
            call.output(one)


streaming_cmdlet(
    "ForEach-Object",
    f"{_UTILITY}.ForEachObjectCommand",
    "Process:0+=MemberName Begin End ArgumentList InputObject? Parallel?",
    process=_each,
    begin=_each_begin,
    finish=_each_end,
)


def _where(call: Call, item: object) -> None:
    test = call.value("FilterScript")
    if isinstance(test, ScriptBlock):
        output = run_with_item(call, test, item)
        passed: object = output[0] if len(output) == 1 else output
    else:
        value = get_member(item, to_text(test))
        operator = next((name for name in _OPERATORS if call.flag(name)), None)
        if operator is None:
            passed = value
        else:
            passed = compare(f"-{operator.lower()}", value, call.value("Value"))
    if to_bool(passed):
        call.output(item)


streaming_cmdlet(
    "Where-Object",
    f"{_UTILITY}.WhereObjectCommand",
    "FilterScript:0=Property Value:1 InputObject? " + " ".join(f"{o}!" for o in _OPERATORS),
    process=_where,
)


# -- Select-Object ---------------------------------------------------------------------------------


@cmdlet(
    "Select-Object",
    f"{_UTILITY}.SelectObjectCommand",
    "Property:0+ ExcludeProperty ExpandProperty First Last Skip Unique! Index? SkipLast? Wait! "
    "InputObject",
)
def _select(call: Call) -> None:
    items = call.items if call.piped else list(enumerate_output(call.value("InputObject")))
    items = items[call.number("Skip") :]
    if call.given("First"):
        items = items[: call.number("First")]
    elif call.given("Last"):
        items = items[max(0, len(items) - call.number("Last")) :]
    results = [one for item in items for one in _selected(call, item)]
    if call.flag("Unique"):
        results = _unique(results)
    for one in results:
        call.output(one)


def _selected(call: Call, item: object) -> list[object]:
    if call.given("ExpandProperty"):
        name = call.text("ExpandProperty")
        if not has_property(item, name):
            call.error(
                call.record(
                    f'Property "{name}" cannot be found.',
                    "ExpandPropertyNotFound",
                    category="InvalidArgument",
                    exception_type="System.Management.Automation.PSArgumentException",
                    target=item,
                )
            )
            return []
        return list(enumerate_output(get_member(item, name)))
    if not call.given("Property") and not call.given("ExcludeProperty"):
        return [item]
    short = type_names_of(item)[0] if item is not None else "System.Object"
    chosen = CustomObject(type_names=(f"Selected.{short}", "System.Object"))
    excluded = [wildcard_to_regex(text) for text in call.texts("ExcludeProperty")]
    for wanted in call.many("Property") or ["*"]:
        for name, value in _properties(call, item, wanted):
            if not any(pattern.fullmatch(name) for pattern in excluded):
                chosen.add(name, value)
    return [chosen]


def _properties(call: Call, item: object, wanted: object) -> list[tuple[str, object]]:
    if isinstance(wanted, ScriptBlock):
        return [(wanted.text.strip(), _calculated(call, item, wanted))]
    if isinstance(wanted, Hashtable):
        name = next((wanted.lookup(k) for k in ("Name", "n", "Label", "l") if k in wanted), None)
        expression = next((wanted.lookup(k) for k in ("Expression", "e") if k in wanted), None)
        return [
            (to_text(name if name is not None else expression), _calculated(call, item, expression))
        ]
    text = to_text(wanted)
    if has_wildcards(text) and isinstance(item, NetObject):
        pattern = wildcard_to_regex(text)
        return [(n, get_member(item, n)) for n in item.property_names() if pattern.fullmatch(n)]
    name = text
    if isinstance(item, NetObject):
        name = next((n for n in item.property_names() if n.casefold() == text.casefold()), text)
    return [(name, get_member(item, text))]


def _calculated(call: Call, item: object, expression: object) -> object:
    if isinstance(expression, ScriptBlock):
        output = run_with_item(call, expression, item)
        return output[0] if len(output) == 1 else (output or None)
    return get_member(item, to_text(expression))


def _unique(items: list[object]) -> list[object]:
    seen: set[str] = set()
    result = []
    for item in items:
        key = to_text(item)
        if key not in seen:
            seen.add(key)
            result.append(item)
    return result


# -- sorting, measuring, grouping ------------------------------------------------------------------


def _keys(call: Call, item: object) -> list[object]:
    wanted = call.many("Property")
    if not wanted:
        return [item]
    return [_key(call, item, one) for one in wanted]


def _key(call: Call, item: object, wanted: object) -> object:
    if isinstance(wanted, Hashtable):
        wanted = next((wanted.lookup(k) for k in ("Expression", "e") if k in wanted), None)
    return _calculated(call, item, wanted)


def _descending(call: Call) -> list[bool]:
    flags = []
    for one in call.many("Property") or [None]:
        own = one.lookup("Descending") if isinstance(one, Hashtable) else None
        flags.append(call.flag("Descending") if own is None else to_bool(own))
    return flags


@cmdlet(
    "Sort-Object",
    f"{_UTILITY}.SortObjectCommand",
    "Property:0+ Descending! Unique! CaseSensitive! InputObject?",
)
def _sort(call: Call) -> None:
    flags = _descending(call)

    def compare_rows(left: tuple[list[object], object], right: tuple[list[object], object]) -> int:
        for a, b, descending in zip(left[0], right[0], flags, strict=True):
            difference = order(a, b, case=call.flag("CaseSensitive"))
            if difference:
                return -difference if descending else difference
        return 0

    rows = [(_keys(call, item), item) for item in call.items]
    rows.sort(key=functools.cmp_to_key(compare_rows))
    previous = None
    for row in rows:
        if call.flag("Unique") and previous is not None and compare_rows(previous, row) == 0:
            continue
        previous = row
        call.output(row[1])


@cmdlet(
    "Measure-Object",
    f"{_UTILITY}.MeasureObjectCommand",
    "Property:0 Sum! Average! Maximum! Minimum! Line? Word? Character? InputObject",
)
def _measure(call: Call) -> None:
    items = call.items if call.piped else list(enumerate_output(call.value("InputObject")))
    name = call.value("Property")
    values = items if name is None else [get_member(item, to_text(name)) for item in items]
    values = [value for value in values if value is not None]
    wanted = {flag: call.flag(flag) for flag in ("Sum", "Average", "Maximum", "Minimum")}
    numbers = [to_number(v) for v in values] if wanted["Sum"] or wanted["Average"] else []
    by_order = functools.cmp_to_key(lambda a, b: order(a, b))
    call.output(
        CustomObject(
            [
                ("Count", len(values)),
                (
                    "Average",
                    float(sum(numbers)) / len(numbers) if wanted["Average"] and numbers else None,
                ),
                ("Sum", float(sum(numbers)) if wanted["Sum"] else None),
                ("Maximum", max(values, key=by_order) if wanted["Maximum"] and values else None),
                ("Minimum", min(values, key=by_order) if wanted["Minimum"] and values else None),
                ("Property", name),
            ],
            type_names=(f"{_UTILITY}.GenericMeasureInfo", "System.Object"),
        )
    )


@cmdlet(
    "Group-Object",
    f"{_UTILITY}.GroupObjectCommand",
    "Property:0+ NoElement! AsHashTable! AsString! CaseSensitive! InputObject?",
)
def _group(call: Call) -> None:
    groups: dict[str, tuple[str, list[object]]] = {}
    for item in call.items:
        name = ", ".join(to_text(key) for key in _keys(call, item))
        groups.setdefault(name.casefold(), (name, []))[1].append(item)
    if call.flag("AsHashTable"):
        call.output(Hashtable((name, members) for name, members in groups.values()))
        return
    for name, members in groups.values():
        properties = [("Count", len(members)), ("Name", name), ("Group", members)]
        call.output(
            CustomObject(
                properties[: 2 if call.flag("NoElement") else 3],
                type_names=(f"{_UTILITY}.GroupInfo", "System.Object"),
            )
        )


# -- making objects --------------------------------------------------------------------------------


@cmdlet(
    "New-Object",
    f"{_UTILITY}.NewObjectCommand",
    "TypeName:0 ArgumentList:1=Args Property ComObject?",
)
def _new_object(call: Call) -> None:
    name = call.text("TypeName")
    wanted = type_from_text(name)
    if wanted is None:
        raise call.fail(
            call.record(
                f"Cannot find type [{name}]: verify that the assembly containing this type is "
                "loaded.",
                "TypeNotFound",
                category="InvalidType",
                exception_type="System.Management.Automation.PSArgumentException",
            )
        )
    made = construct(call.interpreter, wanted, call.many("ArgumentList"))
    properties = call.value("Property")
    if isinstance(properties, Hashtable) and isinstance(made, CustomObject):
        for key, value in properties.items():
            made.add(to_text(key), value)
    call.output(made)


@cmdlet(
    "Add-Member",
    f"{_UTILITY}.AddMemberCommand",
    "MemberType:0=Type Name:1 Value:2 InputObject PassThru! Force! NotePropertyName "
    "NotePropertyValue NotePropertyMembers SecondValue? TypeName?",
)
def _add_member(call: Call) -> None:
    targets = call.items if call.piped else [call.value("InputObject")]
    pairs: list[tuple[str, object]] = []
    members = call.value("NotePropertyMembers")
    if isinstance(call.value("MemberType"), Hashtable):
        members = call.value("MemberType")
    if isinstance(members, Hashtable):
        pairs = [(to_text(key), value) for key, value in members.items()]
    elif call.given("NotePropertyName"):
        pairs = [(call.text("NotePropertyName"), call.value("NotePropertyValue"))]
    elif call.text("MemberType").casefold() == "noteproperty":
        pairs = [(call.text("Name"), call.value("Value"))]
    else:
        raise call.interpreter.unsupported("Add-Member but for note properties", call.node)
    for target in targets:
        if not isinstance(target, CustomObject):
            raise call.interpreter.unsupported("Add-Member on this kind of object", call.node)
        for name, value in pairs:
            target.add(name, value)
        if call.flag("PassThru"):
            call.output(target)
