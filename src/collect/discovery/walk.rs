//! Follows Autodiscover from answer to answer, with the care that a client must take.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use url::Url;

use super::super::{Context, anonymous};
use crate::facts::Exchange;
use crate::wire::{Failure, Reply, Response, hosts, json as wire_json};

/// What one answer says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// An EWS address.
    Settings(Url),
    /// Go there.
    Redirect(Url),
    /// Exchange, for those who sign in.
    Challenge,
    /// Something else than Exchange.
    NotExchange,
    /// Nothing.
    NotFound,
    /// A refusal.
    Refused,
    /// No answer.
    Failed(Failure),
}

impl Step {
    /// As the fact `discovery.hops[].result`.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Redirect(_) => "redirect",
            Self::Challenge => "challenge",
            Self::NotExchange => "not-exchange",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// Exchange stands behind it.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self, Self::Settings(_) | Self::Challenge)
    }
}

/// What an answer of an Autodiscover URL says.
pub(super) fn read(url: &Url, reply: &Reply) -> Step {
    let response = match &reply.outcome {
        Ok(response) => response,
        Err(failure) => return Step::Failed(failure.clone()),
    };
    match response.status.as_u16() {
        300..=399 => anonymous::location(&response.headers, url).map_or(Step::NotExchange, Step::Redirect),
        401 => Step::Challenge,
        403 => Step::Refused,
        200 | 400 => content(response),
        404 | 405 | 410 => Step::NotFound,
        _ => Step::NotExchange,
    }
}

fn content(response: &Response) -> Step {
    if let Ok(body) = wire_json::parse(&response.body) {
        let url = body.get("Url").and_then(Value::as_str).and_then(|url| url.parse().ok());
        return match url {
            Some(url) => Step::Settings(url),
            None if body.get("ErrorCode").is_some() => Step::NotFound,
            None => Step::NotExchange,
        };
    }
    let text =
        String::from_utf8_lossy(response.body.get(..64 << 10).unwrap_or(&response.body)).to_lowercase();
    // 600 answers a request without body: Exchange is there and wants a proper question.
    let exchange =
        ["exch", "expr", "exhttp", "web"].iter().any(|kind| text.contains(&format!("<type>{kind}<")));
    if text.contains("<autodiscover") && (exchange || text.contains("<errorcode>600<")) {
        return Step::Challenge;
    }
    Step::NotExchange
}

/// The way so far.
pub(super) struct Walk<'a> {
    context: &'a Context,
    visited: BTreeSet<Url>,
    /// Facts of each hop.
    pub(super) hops: Vec<Value>,
    /// Evidence of each hop.
    pub(super) exchanges: Vec<Exchange>,
    /// What stopped it, and the target that was not followed.
    pub(super) problem: Option<(&'static str, String)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, visited: BTreeSet::new(), hops: Vec::new(), exchanges: Vec::new(), problem: None }
    }

    /// Asks a URL and follows its redirects; the last answer, and who gave it.
    pub(super) async fn go(&mut self, start: Url) -> (Step, Url) {
        let mut url = start;
        let mut redirects = 0;
        loop {
            self.visited.insert(url.clone());
            let reply = self.context.fetch(&url).await;
            let step = read(&url, &reply);
            let target = match &step {
                Step::Settings(target) | Step::Redirect(target) => Some(target.clone()),
                _ => None,
            };
            self.note(&url, &reply, step.as_str(), target.as_ref());
            let Step::Redirect(next) = step else { return (step, url) };
            redirects += 1;
            let problem = if self.visited.contains(&next) {
                Some("loop")
            } else if redirects > self.context.net.limits().redirects {
                Some("too-many")
            } else {
                self.objection(&next)
            };
            if let Some(problem) = problem {
                self.problem.get_or_insert((problem, wire_json::clip(next.as_str(), 300)));
                return (Step::Redirect(next), url);
            }
            url = next;
        }
    }

    /// Adds what another walk saw.
    pub(super) fn append(&mut self, other: Self) {
        self.visited.extend(other.visited);
        self.hops.extend(other.hops);
        self.exchanges.extend(other.exchanges);
        self.problem = self.problem.take().or(other.problem);
    }

    /// Writes a hop down.
    pub(super) fn note(&mut self, url: &Url, reply: &Reply, result: &str, target: Option<&Url>) {
        let status = reply.outcome.as_ref().ok().map(|response| response.status.as_u16());
        self.hops.push(json!({
            "url": wire_json::clip(url.as_str(), 300),
            "status": status,
            "result": result,
            "target": target.map(|target| wire_json::clip(target.as_str(), 300)),
        }));
        self.exchanges.push(reply.exchange.clone());
    }

    /// Whether a place that was named may be used; if not, that is the problem.
    pub(super) fn accept(&mut self, url: &Url) -> bool {
        match self.objection(url) {
            Some(problem) => {
                self.problem.get_or_insert((problem, wire_json::clip(url.as_str(), 300)));
                false
            }
            None => true,
        }
    }

    /// Only TLS, and only the account's own domain, Microsoft's hosts, or hosts of the configuration.
    fn objection(&self, url: &Url) -> Option<&'static str> {
        if url.scheme() != "https" {
            return Some("plain-http");
        }
        let host = url.host_str().unwrap_or_default();
        let target = &self.context.target;
        let domain = target.mail_domain();
        let own = hosts::registrable(host).is_some_and(|own| hosts::registrable(&domain) == Some(own));
        let ends = &target.endpoints;
        let configured = [Some(&ends.exchange_admin), ends.ews.as_ref(), ends.autodiscover.as_ref()]
            .into_iter()
            .flatten()
            .any(|url| url.host_str() == Some(host));
        (!own && !configured && !hosts::is_microsoft(host)).then_some("foreign-host")
    }
}
