# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How is the fake started and stopped? The command line: `serve` and `check`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from fake_exchange.organisation.loading import LoadingError, load_organisation
from fake_exchange.organisation.model import Organisation
from fake_exchange.organisation.persistence import load_state, save_state
from fake_exchange.running import RunningFake

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)

EXAMPLES = """\
examples:
  python -m fake_exchange serve tests/fake_exchange/examples/contoso.yml
  python -m fake_exchange serve org.yml --ready-file ready.json --state org.state.json
  python -m fake_exchange check org.yml

The ready file appears when every port listens; it names them all, and the control endpoint
(GET / there lists what it can do). SIGTERM and SIGINT end the fake cleanly.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(asctime)s %(name)s: %(message)s",
    )
    try:
        organisation = load_organisation(options.organisation)
        if options.command == "check":
            print(_summary(organisation))
            return 0
        return _serve(organisation, options)
    except LoadingError as error:
        print(f"fake_exchange: {error}", file=sys.stderr)
    except OSError as error:
        print(f"fake_exchange: {error.strerror or error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fake_exchange",
        description="A pretended Exchange organisation that speaks the real protocols: remote "
        "PowerShell, WinRM, SMTP, HTTPS, IMAP and POP on ports of this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="start the organisation and run until stopped")
    check = commands.add_parser("check", help="read the file, say what is in it, and end")
    for command in (serve, check):
        command.add_argument(
            "organisation", type=Path, metavar="ORGANISATION.yml", help="what to pretend"
        )
        command.add_argument(
            "-v", "--verbose", action="store_true", help="log what happens to stderr"
        )
    serve.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="write addresses and ports here (JSON)"
    )
    serve.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="load the state from FILE if it exists; save it there at the end and on request",
    )
    serve.add_argument(
        "--control-port",
        type=int,
        default=0,
        metavar="N",
        help="port of the control endpoint on 127.0.0.1 (default: any free one)",
    )
    return parser


def _serve(organisation: Organisation, options: argparse.Namespace) -> int:
    if options.state is not None and options.state.exists():
        load_state(organisation, options.state)
    # Blocked here and so in every thread: nothing is interrupted, whatever comes when.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    with RunningFake(
        organisation, control_port=options.control_port, state_file=options.state
    ) as running:
        print(_summary(organisation))
        print(f"control endpoint: {running.control.url}", flush=True)
        if options.ready_file is not None:
            _write_whole(options.ready_file, json.dumps(running.control.endpoints(), indent=1))
        signal.sigwait(ENDING_SIGNALS)
    if options.state is not None:
        save_state(organisation, options.state)
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)
    return 0


def _write_whole(file: Path, text: str) -> None:
    """So that whoever waits for the file never reads half of it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)


def _summary(organisation: Organisation) -> str:
    servers = list(organisation)
    sites = sorted({server.Site for server in servers})
    edges = sum(server.IsEdgeServer for server in servers)
    names = ", ".join(server.Name for server in servers[:6]) + (", ..." if servers[6:] else "")
    return (
        f"{organisation.Name}: {len(servers) - edges} Mailbox and {edges} Edge servers ({names}) "
        f"in {', '.join(sites)}; {len(organisation.send_connectors)} Send connectors, "
        f"{len(organisation.accounts)} accounts"
    )


if __name__ == "__main__":
    sys.exit(main())
