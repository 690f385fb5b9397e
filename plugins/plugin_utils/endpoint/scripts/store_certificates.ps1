# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The certificates of the computer's own store: Exchange shows none that has no private key.
param($parameters)

$certificates = @()
foreach ($certificate in @(Get-ChildItem -Path 'Cert:\LocalMachine\My')) {
    $certificates += @{
        thumbprint = ([string]$certificate.Thumbprint).ToUpperInvariant()
        issuer = [string]$certificate.Issuer
        subject = [string]$certificate.Subject
        has_private_key = [bool]$certificate.HasPrivateKey
    }
}

@{ certificates = @($certificates) }
