//! Microsoft Graph with the right to write.
//!
//! A type of its own, so that whoever holds the reading client cannot write. Sends each request once:
//! when to repeat one is the caller's to decide, and [`Done`] says what speaks for it. Sends the token to
//! the configured host only. Never more than four requests to one mailbox at a time.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use super::super::answer::{self, Answer};
use super::super::{Body, Failure, Net, Renewal, Reply, Request, Response, Secret, json, redact};
use super::call::{Call, Link};
use super::{bearer, same_host};
use crate::facts::Exchange;

/// Requests to one mailbox at a time, as the service allows.
pub const AT_ONCE: u32 = 4;

/// Requests in one batch.
pub const IN_BATCH: usize = 20;

/// Longest link that is followed.
const LONGEST_LINK: usize = 16 << 10;

/// Longest URL that is kept as evidence: links carry long tokens.
const KEPT_URL: usize = 300;

/// A client with the token of one identity that may write.
#[derive(Debug, Clone)]
pub struct Writer {
    net: Net,
    base: Url,
    token: Secret,
    renewal: Option<Renewal>,
}

/// The same, bound to one mailbox.
#[derive(Debug, Clone)]
pub struct Mailbox {
    writer: Writer,
    places: Arc<Semaphore>,
}

/// What became of one request.
#[derive(Debug, Clone)]
pub struct Done {
    /// The answer; an empty one is `Found(null)`.
    pub answer: Answer,
    /// How long the server asks to wait.
    pub wait: Option<Duration>,
    /// It may have been carried out although the answer does not say so.
    pub uncertain: bool,
    /// Evidence.
    pub exchange: Exchange,
    /// It was sent with the token that was fetched in place of the first.
    renewed: bool,
}

/// Where a page leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// There is more.
    Page(Link),
    /// It was the last page; later changes are found here.
    Later(Link),
    /// It was the last page.
    End,
    /// To another host: it is not followed.
    Elsewhere,
}

impl Writer {
    /// A client for one host and one token.
    pub fn new(net: Net, base: Url, token: Secret) -> Self {
        Self { net, base, token, renewal: None }
    }

    /// The same, that can fetch another token when the service no longer takes this one.
    #[must_use]
    pub fn renewing(self, renewal: Renewal) -> Self {
        Self { renewal: Some(renewal), ..self }
    }

    /// The token that is sent, and whether it is the second one.
    fn token(&self) -> (&Secret, bool) {
        match self.renewal.as_ref().and_then(Renewal::fetched) {
            Some(token) => (token, true),
            None => (&self.token, false),
        }
    }

    /// The client for one mailbox, with its own limit of requests at a time.
    pub fn mailbox(&self) -> Mailbox {
        Mailbox { writer: self.clone(), places: Arc::new(Semaphore::new(AT_ONCE as usize)) }
    }

    async fn send(&self, mut request: Request, headers: &[(&'static str, String)]) -> (Reply, bool) {
        let (token, renewed) = self.token();
        let refuse = |request: &Request, text| (unsent(request, text), renewed);
        for (name, value) in headers.iter().map(|(name, value)| (*name, value.as_str())) {
            let Ok(value) = HeaderValue::from_str(value) else {
                return refuse(&request, format!("the header {name} holds characters that cannot be sent"));
            };
            request.headers.insert(HeaderName::from_static(name), value);
        }
        let Some(bearer) = bearer(token) else {
            return refuse(&request, "the token holds characters that no header can carry".into());
        };
        request.headers.insert(AUTHORIZATION, bearer);
        request.headers.insert("accept", HeaderValue::from_static("application/json"));
        let mut reply = self.net.send(request).await;
        reply.exchange.url = clip(&reply.exchange.url);
        (reply, renewed)
    }
}

impl Mailbox {
    /// Sends one request, once.
    pub async fn send(&self, call: &Call) -> Done {
        let Ok(_place) = self.places.acquire().await else { return nowhere(call) };
        let Some(url) = call.url(&self.writer.base) else { return nowhere(call) };
        let body = call.body.clone().map_or(Body::Empty, Body::Json);
        let request = Request { method: call.method.clone(), url, headers: HeaderMap::new(), body };
        let (reply, renewed) = self.writer.send(request, &call.headers()).await;
        Done { renewed, ..done(reply.outcome, reply.exchange) }
    }

    /// Whether there is another token in place of the one that this answer refuses.
    pub async fn renewed(&self, done: &Done) -> bool {
        match &self.writer.renewal {
            Some(renewal) if !done.renewed => renewal.token().await.is_some(),
            _ => false,
        }
    }

    /// Sends requests together, once; none waits for another. The answers come in the order of the
    /// requests.
    pub async fn batch(&self, calls: &[Call]) -> Vec<Done> {
        let mut all = Vec::with_capacity(calls.len());
        for calls in calls.chunks(IN_BATCH) {
            all.extend(self.one_batch(calls).await);
        }
        all
    }

    async fn one_batch(&self, calls: &[Call]) -> Vec<Done> {
        let wide = u32::try_from(calls.len()).unwrap_or(AT_ONCE).clamp(1, AT_ONCE);
        let place = self.places.acquire_many(wide).await;
        let (Ok(_place), Ok(url)) = (place, self.writer.base.join("/v1.0/$batch")) else {
            return calls.iter().map(nowhere).collect();
        };
        let entries: Vec<_> = calls.iter().enumerate().map(|(at, call)| call.entry(at + 1)).collect();
        let request = Request::post(url, Body::Json(json!({ "requests": entries })));
        let (reply, renewed) = self.writer.send(request, &[]).await;
        let parts = self.apart(calls, &reply).into_iter();
        parts.map(|part| Done { renewed, ..part }).collect()
    }

    /// The answers within the answer to a batch.
    fn apart(&self, calls: &[Call], reply: &Reply) -> Vec<Done> {
        let whole = done(reply.outcome.clone(), reply.exchange.clone());
        let Answer::Found(body) = &whole.answer else {
            return calls.iter().map(|call| self.part(call, &whole)).collect();
        };
        let answers = body.get("responses").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let find = |at: usize| {
            let id = (at + 1).to_string();
            answers.iter().take(2 * IN_BATCH).find(|answer| is_id(answer.get("id"), &id))
        };
        let part = |(at, call): (usize, &Call)| {
            let response = find(at).and_then(response);
            let Some(response) = response else {
                let text = "the answer to the batch says nothing of this request".to_owned();
                let lost = Done { answer: Answer::Unreadable(text), uncertain: true, ..whole.clone() };
                return self.part(call, &lost);
            };
            let mut exchange = reply.exchange.clone();
            exchange.status = Some(response.status.as_u16());
            exchange.answer = redact::answer(&response.body, &[]);
            self.part(call, &done(Ok(response), exchange))
        };
        calls.iter().enumerate().map(part).collect()
    }

    /// The evidence of a part is that of the batch under its own name.
    fn part(&self, call: &Call, done: &Done) -> Done {
        let mut done = done.clone();
        done.exchange.method = call.method.to_string();
        if let Some(url) = call.url(&self.writer.base) {
            done.exchange.url = clip(&redact::url(&url));
        }
        done
    }

    /// Where a page leads.
    pub fn next(&self, page: &Value) -> Next {
        let link = |name: &str| page.get(name).and_then(Value::as_str);
        let (text, later) = match (link("@odata.nextLink"), link("@odata.deltaLink")) {
            (Some(text), _) => (text, false),
            (None, Some(text)) => (text, true),
            (None, None) => return Next::End,
        };
        match same_host(&self.writer.base, text).filter(|url| is_plain(url) && text.len() <= LONGEST_LINK) {
            Some(url) if later => Next::Later(Link(url)),
            Some(url) => Next::Page(Link(url)),
            None => Next::Elsewhere,
        }
    }
}

/// No credentials of its own, and an interface that this client speaks.
fn is_plain(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.path().starts_with("/v1.0/")
}

fn is_id(found: Option<&Value>, id: &str) -> bool {
    match found {
        Some(Value::String(text)) => text == id,
        Some(Value::Number(number)) => number.to_string() == id,
        _ => false,
    }
}

/// One answer of a batch as if it had come alone.
fn response(entry: &Value) -> Option<Response> {
    let status = StatusCode::from_u16(u16::try_from(entry.get("status")?.as_u64()?).ok()?).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in entry.get("headers").and_then(Value::as_object).into_iter().flatten().take(50) {
        let name = HeaderName::try_from(name.as_str()).ok();
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    let body = match entry.get("body") {
        None | Some(Value::Null) => bytes::Bytes::new(),
        Some(Value::String(text)) => text.clone().into(),
        Some(body) => body.to_string().into(),
    };
    Some(Response { status, headers, body })
}

/// Sorts an answer, and says what speaks for sending the request again.
fn done(outcome: Result<Response, Failure>, exchange: Exchange) -> Done {
    let wait = outcome.as_ref().ok().and_then(|response| answer::retry_after(&response.headers));
    let answer = sort(outcome);
    let uncertain = match &answer {
        Answer::Found(_)
        | Answer::Missing(_)
        | Answer::Denied(_)
        | Answer::Unlicensed(_)
        | Answer::Throttled(_)
        | Answer::Rejected(_) => false,
        Answer::Down(_) | Answer::Unreadable(_) => true,
        Answer::Unreachable(failure) => has_left(failure),
    };
    Done { answer, wait, uncertain, exchange, renewed: false }
}

/// Whether the request may have reached the service although no answer came.
fn has_left(failure: &Failure) -> bool {
    match failure {
        Failure::Dns { .. } | Failure::Refused { .. } | Failure::Tls { .. } | Failure::Proxy { .. } => false,
        Failure::TimedOut { phase, .. } => *phase != "connect",
        Failure::Closed { .. } | Failure::TooLarge { .. } | Failure::Garbled { .. } => true,
    }
}

fn sort(outcome: Result<Response, Failure>) -> Answer {
    match outcome {
        Ok(response) if response.status.is_success() && response.body.is_empty() => {
            Answer::Found(Value::Null)
        }
        // The server does not know the path or the method, which is an answer here.
        Ok(response) if [400, 404, 405, 501].contains(&response.status.as_u16()) => {
            let problem = answer::problem(response.status, &response.body);
            let unknown = problem.mentions(&["for the segment"]) || matches!(problem.status, 405 | 501);
            if unknown && problem.is_of_service {
                return Answer::Rejected(problem);
            }
            answer::read(Ok(response))
        }
        other => answer::read(other),
    }
}

fn clip(url: &str) -> String {
    json::clip(url, KEPT_URL)
}

fn unsent(request: &Request, text: String) -> Reply {
    let failure = Failure::Garbled { text };
    let exchange = Exchange {
        method: request.method.to_string(),
        url: clip(&redact::url(&request.url)),
        answer: Some(failure.to_string()),
        ..Exchange::default()
    };
    Reply { exchange, outcome: Err(failure) }
}

/// A request that has no URL.
fn nowhere(call: &Call) -> Done {
    let answer = Answer::Unreadable("the request has no URL".into());
    let exchange = Exchange { method: call.method.to_string(), ..Exchange::default() };
    Done { answer, wait: None, uncertain: false, exchange, renewed: false }
}
