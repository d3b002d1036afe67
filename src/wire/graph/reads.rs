//! The same small object of very many users, read one by one: only the address changes, and an answer
//! that is JSON and a success is not looked at any further. Every other answer is sorted as always, with
//! its evidence.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use serde::de::IgnoredAny;
use url::Url;

use super::{Graph, bearer, encode};
use crate::facts::Exchange;
use crate::wire::{
    Response, Secret,
    answer::{self, Answer},
    client::evidence,
    lean::{Lean, Question, Told},
};

/// Reads what stands below a user. It asks once for each; pauses are its caller's business.
#[derive(Debug)]
pub struct Reads {
    lean: Lean,
    base: Url,
    tail: String,
    headers: HeaderMap,
    token: Secret,
}

/// An answer that was not the object.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What it means.
    pub answer: Answer,
    /// How long the service asks to wait.
    pub wait: Option<Duration>,
    /// Evidence.
    pub exchange: Exchange,
}

impl Graph {
    /// Reads the object at `/v1.0/users/ADDRESS` and this tail, which may end in a query; `None` where the
    /// token must not or cannot be sent.
    pub fn reads(&self, tail: &str) -> Option<Reads> {
        let lean = Lean::new(self.net.clone(), &self.base)?;
        let mut headers = lean.headers();
        headers.insert(header::AUTHORIZATION, bearer(&self.token)?);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let (base, tail, token) = (self.base.clone(), tail.to_owned(), self.token.clone());
        Some(Reads { lean, base, tail, headers, token })
    }
}

impl Reads {
    /// Reads one user's object.
    ///
    /// # Errors
    ///
    /// Whatever else the answer was than the object.
    pub async fn get(&self, address: &str) -> Result<(), Box<Refused>> {
        let path = format!("/v1.0/users/{}{}", encode(address), self.tail);
        let Ok(target) = path.parse::<Uri>() else {
            let text = "no path can be made of the address".to_owned();
            let (answer, exchange) = (Answer::Unreadable(text), Exchange::default());
            return Err(Box::new(Refused { answer, wait: None, exchange }));
        };
        let question = || {
            let (headers, body) = (self.headers.clone(), Bytes::new());
            Question { method: Method::GET, target: target.clone(), headers, body }
        };
        let told = self.lean.ask(question).await;
        match &told.outcome {
            Ok(response) if is_found(response) => Ok(()),
            _ => Err(self.sorted(&path, told)),
        }
    }

    fn sorted(&self, path: &str, told: Told) -> Box<Refused> {
        let url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        let exchange = evidence(&Method::GET, &url, &told, &[self.token.expose().to_owned()]);
        let wait = told.outcome.as_ref().ok().and_then(answer::pause);
        let answer = match answer::read(told.outcome) {
            Answer::Found(_) => Answer::Unreadable("the answer is no object".to_owned()),
            other => other,
        };
        Box::new(Refused { answer, wait, exchange })
    }
}

/// Whether an answer is a whole object with what Graph's objects have: an id, a list, or a setting. What
/// stands in between may answer with other objects.
fn is_found(response: &Response) -> bool {
    let Ok(text) = std::str::from_utf8(&response.body) else { return false };
    response.status.is_success()
        && text.starts_with('{')
        && ["\"id\"", "\"value\"", "\"timeZone\""].iter().any(|name| text.contains(name))
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
}
