//! Answers of the token endpoint: what they say, and what they prove.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::Value;

use super::{
    super::{Failure, Response, Secret, json},
    Proof,
};

/// Most characters of a text of the server that are kept.
const TEXT: usize = 400;

/// Most entries of a list of the server that are kept.
const ENTRIES: usize = 64;

/// What a token says of itself; all empty where it is opaque.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `aud`.
    pub audience: Option<String>,
    /// `tid`.
    pub tenant_id: Option<String>,
    /// `appid` or `azp`.
    pub app_id: Option<String>,
    /// `idtyp`, else told from the other claims: `app` or `user`.
    pub identity_kind: Option<&'static str>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `scp`.
    pub scopes: Vec<String>,
    /// `upn`.
    pub upn: Option<String>,
    /// `wids`: role template ids.
    pub directory_roles: Vec<String>,
    /// `xms_cc`: what the client says that it can do; `cp1` is answering claims challenges.
    pub capabilities: Vec<String>,
    /// `exp`, seconds since 1970.
    pub expires: Option<i64>,
}

/// A token and its claims.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// Its claims; `None`: opaque.
    pub claims: Option<Claims>,
    /// What further tokens can be had with, where it was asked for.
    pub refresh_token: Option<Secret>,
}

impl Token {
    /// A token of this text.
    pub fn new(text: &str) -> Self {
        Self { secret: Secret::new(text), claims: claims(text), refresh_token: None }
    }
}

/// An answer of the token endpoint without a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error`.
    pub error: Option<String>,
    /// `suberror`.
    pub suberror: Option<String>,
    /// The most telling AADSTS number.
    pub code: Option<i64>,
    /// All AADSTS numbers, from the list and from the text.
    pub codes: Vec<i64>,
    /// First sentence of the description.
    pub text: Option<String>,
    /// Conditional Access policies named in the claims challenge.
    pub policy_ids: Vec<String>,
    /// `trace_id`.
    pub trace_id: Option<String>,
    /// `correlation_id`.
    pub correlation_id: Option<String>,
}

impl Refusal {
    /// Whether the answer shows that the password was right (`true`) or wrong (`false`); `None` where
    /// it shows neither.
    pub fn proves_password(&self) -> Option<bool> {
        match self.code? {
            50055 | 50072 | 50074 | 50076 | 50079 | 50158 | 53000 | 53001 | 53003 | 530_003 => Some(true),
            50126 | 50064 => Some(false),
            _ => None,
        }
    }

    /// Whether the credential itself was found wanting, so that sending it again can only do harm: it
    /// counts towards a lock-out, or cannot succeed before it is replaced.
    pub fn condemns(&self, proof: &Proof) -> bool {
        let Some(code) = self.code else {
            return matches!(self.error.as_deref(), Some("invalid_client" | "invalid_grant"));
        };
        match proof {
            Proof::ClientSecret(_) => matches!(code, 70002 | 7_000_215 | 7_000_222),
            // Sending these again harms nobody, and the next run shall see that they were registered.
            Proof::Assertion(_) | Proof::Certificate(_) | Proof::Command(_) | Proof::ManagedIdentity(_) => {
                false
            }
            Proof::AuthorizationCode { .. } | Proof::DeviceCode(_) => true,
            Proof::Password { .. } => matches!(code, 50053 | 50055 | 50056 | 50064 | 50126 | 50144 | 80007),
            Proof::RefreshToken(_) => {
                matches!(code, 50173 | 70000 | 70008 | 70043 | 700_082 | 700_084 | 530_036)
            }
        }
    }
}

/// What became of a token request.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A token.
    Token(Token),
    /// The sign-in service said no.
    Refused(Refusal),
    /// The sign-in service is throttling or down.
    Busy {
        /// HTTP status.
        status: u16,
    },
    /// No answer.
    NoAnswer(Failure),
    /// An answer that is no OAuth answer.
    Unreadable {
        /// HTTP status.
        status: u16,
        /// In words.
        text: String,
    },
}

/// Reads an answer of the token endpoint.
pub fn read(response: &Response) -> Outcome {
    let status = response.status.as_u16();
    let body = match json::parse(&response.body) {
        Ok(body) => body,
        Err(_) if is_busy(response.status) => return Outcome::Busy { status },
        Err(text) => return Outcome::Unreadable { status, text },
    };
    // A claims challenge holds the words "access_token" too: only the top level counts.
    if let Some(token) = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty()) {
        let refresh_token = body.get("refresh_token").and_then(Value::as_str).map(Secret::new);
        return Outcome::Token(Token { refresh_token, ..Token::new(token) });
    }
    match refusal(status, &body) {
        Some(refusal) => Outcome::Refused(refusal),
        None if is_busy(response.status) => Outcome::Busy { status },
        None => Outcome::Unreadable { status, text: "the answer holds neither a token nor an error".into() },
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// Reads an OAuth error body; `None` when it is none.
pub fn refusal(status: u16, body: &Value) -> Option<Refusal> {
    let text = |name: &str| {
        let text = json::clip(body.get(name)?.as_str()?, TEXT);
        (!text.is_empty()).then_some(text)
    };
    let description = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let codes = codes(body, description);
    let error = text("error");
    if error.is_none() && codes.is_empty() {
        return None;
    }
    let sentence = first_sentence(description) + &reason(description);
    Some(Refusal {
        status,
        error,
        suberror: text("suberror"),
        // 70002 only says "credentials"; the number beside it says which.
        code: codes.iter().find(|code| **code != 70002).or(codes.first()).copied(),
        codes,
        text: (!sentence.is_empty()).then_some(sentence),
        policy_ids: policy_ids(body),
        trace_id: text("trace_id"),
        correlation_id: text("correlation_id"),
    })
}

fn codes(body: &Value, description: &str) -> Vec<i64> {
    let listed = body.get("error_codes").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.filter_map(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok()));
    let mut codes = Vec::new();
    for code in listed.chain(codes_in(description)).take(ENTRIES) {
        if code > 0 && !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// The AADSTS numbers of a text, in order.
pub fn codes_in(text: &str) -> impl Iterator<Item = i64> + '_ {
    text.split("AADSTS").skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).take(8).collect();
        (5..=7).contains(&digits.len()).then(|| digits.parse().ok())?
    })
}

/// The first sentence of an error description, without the ids that follow it.
pub fn first_sentence(description: &str) -> String {
    let text = description.split(['\r', '\n']).next().unwrap_or_default();
    let text = text.split("Trace ID:").next().unwrap_or_default();
    let end = text.match_indices('.').map(|(at, _)| at + 1).find(|end| {
        let rest = text.get(*end..).unwrap_or_default();
        rest.is_empty() || rest.starts_with(' ') || rest.starts_with("AADSTS")
    });
    json::clip(end.and_then(|end| text.get(..end)).unwrap_or(text), TEXT)
}

/// What stands behind `[Reason - ` in descriptions of refused assertions, in brackets.
fn reason(description: &str) -> String {
    let reason =
        description.split_once("[Reason - ").and_then(|(_, rest)| rest.split(['.', ']', ',']).next());
    reason.map_or_else(String::new, |reason| format!(" ({})", json::clip(reason, 100)))
}

/// The policy ids in the claims challenge, which is JSON inside a string.
fn policy_ids(body: &Value) -> Vec<String> {
    let challenge = body.get("claims").and_then(Value::as_str).unwrap_or_default();
    let Ok(challenge) = json::parse(challenge.as_bytes()) else {
        return Vec::new();
    };
    let values = challenge.pointer("/access_token/capolids/values").and_then(Value::as_array);
    strings(values.map(Vec::as_slice).unwrap_or_default())
}

fn strings(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).take(ENTRIES).map(|text| json::clip(text, TEXT)).collect()
}

/// The claims of a token; `None` when it is opaque. Nothing is verified: the token is ours to send,
/// not ours to trust.
pub fn claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1).filter(|_| token.split('.').count() == 3)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let payload = json::parse(&payload).ok()?;
    let text = |name: &str| Some(json::clip(payload.get(name)?.as_str()?, TEXT));
    let list = |name: &str| {
        payload.get(name).and_then(Value::as_array).map(|list| strings(list)).unwrap_or_default()
    };
    let scopes: Vec<String> = text("scp").map(|scopes| words(&scopes)).unwrap_or_default();
    let identity_kind = match text("idtyp").as_deref() {
        Some("app") => Some("app"),
        Some(_) => Some("user"),
        None if !scopes.is_empty() || payload.get("upn").is_some() => Some("user"),
        None if payload.get("roles").is_some() => Some("app"),
        None => None,
    };
    let audience = payload.get("aud").and_then(|aud| aud.as_str().or_else(|| aud.get(0)?.as_str()));
    Some(Claims {
        audience: audience.map(|aud| json::clip(aud, TEXT)),
        tenant_id: text("tid"),
        app_id: text("appid").or_else(|| text("azp")),
        identity_kind,
        roles: list("roles"),
        scopes,
        upn: text("upn"),
        directory_roles: list("wids"),
        capabilities: list("xms_cc"),
        expires: payload.get("exp").and_then(Value::as_i64),
    })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().take(ENTRIES).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: impl Into<Bytes>) -> Outcome {
        let status = StatusCode::from_u16(status).expect("a status");
        read(&Response { status, headers: HeaderMap::new(), body: body.into() })
    }

    fn refused(body: &Value) -> Refusal {
        match answer(400, body.to_string()) {
            Outcome::Refused(refusal) => refusal,
            other => panic!("not a refusal: {other:?}"),
        }
    }

    fn jwt(payload: &Value) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[test]
    fn a_token_counts_only_at_the_top_level() {
        let challenge = r#"{"access_token":{"capolids":{"essential":true,"values":["p-1"]}}}"#;
        let refusal =
            refused(&json!({ "error": "invalid_grant", "error_codes": [53003], "claims": challenge }));
        assert_eq!((refusal.code, refusal.policy_ids), (Some(53003), vec!["p-1".to_owned()]));
    }

    #[test]
    fn the_number_is_found_in_the_text_when_the_list_is_empty() {
        let refusal = refused(&json!({
            "error": "invalid_client", "error_codes": [],
            "error_description": "AADSTS7000222: The key ran out. Ask for a new one. Trace ID: t",
        }));
        assert_eq!(refusal.code, Some(7_000_222));
        assert_eq!(refusal.text.as_deref(), Some("AADSTS7000222: The key ran out."));
    }

    #[test]
    fn the_reason_of_a_refused_assertion_is_kept() {
        let text = "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found., \
            Thumbprint of key used by client: 'AB', Please visit the page] Trace ID: x";
        let refusal = refused(&json!({ "error": "invalid_client", "error_description": text }));
        let kept = "AADSTS700027: Client assertion contains an invalid signature. (The key was not found)";
        assert_eq!(refusal.text.as_deref(), Some(kept));
    }

    #[test]
    fn the_telling_number_wins_over_the_general_one() {
        let refusal = refused(&json!({ "error": "invalid_grant", "error_codes": [70002, "50126"] }));
        assert_eq!((refusal.code, refusal.codes), (Some(50126), vec![70002, 50126]));
    }

    #[test]
    fn numbers_of_other_lengths_are_no_codes() {
        assert_eq!(codes_in("AADSTS123 AADSTS50076: x AADSTS123456789").collect::<Vec<_>>(), [50076]);
    }

    #[test]
    fn a_sentence_ends_before_the_next_code() {
        assert_eq!(first_sentence("AADSTS70002: Bad.AADSTS70008: Old.Trace ID: x"), "AADSTS70002: Bad.");
        assert_eq!(first_sentence("No v2.0 endpoint here. More."), "No v2.0 endpoint here.");
    }

    #[test]
    fn what_codes_prove_of_the_password() {
        let proves = |code| Refusal { code: Some(code), ..Refusal::default() }.proves_password();
        for code in [50055, 50072, 50074, 50076, 50079, 50158, 53003, 530_003] {
            assert_eq!(proves(code), Some(true), "{code}");
        }
        assert_eq!(proves(50126), Some(false));
        for code in [50034, 50053, 50057, 65001, 700_016] {
            assert_eq!(proves(code), None, "{code}");
        }
    }

    #[test]
    fn hostile_bodies_are_values() {
        assert!(matches!(answer(200, "<html>"), Outcome::Unreadable { status: 200, .. }));
        assert!(matches!(answer(503, "busy"), Outcome::Busy { status: 503 }));
        assert!(matches!(answer(200, "[".repeat(10_000)), Outcome::Unreadable { .. }));
        assert!(matches!(answer(200, r#"{"access_token": {}}"#), Outcome::Unreadable { .. }));
        let long = refused(&json!({ "error": "x".repeat(10_000), "claims": 7, "error_codes": [-1, null] }));
        assert!(long.error.is_some_and(|error| error.chars().count() <= TEXT + 1));
    }

    #[test]
    fn claims_of_an_app_and_of_a_user() {
        let app = claims(&jwt(&json!({ "aud": "https://graph.microsoft.com", "tid": "t", "appid": "a",
            "roles": ["User.Read.All"], "exp": 1000 })))
        .expect("claims");
        assert_eq!((app.identity_kind, app.roles.len()), (Some("app"), 1));
        assert_eq!(app.expires, Some(1000));
        let user = claims(&jwt(&json!({ "azp": "b", "scp": "Mail.Read  User.Read", "wids": ["w"] })))
            .expect("claims");
        assert_eq!((user.identity_kind, user.app_id.as_deref()), (Some("user"), Some("b")));
        assert_eq!((user.scopes.len(), user.directory_roles.len()), (2, 1));
    }

    #[test]
    fn an_opaque_token_has_no_claims() {
        assert_eq!(claims("EwBwA8l6BAAU"), None);
        assert_eq!(claims("a.%%%.c"), None);
    }
}
