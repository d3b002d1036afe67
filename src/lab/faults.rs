//! Faults that a world injects in front of its services: refusals, delays and broken answers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::{
    World,
    call::{self, Answer, Call},
    ews, world,
};

/// What a fault does instead of the service.
#[derive(Debug)]
pub enum Fault {
    /// Answers this.
    Answer(Answer),
    /// Lets the service do its work and answers this in its stead; `None`: drops the connection.
    Lost(Option<Answer>),
    /// Announces a longer body than it sends.
    Truncated,
    /// Never stops sending.
    Endless,
    /// Sends this many bytes.
    Oversized(u64),
    /// Drops the connection.
    Reset,
}

/// The request that a fault may strike.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Method.
    pub method: &'a str,
    /// Host, lower case.
    pub host: &'a str,
    /// Path as sent.
    pub path: &'a str,
    /// Query as sent.
    pub query: &'a str,
    /// Body.
    pub body: &'a [u8],
}

impl<'a> From<&'a Call> for Target<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            method: call.method.as_str(),
            host: &call.host,
            path: &call.path,
            query: &call.query,
            body: &call.body,
        }
    }
}

/// Counts how often each fault was met.
#[derive(Debug, Default)]
pub struct Faults {
    met: Mutex<HashMap<String, u64>>,
}

impl Faults {
    /// The fault that strikes this request, and how long the answer is held back; that alone may be what
    /// the faults do. Delays add up.
    pub fn strike(&self, world: &World, target: Target) -> (Duration, Option<Fault>) {
        let mut delay = Duration::ZERO;
        for (key, fault) in world.entries("/faults") {
            if !matches(fault, target) || !self.is_due(key, fault, target) {
                continue;
            }
            delay += Duration::from_millis(fault["delay_ms"].as_u64().unwrap_or_default());
            if let Some(effect) = effect(fault, target.body) {
                return (delay, Some(effect));
            }
        }
        (delay, None)
    }

    /// Whether this meeting is one of those at which the fault strikes.
    fn is_due(&self, key: &str, fault: &Value, target: Target) -> bool {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let met = met.entry(counter(key, fault, target)).or_default();
        let before = fault["after"].as_u64().unwrap_or_default();
        let due = *met >= before && *met - before < fault["times"].as_u64().unwrap_or(u64::MAX);
        *met += 1;
        due
    }
}

fn counter(key: &str, fault: &Value, target: Target) -> String {
    match fault["per_path"].as_bool() {
        Some(true) => format!("{key} {} {}?{}", target.method, target.path, target.query),
        _ => key.to_owned(),
    }
}

fn matches(fault: &Value, target: Target) -> bool {
    let host = fault["host"].as_str().is_none_or(|host| host.eq_ignore_ascii_case(target.host));
    let path = fault["path"].as_str().is_none_or(|pattern| fits(pattern, target.path));
    let method = fault["method"].as_str().is_none_or(|method| method.eq_ignore_ascii_case(target.method));
    let operation = fault["operation"].as_str().is_none_or(|operation| runs(operation, target.body));
    host && path && method && operation
}

/// Whether a SOAP body has an element of that name, whatever its prefix.
fn runs(operation: &str, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.split('<').any(|tag| {
        let name = tag.split(|letter: char| letter.is_whitespace() || ">/".contains(letter)).next();
        name.is_some_and(|name| name.rsplit(':').next() == Some(operation))
    })
}

/// Whether a path begins as the pattern says; `*` stands for the rest of a segment, `$` at its foot for
/// the end of the path.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut rest = path;
    for (place, part) in pattern.split('*').enumerate() {
        if place > 0 {
            rest = rest.find('/').and_then(|end| rest.get(end..)).unwrap_or_default();
        }
        match rest.get(..part.len()) {
            Some(start) if start.eq_ignore_ascii_case(part) => {
                rest = rest.get(part.len()..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    !whole || rest.is_empty()
}

fn effect(fault: &Value, body: &[u8]) -> Option<Fault> {
    let garbage = || (0..=u8::MAX).cycle().step_by(167).take(4096).collect::<Bytes>();
    Some(match fault["kind"].as_str() {
        Some("garbage") => Fault::Answer(call::text(StatusCode::OK, "application/json", garbage())),
        Some("wrong-type") => {
            let page = "<!DOCTYPE html><html><body>Sign in to the network</body></html>";
            Fault::Answer(call::text(StatusCode::OK, "text/html", page))
        }
        Some("lost") => Fault::Lost(refusal(fault, body)),
        Some("truncated") => Fault::Truncated,
        Some("endless") => Fault::Endless,
        Some("oversized") => Fault::Oversized(fault["bytes"].as_u64().unwrap_or(16 << 20)),
        Some("reset") => Fault::Reset,
        _ => Fault::Answer(refusal(fault, body)?),
    })
}

fn refusal(fault: &Value, body: &[u8]) -> Option<Answer> {
    if fault["ews"].is_object() {
        return Some(ews::refused(&fault["ews"], body).into());
    }
    let status = StatusCode::from_u16(u16::try_from(fault["status"].as_u64()?).ok()?).ok()?;
    let mut answer = match &fault["body"] {
        Value::Null => call::empty(status),
        Value::String(text) => call::text(status, "text/plain; charset=utf-8", text.clone()),
        body => call::json(status, body),
    };
    for (name, value) in world::entries(&fault["headers"]) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn struck(faults: &Faults, world: &World, method: &str, path: &str) -> (u128, bool) {
        let target = Target { method, host: "graph.microsoft.com", path, query: "", body: &[] };
        let (delay, fault) = faults.strike(world, target);
        (delay.as_millis(), fault.is_some())
    }

    fn world(faults: &Value) -> World {
        World::new(json!({ "faults": faults }), jiff::Timestamp::UNIX_EPOCH).expect("a world")
    }

    #[test]
    fn a_pattern_names_segments_and_the_end() {
        let pattern = "/v1.0/users/*/contactFolders$";
        assert!(fits(pattern, "/v1.0/users/a@contoso.com/contactfolders"));
        assert!(!fits(pattern, "/v1.0/users/a@contoso.com/contactFolders/x"));
        assert!(fits("/v1.0/users/*/contactFolders/", "/v1.0/users/a/contactFolders/x/contacts"));
        assert!(!fits(pattern, "/v1.0/users"));
        assert!(fits("/v1.0/$batch", "/v1.0/$batch"));
    }

    #[test]
    fn an_operation_is_found_by_its_element() {
        assert!(runs("GetItem", b"<s:Body><m:GetItem><m:ItemShape/>"));
        assert!(runs("GetItem", b"<GetItem xmlns='x'>"));
        assert!(!runs("GetItem", b"<m:GetItemResponse>GetItem</m:GetItemResponse>"));
    }

    #[test]
    fn the_third_request_alone_is_struck() {
        let world =
            world(&json!({"f": {"method": "POST", "path": "/a", "after": 2, "times": 1, "status": 503}}));
        let faults = Faults::default();
        assert!(!struck(&faults, &world, "GET", "/a").1);
        let outcomes: Vec<bool> = (0..4).map(|_| struck(&faults, &world, "POST", "/a/b").1).collect();
        assert_eq!(outcomes, [false, false, true, false]);
    }

    #[test]
    fn delays_add_up_and_hide_no_refusal() {
        let world = world(&json!({"a": {"delay_ms": 5}, "b": {"path": "/x", "delay_ms": 7, "status": 500}}));
        let faults = Faults::default();
        assert_eq!(struck(&faults, &world, "GET", "/x"), (12, true));
        assert_eq!(struck(&faults, &world, "GET", "/y"), (5, false));
    }
}
