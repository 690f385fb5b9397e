# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What do the cmdlets about the federation trust do? The trust and its certificates, the proofs for
DNS, and the organisation's identifier; the tests are in a file of their own."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from fake_exchange.clixml import directory_types as directory
from fake_exchange.clixml import value_types as values
from fake_exchange.clixml.directory_types import CONFIGURATION_OBJECT, Getters
from fake_exchange.clixml.objects import ClrObject, OutputObject, Uri, enum, output_of
from fake_exchange.cmdlets import conversion
from fake_exchange.cmdlets.connector_settings import CONFIGURATION, DATA, find, folded
from fake_exchange.cmdlets.invocation import Invocation
from fake_exchange.cmdlets.parameters import CmdletDefinition, Parameter
from fake_exchange.cmdlets.registry import CmdletError
from fake_exchange.organisation import certificate_rules
from fake_exchange.organisation import federation_certificate as federation
from fake_exchange.organisation.model import (
    FederationTrust,
    Organisation,
    StoredCertificate,
    now,
)

TASKS = "Microsoft.Exchange.Management.SystemConfigurationTasks."
FEDERATION = (CONFIGURATION + "FederationTrust", *CONFIGURATION_OBJECT)
IDENTIFIER = (
    "Microsoft.Exchange.Data.Directory.Management.FederatedOrganizationIdWithDomainStatus",
    CONFIGURATION + "FederatedOrganizationId",
    *CONFIGURATION_OBJECT,
)
PROOF = (TASKS + "FederatedDomainProof", "System.Object")
_GATEWAY = "uri:MicrosoftOnline"
_IDENTIFIER_NAME = "Federation"


def trust_dn(organisation: Organisation, trust: FederationTrust) -> str:
    parent = directory.organization_dn(organisation.Name, organisation.domain)
    return f"CN={directory.escaped(trust.Name)},CN=Federation Trusts,{parent}"


def trust_output(organisation: Organisation, trust: FederationTrust) -> OutputObject:
    """A federation trust: the documented properties, no capture exists."""
    dn = trust_dn(organisation, trust)
    common = directory.directory_members(
        distinguished_name=dn,
        guid=trust.Guid,
        identity=directory.ad_object_id(dn, guid=trust.Guid),
        domain=organisation.domain,
        schema_class="ms-Exch-Fed-Trust",
        object_classes=("top", "msExchFedTrust"),
        changed=trust.WhenChanged,
        created=trust.WhenCreated,
        domain_controller=organisation.domain_controller,
        time_zone=organisation.time_zone,
    )
    getters: Getters = {
        "ApplicationIdentifier": lambda: trust.Guid.hex[:16].upper(),
        "ApplicationUri": lambda: Uri(trust.ApplicationUri) if trust.ApplicationUri else None,
        "OrgPrivCertificate": lambda: trust.OrgPrivCertificate,
        "OrgNextPrivCertificate": lambda: trust.OrgNextPrivCertificate,
        "OrgPrevPrivCertificate": lambda: trust.OrgPrevPrivCertificate,
        "PolicyReferenceUri": lambda: "EX_MBI_FED_SSL",
        "TokenIssuerType": lambda: enum(TASKS + "FederationTrustTokenIssuerType", "LiveId", 0),
        "TokenIssuerUri": lambda: Uri(_GATEWAY),
        "MetadataEpr": lambda: Uri(trust.MetadataEpr),
        "MetadataPollInterval": lambda: values.enhanced_time_span(86_400),
        "NamespaceProvisioner": lambda: enum(
            CONFIGURATION + "FederationTrust+NamespaceProvisionerType", "LiveDomainServices2", 2
        ),
        "AdminDisplayName": lambda: "",
        "ExchangeVersion": lambda: directory.object_version(0, 10, "14.0.100.0"),
        "Name": lambda: trust.Name,
        **common["name"],
        **common["dates"],
        **common["state"],
    }
    return output_of(FEDERATION, trust.Name, getters)


def _get_trust(invocation: Invocation) -> Iterator[OutputObject]:
    organisation = invocation.organisation
    trust = organisation.federation_trust
    found = find(
        invocation,
        [trust] if trust is not None else [],
        lambda trust: (trust.Name, str(trust.Guid), trust_dn(organisation, trust)),
        identity=invocation.parameters.get("Identity"),
    )
    for trust in found:
        yield trust_output(organisation, trust)


def _trust(invocation: Invocation) -> FederationTrust:
    """The trust that -Identity means; raises `CmdletError` if it does not exist."""
    organisation = invocation.organisation
    trust: FederationTrust | None = organisation.federation_trust
    identity = invocation.parameters.get("Identity")
    if trust is not None:
        names = (trust.Name, str(trust.Guid), trust_dn(organisation, trust))
        if identity.strip().casefold() in folded(names):
            return trust
    raise invocation.object_not_found(identity)


def _invalid(invocation: Invocation, message: str) -> CmdletError:
    return invocation.error(
        message, category="InvalidArgument", exception="FederationCertificateInvalidException"
    )


def held(invocation: Invocation, thumbprint: str) -> StoredCertificate:
    """The certificate with its key, which the server of the session has to hold."""
    stored = certificate_rules.find(invocation.context.landed_server, thumbprint)
    if stored is None or not stored.HasPrivateKey:
        shown = "".join(thumbprint.split()).upper()
        raise _invalid(
            invocation, f'Federation certificate with the thumbprint "{shown}" cannot be found.'
        )
    return stored


def _fit(invocation: Invocation, thumbprint: str) -> StoredCertificate:
    """A certificate that the trust can use, and that can be brought to the other servers."""
    stored = held(invocation, thumbprint)
    key = stored.certificate.public_key()
    reason = None
    if stored.Status == "DateInvalid":
        reason = "it isn't valid at the moment"
    elif not isinstance(key, rsa.RSAPublicKey):
        reason = "its key isn't an RSA key"
    elif key.key_size < 2048:
        reason = "its key is shorter than 2048 bits"
    elif not stored.PrivateKeyExportable:
        reason = "its private key isn't exportable"
    if reason is not None:
        raise _invalid(
            invocation,
            f'Federation certificate with the thumbprint "{stored.Thumbprint}" can\'t be used '
            f"because {reason}.",
        )
    return stored


def _set_trust(invocation: Invocation) -> Iterator[OutputObject]:
    parameters, organisation = invocation.parameters, invocation.organisation
    trust = _trust(invocation)
    invocation.changed = parameters.get("Thumbprint") or trust.Name
    if not invocation.should_process(f'Setting federation trust "{trust.Name}".'):
        return
    with organisation.lock:
        before = _state(trust)
        if parameters.switch("PublishFederationCertificate"):
            _publish(invocation, trust)
        if "Thumbprint" in parameters:
            _stage(invocation, trust, parameters.get("Thumbprint"))
        if "MetadataUrl" in parameters:
            trust.MetadataEpr = _metadata_url(invocation)
        for name in ("ApplicationUri", "Name"):
            if name in parameters:
                setattr(trust, name, parameters.get(name))
        if parameters.switch("RefreshMetadata") or _state(trust) != before:
            trust.WhenChanged = now()
        else:
            invocation.warn_nothing_modified(trust.Name)
    yield from ()


def _state(trust: FederationTrust) -> tuple[object, ...]:
    certificates = tuple(federation.named(trust).items())
    return certificates, trust.MetadataEpr, trust.ApplicationUri, trust.Name


def _metadata_url(invocation: Invocation) -> str:
    url: str = invocation.parameters.get("MetadataUrl")
    if not url.casefold().startswith("https://"):
        raise invocation.error(
            f"The value '{url}' of the MetadataUrl parameter must be an absolute https URL.",
            category="InvalidArgument",
        )
    return url


def _stage(invocation: Invocation, trust: FederationTrust, thumbprint: str) -> None:
    stored = _fit(invocation, thumbprint)
    if stored.Thumbprint == trust.OrgPrivCertificate:
        raise _invalid(
            invocation,
            f'Federation certificate with the thumbprint "{stored.Thumbprint}" is the current '
            "certificate already and can't be the next one.",
        )
    federation.stage(invocation.organisation, trust, stored)


def _publish(invocation: Invocation, trust: FederationTrust) -> None:
    """The gateway has to be notified; it takes the current certificate as proof of who asks."""
    if not trust.OrgNextPrivCertificate:
        raise invocation.error(
            "There's no next certificate that could be published. Use the Thumbprint parameter to "
            "specify one.",
            category="InvalidArgument",
        )
    _fit(invocation, trust.OrgNextPrivCertificate)
    if held(invocation, trust.OrgPrivCertificate).Status == "DateInvalid":
        raise invocation.error(
            "An error occurred while attempting to provision Exchange to the Partner STS. Detailed "
            'Information "An error occurred accessing Windows Live. Detailed information: "1007 '
            'AccessDenied: Access Denied."."',
            category="InvalidResult",
            exception="ProvisioningFederatedExchangeException",
        )
    invocation.changed = trust.OrgNextPrivCertificate
    federation.publish(trust)


def _proof_output(domain: str, name: str, stored: StoredCertificate) -> OutputObject:
    proof = federation.proof(stored, domain)
    getters: Getters = {
        "DomainName": lambda: domain,
        "Name": lambda: name,
        "Thumbprint": lambda: stored.Thumbprint,
        "Proof": lambda: proof,
        "DnsRecord": lambda: f"{domain} TXT IN {proof}",
    }
    return output_of(PROOF, PROOF[0], getters)


def _get_proof(invocation: Invocation) -> Iterator[OutputObject]:
    domain = invocation.parameters.get("DomainName")
    thumbprint = invocation.parameters.get("Thumbprint")
    if thumbprint is not None:
        yield _proof_output(domain, "", held(invocation, thumbprint))
        return
    trust = invocation.organisation.federation_trust
    if trust is None:
        raise invocation.error(
            "There's no federation trust in the organization, so the Thumbprint parameter must be "
            "specified.",
            category="InvalidOperation",
        )
    for name, known in federation.named(trust).items():
        yield _proof_output(domain, name, held(invocation, known))


def _federated_domain(name: str) -> ClrObject:
    return ClrObject(
        (DATA + "FederatedDomain", "System.Object"),
        to_string=name,
        properties=[("Domain", name), ("State", "Active")],
    )


def identifier_output(organisation: Organisation, trust: FederationTrust | None) -> OutputObject:
    """The organisation's identifier at the gateway; without a trust it says nothing."""
    parent = directory.organization_dn(organisation.Name, organisation.domain)
    dn = f"CN={_IDENTIFIER_NAME},{parent}"
    link = trust_dn(organisation, trust) if trust is not None else ""
    getters: Getters = {
        "AccountNamespace": lambda: trust.AccountNamespace or None if trust else None,
        "Domains": lambda: directory.multi_valued(
            DATA + "FederatedDomain", map(_federated_domain, trust.Domains if trust else [])
        ),
        "DefaultDomain": lambda: None,
        "Enabled": lambda: trust is not None and trust.Enabled,
        "OrganizationContact": lambda: trust.OrganizationContact if trust else "",
        "DelegationTrustLink": lambda: (
            directory.ad_object_id(link, guid=trust.Guid) if trust else None
        ),
        "Name": lambda: _IDENTIFIER_NAME,
        "Identity": lambda: directory.ad_object_id(dn, guid=directory.constant_guid(dn)),
        "DistinguishedName": lambda: dn,
        "IsValid": lambda: True,
    }
    return output_of(IDENTIFIER, _IDENTIFIER_NAME, getters)


def _get_identifier(invocation: Invocation) -> Iterator[OutputObject]:
    yield identifier_output(invocation.organisation, invocation.organisation.federation_trust)


_DOMAIN_CONTROLLER = Parameter("DomainController", conversion.domain_name)
_OF_IDENTITY = ("Identity",)

CMDLETS = (
    CmdletDefinition(
        "Get-FederationTrust",
        TASKS + "GetFederationTrust",
        (Parameter("Identity", conversion.text, position=1), _DOMAIN_CONTROLLER),
        _get_trust,
    ),
    CmdletDefinition(
        "Set-FederationTrust",
        TASKS + "SetFederationTrust",
        (
            Parameter("Identity", conversion.required_text, position=1, required=True),
            Parameter("Thumbprint", conversion.required_text, sets=_OF_IDENTITY),
            Parameter("RefreshMetadata", conversion.switch, sets=_OF_IDENTITY),
            Parameter("MetadataUrl", conversion.required_text, sets=_OF_IDENTITY),
            Parameter(
                "PublishFederationCertificate",
                conversion.switch,
                sets=("PublishFederationCertificate",),
                required=True,
            ),
            Parameter(
                "ApplicationUri",
                conversion.required_text,
                sets=("ApplicationUri",),
                required=True,
            ),
            Parameter("Name", conversion.required_text),
            _DOMAIN_CONTROLLER,
        ),
        _set_trust,
        default_set="Identity",
        should_process=True,
    ),
    CmdletDefinition(
        "Get-FederatedDomainProof",
        TASKS + "GetFederatedDomainProof",
        (
            Parameter("DomainName", conversion.domain_name, required=True),
            Parameter("Thumbprint", conversion.required_text),
            _DOMAIN_CONTROLLER,
        ),
        _get_proof,
    ),
    CmdletDefinition(
        "Get-FederatedOrganizationIdentifier",
        TASKS + "GetFederatedOrganizationIdentifier",
        (
            Parameter("Identity", conversion.text, position=1),
            Parameter("IncludeExtendedDomainInfo", conversion.switch),
            _DOMAIN_CONTROLLER,
        ),
        _get_identifier,
    ),
)
