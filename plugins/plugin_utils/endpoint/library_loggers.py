# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeping the libraries' own logs from showing what travels through them.

At DEBUG level psrpcore logs every message (a PFX in clear among them) and the WSMan libraries every
envelope. Whatever a user or AWX sets the root logger to, those records are not made.
"""

from __future__ import annotations

import logging

_CAPPED = ("psrpcore", "pypsrp", "winrm", "spnego", "urllib3", "requests", "requests_ntlm", "krb5")


class _NothingBelowInfo(logging.Filter):
    """Stops a record even where somebody has lowered a child logger's own level."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


_filter = _NothingBelowInfo()


def cap_library_loggers() -> None:
    """Cap every existing logger of the protocol libraries at INFO; call after importing them."""
    for name in _CAPPED:
        top = logging.getLogger(name)
        # Without a handler of its own a library's error would be printed on stderr beside Ansible's
        # output.
        if not top.handlers:
            top.addHandler(logging.NullHandler())
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _CAPPED:
            _cap(logging.getLogger(name))


def _cap(logger: logging.Logger) -> None:
    if logger.level < logging.INFO:
        logger.setLevel(logging.INFO)
    if _filter not in logger.filters:
        logger.addFilter(_filter)
