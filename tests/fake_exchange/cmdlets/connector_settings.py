# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How are connectors found and changed? What Get- and Set- of both kinds of connector share:
identities, settings as a table, only-what-differs, and the rules about TlsCertificateName."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from fake_exchange.cmdlets.conversion import Converter, MultiValue, text
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import Parameter, binding_error
from fake_exchange.organisation import certificate_rules, tls_names
from fake_exchange.organisation.model import now

Item = TypeVar("Item")

DATA = "Microsoft.Exchange.Data."
CONFIGURATION = "Microsoft.Exchange.Data.Directory.SystemConfiguration."


@dataclass(frozen=True)
class Setting:
    """A property that Set- changes. ``default`` is its value while nobody has set it, for
    properties that the organisation's objects do not name; ``limits`` the least and the greatest
    value, printed by ``shown``; ``key`` what two values are compared by."""

    name: str
    convert: Converter
    default: Any = None
    limits: tuple[int, int] | None = None
    shown: Callable[[int], object] = str
    key: Callable[[Any], Any] | None = None

    @property
    def parameter(self) -> Parameter:
        return Parameter(self.name, self.convert)


def value_of(item: Any, setting: Setting) -> Any:
    """The property's value now."""
    if hasattr(item, setting.name):
        return getattr(item, setting.name)
    return item.other.get(setting.name, setting.default)


def find(
    invocation: Invocation,
    items: Iterable[Item],
    names_of: Callable[[Item], Sequence[str]],
    *,
    identity: str | None,
) -> list[Item]:
    """What Get- returns for an identity: matches without case, ``*`` as wildcard, everything for
    none at all - and, as documented, for one that does not exist."""
    everything = list(items)
    if not identity:
        return everything
    wanted = identity.strip().casefold()
    wild = "*" in wanted
    found = [
        item
        for item in everything
        if any(
            fnmatchcase(name.casefold(), wanted) if wild else name.casefold() == wanted
            for name in names_of(item)
        )
    ]
    if found or wild:
        return found
    if invocation.organisation.behavior.list_all_for_missing_identity:
        return everything
    raise invocation.object_not_found(identity)


def folded(items: Iterable[str]) -> list[str]:
    """What lists of names are compared by."""
    return [item.casefold() for item in items]


def already_exists(invocation: Invocation, distinguished_name: str) -> Exception:
    """What the directory says about a second object of a name."""
    return invocation.error(
        f"Active Directory operation failed on {invocation.organisation.domain_controller}. The "
        f"object '{distinguished_name}' already exists.",
        category="NotSpecified",
        exception="ADObjectAlreadyExistsException",
        target=distinguished_name,
    )


class Change:
    """The state an object would have after a Set-: the given values over the present ones."""

    def __init__(self, invocation: Invocation, item: Any, settings: Sequence[Setting]) -> None:
        self._item = item
        self._settings = {setting.name: setting for setting in settings}
        self.given: dict[str, Any] = {}
        for name, setting in self._settings.items():
            if name not in invocation.parameters:
                continue
            value = invocation.parameters.get(name)
            if isinstance(value, MultiValue):
                value = value.applied_to(value_of(item, setting))
            self.given[name] = value

    def __getitem__(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        return value_of(self._item, self._settings[name])

    def differing(self) -> dict[str, Any]:
        return {name: value for name, value in self.given.items() if self._differs(name, value)}

    def _differs(self, name: str, value: Any) -> bool:
        setting = self._settings[name]
        present = value_of(self._item, setting)
        if setting.key is None:
            return bool(present != value)
        return bool(setting.key(present) != setting.key(value))

    def check_limits(self, invocation: Invocation) -> None:
        """Refuse given values out of their range."""
        for name, value in self.given.items():
            limits = self._settings[name].limits
            if limits is None or value is None or limits[0] <= value <= limits[1]:
                continue
            shown = self._settings[name].shown
            raise invocation.error(
                f"The value '{shown(value)}' of the property {name} isn't between "
                f"'{shown(limits[0])}' and '{shown(limits[1])}'.",
                category="InvalidData",
                exception="DataValidationException",
                target=name,
            )

    def apply(self, invocation: Invocation, identity: str) -> None:
        """Write what differs, or warn that nothing does."""
        if not self.differing():
            invocation.warn_nothing_modified(identity)
            return
        self.write()

    def write(self) -> None:
        for name, value in self.differing().items():
            if hasattr(self._item, name):
                setattr(self._item, name, value)
            else:
                self._item.other[name] = value
        self._item.WhenChanged = now()


def refuse(invocation: Invocation, message: str) -> Exception:
    """A combination of settings that Exchange does not accept."""
    return invocation.error(message, category="InvalidArgument")


def normalise_tls_certificate_name(invocation: Invocation, change: Change) -> None:
    """Bring a given TlsCertificateName into the stored form, or refuse it as the switches say."""
    name = change.given.get("TlsCertificateName")
    if "TlsCertificateName" not in change.given:
        return
    if not name:
        change.given["TlsCertificateName"] = None
        return
    behavior = invocation.organisation.behavior
    try:
        stored = tls_names.normalised(name)
    except ValueError:
        if behavior.refuse_malformed_tls_certificate_name:
            raise binding_error(
                invocation.definition,
                "Cannot process argument transformation on parameter 'TlsCertificateName'. Cannot "
                f'convert value "{name}" to type "{DATA}SmtpX509Identifier".',
                "ParameterArgumentTransformationError",
                category="InvalidData",
                exception="ParameterBindingArgumentTransformationException",
            ) from None
        stored = name
    unknown = not certificate_rules.usable_names(invocation.organisation, stored)
    if behavior.refuse_unknown_tls_certificate_name and unknown:
        raise refuse(
            invocation,
            f"The certificate specified by the TlsCertificateName parameter '{stored}' could not "
            "be found.",
        )
    change.given["TlsCertificateName"] = stored


def certificate_name(value: Any) -> str | None:
    """SmtpX509Identifier: text or $null; its form is judged later."""
    return text(value)
