# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How do the parts of Exchange behave where real servers differ, or where a harsher form should
be tried? One switch each; the default is what a patched Exchange 2019/SE does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Behavior:
    """The switches of an organisation (`behavior:` in the YAML file, POST /behavior at run time).

    Remote PowerShell:
    `select_object` - Select-Object is exposed on the endpoint.
    `get_command` - Get-Command is exposed on the endpoint.
    `serialization_data` - whole certificates carry SerializationData beside RawData.
    `signed_serialization` - SerializationData comes in the signed envelope.
    `deserialized_types` - type names come with the prefix `Deserialized.`.
    `idle_drop_seconds` - idle connections of the web front are closed after so many seconds.
    `basic_authentication` - Basic is offered on /PowerShell over https.
    `kerberos_authentication` - Negotiate/Kerberos is offered.
    `maximum_sessions_per_user` - PowerShellMaxConcurrency; None is unlimited.
    `session_cookies` - the front sets cookies and refuses a shell without them.

    Cmdlets:
    `refuse_unknown_tls_certificate_name` - Set-SendConnector and Set-ReceiveConnector refuse a name
    that matches no certificate.
    `refuse_malformed_tls_certificate_name` - they refuse a text without `<I>` and `<S>`.
    `require_tls_with_tls_certificate_name` - Set-SendConnector demands RequireTLS with it.
    `extra_services` - a certificate enabled for SMTP shows IMAP too.
    `enable_sets_x509_certificate_name` - Enable-ExchangeCertificate for POP or IMAP also writes the
    certificate's own name into the settings of the service.
    `list_all_for_missing_identity` - Get-* of something missing returns everything.
    `modern_pkcs12` - the servers read AES/SHA-256 PKCS#12 files (recent Windows).
    `elliptic_curve_certificates` - EnableEccCertificateSupport is set.
    `import_intermediates` - intermediates of an imported PKCS#12 reach the CA store.
    `refuse_removal_of_iis_certificate` - Remove-ExchangeCertificate refuses what IIS is bound to.
    `refuse_removal_of_auth_certificate` - it refuses what AuthConfig names as current or next.
    `cmdlet_seconds` - how long every cmdlet takes at least.

    Services and ports:
    `certificates_load` - `at_start`: a service presents what it found when it last started;
    `immediately`: what it would find now.
    `certificate_tie_break` - `newest_valid_from` or `longest_remaining_lifetime`.
    `service_restart_seconds` - how long starting (and stopping) one service takes.
    `mail_seconds` - how long a message stays in each queue at least.
    `mail_retry_seconds` - how long until a message that could not be sent is tried again.
    `iis_replaces_certificates` - AddSslCertificate replaces what a binding has; else that has to be
    removed first.
    `redirect_moves` - Redirect-Message moves what it is asked to; else the messages stay.
    `windows_shell_operations` - how many requests one WinRS shell answers before its quota is used
    up (code 0x803381A6); None is any number.
    """

    select_object: bool = True
    get_command: bool = True
    serialization_data: bool = True
    signed_serialization: bool = False
    deserialized_types: bool = False
    idle_drop_seconds: float | None = None
    basic_authentication: bool = True
    kerberos_authentication: bool = True
    maximum_sessions_per_user: int | None = 18
    session_cookies: bool = True
    refuse_unknown_tls_certificate_name: bool = False
    refuse_malformed_tls_certificate_name: bool = True
    require_tls_with_tls_certificate_name: bool = False
    extra_services: bool = False
    enable_sets_x509_certificate_name: bool = True
    list_all_for_missing_identity: bool = True
    modern_pkcs12: bool = False
    elliptic_curve_certificates: bool = True
    import_intermediates: bool = True
    refuse_removal_of_iis_certificate: bool = False
    refuse_removal_of_auth_certificate: bool = False
    cmdlet_seconds: float = 0.0
    certificates_load: str = "at_start"
    certificate_tie_break: str = "newest_valid_from"
    service_restart_seconds: float = 0.0
    iis_replaces_certificates: bool = False
    mail_seconds: float = 0.0
    mail_retry_seconds: float = 1.0
    redirect_moves: bool = True
    windows_shell_operations: int | None = None

    #: Switches that take one of a few words.
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "certificates_load": ("at_start", "immediately"),
        "certificate_tie_break": ("newest_valid_from", "longest_remaining_lifetime"),
    }
