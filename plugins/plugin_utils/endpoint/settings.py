# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a server's two management endpoints are dialled: plain facts, no Ansible and no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ExchangeEndpointSettings:
    """The Exchange PowerShell endpoint of one server.

    Times are seconds. `ca_file` None means the system's authorities. `user_name` None (Kerberos
    only) means the ticket that is already in the credential cache.
    """

    host: str
    port: int = 80
    path: str = "PowerShell/?serializationLevel=Full"
    scheme: str = "http"
    authentication: str = "kerberos"
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    validate_certificates: bool = True
    message_encryption: str = "auto"
    service: str = "HTTP"
    service_host_name: str | None = None
    connect_timeout: int = 30
    operation_timeout: int = 20
    read_timeout: int = 60
    open_timeout: int = 180
    deadline: float = 300.0
    idle_reset_seconds: float = 50.0

    @property
    def url(self) -> str:
        return _url(self.scheme, self.host, self.port, self.path)


@dataclass(frozen=True, kw_only=True)
class WindowsEndpointSettings:
    """The ordinary Windows remote management endpoint (WinRM) of one server; times in seconds."""

    host: str
    port: int = 5985
    path: str = "wsman"
    scheme: str = "http"
    authentication: str = "kerberos"
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    validate_certificates: bool = True
    message_encryption: str = "auto"
    service: str = "HTTP"
    service_host_name: str | None = None
    operation_timeout: int = 20
    read_timeout: int = 60
    deadline: float = 900.0
    idle_reset_seconds: float = 50.0

    @property
    def url(self) -> str:
        return _url(self.scheme, self.host, self.port, self.path)


def _url(scheme: str, host: str, port: int, path: str) -> str:
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{name}:{port}/{path}"
