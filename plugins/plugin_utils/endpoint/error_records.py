# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerShell's error records as data, and what their classes mean."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    plain_type_name,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletError,
)

# The remoting layer's wrapper says nothing: the reason then holds the real class. Its bases follow
# it in the type names, and say something only where they stand alone.
_WRAPPER = "System.Management.Automation.RemoteException"
_WRAPPER_AND_BASES = (
    _WRAPPER,
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
)
_NO_CLASSES = ("System.Exception", "System.Object")

# Role that holds the cmdlets by default (Microsoft's permission pages of each feature).
_ROLES = {
    "exchangecertificate": "Exchange Server Certificates",
    "sendconnector": "Send Connectors",
    "receiveconnector": "Receive Connectors",
    "transportservice": "View-Only Configuration",
    "exchangeserver": "View-Only Configuration",
    "accepteddomain": "View-Only Configuration",
    "authconfig": "Organization Client Access",
    "federationtrust": "Federated Sharing",
    "federationtrustcertificate": "Federated Sharing",
    "federateddomainproof": "Federated Sharing",
    "federatedorganizationidentifier": "Federated Sharing",
    "popsettings": "POP3 and IMAP4 Protocols",
    "imapsettings": "POP3 and IMAP4 Protocols",
    "edgesubscription": "Edge Subscriptions",
    "edgesynchronization": "Edge Subscriptions",
    "queue": "Transport Queues",
    "servicehealth": "Monitoring",
    "servercomponentstate": "Monitoring",
    "messagetrackinglog": "Message Tracking",
}


def cmdlet_error(record: Any, *, cmdlet: str) -> CmdletError:
    """One psrpcore ErrorRecord as data; `cmdlet` stands in when the record does not name one."""
    category = getattr(record, "CategoryInfo", None)
    error_id = _word(getattr(record, "FullyQualifiedErrorId", None))
    return CmdletError(
        message=_message(record),
        category=_category(getattr(category, "Category", None)),
        exception_type=_exception_type(record, category),
        error_id=error_id,
        error_class=error_id.rpartition(",")[2].strip(),
        cmdlet=_word(getattr(category, "Activity", None)) or cmdlet,
        target=_target(record),
    )


def is_missing_cmdlet(error: CmdletError) -> bool:
    """The command itself is not visible to the account."""
    return (
        error.exception_type.endswith("CommandNotFoundException")
        or error.error_class == "CommandNotFoundException"
    )


def is_missing_parameter(error: CmdletError) -> bool:
    """The cmdlet is there, but one of the parameters is not."""
    return error.error_id.startswith("NamedParameterNotFound") or (
        error.exception_type.endswith("ParameterBindingException")
        and "NamedParameterNotFound" in error.error_id
    )


def role_for(cmdlet: str) -> str | None:
    """The management role that holds a cmdlet by default, of the cmdlets that are used here."""
    return _ROLES.get(cmdlet.partition("-")[2].lower())


def _message(record: Any) -> str:
    # str(record) fails when the exception came without a Message.
    details = getattr(record, "ErrorDetails", None)
    exception = getattr(record, "Exception", None)
    return (
        _word(getattr(details, "Message", None))
        or _word(getattr(exception, "Message", None))
        or _word(_to_string(exception))
        or "the server gave no text"
    )


def _to_string(value: Any) -> Any:
    try:
        return value.PSObject.to_string
    except (AttributeError, TypeError):
        # psrpcore's own exception class cannot show itself without a Message.
        return None


def _exception_type(record: Any, category: Any) -> str:
    exception = getattr(record, "Exception", None)
    names = getattr(getattr(exception, "PSObject", None), "type_names", [])
    plain = [plain_type_name(str(name)) for name in names]
    left_out = {*_NO_CLASSES, *(_WRAPPER_AND_BASES if _WRAPPER in plain else ())}
    classes = [name for name in plain if name not in left_out]
    return next(iter(classes), _word(getattr(category, "Reason", None)) or next(iter(plain), ""))


def _category(value: Any) -> str:
    name = getattr(value, "name", None)
    return _word(name if name is not None else value)


def _target(record: Any) -> str | None:
    target = getattr(record, "TargetObject", None)
    if target is None:
        return None
    text = _to_string(target)
    if text is None and isinstance(target, (str, int, float)):
        text = str(target)
    return _word(text) or None


def _word(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else ""
