#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_certificate``; the action plugin of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_certificate
short_description: Install, enable or remove a certificate on one Exchange server
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Imports a certificate with its private key into one Exchange server and enables it for services, or removes it.
  - The certificate comes from a PFX file, from PEM files (as ACME clients write them), or is one that the server holds already.
  - Everything that can be known beforehand is checked on the control node before anything is sent. The task fails when the key
    does not belong to the certificate, the password is wrong, the private key is missing, the certificate is expired or
    not yet valid, the thumbprint is not the one asked for, or a wildcard certificate is to serve POP or IMAP.
  - Importing and enabling follow each other directly. Exchange picks a certificate by its name even while it is not enabled for
    SMTP, so a gap between the two would break TLS when a certificate is renewed under the same name.
  - Services are additive. Exchange can give a certificate further services but cannot take one away. IIS, POP and IMAP move when another
    certificate is enabled for them; SMTP can be served by several certificates.
options:
  state:
    description:
      - V(present) imports the certificate if the server does not have it, and enables it for the O(services) that it does not serve yet.
      - V(absent) removes it. The task fails, before anything is sent, and names every reason why the certificate is still needed.
    type: str
    choices: [present, absent]
    default: present
  services:
    description:
      - Services the certificate is to serve. Upper and lower case do not matter.
      - Left out or empty, the certificate is imported and nothing is enabled.
      - A service that the certificate serves beyond this list is left alone and reported in RV(warnings).
      - The federation trust is not set here, Exchange has C(Set-FederationTrust) for it.
      - A certificate whose only matching name is a wildcard cannot serve V(POP) and V(IMAP); set the service's own name
        with C(Set-PopSettings) and C(Set-ImapSettings) instead.
    type: list
    elements: str
    choices: [IMAP, POP, UM, IIS, SMTP, UMCallRouter]
  friendly_name:
    description:
      - Name that administration tools show for the certificate, shorter than 64 characters. It is set when the certificate is imported.
      - Left out, it is the name kept in the PFX, if there is one.
    type: str
  exportable:
    description:
      - Whether the private key may be exported from the server again, for a backup or another server. It is set when the certificate is imported.
      - Exchange cannot change it afterwards, so a difference on a certificate that is there already is a warning.
      - Left out, the key is imported as Exchange does it by default, not exportable.
    type: bool
  require_ssl:
    description:
      - Enabling for V(IIS) makes Exchange set Require SSL on the Default Web Site. V(false) leaves that setting alone (C(-DoNotRequireSsl)).
      - Only matters in the moment when V(IIS) is enabled.
    type: bool
    default: true
  network_service_allowed:
    description:
      - Gives NETWORK SERVICE read access to the private key also when V(SMTP) is not among the services (C(-NetworkServiceAllowed)).
      - Exchange does not show whether that is so already. It is done when the certificate is imported or enabled by this
        task, and never on its own.
    type: bool
    default: false
  internal_transport_certificate:
    description:
      - What happens to the certificate that Exchange servers show each other (and to subscribed Edge servers) when V(SMTP) is enabled.
      - V(keep) answers Exchange's question whether to overwrite the default SMTP certificate with No, checks
        afterwards that it is still the same and restores it if it is not.
      - V(replace) answers Yes. A subscribed Edge server then needs a new Edge subscription.
    type: str
    choices: [keep, replace]
    default: keep
  allow_expired:
    description:
      - Whether a certificate that is on the server and has expired may be enabled, as when a rotation is rolled back.
    type: bool
    default: false
    version_added: 0.2.0
  unused_only:
    description:
      - With O(state=absent), refuse also when the certificate still serves POP, IMAP or Unified Messaging, which Exchange itself would let pass.
        It can serve SMTP, which cannot be taken away from a certificate.
    type: bool
    default: false
    version_added: 0.2.0
  release_send_connectors:
    description:
      - With O(state=absent), clear C(TlsCertificateName) of the Send connectors that name the certificate for the moment of its removal, and set
        it again whatever happens. Only where another certificate of the same issuer and subject that serves SMTP stays on the server, as after a
        renewal by the same authority; Exchange refuses to remove either of the two otherwise.
      - What was cleared is kept in the folder O(record) meanwhile. A later task with the same folder sets it again, should this one be killed.
      - Send connectors belong to the organization, so let only one server at a time do this (C(throttle) 1). While the value is cleared, mail that
        leaves does not show this certificate; Microsoft's procedure stops C(MSExchangeTransport) on all source servers meanwhile, as the role
        C(remove_old) does.
      - Needs O(record).
    type: bool
    default: false
    version_added: 0.2.0
extends_documentation_fragment:
  - mailops.exchange.certificate_source
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
    details: The certificate file is read and checked in full, also against a server that has never seen it.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_certificate_info
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector_tls
  - module: mailops.exchange.exchange_service
  - name: Import-ExchangeCertificate
    description: The cmdlet that imports, with its parameters.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/import-exchangecertificate
  - name: Enable-ExchangeCertificate
    description: The cmdlet that enables, and what each service means.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/enable-exchangecertificate
  - name: Remove-ExchangeCertificate
    description: The cmdlet that removes.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/remove-exchangecertificate
notes:
  - Services that are running keep the certificate that they loaded. Restart them afterwards, for SMTP, POP and IMAP
    with M(mailops.exchange.exchange_service); after a change of V(IIS) restart W3SVC.
  - A certificate that was once imported without its private key is in the Windows store but invisible to Exchange. The import is then
    refused as existing; the task says so and what to do.
  - Elliptic curve keys work only on Exchange servers of November 2024 or later where an administrator switched them on. Such a
    certificate gives a warning.
"""

EXAMPLES = r"""
- name: Install the new certificate and let it serve mail and web
  mailops.exchange.exchange_certificate:
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"
    services: [IIS, SMTP]

- name: Install what an ACME client obtained
  mailops.exchange.exchange_certificate:
    fullchain_path: /etc/letsencrypt/live/mail.contoso.com/fullchain.pem
    private_key_path: /etc/letsencrypt/live/mail.contoso.com/privkey.pem
    friendly_name: mail.contoso.com 2027
    services: [IIS, SMTP, IMAP, POP]
    exportable: true

- name: Install a PFX that is kept in a vaulted variable, and make sure that it is the right one
  mailops.exchange.exchange_certificate:
    pfx_content: "{{ vault_pfx_base64 }}"
    pfx_password: "{{ vault_pfx_password }}"
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    services: [SMTP]

- name: Enable a certificate that is there already for IMAP
  mailops.exchange.exchange_certificate:
    thumbprint: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    services: [IMAP]
  notify: Restart IMAP

- name: See what installing would change
  mailops.exchange.exchange_certificate:
    pfx_path: mail.contoso.com.pfx
    pfx_password: "{{ vault_pfx_password }}"
    services: [IIS, SMTP]
  check_mode: true
  diff: true
  register: plan

- name: Stop when the server would change outside the maintenance window
  ansible.builtin.assert:
    that: not plan.changed
    fail_msg: "{{ plan.changes | join(' ') }}"

- name: Remove the certificate that was replaced last month
  mailops.exchange.exchange_certificate:
    thumbprint: D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90
    state: absent

- name: Remove the predecessor of a renewal under the same name
  mailops.exchange.exchange_certificate:
    thumbprint: D003810E4A2F1C6B7E55B8C1E9A7D84C2F61AB90
    state: absent
    release_send_connectors: true
    record: /var/lib/mailops/remove-d003810e
  throttle: 1
"""

RETURN = r"""
certificate:
  description:
    - The certificate as it is on the server after the task, in the shape that M(mailops.exchange.exchange_certificate_info) returns.
    - In check mode, as it would be. With O(state=absent), as it was.
  returned: success, unless O(state=absent) and there was none
  type: dict
  contains:
    thumbprint:
      description: SHA-1 thumbprint in upper case.
      returned: always
      type: str
      sample: 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43
    server:
      description: The server that holds the certificate.
      returned: always
      type: str
      sample: EX01
    subject:
      description: Subject as Windows prints it.
      returned: always
      type: str
      sample: CN=mail.contoso.com, O=Contoso
    issuer:
      description: Issuer as Windows prints it.
      returned: always
      type: str
      sample: CN=Contoso Issuing CA 2, O=Contoso
    serial_number:
      description: Serial number, hexadecimal in upper case.
      returned: always
      type: str
      sample: 4A1F09C2D7
    dns_names:
      description: DNS names of the certificate.
      returned: always
      type: list
      elements: str
      sample: [mail.contoso.com, autodiscover.contoso.com]
    not_before:
      description: Valid from, in UTC.
      returned: always
      type: str
      sample: "2026-11-01T00:00:00Z"
    not_after:
      description: Valid until, in UTC.
      returned: always
      type: str
      sample: "2027-01-30T23:59:59Z"
    days_left:
      description: Whole days until it expires, negative when it has expired.
      returned: always
      type: int
      sample: 67
    services:
      description: Services that use the certificate; V(null) when Exchange does not report it.
      returned: always
      type: list
      elements: str
      sample: [IIS, SMTP]
    status:
      description: Status as Exchange sees it, such as V(Valid), V(DateInvalid), V(Untrusted), V(RevocationCheckFailure), V(PendingRequest).
      returned: always
      type: str
      sample: Valid
    root_ca_type:
      description: Kind of the root authority, V(None), V(ThirdParty), V(Enterprise), V(Registry), V(GroupPolicy) or V(Unknown).
      returned: always
      type: str
      sample: ThirdParty
    self_signed:
      description: Whether subject and issuer are the same.
      returned: always
      type: bool
      sample: false
    friendly_name:
      description: Friendly name.
      returned: always
      type: str
      sample: mail.contoso.com 2027
    exportable:
      description: Whether the private key can be exported; V(null) when Exchange does not report it.
      returned: always
      type: bool
      sample: false
    has_private_key:
      description: Whether there is a private key; V(null) when Exchange does not report it.
      returned: always
      type: bool
      sample: true
    key_type:
      description: Kind of the public key.
      returned: always
      type: str
      sample: RSA
    key_size:
      description: Size of the key in bits.
      returned: always
      type: int
      sample: 2048
    tls_certificate_name:
      description: The value that connectors use to name this certificate.
      returned: always
      type: str
      sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
released_send_connectors:
  description: Send connectors that were cleared for the moment of the removal and set again, or would be.
  returned: O(state=absent), when the certificate was there
  type: list
  elements: str
  sample: ["Outbound to Office 365"]
internal_transport_certificate:
  description: Thumbprint of the server's internal transport certificate after the task.
  returned: when the task had to look at it
  type: str
  sample: 823884A32609DCDC8C4B5462952586C30D814073
changes:
  description: What was changed, or would be in check mode, one sentence each. Also returned when the task failed half way.
  returned: always
  type: list
  elements: str
  sample:
    - Imported certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 (mail.contoso.com) on EX01.
    - Enabled certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 for IIS, SMTP on EX01.
warnings:
  description: What is not wrong but good to know, such as services that cannot be taken away.
  returned: when there are any
  type: list
  elements: str
  sample: ["Certificate 0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43 on EX01 also serves IMAP: Exchange cannot take a service away."]
reasons:
  description: Why the certificate cannot be removed, one sentence each.
  returned: when O(state=absent) was refused
  type: list
  elements: str
  sample: ["The Send connector 'Outbound to Office 365' names it."]
cmdlet:
  description: The cmdlet that failed.
  returned: failure of a cmdlet
  type: str
  sample: Import-ExchangeCertificate
category:
  description: Category of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: ReadError
error_id:
  description: Error id of the cmdlet's error.
  returned: failure of a cmdlet
  type: str
  sample: A39CF339,Microsoft.Exchange.Management.SystemConfigurationTasks.ImportExchangeCertificate
"""
