//! Refusals of the sign-in service: the documented error body, with the codes that Microsoft uses.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::lab::call::{self, Answer, Call};

/// One refusal.
#[derive(Debug)]
pub struct Refusal {
    error: &'static str,
    code: u64,
    text: String,
    suberror: Option<&'static str>,
    policies: Vec<String>,
}

impl Refusal {
    /// A refusal with an OAuth error, an AADSTS number and a text.
    pub fn new(error: &'static str, code: u64, text: impl Into<String>) -> Self {
        Self { error, code, text: text.into(), suberror: None, policies: Vec::new() }
    }

    /// The grant (password, refresh token) was not accepted.
    pub fn grant(code: u64, text: impl Into<String>) -> Self {
        Self::new("invalid_grant", code, text)
    }

    /// The client's own credential was not accepted.
    pub fn client(code: u64, text: impl Into<String>) -> Self {
        Self::new("invalid_client", code, text)
    }

    /// A form field is missing.
    pub fn missing(field: &str) -> Self {
        Self::new(
            "invalid_request",
            900_144,
            format!("The request body must contain the parameter '{field}'."),
        )
    }

    /// The tenant knows no such app.
    pub fn no_such_app(client_id: &str, tenant: &str) -> Self {
        Self::new(
            "unauthorized_client",
            700_016,
            format!("Application with identifier '{client_id}' was not found in the directory '{tenant}'."),
        )
    }

    /// A refusal as a world spells it out: code, error, suberror, description, policies.
    pub fn scripted(script: &Value) -> Option<Self> {
        let code = script["code"].as_u64()?;
        let error = match script["error"].as_str() {
            Some("invalid_client") => "invalid_client",
            Some("unauthorized_client") => "unauthorized_client",
            Some("interaction_required") => "interaction_required",
            Some("invalid_request") => "invalid_request",
            Some("temporarily_unavailable") => "temporarily_unavailable",
            _ => "invalid_grant",
        };
        let text = script["description"].as_str().unwrap_or("The request was refused.");
        let mut refusal = Self::new(error, code, text);
        refusal.suberror = match script["suberror"].as_str() {
            Some("basic_action") => Some("basic_action"),
            Some("additional_action") => Some("additional_action"),
            Some("message_only") => Some("message_only"),
            Some("consent_required") => Some("consent_required"),
            Some("user_password_expired") => Some("user_password_expired"),
            Some("bad_token") => Some("bad_token"),
            Some("token_expired") => Some("token_expired"),
            _ => None,
        };
        refusal.policies = crate::lab::world::items(&script["policies"])
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        Some(refusal)
    }

    /// With the hint for clients what could be done about it.
    pub fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    /// With the ids of the Conditional Access policies that stopped the sign-in.
    pub fn policies(mut self, ids: Vec<String>) -> Self {
        self.policies = ids;
        self
    }

    /// The HTTP answer.
    pub fn answer(&self, call: &Call) -> Answer {
        let trace = Uuid::new_v4().to_string();
        let correlation =
            call.header("client-request-id").map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let time = Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let (code, text) = (self.code, &self.text);
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
            ),
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://{}/error?code={code}", call.host),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if !self.policies.is_empty() {
            let claims = json!({"access_token": {"capolids": {"essential": true, "values": self.policies}}});
            body["claims"] = claims.to_string().into();
        }
        let status = match self.error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        call::json(status, &body)
    }
}
