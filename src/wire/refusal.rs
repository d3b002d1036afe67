//! What a refused answer itself gives as the reason: one reading of status, headers and body for Exchange
//! Web Services and Microsoft Graph, whatever the wording.
//!
//! Only what stands in the answer counts; what several causes share stays as vague as it is. Knows nothing
//! of who asked or of what is configured.

use base64::{
    Engine as _,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use http::{HeaderMap, header};

/// Most of a body that is looked at.
const LOOKED_AT: usize = 8 << 10;

/// The reason that a refusal gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Exchange Web Services are switched off, for the mailbox or for the organization.
    SwitchedOff,
    /// They are switched off for the organization, and the answer says so.
    SwitchedOffOrganization,
    /// They are switched off for the mailbox, and the answer says so.
    SwitchedOffMailbox,
    /// A list of apps or of user agents leaves the caller out.
    NotAdmitted,
    /// An application access policy, or the scope of the app's role, leaves the mailbox out.
    AccessPolicy,
    /// Access by `OData` is off, and the answer names no policy.
    ODataOff,
    /// The place that the call comes from is not admitted.
    Location,
    /// The token was made before a revocation.
    Revoked,
    /// The token lacks claims that are wanted now.
    Claims,
    /// The token was made for another service.
    Audience,
    /// The token carries no permission for it.
    Permission,
    /// The token's signature is not accepted.
    Signature,
    /// The token was got with a weaker credential than the service wants.
    Strength,
    /// The token has expired.
    Expired,
    /// A license is missing.
    License,
    /// The service itself refused, and gives no reason.
    Denied,
    /// Nothing in the answer is the service's: something in between may have answered.
    Stranger,
}

impl Given {
    /// As in the facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SwitchedOff => "switched-off",
            Self::SwitchedOffOrganization => "switched-off-organization",
            Self::SwitchedOffMailbox => "switched-off-mailbox",
            Self::NotAdmitted => "not-admitted",
            Self::AccessPolicy => "access-policy",
            Self::ODataOff => "odata-off",
            Self::Location => "location",
            Self::Revoked => "revoked",
            Self::Claims => "claims",
            Self::Audience => "audience",
            Self::Permission => "permission",
            Self::Signature => "signature",
            Self::Strength => "strength",
            Self::Expired => "expired",
            Self::License => "license",
            Self::Denied => "denied",
            Self::Stranger => "stranger",
        }
    }
}

/// Reads the reason of an answer; `None` where it is no refusal. `of_service`: the body has the form in
/// which the service answers.
pub fn given(status: u16, headers: &HeaderMap, body: &[u8], of_service: bool) -> Option<Given> {
    let policy = text(headers, "x-ews-policy-reason");
    if !matches!(status, 401 | 403) && (policy.is_empty() || status < 400) {
        return None;
    }
    let body = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body)).to_lowercase();
    let diagnostics = text(headers, "x-ms-diagnostics");
    let known = challenge(headers, &body)
        .or_else(|| (!policy.is_empty()).then(|| policy_reason(&policy)))
        .or_else(|| diagnosed(&diagnostics))
        .or_else(|| worded(&body));
    let marked = of_service || !diagnostics.is_empty() || has_marks(headers);
    known.or(Some(if marked { Given::Denied } else { Given::Stranger }))
}

/// Headers that Microsoft's services put on what they answer.
const MARKS: [&str; 7] = [
    "request-id",
    "x-beserver",
    "x-calculatedbetarget",
    "x-diaginfo",
    "x-feserver",
    "x-ms-ags-diagnostic",
    "x-owa-version",
];

fn has_marks(headers: &HeaderMap) -> bool {
    MARKS.iter().any(|name| headers.contains_key(*name))
}

/// All values of a header, lower case.
fn text(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(", ").to_lowercase()
}

fn has(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

const OFF: [&str; 7] = [
    "disabled",
    "turned off",
    "switched off",
    "not enabled",
    "deactivated",
    "ewsenabled",
    "has been shut off",
];

/// What the header of the switches and lists says.
fn policy_reason(text: &str) -> Given {
    if !has(text, &OFF) {
        return Given::NotAdmitted;
    }
    let organization = has(text, &["tenant", "organization", "organisation", "company"]);
    let mailbox = has(text, &["user", "mailbox", "account", "recipient"]);
    match (organization, mailbox) {
        (true, false) => Given::SwitchedOffOrganization,
        (false, true) => Given::SwitchedOffMailbox,
        _ => Given::SwitchedOff,
    }
}

/// A challenge that wants a new token with other claims.
fn challenge(headers: &HeaderMap, body: &str) -> Option<Given> {
    let offered = text(headers, header::WWW_AUTHENTICATE.as_str());
    let wanted = has(&offered, &["insufficient_claims", "claims="])
        || has(body, &["insufficient_claims", "continuous access evaluation", "claims challenge"]);
    if !wanted {
        return None;
    }
    let said = format!("{} {body}", decoded(headers).unwrap_or_default());
    Some(if has(&said, &["locationcondition", "xms_rp_ipaddr", "ip address", "ipaddress", "location"]) {
        Given::Location
    } else if has(&said, &["revocation", "revoked"]) {
        Given::Revoked
    } else {
        Given::Claims
    })
}

/// The claims that a challenge names, lower case.
fn decoded(headers: &HeaderMap) -> Option<String> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let Some((_, rest)) = value.split_once("claims=") else { continue };
        let encoded = rest.trim_start_matches('"').split(['"', ',', ' ']).next().unwrap_or_default();
        for alphabet in [&base64::alphabet::STANDARD, &base64::alphabet::URL_SAFE] {
            if let Ok(bytes) = GeneralPurpose::new(alphabet, config).decode(encoded) {
                return Some(String::from_utf8_lossy(&bytes).to_lowercase());
            }
        }
    }
    None
}

/// What Exchange's diagnostics of a token say.
fn diagnosed(text: &str) -> Option<Given> {
    let code: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    Some(match code.as_str() {
        _ if text.is_empty() => return None,
        "2000003" => Given::Audience,
        "2000008" => Given::Permission,
        "2000000" => Given::Signature,
        "2000010" => Given::Strength,
        _ if has(text, &["invalid_resource", "audience"]) => Given::Audience,
        _ if has(text, &["invalid_grant", "no permissions"]) => Given::Permission,
        _ if has(text, &["invalid_signature"]) => Given::Signature,
        _ if has(text, &["insufficient_auth_strength"]) => Given::Strength,
        _ if has(text, &["expired"]) => Given::Expired,
        _ => return None,
    })
}

const NO_PERMISSION: [&str; 8] = [
    "insufficient privileges",
    "authorization_requestdenied",
    "contains no permissions",
    "scp or roles claim",
    "missing scope",
    "required scopes",
    "permissions are missing",
    "lacks the required permission",
];

/// What the words of a body say.
fn worded(body: &str) -> Option<Given> {
    let of_ews = has(body, &["ews", "exchange web services"]);
    Some(if has(body, &["raop", "accesspolicy", "application access policy", "app access policy"]) {
        Given::AccessPolicy
    } else if of_ews && has(body, &OFF) {
        policy_reason(body)
    } else if of_ews && has(body, &["blocked by policy", "allow list", "allowlist", "not an allowed app"]) {
        Given::NotAdmitted
    } else if body.contains("odata") && has(body, &OFF) {
        Given::ODataOff
    } else if body.contains("audience") {
        Given::Audience
    } else if has(body, &NO_PERMISSION) {
        Given::Permission
    } else if has(body, &["licens", "licenc"]) {
        Given::License
    } else if body.contains("expired") {
        Given::Expired
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(status: u16, headers: &[(&str, &str)], body: &str, of_service: bool) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        given(status, &map, body.as_bytes(), of_service).map(Given::as_str)
    }

    #[test]
    fn the_header_of_the_switches_is_read_in_any_case_and_wording() {
        for (text, reason) in [
            ("EWS is disabled for this user or tenant", "switched-off"),
            ("ews IS DISABLED for this user or tenant.", "switched-off"),
            ("Exchange Web Services have been turned off for this organization", "switched-off-organization"),
            ("EWS is not enabled for the mailbox", "switched-off-mailbox"),
            ("EWS is blocked by policy for this user or tenant", "not-admitted"),
            ("The application is not in the list", "not-admitted"),
        ] {
            assert_eq!(read(403, &[("x-ews-POLICY-reason", text)], "", false), Some(reason), "{text}");
        }
        assert_eq!(read(200, &[("X-EWS-Policy-Reason", "EWS is disabled")], "", true), None);
    }

    #[test]
    fn without_a_reason_it_counts_who_answered() {
        assert_eq!(read(403, &[("X-FEServer", "AM0")], "", false), Some("denied"));
        assert_eq!(read(403, &[], "", false), Some("stranger"));
        assert_eq!(
            read(403, &[("Server", "squid")], "<html>Access denied by the proxy</html>", false),
            Some("stranger")
        );
        let body = r#"{"error":{"code":"ErrorAccessDenied","message":"Access is denied. Check credentials and try again."}}"#;
        assert_eq!(read(403, &[], body, true), Some("denied"));
        assert_eq!(read(404, &[], body, true), None);
    }

    #[test]
    fn texts_of_graph_name_the_gate() {
        let raop = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";
        assert_eq!(read(403, &[], raop, true), Some("access-policy"));
        assert_eq!(read(403, &[], "<html>Access to OData is disabled.</html>", false), Some("odata-off"));
        assert_eq!(
            read(401, &[], "Access token validation failure. Invalid audience.", true),
            Some("audience")
        );
        let privileges = "Insufficient privileges to complete the operation.";
        assert_eq!(read(403, &[], privileges, true), Some("permission"));
        assert_eq!(read(403, &[], "The tenant is not licensed.", true), Some("license"));
    }

    #[test]
    fn diagnostics_of_a_token_are_read_by_number_or_word() {
        for (text, reason) in [
            ("2000003;reason=\"The audience claim\";error_category=\"invalid_resource\"", "audience"),
            ("2000008;reason=\"No\";error_category=\"invalid_grant\"", "permission"),
            ("error_category=\"invalid_signature\"", "signature"),
            ("2000010;reason=\"x\"", "strength"),
            ("4711;reason=\"new\"", "denied"),
        ] {
            assert_eq!(read(401, &[("x-ms-diagnostics", text)], "", false), Some(reason), "{text}");
        }
    }

    #[test]
    fn a_challenge_for_claims_names_the_place_or_the_revocation() {
        let challenge = |claims: &str| {
            let claims = STANDARD.encode(claims);
            format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{claims}\"")
        };
        let place = challenge(r#"{"access_token":{"xms_rp_ipaddr":{"value":"203.0.113.9"}}}"#);
        let other = challenge(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#);
        for status in [401, 403] {
            assert_eq!(read(status, &[("WWW-Authenticate", &place)], "", false), Some("location"));
            assert_eq!(read(status, &[("www-authenticate", &other)], "", false), Some("claims"));
        }
        let body = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: \
                    TokenIssuedBeforeRevocationTimestamp";
        assert_eq!(read(401, &[], body, true), Some("revoked"));
    }
}
