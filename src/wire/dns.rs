//! Names: one resolver for the whole run, which asks each question once.
//!
//! A name that does not exist is an answer here, not an error. Knows nothing of what a host is for.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hickory_net::{DnsError, NetError as HickoryError};
use hickory_proto::{
    op::{Query, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};
use hickory_resolver::{
    Hosts, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
};
use tokio::sync::OnceCell;

/// Longest answer kept, in records: a hostile server may send thousands.
const MAX_RECORDS: usize = 64;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsResult {
    /// With records.
    Ok,
    /// The name does not exist.
    NxDomain,
    /// The name exists, without records of the type asked for.
    NoData,
    /// The server failed.
    ServFail,
    /// The server refused to answer.
    Refused,
    /// Silence.
    TimedOut,
    /// Anything else.
    Failed,
    /// Nothing was asked: the host is an address.
    Literal,
}

impl DnsResult {
    /// As the fact `dns.hosts[].result`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NxDomain => "nxdomain",
            Self::NoData => "no-data",
            Self::ServFail => "servfail",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::Failed => "failed",
            Self::Literal => "literal",
        }
    }

    /// How much this result of one question decides about the name; higher decides.
    fn weight(self) -> u8 {
        match self {
            Self::Ok | Self::Literal => 6,
            Self::NxDomain => 5,
            Self::TimedOut => 4,
            Self::ServFail => 3,
            Self::Refused => 2,
            Self::Failed => 1,
            Self::NoData => 0,
        }
    }
}

/// What the resolver says of a host: its IPv4 and IPv6 addresses and the aliases on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAnswer {
    /// How it ended.
    pub result: DnsResult,
    /// Addresses, IPv4 first, sorted.
    pub addresses: Vec<IpAddr>,
    /// CNAME chain.
    pub aliases: Vec<String>,
    /// In words, when it failed.
    pub text: Option<String>,
    /// Milliseconds it took.
    pub ms: u64,
}

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// Lower is asked first.
    pub priority: u16,
    /// Higher is asked first within a priority.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// Host, without trailing dot.
    pub target: String,
}

/// What the resolver says of a service name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrvAnswer {
    /// How it ended.
    pub result: DnsResult,
    /// Records, in the order in which a client asks them.
    pub records: Vec<Srv>,
    /// In words, when it failed.
    pub text: Option<String>,
    /// Milliseconds it took.
    pub ms: u64,
}

type Memo<T> = Mutex<HashMap<String, Arc<OnceCell<Arc<T>>>>>;

struct Inner {
    resolver: Result<TokioResolver, String>,
    hosts: Option<Hosts>,
    servers: Vec<SocketAddr>,
    limit: Duration,
    names: Memo<HostAnswer>,
    services: Memo<SrvAnswer>,
}

/// The resolver of a run. Cheap to clone.
#[derive(Clone)]
pub struct Dns(Arc<Inner>);

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dns").field("servers", &self.0.servers).finish_non_exhaustive()
    }
}

impl Dns {
    /// A resolver that asks `server`, or the system's servers and hosts file; each question takes
    /// `limit` at most.
    pub fn new(server: Option<SocketAddr>, limit: Duration) -> Self {
        let (config, options, hosts) = match server {
            Some(server) => (Ok(single(server)), ResolverOpts::default(), None),
            None => match hickory_resolver::system_conf::read_system_conf() {
                Ok((config, options)) => (Ok(config), options, Hosts::from_system().ok()),
                Err(error) => {
                    let text = format!("the system's name servers could not be read: {error}");
                    (Err(text), ResolverOpts::default(), Hosts::from_system().ok())
                }
            },
        };
        let servers = config.as_ref().map(servers).unwrap_or_default();
        let resolver = config.and_then(|config| build(config, options, limit));
        let (names, services) = (Memo::default(), Memo::default());
        Self(Arc::new(Inner { resolver, hosts, servers, limit, names, services }))
    }

    /// The servers that are asked.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.0.servers
    }

    /// The addresses of a host. Asked once in a run, whoever wants to know.
    pub async fn host(&self, host: &str) -> Arc<HostAnswer> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let cell = cell(&self.0.names, &host);
        cell.get_or_init(|| async { Arc::new(Box::pin(self.ask_host(&host)).await) }).await.clone()
    }

    /// The SRV records of a name. Asked once in a run.
    pub async fn srv(&self, name: &str) -> Arc<SrvAnswer> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let cell = cell(&self.0.services, &name);
        cell.get_or_init(|| async { Arc::new(Box::pin(self.ask_srv(&name)).await) }).await.clone()
    }

    async fn ask_host(&self, host: &str) -> HostAnswer {
        if let Some(address) = literal(host) {
            return HostAnswer {
                result: DnsResult::Literal,
                addresses: vec![address],
                aliases: Vec::new(),
                text: None,
                ms: 0,
            };
        }
        let started = Instant::now();
        let (v4, v6) =
            futures_util::future::join(self.ask(host, RecordType::A), self.ask(host, RecordType::AAAA)).await;
        let mut answer = merge(&v4, &v6);
        answer.ms = millis(started);
        answer
    }

    async fn ask_srv(&self, name: &str) -> SrvAnswer {
        let started = Instant::now();
        let (result, records, text) = self.ask(name, RecordType::SRV).await;
        let mut records: Vec<_> = records
            .iter()
            .filter_map(|record| match &record.data {
                RData::SRV(srv) => Some(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: plain(&srv.target),
                }),
                _ => None,
            })
            .collect();
        records.sort_by(|a, b| {
            (a.priority, std::cmp::Reverse(a.weight), &a.target).cmp(&(
                b.priority,
                std::cmp::Reverse(b.weight),
                &b.target,
            ))
        });
        SrvAnswer { result, records, text, ms: millis(started) }
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Asked {
        let Ok(mut parsed) = Name::from_utf8(name) else {
            return (DnsResult::Failed, Vec::new(), Some(format!("{name} is not a host name")));
        };
        // A name without a dot is completed by the system's search list, as everywhere else.
        parsed.set_fqdn(name.contains('.'));
        let query = Query::query(parsed.clone(), kind);
        if let Some(found) = self.0.hosts.as_ref().and_then(|hosts| hosts.lookup_static_host(&query)) {
            return (DnsResult::Ok, found.answers().to_vec(), None);
        }
        let resolver = match &self.0.resolver {
            Ok(resolver) => resolver,
            Err(text) => return (DnsResult::Failed, Vec::new(), Some(text.clone())),
        };
        match tokio::time::timeout(self.0.limit, resolver.lookup(parsed, kind)).await {
            Ok(Ok(found)) => {
                let records = found.answers().iter().take(MAX_RECORDS).cloned().collect();
                (DnsResult::Ok, records, None)
            }
            Ok(Err(error)) => {
                let result = classify(&error);
                (result, Vec::new(), Some(describe(result, &error)))
            }
            Err(_) => (DnsResult::TimedOut, Vec::new(), Some("no answer in time".into())),
        }
    }
}

type Asked = (DnsResult, Vec<Record>, Option<String>);

fn cell<T>(memo: &Memo<T>, key: &str) -> Arc<OnceCell<Arc<T>>> {
    let mut memo = memo.lock().unwrap_or_else(PoisonError::into_inner);
    memo.entry(key.to_owned()).or_default().clone()
}

/// The address, if a URL's host is one; IPv6 also in brackets.
pub fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn single(server: SocketAddr) -> ResolverConfig {
    let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
    (udp.port, tcp.port) = (server.port(), server.port());
    ResolverConfig::from_parts(
        None,
        Vec::new(),
        vec![NameServerConfig::new(server.ip(), true, vec![udp, tcp])],
    )
}

fn servers(config: &ResolverConfig) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for server in config.name_servers() {
        for connection in &server.connections {
            let address = SocketAddr::new(server.ip, connection.port);
            if !servers.contains(&address) {
                servers.push(address);
            }
        }
    }
    servers
}

fn build(
    config: ResolverConfig,
    mut options: ResolverOpts,
    limit: Duration,
) -> Result<TokioResolver, String> {
    if config.name_servers().is_empty() {
        return Err("no name server is configured".into());
    }
    // The hosts file is asked before, and only for the system's configuration.
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.preserve_intermediates = true;
    // One lost datagram must not spend the whole bound.
    options.timeout = limit / 2;
    options.attempts = 1;
    let mut builder =
        TokioResolver::builder_with_config(config, hickory_net::runtime::TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().map_err(|error| error.to_string())
}

fn classify(error: &HickoryError) -> DnsResult {
    match error {
        HickoryError::Dns(DnsError::NoRecordsFound(none)) => code(none.response_code),
        HickoryError::Dns(DnsError::ResponseCode(found)) => code(*found),
        HickoryError::Timeout => DnsResult::TimedOut,
        _ => DnsResult::Failed,
    }
}

fn code(code: ResponseCode) -> DnsResult {
    match code {
        ResponseCode::NXDomain => DnsResult::NxDomain,
        ResponseCode::NoError => DnsResult::NoData,
        ResponseCode::ServFail => DnsResult::ServFail,
        ResponseCode::Refused => DnsResult::Refused,
        _ => DnsResult::Failed,
    }
}

fn describe(result: DnsResult, error: &HickoryError) -> String {
    match result {
        DnsResult::NxDomain => "the name does not exist".into(),
        DnsResult::NoData => "the name has no address".into(),
        DnsResult::ServFail => "the name server failed (SERVFAIL)".into(),
        DnsResult::Refused => "the name server refused the question (REFUSED)".into(),
        DnsResult::TimedOut => "no answer in time".into(),
        _ => error.to_string(),
    }
}

fn merge(v4: &Asked, v6: &Asked) -> HostAnswer {
    let (mut addresses, mut aliases) = (Vec::new(), Vec::new());
    for record in v4.1.iter().chain(&v6.1) {
        match &record.data {
            RData::CNAME(name) => {
                let name = plain(name);
                if !aliases.contains(&name) {
                    aliases.push(name);
                }
            }
            other => addresses.extend(other.ip_addr()),
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    if !addresses.is_empty() {
        return HostAnswer { result: DnsResult::Ok, addresses, aliases, text: None, ms: 0 };
    }
    // An alias without an address at its end is an answer without what was asked for.
    let worse = |asked: &Asked| match asked.0 {
        DnsResult::Ok => (DnsResult::NoData, Some("the name has no address".to_owned())),
        other => (other, asked.2.clone()),
    };
    let (a, b) = (worse(v4), worse(v6));
    let (result, text) = if b.0.weight() > a.0.weight() { b } else { a };
    HostAnswer { result, addresses, aliases, text, ms: 0 }
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(result: DnsResult) -> Asked {
        (result, Vec::new(), None)
    }

    #[test]
    fn a_name_that_does_not_exist_stays_so_when_the_other_question_is_lost() {
        let answer = merge(&failed(DnsResult::NxDomain), &failed(DnsResult::TimedOut));
        assert_eq!(answer.result, DnsResult::NxDomain);
    }

    #[test]
    fn silence_for_one_family_is_not_no_data() {
        let answer = merge(&failed(DnsResult::TimedOut), &failed(DnsResult::NoData));
        assert_eq!(answer.result, DnsResult::TimedOut);
    }

    #[tokio::test]
    async fn an_address_is_not_asked_for() {
        let dns = Dns::new(Some(([127, 0, 0, 1], 9).into()), Duration::from_millis(50));
        let answer = dns.host("[::1]").await;
        assert_eq!((answer.result, answer.addresses.len()), (DnsResult::Literal, 1));
    }

    #[tokio::test]
    async fn a_silent_server_times_out() {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("binds");
        let dns = Dns::new(silent.local_addr().ok(), Duration::from_millis(60));
        assert_eq!(dns.host("mail.contoso.example").await.result, DnsResult::TimedOut);
    }
}
