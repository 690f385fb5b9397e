# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an endpoint's settings make sense, before anything is sent to it."""

from __future__ import annotations

import ssl

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
    WindowsEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

AUTHENTICATIONS = ("kerberos", "negotiate", "ntlm", "basic")
SCHEMES = ("http", "https")
MESSAGE_ENCRYPTIONS = ("auto", "always", "never")


def check_settings(settings: ExchangeEndpointSettings | WindowsEndpointSettings) -> None:
    """Refuse what cannot work or would show the password on the wire.

    Raises:
        InvalidInput: One line that names the variable to change.
    """
    prefix = (
        "ansible_exchange_"
        if isinstance(settings, ExchangeEndpointSettings)
        else "ansible_exchange_winrm_"
    )
    _one_of(f"{prefix}scheme", settings.scheme, SCHEMES)
    _one_of(f"{prefix}auth", settings.authentication, AUTHENTICATIONS)
    _one_of(f"{prefix}message_encryption", settings.message_encryption, MESSAGE_ENCRYPTIONS)
    if not 0 < settings.port < 65536:
        raise InvalidInput(f"{prefix}port is {settings.port}, which is no port")
    if settings.operation_timeout < 1 or settings.read_timeout <= settings.operation_timeout:
        raise InvalidInput(
            f"{prefix}read_timeout ({settings.read_timeout} s) must be longer than "
            f"{prefix}operation_timeout "
            f"({settings.operation_timeout} s), and both at least a second"
        )
    _check_secrecy(settings, prefix)
    _check_credentials(settings, prefix)
    if settings.scheme == "https" and settings.validate_certificates and settings.ca_file:
        _check_ca_file(settings.ca_file, prefix)


def _one_of(variable: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInput(f"{variable} is {value!r}; it must be one of {', '.join(choices)}")


def _check_secrecy(
    settings: ExchangeEndpointSettings | WindowsEndpointSettings, prefix: str
) -> None:
    if settings.authentication == "basic" and settings.message_encryption == "always":
        raise InvalidInput(
            f"{prefix}auth basic has no message encryption: set {prefix}message_encryption to auto "
            "and use https"
        )
    if settings.scheme == "https":
        return
    if settings.authentication == "basic":
        raise InvalidInput(
            f"{prefix}auth basic over http would send the password in clear: set {prefix}scheme to "
            "https, or use "
            "kerberos, negotiate or ntlm"
        )
    if settings.message_encryption == "never":
        raise InvalidInput(
            f"{prefix}message_encryption never over http would send everything in clear, "
            "certificates' keys included: "
            f"leave it on auto, or set {prefix}scheme to https"
        )


def _check_credentials(
    settings: ExchangeEndpointSettings | WindowsEndpointSettings, prefix: str
) -> None:
    user, password = settings.user_name, settings.password
    if settings.authentication in ("basic", "ntlm") and not (user and password):
        missing = "ansible_password" if user else "ansible_user"
        raise InvalidInput(
            f"{prefix}auth {settings.authentication} needs a user and a password: {missing} is not "
            "set"
        )
    if password and not user:
        raise InvalidInput("a password is given, but no ansible_user")
    if settings.authentication == "kerberos" and user and "\\" in user:
        raise InvalidInput(
            f"Kerberos wants the user as name@REALM with the realm in capitals, not {user}: change "
            "ansible_user, or set "
            f"{prefix}auth to negotiate or ntlm"
        )


def _check_ca_file(path: str, prefix: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except FileNotFoundError:
        raise InvalidInput(f"{prefix}ca_file {path} does not exist on this machine") from None
    except (OSError, ssl.SSLError):
        raise InvalidInput(f"{prefix}ca_file {path} holds no certificates in PEM form") from None
