# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where do Kerberos tickets come from on a machine without a domain? A real MIT KDC on loopback,
run without any privilege from a private directory that vanishes with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local")
_SEARCHED = (*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin")
_ENCRYPTION = "aes256-cts-hmac-sha1-96"


def missing_programs() -> list[str]:
    """What this machine lacks for a KDC (Debian: krb5-kdc, krb5-admin-server)."""
    return [name for name in PROGRAMS if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join(_SEARCHED))


@dataclass
class Kdc:
    """A KDC for one realm. Use as a context manager; `environment` then leads clients and
    servers to it.

    `users`: name -> password. `hosts`: names that get an HTTP principal, whose keys are in
    `keytab`; the first one also answers for 127.0.0.1 and localhost.
    """

    users: Mapping[str, str]
    hosts: Iterable[str]
    realm: str = "CONTOSO.TEST"
    port: int = 0
    directory: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def keytab(self) -> Path:
        return self.directory / "http.keytab"

    @property
    def environment(self) -> dict[str, str]:
        """For clients and for the servers; the ticket cache is one nobody else has."""
        return {
            "KRB5_CONFIG": str(self.directory / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"),
            "KRB5_KTNAME": str(self.keytab),
            "KRB5CCNAME": f"FILE:{self.directory / 'tickets'}",
            "KRB5RCACHENAME": "none:",
        }

    @contextlib.contextmanager
    def in_environment(self) -> Iterator[None]:
        """This process's own environment leads to the KDC for as long as the block lasts."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def __enter__(self) -> Kdc:
        self.directory = Path(tempfile.mkdtemp(prefix="kdc-"))
        try:
            self.port = self.port or _free_port()
            self._write_configuration()
            self._create_database()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the KDC and remove everything it wrote."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def set_password(self, user: str, password: str) -> None:
        """Give a user another password."""
        self._administrate(f"change_password -pw {_quoted(password)} {_quoted(user)}")

    def _write_configuration(self) -> None:
        names = "".join(f"    {host} = {self.realm}\n" for host in self._names())
        (self.directory / "krb5.conf").write_text(
            "[libdefaults]\n"
            f"  default_realm = {self.realm}\n"
            "  dns_lookup_kdc = false\n"
            "  dns_lookup_realm = false\n"
            "  rdns = false\n"
            "  dns_canonicalize_hostname = false\n"
            "  udp_preference_limit = 1\n"
            f"  permitted_enctypes = {_ENCRYPTION}\n"
            f"[realms]\n  {self.realm} = {{\n"
            f"    kdc = 127.0.0.1:{self.port}\n    admin_server = 127.0.0.1:1\n  }}\n"
            f"[domain_realm]\n{names}"
        )
        (self.directory / "kdc.conf").write_text(
            "[kdcdefaults]\n"
            f'  kdc_listen = ""\n  kdc_tcp_listen = 127.0.0.1:{self.port}\n'
            f"[realms]\n  {self.realm} = {{\n"
            f"    database_name = {self.directory / 'principal'}\n"
            f"    key_stash_file = {self.directory / 'stash'}\n"
            f"    acl_file = {self.directory / 'kadm5.acl'}\n"
            f"    master_key_type = {_ENCRYPTION}\n"
            f"    supported_enctypes = {_ENCRYPTION}:normal\n"
            "    max_life = 10h\n  }\n"
            f"[logging]\n  kdc = FILE:{self.directory / 'kdc.log'}\n"
            f"  default = FILE:{self.directory / 'kdc.log'}\n"
        )

    def _names(self) -> list[str]:
        return ["127.0.0.1", "localhost", *self.hosts]

    def _create_database(self) -> None:
        self._run("kdb5_util", "create", "-s", "-P", "loopback only", "-r", self.realm)
        commands = [
            f"add_principal -pw {_quoted(password)} {_quoted(user)}"
            for user, password in self.users.items()
        ]
        for host in self._names():
            commands.append(f"add_principal -randkey HTTP/{host}")
            commands.append(f"ktadd -k {self.keytab} HTTP/{host}")
        self._administrate(*commands)
        self.keytab.chmod(0o600)

    def _administrate(self, *commands: str) -> None:
        """Commands of kadmin go through its standard input: passwords stay off command lines."""
        self._run("kadmin.local", "-r", self.realm, text="\n".join(commands) + "\n")

    def _run(self, name: str, *arguments: str, text: str = "") -> None:
        """Raises RuntimeError with what the program said if it failed."""
        done = subprocess.run(
            [_program(name) or name, *arguments],
            env={**os.environ, **self.environment},
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        complaints = [line for line in done.stderr.splitlines() if "while" in line]
        if done.returncode != 0 or complaints:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()}")

    def _start(self) -> None:
        with open(self.directory / "kdc.out", "wb") as out:
            self._process = subprocess.Popen(
                [_program("krb5kdc") or "krb5kdc", "-n", "-r", self.realm],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("krb5kdc did not start: " + (self.directory / "kdc.out").read_text())


def _quoted(text: str) -> str:
    """A word of kadmin's command language."""
    return '"' + text.replace('"', '""') + '"'


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])
