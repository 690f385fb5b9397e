# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What do all actions have in common between Ansible's task and the meaning of Exchange?

Options are checked, files of the control node are read, errors become results and no secret leaves.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.mailops.exchange.plugins.plugin_utils import change
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.argument_specs import (
    ArgumentSpec,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.options import (
    plain_options,
    spell_choices,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.ansible_tasks.scrubbing import (
    scrubbed,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.errors import (
    EndpointUnreachable,
    ExchangeError,
    InvalidInput,
    MissingLibrary,
)
from ansible_collections.mailops.exchange.plugins.plugin_utils.record import run_folder
from ansible_collections.mailops.exchange.plugins.plugin_utils.x509.certificate_source import (
    CertificateSource,
)

if TYPE_CHECKING:
    from ansible_collections.mailops.exchange.plugins.plugin_utils.cmdlets.remote_objects import (
        Session,
    )
    from ansible_collections.mailops.exchange.plugins.plugin_utils.endpoint.windows_session import (
        WindowsSession,
    )

CONNECTION = "mailops.exchange.exchange"

State = TypeVar("State")

_VAULT_HEADER = b"$ANSIBLE_VAULT"


@dataclass
class Report:
    """What a task has done so far, so that also a failure reports it truly.

    `changes` are sentences: done ones in a real run, planned ones in check mode. `facts` are
    result keys that are true even when the task fails later.
    """

    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def warn(self, sentences: Iterable[str]) -> None:
        """Add warnings, each once."""
        self.warnings.extend(text for text in dict.fromkeys(sentences) if text not in self.warnings)


class ExchangeActionBase(ActionBase):  # type: ignore[misc]
    """An action of this collection; a subclass declares its options and writes ``perform``."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False

    ARGUMENT_SPEC: ClassVar[ArgumentSpec] = {}
    MUTUALLY_EXCLUSIVE: ClassVar[Sequence[tuple[str, ...]]] = ()
    REQUIRED_ONE_OF: ClassVar[Sequence[tuple[str, ...]]] = ()
    REQUIRED_IF: ClassVar[Sequence[tuple[Any, ...]]] = ()
    # False for an action that talks neither to Exchange nor to Windows.
    REQUIRES_CONNECTION: ClassVar[bool] = True

    report: Report
    # The folder of the run that this task belongs to, from the option `record`.
    _record: Path | None = None
    _record_server = ""
    # Whichever connection the task has; with REQUIRES_CONNECTION it is the collection's own.
    _connection: Any

    def perform(self, options: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Do the task and return its own result keys; progress goes into ``self.report``.

        Raises:
            ExchangeError: converted into a failed or unreachable result.
        """
        raise NotImplementedError

    def check_given(self, given: Mapping[str, Any]) -> None:
        """Refuse options with a better reason than "not one of the choices".

        Raises:
            InvalidInput: with that reason.
        """

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.report = Report()
        try:
            options = self._checked_options()
            self._open_record(options)
            if self.REQUIRES_CONNECTION:
                self._check_connection()
            result.update(self.perform(options, task_vars or {}))
        except ExchangeError as error:
            result.update(error.details, msg=error.message)
            self._note("failed", error.message, expected=False)
            # Not AnsibleConnectionFailure: it would lose what has been changed until then.
            result["unreachable" if isinstance(error, EndpointUnreachable) else "failed"] = True
        except ImportError as error:
            missing = MissingLibrary.named(error.name or str(error))
            result.update(missing.details, msg=missing.message, failed=True)
        self._conclude(result)
        return scrubbed(result, self._secrets())

    # -- what actions use ------------------------------------------------------------------------

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)

    @property
    def session(self) -> Session:
        """The session with the server's Exchange cmdlets, opened on first use."""
        return self._connection.exchange  # type: ignore[no-any-return]

    @property
    def windows(self) -> WindowsSession:
        """The session with Windows itself, opened on first use."""
        return self._connection.windows  # type: ignore[no-any-return]

    def server(self, options: Mapping[str, Any]) -> str:
        """The server that cmdlets name: of the task, else of the connection."""
        return str(options.get("server") or self._connection.exchange_server)

    @property
    def is_edge(self) -> bool:
        """Whether it is an Edge Transport server, which knows nothing of the organization."""
        return bool(self._connection.is_edge)

    @property
    def domain_controller(self) -> str | None:
        return self._connection.domain_controller  # type: ignore[no-any-return]

    def host_address(self, task_vars: Mapping[str, Any]) -> str:
        """Name or address of the inventory host, for what is asked of its ports directly."""
        address: Any = None
        if getattr(self._connection, "transport", None) == CONNECTION:
            # Also right for a task that is delegated to another server.
            address = self._connection.get_option("remote_addr")
        if not address:
            address = task_vars.get("ansible_host") or task_vars.get("inventory_hostname")
            if address and self._templar is not None:
                address = self._templar.template(address)
        if not address:
            raise InvalidInput("The address of the host is not known: give it as an option.")
        return str(address)

    def begin(self, what: str, *, kind: str = run_folder.CHANGE) -> None:
        """Write into the run's record what is about to be changed.

        Raises:
            InvalidInput: the record cannot be written, so nothing may be changed.
        """
        self._note("begin", what, kind=kind, expected=True)

    def done(self, sentence: str, *, kind: str = run_folder.CHANGE) -> None:
        """Report a change that was made, and write it into the run's record."""
        self.report.changes.append(sentence)
        self._note("done", sentence, kind=kind, expected=False)

    def carry_out(
        self,
        sentence: str,
        do: Callable[[], object],
        *,
        read: Callable[[], State],
        reached: Callable[[State], bool],
        otherwise: Callable[[State], ExchangeError],
        done: Sequence[str] = (),
    ) -> State:
        """Change something as change.carry_out does, and note it in the run's record.

        Args:
            sentence: what is about to be done.
            done: the same as what was done, where `sentence` itself does not say it.
        """

        def report() -> None:
            for text in done or (sentence,):
                self.done(text)

        return change.carry_out(
            do,
            read=read,
            reached=reached,
            otherwise=otherwise,
            announce=lambda: self.begin(sentence),
            done=report,
        )

    def now(self) -> datetime:
        """The present; a method so that tests can stop the clock."""
        return datetime.now(timezone.utc)

    def certificate_source(self, options: Mapping[str, Any]) -> CertificateSource:
        """The certificate options with files found as Ansible finds them, vaulted ones decrypted.

        A vaulted file's content takes the place of its path, so that no clear text touches a disk.
        """
        values: dict[str, str | None] = {
            name: options.get(name) for name in CertificateSource.__dataclass_fields__
        }
        for option, content_option in (
            ("pfx_path", "pfx_content"),
            ("fullchain_path", "fullchain_content"),
            ("private_key_path", "private_key_content"),
        ):
            path = values[option]
            if not path:
                continue
            found = self.find_file(path, option=option)
            content = self._vaulted_content(found, option=option)
            if content is None:
                values[option] = found
            elif content_option == "pfx_content":
                values[option] = None
                values[content_option] = base64.b64encode(content).decode("ascii")
            else:
                values[option] = None
                values[content_option] = content.decode("utf-8", "replace")
        return CertificateSource(**values)

    def find_file(self, path: str, *, option: str) -> str:
        """The file on the control node: where Ansible looks, then where the run was started.

        A playbook of the collection lies where users have no files, and what they give on the
        command line they mean as their shell does. In AWX that folder is the project.

        Raises:
            InvalidInput: there is none.
        """
        try:
            return str(self._find_needle("files", path))
        except AnsibleFileNotFound as error:
            here = os.path.abspath(path)
            if os.path.isfile(here):
                return here
            places = (
                ""
                if os.path.isabs(path)
                else (
                    ", neither in a files folder of the role or the playbook nor in "
                    f"{Path.cwd()}, where ansible-playbook was started"
                )
            )
            raise InvalidInput(
                f"{option}: '{path}' was not found on the control node{places}.",
                details={"option": option},
            ) from error
        except AnsibleError as error:
            raise InvalidInput(f"{option}: '{path}' cannot be looked for: {error}.") from error

    # -- inside ----------------------------------------------------------------------------------

    def _checked_options(self) -> dict[str, Any]:
        given = plain_options(self._task.args)
        self.check_given(given)
        spell_choices(given, self.ARGUMENT_SPEC)
        validation = ArgumentSpecValidator(
            self.ARGUMENT_SPEC,
            mutually_exclusive=self.MUTUALLY_EXCLUSIVE,
            required_one_of=self.REQUIRED_ONE_OF,
            required_if=self.REQUIRED_IF,
        ).validate(given)
        if validation.error_messages:
            problem = "; ".join(validation.error_messages)
            if any(isinstance(error, UnsupportedError) for error in validation.errors.errors):
                problem = f"unsupported option {problem}"
            raise InvalidInput(f"{self._task.action}: {problem}", details={"invalid_options": True})
        return plain_options(validation.validated_parameters)

    def _open_record(self, options: Mapping[str, Any]) -> None:
        folder = options.get("record")
        if folder and not self.check_mode:
            self._record = run_folder.make_folder(Path(folder))
            self._record_server = str(options.get("server") or "")

    def _note(
        self, event: str, what: str, *, kind: str = run_folder.CHANGE, expected: bool
    ) -> None:
        """Append an event; with `expected` the task fails if that is not possible."""
        if self._record is None:
            return
        server = self._record_server
        if not server and getattr(self._connection, "transport", None) == CONNECTION:
            with suppress(ExchangeError):
                server = self._connection.exchange_server
        try:
            run_folder.append_event(
                self._record,
                {
                    "event": event,
                    "kind": kind,
                    "server": server,
                    "module": str(self._task.action),
                    "what": scrubbed(what, self._secrets()),
                },
            )
        except InvalidInput as error:
            if expected:
                raise
            self.report.warn([error.message])

    def _check_connection(self) -> None:
        used = getattr(self._connection, "transport", None)
        if used != CONNECTION:
            raise InvalidInput(
                f"{self._task.action} needs the connection {CONNECTION}, but this task uses "
                f"'{used}': set ansible_connection: {CONNECTION} for the host (and do not delegate "
                "the task to another one)."
            )

    def _vaulted_content(self, path: str, *, option: str) -> bytes | None:
        try:
            with Path(path).open("rb") as stream:
                if stream.read(len(_VAULT_HEADER)) != _VAULT_HEADER:
                    return None
            # The loader would take a relative path from the playbook's folder.
            content, _unencrypted = self._loader._get_file_contents(str(Path(path).absolute()))
        except (AnsibleError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidInput(
                f"{option}: '{path}' cannot be read on the control node: {reason}."
            ) from error
        return bytes(content)

    def _conclude(self, result: dict[str, Any]) -> None:
        """Add what every result contains, whether the task succeeded or not."""
        report = self.report
        for name, value in report.facts.items():
            result.setdefault(name, value)
        result["changed"] = bool(report.changes)
        result["changes"] = list(report.changes)
        if report.warnings:
            result["warnings"] = list(report.warnings)
        if self._task.diff and (report.before is not None or report.after is not None):
            result["diff"] = {"before": report.before or {}, "after": report.after or {}}

    def _secrets(self) -> list[str]:
        names = [name for name, spec in self.ARGUMENT_SPEC.items() if spec.get("no_log")]
        values = [self._task.args.get(name) for name in names]
        if getattr(self._connection, "transport", None) == CONNECTION:
            with suppress(AttributeError, KeyError):
                values.append(self._connection.get_option("password"))
        return [str(value) for value in values if value]
