# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which name server takes dynamic updates (RFC 2136) under a TSIG key? BIND's named, on loopback,
without any privilege, with one zone."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from support.pebble import free_port, wait_for_port

PROGRAMS = ("named", "nsupdate", "dig")
_SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


def missing_programs() -> list[str]:
    """What this machine lacks (Debian: bind9, bind9-dnsutils)."""
    return [name for name in PROGRAMS if shutil.which(name, path=_SEARCHED) is None]


@dataclass
class DnsServer:
    """A name server for `zone`. Use as a context manager."""

    directory: Path
    zone: str
    key_name: str = "acme"
    secret: str = field(default_factory=lambda: base64.b64encode(os.urandom(32)).decode())
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> DnsServer:
        self.directory.mkdir(parents=True)
        self._write()
        program = shutil.which("named", path=_SEARCHED)
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-g", "-c", str(self.directory / "named.conf"), "-p", str(self.port)],
            stdout=(self.directory / "named.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        wait_for_port(self.port, self._process)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name."""
        command = ["dig", "+short", "@127.0.0.1", "-p", str(self.port), name, "TXT"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def _write(self) -> None:
        (self.directory / "zone").write_text(
            f"$TTL 60\n@ IN SOA ns.{self.zone}. root.{self.zone}. 1 60 60 60 60\n"
            f"@ IN NS ns.{self.zone}.\nns IN A 127.0.0.1\n",
            encoding="ascii",
        )
        (self.directory / "named.conf").write_text(
            f"""
options {{
  directory "{self.directory}";
  listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile "{self.directory}/session.key";
  recursion no;
  dnssec-validation no;
}};
controls {{ }};
key "{self.key_name}" {{ algorithm hmac-sha256; secret "{self.secret}"; }};
zone "{self.zone}" {{
  type primary;
  file "zone";
  allow-update {{ key "{self.key_name}"; }};
}};
""",
            encoding="ascii",
        )
