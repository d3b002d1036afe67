//! The way to the hosts that the world needs: names, proxy, ports, certificates, clocks.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use url::Url;

use super::{
    Access, Call, Context, Protocol, Target, World, Yield, anonymous,
    directory::{Reading, Stop, row},
    discovery,
};
use crate::facts::{Absence, Exchange, Reason, Timings};
use crate::wire::{dns::DnsResult, hosts, proxy::ProxyHop, tls::TlsProbe};

/// The calls of this collector.
pub const CALLS: &[Call] = &[
    row!(
        "network.dns", Tenant, Access::Anonymous, |_| true, after [], dns,
        yields ["dns.hosts", "dns.servers", "dns.any_resolved"],
    ),
    row!(
        "network.proxy", Tenant, Access::Anonymous, |_| true, after [], proxy,
        yields ["proxy.configured", "proxy.url", "proxy.hosts"],
    ),
    row!("network.tcp", Tenant, Access::Anonymous, |_| true, after [], tcp, yields ["tcp.hosts"]),
    row!("network.tls", Tenant, Access::Anonymous, |_| true, after["network.tcp"], tls, yields["tls.hosts"]),
    row!(
        "network.clock", Tenant, Access::Anonymous, |_| true, after ["tenant.openid"], clock,
        yields ["clock.offset_seconds", "clock.host", "clock.samples"],
    ),
];

/// A host that the targets of a tenant need.
#[derive(Debug, Clone)]
struct Needed {
    host: String,
    port: u16,
    purposes: Vec<&'static str>,
    url: Url,
}

impl Needed {
    fn hop(&self, context: &Context) -> Option<ProxyHop> {
        context.net.proxy_for(&self.url)
    }
}

/// The hosts that the targets of this tenant need, each once.
async fn needed(context: &Context) -> Arc<Vec<Needed>> {
    let find = Box::pin(async {
        let mut found: Vec<Needed> = Vec::new();
        let mut domains = std::collections::BTreeSet::new();
        for target in context.peers.iter() {
            for (url, purpose) in configured(target) {
                add(&mut found, &url, purpose);
            }
            let searched = target.world == Some(World::ExchangeServer) && target.endpoints.ews.is_none();
            if searched && domains.insert(target.mail_domain()) {
                let context = Context { target: target.clone(), ..context.clone() };
                if let Ok(Some(url)) = discovery::ews_url(&context).await {
                    add(&mut found, &url, "ews");
                }
                let base = format!("https://autodiscover.{}/", target.mail_domain()).parse().ok();
                if let Some(base) = target.endpoints.autodiscover.clone().or(base) {
                    add(&mut found, &base, "autodiscover");
                }
            }
        }
        found
    });
    context.memo.once(format!("needed hosts {}", context.target.tenant), find).await
}

fn configured(target: &Target) -> Vec<(Url, &'static str)> {
    let ends = &target.endpoints;
    let read = target.reader.is_some();
    let (sign_in, graph, exchange) = match target.world {
        None => (true, true, true),
        Some(World::ExchangeServer) => (target.hybrid || target.subject.scheme == "oauth", false, false),
        Some(_) => (true, target.protocol == Protocol::Graph, target.protocol == Protocol::Ews),
    };
    let admin = read && (target.hybrid || target.world != Some(World::ExchangeServer));
    // What only the reader asks is no need of the product.
    let purpose = |product: bool, reader: bool, name| match (product, reader) {
        (true, _) => Some(name),
        (false, reader) => reader.then_some("reader"),
    };
    [
        (Some(&ends.sign_in), purpose(sign_in, read, "sign-in")),
        (Some(&ends.graph), purpose(graph, read, "graph")),
        (Some(&ends.exchange_admin), purpose(exchange, admin, "exchange")),
        (ends.ews.as_ref(), Some("ews")),
    ]
    .into_iter()
    .filter_map(|(url, purpose)| Some((url?.clone(), purpose?)))
    .collect()
}

fn add(found: &mut Vec<Needed>, url: &Url, purpose: &'static str) {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return };
    match found.iter_mut().find(|needed| needed.host == host && needed.port == port) {
        Some(needed) if needed.purposes.contains(&purpose) => {}
        Some(needed) => {
            needed.purposes.push(purpose);
            if purpose == "ews" {
                needed.url = url.clone();
            }
        }
        None => found.push(Needed { host: host.into(), port, purposes: vec![purpose], url: url.clone() }),
    }
}

async fn dns(context: &Context) -> Reading {
    let needed = needed(context).await;
    let at = jiff::Timestamp::now().to_string();
    let asked = join_all(needed.iter().map(|needed| context.net.dns().host(&needed.host))).await;
    let mut yielded = Yield::new();
    let mut rows = Vec::new();
    for (needed, answer) in needed.iter().zip(&asked) {
        rows.push(json!({
            "host": needed.host,
            "purposes": needed.purposes,
            "redirected": context.net.connect_to(&needed.host, needed.port).is_some(),
            "result": answer.result.as_str(),
            "addresses": answer.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "ipv4": answer.addresses.iter().filter(|ip| ip.is_ipv4()).count(),
            "ipv6": answer.addresses.iter().filter(|ip| ip.is_ipv6()).count(),
            "aliases": answer.aliases,
            "text": answer.text,
        }));
        yielded.exchange(Exchange {
            method: "DNS".into(),
            url: format!("{} A AAAA", needed.host),
            ms: Timings { dns: Some(answer.ms), ..Timings::default() },
            at: at.clone(),
            answer: answer.text.clone().or_else(|| Some(answer.result.as_str().to_owned())),
            ..Exchange::default()
        });
    }
    let any = asked.iter().any(|answer| answer.result == DnsResult::Ok);
    let servers: Vec<_> = context.net.dns().servers().iter().map(ToString::to_string).collect();
    yielded.set("dns.hosts", rows).set("dns.servers", servers).set("dns.any_resolved", any);
    Ok(yielded)
}

async fn proxy(context: &Context) -> Reading {
    let needed = needed(context).await;
    let hops: Vec<_> =
        needed.iter().filter_map(|needed| needed.hop(context).map(|hop| (needed, hop))).collect();
    let probes = hops.iter().map(|(needed, hop)| context.net.proxy_probe(hop, &needed.host, needed.port));
    let probes = join_all(probes).await;
    let mut yielded = Yield::new();
    let mut rows = Vec::new();
    for ((needed, _), probe) in hops.iter().zip(probes) {
        rows.push(json!({
            "host": needed.host, "status": probe.status, "result": probe.result, "text": probe.text,
        }));
        yielded.exchange(probe.exchange);
    }
    yielded
        .set("proxy.configured", !hops.is_empty())
        .set("proxy.url", json!(hops.first().map(|(_, hop)| hop.shown())))
        .set("proxy.hosts", rows);
    Ok(yielded)
}

async fn tcp(context: &Context) -> Reading {
    let needed = needed(context).await;
    let direct = needed.iter().filter(|needed| needed.hop(context).is_none());
    let probes = join_all(direct.map(|needed| async move {
        let addresses = context.net.addresses(&needed.host, needed.port).await;
        let probe = context.net.tcp_probe(&needed.host, needed.port, &addresses).await;
        (needed, probe)
    }))
    .await;
    let mut yielded = Yield::new();
    let mut rows = Vec::new();
    for (needed, probe) in probes.into_iter().filter(|(_, probe)| !probe.addresses.is_empty()) {
        let failed = probe.addresses.iter().filter(|(_, result)| *result != "open");
        rows.push(json!({
            "host": needed.host,
            "port": needed.port,
            "open": probe.result == "open",
            "result": probe.result,
            "failed_addresses": failed.map(|(ip, _)| ip.to_string()).collect::<Vec<_>>(),
            "addresses": probe.addresses.len(),
        }));
        yielded.exchange(probe.exchange);
    }
    yielded.set("tcp.hosts", rows);
    Ok(yielded)
}

async fn tls(context: &Context) -> Reading {
    let needed = needed(context).await;
    let rows = context.fact("tcp.hosts").and_then(Value::as_array).cloned().unwrap_or_default();
    let open =
        |needed: &Needed| rows.iter().any(|row| row["host"] == needed.host.as_str() && row["open"] == true);
    let reached: Vec<_> = needed
        .iter()
        .filter(|needed| needed.url.scheme() == "https" && (needed.hop(context).is_some() || open(needed)))
        .collect();
    let probes =
        join_all(reached.iter().map(|needed| context.net.tls_probe(&needed.host, needed.port))).await;
    let mut yielded = Yield::new();
    let mut rows = Vec::new();
    for (needed, probe) in reached.into_iter().zip(probes) {
        let redirected = context.net.connect_to(&needed.host, needed.port).is_some();
        rows.push(tls_row(&needed.host, &probe, redirected));
        yielded.exchange(probe.exchange);
    }
    yielded.set("tls.hosts", rows);
    Ok(yielded)
}

fn tls_row(host: &str, probe: &TlsProbe, redirected: bool) -> Value {
    let leaf = probe.leaf.as_ref();
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string());
    json!({
        "host": host,
        "result": probe.result,
        "version": probe.version,
        "subject": leaf.map(|leaf| &leaf.subject),
        "issuer": leaf.map(|leaf| &leaf.issuer),
        "names": leaf.map(|leaf| leaf.names.as_slice()).unwrap_or_default(),
        "not_before": time(leaf.and_then(|leaf| leaf.not_before)),
        "not_after": time(leaf.and_then(|leaf| leaf.not_after)),
        "chain_length": probe.chain_length,
        "extra_root": probe.extra_root,
        "redirected": redirected,
        "microsoft": hosts::is_microsoft(host),
        "public_issuer": probe.public_issuer,
        "text": probe.text,
    })
}

/// Compares with a server that is asked anyway: the sign-in service, else the EWS address.
async fn clock(context: &Context) -> Reading {
    let needed = needed(context).await;
    let sign_in = needed.iter().find(|needed| needed.purposes.contains(&"sign-in"));
    let ews: Vec<_> = needed.iter().filter(|needed| needed.purposes.contains(&"ews")).collect();
    if sign_in.is_none() && ews.is_empty() {
        let absence = Absence::new(Reason::NotAsked).with_text("no server is known to compare with");
        return Err(Stop::from(absence));
    }
    let mut yielded = Yield::new();
    let mut failure = None;
    for needed in &ews {
        let reply = context.knock(&needed.url).await;
        yielded.exchange(reply.exchange.clone());
        failure = failure.or(reply.outcome.as_ref().err().map(anonymous::absence));
    }
    let asked = ews.iter().copied().chain(sign_in);
    let mut samples: Vec<_> = asked
        .filter_map(|needed| Some((context.net.clock_of(&needed.host)?.offset_seconds, &needed.host)))
        .collect();
    samples.sort_by_key(|(offset, host)| (offset.abs(), (*host).clone()));
    let unread = failure.or_else(|| context.before.absence("tenant.found").cloned());
    let nearest = samples.first();
    if let (None, Some(absence)) = (nearest, unread) {
        return Err(Stop { absence, exchanges: yielded.exchanges });
    }
    yielded
        .set("clock.offset_seconds", json!(nearest.map(|(offset, _)| offset)))
        .set("clock.host", json!(nearest.map(|(_, host)| host)))
        .set("clock.samples", samples.len());
    Ok(yielded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{Reader, SignIn, testing};

    fn purposes(target: &Target) -> Vec<&'static str> {
        configured(target).into_iter().map(|(_, purpose)| purpose).collect()
    }

    #[test]
    fn a_graph_product_needs_no_exchange_host() {
        assert_eq!(purposes(&testing::target("svc@contoso.com")), ["sign-in", "graph"]);
    }

    #[test]
    fn what_only_the_reader_asks_is_told_apart() {
        let mut target = testing::target("svc@contoso.com");
        target.reader = Some(Reader {
            sign_in: SignIn::ClientSecret(crate::wire::Secret::new("s")),
            client_id: Some("reader".into()),
        });
        assert_eq!(purposes(&target), ["sign-in", "graph", "reader"]);
    }

    #[test]
    fn an_unknown_world_may_need_all_of_the_cloud() {
        let mut target = testing::target("svc@contoso.com");
        target.world = None;
        assert_eq!(purposes(&target), ["sign-in", "graph", "exchange"]);
    }

    #[test]
    fn a_server_of_ones_own_needs_nothing_of_the_cloud() {
        let mut target = testing::target("svc@contoso.com");
        target.world = Some(World::ExchangeServer);
        target.subject.scheme = "basic".into();
        target.endpoints.ews = "https://mail.contoso.com/EWS/Exchange.asmx".parse().ok();
        assert_eq!(purposes(&target), ["ews"]);
    }

    #[test]
    fn one_host_for_two_purposes_stands_once() {
        let mut found = Vec::new();
        let url: Url = "https://outlook.office365.com/EWS/Exchange.asmx".parse().expect("a URL");
        add(&mut found, &"https://outlook.office365.com/".parse().expect("a URL"), "exchange");
        add(&mut found, &url, "ews");
        assert_eq!((found.len(), &found[0].purposes, &found[0].url), (1, &vec!["exchange", "ews"], &url));
    }
}
