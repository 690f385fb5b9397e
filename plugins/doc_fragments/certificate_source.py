# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task names a certificate: a PFX, PEM files, or the thumbprint of one that is there."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation fragment ``mailops.exchange.certificate_source``.

    The options go together with CERTIFICATE_SOURCE_OPTIONS in plugin_utils/ansible_tasks/argument_specs.py.
    """

    DOCUMENTATION = r"""
options:
  pfx_path:
    description:
      - Path of a PFX (PKCS#12) file on the control node that holds the certificate, its private key
        and, as a rule, the intermediate certificates.
      - A relative path is looked for as C(copy) does it, in the C(files) folder of the role and of the playbook, and then in the
        folder where C(ansible-playbook) was started, which is the project in AWX. The other paths are found so, too.
      - A file encrypted with ansible-vault is decrypted in memory.
      - The PFX is read on the control node and encoded again in a form that every Windows version
        accepts, so a file written by a recent OpenSSL works too.
    type: path
  pfx_content:
    description:
      - The PFX as base64 text, for example out of a vaulted variable or a lookup.
      - Instead of O(pfx_path).
    type: str
  pfx_password:
    description:
      - Password of the PFX. Left out, the PFX is taken to have none.
    type: str
  fullchain_path:
    description:
      - Path of a PEM file on the control node with the certificate and its intermediate certificates,
        such as C(fullchain.pem) of an ACME client. Their order does not matter.
      - Needs O(private_key_path) or O(private_key_content).
    type: path
  fullchain_content:
    description:
      - The PEM text itself. Instead of O(fullchain_path).
    type: str
  private_key_path:
    description:
      - Path of the PEM file with the private key of the certificate.
    type: path
  private_key_content:
    description:
      - The PEM text of the private key. Instead of O(private_key_path).
    type: str
  private_key_passphrase:
    description:
      - Passphrase of the private key, if it is encrypted.
    type: str
  thumbprint:
    description:
      - Thumbprint (SHA-1) of the certificate, 40 hexadecimal digits in upper or lower case. Blanks,
        colons and the invisible mark that Windows puts in front when it is copied from a dialogue are ignored.
      - Alone, it names a certificate that is on the server already.
      - Together with a file it is a safeguard, the task fails before it sends anything when the file holds another certificate.
    type: str
"""
