//! The places where Autodiscover may be published for a domain, each looked at once.

use std::sync::Arc;

use futures_util::future::join3;
use serde_json::{Value, json};
use url::Url;

use super::{
    super::Context,
    walk::{Step, read},
    xml,
};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::{
    Reply,
    dns::{DnsResult, HostAnswer, SrvAnswer},
    json::clip,
};

/// What is published for a domain.
pub(super) struct Places {
    host: (String, Arc<HostAnswer>),
    srv: (String, Arc<SrvAnswer>),
    secure: Option<(Url, Arc<Reply>)>,
    plain: Option<(Url, Arc<Reply>)>,
    root: Option<(Url, Arc<Reply>)>,
}

/// Looks at all places at once.
pub(super) async fn look(context: &Context, domain: &str) -> Places {
    let name = format!("autodiscover.{domain}");
    let service = format!("_autodiscover._tcp.{domain}");
    let dns = context.net.dns();
    let (host, srv, apex) = join3(dns.host(&name), dns.srv(&service), dns.host(domain)).await;
    let there = host.result == DnsResult::Ok;
    let (secure, plain, root) = join3(
        ask(context, "https", &name, there),
        ask(context, "http", &name, there),
        ask(context, "https", domain, apex.result == DnsResult::Ok),
    )
    .await;
    Places { host: (name, host), srv: (service, srv), secure, plain, root }
}

async fn ask(context: &Context, scheme: &str, host: &str, there: bool) -> Option<(Url, Arc<Reply>)> {
    let url = xml(&format!("{scheme}://{host}/").parse().ok().filter(|_| there)?);
    let reply = context.fetch(&url).await;
    Some((url, reply))
}

fn step(place: Option<&(Url, Arc<Reply>)>) -> Step {
    place.map_or(Step::NotFound, |(url, reply)| read(url, reply))
}

fn words(place: Option<&(Url, Arc<Reply>)>) -> String {
    match place.map(|(_, reply)| &reply.outcome) {
        None => "not asked: the name does not resolve".into(),
        Some(Ok(response)) => format!("HTTP {}", response.status.as_u16()),
        Some(Err(failure)) => clip(&failure.to_string(), 200),
    }
}

impl Places {
    /// As `discovery.records`.
    pub(super) fn records(&self) -> Value {
        json!([self.host_record(), self.srv_record(), self.redirect_record(), self.root_record()])
    }

    fn host_record(&self) -> Value {
        let (name, answer) = &self.host;
        let found = answer.result == DnsResult::Ok;
        let address = || answer.addresses.first().map(ToString::to_string);
        let result = match &answer.text {
            Some(text) => text.clone(),
            None => words(self.secure.as_ref()),
        };
        json!({
            "kind": "host",
            "name": name,
            "found": found,
            "target": answer.aliases.last().cloned().or_else(address),
            "result": result,
        })
    }

    fn srv_record(&self) -> Value {
        let (name, answer) = &self.srv;
        let first = answer.records.first();
        let result = match (&answer.text, answer.result) {
            (_, DnsResult::NoData | DnsResult::NxDomain) => "no SRV record".to_owned(),
            (Some(text), _) => text.clone(),
            (None, result) => result.as_str().to_owned(),
        };
        json!({
            "kind": "srv",
            "name": name,
            "found": first.is_some(),
            "target": first.map(|srv| srv.target.clone()),
            "result": result,
        })
    }

    fn redirect_record(&self) -> Value {
        let target = match step(self.plain.as_ref()) {
            Step::Redirect(target) => Some(clip(target.as_str(), 300)),
            _ => None,
        };
        let (name, _) = &self.host;
        json!({
            "kind": "redirect",
            "name": format!("http://{name}/autodiscover/autodiscover.xml"),
            "found": target.is_some(),
            "target": target,
            "result": words(self.plain.as_ref()),
        })
    }

    fn root_record(&self) -> Value {
        let domain = self.host.0.trim_start_matches("autodiscover.");
        let step = step(self.root.as_ref());
        let target = match &step {
            Step::Redirect(target) => Some(clip(target.as_str(), 300)),
            _ => None,
        };
        json!({
            "kind": "root",
            "name": format!("https://{domain}/autodiscover/autodiscover.xml"),
            "found": step.is_usable(),
            "target": target,
            "result": format!("{} ({})", words(self.root.as_ref()), step.as_str()),
        })
    }

    /// Whether one of the places leads somewhere; not known where the resolver gave no clear answer.
    pub(super) fn published(&self) -> Result<bool, Absence> {
        // A host that resolves and is out of order is published; one that answers as a web site is not.
        let host = self.host.1.result == DnsResult::Ok
            && !matches!(step(self.secure.as_ref()), Step::NotExchange | Step::NotFound);
        let redirect = matches!(step(self.plain.as_ref()), Step::Redirect(_));
        if host || redirect || !self.srv.1.records.is_empty() || step(self.root.as_ref()).is_usable() {
            return Ok(true);
        }
        for result in [self.host.1.result, self.srv.1.result] {
            let reason = match result {
                DnsResult::TimedOut => Reason::TimedOut,
                DnsResult::ServFail | DnsResult::Refused | DnsResult::Failed => Reason::Unreachable,
                _ => continue,
            };
            return Err(Absence::new(reason).with_text("the name servers gave no clear answer"));
        }
        Ok(false)
    }

    /// Whether a web host answers in a way that ends a client's search. A mere page does not.
    pub(super) fn web_host(&self) -> bool {
        [&self.secure, &self.root].into_iter().flatten().any(|(url, reply)| {
            let Ok(response) = &reply.outcome else { return false };
            let text = String::from_utf8_lossy(&response.body).to_lowercase();
            response.status.as_u16() == 200
                && read(url, reply) == Step::NotExchange
                && text.contains("<autodiscover")
        })
    }

    /// Evidence, in the order of the places.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        let places = [&self.secure, &self.plain, &self.root];
        let mut exchanges = vec![
            dns(&self.host.0, "A AAAA", self.host.1.result, self.host.1.ms),
            dns(&self.srv.0, "SRV", self.srv.1.result, self.srv.1.ms),
        ];
        exchanges.extend(places.into_iter().flatten().map(|(_, reply)| reply.exchange.clone()));
        exchanges
    }
}

fn dns(name: &str, kind: &str, result: DnsResult, ms: u64) -> Exchange {
    Exchange {
        method: "DNS".into(),
        url: format!("{name} {kind}"),
        ms: crate::facts::Timings { dns: Some(ms), ..crate::facts::Timings::default() },
        at: jiff::Timestamp::now().to_string(),
        answer: Some(result.as_str().to_owned()),
        ..Exchange::default()
    }
}
