# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Kerberos ticket from user and password, for libraries that only read credential caches.

The ticket lives in a memory cache of this process; the user's own cache and the disk are left
alone. The environment names the private cache only while it is in use.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CACHE_VARIABLE = "KRB5CCNAME"


class KerberosTicket:
    """One ticket-granting ticket. Use it inside `active()`, then `close()` it."""

    def __init__(self, user_name: str, password: str) -> None:
        """Ask the domain for the ticket.

        Raises:
            ImportError: Neither krb5 nor gssapi is installed.
            Exception: The library's own error, for connection_errors.explain().
        """
        self.cache_name, self._destroy = _acquire(user_name, password)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Point this process's Kerberos libraries to the ticket's cache."""
        before = os.environ.get(_CACHE_VARIABLE)
        os.environ[_CACHE_VARIABLE] = self.cache_name
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(_CACHE_VARIABLE, None)
            else:
                os.environ[_CACHE_VARIABLE] = before

    def close(self) -> None:
        """Destroy the cache; may be called twice."""
        destroy, self._destroy = self._destroy, None
        if destroy is not None:
            destroy()


_Acquired = tuple[str, Callable[[], None] | None]


def _acquire(user_name: str, password: str) -> _Acquired:
    try:
        return _acquire_with_krb5(user_name, password)
    except ImportError:
        return _acquire_with_gssapi(user_name, password)


def _acquire_with_krb5(user_name: str, password: str) -> _Acquired:
    import krb5

    context = krb5.init_context()
    principal = krb5.parse_name_flags(context, user_name.encode("utf-8"))
    options = krb5.get_init_creds_opt_alloc(context)
    credentials = krb5.get_init_creds_password(
        context, principal, options, password=password.encode("utf-8")
    )
    cache = krb5.cc_new_unique(context, b"MEMORY")
    krb5.cc_initialize(context, cache, principal)
    krb5.cc_store_cred(context, cache, credentials)
    name = (cache.name or b"").decode("utf-8")
    return f"MEMORY:{name}", lambda: krb5.cc_destroy(context, cache)


def _acquire_with_gssapi(user_name: str, password: str) -> _Acquired:
    import gssapi

    name = gssapi.Name(user_name, gssapi.NameType.user)
    acquired = gssapi.raw.acquire_cred_with_password(
        name, password.encode("utf-8"), usage="initiate", mechs=[gssapi.MechType.kerberos]
    )
    cache = f"MEMORY:{uuid.uuid4()}"
    gssapi.raw.store_cred_into(
        {b"ccache": cache.encode("ascii")}, acquired.creds, usage="initiate", overwrite=True
    )
    # The cache has no handle here; it ends with the process.
    return cache, None
