#!/bin/sh
# Registers the app by which syncready reads this tenant.
# Made by `syncready permissions --script sh` for: @ABOUT@
#
# It may be run again: it reads what is there and adds what is missing. Nothing is replaced or taken away,
# and no secret is made or shown. The private key of the certificate stays where syncready runs.
#
# Run it with the Azure CLI (az login --allow-no-subscriptions) as a Privileged Role Administrator who is also
# a Cloud Application Administrator.
#
#   sh reader.sh [-n NAME] [-c CERTIFICATE.pem]
set -eu
name='syncready reader'
certificate=
while getopts n:c: option; do
    case $option in
        n) name=$OPTARG ;;
        c) certificate=$OPTARG ;;
        *) echo 'usage: sh reader.sh [-n NAME] [-c CERTIFICATE.pem]' >&2; exit 2 ;;
    esac
done

tenant='@TENANT@'
graph='@GRAPH@/v1.0'
# Directory role by which Exchange lets the app read; empty where Exchange is not read.
directory_role='@ROLE@'

say() { printf '%s\n' "$*" >&2; }
get() { az rest --method get --url "$1" --query "$2" --output tsv; }
post() { az rest --method post --url "$1" --headers Content-Type=application/json --body "$2" --output none; }

# Signed in to the right tenant? Its id must answer for the domain or id that is configured.
here=$(az account show --query tenantId --output tsv)
domains=$(get "$graph/domains?\$select=id" 'value[].id')
case " $here $(printf '%s' "$domains" | tr '\n' ' ') " in
    *" $tenant "*) ;;
    *) say "az is signed in to the tenant $here, which is not $tenant: az login --tenant $tenant"; exit 1 ;;
esac

quoted=$(printf '%s' "$name" | sed "s/'/''/g")
found=$(get "$graph/applications?\$filter=displayName eq '$quoted'&\$select=appId" 'value[].appId')
case $(printf '%s' "$found" | grep -c .) in
    0)
        # Nothing of this name is there: `az ad app create` would change an app that has it.
        client_id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
        say 'app: made' ;;
    1) client_id=$found; say 'app: there already' ;;
    *) say "There are several apps named '$name'. Choose another with -n."; exit 1 ;;
esac

if [ -n "$certificate" ]; then
    hex=$(openssl x509 -in "$certificate" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
    base64=$(openssl x509 -in "$certificate" -outform DER | openssl dgst -sha1 -binary | openssl base64)
    there=$(az ad app credential list --id "$client_id" --cert --query '[].customKeyIdentifier' --output tsv)
    if printf '%s\n' "$there" | grep -qiFx -e "$hex" -e "$base64"; then
        say 'certificate: there already'
    else
        az ad app credential reset --id "$client_id" --append --cert "@$certificate" --output none
        say 'certificate: added to those there'
    fi
fi

principal=$(get "$graph/servicePrincipals?\$filter=appId eq '$client_id'&\$select=id" 'value[].id')
if [ -z "$principal" ]; then
    principal=$(az ad sp create --id "$client_id" --query id --output tsv)
    say 'service principal: made'
fi

granted=$(get "$graph/servicePrincipals/$principal/appRoleAssignments?\$top=999" "value[].join(' ', [resourceId, appRoleId])")

grant() {
    resource=$(get "$graph/servicePrincipals?\$filter=appId eq '$1'&\$select=id" 'value[].id')
    role=
    if [ -n "$resource" ]; then
        role=$(get "$graph/servicePrincipals/$resource?\$select=appRoles" "appRoles[?value=='$2' && contains(allowedMemberTypes, 'Application')].id")
    fi
    if [ -z "$role" ]; then
        say "$2: this tenant does not offer it"
    elif printf '%s\n' "$granted" | grep -qiFx "$resource $role"; then
        say "$2: granted already"
    else
        post "$graph/servicePrincipals/$principal/appRoleAssignments" "{\"principalId\":\"$principal\",\"resourceId\":\"$resource\",\"appRoleId\":\"$role\"}"
        say "$2: granted"
    fi
}

@WANTED_SH@

if [ -n "$directory_role" ]; then
    roles="$graph/roleManagement/directory/roleAssignments"
    assigned=$(get "$roles?\$filter=principalId eq '$principal' and roleDefinitionId eq '$directory_role'" 'value[].id')
    if [ -n "$assigned" ]; then
        say 'Global Reader: assigned already'
    else
        post "$roles" "{\"principalId\":\"$principal\",\"roleDefinitionId\":\"$directory_role\",\"directoryScopeId\":\"/\"}"
        say 'Global Reader: assigned'
    fi
fi

say 'For syncready.toml, below [reader]:'
printf 'client_id = "%s"\n' "$client_id"
