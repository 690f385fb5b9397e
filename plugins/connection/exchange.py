# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where do the options and credentials of an Exchange server come from, and when do its two
sessions open and close?"""

from __future__ import annotations

DOCUMENTATION = r"""
name: exchange
short_description: Talk to an Exchange server's PowerShell endpoint and to its Windows
version_added: 0.1.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Carries the tasks of the collection C(mailops.exchange) to an on-premises Exchange server. The
    tasks run in the Ansible worker on the
    control node and open two sessions, each only when it is needed.
  - The first goes to Exchange's own PowerShell endpoint (C(http://SERVER/PowerShell/)), which
    offers Exchange cmdlets
    under the account's management roles. The second goes to Windows remote management (WinRM) for
      what is not Exchange's, such as services.
  - An Edge Transport server has no PowerShell endpoint of Exchange. With O(exchange_role=edge) the
    cmdlets run in the Exchange shell of the server itself, started through WinRM by a fixed script.
  - Nothing is copied to the server and no script of the user is run there.
  - The connection does not run commands or modules of other collections. Such a task fails with a
    sentence that says so; it never runs on the
    control node instead. Set C(gather_facts) to V(false) in plays for these hosts.
  - Sessions are opened once per task, shared by the items of a loop, and closed when the task ends.
requirements:
  - pypsrp >= 0.9.0, for Kerberos C(pypsrp[kerberos])
  - psrpcore >= 0.3.0
  - pywinrm >= 0.5.0 for tasks that need Windows, for Kerberos C(pywinrm[kerberos])
  - krb5 or gssapi (Python libraries) for Kerberos with user and password
notes:
  - Proxies from the environment are not used.
  - Certificates of servers are checked against O(ca_file), else against the authorities of
    Python's C(requests) library (package C(certifi), or
    the file named by the environment variable C(REQUESTS_CA_BUNDLE)).
options:
  remote_addr:
    description:
      - The name or address to connect to, used for O(exchange_host) and O(winrm_host) unless
        these are set.
      - For Kerberos this has to be the server's own full name.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  remote_user:
    description:
      - The account to log in with, for Kerberos C(name@REALM) with the realm in capitals, else
        also C(DOMAIN\name).
      - Without it Kerberos uses the ticket that is in the credential cache.
    type: str
    keyword:
      - name: remote_user
    vars:
      - name: ansible_user
  password:
    description:
      - The account's password. It can also be given with C(--ask-pass).
      - Without it Kerberos uses the ticket of O(remote_user) that is in the credential cache.
    type: str
    secret: true
    vars:
      - name: ansible_password
  exchange_server:
    description:
      - The server's name as Exchange knows it, used for the parameter C(-Server) of cmdlets.
        Sessions may land on another server than the one
        that was dialled, so every cmdlet with C(-Server) gets this name.
      - The default is the host's inventory name up to the first dot, unless that is an address.
    type: str
    default: inventory_hostname_short
    vars:
      - name: inventory_hostname_short
      - name: ansible_exchange_server
  exchange_role:
    description:
      - The role of the server. V(edge) is an Edge Transport server, whose cmdlets are reached
        through WinRM; O(remote_user) then has to be a local administrator there, and the options of
        the Exchange endpoint have no meaning.
    type: str
    default: mailbox
    choices: [mailbox, edge]
    vars:
      - name: ansible_exchange_role
  domain_controller:
    description:
      - The domain controller that cmdlets shall read from and write to, so that a change is seen
        at once by the reads that follow.
      - By default Exchange chooses one. An Edge Transport server has none.
    type: str
    vars:
      - name: ansible_exchange_domain_controller
  exchange_host:
    description: The name or address of the Exchange endpoint, if it differs from O(remote_addr).
    type: str
    vars:
      - name: ansible_exchange_host
  exchange_scheme:
    description:
      - Whether to use TLS. With V(http) the messages themselves are encrypted by Kerberos or
        NTLM, which is how Exchange is set up by default.
      - The default is V(https) if O(exchange_auth) is V(basic) or O(exchange_port) is 443, else
        V(http).
    type: str
    choices: [http, https]
    vars:
      - name: ansible_exchange_scheme
    env:
      - name: ANSIBLE_EXCHANGE_SCHEME
    ini:
      - section: exchange_connection
        key: scheme
  exchange_port:
    description: The port of the Exchange endpoint; by default 80 for V(http) and 443 for V(https).
    type: int
    vars:
      - name: ansible_exchange_port
    env:
      - name: ANSIBLE_EXCHANGE_PORT
    ini:
      - section: exchange_connection
        key: port
  exchange_path:
    description:
      - The path of the PowerShell virtual directory, with its query. C(serializationLevel=Full)
        makes the server send whole objects; without it
        some properties, such as a certificate's services, are missing.
    type: str
    default: PowerShell/?serializationLevel=Full
    vars:
      - name: ansible_exchange_path
    env:
      - name: ANSIBLE_EXCHANGE_PATH
    ini:
      - section: exchange_connection
        key: path
  exchange_auth:
    description:
      - How to log in. V(negotiate) is Kerberos where possible, else NTLM. V(basic) is refused
        without TLS.
    type: str
    default: kerberos
    choices: [kerberos, negotiate, ntlm, basic]
    vars:
      - name: ansible_exchange_auth
    env:
      - name: ANSIBLE_EXCHANGE_AUTH
    ini:
      - section: exchange_connection
        key: auth
  exchange_service:
    description: The service part of the server's Kerberos principal.
    type: str
    default: HTTP
    vars:
      - name: ansible_exchange_service
  exchange_hostname_override:
    description: The host part of the server's Kerberos principal, if it is not the name that is
      dialled.
    type: str
    vars:
      - name: ansible_exchange_hostname_override
  ca_file:
    description: A file on the control node with the authorities (PEM) that the certificates of
      both endpoints may come from.
    type: path
    vars:
      - name: ansible_exchange_ca_file
    env:
      - name: ANSIBLE_EXCHANGE_CA_FILE
    ini:
      - section: exchange_connection
        key: ca_file
  validate_certs:
    description:
      - Whether to check the certificate of both endpoints. Without the check the password goes to
        whoever answers.
    type: bool
    default: true
    vars:
      - name: ansible_exchange_validate_certs
    env:
      - name: ANSIBLE_EXCHANGE_VALIDATE_CERTS
    ini:
      - section: exchange_connection
        key: validate_certs
  message_encryption:
    description:
      - Whether messages are encrypted by Kerberos or NTLM. V(auto) does so over V(http);
        V(always) over TLS as well.
      - V(never) is refused over V(http).
    type: str
    default: auto
    choices: [auto, always, never]
    vars:
      - name: ansible_exchange_message_encryption
    env:
      - name: ANSIBLE_EXCHANGE_MESSAGE_ENCRYPTION
    ini:
      - section: exchange_connection
        key: message_encryption
  connect_timeout:
    description: Seconds to wait for the Exchange endpoint to accept the connection.
    type: int
    default: 30
    vars:
      - name: ansible_exchange_connect_timeout
    env:
      - name: ANSIBLE_EXCHANGE_CONNECT_TIMEOUT
    ini:
      - section: exchange_connection
        key: connect_timeout
  open_timeout:
    description: Seconds that the server may take to open a session. A cold application pool needs
      its time.
    type: int
    default: 180
    vars:
      - name: ansible_exchange_open_timeout
    env:
      - name: ANSIBLE_EXCHANGE_OPEN_TIMEOUT
    ini:
      - section: exchange_connection
        key: open_timeout
  operation_timeout:
    description: Seconds after which the server answers that a running cmdlet has nothing to say
      yet.
    type: int
    default: 20
    vars:
      - name: ansible_exchange_operation_timeout
    env:
      - name: ANSIBLE_EXCHANGE_OPERATION_TIMEOUT
    ini:
      - section: exchange_connection
        key: operation_timeout
  read_timeout:
    description: Seconds without any answer after which contact counts as lost. Longer than
      O(operation_timeout).
    type: int
    default: 60
    vars:
      - name: ansible_exchange_read_timeout
    env:
      - name: ANSIBLE_EXCHANGE_READ_TIMEOUT
    ini:
      - section: exchange_connection
        key: read_timeout
  deadline:
    description: Seconds that one call of cmdlets may take. After that it is stopped on the server
      and the task fails.
    type: float
    default: 300
    vars:
      - name: ansible_exchange_deadline
    env:
      - name: ANSIBLE_EXCHANGE_DEADLINE
    ini:
      - section: exchange_connection
        key: deadline
  winrm_host:
    description: The name or address of WinRM, if it differs from O(remote_addr).
    type: str
    vars:
      - name: ansible_exchange_winrm_host
  winrm_scheme:
    description:
      - Whether to use TLS for WinRM. The default is V(https) if O(winrm_auth) is V(basic) or
        O(winrm_port) is 5986, else V(http).
    type: str
    choices: [http, https]
    vars:
      - name: ansible_exchange_winrm_scheme
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_SCHEME
    ini:
      - section: exchange_connection
        key: winrm_scheme
  winrm_port:
    description: The port of WinRM; by default 5985 for V(http) and 5986 for V(https).
    type: int
    vars:
      - name: ansible_exchange_winrm_port
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_PORT
    ini:
      - section: exchange_connection
        key: winrm_port
  winrm_path:
    description: The path of WinRM.
    type: str
    default: wsman
    vars:
      - name: ansible_exchange_winrm_path
  winrm_auth:
    description:
      - How to log in to WinRM; by default as for Exchange (O(exchange_auth)).
      - V(negotiate) means NTLM when there is a password, else Kerberos.
    type: str
    choices: [kerberos, negotiate, ntlm, basic]
    vars:
      - name: ansible_exchange_winrm_auth
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_AUTH
    ini:
      - section: exchange_connection
        key: winrm_auth
  winrm_service:
    description: The service part of WinRM's Kerberos principal.
    type: str
    default: HTTP
    vars:
      - name: ansible_exchange_winrm_service
  winrm_hostname_override:
    description: The host part of WinRM's Kerberos principal; by default as
      O(exchange_hostname_override).
    type: str
    vars:
      - name: ansible_exchange_winrm_hostname_override
  winrm_ca_file:
    description: A CA file for WinRM alone; by default O(ca_file).
    type: path
    vars:
      - name: ansible_exchange_winrm_ca_file
  winrm_validate_certs:
    description: Whether to check WinRM's certificate; by default as O(validate_certs).
    type: bool
    vars:
      - name: ansible_exchange_winrm_validate_certs
  winrm_message_encryption:
    description: As O(message_encryption), for WinRM.
    type: str
    default: auto
    choices: [auto, always, never]
    vars:
      - name: ansible_exchange_winrm_message_encryption
  winrm_operation_timeout:
    description: As O(operation_timeout), for WinRM.
    type: int
    default: 20
    vars:
      - name: ansible_exchange_winrm_operation_timeout
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_OPERATION_TIMEOUT
    ini:
      - section: exchange_connection
        key: winrm_operation_timeout
  winrm_read_timeout:
    description: As O(read_timeout), for WinRM.
    type: int
    default: 60
    vars:
      - name: ansible_exchange_winrm_read_timeout
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_READ_TIMEOUT
    ini:
      - section: exchange_connection
        key: winrm_read_timeout
  winrm_deadline:
    description: Seconds that one script on Windows may take, such as the restart of several
      services.
    type: float
    default: 900
    vars:
      - name: ansible_exchange_winrm_deadline
    env:
      - name: ANSIBLE_EXCHANGE_WINRM_DEADLINE
    ini:
      - section: exchange_connection
        key: winrm_deadline
"""

import ipaddress
from typing import Any, NoReturn

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.exchange_session import (
    ExchangeSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.local_shell_session import (
    LocalShellSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.settings import (
    ExchangeEndpointSettings,
    WindowsEndpointSettings,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_session import (
    WindowsSession,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import InvalidInput

display = Display()


class Connection(ConnectionBase):  # type: ignore[misc]
    """The two sessions of one server; the actions of the collection use its properties."""

    transport = "mailops.exchange.exchange"
    has_pipelining = False
    has_tty = False
    allow_executable = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._exchange: ExchangeSession | None = None
        self._windows: WindowsSession | None = None

    @property
    def is_edge(self) -> bool:
        """Whether the server is an Edge Transport server."""
        return bool(self.get_option("exchange_role") == "edge")

    @property
    def exchange(self) -> ExchangeSession | LocalShellSession:
        """The session with the Exchange endpoint; it opens with the first cmdlet.

        Options may differ from one item of a loop to the next: a session with other settings is
        replaced.
        """
        if self.is_edge:
            return LocalShellSession(self.windows)
        settings = self._exchange_settings()
        if self._exchange is not None and self._exchange.settings != settings:
            self._exchange.close()
            self._exchange = None
        if self._exchange is None:
            self._announce("Exchange", settings)
            self._exchange = ExchangeSession(settings)
        self._keep()
        return self._exchange

    @property
    def windows(self) -> WindowsSession:
        """The session with Windows; it opens with the first script."""
        settings = self._windows_settings()
        if self._windows is not None and self._windows.settings != settings:
            self._windows.close()
            self._windows = None
        if self._windows is None:
            self._announce("Windows", settings)
            self._windows = WindowsSession(settings)
        self._keep()
        return self._windows

    @property
    def exchange_server(self) -> str:
        """The name for the parameter -Server."""
        name = str(self.get_option("exchange_server") or "")
        if not name or _is_address(name):
            raise InvalidInput(
                f"The name of the Exchange server at {self.get_option('remote_addr')} is not "
                "known: set ansible_exchange_server for the host",
                details={"option": "ansible_exchange_server"},
            )
        return name

    @property
    def domain_controller(self) -> str | None:
        """The value for the parameter -DomainController, if one is wanted."""
        value = None if self.is_edge else self.get_option("domain_controller")
        return str(value) if value else None

    def _connect(self) -> Connection:
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> NoReturn:
        self._refuse("runs no commands and no other modules")

    def put_file(self, in_path: str, out_path: str) -> NoReturn:
        self._refuse("copies no files")

    def fetch_file(self, in_path: str, out_path: str) -> NoReturn:
        self._refuse("fetches no files")

    def close(self) -> None:
        """Close both sessions; may be called twice."""
        exchange, self._exchange = self._exchange, None
        windows, self._windows = self._windows, None
        self._connected = False
        try:
            if exchange is not None:
                exchange.close()
        finally:
            if windows is not None:
                windows.close()

    def reset(self) -> None:
        """Nothing outlives a task, so there is nothing more to reset."""
        self.close()

    def __del__(self) -> None:
        # Ansible drops it without closing when the next item of a loop goes to another host.
        if getattr(self, "_connected", False):
            self.close()

    def _keep(self) -> None:
        # Ansible reuses a connection for the next item of a loop only if it counts as connected.
        self._connected = True

    def _refuse(self, what: str) -> NoReturn:
        raise AnsibleError(
            f"The connection {self.transport} to {self.get_option('remote_addr')} {what}: it "
            "carries the tasks of mailops.exchange only. Use another connection for this task "
            "(such as ansible.builtin.winrm) or delegate it to localhost, and set gather_facts: "
            "false in plays for Exchange servers."
        )

    def _announce(
        self, endpoint: str, settings: ExchangeEndpointSettings | WindowsEndpointSettings
    ) -> None:
        display.vvv(
            f"{endpoint} endpoint {settings.url}, {settings.authentication}, as "
            f"{settings.user_name or 'owner of the ticket'}",
            host=self.get_option("remote_addr"),
        )

    def _text(self, option: str) -> str | None:
        value = self.get_option(option)
        # Ansible's own text classes must not reach the libraries.
        return str.__str__(value) if isinstance(value, str) and value else None

    def _exchange_settings(self) -> ExchangeEndpointSettings:
        authentication = self._text("exchange_auth") or "kerberos"
        port = self.get_option("exchange_port")
        scheme = self._text("exchange_scheme") or _scheme(authentication, port, 443)
        return ExchangeEndpointSettings(
            host=self._text("exchange_host") or self._text("remote_addr") or "",
            port=port if port is not None else (443 if scheme == "https" else 80),
            path=(self._text("exchange_path") or "").lstrip("/"),
            scheme=scheme,
            authentication=authentication,
            user_name=self._text("remote_user"),
            password=self._text("password"),
            ca_file=self._text("ca_file"),
            validate_certificates=bool(self.get_option("validate_certs")),
            message_encryption=self._text("message_encryption") or "auto",
            service=self._text("exchange_service") or "HTTP",
            service_host_name=self._text("exchange_hostname_override"),
            connect_timeout=self.get_option("connect_timeout"),
            operation_timeout=self.get_option("operation_timeout"),
            read_timeout=self.get_option("read_timeout"),
            open_timeout=self.get_option("open_timeout"),
            deadline=self.get_option("deadline"),
        )

    def _windows_settings(self) -> WindowsEndpointSettings:
        authentication = self._text("winrm_auth") or self._text("exchange_auth") or "kerberos"
        port = self.get_option("winrm_port")
        scheme = self._text("winrm_scheme") or _scheme(authentication, port, 5986)
        validate = self.get_option("winrm_validate_certs")
        if validate is None:
            validate = self.get_option("validate_certs")
        return WindowsEndpointSettings(
            host=self._text("winrm_host") or self._text("remote_addr") or "",
            port=port if port is not None else (5986 if scheme == "https" else 5985),
            path=(self._text("winrm_path") or "").lstrip("/"),
            scheme=scheme,
            authentication=authentication,
            user_name=self._text("remote_user"),
            password=self._text("password"),
            ca_file=self._text("winrm_ca_file") or self._text("ca_file"),
            validate_certificates=bool(validate),
            message_encryption=self._text("winrm_message_encryption") or "auto",
            service=self._text("winrm_service") or "HTTP",
            service_host_name=self._text("winrm_hostname_override")
            or self._text("exchange_hostname_override"),
            operation_timeout=self.get_option("winrm_operation_timeout"),
            read_timeout=self.get_option("winrm_read_timeout"),
            deadline=self.get_option("winrm_deadline"),
        )


def _is_address(name: str) -> bool:
    # Older versions of Ansible cut an address, too, at its first dot.
    if name.isdigit():
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _scheme(authentication: str, port: int | None, tls_port: int) -> str:
    return "https" if authentication == "basic" or port == tls_port else "http"
