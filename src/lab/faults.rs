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
    world,
};

/// What a fault does instead of the service.
#[derive(Debug)]
pub enum Fault {
    /// Answers this.
    Answer(Answer),
    /// Announces a longer body than it sends.
    Truncated,
    /// Never stops sending.
    Endless,
    /// Sends this many bytes.
    Oversized(u64),
    /// Drops the connection.
    Reset,
}

/// Counts how often each fault has struck.
#[derive(Debug, Default)]
pub struct Faults {
    struck: Mutex<HashMap<String, u64>>,
}

impl Faults {
    /// The fault that strikes this call, and how long it waits before; the delay alone may be the fault.
    pub fn strike(&self, world: &World, call: &Call) -> Option<(Duration, Option<Fault>)> {
        let (key, fault) = world.entries("/faults").find(|(key, fault)| {
            matches(fault, call) && self.count(key, fault, call) < fault["times"].as_u64().unwrap_or(u64::MAX)
        })?;
        let counter = counter(key, fault, call);
        *self.struck.lock().unwrap_or_else(PoisonError::into_inner).entry(counter).or_default() += 1;
        let delay = Duration::from_millis(fault["delay_ms"].as_u64().unwrap_or_default());
        Some((delay, effect(fault)))
    }

    fn count(&self, key: &str, fault: &Value, call: &Call) -> u64 {
        let struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        struck.get(&counter(key, fault, call)).copied().unwrap_or_default()
    }
}

fn counter(key: &str, fault: &Value, call: &Call) -> String {
    match fault["per_path"].as_bool() {
        Some(true) => format!("{key} {} {}?{}", call.method, call.path, call.query),
        _ => key.to_owned(),
    }
}

fn matches(fault: &Value, call: &Call) -> bool {
    let host = fault["host"].as_str().is_none_or(|host| host.eq_ignore_ascii_case(&call.host));
    let path = fault["path"].as_str().is_none_or(|prefix| {
        call.path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    let method =
        fault["method"].as_str().is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()));
    host && path && method
}

fn effect(fault: &Value) -> Option<Fault> {
    let garbage = || (0..=u8::MAX).cycle().step_by(167).take(4096).collect::<Bytes>();
    Some(match fault["kind"].as_str() {
        Some("garbage") => Fault::Answer(call::text(StatusCode::OK, "application/json", garbage())),
        Some("wrong-type") => {
            let page = "<!DOCTYPE html><html><body>Sign in to the network</body></html>";
            Fault::Answer(call::text(StatusCode::OK, "text/html", page))
        }
        Some("truncated") => Fault::Truncated,
        Some("endless") => Fault::Endless,
        Some("oversized") => Fault::Oversized(fault["bytes"].as_u64().unwrap_or(16 << 20)),
        Some("reset") => Fault::Reset,
        _ => Fault::Answer(refusal(fault)?),
    })
}

fn refusal(fault: &Value) -> Option<Answer> {
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
