//! `$batch`: up to twenty requests in one, each answered as if it had come alone.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::error::{self, Refusal};
use crate::lab::ask::{Answer, Ask};
use crate::lab::front::Parts;
use crate::lab::store::Store;
use crate::lab::view::View;

/// Requests of one batch that are served.
const LARGEST: usize = 20;

/// Whether a path is that of batches.
pub fn is_batch(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let version = segments.next().unwrap_or_default();
    let known = version.eq_ignore_ascii_case("v1.0") || version.eq_ignore_ascii_case("beta");
    known && segments.next() == Some("$batch") && segments.next().is_none()
}

/// The requests of a batch, as far as it can be read.
pub fn parts(ask: &Ask) -> Vec<Ask> {
    let body: Value = serde_json::from_slice(&ask.body).unwrap_or_default();
    let items = body["requests"].as_array().into_iter().flatten().take(LARGEST);
    items.map(|item| part(ask, item)).collect()
}

/// Runs a batch in the order of its dependencies.
pub(super) fn run(view: View, store: &Store, parts: &Parts, ask: &Ask) -> Result<Value, Refusal> {
    let items = read(ask)?;
    let mut done: Vec<(&str, bool)> = Vec::new();
    let mut responses = Vec::new();
    for item in &items {
        let id = item["id"].as_str().unwrap_or_default();
        let mut waits = item["dependsOn"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let ready = waits.all(|other| done.iter().any(|(known, fine)| *known == other && *fine));
        let part = part(ask, item);
        let answer = if ready {
            parts.answer(&part, &|part| error::answer(part, super::respond(view, store, part)))
        } else {
            let text = "The request failed because it depended on another request that failed.";
            error::answer(&part, Err(Refusal::new(424, "FailedDependency", text)))
        };
        done.push((id, (200..300).contains(&answer.status)));
        responses.push(response(id, answer));
    }
    Ok(json!({ "responses": responses }))
}

/// The requests of a batch, or why it is none.
fn read(ask: &Ask) -> Result<Vec<Value>, Refusal> {
    let bad = |text: &str| Err(Refusal::new(400, "BadRequest", text));
    if ask.method != "POST" {
        return bad("Only POST is supported for batch requests.");
    }
    let Ok(mut body) = serde_json::from_slice::<Value>(&ask.body) else {
        return bad("Invalid batch payload format.");
    };
    let items = match body["requests"].take() {
        Value::Array(items) if !items.is_empty() => items,
        _ => return bad("Invalid batch payload format."),
    };
    if items.len() > LARGEST {
        return bad(&format!("Number of batch request steps exceeds the maximum value of {LARGEST}."));
    }
    let mut known: Vec<&str> = Vec::new();
    for item in &items {
        let Some(id) = item["id"].as_str().filter(|id| !id.is_empty()) else {
            return bad("Request Id cannot be null or empty for a batch request.");
        };
        if known.iter().any(|other| other.eq_ignore_ascii_case(id)) {
            return bad(&format!("Request Id has to be unique in a batch. Duplicate: {id}"));
        }
        known.push(id);
    }
    Ok(items)
}

/// One item of a batch as a request of its own.
fn part(ask: &Ask, item: &Value) -> Ask {
    let url = item["url"].as_str().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let version = ask.path.split('/').find(|segment| !segment.is_empty()).unwrap_or("v1.0");
    // Of the outer request, only who asks is the parts' own too.
    let shared = ["authorization", "user-agent", "client-request-id"];
    let outer =
        ask.headers.iter().filter(|(name, _)| shared.iter().any(|own| own.eq_ignore_ascii_case(name)));
    let mut headers: Vec<(String, String)> = outer.cloned().collect();
    for (name, value) in item["headers"].as_object().into_iter().flatten() {
        headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
    }
    Ask {
        method: item["method"].as_str().unwrap_or("GET").to_uppercase(),
        host: ask.host.clone(),
        path: format!("/{version}/{}", path.trim_start_matches('/')),
        query: query.to_owned(),
        headers,
        body: if item["body"].is_null() { Vec::new() } else { item["body"].to_string().into_bytes() },
        claims: ask.claims.clone(),
        expired: ask.expired,
        request_id: uuid::Uuid::new_v4().to_string(),
    }
}

/// One item of the answer: a JSON body as it is, any other in base64.
fn response(id: &str, answer: Answer) -> Value {
    let headers: Map<String, Value> =
        answer.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let mut item = json!({ "id": id, "status": answer.status, "headers": headers });
    if !answer.body.is_empty() {
        item["body"] = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| BASE64_STANDARD.encode(&answer.body).into());
    }
    item
}
