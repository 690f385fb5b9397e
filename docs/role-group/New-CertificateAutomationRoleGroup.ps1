<#
.SYNOPSIS
Gives an account exactly the cmdlets and parameters that mailops.exchange uses.
.DESCRIPTION
Run once, in the Exchange Management Shell, by a member of Organization Management. It makes
management roles below the built-in ones, takes out of them what is not needed, and a role group
with them. Run again, it makes what is missing and reduces what is there; -WhatIf shows it.

Services are Windows' and not Exchange's: the account has to be a local administrator of the servers, too.
.PARAMETER Members
The account, or several.
.PARAMETER Name
Name of the role group, and beginning of the names of its roles.
.EXAMPLE
.\New-CertificateAutomationRoleGroup.ps1 -Members svc-mailops
#>
# Made from the code of the collection; changes here are lost.
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [Parameter(Mandatory = $true)]
    [string[]] $Members,
    [string] $Name = 'Certificate Automation'
)

$ErrorActionPreference = 'Stop'

$wanted = @{
    'Add-ADPermission' = @(
        'Confirm', 'Deny', 'DomainController', 'ExtendedRights', 'Identity', 'User'
    )
    'Enable-ExchangeCertificate' = @(
        'DoNotRequireSsl', 'DomainController', 'Force', 'NetworkServiceAllowed', 'Server',
        'Services', 'Thumbprint'
    )
    'Export-ExchangeCertificate' = @(
        'BinaryEncoded', 'DomainController', 'Password', 'Server', 'Thumbprint'
    )
    'Get-ADPermission' = @(
        'DomainController', 'Identity'
    )
    'Get-AcceptedDomain' = @(
        'DomainController'
    )
    'Get-AuthConfig' = @(
        'DomainController'
    )
    'Get-ClientAccessService' = @(
        'DomainController'
    )
    'Get-DatabaseAvailabilityGroup' = @(
        'DomainController'
    )
    'Get-EdgeSubscription' = @(
        'DomainController'
    )
    'Get-ExchangeCertificate' = @(
        'DomainController', 'Server'
    )
    'Get-ExchangeDiagnosticInfo' = @(
        'Component', 'DomainController', 'Process', 'Server'
    )
    'Get-ExchangeServer' = @(
        'DomainController', 'Identity'
    )
    'Get-FederatedDomainProof' = @(
        'DomainController', 'DomainName', 'Thumbprint'
    )
    'Get-FederatedOrganizationIdentifier' = @(
        'DomainController'
    )
    'Get-FederationTrust' = @(
        'DomainController'
    )
    'Get-HybridConfiguration' = @(
        'DomainController'
    )
    'Get-ImapSettings' = @(
        'DomainController', 'Server'
    )
    'Get-MessageTrackingLog' = @(
        'DomainController', 'MessageId', 'Server', 'Start'
    )
    'Get-PopSettings' = @(
        'DomainController', 'Server'
    )
    'Get-Queue' = @(
        'DomainController', 'Server'
    )
    'Get-ReceiveConnector' = @(
        'DomainController', 'Server'
    )
    'Get-SendConnector' = @(
        'DomainController'
    )
    'Get-ServerComponentState' = @(
        'Component', 'DomainController', 'Identity'
    )
    'Get-TransportService' = @(
        'DomainController', 'Identity'
    )
    'Import-ExchangeCertificate' = @(
        'DomainController', 'FileData', 'FriendlyName', 'Password', 'PrivateKeyExportable',
        'Server'
    )
    'New-ExchangeCertificate' = @(
        'DomainController', 'DomainName', 'Force', 'FriendlyName', 'GenerateRequest',
        'IncludeServerFQDN', 'KeySize', 'PrivateKeyExportable', 'Server', 'Services',
        'SubjectKeyIdentifier', 'SubjectName'
    )
    'New-ReceiveConnector' = @(
        'AcceptConsumerMail', 'AdvertiseClientSettings', 'AuthMechanism',
        'AuthTarpitInterval', 'Banner', 'BinaryMimeEnabled', 'Bindings', 'ChunkingEnabled',
        'Comment', 'ConnectionInactivityTimeout', 'ConnectionTimeout', 'DefaultDomain',
        'DeliveryStatusNotificationEnabled', 'DomainController', 'DomainSecureEnabled',
        'EightBitMimeEnabled', 'EnableAuthGSSAPI', 'Enabled', 'EnhancedStatusCodesEnabled',
        'ExtendedProtectionPolicy', 'Fqdn', 'LongAddressesEnabled',
        'MaxAcknowledgementDelay', 'MaxHeaderSize', 'MaxHopCount', 'MaxInboundConnection',
        'MaxInboundConnectionPerSource', 'MaxInboundConnectionPercentagePerSource',
        'MaxLocalHopCount', 'MaxLogonFailures', 'MaxMessageSize', 'MaxProtocolErrors',
        'MaxRecipientsPerMessage', 'MessageRateLimit', 'MessageRateSource', 'Name',
        'OrarEnabled', 'PermissionGroups', 'PipeliningEnabled', 'ProtocolLoggingLevel',
        'RejectReservedSecondLevelRecipientDomains',
        'RejectReservedTopLevelRecipientDomains', 'RejectSingleLabelRecipientDomains',
        'RemoteIPRanges', 'RequireEHLODomain', 'RequireTLS', 'Server',
        'ServiceDiscoveryFqdn', 'SizeEnabled', 'SuppressXAnonymousTls', 'TarpitInterval',
        'TlsCertificateName', 'TlsDomainCapabilities', 'TransportRole', 'Usage'
    )
    'New-SendConnector' = @(
        'AddressSpaces', 'AuthenticationCredential', 'CloudServicesMailEnabled', 'Comment',
        'ConnectionInactivityTimeOut', 'ConnectorType', 'DNSRoutingEnabled',
        'DomainController', 'DomainSecureEnabled', 'Enabled', 'ErrorPolicies', 'ForceHELO',
        'Fqdn', 'FrontendProxyEnabled', 'IgnoreSTARTTLS', 'IsScopedConnector',
        'MaxMessageSize', 'Name', 'Port', 'ProtocolLoggingLevel', 'RequireOorg',
        'RequireTLS', 'SmartHostAuthMechanism', 'SmartHosts',
        'SmtpMaxMessagesPerConnection', 'SourceIPAddress', 'SourceTransportServers',
        'TlsAuthLevel', 'TlsCertificateName', 'TlsDomain', 'Usage',
        'UseExternalDNSServersEnabled'
    )
    'Redirect-Message' = @(
        'Confirm', 'DomainController', 'Server', 'Target'
    )
    'Remove-ADPermission' = @(
        'Confirm', 'Deny', 'DomainController', 'ExtendedRights', 'Identity', 'User'
    )
    'Remove-ExchangeCertificate' = @(
        'Confirm', 'DomainController', 'Server', 'Thumbprint'
    )
    'Remove-ReceiveConnector' = @(
        'Confirm', 'DomainController', 'Identity'
    )
    'Remove-SendConnector' = @(
        'Confirm', 'DomainController', 'Identity'
    )
    'Set-AuthConfig' = @(
        'ClearPreviousCertificate', 'DomainController', 'Force',
        'NewCertificateEffectiveDate', 'NewCertificateThumbprint', 'PublishCertificate'
    )
    'Set-FederationTrust' = @(
        'DomainController', 'Identity', 'PublishFederationCertificate', 'RefreshMetadata',
        'Thumbprint'
    )
    'Set-HybridConfiguration' = @(
        'ClientAccessServers', 'DomainController', 'Domains', 'EdgeTransportServers',
        'ExternalIPAddresses', 'Features', 'OnPremisesSmartHost',
        'ReceivingTransportServers', 'SendingTransportServers', 'ServiceInstance',
        'TlsCertificateName'
    )
    'Set-ImapSettings' = @(
        'DomainController', 'Server', 'X509CertificateName'
    )
    'Set-PopSettings' = @(
        'DomainController', 'Server', 'X509CertificateName'
    )
    'Set-ReceiveConnector' = @(
        'AcceptConsumerMail', 'AdvertiseClientSettings', 'AuthMechanism',
        'AuthTarpitInterval', 'Banner', 'BareLinefeedRejectionEnabled', 'BinaryMimeEnabled',
        'Bindings', 'ChunkingEnabled', 'Comment', 'ConnectionInactivityTimeout',
        'ConnectionTimeout', 'DefaultDomain', 'DeliveryStatusNotificationEnabled',
        'DomainController', 'DomainSecureEnabled', 'EightBitMimeEnabled',
        'EnableAuthGSSAPI', 'Enabled', 'EnhancedStatusCodesEnabled',
        'ExtendedProtectionPolicy', 'Fqdn', 'Identity', 'LongAddressesEnabled',
        'MaxAcknowledgementDelay', 'MaxHeaderSize', 'MaxHopCount', 'MaxInboundConnection',
        'MaxInboundConnectionPerSource', 'MaxInboundConnectionPercentagePerSource',
        'MaxLocalHopCount', 'MaxLogonFailures', 'MaxMessageSize', 'MaxProtocolErrors',
        'MaxRecipientsPerMessage', 'MessageRateLimit', 'MessageRateSource', 'OrarEnabled',
        'PermissionGroups', 'PipeliningEnabled', 'ProtocolLoggingLevel',
        'RejectReservedSecondLevelRecipientDomains',
        'RejectReservedTopLevelRecipientDomains', 'RejectSingleLabelRecipientDomains',
        'RemoteIPRanges', 'RequireEHLODomain', 'RequireTLS', 'ServiceDiscoveryFqdn',
        'SizeEnabled', 'SmtpUtf8Enabled', 'SuppressXAnonymousTls', 'TarpitInterval',
        'TlsCertificateName', 'TlsDomainCapabilities', 'TransportRole'
    )
    'Set-SendConnector' = @(
        'AddressSpaces', 'AuthenticationCredential', 'CloudServicesMailEnabled', 'Comment',
        'ConnectionInactivityTimeOut', 'ConnectorType', 'DNSRoutingEnabled',
        'DomainController', 'DomainSecureEnabled', 'Enabled', 'ErrorPolicies', 'Force',
        'ForceHELO', 'Fqdn', 'FrontendProxyEnabled', 'Identity', 'IgnoreSTARTTLS',
        'IsScopedConnector', 'MaxMessageSize', 'Port', 'ProtocolLoggingLevel',
        'RequireOorg', 'RequireTLS', 'SmartHostAuthMechanism', 'SmartHosts',
        'SmtpMaxMessagesPerConnection', 'SourceIPAddress', 'SourceTransportServers',
        'TlsAuthLevel', 'TlsCertificateName', 'TlsDomain', 'UseExternalDNSServersEnabled'
    )
    'Set-ServerComponentState' = @(
        'Component', 'DomainController', 'Identity', 'Requester', 'State'
    )
    'Test-EdgeSynchronization' = @(
        'DomainController', 'ExcludeRecipientTest'
    )
    'Test-FederationTrustCertificate' = @(
        'DomainController'
    )
    'Test-ServiceHealth' = @(
        'DomainController', 'Server'
    )
}

# Where several built-in roles have a cmdlet, the first of these is taken.
$preferred = @(
    'View-Only Configuration', 'Exchange Server Certificates', 'Send Connectors',
    'Receive Connectors', 'Transport Queues', 'Message Tracking', 'Monitoring',
    'Federated Sharing', 'Organization Client Access', 'Database Availability Groups', 'Edge Subscriptions', 'Active Directory Permissions',
    'POP3 And IMAP4 Protocols', 'Exchange Servers'
)
$common = @(
    'Debug', 'ErrorAction', 'ErrorVariable', 'InformationAction', 'InformationVariable',
    'OutBuffer', 'OutVariable', 'PipelineVariable', 'Verbose', 'WarningAction', 'WarningVariable', 'WhatIf'
)

$builtIn = @(Get-ManagementRole | Where-Object { $_.IsRootRole } | ForEach-Object { $_.Name })
$cmdletsOf = @{}
foreach ($cmdlet in ($wanted.Keys | Sort-Object)) {
    $having = @(Get-ManagementRoleEntry "*\$cmdlet" -ErrorAction SilentlyContinue |
        ForEach-Object { "$($_.Role)" } | Where-Object { $builtIn -contains $_ })
    $parent = @($preferred | Where-Object { $having -contains $_ }) + $having | Select-Object -First 1
    if (-not $parent) {
        Write-Warning "No built-in role has $cmdlet, so this version of Exchange does not know it."
        continue
    }
    if (-not $cmdletsOf.ContainsKey($parent)) { $cmdletsOf[$parent] = @() }
    $cmdletsOf[$parent] += $cmdlet
}

$roles = @()
foreach ($parent in ($cmdletsOf.Keys | Sort-Object)) {
    $role = "$Name - $parent"
    $roles += $role
    if (-not $PSCmdlet.ShouldProcess($role, "Have a role with $($cmdletsOf[$parent] -join ', ')")) { continue }
    if (-not (Get-ManagementRole $role -ErrorAction SilentlyContinue)) {
        New-ManagementRole -Name $role -Parent $parent | Out-Null
    }
    Get-ManagementRoleEntry "$role\*" | Where-Object { $cmdletsOf[$parent] -notcontains $_.Name } |
        ForEach-Object { Remove-ManagementRoleEntry "$role\$($_.Name)" -Confirm:$false }
    foreach ($cmdlet in $cmdletsOf[$parent]) {
        $entry = Get-ManagementRoleEntry "$role\$cmdlet"
        $superfluous = @($entry.Parameters |
            Where-Object { $wanted[$cmdlet] -notcontains $_ -and $common -notcontains $_ })
        if ($superfluous.Count -gt 0) {
            Set-ManagementRoleEntry "$role\$cmdlet" -Parameters $superfluous -RemoveParameter -Confirm:$false
        }
    }
}

if ($PSCmdlet.ShouldProcess($Name, "Have a role group with $($Members -join ', ')")) {
    if (Get-RoleGroup $Name -ErrorAction SilentlyContinue) {
        $held = @(Get-ManagementRoleAssignment -RoleAssignee $Name | ForEach-Object { "$($_.Role)" })
        foreach ($role in ($roles | Where-Object { $held -notcontains $_ })) {
            New-ManagementRoleAssignment -SecurityGroup $Name -Role $role | Out-Null
        }
        $inside = @(Get-RoleGroupMember $Name | ForEach-Object { "$($_.Name)"; "$($_.SamAccountName)" })
        foreach ($member in ($Members | Where-Object { $inside -notcontains $_ })) {
            Add-RoleGroupMember $Name -Member $member
        }
    } else {
        New-RoleGroup -Name $Name -Roles $roles -Members $Members `
            -Description 'Certificates and TLS connectors, for mailops.exchange' | Out-Null
    }
}
