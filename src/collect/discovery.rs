//! Where the EWS address is published, and where following the published places leads.
//!
//! No credential is sent here, the account's address only to hosts of its own domain or Microsoft's,
//! and no redirect is followed that a careful client would not follow.

mod places;
mod walk;

use futures_util::future::join;
use serde_json::json;
use url::Url;

use super::{
    Access, Call, Context, Protocol, Target, World, Yield,
    directory::{Reading, Stop, row},
    ews_endpoint, tenant,
};
use crate::facts::{Absence, Reason};
use crate::wire::{dns::DnsResult, hosts};
use walk::{Step, Walk};

/// The calls of this collector.
pub const CALLS: &[Call] = &[
    row!(
        "discovery.published", Account, Access::Anonymous, |_| true, after [], published,
        yields ["discovery.records", "discovery.published", "discovery.web_host_answers"],
    ),
    row!(
        "discovery.mailbox", Account, Access::Anonymous, |_| true, after [], mailbox,
        yields ["mailbox.route_url", "mailbox.location"],
    ),
    row!(
        "discovery.route", Account, Access::Anonymous, |_| true, after [], route,
        yields [
            "discovery.configured_url", "discovery.hops", "discovery.problem", "discovery.problem_target",
            "discovery.ews_url", "discovery.source",
        ],
    ),
];

async fn published(context: &Context) -> Reading {
    let domain = context.target.mail_domain();
    if hosts::registrable(&domain).is_none() {
        return Err(not_a_domain(&domain));
    }
    let places = places::look(context, &domain).await;
    let mut yielded = Yield::new();
    yielded.set("discovery.records", places.records()).set("discovery.web_host_answers", places.web_host());
    match places.published() {
        Ok(published) => yielded.set("discovery.published", published),
        Err(absence) => yielded.absent("discovery.published", absence),
    };
    for exchange in places.exchanges() {
        yielded.exchange(exchange);
    }
    Ok(yielded)
}

/// Never ask `autodiscover.` of a public suffix: such names have been registered to catch passwords.
fn not_a_domain(domain: &str) -> Stop {
    let text = format!("{domain} is not a domain that somebody can own");
    Stop::from(Absence::new(Reason::UnsupportedHere).with_text(text))
}

async fn mailbox(context: &Context) -> Reading {
    let target = &context.target;
    let mut walk = Walk::new(context);
    let base = if cloud_knows(context).await {
        Some(target.endpoints.exchange_admin.clone())
    } else {
        own_base(context).await
    };
    let start = base.map(|base| v2(&base, &target.account));
    let step = match start {
        Some(start) => walk.go(start).await.0,
        None => Step::NotFound,
    };
    if let Step::Failed(failure) = &step {
        return Err(Stop { absence: super::anonymous::absence(failure), exchanges: walk.exchanges });
    }
    let route = match step {
        Step::Settings(url) => Some(url),
        _ => None,
    };
    let at_microsoft = route.as_ref().map(|url| url.host_str().is_some_and(hosts::is_microsoft));
    let location = match at_microsoft {
        Some(true) => "cloud",
        Some(false) => "on-premises",
        None if target.world == Some(World::ExchangeServer) && !target.hybrid => "on-premises",
        None => "unknown",
    };
    let mut yielded = Yield::new();
    yielded
        .set("mailbox.route_url", json!(route.as_ref().map(Url::as_str)))
        .set("mailbox.location", location);
    yielded.exchanges = walk.exchanges;
    Ok(yielded)
}

/// Whether the cloud's own Autodiscover is the one to ask for this account.
async fn cloud_knows(context: &Context) -> bool {
    let target = &context.target;
    match target.world {
        Some(world) => world.is_cloud() || target.hybrid,
        None => tenant::exists(context).await,
    }
}

/// The Autodiscover base of the account's own domain, if there is one.
async fn own_base(context: &Context) -> Option<Url> {
    if let Some(base) = &context.target.endpoints.autodiscover {
        return Some(base.clone());
    }
    let domain = context.target.mail_domain();
    hosts::registrable(&domain)?;
    let host = format!("autodiscover.{domain}");
    let found = context.net.dns().host(&host).await.result == DnsResult::Ok;
    found.then(|| format!("https://{host}/").parse().ok()).flatten()
}

/// The URL of the JSON form of Autodiscover at a host.
fn v2(base: &Url, address: &str) -> Url {
    let mut url = base.clone();
    url.set_path("/autodiscover/autodiscover.json");
    url.query_pairs_mut().clear().append_pair("Email", address).append_pair("Protocol", "Ews");
    url
}

/// The URL of the old form of Autodiscover at a host.
fn xml(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path("/autodiscover/autodiscover.xml");
    url.set_query(None);
    url
}

/// The EWS address that a host has unless somebody changed it.
fn well_known(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path("/EWS/Exchange.asmx");
    url.set_query(None);
    url
}

/// What following the published places came to.
#[derive(Default)]
struct Found {
    ews: Option<(Url, &'static str)>,
    uncertain: Option<Absence>,
}

async fn route(context: &Context) -> Reading {
    let target = &context.target;
    let mut walk = Walk::new(context);
    let found = match &target.endpoints.ews {
        Some(url) => Found { ews: Some((url.clone(), "configured")), uncertain: None },
        None if asks_cloud(context).await => {
            // Products follow the domain's own places as well, so where these lead matters too; the
            // EWS address does not wait for it.
            let mut other = Walk::new(context);
            let follow = async {
                if target.protocol == Protocol::Ews {
                    follow_xml(context, &mut other).await;
                }
            };
            let (found, ()) = Box::pin(join(in_the_cloud(context, &mut walk), follow)).await;
            walk.append(other);
            found
        }
        None => in_the_domain(context, &mut walk).await,
    };
    Ok(written(target, found, walk))
}

async fn asks_cloud(context: &Context) -> bool {
    context.target.world != Some(World::ExchangeServer) && cloud_knows(context).await
}

/// The EWS address of the context's target, as `discovery.ews_url` will tell it, as soon as it is known;
/// or why it could not be found.
pub(super) async fn ews_url(context: &Context) -> Result<Option<Url>, Absence> {
    if let Some(url) = &context.target.endpoints.ews {
        return Ok(Some(url.clone()));
    }
    let mut walk = Walk::new(context);
    let found = if asks_cloud(context).await {
        in_the_cloud(context, &mut walk).await
    } else {
        Box::pin(in_the_domain(context, &mut walk)).await
    };
    match (found.ews, found.uncertain) {
        (None, Some(absence)) => Err(absence),
        (ews, _) => Ok(ews.map(|(url, _)| url)),
    }
}

fn written(target: &Target, found: Found, walk: Walk<'_>) -> Yield {
    let mut yielded = Yield::new();
    let (problem, problem_target) = walk.problem.unzip();
    yielded
        .set("discovery.configured_url", json!(target.endpoints.ews.as_ref().map(Url::as_str)))
        .set("discovery.hops", walk.hops)
        .set("discovery.problem", json!(problem))
        .set("discovery.problem_target", json!(problem_target));
    match (found.ews, found.uncertain) {
        (None, Some(absence)) => {
            yielded.absent("discovery.ews_url", absence.clone()).absent("discovery.source", absence);
        }
        (ews, _) => {
            let (url, source) = ews.unzip();
            yielded
                .set("discovery.ews_url", json!(url.as_ref().map(Url::as_str)))
                .set("discovery.source", json!(source));
        }
    }
    yielded.exchanges = walk.exchanges;
    yielded
}

/// The cloud routes by address, and its EWS address is known anyway.
async fn in_the_cloud(context: &Context, walk: &mut Walk<'_>) -> Found {
    let cloud = &context.target.endpoints.exchange_admin;
    let ews = match walk.go(v2(cloud, &context.target.account)).await.0 {
        Step::Settings(url) => walk.accept(&url).then_some((url, "autodiscover-v2")),
        _ => Some((well_known(cloud), "well-known")),
    };
    Found { ews, uncertain: None }
}

/// Follows the old form, by TLS where that works and by the plain redirect where it does not.
async fn follow_xml(context: &Context, walk: &mut Walk<'_>) -> (Step, Option<Url>) {
    let Some(base) = own_base(context).await else { return (Step::NotFound, None) };
    let (step, at) = walk.go(xml(&base)).await;
    if step.is_usable() || walk.problem.is_some() || context.target.endpoints.autodiscover.is_some() {
        return (step, Some(at));
    }
    let mut plain = xml(&base);
    if plain.set_scheme("http").is_err() {
        return (step, Some(at));
    }
    let (step, at) = walk.go(plain).await;
    (step, Some(at))
}

async fn in_the_domain(context: &Context, walk: &mut Walk<'_>) -> Found {
    let address = &context.target.account;
    let domain = context.target.mail_domain();
    let mut bases = Vec::new();
    if let Some(base) = own_base(context).await {
        if let (Step::Settings(url), _) = walk.go(v2(&base, address)).await {
            // The old form is what many products ask: where it leads matters as well.
            walk.go(xml(&base)).await;
            let ews = walk.accept(&url).then_some((url, "autodiscover-v2"));
            return Found { ews, uncertain: None };
        }
        if walk.problem.is_none()
            && let (step, Some(at)) = follow_xml(context, walk).await
            && step.is_usable()
        {
            bases.push(at);
        }
    }
    if walk.problem.is_none() && bases.is_empty() && hosts::registrable(&domain).is_some() {
        bases.extend(by_srv(context, walk, &domain).await);
        let root = format!("https://{domain}/").parse::<Url>().ok();
        if let Some(root) = root.filter(|_| bases.is_empty() && walk.problem.is_none())
            && let (step, at) = walk.go(xml(&root)).await
            && step.is_usable()
        {
            bases.push(at);
        }
    }
    for base in bases {
        if let Some(ews) = at_base(context, walk, &base).await {
            return Found { ews: Some(ews), uncertain: None };
        }
    }
    Found { ews: None, uncertain: uncertain(context, &domain).await }
}

/// A host that answered as Exchange: its JSON form, else its usual address if that answers.
async fn at_base(context: &Context, walk: &mut Walk<'_>, base: &Url) -> Option<(Url, &'static str)> {
    if let (Step::Settings(url), _) = walk.go(v2(base, &context.target.account)).await {
        return walk.accept(&url).then_some((url, "autodiscover-v2"));
    }
    let url = well_known(base);
    let reply = context.knock(&url).await;
    let answers = reply.outcome.as_ref().is_ok_and(|response| {
        matches!(ews_endpoint::result(response, None), "challenge" | "soap" | "forbidden")
    });
    walk.note(&url, &reply, if answers { "challenge" } else { "not-exchange" }, None);
    answers.then_some((url, "well-known"))
}

async fn by_srv(context: &Context, walk: &mut Walk<'_>, domain: &str) -> Option<Url> {
    let srv = context.net.dns().srv(&format!("_autodiscover._tcp.{domain}")).await;
    let first = srv.records.iter().find(|record| record.port == 443)?;
    let base: Url = format!("https://{}/", first.target).parse().ok()?;
    if !walk.accept(&base) {
        return None;
    }
    let (step, at) = walk.go(xml(&base)).await;
    step.is_usable().then_some(at)
}

/// Why nothing found does not mean that nothing is there.
async fn uncertain(context: &Context, domain: &str) -> Option<Absence> {
    let host = format!("autodiscover.{domain}");
    let answer = context.net.dns().host(&host).await;
    let reason = match answer.result {
        DnsResult::TimedOut => Reason::TimedOut,
        DnsResult::ServFail | DnsResult::Refused | DnsResult::Failed => Reason::Unreachable,
        _ => return None,
    };
    let text = answer.text.clone().unwrap_or_default();
    Some(Absence::new(reason).with_text(format!("the name {host} does not resolve: {text}")))
}

#[cfg(test)]
mod tests;
