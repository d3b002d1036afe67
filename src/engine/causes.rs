//! The one vocabulary of root causes: stable names, shared by checks, error codes and reports.

/// A cause and what it means, as (name, meaning) in alphabetical order. Names are never changed.
pub const CAUSES: &[(&str, &str)] = &[
    ("account-disabled", "sign-in is switched off for the account"),
    ("account-locked", "too many wrong passwords, or a risk block, keep the account out for now"),
    ("account-not-dedicated", "somebody or something else uses the service account too"),
    (
        "address-not-primary",
        "the product was given an alias or a sign-in name where Exchange wants the primary address",
    ),
    (
        "app-access-policy",
        "an application access policy, or the scope of an Exchange application role, leaves the mailbox out",
    ),
    (
        "app-cert-invalid",
        "the certificate of the app is unknown to Entra, has ended, or signed a malformed assertion",
    ),
    ("app-disabled", "the service principal of the app, or of the service it calls, is switched off"),
    ("app-not-in-tenant", "the tenant has no service principal of the app: wrong id, or never consented"),
    ("app-registration", "the registration of the app does not allow what the product tries"),
    ("app-secret-expired", "the secret of the app has ended"),
    ("app-secret-invalid", "the secret of the app is wrong; often its id was copied instead of its value"),
    ("autodiscover-dns", "nothing publishes Autodiscover for the domain, or the records are wrong"),
    (
        "autodiscover-redirect",
        "Autodiscover leads in circles, without encryption, or to a host that cannot be trusted with credentials",
    ),
    ("bad-password", "user name or password is wrong"),
    ("basic-auth-disabled", "the server does not offer Basic authentication, which the product wants"),
    ("clock-skew", "this machine's clock is too far from the servers' for tokens to be valid"),
    (
        "concurrency-limit",
        "more requests, connections or subscriptions at the same time than the service allows",
    ),
    (
        "conditional-access-block",
        "a Conditional Access policy blocks the sign-in, or asks for what nobody is there to give",
    ),
    ("connection-refused", "the port is closed, or something resets the connection"),
    ("consent-missing", "the permission has not been consented, or not by an administrator"),
    (
        "consent-wrong-permission-type",
        "consent exists, but for the other kind of permission or for another service",
    ),
    ("credential-expiring", "a secret, certificate or password ends soon"),
    ("delegate-access-denied", "the account has no permission on the other mailbox or folder"),
    ("directory-role-missing", "the identity that reads, or that consents, lacks the directory role for it"),
    ("dns-failure", "a needed name does not resolve"),
    ("duplicate-user", "several directory objects carry the same address or sign-in name"),
    ("ews-blocked-app", "a list of allowed apps or user agents leaves the product out"),
    ("ews-disabled-mailbox", "EWS is switched off for the mailbox"),
    ("ews-disabled-tenant", "EWS is switched off for the whole organization"),
    ("ews-retired", "Microsoft has withdrawn EWS from this cloud"),
    ("guest-account", "the account is a guest; its home is another tenant"),
    (
        "impersonation-retired",
        "the product relies on the ApplicationImpersonation role, which Exchange Online no longer has",
    ),
    (
        "impersonation-role-missing",
        "on Exchange Server the account does not effectively hold ApplicationImpersonation",
    ),
    ("impersonation-scope", "the right to impersonate does not reach this mailbox"),
    ("item-not-found", "the item or folder is not there"),
    ("license-missing", "no working license with a mailbox plan is assigned"),
    ("mailbox-missing", "there is no usable mailbox behind the address"),
    ("mailbox-moved", "the mailbox is moving, or has moved and its old place is remembered"),
    ("mailbox-on-prem", "the mailbox lives on the other side of the hybrid than the one the product calls"),
    ("mfa-required", "the sign-in asks for a second factor, or for its registration"),
    ("network-timeout", "a host does not answer in time"),
    ("no-compensating-control", "neither a second factor nor anything in its place protects the account"),
    ("no-network", "this machine reaches nothing at all"),
    ("over-privileged", "the account holds an administrator role that the product does not need"),
    ("password-expired", "the password has expired or must be changed first"),
    ("permission-excess", "more is granted than the product needs"),
    ("policy-pending", "a policy that is not enforced yet will interrupt the account once it is"),
    ("product-sign-in-missing", "the account has never signed in to the product"),
    ("propagation-pending", "everything is set rightly but is not in force yet"),
    ("proxy", "the proxy cannot be reached, wants a sign-in, or blocks"),
    ("public-folder-license", "the license does not carry public folders"),
    ("public-folder-permission", "the account may not read the public folder"),
    ("quota-exceeded", "the mailbox is full"),
    ("schema-version", "the server does not understand the request or its version"),
    ("scope-defeated", "a wider grant makes the narrow scope meaningless"),
    ("security-defaults", "the tenant's security defaults ask for a second factor or block the flow"),
    ("server-busy", "the server asks to come back later"),
    ("server-error", "the server is broken or down"),
    ("service-account-not-selected", "the product works as another identity than the service account"),
    ("sovereign-cloud-mismatch", "the tenant lives in another national cloud than the one that was asked"),
    ("sso-federated", "the domain signs in at another identity provider"),
    ("sync-state-invalid", "a stored sync state is no longer accepted"),
    ("tenant-not-found", "the sign-in service does not know the domain or tenant"),
    ("throttled", "too many requests in a time window"),
    ("tls-cert-untrusted", "the certificate cannot be trusted"),
    ("tls-hostname-mismatch", "the certificate was issued for another name"),
    ("tls-version", "both sides have no TLS version or cipher in common"),
    ("token-revoked", "the stored refresh token is dead"),
    ("unknown", "nothing that is known fits"),
    ("user-assignment-required", "the app wants its users assigned, and this account is not"),
    ("user-not-found", "the directory has no such account"),
    ("wrong-endpoint", "the address leads to something that does not speak the protocol"),
];

/// Stands where something is wrong, and what was seen does not tell why.
pub const UNKNOWN: &str = "unknown";

/// Causes that an outage of a cloud service may have; with any other, the trouble is at home.
pub const OF_AN_OUTAGE: &[&str] = &["network-timeout", "server-busy", "server-error", "throttled"];

/// What a cause means.
pub fn meaning(cause: &str) -> Option<&'static str> {
    let found = CAUSES.binary_search_by(|(name, _)| (*name).cmp(cause)).ok()?;
    Some(CAUSES[found].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_in_order_so_that_they_are_found() {
        assert!(CAUSES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(meaning("proxy"), Some("the proxy cannot be reached, wants a sign-in, or blocks"));
        assert_eq!(meaning("proxies"), None);
    }
}
