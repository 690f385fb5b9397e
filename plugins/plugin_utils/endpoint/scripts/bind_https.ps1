# Copyright (c) 2026, mailops.exchange contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Let one https binding of an IIS site name another certificate of the computer's store.
# The binding is never left without a certificate when the new one is refused.
#
# parameters.site                 name of the site
# parameters.binding_information  the binding, as IIS writes it (127.0.0.1:443:)
# parameters.thumbprint           the certificate
param($parameters)

Import-Module -Name WebAdministration

$thumbprint = [string]$parameters.thumbprint
$certificate = Get-Item -LiteralPath "Cert:\LocalMachine\My\$thumbprint"
if (-not $certificate.HasPrivateKey) {
    throw "the certificate $thumbprint has no private key in the store of this server"
}

$found = @(
    Get-WebBinding -Name $parameters.site -Protocol 'https' |
        Where-Object { [string]$_.bindingInformation -eq [string]$parameters.binding_information }
)
if ($found.Count -ne 1) {
    throw "the site $($parameters.site) has $($found.Count) https bindings $($parameters.binding_information)"
}
$binding = $found[0]
$former = ([string]$binding.certificateHash).ToUpperInvariant()

try {
    $null = $binding.AddSslCertificate($thumbprint, 'My')
}
catch {
    if (-not $former) {
        throw
    }
    # Not every version of IIS replaces a certificate; some want it removed first.
    $null = $binding.RemoveSslCertificate()
    try {
        $null = $binding.AddSslCertificate($thumbprint, 'My')
    }
    catch {
        $reason = $_
        $null = $binding.AddSslCertificate($former, 'My')
        throw $reason
    }
}

@{ former = $former }
