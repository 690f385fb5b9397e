# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is a server's certificate imported, enabled, removed and exported?

Every function is one cmdlet (``import_and_enable`` two, directly after one another), always names
its server, and turns failures into sentences. None of them reads the state; callers do, before and
after.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.services import (
    ordered,
    render_services,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.certificates.smtp_prompt import (
    smtp_overwrite_policy,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.cmdlet_errors import (
    explained,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
    Session,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.pipeline_records import (
    Cmdlet,
    CmdletResult,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.values import (
    RemoteObject,
    Secret,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    CmdletFailed,
    InvalidInput,
    PromptNotAnswerable,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.loaded_certificate import (
    FRIENDLY_NAME_MAXIMUM_LENGTH,
    LoadedCertificate,
)


def check_friendly_name(name: str | None) -> None:
    """Refuse a friendly name that Import-ExchangeCertificate would not take.

    Raises:
        InvalidInput: it is too long.
    """
    if name and len(name) > FRIENDLY_NAME_MAXIMUM_LENGTH:
        raise InvalidInput(
            f"friendly_name '{name}' has {len(name)} characters; Exchange takes at most "
            f"{FRIENDLY_NAME_MAXIMUM_LENGTH}."
        )


def import_certificate(
    session: Session,
    loaded: LoadedCertificate,
    *,
    server: str,
    friendly_name: str | None = None,
    exportable: bool | None = None,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Import certificate, key and chain under a random password that is used once.

    Raises:
        CmdletFailed: with the reason in plain words; a certificate that is there but invisible for
            want of its key is explained as such.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    password = secrets.token_urlsafe(32)
    parameters: dict[str, object] = {
        "Server": server,
        "FileData": loaded.pkcs12(password, friendly_name),
        "Password": Secret(password),
    }
    if friendly_name:
        parameters["FriendlyName"] = friendly_name
    if exportable is not None:
        parameters["PrivateKeyExportable"] = exportable
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Importing certificate {loaded.thumbprint} ({loaded.description}) on {server}",
        details={"server": server, "thumbprint": loaded.thumbprint},
    ):
        return session.invoke(Cmdlet("Import-ExchangeCertificate", parameters), changing=True)


def enable_certificate(
    session: Session,
    thumbprint: str,
    services: Iterable[str],
    *,
    server: str,
    replace_internal_transport: bool = False,
    require_ssl: bool = True,
    network_service_allowed: bool = False,
    former_internal_transport: str | None = None,
    force: bool = False,
    domain_controller: str | None = None,
) -> CmdletResult:
    """Enable a certificate for services; without ``force``, Exchange may ask about SMTP.

    The question whether to overwrite the default SMTP certificate is answered No unless
    ``replace_internal_transport``; any other question fails the call. In a shell where nobody can
    say No, it is enabled with Force, and ``former_internal_transport`` (its thumbprint) gets its
    role back in the same process on the server.

    Raises:
        CmdletFailed, UnexpectedPrompt: with the reason in plain words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    wanted = ordered(services)
    parameters: dict[str, object] = {
        "Server": server,
        "Thumbprint": thumbprint,
        "Services": render_services(wanted),
    }
    if not require_ssl and "IIS" in wanted:
        parameters["DoNotRequireSsl"] = True
    if network_service_allowed:
        parameters["NetworkServiceAllowed"] = True
    if force:
        parameters["Force"] = True
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Enabling certificate {thumbprint} for {render_services(wanted)} on {server}",
        details={"server": server, "thumbprint": thumbprint},
    ):
        try:
            return session.invoke(
                Cmdlet("Enable-ExchangeCertificate", parameters),
                answer=smtp_overwrite_policy(thumbprint, replace=replace_internal_transport),
                changing=True,
            )
        except PromptNotAnswerable:
            if not replace_internal_transport and former_internal_transport is None:
                # Without its thumbprint the former one could not be given its role back.
                raise
        return session.invoke(
            Cmdlet(
                "Enable-ExchangeCertificate",
                {**parameters, "Force": True},
                afterwards=None
                if replace_internal_transport
                else Cmdlet(
                    "Enable-ExchangeCertificate",
                    {
                        "Server": server,
                        "Thumbprint": former_internal_transport,
                        "Services": "SMTP",
                        "Force": True,
                    },
                ),
            ),
            changing=True,
        )


def import_and_enable(
    session: Session,
    loaded: LoadedCertificate,
    services: Iterable[str],
    *,
    server: str,
    friendly_name: str | None = None,
    exportable: bool | None = None,
    replace_internal_transport: bool = False,
    require_ssl: bool = True,
    network_service_allowed: bool = False,
    domain_controller: str | None = None,
) -> list[CmdletResult]:
    """Import and enable with nothing in between.

    Exchange chooses a connector's certificate by name and does not check that SMTP is enabled on
    it: between the two, a renewal under the same name already breaks TLS.
    """
    results = [
        import_certificate(
            session,
            loaded,
            server=server,
            friendly_name=friendly_name,
            exportable=exportable,
            domain_controller=domain_controller,
        )
    ]
    wanted = ordered(services)
    if wanted or network_service_allowed:
        results.append(
            enable_certificate(
                session,
                loaded.thumbprint,
                wanted,
                server=server,
                replace_internal_transport=replace_internal_transport,
                require_ssl=require_ssl,
                network_service_allowed=network_service_allowed,
                domain_controller=domain_controller,
            )
        )
    return results


def create_internal_transport_certificate(
    session: Session, *, server: str, domain_controller: str | None = None
) -> CmdletResult:
    """Create a self-signed certificate for a server's neighbours, which takes the role at once.

    With the parameters of Microsoft's own script InternalTransportCertificateCheck.

    Raises:
        CmdletFailed: with the reason in plain words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    name = server.partition(".")[0]
    parameters: dict[str, object] = {
        "Server": server,
        "KeySize": 2048,
        "PrivateKeyExportable": True,
        "FriendlyName": name,
        "DomainName": [name],
        "IncludeServerFQDN": True,
        "Services": "SMTP",
        "Force": True,
    }
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Creating an internal transport certificate on {server}", details={"server": server}
    ):
        return session.invoke(Cmdlet("New-ExchangeCertificate", parameters), changing=True)


def remove_certificate(
    session: Session, thumbprint: str, *, server: str, domain_controller: str | None = None
) -> CmdletResult:
    """Remove a certificate from a server's store.

    Raises:
        CmdletFailed: with the reason of the refusal in plain words.
        OutcomeUnknown: contact was lost; read the certificates before anything else.
    """
    parameters: dict[str, object] = {
        "Server": server,
        "Thumbprint": thumbprint,
        "Confirm": False,
    }
    _add_domain_controller(parameters, domain_controller)
    with explained(
        f"Removing certificate {thumbprint} from {server}",
        details={"server": server, "thumbprint": thumbprint},
    ):
        return session.invoke(Cmdlet("Remove-ExchangeCertificate", parameters), changing=True)


def export_certificate(
    session: Session, thumbprint: str, password: Secret, *, server: str
) -> bytes:
    """Return certificate and key as a PFX under the given password.

    Raises:
        CmdletFailed: the key is not exportable, or nothing came back.
    """
    parameters: dict[str, object] = {
        "Server": server,
        "Thumbprint": thumbprint,
        "BinaryEncoded": True,
        "Password": password,
    }
    with explained(
        f"Exporting certificate {thumbprint} from {server}",
        details={"server": server, "thumbprint": thumbprint},
    ):
        result = session.invoke(Cmdlet("Export-ExchangeCertificate", parameters))
        for value in result.output:
            data = value.get("FileData") if isinstance(value, RemoteObject) else value
            if isinstance(data, bytes) and data:
                return data
        raise CmdletFailed("the server returned no data", errors=result.errors)


def _add_domain_controller(parameters: dict[str, object], domain_controller: str | None) -> None:
    if domain_controller:
        parameters["DomainController"] = domain_controller
