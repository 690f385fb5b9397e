# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do Get-AuthConfig and Set-AuthConfig do? The certificate that servers sign their tokens
with: named, staged with a date, published, and the former one forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import OutputObject, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import CONFIGURATION
from fake_exchange.cmdlets.invocation import Invocation, time_text
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.organisation import auth_certificate, certificate_rules
from fake_exchange.organisation.model import AuthConfig, Organisation, StoredCertificate, now

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
AUTH = (CONFIGURATION + "AuthConfig", *CONFIGURATION_OBJECT)
AUTH_NAME = "Auth Configuration"
#: Less than this, and not all servers may have the certificate in time.
LEAD = timedelta(hours=48)
_KEY_SIZE = 2048


def auth_config_output(organisation: Organisation, auth: AuthConfig) -> OutputObject:
    """The Auth configuration with its 25 properties."""
    domain = organisation.domain
    dn = f"CN={AUTH_NAME},{directory.organization_dn(organisation.Name, domain)}"
    effective = auth.NextCertificateEffectiveDate
    common = directory.directory_members(
        distinguished_name=dn,
        guid=auth.Guid,
        identity=directory.ad_object_id(dn, guid=auth.Guid),
        domain=domain,
        schema_class="ms-Exch-Auth-Auth-Config",
        object_classes=("top", "container", "msExchContainer", "msExchAuthAuthConfig"),
        changed=auth.WhenChanged,
        created=auth.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "CurrentCertificateThumbprint": lambda: auth.CurrentCertificateThumbprint,
        "PreviousCertificateThumbprint": lambda: auth.PreviousCertificateThumbprint,
        "NextCertificateThumbprint": lambda: auth.NextCertificateThumbprint,
        "NextCertificateEffectiveDate": lambda: (
            directory.local_time(effective, organisation.time_zone)
            if effective is not None
            else None
        ),
        "ServiceName": lambda: auth.ServiceName,
        "Realm": lambda: auth.Realm,
        "DeploymentId": lambda: "",
        "IssuerIdentifier": lambda: "",
        "Name": lambda: AUTH_NAME,
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 20, "15.0.0.0"),
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(AUTH, AUTH_NAME, getters, lambda: directory.property_bag(AUTH[0], getters))


def _get(invocation: Invocation) -> Iterator[OutputObject]:
    yield auth_config_output(invocation.organisation, invocation.organisation.auth_config)


def _usable(invocation: Invocation, thumbprint: str) -> StoredCertificate:
    """The certificate, which the server of the session has to hold, fit for signing."""
    server = invocation.context.landed_server
    stored = certificate_rules.find_even_without_key(server, thumbprint)
    reason = None
    if stored is None:
        raise invocation.error(
            f"The certificate with thumbprint {thumbprint} was not found on server {server.Name}.",
            category="InvalidArgument",
            target=thumbprint,
        )
    key = stored.certificate.public_key()
    if not stored.HasPrivateKey or stored.request_pending:
        reason = "PrivateKeyMissing"
    elif stored.Status == "DateInvalid":
        reason = "DateInvalid"
    elif not isinstance(key, rsa.RSAPublicKey):
        reason = "KeyAlgorithmUnsupported"
    elif key.key_size < _KEY_SIZE:
        reason = "KeySizeInvalid"
    if reason is not None:
        raise invocation.error(
            f"The certificate with thumbprint {thumbprint} on server {server.Name} can't be used "
            f"for authorization (reason: {reason}).",
            category="InvalidArgument",
            target=thumbprint,
        )
    return stored


def _set(invocation: Invocation) -> Iterator[OutputObject]:
    parameters = invocation.parameters
    if not invocation.should_process(f'Setting the "{AUTH_NAME}".'):
        return
    before = _state(invocation.organisation.auth_config)
    if "CertificateThumbprint" in parameters:
        _replace(invocation, parameters.get("CertificateThumbprint"))
    elif "NewCertificateThumbprint" in parameters or "NewCertificateEffectiveDate" in parameters:
        if not _stage(invocation):
            return
    elif parameters.switch("PublishCertificate") or parameters.switch("ClearPreviousCertificate"):
        if not _roll_over(invocation):
            return
    else:
        _set_names(invocation)
    if _state(invocation.organisation.auth_config) == before:
        invocation.warn_nothing_modified(AUTH_NAME)
    yield from ()


def _state(auth: AuthConfig) -> tuple[object, ...]:
    return (
        auth.CurrentCertificateThumbprint,
        auth.PreviousCertificateThumbprint,
        auth.NextCertificateThumbprint,
        auth.NextCertificateEffectiveDate,
        auth.Realm,
        auth.ServiceName,
    )


def _deploy(invocation: Invocation) -> None:
    organisation = invocation.organisation
    for change in auth_certificate.deploy_at_once(organisation, invocation.context.landed_server):
        organisation.journal.record(organisation, change)


def _replace(invocation: Invocation, thumbprint: str) -> None:
    """Another current certificate, at once."""
    with invocation.organisation.lock:
        auth = invocation.organisation.auth_config
        stored = _usable(invocation, thumbprint)
        invocation.changed = stored.Thumbprint
        if stored.Thumbprint != auth.CurrentCertificateThumbprint:
            auth.PreviousCertificateThumbprint = auth.CurrentCertificateThumbprint
            auth.CurrentCertificateThumbprint = stored.Thumbprint
            auth.WhenChanged = now()
    if not invocation.parameters.switch("SkipImmediateCertificateDeployment"):
        _deploy(invocation)


def _stage(invocation: Invocation) -> bool:
    """The next certificate and from when it is used; False if the question was answered no."""
    parameters = invocation.parameters
    auth = invocation.organisation.auth_config
    thumbprint, date = parameters.get("NewCertificateThumbprint"), _date(invocation)
    if thumbprint is not None:
        thumbprint = _usable(invocation, thumbprint).Thumbprint
        invocation.changed = thumbprint
    if thumbprint == auth.CurrentCertificateThumbprint:
        raise invocation.error(
            f"The certificate with thumbprint {thumbprint} is the current certificate already and "
            "can't be the next one.",
            category="InvalidArgument",
        )
    if date is None:
        raise invocation.error(
            "The NewCertificateEffectiveDate parameter must be specified together with the "
            "NewCertificateThumbprint parameter.",
            category="InvalidArgument",
        )
    if thumbprint is None and not auth.NextCertificateThumbprint:
        raise invocation.error(
            "The NewCertificateThumbprint parameter must be specified, because no next certificate "
            "is configured.",
            category="InvalidArgument",
        )
    if date < now() + LEAD and not invocation.should_continue(
        "The new certificate effective date is not 48 hours into the future and may not be "
        "deployed on all necessary servers. Do you wish to continue?"
    ):
        return False
    with invocation.organisation.lock:
        auth.NextCertificateThumbprint = thumbprint or auth.NextCertificateThumbprint
        auth.NextCertificateEffectiveDate = date
        auth.WhenChanged = now()
    return True


def _date(invocation: Invocation) -> datetime | None:
    """A date without time zone is meant as the servers' clocks show it."""
    date: datetime | None = invocation.parameters.get("NewCertificateEffectiveDate")
    if date is not None and date.tzinfo is None:
        return date.replace(tzinfo=invocation.organisation.time_zone)
    return date


def _roll_over(invocation: Invocation) -> bool:
    """Publish the next certificate, forget the previous one, or both; False if the question was
    answered no."""
    organisation, auth = invocation.organisation, invocation.organisation.auth_config
    publishes = invocation.parameters.switch("PublishCertificate")
    if publishes:
        if not auth.NextCertificateThumbprint:
            raise invocation.error(
                "There's no next certificate that could be published. Use the "
                "NewCertificateThumbprint parameter to specify one.",
                category="InvalidOperation",
            )
        invocation.changed = _usable(invocation, auth.NextCertificateThumbprint).Thumbprint
        date = auth.NextCertificateEffectiveDate
        if date is not None and date > now():
            shown = time_text(date, organisation.time_zone)
            if not invocation.should_continue(
                f"The next certificate isn't effective until {shown} and may not be deployed on "
                "all necessary servers. Do you want to publish it now?"
            ):
                return False
    with organisation.lock:
        if publishes:
            auth_certificate.publish(organisation)
        if invocation.parameters.switch("ClearPreviousCertificate"):
            auth.PreviousCertificateThumbprint = ""
            auth.WhenChanged = now()
    if publishes:
        _deploy(invocation)
    return True


def _set_names(invocation: Invocation) -> None:
    auth = invocation.organisation.auth_config
    for name in ("Realm", "ServiceName"):
        if name in invocation.parameters:
            setattr(auth, name, invocation.parameters.get(name))
            auth.WhenChanged = now()


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)
_CURRENT = ("CurrentCertificateParameter",)
_NEW = ("NewCertificateParameter",)
_PUBLISH = ("PublishAuthCertificateParameter",)
_SETTINGS = ("AuthConfigSettings",)

CMDLETS = (
    CmdletDefinition("Get-AuthConfig", TASKS + "GetAuthConfig", (_DOMAIN_CONTROLLER,), _get),
    CmdletDefinition(
        "Set-AuthConfig",
        TASKS + "SetAuthConfig",
        (
            Parameter(
                "CertificateThumbprint", conversion.required_text, sets=_CURRENT, required=True
            ),
            Parameter("NewCertificateThumbprint", conversion.required_text, sets=_NEW),
            Parameter("NewCertificateEffectiveDate", conversion.moment, sets=_NEW),
            Parameter("PublishCertificate", conversion.switch, sets=_PUBLISH),
            Parameter("ClearPreviousCertificate", conversion.switch, sets=_PUBLISH),
            Parameter("Realm", conversion.text_or_empty, sets=_SETTINGS),
            Parameter("ServiceName", conversion.required_text, sets=_SETTINGS),
            Parameter(
                "SkipImmediateCertificateDeployment",
                conversion.switch,
                sets=(*_CURRENT, *_NEW),
            ),
            Parameter("Force", conversion.switch, sets=(*_CURRENT, *_NEW, *_PUBLISH)),
            _DOMAIN_CONTROLLER,
        ),
        _set,
        should_process=True,
    ),
)
