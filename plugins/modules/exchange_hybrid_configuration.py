#!/usr/bin/python

# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of ``exchange_hybrid_configuration``; the action of the same name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_hybrid_configuration
short_description: Set the certificate that the hybrid configuration names
version_added: 0.2.0
author:
  - mailops.exchange contributors (@mailops)
description:
  - Sets C(TlsCertificateName) of the hybrid configuration. The object only records what is wanted, the Hybrid Configuration Wizard applies it.
  - The hybrid configuration must exist, and belongs to the organization. Run the task once, not on every server (C(run_once)).
options:
  tls_certificate_name:
    description:
      - The certificate as C(<I>issuer<S>subject). Any usual spelling is understood and rewritten to the one that Exchange finds.
      - Empty text clears the value.
    type: str
    required: true
extends_documentation_fragment:
  - mailops.exchange.exchange
  - mailops.exchange.record
  - mailops.exchange.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mailops.exchange.exchange_send_connector
  - module: mailops.exchange.exchange_receive_connector_tls
  - name: Set-HybridConfiguration
    description: The cmdlet behind this module.
    link: https://learn.microsoft.com/en-us/powershell/module/exchangepowershell/set-hybridconfiguration
"""

EXAMPLES = r"""
- name: Let the hybrid configuration name the new certificate
  mailops.exchange.exchange_hybrid_configuration:
    tls_certificate_name: "<I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso"
  run_once: true
"""

RETURN = r"""
hybrid_configuration:
  description: The hybrid configuration after the task; in check mode, as it would be.
  returned: success
  type: dict
  contains:
    tls_certificate_name:
      description: The certificate that it names, or V(null).
      returned: always
      type: str
      sample: <I>CN=Contoso Issuing CA 2, O=Contoso<S>CN=mail.contoso.com, O=Contoso
changes:
  description: What was changed, or would be in check mode, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Set TlsCertificateName of the hybrid configuration."]
"""
