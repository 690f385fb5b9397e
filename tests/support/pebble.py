# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do certificates come from that an ACME authority issues? Pebble, a real ACME server, on
loopback, with its challenge test server as the DNS of the world. It forgets everything when it
ends, and has another root and another issuing certificate whenever it starts."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from support import pki
from support.example_organisation import NAMES

PROGRAMS = ("pebble", "pebble-challtestsrv")
ROOT = pki.root(("CN", "Root of Pebble's own endpoint"))


def missing_programs() -> list[str]:
    """What this machine lacks (Debian: pebble)."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass
class Pebble:
    """An ACME authority. Use as a context manager.

    Args:
        lifetime_days: Of the certificates that it issues.
        environment: Pebble's own variables, such as the share of nonces that it refuses.
        wrapper: What the program is started by, such as `faketime`.
        dns_server: Whom it asks, as address and port; the challenge test server unless given.
    """

    directory: Path
    lifetime_days: float = 47
    environment: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    dns_server: str | None = None
    account_binding: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    management: int = field(default_factory=lambda: free_port())
    http_port: int = field(default_factory=lambda: free_port())
    dns: int = field(default_factory=lambda: free_port())
    dns_management: int = field(default_factory=lambda: free_port())
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    @property
    def url(self) -> str:
        """The directory, as clients are given it."""
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def ca_file(self) -> Path:
        """Whom a client has to trust to talk to it."""
        return self.directory / "pebble-server-root.pem"

    @property
    def dns_api(self) -> str:
        """The HTTP API by which a client publishes TXT records."""
        return f"http://127.0.0.1:{self.dns_management}"

    def __enter__(self) -> Pebble:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._start_dns()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def start(self) -> None:
        """Start the authority itself, as one that knows nobody and has new certificates."""
        program = shutil.which("pebble")
        assert program is not None
        command = [*self.wrapper, program, "-config", str(self._configuration())]
        command += ["-dnsserver", self.dns_server or f"127.0.0.1:{self.dns}"]
        self._processes.append(
            subprocess.Popen(
                command,
                env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", **self._pebble_variables()},
                stdout=(self.directory / "pebble.log").open("ab"),
                stderr=subprocess.STDOUT,
            )
        )
        wait_for_port(self.port, self._processes[-1])

    def stop(self) -> None:
        """End the authority, as when it is down."""
        process = self._processes.pop()
        process.kill()
        process.wait()

    def restart(self) -> None:
        """Another issuing certificate from now on, and nobody known."""
        self.stop()
        self.start()

    def variables(self, folder: Path) -> dict[str, Any]:
        """What an administrator sets, with a DNS provider that has an HTTP API."""
        return {
            "acme_renewal_authority": self.url,
            "acme_renewal_authority_ca_path": str(self.ca_file),
            "acme_renewal_terms_agreed": True,
            "acme_renewal_contact": ["postmaster@contoso.test"],
            "acme_renewal_names": list(NAMES),
            "acme_renewal_directory": str(folder / "acme"),
            "acme_renewal_dns_tasks": "dns_http_api.yml",
            "acme_renewal_dns_api_present_url": f"{self.dns_api}/set-txt",
            "acme_renewal_dns_api_present_body": {
                "host": "{{ acme_renewal_record_name }}.",
                "value": "{{ acme_renewal_record_value }}",
            },
            "acme_renewal_dns_api_absent_url": f"{self.dns_api}/clear-txt",
            "acme_renewal_dns_api_absent_method": "POST",
            "acme_renewal_dns_api_absent_body": {"host": "{{ acme_renewal_record_name }}."},
        }

    def root(self, number: int = 0) -> bytes:
        """The root that its certificates end at, or that of an alternative chain, as PEM."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.management,
            timeout=10,
            context=ssl.create_default_context(cafile=str(self.ca_file)),
        )
        connection.request("GET", f"/roots/{number}")
        return connection.getresponse().read()

    def _pebble_variables(self) -> dict[str, str]:
        return {
            # Off unless a test wants it: it refuses five of a hundred nonces by itself.
            "PEBBLE_WFE_NONCEREJECT": "0",
            # Every order needs authorizations of its own.
            "PEBBLE_AUTHZREUSE": "0",
            **self.environment,
        }

    def _configuration(self) -> Path:
        server = ROOT.issue(("CN", "localhost"), dns=("localhost",), valid_days=800)
        ROOT.write(self.ca_file)
        server.write_fullchain(self.directory / "pebble-server.pem")
        server.write_key(self.directory / "pebble-server.key")
        document = {
            "pebble": {
                "listenAddress": f"127.0.0.1:{self.port}",
                "managementListenAddress": f"127.0.0.1:{self.management}",
                "certificate": str(self.directory / "pebble-server.pem"),
                "privateKey": str(self.directory / "pebble-server.key"),
                "httpPort": self.http_port,
                "tlsPort": free_port(),
                "externalAccountBindingRequired": bool(self.account_binding),
                "externalAccountMACKeys": dict(self.account_binding),
                "certificateValidityPeriod": int(self.lifetime_days * 86400),
            }
        }
        path = self.directory / "pebble.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def _start_dns(self) -> None:
        program = shutil.which("pebble-challtestsrv")
        assert program is not None
        command = [program, "-http01", "", "-https01", "", "-tlsalpn01", ""]
        command += ["-dns01", f"127.0.0.1:{self.dns}", "-defaultIPv6", ""]
        command += ["-management", f"127.0.0.1:{self.dns_management}"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._processes.append(process)
        wait_for_port(self.dns_management, process)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    """Until somebody listens; AssertionError if the process ends before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")
