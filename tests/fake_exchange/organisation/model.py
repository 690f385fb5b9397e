# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there? The objects of an Exchange organisation as plain dataclasses. Attributes that are
Exchange's own properties are spelled as Exchange spells them; enumerations are their names, lists
are Python lists, dates are aware and in UTC."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fake_exchange.faults import Faults
from fake_exchange.organisation.accounts import Account
from fake_exchange.organisation.behavior import Behavior
from fake_exchange.organisation.counters import CmdletCall, CmdletLog, Counters
from fake_exchange.organisation.journal import Journal
from fake_exchange.organisation.time_zones import default_time_zone
from fake_exchange.organisation.wire_log import WireLog

__all__ = [
    "Accepted",
    "AcceptedDomain",
    "AccessEntry",
    "Account",
    "Arrival",
    "AuthConfig",
    "Behavior",
    "CmdletCall",
    "ComponentState",
    "Counters",
    "EdgeSubscription",
    "Faults",
    "FederationTrust",
    "HybridConfiguration",
    "LoadedCertificate",
    "MailAccessSettings",
    "MailLog",
    "Message",
    "Organisation",
    "Peer",
    "Queue",
    "ReceiveConnector",
    "Received",
    "SendConnector",
    "Server",
    "Service",
    "StoredCertificate",
    "TrackingEvent",
    "WebBinding",
]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

#: AllowedServices in bit order; 2 to the power of the index is the number on the wire.
SERVICE_NAMES = ("IMAP", "POP", "UM", "IIS", "SMTP", "Federation", "UMCallRouter")

AUTH_MECHANISMS = (
    "Tls",
    "Integrated",
    "BasicAuth",
    "BasicAuthRequireTLS",
    "ExchangeServer",
    "ExternalAuthoritative",
)
PERMISSION_GROUPS = (
    "AnonymousUsers",
    "ExchangeUsers",
    "ExchangeServers",
    "ExchangeLegacyServers",
    "Partners",
    "Custom",
)


def now() -> datetime:
    return datetime.now(timezone.utc)


def in_order(names: Iterable[str], order: tuple[str, ...]) -> list[str]:
    """`names` sorted as a flags enumeration prints them."""
    present = set(names)
    return [name for name in order if name in present]


@dataclass(eq=False)
class StoredCertificate:
    """One certificate of a server's personal store.

    Without `private_key` it is in the store but no cmdlet shows it, unless it waits for the reply
    to a request (`request_pending`).
    """

    certificate: x509.Certificate
    private_key: PrivateKey | None = field(default=None, repr=False)
    FriendlyName: str = ""
    PrivateKeyExportable: bool = False
    Services: set[str] = field(default_factory=set)
    trust: str = "Valid"
    """Valid, Untrusted, Revoked, RevocationCheckFailure or Unknown."""
    RootCAType: str = "None"
    SelfSigned: bool = False
    network_service_allowed: bool = False
    request_pending: bool = False
    """The CA's reply to a request made here is still missing."""

    @property
    def Thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    @property
    def Status(self) -> str:
        if self.request_pending:
            return "PendingRequest"
        return self.trust if self.NotBefore <= now() <= self.NotAfter else "DateInvalid"

    @property
    def HasPrivateKey(self) -> bool:
        return self.private_key is not None

    @property
    def NotBefore(self) -> datetime:
        return self.certificate.not_valid_before_utc

    @property
    def NotAfter(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def services_in_order(self) -> list[str]:
        return in_order(self.Services, SERVICE_NAMES)

    @property
    def services_number(self) -> int:
        return sum(1 << SERVICE_NAMES.index(name) for name in self.Services)


@dataclass(frozen=True, eq=False)
class LoadedCertificate:
    """What a service keeps in memory for one port since it last started.

    `failure` says why a handshake with it cannot work (key missing or unreadable, not enabled for
    SMTP) although the certificate was chosen.
    """

    certificate: x509.Certificate
    private_key: PrivateKey | None = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()
    failure: str | None = None

    @property
    def Thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()


@dataclass(frozen=True)
class AccessEntry:
    """One entry of a connector's access control list that was made for it alone."""

    User: str
    AccessRight: str = "ExtendedRight"
    ExtendedRight: str = ""
    Deny: bool = False
    InheritanceType: str = "All"


@dataclass(eq=False)
class ReceiveConnector:
    """Lives on one server. `Identity` is `SERVER\\Name`; TlsCertificateName is the stored text."""

    Name: str
    Server: str
    TransportRole: str
    Bindings: list[str]
    AuthMechanism: list[str]
    PermissionGroups: list[str]
    Fqdn: str | None = None
    TlsCertificateName: str | None = None
    TlsDomainCapabilities: list[str] = field(default_factory=list)
    RequireTLS: bool = False
    DomainSecureEnabled: bool = False
    SuppressXAnonymousTls: bool = False
    AdvertiseClientSettings: bool = False
    RemoteIPRanges: list[str] = field(
        default_factory=lambda: [
            "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "0.0.0.0-255.255.255.255",
        ]
    )
    ProtocolLoggingLevel: str = "Verbose"
    Enabled: bool = True
    Banner: str = ""
    Comment: str = ""
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)
    other: dict[str, object] = field(default_factory=dict)
    """Further properties that were set, by Exchange's name."""
    access: list[AccessEntry] = field(default_factory=list)
    """What the permission groups do not give already."""

    @property
    def Identity(self) -> str:
        return f"{self.Server}\\{self.Name}"

    @property
    def port(self) -> int:
        return int(self.Bindings[0].rpartition(":")[2]) if self.Bindings else 0


@dataclass(eq=False)
class SendConnector:
    """Belongs to the organisation; `SourceTransportServers` are server names."""

    Name: str
    AddressSpaces: list[str]
    SourceTransportServers: list[str]
    SmartHosts: list[str] = field(default_factory=list)
    TlsCertificateName: str | None = None
    TlsAuthLevel: str | None = None
    TlsDomain: str | None = None
    RequireTLS: bool = False
    IgnoreSTARTTLS: bool = False
    DomainSecureEnabled: bool = False
    CloudServicesMailEnabled: bool = False
    ConnectorType: str = "Default"
    Fqdn: str | None = None
    SmartHostAuthMechanism: str = "None"
    ErrorPolicies: str = "Default"
    DNSRoutingEnabled: bool = True
    FrontendProxyEnabled: bool = False
    ProtocolLoggingLevel: str = "None"
    Enabled: bool = True
    Port: int = 25
    Comment: str = ""
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)
    other: dict[str, object] = field(default_factory=dict)
    access: list[AccessEntry] = field(default_factory=list)

    @property
    def Identity(self) -> str:
        return self.Name


@dataclass(eq=False)
class HybridConfiguration:
    TlsCertificateName: str | None = None
    SendingTransportServers: list[str] = field(default_factory=list)
    ReceivingTransportServers: list[str] = field(default_factory=list)
    EdgeTransportServers: list[str] = field(default_factory=list)
    ClientAccessServers: list[str] = field(default_factory=list)
    OnPremisesSmartHost: str | None = None
    Domains: list[str] = field(default_factory=list)
    Features: list[str] = field(
        default_factory=lambda: [
            "FreeBusy",
            "MoveMailbox",
            "Mailtips",
            "MessageTracking",
            "OwaRedirection",
            "OnlineArchive",
            "SecureMail",
            "Photos",
        ]
    )
    ExternalIPAddresses: list[str] = field(default_factory=list)
    ServiceInstance: int = 0
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)
    other: dict[str, object] = field(default_factory=dict)


@dataclass(eq=False)
class AuthConfig:
    """Thumbprints are the empty string when unset, as on a real server."""

    CurrentCertificateThumbprint: str = ""
    PreviousCertificateThumbprint: str = ""
    NextCertificateThumbprint: str = ""
    NextCertificateEffectiveDate: datetime | None = None
    ServiceName: str = "00000002-0000-0ff1-ce00-000000000000"
    Realm: str = ""
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)


@dataclass(eq=False)
class FederationTrust:
    """The trust with the gateway, and the organisation's identifier there. Thumbprints are empty
    when unset."""

    Name: str = "Microsoft Federation Gateway"
    OrgPrivCertificate: str = ""
    OrgPrevPrivCertificate: str = ""
    OrgNextPrivCertificate: str = ""
    ApplicationUri: str = ""
    MetadataEpr: str = (
        "https://nexus.microsoftonline-p.com/FederationMetadata/2006-12/FederationMetadata.xml"
    )
    AccountNamespace: str = ""
    Domains: list[str] = field(default_factory=list)
    OrganizationContact: str = ""
    Enabled: bool = True
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)


@dataclass(eq=False)
class EdgeSubscription:
    """An Edge server that trusts, and is trusted by, the Mailbox servers of a site: each knows the
    internal transport certificates that the others had when the subscription was made."""

    Name: str
    """Of the Edge server."""
    Site: str
    trusted: dict[str, str] = field(default_factory=dict)
    """Thumbprint by server, of both sides."""
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)


@dataclass(eq=False)
class AcceptedDomain:
    DomainName: str
    Name: str = ""
    DomainType: str = "Authoritative"
    Default: bool = False
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)


@dataclass(eq=False)
class Service:
    """A Windows service. `loaded` says, per port or connector name, what it presents: keys are
    connector names for transport, `https` for W3SVC, `imap` and `pop3` for those."""

    Name: str
    DisplayName: str
    Status: str = "Running"
    """Running, Stopped, StartPending or StopPending."""
    StartType: str = "Automatic"
    """Automatic, Manual or Disabled."""
    depends_on: tuple[str, ...] = ()
    """Names of the services that must run before this one."""
    loaded: dict[str, LoadedCertificate] = field(default_factory=dict)
    started_at: datetime | None = None
    starts: int = 0


@dataclass(eq=False)
class WebBinding:
    """An IIS binding, e.g. site `Default Web Site` (id 1), `:443:`. certificateHash is "" for
    http and for an https binding without certificate."""

    site: str
    site_id: int
    protocol: str
    bindingInformation: str
    certificateHash: str = ""
    certificateStoreName: str = ""
    sslFlags: int = 0


@dataclass(eq=False)
class ComponentState:
    """One component; `requesters` keeps the state each requester asked for."""

    Component: str
    requesters: dict[str, str] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)

    @property
    def State(self) -> str:
        """Active only while no requester holds the component down."""
        for state in ("Inactive", "Draining"):
            if state in self.requesters.values():
                return state
        return "Active"


@dataclass(eq=False)
class MailAccessSettings:
    """What POP3 or IMAP4 of one server is set to."""

    X509CertificateName: str = ""
    """The host name whose certificate clients are shown."""
    LoginType: str = "SecureLogin"
    UnencryptedOrTLSBindings: list[str] = field(default_factory=list)
    SSLBindings: list[str] = field(default_factory=list)
    InternalConnectionSettings: list[str] = field(default_factory=list)
    ExternalConnectionSettings: list[str] = field(default_factory=list)
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)
    other: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """A message under way; `number` is unique in the organisation. When its recipients are reached
    on different ways it is split, and the parts keep the number."""

    number: int
    MessageId: str
    Sender: str
    Recipients: tuple[str, ...]
    MessageSubject: str = ""
    TotalBytes: int = 0
    arrived: datetime = field(default_factory=now)
    entered: datetime = field(default_factory=now)
    """When it came into the queue it is in."""
    stuck: bool = False
    """Stays in its queue until it is redirected or released."""


@dataclass(eq=False)
class Queue:
    """`Identity` is `SERVER\\number`, `SERVER\\Submission` or `SERVER\\Poison`."""

    Identity: str
    DeliveryType: str = "SmtpDeliveryToMailbox"
    Status: str = "Ready"
    NextHopDomain: str = ""
    NextHopCategory: str = "Internal"
    NextHopConnector: str = ""
    """Name of the Send connector that the messages leave by."""
    Velocity: float = 0.0
    LastError: str = ""
    messages: list[Message] = field(default_factory=list)
    next_try: datetime | None = None

    @property
    def MessageCount(self) -> int:
        return len(self.messages)

    @property
    def name(self) -> str:
        return self.Identity.rpartition("\\")[2]

    @property
    def empties_by_itself(self) -> bool:
        """Not what is kept for other servers, nor what was held back as harmful."""
        return self.DeliveryType != "ShadowRedundancy" and self.name.casefold() != "poison"


@dataclass(frozen=True)
class Accepted:
    """A message that this organisation has become responsible for."""

    number: int
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Arrival:
    """What became of a message for one recipient: delivered to the mailbox, or taken by another
    organisation."""

    number: int
    MessageId: str
    server: str
    recipient: str


@dataclass(frozen=True)
class Received:
    """What a peer outside got, and which certificate it was shown."""

    peer: str
    MessageId: str
    sender: str
    recipients: tuple[str, ...]
    tls: bool
    client_certificate: str | None


@dataclass(eq=False)
class Peer:
    """A mail server of somebody else, which the Send connectors send to."""

    name: str
    domain: str
    certificate: LoadedCertificate
    require_client_certificate: bool = False
    trusted_roots: list[x509.Certificate] = field(default_factory=list)
    client_names: list[str] = field(default_factory=list)
    """Names of which a client certificate has to carry one; any will do if there are none."""
    port: int = 0


@dataclass
class MailLog:
    """What has become of all messages."""

    last_number: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    delivered: list[Arrival] = field(default_factory=list)
    sent: list[Arrival] = field(default_factory=list)
    received_by_peers: list[Received] = field(default_factory=list)


@dataclass(frozen=True)
class TrackingEvent:
    Timestamp: datetime
    EventId: str
    Source: str
    Sender: str
    Recipients: tuple[str, ...]
    MessageSubject: str
    MessageId: str
    ServerHostname: str
    ConnectorId: str = ""
    TotalBytes: int = 0
    RecipientStatus: str = ""


@dataclass(eq=False)
class Server:
    """One Exchange server. `certificates` is its personal store by thumbprint, `intermediates` its
    store of intermediate CAs, `ports` the listening TCP ports by name once they are open."""

    Name: str
    Fqdn: str
    Site: str
    AdminDisplayVersion: str = "15.2.1748.10"
    """Build as four numbers."""
    ServerRole: str = "Mailbox"
    """Mailbox or Edge."""
    Edition: str = "Enterprise"
    Guid: uuid.UUID = field(default_factory=uuid.uuid4)
    WhenCreated: datetime = field(default_factory=now)
    WhenChanged: datetime = field(default_factory=now)
    address: str = "127.0.0.1"
    fixed_ports: dict[str, int] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    certificates: dict[str, StoredCertificate] = field(default_factory=dict)
    intermediates: list[x509.Certificate] = field(default_factory=list)
    InternalTransportCertificateThumbprint: str | None = None
    published_internal_certificate: bytes | None = None
    """The DER in msExchServerInternalTLSCert; stays when the store loses the certificate."""
    winrm_certificate: StoredCertificate | None = None
    mail_access_certificates: dict[str, str] = field(default_factory=dict)
    """Thumbprint of the certificate that is enabled for POP and IMAP, by service name."""
    mail_access: dict[str, MailAccessSettings] = field(default_factory=dict)
    """By service name: POP, IMAP."""
    receive_connectors: list[ReceiveConnector] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    web_bindings: list[WebBinding] = field(default_factory=list)
    require_ssl: bool = True
    DatabaseAvailabilityGroup: str = ""
    AutoDiscoverServiceInternalUri: str = ""
    """Empty: as setup leaves it."""
    back_pressure: dict[str, str] = field(default_factory=dict)
    """Low, Medium or High, by resource of transport; Low unless given."""
    clock_offset: float = 0.0
    """Seconds by which the server's clock is ahead."""
    component_states: dict[str, ComponentState] = field(default_factory=dict)
    queues: list[Queue] = field(default_factory=list)
    tracking_log: list[TrackingEvent] = field(default_factory=list)

    @property
    def IsEdgeServer(self) -> bool:
        return self.ServerRole == "Edge"

    def is_called(self, name: str) -> bool:
        """Whether `name` is this server's name, FQDN or GUID, without case."""
        wanted = name.strip().casefold()
        return wanted in (self.Name.casefold(), self.Fqdn.casefold(), str(self.Guid))

    def service(self, name: str) -> Service | None:
        """By service name or display name, without case."""
        wanted = name.casefold()
        for service in self.services.values():
            if wanted in (service.Name.casefold(), service.DisplayName.casefold()):
                return service
        return None

    def receive_connector(self, name: str) -> ReceiveConnector | None:
        """By name, `SERVER\\name` or GUID, without case."""
        wanted = name.casefold()
        for connector in self.receive_connectors:
            known = (connector.Name.casefold(), connector.Identity.casefold(), str(connector.Guid))
            if wanted in known:
                return connector
        return None


@dataclass(eq=False)
class Organisation:
    """The whole. Hold `lock` while reading several things that belong together or changing any;
    never while waiting for a client."""

    Name: str
    domain: str
    """DNS name of the Active Directory domain, e.g. contoso.test."""
    servers: dict[str, Server] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)
    accepted_domains: list[AcceptedDomain] = field(default_factory=list)
    send_connectors: list[SendConnector] = field(default_factory=list)
    hybrid_configuration: HybridConfiguration | None = None
    auth_config: AuthConfig = field(default_factory=AuthConfig)
    federation_trust: FederationTrust | None = None
    edge_subscriptions: list[EdgeSubscription] = field(default_factory=list)
    behavior: Behavior = field(default_factory=Behavior)
    trusted_roots: list[x509.Certificate] = field(default_factory=list)
    """Roots the servers trust, besides each server's own self-signed certificates."""
    domain_controller: str = ""
    time_zone: tzinfo = field(default_factory=default_time_zone)
    """Where the servers stand; dates on the wire carry its offset."""
    keytab: Path | None = None
    """Kerberos keytab of the servers' HTTP principals, if there is a KDC."""
    counters: Counters = field(default_factory=Counters)
    cmdlet_log: CmdletLog = field(default_factory=CmdletLog)
    faults: Faults = field(default_factory=Faults)
    wire_log: WireLog = field(default_factory=WireLog)
    journal: Journal = field(default_factory=Journal)
    peers: list[Peer] = field(default_factory=list)
    mail: MailLog = field(default_factory=MailLog)
    mail_in_transmission: set[Message] = field(default_factory=set)
    """Messages that are being sent just now, which stay where they are meanwhile."""
    mail_observers: list[Callable[[], None]] = field(default_factory=list)
    """Called when there may be something to do for mail flow."""
    service_observers: list[Callable[[Server, Service], None]] = field(default_factory=list)
    """Called, without the lock, after a service changed its status."""
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        self.domain_controller = self.domain_controller or f"dc01.{self.domain}"

    def server(self, name: str) -> Server | None:
        """By name, FQDN or GUID, without case."""
        return next((s for s in self.servers.values() if s.is_called(name)), None)

    def account(self, name: str) -> Account | None:
        """By `user`, `DOMAIN\\user` or `user@REALM`, without case."""
        wanted = name.casefold()
        for account in self.accounts:
            known = (account.user, account.name, account.principal)
            if wanted in (text.casefold() for text in known):
                return account
        return None

    def send_connector(self, name: str) -> SendConnector | None:
        wanted = name.casefold()
        for connector in self.send_connectors:
            if wanted in (connector.Name.casefold(), str(connector.Guid)):
                return connector
        return None

    def __iter__(self) -> Iterator[Server]:
        return iter(self.servers.values())
