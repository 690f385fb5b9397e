# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which .NET type does a name in brackets mean, and of which type is a value?"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from .dotnet_enums import ENUMERATIONS
from .values import (
    INT32,
    Byte,
    Char,
    EnumValue,
    Int64,
    NetObject,
    ScriptBlock,
    TypeRef,
)

_ACCELERATORS = {
    "int": "System.Int32",
    "int16": "System.Int16",
    "int32": "System.Int32",
    "int64": "System.Int64",
    "long": "System.Int64",
    "uint16": "System.UInt16",
    "uint32": "System.UInt32",
    "uint64": "System.UInt64",
    "byte": "System.Byte",
    "string": "System.String",
    "char": "System.Char",
    "bool": "System.Boolean",
    "boolean": "System.Boolean",
    "switch": "System.Management.Automation.SwitchParameter",
    "double": "System.Double",
    "float": "System.Single",
    "single": "System.Single",
    "decimal": "System.Decimal",
    "datetime": "System.DateTime",
    "timespan": "System.TimeSpan",
    "guid": "System.Guid",
    "version": "System.Version",
    "regex": "System.Text.RegularExpressions.Regex",
    "type": "System.Type",
    "void": "System.Void",
    "object": "System.Object",
    "array": "System.Array",
    "hashtable": "System.Collections.Hashtable",
    "ordered": "System.Collections.Specialized.OrderedDictionary",
    "pscustomobject": "System.Management.Automation.PSCustomObject",
    "psobject": "System.Management.Automation.PSObject",
    "scriptblock": "System.Management.Automation.ScriptBlock",
    "math": "System.Math",
    "convert": "System.Convert",
    "environment": "System.Environment",
    "console": "System.Console",
    "exception": "System.Exception",
    "gc": "System.GC",
}

#: Types that exist besides those above, with their namespace.
_KNOWN = (
    "System.Text.Encoding",
    "System.Text.UTF8Encoding",
    "System.Text.UnicodeEncoding",
    "System.Text.ASCIIEncoding",
    "System.Text.StringBuilder",
    "System.Collections.ArrayList",
    "System.Collections.IDictionary",
    "System.Collections.IEnumerable",
    "System.Collections.IList",
    "System.Collections.Generic.List",
    "System.Collections.Generic.Dictionary",
    "System.Collections.Generic.HashSet",
    "System.Diagnostics.Stopwatch",
    "System.Diagnostics.Process",
    "System.Globalization.CultureInfo",
    "System.IO.File",
    "System.IO.Path",
    "System.IO.StringReader",
    "System.Reflection.Assembly",
    "System.Security.Principal.WindowsIdentity",
    "System.ServiceProcess.ServiceController",
    "System.Threading.Thread",
    "System.Management.Automation.ErrorRecord",
    "System.Management.Automation.PSSerializer",
    "System.Management.Automation.PSTypeName",
    "System.Management.Automation.Language.Parser",
    "System.ValueType",
    "System.Enum",
)


def _index() -> dict[str, str]:
    from .errors import EXCEPTION_BASES

    names = {name.casefold(): full for name, full in _ACCELERATORS.items()}
    for full in (
        *_KNOWN,
        *ENUMERATIONS,
        *EXCEPTION_BASES,
        *EXCEPTION_BASES.values(),
        *_ACCELERATORS.values(),
    ):
        names[full.casefold()] = full
        if full.startswith("System."):
            names.setdefault(full.removeprefix("System.").casefold(), full)
    return names


_INDEX = _index()


def find_type(name: str) -> str | None:
    """The full name of a .NET type, by accelerator, full name or name without `System.`."""
    return _INDEX.get(name.casefold())


def type_from_text(text: str) -> TypeRef | None:
    """The type written as `text`, e.g. `string[]` or `Collections.Generic.List[object]`."""
    text = "".join(text.split())
    if text.endswith("[]"):
        element = type_from_text(text[:-2])
        return TypeRef(f"{element.name}[]", element=element) if element else None
    if text.endswith("]") and "[" in text:
        outer, _, inner = text[:-1].partition("[")
        name = find_type(outer)
        arguments = [type_from_text(part.strip("[]")) for part in inner.split(",")]
        if name is None or any(argument is None for argument in arguments):
            return None
        return TypeRef(name, arguments=tuple(a for a in arguments if a is not None))
    name = find_type(text)
    return TypeRef(name) if name else None


def type_names_of(value: object) -> tuple[str, ...]:
    """The type of `value` and its base types, most derived first; empty for $null."""
    match value:
        case None:
            return ()
        case bool():
            return ("System.Boolean", "System.ValueType", "System.Object")
        case Byte():
            return ("System.Byte", "System.ValueType", "System.Object")
        case Int64():
            return ("System.Int64", "System.ValueType", "System.Object")
        case int():
            name = "System.Int32" if value in INT32 else "System.Int64"
            return (name, "System.ValueType", "System.Object")
        case float():
            return ("System.Double", "System.ValueType", "System.Object")
        case Decimal():
            return ("System.Decimal", "System.ValueType", "System.Object")
        case Char():
            return ("System.Char", "System.ValueType", "System.Object")
        case str():
            return ("System.String", "System.Object")
        case bytes():
            return ("System.Byte[]", "System.Array", "System.Object")
        case list():
            return ("System.Object[]", "System.Array", "System.Object")
        case datetime():
            return ("System.DateTime", "System.ValueType", "System.Object")
        case timedelta():
            return ("System.TimeSpan", "System.ValueType", "System.Object")
        case EnumValue():
            return (value.type_name, "System.Enum", "System.ValueType", "System.Object")
        case TypeRef():
            return ("System.RuntimeType", "System.Type", "System.Object")
        case ScriptBlock():
            return ("System.Management.Automation.ScriptBlock", "System.Object")
        case NetObject():
            return value.type_names
    return ("System.Object",)


_INTERFACES = {
    "System.Collections.IEnumerable": (
        "System.Array",
        "System.Collections.Hashtable",
        "System.Collections.Specialized.OrderedDictionary",
        "System.Collections.ArrayList",
        "System.String",
    ),
    "System.Collections.IList": ("System.Array", "System.Collections.ArrayList"),
    "System.Collections.IDictionary": (
        "System.Collections.Hashtable",
        "System.Collections.Specialized.OrderedDictionary",
    ),
}


def is_instance(value: object, wanted: TypeRef) -> bool:
    """The operator -is."""
    names = type_names_of(value)
    if wanted.element is not None:
        if isinstance(value, bytes):
            return wanted.element.name == "System.Byte"
        return isinstance(value, list) and wanted.element.name == "System.Object"
    if wanted.name == "System.Management.Automation.PSObject":
        return "System.Management.Automation.PSCustomObject" in names
    candidates = (wanted.name, *_INTERFACES.get(wanted.name, ()))
    if any(name.startswith("System.Collections.Generic.List") for name in names):
        if wanted.name in ("System.Collections.IEnumerable", "System.Collections.IList"):
            return True
        return wanted.name == "System.Collections.Generic.List" or wanted.name == "System.Object"
    return any(candidate in names for candidate in candidates)
