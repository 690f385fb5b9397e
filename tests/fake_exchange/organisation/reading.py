# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a value read from the YAML file, and what is said when it is wrong? Every error is one
line: file, place, what is wrong there."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timezone
from pathlib import Path
from typing import Any

_MISSING = object()


class LoadingError(Exception):
    """The organisation file cannot be used; the text is one line."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where in which file we are."""

    file: Path
    path: str = ""

    def error(self, text: str) -> LoadingError:
        where = f"{self.file}: {self.path}: " if self.path else f"{self.file}: "
        return LoadingError(" ".join((where + text).split()))

    def below(self, key: object) -> Place:
        if isinstance(key, int):
            return Place(self.file, f"{self.path}[{key}]")
        return Place(self.file, f"{self.path}.{key}" if self.path else str(key))


class Section:
    """A mapping of the file whose keys are taken out one by one; `done` complains about the rest.

    Keys are compared without case and underscores, so `TlsCertificateName` and
    `tls_certificate_name` are one.
    """

    def __init__(self, value: object, place: Place) -> None:
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise place.error(f"expected keys and values, found {_kind(value)}")
        self.place = place
        self._values = {folded(str(key)): (str(key), item) for key, item in value.items()}
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        return folded(key) in self._values

    def names(self) -> list[str]:
        return [key for key, _ in self._values.values()]

    def at(self, key: str) -> Place:
        written = self._values.get(folded(key), (key, None))[0]
        return self.place.below(written)

    def take(self, key: str, default: object = _MISSING) -> Any:
        """The raw value of `key`; without default it must be there."""
        self._asked.append(key)
        try:
            return self._values.pop(folded(key))[1]
        except KeyError:
            if default is _MISSING:
                raise self.place.error(f"the key '{key}' is missing") from None
            return default

    def text(self, key: str, default: object = _MISSING) -> Any:
        place, value = self.at(key), self.take(key, default)
        if value is default:
            return value
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return str(value)
        raise place.error(f"expected a text, found {_kind(value)}")

    def truth(self, key: str, default: bool) -> bool:
        place, value = self.at(key), self.take(key, default)
        if not isinstance(value, bool):
            raise place.error(f"expected true or false, found {_kind(value)}")
        return value

    def number(self, key: str, default: object = _MISSING) -> Any:
        place, value = self.at(key), self.take(key, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise place.error(f"expected a whole number, found {_kind(value)}")
        return value

    def texts(self, key: str, default: Iterable[str] | object = _MISSING) -> Any:
        """A list of texts; one text alone, or several with commas, is a list too."""
        place, value = self.at(key), self.take(key, default)
        return value if value is default else as_texts(value, place)

    def section(self, key: str) -> Section:
        place = self.at(key)
        return Section(self.take(key, None), place)

    def entries(self, key: str) -> list[tuple[Any, Place]]:
        """The items of a list, each with its place; absent is empty."""
        place, value = self.at(key), self.take(key, None)
        if value is None:
            return []
        if not isinstance(value, list):
            raise place.error(f"expected a list, found {_kind(value)}")
        return [(item, place.below(number)) for number, item in enumerate(value)]

    def file(self, key: str, default: object = _MISSING) -> Any:
        """The path of an existing file, relative to the organisation file."""
        place, value = self.at(key), self.text(key, default)
        return value if value is default else existing_file(value, place)

    def done(self) -> None:
        """Raises `LoadingError` if a key was not taken."""
        for key, _ in self._values.values():
            close = difflib.get_close_matches(key, sorted(set(self._asked)), n=1, cutoff=0.5)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise self.place.error(f"unknown key '{key}'{hint}")


def folded(key: str) -> str:
    return key.replace("_", "").replace("-", "").casefold()


def existing_file(value: str, place: Place) -> Path:
    path = (place.file.parent / value).expanduser()
    if not path.is_file():
        raise place.error(f"there is no file '{path}'")
    return path


def as_texts(value: object, place: Place) -> list[str]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return [str(item) for item in value]
    raise place.error(f"expected a list of texts, found {_kind(value)}")


def fill(target: object, section: Section, *, only: Iterable[str] | None = None) -> None:
    """Set the fields of a dataclass from the keys of `section` that are still there.

    Values are checked against the fields' annotations. Fields that begin with a capital are
    Exchange properties; only those and `only` can be set.
    """
    hints = typing.get_type_hints(type(target))
    names = {
        folded(field.name): field.name
        for field in dataclasses.fields(target)  # type: ignore[arg-type]
        if (field.name in only if only is not None else field.name[0].isupper())
    }
    for key in section.names():
        name = names.get(folded(key))
        if name is not None:
            place = section.at(key)
            setattr(target, name, converted(section.take(key), hints[name], place))
    section._asked.extend(names.values())


def converted(value: object, hint: Any, place: Place) -> Any:
    """`value` as the annotation `hint` wants it. Raises `LoadingError`."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in typing.get_args(hint):
            return None
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
        return converted(value, hint, place)
    if origin is list:
        return as_texts(value, place)
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    if hint is str and isinstance(value, list):
        return ", ".join(as_texts(value, place))
    if hint is datetime:
        return as_date(value, place)
    expected = {bool: "true or false", int: "a whole number", float: "a number"}
    raise place.error(f"expected {expected.get(hint, 'a text')}, found {_kind(value)}")


def as_date(value: object, place: Place) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise place.error(f"'{value}' is no date") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise place.error(f"expected a date, found {_kind(value)}")
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, Mapping):
        return "keys and values"
    return "a list" if isinstance(value, list) else f"{value}"
