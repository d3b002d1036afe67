//! Refusals of Microsoft Graph: code, status, text, and the body they travel in.

use serde_json::{Value, json};

use super::routes::Done;
use crate::lab::ask::{Answer, Ask};

/// Content type of every Graph answer.
pub(super) const JSON: &str = "application/json";

/// One refusal.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Code that clients branch on.
    pub code: String,
    /// Text for people.
    pub message: String,
}

impl Refusal {
    /// A refusal of that status, code and text.
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// The directory object is not there.
    pub(super) fn not_found(key: &str) -> Self {
        let text = format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", text)
    }

    /// The path names something that the model does not have.
    pub(super) fn no_segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    /// The token lacks the permission, or its user lacks the role.
    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// Sign-in data without a premium subscription.
    pub(super) fn not_premium() -> Self {
        Self::new(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )
    }

    /// The filter is no form that this path supports.
    pub(super) fn filter(text: &str) -> Self {
        Self::new(
            400,
            "Request_UnsupportedQuery",
            format!("Unsupported or invalid query filter clause: {text}"),
        )
    }

    /// The body that carries the refusal.
    pub(super) fn body(&self, ask: &Ask) -> Value {
        let date = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let request_id = &ask.request_id;
        let client = ask.header("client-request-id").unwrap_or(request_id);
        json!({ "error": { "code": self.code, "message": self.message,
            "innerError": { "date": date, "request-id": request_id, "client-request-id": client } } })
    }
}

/// The HTTP answer of one outcome, with the headers that Graph puts on everything.
pub(super) fn answer(ask: &Ask, outcome: Result<Done, Refusal>) -> Answer {
    let done = outcome.unwrap_or_else(|refusal| Done {
        status: refusal.status,
        body: Some(refusal.body(ask)),
        headers: Vec::new(),
    });
    let client = ask.header("client-request-id").unwrap_or(&ask.request_id).to_owned();
    let answer = match &done.body {
        Some(body) => Answer::new(done.status, kind(done.status), body.to_string()),
        None => Answer::empty(done.status),
    };
    let answer = if done.status == 401 { answer.with("WWW-Authenticate", challenge(ask)) } else { answer };
    let answer = done.headers.into_iter().fold(answer, |answer, (name, value)| answer.with(&name, value));
    answer
        .with("Cache-Control", "no-cache")
        .with("request-id", &ask.request_id)
        .with("client-request-id", client)
        .with("x-ms-ags-diagnostic", DIAGNOSTIC)
        .with("OData-Version", "4.0")
}

/// Content type by status: metadata level stands only on what is data.
fn kind(status: u16) -> &'static str {
    match status {
        200 | 201 => {
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
        }
        _ => JSON,
    }
}

/// The challenge that goes with a refused token.
fn challenge(ask: &Ask) -> String {
    format!(
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         client_id=\"00000003-0000-0000-c000-000000000000\", resource_host=\"{}\"",
        ask.host
    )
}

/// Where the request was served, as Graph tells it.
const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"002","RoleInstance":"AM2PEPF00000001"}}"#;
