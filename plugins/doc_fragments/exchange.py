# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module that opens an Exchange session has in common: the server option and notes."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.exchange``.

    The option goes together with EXCHANGE_OPTIONS in plugin_utils/ansible_tasks/argument_specs.py.
    """

    DOCUMENTATION = r"""
options:
  server:
    description:
      - Name of the Exchange server that the cmdlets are sent for, as C(-Server) takes it.
      - Left out, it is the server that the connection names, that is the variable C(ansible_exchange_server).
      - Certificates belong to one server. A session may land on another server than the one that
        was dialled, so every certificate cmdlet names its server.
    type: str
requirements:
  - psrpcore >= 0.3.0 (on the control node)
  - pypsrp >= 0.9.0 (on the control node)
  - cryptography >= 42.0.4 (on the control node)
notes:
  - The host needs C(ansible_connection=mailops.exchange.exchange). The work is done on the control
    node through Exchange's remote PowerShell endpoint; nothing is copied to the server and no Python
    is needed there.
  - A task uses one session, and all items of a loop share it.
seealso:
  - plugin: mailops.exchange.exchange
    plugin_type: connection
    description: How the host is reached, and how to authenticate.
"""

    # For the modules that talk to Windows itself, not to Exchange's endpoint.
    WINDOWS = r"""
options:
  server:
    description:
      - Name of the Exchange server as results and messages show it.
      - Left out, it is the server that the connection names, that is the variable C(ansible_exchange_server).
    type: str
requirements:
  - pywinrm >= 0.5.0 (on the control node)
notes:
  - The host needs C(ansible_connection=mailops.exchange.exchange). Windows itself is reached by WinRM
    (the C(ansible_exchange_winrm_*) variables), as Exchange's own endpoint has no cmdlets for services.
  - The account must be a local administrator of the server, or be allowed to control its services by WinRM.
seealso:
  - plugin: mailops.exchange.exchange
    plugin_type: connection
    description: How the host is reached, and how to authenticate.
"""
