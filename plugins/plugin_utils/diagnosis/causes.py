# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which causes of TLS trouble are documented, and which task repairs each?

Data only. A repair names a module with its options or a playbook; where the collection has none,
it says by hand what to do, and both names are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The task that repairs; options with ``...`` are for the administrator to fill in."""

    description: str
    module: str = ""
    playbook: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    def to_result(self) -> dict[str, object]:
        """Return the form that exchange_tls_diagnosis_info documents under RETURN."""
        return {
            "description": self.description,
            "module": self.module,
            "playbook": self.playbook,
            "options": dict(self.options),
        }


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A documented cause."""

    name: str
    description: str
    repair: Repair


_COLLECTION = "mailops.exchange."

CAUSES = (
    Cause(
        name="starttls_not_in_auth_mechanism",
        description="AuthMechanism of the Receive connector lacks Tls, so STARTTLS is not offered.",
        repair=Repair(
            description="Add Tls to the connector's AuthMechanism, beside what it has.",
            module=_COLLECTION + "exchange_receive_connector_tls",
            options={"name": "...", "auth_mechanism": ["Tls", "..."]},
        ),
    ),
    Cause(
        name="receive_connector_certificate_not_found",
        description="No certificate of the server has the name that the Receive connector goes by "
        "(event 12014).",
        repair=Repair(
            description="Point the connector to a certificate that the server has.",
            module=_COLLECTION + "exchange_receive_connector_tls",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
    Cause(
        name="send_connector_certificate_not_found",
        description="A source server has no usable certificate of the name in the Send "
        "connector's TlsCertificateName (454 4.7.5).",
        repair=Repair(
            description="Point the connector to a certificate that every source server has, or "
            "install the named one on this server with exchange_certificate.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
    Cause(
        name="tls_certificate_name_malformed",
        description="TlsCertificateName is not spelled as <I>issuer<S>subject, so Exchange finds "
        "nothing by it.",
        repair=Repair(
            description="Give the connector the name in its canonical form, which the module "
            "renders from a thumbprint.",
            module=_COLLECTION
            + "exchange_send_connector or "
            + _COLLECTION
            + "exchange_receive_connector_tls",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
    Cause(
        name="certificate_expired",
        description="The certificate has expired, or is not valid yet (event 12016).",
        repair=Repair(
            description="Rotate to a certificate that is valid.",
            playbook=_COLLECTION + "rotate_cert",
            options={"rotate_pfx_path": "...", "rotate_pfx_password": "..."},
        ),
    ),
    Cause(
        name="certificate_invalid",
        description="The server does not accept the certificate itself (revoked, or not valid "
        "for use with Exchange).",
        repair=Repair(
            description="Rotate to a certificate that is valid.",
            playbook=_COLLECTION + "rotate_cert",
            options={"rotate_pfx_path": "...", "rotate_pfx_password": "..."},
        ),
    ),
    Cause(
        name="smtp_not_enabled",
        description="The certificate that is chosen by its name is not enabled for SMTP, so the "
        "handshake fails.",
        repair=Repair(
            description="Enable it for SMTP; the internal transport certificate stays as it is.",
            module=_COLLECTION + "exchange_certificate",
            options={"thumbprint": "...", "services": ["SMTP"]},
        ),
    ),
    Cause(
        name="private_key_unusable",
        description="The certificate is in the Windows store without a private key that can be "
        "used, so Exchange does not take it.",
        repair=Repair(
            description="Delete it from the Windows store and install the PFX with its key again.",
            module=_COLLECTION + "exchange_certificate",
            options={"pfx_path": "...", "pfx_password": "...", "services": ["SMTP"]},
        ),
    ),
    Cause(
        name="chain_incomplete",
        description="An intermediate certificate is missing on the server, so the chain cannot "
        "be built.",
        repair=Repair(
            description="Import the intermediate certificate of the authority on the server: "
            "Import-Certificate -CertStoreLocation Cert:\\LocalMachine\\CA -FilePath FILE; then "
            "restart MSExchangeFrontEndTransport with exchange_service.",
        ),
    ),
    Cause(
        name="certificate_not_loaded",
        description="The service still presents a certificate that it loaded earlier, or has not "
        "loaded one that it can use.",
        repair=Repair(
            description="Restart the service that owns the port.",
            module=_COLLECTION + "exchange_service",
            options={"name": ["MSExchangeFrontEndTransport"], "state": "restarted"},
        ),
    ),
    Cause(
        name="presented_certificate_has_other_names",
        description="The port presents a certificate without the name that the other side expects.",
        repair=Repair(
            description="Point the Receive connector to a certificate with that name.",
            module=_COLLECTION + "exchange_receive_connector_tls",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
    Cause(
        name="something_else_answers",
        description="What answers at the port is not what this server would present: a firewall, "
        "a proxy or another machine stands before it.",
        repair=Repair(
            description="Replace the certificate there, or let port 25 through without inspection. "
            "Look from outside with exchange_tls_probe.",
            module=_COLLECTION + "exchange_tls_probe",
            options={"host": "...", "port": 25, "expect_thumbprint": "..."},
        ),
    ),
    Cause(
        name="port_closed",
        description="Nobody answers at the port.",
        repair=Repair(
            description="Start the service that owns the port; where it runs, look at firewalls.",
            module=_COLLECTION + "exchange_service",
            options={"name": ["MSExchangeFrontEndTransport"], "state": "started"},
        ),
    ),
    Cause(
        name="internal_transport_certificate_unreadable",
        description="The server knows no thumbprint of its internal transport certificate "
        "(event 12012).",
        repair=Repair(
            description="Create one on the server, for SMTP, and let it take the role: "
            "New-ExchangeCertificate -Server SERVER -FriendlyName SERVER -DomainName SERVER "
            "-IncludeServerFQDN -Services SMTP -Force. Subscribe Edge servers again.",
        ),
    ),
    Cause(
        name="internal_transport_certificate_missing",
        description="The internal transport certificate is not in the server's store "
        "(event 12013).",
        repair=Repair(
            description="Install it again, or create another on the server: "
            "New-ExchangeCertificate -Server SERVER -FriendlyName SERVER -DomainName SERVER "
            "-IncludeServerFQDN -Services SMTP -Force. Subscribe Edge servers again.",
        ),
    ),
    Cause(
        name="internal_transport_certificate_expired",
        description="The internal transport certificate has expired (event 12015).",
        repair=Repair(
            description="Create another on the server: New-ExchangeCertificate -Server SERVER "
            "-FriendlyName SERVER -DomainName SERVER -IncludeServerFQDN -Services SMTP -Force. "
            "Subscribe Edge servers again.",
        ),
    ),
    Cause(
        name="peer_offers_no_starttls",
        description="The server on the other side does not offer STARTTLS, and the Send connector "
        "requires it.",
        repair=Repair(
            description="Ask the other side, or whoever inspects SMTP on the way. Only where TLS "
            "is not needed, switch it off for this connector.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "require_tls": False},
        ),
    ),
    Cause(
        name="peer_not_trusted",
        description="The chain of the certificate on the other side does not end at a root that "
        "this server trusts.",
        repair=Repair(
            description="Import the root of the other side on every source server: "
            "Import-Certificate -CertStoreLocation Cert:\\LocalMachine\\Root -FilePath FILE.",
        ),
    ),
    Cause(
        name="client_certificate_refused",
        description="The other side breaks off the handshake or answers 454 4.7.5 or 5.7.64: it "
        "does not accept the certificate that the Send connector shows.",
        repair=Repair(
            description="Point the connector to a certificate whose authority and name the other "
            "side knows.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
    Cause(
        name="messages_wait_for_retry",
        description="The connector's certificate is in order now, and messages still wait with "
        "the earlier error.",
        repair=Repair(
            description="Wait for the next attempt, or ask for it: Retry-Queue -Identity QUEUE.",
        ),
    ),
    Cause(
        name="clocks_differ",
        description="The server's clock differs by more than Kerberos allows, so Exchange servers "
        "cannot authenticate to each other (454 4.7.0 Temporary authentication failure).",
        repair=Repair(description="Synchronize the clocks by NTP."),
    ),
    Cause(
        name="servers_cannot_authenticate",
        description="Kerberos between Exchange servers fails (454 4.7.0 Temporary authentication "
        "failure), and this server's clock is not the reason, as far as it was seen.",
        repair=Repair(
            description="Compare the other server's clock, see whether setspn -L SERVER lists "
            "SMTPSVC for both its names, and whether Test-ComputerSecureChannel is true on both.",
        ),
    ),
    Cause(
        name="cloud_connector_without_certificate",
        description="The Send connector to Exchange Online shows no certificate, so the tenant "
        "cannot recognize whose mail it is (550 5.7.64, 5.7.51).",
        repair=Repair(
            description="Set the certificate and require TLS.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "thumbprint": "...", "require_tls": True},
        ),
    ),
    Cause(
        name="cloud_mail_not_enabled",
        description="CloudServicesMailEnabled of the Send connector to Exchange Online is off.",
        repair=Repair(
            description="Switch it on.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "cloud_services_mail_enabled": True},
        ),
    ),
    Cause(
        name="certificate_name_not_accepted",
        description="No name of the certificate belongs to an accepted domain, so the tenant "
        "does not know the sender by it (550 5.7.64 ATTR36).",
        repair=Repair(
            description="Point the connector to a certificate with a name of an accepted domain, "
            "or make the certificate's domain an accepted domain of the tenant.",
            module=_COLLECTION + "exchange_send_connector",
            options={"name": "...", "thumbprint": "..."},
        ),
    ),
)
BY_NAME = {cause.name: cause for cause in CAUSES}
