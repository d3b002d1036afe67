# Registers the app by which syncready reads this tenant.
# Made by `syncready permissions --script powershell` for: @ABOUT@
#
# It may be run again: it reads what is there and adds what is missing. Nothing is replaced or taken away,
# and no secret is made or shown. The private key of the certificate stays where syncready runs.
#
# Run it as a Privileged Role Administrator who is also a Cloud Application Administrator, in PowerShell with
#   Install-Module Microsoft.Graph.Authentication, Microsoft.Graph.Applications, Microsoft.Graph.Identity.Governance
[CmdletBinding()]
param(
    # Name of the app.
    [string] $Name = 'syncready reader',
    # Public part of its certificate (.cer); without one, only the app and its permissions are set up.
    [string] $Certificate,
    # Tenant: a domain or an id.
    [string] $Tenant = '@TENANT@'
)
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version Latest

$wanted = @(
@WANTED_PS@
)
# Directory role by which Exchange lets the app read; empty where Exchange is not read.
$directoryRole = '@ROLE@'

$scopes = @('Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All')
if ($directoryRole) { $scopes += 'RoleManagement.ReadWrite.Directory' }
Connect-MgGraph -TenantId $Tenant -Scopes $scopes -Environment '@ENVIRONMENT@' -NoWelcome

$quoted = $Name.Replace("'", "''")
$found = @(Get-MgApplication -All -Filter "displayName eq '$quoted'")
if ($found.Count -gt 1) { throw "There are $($found.Count) apps named '$Name'. Choose another -Name." }
if ($found.Count -eq 1) {
    Write-Host "app: there already"
    $id = $found[0].Id
} else {
    Write-Host "app: made"
    $id = (New-MgApplication -DisplayName $Name -SignInAudience 'AzureADMyOrg').Id
}
# Read alone: only then the answer holds the keys, which must be written back with a new one.
$app = Get-MgApplication -ApplicationId $id -Property 'id,appId,displayName,keyCredentials'

if ($Certificate) {
    $path = (Resolve-Path -LiteralPath $Certificate).Path
    $new = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($path)
    $bytes = $new.GetRawCertData()
    $there = @($app.KeyCredentials | Where-Object { $_ })
    $same = @($there | Where-Object { $_.Key -and [Convert]::ToBase64String($_.Key) -eq [Convert]::ToBase64String($bytes) })
    if ($same.Count -gt 0) {
        Write-Host "certificate: there already"
    } else {
        $added = @{ Type = 'AsymmetricX509Cert'; Usage = 'Verify'; Key = $bytes; DisplayName = $new.Subject }
        Update-MgApplication -ApplicationId $id -KeyCredentials (@($there) + $added)
        Write-Host "certificate: added to the $($there.Count) there"
    }
}

$principal = @(Get-MgServicePrincipal -Filter "appId eq '$($app.AppId)'") | Select-Object -First 1
if (-not $principal) {
    $principal = New-MgServicePrincipal -AppId $app.AppId
    Write-Host "service principal: made"
}

$granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -All)
foreach ($want in $wanted) {
    $resource = @(Get-MgServicePrincipal -Filter "appId eq '$($want.Resource)'") | Select-Object -First 1
    $role = if ($resource) {
        $resource.AppRoles | Where-Object { $_.Value -eq $want.Permission -and $_.AllowedMemberTypes -contains 'Application' }
    }
    if (-not $role) {
        Write-Warning "$($want.Permission): this tenant does not offer it"
    } elseif ($granted | Where-Object { $_.ResourceId -eq $resource.Id -and $_.AppRoleId -eq $role.Id }) {
        Write-Host "$($want.Permission): granted already"
    } else {
        $null = New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -PrincipalId $principal.Id -ResourceId $resource.Id -AppRoleId $role.Id
        Write-Host "$($want.Permission): granted"
    }
}

if ($directoryRole) {
    $filter = "principalId eq '$($principal.Id)' and roleDefinitionId eq '$directoryRole'"
    if (@(Get-MgRoleManagementDirectoryRoleAssignment -Filter $filter).Count -gt 0) {
        Write-Host "Global Reader: assigned already"
    } else {
        $null = New-MgRoleManagementDirectoryRoleAssignment -PrincipalId $principal.Id -RoleDefinitionId $directoryRole -DirectoryScopeId '/'
        Write-Host "Global Reader: assigned"
    }
}

Write-Host "For syncready.toml, below [reader]:"
Write-Output "client_id = `"$($app.AppId)`""
