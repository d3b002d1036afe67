# Reads what no protocol tells about a sync account on Exchange Server: who holds ApplicationImpersonation
# and for which mailboxes, the mailbox's settings, and the state of the account in Active Directory.
# It changes nothing: it uses Get- cmdlets and searches of Active Directory, and prints JSON.
#
# Run it in the Exchange Management Shell as a member of View-Only Organization Management:
#
#     .\syncready-import.ps1 > roles.json
#
# and give the file to:  syncready check ACCOUNT --import roles.json
# Made by syncready @@VERSION@@.
param(
    [string[]]$Account = @(@@ACCOUNTS@@),
    [string[]]$Target = @(@@TARGETS@@)
)
$ErrorActionPreference = 'Stop'
if (-not $Account) { throw 'Name the account: -Account svc-sync@contoso.com' }
$failed = [System.Collections.ArrayList]@()

# The rows of a read, always as a list; $null, and a line in "errors", where it failed.
function Ask([string]$Call, [scriptblock]$Read) {
    $last = if ($Error.Count -gt 0) { $Error[0] } else { $null }
    try {
        $rows = @(& $Read)
        # A remote shell may report an error without stopping.
        $now = if ($Error.Count -gt 0) { $Error[0] } else { $null }
        if (-not [object]::ReferenceEquals($now, $last)) { throw $now }
        return , $rows
    } catch {
        [void]$failed.Add(@{ call = $Call; text = "$($_.Exception.Message)" })
        return $null
    }
}

function Text($Value) { if ($null -eq $Value) { $null } else { "$Value" } }
function Texts($Value) { , @($Value | Where-Object { $null -ne $_ } | ForEach-Object { "$_" }) }
function Utc($Value) { if ($Value) { ([datetime]$Value).ToString('s') + 'Z' } else { $null } }
function Opath([string]$Value) { $Value -replace "'", "''" }
function Ldap([string]$Value) {
    $Value -replace '\\', '\5c' -replace '\*', '\2a' -replace '\(', '\28' -replace '\)', '\29'
}

function Search([string]$Filter, [string[]]$Attributes, [string]$Root) {
    $search = [adsisearcher]$Filter
    if ($Root) { $search.SearchRoot = [adsi]"LDAP://$Root" }
    $search.SizeLimit = 50
    [void]$search.PropertiesToLoad.AddRange($Attributes)
    foreach ($hit in $search.FindAll()) {
        $row = @{}
        foreach ($name in $Attributes) {
            $values = @($hit.Properties[$name.ToLowerInvariant()])
            $row[$name] = if ($values.Count -gt 0) { "$($values[-1])" } else { $null }
        }
        $row
    }
}

function GroupRow($Group) {
    @{
        Name = Text $Group.Name; Identity = Text $Group.Identity
        GroupType = Text $Group.GroupType; RecipientTypeDetails = Text $Group.RecipientTypeDetails
        Members = Texts $Group.Members; ManagedBy = Texts $Group.ManagedBy
        WhenChangedUTC = Utc $Group.WhenChangedUTC
    }
}

function Effective($Row) {
    @{
        Name = Text $Row.Name; EffectiveUserName = Text $Row.EffectiveUserName; User = Text $Row.User
        AssignmentMethod = Text $Row.AssignmentMethod; AssignmentChain = Text $Row.AssignmentChain
    }
}

function Ews($Object) {
    @{
        EwsEnabled = $Object.EwsEnabled
        EwsApplicationAccessPolicy = Text $Object.EwsApplicationAccessPolicy
        EwsAllowList = Texts $Object.EwsAllowList; EwsBlockList = Texts $Object.EwsBlockList
    }
}

$organization = Ask 'Get-OrganizationConfig' { Get-OrganizationConfig -ErrorAction Stop }
$roles = Ask 'Get-ManagementRole' {
    Get-ManagementRole -RoleType ApplicationImpersonation -ErrorAction Stop | ForEach-Object { "$($_.Name)" }
}
$assignments = Ask 'Get-ManagementRoleAssignment' {
    if ($null -eq $roles) { throw 'the roles could not be read' }
    foreach ($role in $roles) {
        Get-ManagementRoleAssignment -Role $role -ErrorAction Stop | ForEach-Object {
            @{
                Name = Text $_.Name; Role = Text $_.Role; Enabled = $_.Enabled
                RoleAssignee = Text $_.RoleAssignee; RoleAssigneeName = Text $_.RoleAssigneeName
                RoleAssigneeType = Text $_.RoleAssigneeType
                RoleAssignmentDelegationType = Text $_.RoleAssignmentDelegationType
                RecipientWriteScope = Text $_.RecipientWriteScope
                CustomRecipientWriteScope = Text $_.CustomRecipientWriteScope
                RecipientOrganizationalUnitScope = Text $_.RecipientOrganizationalUnitScope
                WhenChangedUTC = Utc $_.WhenChangedUTC
            }
        }
    }
}
$effective = Ask 'Get-ManagementRoleAssignment -GetEffectiveUsers' {
    if ($null -eq $roles) { throw 'the roles could not be read' }
    foreach ($role in $roles) {
        Get-ManagementRoleAssignment -Role $role -GetEffectiveUsers -ErrorAction Stop |
            Where-Object { "$($_.EffectiveUserName)" -ne 'All Group Members' } | ForEach-Object { Effective $_ }
    }
}
$groups = Ask 'Get-Group' {
    if ($null -eq $assignments) { throw 'the role assignments could not be read' }
    $seen = @{}
    $open = [System.Collections.Queue]@()
    $assignees = $assignments | Where-Object { 'RoleGroup', 'SecurityGroup' -contains $_.RoleAssigneeType }
    foreach ($assignee in $assignees) {
        if ($seen[$assignee.RoleAssignee]) { continue }
        $seen[$assignee.RoleAssignee] = $true
        $row = GroupRow (Get-Group -Identity $assignee.RoleAssignee -ErrorAction Stop)
        $row.Members | ForEach-Object { $open.Enqueue($_) }
        $row
    }
    while ($open.Count -gt 0) {
        $name = $open.Dequeue()
        if ($seen[$name]) { continue }
        $seen[$name] = $true
        if ($seen.Count -gt 500) { throw 'more than 500 members and groups' }
        # A member that is a person is no group.
        try { $inner = Get-Group -Identity $name -ErrorAction Stop } catch { $Error.RemoveAt(0); continue }
        $row = GroupRow $inner
        $row.Members | ForEach-Object { $open.Enqueue($_) }
        $row
    }
}
$scopes = Ask 'Get-ManagementScope' {
    Get-ManagementScope -ErrorAction Stop | Where-Object { "$($_.ScopeRestrictionType)" -eq 'RecipientScope' } |
        ForEach-Object {
            @{
                Name = Text $_.Name; RecipientFilter = Text $_.RecipientFilter
                RecipientRoot = Text $_.RecipientRoot; Exclusive = $_.Exclusive
                WhenChangedUTC = Utc $_.WhenChangedUTC
            }
        }
}

$accounts = foreach ($address in $Account) {
    $name = Opath $address
    $user = Ask "Get-User $address" {
        Get-User -Filter "UserPrincipalName -eq '$name' -or WindowsEmailAddress -eq '$name'" -ErrorAction Stop |
            ForEach-Object {
                @{
                    Name = Text $_.Name; Identity = Text $_.Identity
                    DistinguishedName = Text $_.DistinguishedName; SamAccountName = Text $_.SamAccountName
                    UserPrincipalName = Text $_.UserPrincipalName
                }
            }
    }
    $dn = if ($user) { $user[0].DistinguishedName } else { $null }
    $domain = if ($dn) { $dn -replace '^.*?(?=DC=)', '' } else { '' }
    $asked = Ldap $address
    @{
        address = $address
        user = $user
        assignments = Ask "Get-ManagementRoleAssignment -RoleAssignee $address" {
            if ($null -eq $roles -or $null -eq $user) { throw 'the roles or the user could not be read' }
            foreach ($role in $roles) {
                if (-not $dn) { continue }
                Get-ManagementRoleAssignment -Role $role -RoleAssignee $dn -ErrorAction Stop |
                    ForEach-Object { Effective $_ }
            }
        }
        reach = Ask "Mailboxes within reach of $address" {
            foreach ($mailbox in @($address) + $Target) {
                $smtp = Opath "smtp:$mailbox"
                @{
                    target = $mailbox
                    assignments = Ask "Get-ManagementRoleAssignment -WritableRecipient $mailbox" {
                        if ($null -eq $roles -or -not $dn) { throw 'the roles or the user could not be read' }
                        foreach ($role in $roles) {
                            Get-ManagementRoleAssignment -Role $role -RoleAssignee $dn `
                                -WritableRecipient $mailbox -ErrorAction Stop | ForEach-Object { "$($_.Name)" }
                        }
                    }
                    scopes = Ask "Scopes that hold $mailbox" {
                        foreach ($scope in ($scopes | Where-Object { $_.RecipientFilter })) {
                            $where = @{ Filter = "($($scope.RecipientFilter)) -and (EmailAddresses -eq '$smtp')" }
                            if ($scope.RecipientRoot) { $where.OrganizationalUnit = $scope.RecipientRoot }
                            if (Get-Recipient @where -ErrorAction Stop) { $scope.Name }
                        }
                    }
                }
            }
        }
        recipient = Ask "Get-Recipient $address" {
            Get-Recipient -Filter "EmailAddresses -eq 'smtp:$name'" -ErrorAction Stop | ForEach-Object {
                @{
                    RecipientTypeDetails = Text $_.RecipientTypeDetails
                    PrimarySmtpAddress = Text $_.PrimarySmtpAddress; EmailAddresses = Texts $_.EmailAddresses
                }
            }
        }
        mailbox = Ask "Get-Mailbox $address" {
            Get-Mailbox -Filter "EmailAddresses -eq 'smtp:$name'" -ErrorAction Stop | ForEach-Object {
                @{
                    RecipientTypeDetails = Text $_.RecipientTypeDetails
                    PrimarySmtpAddress = Text $_.PrimarySmtpAddress; EmailAddresses = Texts $_.EmailAddresses
                    HiddenFromAddressListsEnabled = $_.HiddenFromAddressListsEnabled
                    ProhibitSendQuota = Text $_.ProhibitSendQuota
                    UseDatabaseQuotaDefaults = $_.UseDatabaseQuotaDefaults
                }
            }
        }
        statistics = Ask "Get-MailboxStatistics $address" {
            Get-MailboxStatistics -Identity $address -ErrorAction Stop | ForEach-Object {
                @{
                    TotalItemSize = Text $_.TotalItemSize
                    DatabaseProhibitSendQuota = Text $_.DatabaseProhibitSendQuota
                }
            }
        }
        cas = Ask "Get-CASMailbox $address" {
            Get-CASMailbox -Filter "EmailAddresses -eq 'smtp:$name'" -ErrorAction Stop | ForEach-Object { Ews $_ }
        }
        objects = Ask "Active Directory $address" {
            Search "(|(userPrincipalName=$asked)(proxyAddresses=smtp:$asked)(mail=$asked))" @(
                'distinguishedName', 'objectClass', 'sAMAccountName', 'userPrincipalName', 'displayName',
                'userAccountControl', 'msDS-User-Account-Control-Computed', 'lockoutTime', 'pwdLastSet',
                'msDS-UserPasswordExpiryTimeComputed'
            ) $domain
        }
        domain = Ask "Password rules for $address" {
            Search '(objectClass=domainDNS)' @('lockoutThreshold', 'lockoutDuration') $domain
        }
    }
}

[ordered]@{
    format = 1
    kind = 'syncready-import'
    made_at = [datetime]::UtcNow.ToString('s') + 'Z'
    tool = @{ name = 'syncready'; version = '@@VERSION@@' }
    organization = if ($organization) { Text $organization[0].Name } else { $null }
    server = $env:COMPUTERNAME
    accounts = @($accounts)
    roles = $roles
    assignments = $assignments
    effective = $effective
    groups = $groups
    scopes = $scopes
    organization_config = if ($null -eq $organization) { $null } else {
        , @($organization | ForEach-Object {
            $row = Ews $_
            $row.PublicFoldersEnabled = Text $_.PublicFoldersEnabled
            $row.OAuth2ClientProfileEnabled = $_.OAuth2ClientProfileEnabled
            $row
        })
    }
    errors = @($failed)
} | ConvertTo-Json -Depth 8
