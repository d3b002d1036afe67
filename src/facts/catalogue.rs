//! The fact catalogue: every path that a rule may read, its kind, its scope and its meaning.
//!
//! Collectors fill these paths, checks read them, the linter of user-written checks offers them as
//! the valid names. A path that is not here does not exist. Knows nothing of who collects or judges.

/// The kind of JSON value found at a fact path; every kind may also be `null` ("known to be empty").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A 64-bit signed integer.
    Int,
    /// A list; its element fields stand in the catalogue with `[]` behind the list's path.
    List,
    /// An object whose fields stand in the catalogue.
    Object,
    /// Text.
    Text,
    /// A time, RFC 3339, UTC.
    Time,
}

/// How widely one value holds, and therefore how often it is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This run on this machine.
    Run,
    /// One tenant or Exchange organization, whatever the number of accounts.
    Tenant,
    /// The sync product's app in one tenant.
    App,
    /// One account.
    Account,
}

/// One fact path of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Dotted path without its group, `[]` for "each element of the list".
    pub path: &'static str,
    /// Kind of the value.
    pub kind: Kind,
    /// What the value says, in one sentence fragment.
    pub doc: &'static str,
    /// For the time of a change: what happened then; `{field}` stands for a field of the same entry.
    pub since: Option<&'static str>,
}

/// A group of facts: the first segment of a path, and a variable in rules.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Name, for example `account`.
    pub name: &'static str,
    /// How widely its facts hold.
    pub scope: Scope,
    /// What the group is about.
    pub doc: &'static str,
    /// Its facts.
    pub facts: &'static [Fact],
}

macro_rules! groups {
    ($( $(#[doc = $doc:literal])+ $scope:ident $name:ident { $( $path:literal $kind:ident $fact_doc:literal $(since $since:literal)?; )* } )*) => {
        /// Every group, in the order in which documents show them.
        pub const GROUPS: &[Group] = &[ $( Group {
            name: stringify!($name),
            scope: Scope::$scope,
            doc: concat!($($doc),+),
            facts: &[ $( Fact { path: $path, kind: Kind::$kind, doc: $fact_doc, since: since!($($since)?) }, )* ],
        }, )* ];
    };
}

macro_rules! since {
    () => {
        None
    };
    ($since:literal) => {
        Some($since)
    };
}

groups! {
    /// Names of the hosts that the world needs, as the resolver answers them.
    Tenant dns {
        "hosts" List "each needed host";
        "hosts[].host" Text "host name";
        "hosts[].purposes" List "what the host is needed for: sign-in, graph, exchange, ews, autodiscover; reader: by the reader of this tool alone";
        "hosts[].redirected" Bool "the configuration sends connections for the host to an address of its own (connect_to)";
        "hosts[].result" Text "ok, nxdomain, no-data, servfail, refused, timed-out, failed or literal (an address was configured)";
        "hosts[].addresses" List "addresses found";
        "hosts[].ipv4" Int "number of IPv4 addresses";
        "hosts[].ipv6" Int "number of IPv6 addresses";
        "hosts[].aliases" List "CNAME chain";
        "hosts[].text" Text "what the resolver said when it failed";
        "servers" List "name servers asked, as ADDRESS:PORT";
        "any_resolved" Bool "at least one name resolved";
    }
    /// The HTTP proxy between this machine and the hosts.
    Tenant proxy {
        "configured" Bool "a proxy is configured for at least one needed host";
        "url" Text "proxy without credentials";
        "hosts" List "answer of the proxy to CONNECT, for each host that goes through it";
        "hosts[].host" Text "host name";
        "hosts[].status" Int "status of the answer to CONNECT; null when none came";
        "hosts[].result" Text "open, authentication-required, forbidden, bad-gateway, reset, unreachable, timed-out or refused";
        "hosts[].text" Text "what was seen, in words";
    }
    /// TCP connections to the needed hosts.
    Tenant tcp {
        "hosts" List "each needed host that has an address and is reached directly";
        "hosts[].host" Text "host name";
        "hosts[].port" Int "port";
        "hosts[].open" Bool "at least one address accepted the connection";
        "hosts[].result" Text "open, refused, timed-out, unreachable or failed: the best answer of all addresses";
        "hosts[].failed_addresses" List "addresses that did not accept";
        "hosts[].addresses" Int "number of addresses tried";
    }
    /// TLS handshakes with the needed hosts.
    Tenant tls {
        "hosts" List "each host that accepted a connection";
        "hosts[].host" Text "host name";
        "hosts[].result" Text "trusted, untrusted-issuer, expired, not-yet-valid, name-mismatch, no-common-version, not-tls or failed";
        "hosts[].version" Text "TLS version agreed";
        "hosts[].subject" Text "subject of the leaf certificate";
        "hosts[].issuer" Text "issuer of the leaf certificate";
        "hosts[].names" List "DNS names in the leaf certificate";
        "hosts[].not_before" Time "start of validity of the leaf certificate" since "a new certificate of {host} took effect";
        "hosts[].not_after" Time "end of validity of the leaf certificate";
        "hosts[].chain_length" Int "certificates that the server sent";
        "hosts[].extra_root" Bool "trusted only because of the configured CA file";
        "hosts[].redirected" Bool "the configuration sends connections for the host to an address of its own (connect_to)";
        "hosts[].microsoft" Bool "the host name belongs to Microsoft's cloud";
        "hosts[].public_issuer" Bool "the chain ends at a public certification authority that Microsoft uses";
        "hosts[].text" Text "what the TLS library said when it failed";
    }
    /// This machine's clock against the servers'.
    Tenant clock {
        "offset_seconds" Int "server clock minus local clock, of the smallest absolute difference seen; null when no server sent a Date";
        "host" Text "server compared with";
        "samples" Int "answers compared";
    }
    /// The hosts and settings in use.
    Tenant endpoints {
        "cloud" Text "worldwide, gcc-high, dod or china: the cloud whose hosts are in use";
        "sign_in" Text "sign-in host";
        "graph" Text "Microsoft Graph host";
        "exchange" Text "Exchange Online host";
        "custom" List "URLs of the configuration that are not Microsoft's";
    }
    /// The Microsoft Entra tenant, as its public OpenID metadata shows it.
    Tenant tenant {
        "domain" Text "domain asked for";
        "found" Bool "the sign-in service knows the domain";
        "id" Text "tenant id";
        "configured_id" Text "tenant id in the configuration; null when none";
        "error_code" Int "AADSTS number when the domain was refused";
        "error_text" Text "first sentence of the refusal";
        "region_scope" Text "tenant_region_scope";
        "region_sub_scope" Text "tenant_region_sub_scope: GCC, DODCON, DOD or null";
        "cloud_instance" Text "cloud_instance_name";
        "graph_host" Text "msgraph_host";
        "cloud" Text "worldwide, gcc, gcc-high, dod or china: the cloud that the tenant lives in";
    }
    /// Tenant-wide sign-in policies.
    Tenant policies {
        "security_defaults" Bool "security defaults are on";
        "user_consent" List "ids of the permission-grant policies that let users consent for themselves";
        "conditional_access" Int "number of Conditional Access policies";
    }
    /// What Microsoft reports about the health of its services.
    Tenant service {
        "issues" List "each open issue of Exchange Online, Microsoft Entra or the Microsoft 365 suite, incidents first, at most 20";
        "issues[].id" Text "id in the admin center, for example EX123456";
        "issues[].service" Text "service that it affects";
        "issues[].title" Text "title";
        "issues[].classification" Text "incident or advisory";
        "issues[].status" Text "for example investigating, serviceDegradation, serviceInterruption, restoringService";
        "issues[].started_at" Time "since when";
        "issues[].feature" Text "feature that it affects";
        "issues[].feature_group" Text "group of features";
        "issues[].origin" Text "microsoft, thirdParty or customer";
    }
    /// Exchange organization settings of Exchange Online.
    Tenant organization {
        "ews_enabled" Bool "EwsEnabled; null: unset";
        "ews_allowed_app_ids" List "EwsAllowedAppIDs, lower case; empty: no list";
        "ews_application_access_policy" Text "EnforceAllowList, EnforceBlockList or null";
        "ews_allow_list" List "user agents allowed";
        "ews_block_list" List "user agents blocked";
        "public_folders_enabled" Text "PublicFoldersEnabled: None, Local or Remote";
        "public_folder_mailbox" Text "RootPublicFolderMailbox; null: none";
        "oauth_enabled" Bool "OAuth2ClientProfileEnabled";
    }
    /// The identity that reads the directory.
    Tenant reader {
        "configured" Bool "a reader is configured";
        "kind" Text "how it signs in: client-secret, client-certificate, managed-identity, workload-identity, azure-cli, token-command, browser, device-code or password";
        "client_id" Text "its app id; null where somebody else brings its token";
        "signed_in" Bool "it got a token for Microsoft Graph";
        "error_code" Int "AADSTS number of the refusal";
        "error" Text "OAuth error of the refusal";
        "error_text" Text "first sentence of the refusal";
        "permissions" List "roles or scopes in its token";
        "directory_roles" List "role template ids in its token (wids)";
        "needs" List "each permission that the selected checks want";
        "needs[].permission" Text "permission or role";
        "needs[].granted" Bool "the token carries it, or one that includes it";
        "needs[].facts" List "fact paths that it unlocks";
        "write_permissions" List "permissions of the token that allow writing";
    }
    /// What was configured for this account, and the world that follows from it.
    Account world {
        "kind" Text "exchange-server, online-ews-app, online-graph-app or online-delegated";
        "mailbox_location" Text "cloud, on-premises or unknown";
        "identity" Text "entra or active-directory";
        "protocol" Text "graph or ews";
        "sign_in" Text "app, password or refresh-token";
        "cloud" Text "worldwide, gcc, gcc-high, dod or china";
        "hybrid" Bool "mailboxes live on both sides";
        "source" Text "configured, profile or observed: what the kind rests on";
        "phase" Text "setup or operation";
    }
    /// Whom the product signs in as.
    Account subject {
        "kind" Text "client-secret, client-certificate, password, refresh-token or none";
        "client_id" Text "the product's app id; null when unknown";
        "username" Text "sign-in name of a password subject";
        "certificate.subject" Text "subject of the certificate in the configuration; null when there is none";
        "certificate.thumbprint" Text "its SHA-1 thumbprint in capital hexadecimal digits, as Entra shows it";
        "certificate.thumbprint_sha256" Text "its SHA-256 thumbprint";
        "certificate.not_before" Time "start of its life";
        "certificate.not_after" Time "end of its life";
        "certificate.key_bits" Int "bits of its RSA key";
        "secret_held" Bool "the credential is in the configuration, so that live calls as the product are possible";
        "scheme" Text "HTTP scheme or grant in use: oauth, basic, ntlm or negotiate";
        "scheme_given" Bool "the configuration names the scheme; otherwise it is the usual one of the world";
        "user_agent" Text "user agent of the product, for user-agent rules; null when unknown";
    }
    /// What the user asked for.
    Account request {
        "features" List "features in use: gal, contacts, calendars, shared-mailboxes, public-folders, notifications";
        "scope" Text "organization or listed: which mailboxes the product shall reach";
        "targets" List "other mailboxes named by the user (--as)";
        "public_folders" List "public folders to sync";
        "wanted_users" List "addresses of the users whom the product is to serve, from a file; empty: none were given";
        "wanted_group" Text "group whose members the product is to serve; null: none was given";
        "sign_in_allowed" Bool "a live sign-in as the product was allowed in this run";
        "vendor_credential" Bool "the product's credential is held by its vendor";
        "consenting_admin" Text "administrator named to give the product's consent; null: nobody";
    }
    /// What only a person can know: answers in the configuration to the questions of checks.
    Account attest {
        "answers" List "answers about this account";
        "answers[].question" Text "check that asks";
        "answers[].answer" Text "one of the answers that the check offers";
        "answers[].name" Text "who answered";
        "answers[].at" Time "the day of the answer";
    }
    /// The directory account.
    Account account {
        "address" Text "address given by the user";
        "domain" Text "part behind the @";
        "exists" Bool "the directory has it";
        "deleted" Bool "it is among the deleted objects";
        "deleted_at" Time "when it was deleted" since "the account was deleted";
        "id" Text "object id";
        "upn" Text "user principal name";
        "display_name" Text "displayName";
        "given_name" Text "givenName";
        "surname" Text "surname";
        "mail" Text "mail";
        "proxy_addresses" List "addresses without their prefix, lower case, primary first";
        "primary_address" Text "the primary SMTP address";
        "usage_location" Text "two-letter country";
        "enabled" Bool "accountEnabled";
        "user_type" Text "Member or Guest";
        "external" Bool "the UPN holds #EXT#";
        "creation_type" Text "creationType";
        "created_at" Time "createdDateTime" since "the account was created";
        "synced" Bool "onPremisesSyncEnabled; null: never synced";
        "password_never_expires" Bool "passwordPolicies holds DisablePasswordExpiration";
        "must_change_password" Bool "passwordProfile.forceChangePasswordNextSignIn; null: not told";
        "last_password_change" Time "lastPasswordChangeDateTime" since "the password was changed";
        "sessions_valid_from" Time "signInSessionsValidFromDateTime" since "sessions and refresh tokens were revoked";
        "job_title" Text "jobTitle";
        "has_manager" Bool "a manager is set";
        "duplicates" List "other objects with the same address or sign-in name";
        "duplicates[].id" Text "object id";
        "duplicates[].upn" Text "user principal name";
        "duplicates[].display_name" Text "displayName";
        "roles" List "active directory roles";
        "roles[].name" Text "display name";
        "roles[].template_id" Text "role template id";
        "eligible_roles" List "eligible directory roles, same shape";
        "eligible_roles[].name" Text "display name";
        "eligible_roles[].template_id" Text "role template id";
        "cloud_password_policy_for_synced" Bool "cloudPasswordPolicyForPasswordSyncedUsersEnabled";
        "is_reader" Bool "the reader signs in as this account";
    }
    /// The domain controller that is asked by LDAP.
    Account active_directory {
        "host" Text "domain controller of the configuration; null: none";
        "as_subject" Bool "asked with the service account's own password";
        "signed_in" Bool "it accepted the sign-in";
        "result_code" Int "LDAP result code of the sign-in; null when no answer came";
        "refusal" Text "what Active Directory says about a refused sign-in: 525, 52e, 530, 531, 532, 533, 701, 773 or 775; null: nothing";
        "error_text" Text "what the server, or the failure, says; null: nothing";
    }
    /// The account in Active Directory, whoever read it.
    Account directory {
        "source" Text "ldap or import; null: nobody could look there in this run";
        "made_at" Time "when it was read";
        "found" Bool "Active Directory has an object with this address or sign-in name";
        "distinguished_name" Text "distinguishedName";
        "account_name" Text "sAMAccountName";
        "upn" Text "userPrincipalName";
        "display_name" Text "displayName";
        "enabled" Bool "userAccountControl does not hold ACCOUNTDISABLE";
        "locked" Bool "locked out when it was read";
        "locked_at" Time "lockoutTime; null: not locked";
        "lockout_threshold" Int "wrong passwords that lock an account; 0: none do";
        "lockout_minutes" Int "how long a lock lasts; 0: until somebody ends it";
        "password_never_expires" Bool "userAccountControl holds DONT_EXPIRE_PASSWD";
        "password_expires_at" Time "msDS-UserPasswordExpiryTimeComputed; null: never";
        "password_changed_at" Time "pwdLastSet; null: to be changed at the next sign-in";
        "must_change_password" Bool "pwdLastSet is 0";
        "duplicates" List "other objects that carry the address";
        "duplicates[].distinguished_name" Text "distinguishedName";
        "duplicates[].account_name" Text "sAMAccountName";
        "duplicates[].kind" Text "object class: user, contact, group …";
    }
    /// Where the account's domain signs in.
    Account sso {
        "realm.namespace" Text "managed, federated or unknown, as the sign-in page is told";
        "realm.auth_url" Text "where a federated sign-in is sent";
        "realm.protocol" Text "federation protocol";
        "realm.brand" Text "brand of the identity provider";
        "domain.name" Text "domain of the sign-in name";
        "domain.authentication" Text "managed or federated, as the directory says";
        "domain.password_validity_days" Int "passwordValidityPeriodInDays; null: unset; 2147483647: never";
        "rollout.applies" Bool "the account is a direct member of a group in an enabled password rollout";
        "rollout.policies" List "enabled rollout policies";
        "rollout.policies[].name" Text "name";
        "rollout.policies[].feature" Text "feature";
        "rollout.policies[].applies" Bool "reaches this account";
        "federation.issuer" Text "issuer of the identity provider; null when the domain is managed";
        "federation.mfa_behavior" Text "federatedIdpMfaBehavior";
        "federation.certificate_not_after" Time "end of the token-signing certificate";
        "federation.has_next_certificate" Bool "a next certificate is announced";
        "home_realm_allows_cloud_password" Bool "a home-realm-discovery policy allows cloud password validation";
    }
    /// What may ask the account for a second factor.
    Account mfa {
        "per_user_state" Text "disabled, enabled or enforced";
        "policies" List "Conditional Access policies that reach, or may reach, this account, resource and client";
        "policies[].id" Text "policy id";
        "policies[].name" Text "displayName";
        "policies[].state" Text "enabled, disabled or report-only";
        "policies[].certain" Bool "true: applies; false: may apply, a condition could not be decided";
        "policies[].undecided" List "conditions that could not be decided";
        "policies[].blocks" Bool "the control is block";
        "policies[].requires_mfa" Bool "satisfied only by a second factor (also through an authentication strength), terms of use or another interactive step";
        "policies[].requires_device" Bool "satisfied only by a compliant or joined device or an approved app";
        "policies[].controls" List "grant controls, as words";
        "policies[].location_bound" Bool "a location condition decides whether it applies";
        "policies[].sign_in_frequency_hours" Int "sign-in frequency in hours; 0: every time; null: none";
        "policies[].microsoft_managed" Bool "made by Microsoft";
        "policies[].created_at" Time "createdDateTime" since "the policy \"{name}\" was created";
        "policies[].modified_at" Time "modifiedDateTime; null: never changed since it was made" since "the policy \"{name}\" was changed";
        "policies[].source" Text "evaluated (by Microsoft's What-If) or local (by this tool)";
        "excluded_by" List "names of enabled policies that would apply but exclude the account";
        "methods" List "registered methods besides the password";
        "registered" Bool "isMfaRegistered";
        "registration_methods" List "methodsRegistered";
    }
    /// The product's app (service principal) in the tenant.
    App app {
        "client_id" Text "app id";
        "present" Bool "the tenant has a service principal of it";
        "id" Text "object id of the service principal";
        "display_name" Text "displayName";
        "enabled" Bool "accountEnabled";
        "disabled_by_microsoft" Text "disabledByMicrosoftStatus; null: not disabled";
        "assignment_required" Bool "appRoleAssignmentRequired";
        "kind" Text "servicePrincipalType";
        "owner_tenant" Text "appOwnerOrganizationId";
        "owned_here" Bool "registered in this tenant, so that its credentials can be read";
        "disabled_resources" List "names of Microsoft resources (Graph, Exchange Online) whose service principal is disabled";
        "assigned_principals" List "object ids of users and groups assigned to the app";
        "registration_id" Text "object id of the app registration";
        "credentials" List "secrets and certificates of the registration";
        "credentials[].kind" Text "secret or certificate";
        "credentials[].name" Text "displayName";
        "credentials[].key_id" Text "keyId";
        "credentials[].starts_at" Time "startDateTime" since "a {kind} of the app ({name}) took effect";
        "credentials[].ends_at" Time "endDateTime";
        "credentials[].thumbprint" Text "SHA-1 thumbprint of a certificate, in capital hexadecimal digits; null for secrets and where it is not told";
        "credentials[].hint" Text "first characters of a secret, as Entra keeps them";
        "log_readable" Bool "the sign-in log of the app is open to the reader: neither refused nor unlicensed";
        "identities" List "accounts for which the app renewed its tokens by itself in the last seven days, latest first";
        "identities[].id" Text "object id";
        "identities[].upn" Text "user principal name";
        "identities[].last_at" Time "the last time";
    }
    /// What the product's app was granted.
    App consent {
        "application" List "application permissions granted";
        "application[].permission" Text "value of the app role";
        "application[].resource" Text "graph, exchange or the resource's name";
        "application[].granted_at" Time "createdDateTime" since "the application permission {permission} was granted";
        "delegated" List "delegated permissions granted, one row a scope";
        "delegated[].permission" Text "scope";
        "delegated[].resource" Text "graph, exchange or the resource's name";
        "delegated[].everyone" Bool "granted for all users";
        "delegated[].principal_id" Text "the one user, else null";
    }
    /// The account's assignment to the app.
    Account assignment {
        "assigned" Bool "the account, or a group it is a direct member of, is assigned";
    }
    /// The product's sign-in, tried once.
    Account sign_in {
        "attempted" Bool "a request was sent in this run";
        "not_attempted_because" Text "why no request was sent: secret-not-held, not-allowed, refused-before, unsupported or null";
        "flow" Text "client-credentials, password, refresh-token";
        "token" Bool "a token came back";
        "error" Text "OAuth error";
        "suberror" Text "OAuth suberror";
        "error_code" Int "AADSTS number; null when the text had none";
        "error_codes" List "all AADSTS numbers";
        "error_text" Text "first sentence of error_description";
        "policy_ids" List "Conditional Access policies named in the claims challenge";
        "policy_names" List "their names, where the policies could be read";
        "proves_password" Bool "the answer proves that the password was right; null: it proves nothing";
        "trace_id" Text "trace id for Microsoft support";
        "correlation_id" Text "correlation id";
        "audience" Text "aud of the token";
        "tenant_id" Text "tid of the token";
        "identity_kind" Text "app or user";
        "roles" List "roles of the token";
        "scopes" List "scopes of the token";
        "app_id" Text "appid or azp of the token";
        "capabilities" List "xms_cc of the token; cp1: it may be challenged for claims in the middle of its life";
    }
    /// The tenant's sign-in log for this account and app, the last seven days.
    Account sign_in_log {
        "user" List "sign-ins of the account, newest first";
        "user[].at" Time "when";
        "user[].app_id" Text "app";
        "user[].app_name" Text "appDisplayName";
        "user[].error_code" Int "0: success";
        "user[].reason" Text "failureReason";
        "user[].conditional_access" Text "success, failure or notApplied";
        "user[].policies" List "names of policies that failed it";
        "user[].ip" Text "address";
        "user[].country" Text "country or region";
        "product" List "sign-ins of the product's app, by this account or by itself, newest first, same shape";
        "product[].at" Time "when";
        "product[].error_code" Int "0: success";
        "product[].reason" Text "failureReason";
        "product[].policies" List "names of policies that failed it";
        "product[].ip" Text "address that it came from";
        "product[].country" Text "country or region of that address";
        "product_since" Time "start of the window asked for of the product's sign-ins: 30 days for an account, 7 for an app";
        "apps" List "distinct app names seen for the account";
        "since" Time "start of the window asked for";
    }
    /// The account's licenses.
    Account license {
        "skus" List "part numbers assigned";
        "plans" List "Exchange-related service plans";
        "plans[].id" Text "servicePlanId";
        "plans[].name" Text "servicePlanName";
        "plans[].sku" Text "part number that carries it";
        "plans[].status" Text "Success, Disabled, Error, PendingInput, PendingActivation or PendingProvisioning";
        "plans[].gives_mailbox" Bool "the plan carries a mailbox";
        "plans[].changed_at" Time "when the assignment of the license last changed; null: not told" since "the license {sku} was assigned or changed";
        "plans[].kind" Text "plan-1, plan-2, kiosk, essentials, pop, foundation, archive or other";
        "assignment_errors" List "license assignments in error";
        "assignment_errors[].sku_id" Text "skuId";
        "assignment_errors[].error" Text "CountViolation and the like";
    }
    /// The mailbox behind the address.
    Account mailbox {
        "graph_status" Int "HTTP status of the probe of the inbox by Graph";
        "graph_code" Text "error code of that probe; null on success";
        "exists" Bool "Exchange has a mailbox for it";
        "soft_deleted" Bool "it is soft-deleted";
        "recipient_type" Text "RecipientTypeDetails";
        "primary_address" Text "PrimarySmtpAddress, lower case";
        "addresses" List "EmailAddresses without prefix, lower case";
        "hidden" Bool "hidden from address lists";
        "move_status" Text "MailboxMoveStatus; null or None: no move";
        "created_at" Time "WhenMailboxCreated" since "the mailbox was created";
        "quota_percent" Int "used share of the send quota";
        "quarantined" Bool "IsQuarantined";
        "cas.ews_enabled" Bool "mailbox switch EwsEnabled; null: unset";
        "cas.ews_application_access_policy" Text "EnforceAllowList, EnforceBlockList or null";
        "cas.ews_allow_list" List "user agents allowed";
        "cas.ews_block_list" List "user agents blocked";
        "location" Text "cloud, on-premises or unknown";
        "route_url" Text "EWS URL that Autodiscover V2 gives for the address";
    }
    /// How the EWS endpoint is published.
    Account discovery {
        "configured_url" Text "EWS URL of the configuration";
        "records" List "each place where Autodiscover may be published";
        "records[].kind" Text "host, srv, redirect or root";
        "records[].name" Text "name asked";
        "records[].found" Bool "something is there";
        "records[].target" Text "where it leads";
        "records[].result" Text "what was seen, in words";
        "published" Bool "at least one place leads somewhere";
        "hops" List "each step towards the mailbox";
        "hops[].url" Text "URL asked";
        "hops[].status" Int "HTTP status; null: no answer";
        "hops[].result" Text "settings, redirect, challenge, not-exchange, not-found, failed or refused";
        "hops[].target" Text "where it leads";
        "problem" Text "loop, foreign-host, plain-http, too-many or null";
        "problem_target" Text "the target that was refused";
        "ews_url" Text "EWS URL in use";
        "source" Text "configured, autodiscover-v2, autodiscover-soap, autodiscover-pox or well-known";
        "web_host_answers" Bool "a web host without Exchange answers for the domain";
    }
    /// The EWS endpoint without credentials.
    Account ews_endpoint {
        "url" Text "URL asked";
        "status" Int "HTTP status; null: no answer";
        "result" Text "challenge, not-found, method-refused, logon-form, redirect, html, server-error, forbidden, soap or failed";
        "location" Text "redirect target";
        "challenges" List "schemes offered, lower case: basic, ntlm, negotiate, bearer …";
        "policy_reason" Text "X-EWS-Policy-Reason";
        "server" Text "Server header";
        "text" Text "what was seen, in words";
    }
    /// EWS with the product's credential.
    Account ews {
        "server_version" Text "ServerVersionInfo as MAJOR.MINOR.BUILD.REVISION";
        "server_major" Int "major version";
        "server_minor" Int "minor version";
        "own.attempted" Bool "GetFolder on the own inbox, no impersonation header, was sent";
        "own.not_attempted_because" Text "secret-not-held, not-allowed, refused-before, unsupported, unverified-host, no-endpoint, no-answer, no-challenge, no-token, app-only or null";
        "own.status" Int "HTTP status";
        "own.result" Text "ok, error, unauthorized, forbidden, unsupported-scheme, not-soap, throttled, server-error or failed";
        "own.code" Text "EWS response code; NoError on success";
        "own.text" Text "message text";
        "own.policy_reason" Text "X-EWS-Policy-Reason";
        "own.reason" Text "what a refusal itself gives as its reason: switched-off, switched-off-organization, switched-off-mailbox, not-admitted, access-policy, odata-off, location, revoked, claims, audience, permission, signature, strength, expired, license, denied (by the service, no reason) or stranger (nothing in it is of the service); null: no HTTP 401 or 403";
        "own.diagnostics" Text "x-ms-diagnostics";
        "own.challenges" List "schemes offered with a 401";
        "impersonated.attempted" Bool "GetFolder with ExchangeImpersonation of the account itself was sent";
        "impersonated.status" Int "HTTP status";
        "impersonated.result" Text "as own.result";
        "impersonated.code" Text "EWS response code";
        "impersonated.text" Text "message text";
        "impersonated.policy_reason" Text "X-EWS-Policy-Reason";
        "impersonated.reason" Text "as own.reason";
        "impersonated.diagnostics" Text "x-ms-diagnostics";
        "impersonated.suggested_address" Text "address that the server names instead";
        "others" List "the same for each mailbox named by the user";
        "others[].target" Text "mailbox";
        "others[].status" Int "HTTP status";
        "others[].result" Text "as own.result";
        "others[].code" Text "EWS response code";
        "others[].text" Text "message text";
        "others[].policy_reason" Text "X-EWS-Policy-Reason";
        "others[].reason" Text "as own.reason";
        "others[].repeated" Bool "a refusal was confirmed by a second request";
    }
    /// Public folders by EWS, with the product's credential.
    Account public_folders {
        "route.source" Text "autodiscover, or none: nobody told which mailbox keeps the hierarchy";
        "route.anchor" Text "mailbox that leads to the hierarchy: PublicFolderInformation, else the account";
        "route.mailbox" Text "InternalRpcClientServer; null: not told";
        "route.text" Text "why no route was told; null where one was";
        "root.status" Int "HTTP status of the search below the root";
        "root.result" Text "as ews.own.result";
        "root.code" Text "EWS response code; NoError on success";
        "root.text" Text "message text";
        "root.policy_reason" Text "X-EWS-Policy-Reason";
        "root.reason" Text "as ews.own.reason";
        "root.folders" Int "folders that the account is shown at the top";
        "folders" List "each configured public folder";
        "folders[].path" Text "path as configured, with backslashes";
        "folders[].shown" Text "yes, no, or unknown where it, or what the account may do there, could not be told";
        "folders[].missing_below" Text "deepest folder of the path that the account is shown; null: all of them";
        "folders[].beside" List "names that the account is shown there, at most 20";
        "folders[].result" Text "as ews.own.result, of the last question about it";
        "folders[].code" Text "EWS response code of that question";
        "folders[].text" Text "message text of that question";
        "folders[].class" Text "FolderClass";
        "folders[].read" Bool "EffectiveRights: read items";
        "folders[].create" Bool "EffectiveRights: create items";
        "folders[].modify" Bool "EffectiveRights: change items";
        "folders[].delete" Bool "EffectiveRights: delete items";
        "folders[].level" Text "level of the permission that applies; null: permissions are not shown to the account";
        "folders[].through" Text "account, default, other or not-told: whose permission it is";
    }
    /// The retired impersonation role in Exchange Online.
    Tenant impersonation {
        "leftovers" List "assignments of ApplicationImpersonation that still stand in Exchange Online";
        "leftovers[].name" Text "assignment";
        "leftovers[].assignee" Text "role group or user";
        "leftovers[].assignee_type" Text "RoleGroup, User …";
    }
    /// The role ApplicationImpersonation on Exchange Server, and how the account holds it.
    Account rbac {
        "source" Text "import; null: nobody could read it in this run";
        "made_at" Time "when it was read";
        "server" Text "server on which it was read";
        "roles" List "ApplicationImpersonation and the roles made from it";
        "assignments" List "assignments of these roles";
        "assignments[].name" Text "assignment";
        "assignments[].role" Text "role";
        "assignments[].assignee" Text "role group, security group or user";
        "assignments[].assignee_type" Text "RoleGroup, SecurityGroup, User …";
        "assignments[].kind" Text "regular or delegating; null: not told";
        "assignments[].enabled" Bool "Enabled";
        "assignments[].builtin" Bool "one that setup makes, for Organization Management or Hygiene Management";
        "assignments[].effective" Bool "it reaches the account, as Exchange itself counts";
        "assignments[].method" Text "direct, role-group, security-group or other; null: it does not reach the account";
        "assignments[].write_scope" Text "RecipientWriteScope: Organization, CustomRecipientScope, ExclusiveRecipientScope, OU …";
        "assignments[].scope" Text "custom or exclusive scope, or organizational unit; null: none";
        "assignments[].changed_at" Time "WhenChangedUTC";
        "groups" List "groups to which these roles are assigned";
        "groups[].name" Text "group";
        "groups[].members" Int "direct members";
        "groups[].member" Bool "the account is a direct member";
        "groups[].owner" Bool "the account manages the group";
        "groups[].through" List "security groups by which the account is a member, outermost first";
        "groups[].dead_ends" List "distribution groups in it that hold the account, and pass no right on";
        "groups[].changed_at" Time "WhenChangedUTC";
        "scopes" List "management scopes for recipients";
        "scopes[].name" Text "scope";
        "scopes[].filter" Text "RecipientFilter";
        "scopes[].root" Text "RecipientRoot; null: the whole organization";
        "scopes[].exclusive" Bool "Exclusive";
        "scopes[].own" Bool "an assignment that reaches the account uses it";
        "scopes[].changed_at" Time "WhenChangedUTC";
        "reach" List "the account's own mailbox and each mailbox that was asked about";
        "reach[].target" Text "mailbox";
        "reach[].own" Bool "it is the account's own mailbox";
        "reach[].covered" Bool "Exchange counts it as writable by an enabled regular assignment of the account; null: not told";
        "reach[].by" List "names of these assignments";
        "reach[].scopes" List "management scopes whose filter it fits";
        "reach[].guarded_by" List "exclusive scopes that it fits and that no assignment of the account uses";
        "changed_at" Time "youngest change of an assignment, group or scope by which the account holds the role; null: not told";
    }
    /// Files that were read in addition to what was asked live.
    Account imports {
        "files" List "files of --import and of the configuration";
        "files[].file" Text "file";
        "files[].made_at" Time "when it was made";
        "files[].tool" Text "version of this tool whose script made it";
        "files[].organization" Text "Exchange organization";
        "files[].server" Text "server on which it was made";
        "files[].covers" Bool "it was made for this account";
        "files[].errors" List "what the script could not read, in words";
        "contradictions" List "what an import says otherwise than a live answer, which counts";
        "contradictions[].fact" Text "fact";
        "contradictions[].imported" Text "value in the import";
        "contradictions[].live" Text "value that was seen";
        "contradictions[].file" Text "file";
    }
    /// Which mailboxes the app may reach.
    Account scope {
        "access_policies" List "application access policies of the app";
        "access_policies[].right" Text "RestrictAccess or DenyAccess";
        "access_policies[].group" Text "scope group";
        "access_policy_tests" List "Test-ApplicationAccessPolicy, for the account and each target";
        "access_policy_tests[].target" Text "mailbox";
        "access_policy_tests[].result" Text "granted or denied";
        "role_assignments" List "RBAC-for-Applications roles, tested for the account and each target";
        "role_assignments[].role" Text "role, for example Application Calendars.ReadWrite";
        "role_assignments[].permissions" List "permissions it grants";
        "role_assignments[].target" Text "mailbox tested";
        "role_assignments[].in_scope" Bool "InScope";
        "role_assignments[].scope" Text "AllowedResourceScope";
        "role_assignments[].scope_kind" Text "ScopeType";
        "exchange_principal" Bool "Exchange knows the app's service principal";
        "exchange_principal_object_id" Text "object id under which Exchange knows it";
        "role_groups" List "each group inside a group that is the scope of a role; its members do not count";
        "role_groups[].group" Text "scope group";
        "role_groups[].nested" Text "group inside it";
        "role_groups[].targets" List "mailboxes of this account's that belong to the inner group";
        "wanted_members" List "addresses of the members of the wanted group, through groups inside it too";
        "wanted_tests" List "what Exchange says of the first 50 wanted users";
        "wanted_tests[].target" Text "address";
        "wanted_tests[].mailbox" Bool "Exchange has a mailbox for it";
        "wanted_tests[].policy" Text "of an app, Test-ApplicationAccessPolicy: granted or denied";
        "wanted_tests[].role" Text "of an app, its roles: in, out, or none where it has no role";
        "wanted_tests[].full_access" Bool "of an account: it has FullAccess; null for an app";
        "delegate_tests" List "one cheap read of each folder that the product syncs, in each target, as the account";
        "delegate_tests[].target" Text "mailbox";
        "delegate_tests[].folder" Text "calendar, contacts or inbox";
        "delegate_tests[].status" Int "HTTP status";
        "delegate_tests[].code" Text "error code; null on success";
        "mailbox_permissions" List "rights of the account on the targets' mailboxes";
        "mailbox_permissions[].target" Text "mailbox";
        "mailbox_permissions[].rights" List "FullAccess …";
        "folder_permissions" List "rights of the account on each folder that the product syncs, in each target";
        "folder_permissions[].target" Text "mailbox";
        "folder_permissions[].folder" Text "calendar, contacts or inbox";
        "folder_permissions[].name" Text "the folder as cmdlets name it, in the language of the mailbox";
        "folder_permissions[].rights" List "Editor …; empty: no entry for the account";
    }
    /// Microsoft Graph with the product's credential.
    Account graph {
        "targets" List "one cheap read of each mailbox: the account and each target";
        "targets[].target" Text "mailbox";
        "targets[].status" Int "HTTP status";
        "targets[].result" Text "ok, error, throttled, server-error or failed";
        "targets[].code" Text "error code; null on success";
        "targets[].text" Text "error message";
        "targets[].reason" Text "as ews.own.reason";
        "targets[].own" Bool "it is the account's own mailbox";
    }
    /// What tells the causes of a refused call apart: the mailboxes side by side and, only where one was
    /// refused, the same call under the product's name and by the other protocol.
    Account refusal {
        "opened" List "mailboxes that opened to the product's credential by the product's protocol";
        "closed" List "mailboxes that were refused to it";
        "closed[].target" Text "mailbox";
        "closed[].status" Int "HTTP status";
        "closed[].reason" Text "as ews.own.reason; null: a response code under another status than 401 and 403";
        "as_product.attempted" Bool "the refused call was sent once more under the product's own user agent";
        "as_product.not_attempted_because" Text "no-refusal, not-by-name (the refusal has nothing to do with names), name-unknown, no-answer or null";
        "as_product.status" Int "HTTP status";
        "as_product.result" Text "ok, refused or other";
        "as_product.reason" Text "as ews.own.reason";
        "by_graph.attempted" Bool "the account's mailbox, refused by EWS, was also read by Graph with the same app";
        "by_graph.not_attempted_because" Text "no-refusal, not-comparable, no-token, no-answer or null";
        "by_graph.status" Int "HTTP status";
        "by_graph.result" Text "ok, refused or other";
        "by_graph.reason" Text "as ews.own.reason";
    }
    /// The test sync: what the product does, done once in marked folders of its own, and removed again.
    Account sync {
        "protocol" Text "ews or graph";
        "access" Text "by which right mailboxes are opened: impersonation, delegate, graph-app or graph-delegated";
        "run_id" Text "value of the marker on everything that the run made";
        "began_at" Time "when it began";
        "ended" Text "whole, stopped (by a signal), or out-of-time";
        "only_sweep" Bool "leftovers of earlier runs were removed, and nothing else was asked for";
        "self_only" Bool "only the caller's own mailbox was opened: that shows that the calls work, not that a right over others exists";
        "parts" List "what was asked for: contacts, calendar, notifications, address-list, availability, public-folders";
        "requests" Int "requests sent, repeated ones included";
        "ms" Int "milliseconds from the first request to the last answer";
        "waited_ms" Int "milliseconds of all steps spent waiting because the server asked to";
        "traces" List "what cannot be undone, in words";
        "mailboxes" List "mailboxes that take part, the account's own first";
        "mailboxes[].address" Text "mailbox";
        "mailboxes[].role" Text "account, other, shared or outside";
        "mailboxes[].read_only" Text "why nothing is written to it; null: it is written to";
        "steps" List "each step in each mailbox, mailbox by mailbox; some go on at the same time";
        "steps[].step" Text "open, quota, sweep, create-folder, feed-start, create, read, feed-created, update, conflict, feed-updated, delete, feed-deleted, notification, address-list, availability, public-folders or clean-up";
        "steps[].mailbox" Text "mailbox";
        "steps[].role" Text "account, other, shared or outside";
        "steps[].subject" Text "contacts or calendar for folders and feeds; contact, note, appointment or recurring for items; a path for a public folder; null: nothing in particular";
        "steps[].result" Text "ok, differs, refused, unavailable, throttled, failed or skipped";
        "steps[].status" Int "HTTP status of the answer that decided";
        "steps[].code" Text "response or error code of that answer, where it was an error; of a skipped step why: before, read-only, quota, no-right, out-of-time, stopped or not-here";
        "steps[].answer" Text "what decided, in a word: the code, without one the HTTP status, without both the result";
        "steps[].text" Text "what the server said, or why the step was skipped, in words";
        "steps[].differences" List "what differs between what was expected and what was found";
        "steps[].ms" Int "milliseconds from its first request to its last answer, waiting included";
        "steps[].waited_ms" Int "milliseconds of these spent waiting because the server asked to";
        "steps[].dns_ms" Int "milliseconds of name resolution; null: none was needed";
        "steps[].connect_ms" Int "milliseconds of TCP and TLS; null: a connection was open";
        "steps[].first_byte_ms" Int "milliseconds until the first byte of an answer, all exchanges together";
        "steps[].body_ms" Int "milliseconds of reading answers, all exchanges together";
        "steps[].requests" Int "requests sent, repeated ones included";
        "steps[].request_ids" List "request ids, as the server names them";
        "steps[].proves" Text "what the step proves when it ends well";
        "steps[].rca_test" Text "test of Microsoft's Remote Connectivity Analyzer that looks at the same; null: none";
        "leftovers" List "marked things of earlier runs";
        "leftovers[].mailbox" Text "mailbox";
        "leftovers[].id" Text "id, as the server names it";
        "leftovers[].kind" Text "folder or item";
        "leftovers[].place" Text "own-folder, or elsewhere: somebody moved or copied it";
        "leftovers[].run" Text "run that made it";
        "leftovers[].removed" Bool "this run removed it";
        "leftovers[].because" Text "why not: too-young, foreign-items, elsewhere, or the code of a refusal; null: it was removed";
        "left" List "things of this run that are still there";
        "left[].mailbox" Text "mailbox";
        "left[].id" Text "id, as the server names it";
        "left[].kind" Text "folder or item";
        "left[].because" Text "foreign-items (somebody else's item lies in the folder), or what the server said";
    }
}

/// The group of that name.
pub fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}

/// The fact at a dotted path with `[]` for list elements, for example `mfa.policies[].name`.
pub fn fact(path: &str) -> Option<&'static Fact> {
    let (name, rest) = path.split_once('.')?;
    group(name)?.facts.iter().find(|fact| fact.path == rest)
}

/// Whether a path is a fact, or lies above one (`sso.realm` lies above `sso.realm.namespace`).
pub fn is_known(path: &str) -> bool {
    let Some((name, rest)) = path.split_once('.') else {
        return group(path).is_some();
    };
    group(name).is_some_and(|group| {
        group.facts.iter().any(|fact| {
            fact.path == rest
                || fact
                    .path
                    .strip_prefix(rest)
                    .is_some_and(|tail| tail.starts_with('.') || tail.starts_with("[]"))
        })
    })
}

/// The names one level below a path, sorted: what a rule may write after the dot.
pub fn children(path: &str) -> Vec<&'static str> {
    let (name, prefix) = path.split_once('.').unwrap_or((path, ""));
    let Some(group) = group(name) else {
        return GROUPS.iter().map(|group| group.name).collect();
    };
    let mut names: Vec<_> = group
        .facts
        .iter()
        .filter_map(|fact| match prefix {
            "" => Some(fact.path),
            _ => fact.path.strip_prefix(prefix)?.strip_prefix('.'),
        })
        .filter_map(|rest| rest.split(['.', '[']).next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_above_a_fact_are_known_and_others_are_not() {
        assert!(is_known("sso.realm"));
        assert!(is_known("mfa.policies[].name"));
        assert!(!is_known("mfa.policy"));
        assert!(!is_known("mfa.policies[].nam"));
    }

    #[test]
    fn children_are_the_next_names() {
        assert_eq!(children("sso.realm"), ["auth_url", "brand", "namespace", "protocol"]);
        assert!(children("mfa.policies[]").contains(&"requires_mfa"));
    }

    #[test]
    fn no_path_stands_twice() {
        for group in GROUPS {
            let mut paths: Vec<_> = group.facts.iter().map(|fact| fact.path).collect();
            paths.sort_unstable();
            let count = paths.len();
            paths.dedup();
            assert_eq!(paths.len(), count, "{}", group.name);
        }
    }
}
