//! The HTTP client that all protocols share: one resolver, one trust store, one set of limits.
//!
//! It never follows a redirect, never retries, and keeps evidence of each exchange.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use url::Url;

use super::{
    clock::{Clock, Sample},
    connecting::{self, Measured, Origins},
    dns::{Dns, DnsResult, literal},
    failure::{Unresolved, from_chain},
    lean::Told,
    net::{Body, Failure, Limits, NetConfig, NetError, Reply, Request, Response},
    proxy::{Proxies, ProxyHop},
    redact,
    trust::Trust,
};
use crate::facts::{Exchange, Timings};

/// How the client names itself.
pub const USER_AGENT: &str = concat!("syncready/", env!("CARGO_PKG_VERSION"));

pub(super) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
/// More headers than any of the services sends.
pub(super) const MAX_HEADERS: usize = 100;
/// More header bytes than any of the services sends.
pub(super) const MAX_HEADER_BYTES: u32 = 64 << 10;

/// One connection pool: everything that decides how a connection is made.
type PoolKey = (String, u16, Option<String>);

pub(super) struct Inner {
    pub(super) config: NetConfig,
    pub(super) dns: Dns,
    pub(super) trust: Trust,
    proxies: Proxies,
    pub(super) tls: rustls::ClientConfig,
    clients: Mutex<HashMap<PoolKey, reqwest::Client>>,
    origins: Origins,
    clock: Clock,
    /// Until when hosts that pushed back want to be left alone.
    rests: Mutex<HashMap<String, tokio::time::Instant>>,
}

/// The shared client. Cheap to clone.
#[derive(Clone)]
pub struct Net(pub(super) Arc<Inner>);

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Net").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Net {
    /// A client with these settings.
    pub fn new(mut config: NetConfig) -> Result<Self, NetError> {
        for ((host, port), to) in &config.connect_to {
            if ![80, 389, 443, 636, 3268, 3269, to.port()].contains(port) {
                return Err(NetError::ConnectTo { host: host.clone(), port: *port, to: to.port() });
            }
        }
        config.connect_to = std::mem::take(&mut config.connect_to)
            .into_iter()
            .map(|((host, port), to)| ((host.to_ascii_lowercase(), port), to))
            .collect();
        let trust = Trust::new(config.ca_file.as_deref())?;
        let mut tls = trust.client_config(trust.verifier())?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let proxies = Proxies::new(&config.proxy)?;
        let dns = Dns::new(config.dns, config.limits.dns);
        let (clients, origins, clock) = (Mutex::default(), Origins::default(), Clock::default());
        let rests = Mutex::default();
        Ok(Self(Arc::new(Inner { config, dns, trust, proxies, tls, clients, origins, clock, rests })))
    }

    /// A host wants to be left alone until then.
    fn rest(&self, host: &str, until: tokio::time::Instant) {
        let mut rests = self.0.rests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = rests.entry(host.to_ascii_lowercase()).or_insert(until);
        *known = (*known).max(until);
    }

    /// When the last of the hosts that pushed back may be asked again; `None`: none did.
    pub fn rested(&self) -> Option<tokio::time::Instant> {
        self.0.rests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).values().max().copied()
    }

    /// The bounds in force.
    pub fn limits(&self) -> Limits {
        self.0.config.limits
    }

    /// The resolver of this run.
    pub fn dns(&self) -> &Dns {
        &self.0.dns
    }

    /// What is wrong with the platform's trust store, if anything.
    pub fn trust_warning(&self) -> Option<&str> {
        self.0.trust.warning()
    }

    /// The proxy that carries requests for this URL. Hosts of `connect_to`, and what only this machine
    /// can reach, are reached directly.
    pub fn proxy_for(&self, url: &Url) -> Option<ProxyHop> {
        let port = url.port_or_known_default()?;
        if self.connect_to(url.host_str()?, port).is_some() || is_link_local(url) {
            return None;
        }
        self.0.proxies.hop(url)
    }

    /// Where the configuration sends connections for this host and port.
    pub fn connect_to(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.0.config.connect_to.get(&(host.to_ascii_lowercase(), port)).copied()
    }

    /// How far the clock of a host that answered differs from this machine's.
    pub fn clock_of(&self, host: &str) -> Option<Sample> {
        self.0.clock.of(host)
    }

    /// Sends a request once.
    pub async fn send(&self, request: Request) -> Reply {
        let secrets = secrets_of(&request);
        let id = uuid::Uuid::new_v4().to_string();
        let mut exchange = Exchange {
            method: request.method.to_string(),
            url: redact::url(&request.url),
            at: jiff::Timestamp::now().to_string(),
            client_request_id: Some(id.clone()),
            ..Exchange::default()
        };
        let mut ms = Timings::default();
        // Boxed, because callers hold many of these at once.
        let outcome = Box::pin(self.heeded(request, &id, &mut ms)).await;
        exchange.ms = ms;
        complete(&mut exchange, &outcome, &secrets);
        Reply { exchange, outcome }
    }

    /// Sends a request, and notes how long a host that pushes back wants to be left alone.
    async fn heeded(&self, request: Request, id: &str, ms: &mut Timings) -> Result<Response, Failure> {
        let host = request.url.host_str().map(str::to_owned);
        let outcome = self.attempt(request, id, ms).await;
        let pause = outcome.as_ref().ok().and_then(super::answer::pause);
        if let (Some(pause), Some(host)) = (pause, host) {
            self.rest(&host, tokio::time::Instant::now() + pause);
        }
        outcome
    }

    async fn attempt(&self, request: Request, id: &str, ms: &mut Timings) -> Result<Response, Failure> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let limits = self.limits();
        let hop = self.proxy_for(&request.url);
        let proxied = hop.is_some();
        if !proxied {
            ms.dns = self.resolve(&request.url).await?;
        }
        let mut first = self.0.origins.turn(&request.url, hop.as_ref()).await;
        let client = self.client(&request.url, hop)?;
        let request = build(&client, request, id)?;
        let connect = Arc::new(AtomicU64::new(connecting::REUSED));
        let started = Instant::now();
        let mut sending = Box::pin(connecting::TIME.scope(connect.clone(), client.execute(request)));
        let sending = std::future::poll_fn(|context| {
            let polled = sending.as_mut().poll(context);
            if connect.load(Ordering::Relaxed) != connecting::REUSED {
                // The connection is in the pool by now: the others may share it.
                drop(first.take());
            }
            polled
        });
        let sent = tokio::time::timeout(limits.request, sending).await;
        let waited = connect.load(Ordering::Relaxed);
        ms.connect = (waited != connecting::REUSED).then_some(waited);
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_timeout() && error.is_connect() => {
                return Err(timed_out("connect", limits.connect));
            }
            Ok(Err(error)) => return Err(from_chain(&host, proxied, &error)),
            Err(_) => return Err(timed_out("request", limits.request)),
        };
        let first_byte = started.elapsed();
        ms.first_byte = Some(millis(first_byte).saturating_sub(ms.connect.unwrap_or(0)));
        let (status, headers) = (response.status(), response.headers().clone());
        bounded(&headers)?;
        self.0.clock.note(&host, &headers, first_byte);
        let left = limits.request.saturating_sub(first_byte);
        let reading = Instant::now();
        let body = tokio::time::timeout(left, read(response, limits.body, &host))
            .await
            .map_err(|_| timed_out("body", limits.request))??;
        ms.body = Some(millis(reading.elapsed()));
        Ok(Response { status, headers, body })
    }

    /// Resolves a host before the request, so that the time and the failure are known exactly; the
    /// connection then finds the answer in the resolver's memory.
    pub(super) async fn resolve(&self, url: &Url) -> Result<Option<u64>, Failure> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(0);
        if literal(host).is_some() || self.connect_to(host, port).is_some() {
            return Ok(None);
        }
        let started = Instant::now();
        let answer = self.0.dns.host(host).await;
        if answer.result == DnsResult::Ok {
            return Ok(Some(millis(started.elapsed())));
        }
        let text = answer.text.clone().unwrap_or_else(|| answer.result.as_str().to_owned());
        Err(Failure::Dns { host: host.to_owned(), kind: answer.result.as_str(), text })
    }

    fn client(&self, url: &Url, hop: Option<ProxyHop>) -> Result<reqwest::Client, Failure> {
        let port = url.port_or_known_default().unwrap_or(0);
        let scheme = if url.port().is_some() { String::new() } else { url.scheme().to_owned() };
        let key = (scheme, port, hop.as_ref().map(ProxyHop::shown));
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build_client(port, hop)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn build_client(&self, port: u16, hop: Option<ProxyHop>) -> Result<reqwest::Client, Failure> {
        let garbled = |error: reqwest::Error| Failure::Garbled { text: error.to_string() };
        let resolver = Names { dns: self.0.dns.clone(), net: Arc::downgrade(&self.0), port };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.0.tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .user_agent(USER_AGENT)
            .connect_timeout(self.limits().connect)
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .connector_layer(Measured)
            .dns_resolver(resolver);
        if let Some(hop) = hop {
            builder = builder.proxy(hop.into_reqwest()?);
        }
        builder.build().map_err(garbled)
    }
}

/// Writes down what came back, without these secrets.
fn complete(exchange: &mut Exchange, outcome: &Result<Response, Failure>, secrets: &[String]) {
    match outcome {
        Ok(response) => {
            exchange.status = Some(response.status.as_u16());
            let text = |name: &str| {
                let value = response.headers.get(name)?.to_str().ok()?;
                redact::text(value, secrets)
            };
            exchange.request_id = text("request-id").or_else(|| text("x-ms-request-id"));
            exchange.diagnostics = text("x-ms-diagnostics");
            exchange.server = text("x-feserver");
            exchange.answer = redact::answer(&response.body, secrets);
        }
        Err(failure) => exchange.answer = redact::text(&failure.to_string(), secrets),
    }
}

/// Evidence of a question that went the short way.
pub(super) fn evidence(method: &Method, url: &Url, told: &Told, secrets: &[String]) -> Exchange {
    let mut exchange = Exchange {
        method: method.to_string(),
        url: redact::url(url),
        at: jiff::Timestamp::now().to_string(),
        client_request_id: told.id.to_str().ok().map(str::to_owned),
        ms: told.ms,
        ..Exchange::default()
    };
    complete(&mut exchange, &told.outcome, secrets);
    exchange
}

/// Our resolver in the shape that the HTTP library wants, for connections to one port.
struct Names {
    dns: Dns,
    net: std::sync::Weak<Inner>,
    port: u16,
}

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let host = name.as_str().to_owned();
        let mapped = self
            .net
            .upgrade()
            .and_then(|net| net.config.connect_to.get(&(host.to_ascii_lowercase(), self.port)).copied());
        let dns = self.dns.clone();
        Box::pin(async move {
            if let Some(address) = mapped {
                return Ok(Box::new(std::iter::once(address)) as reqwest::dns::Addrs);
            }
            let answer = dns.host(&host).await;
            if answer.addresses.is_empty() {
                let text = answer.text.clone().unwrap_or_default();
                return Err(Unresolved { host, result: answer.result, text }.into());
            }
            let addresses = answer.addresses.clone();
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as reqwest::dns::Addrs)
        })
    }
}

fn build(client: &reqwest::Client, request: Request, id: &str) -> Result<reqwest::Request, Failure> {
    let garbled = |text: String| Failure::Garbled { text };
    let mut builder = client.request(request.method, request.url);
    builder = match request.body {
        Body::Empty => builder,
        Body::Form(pairs) => builder.form(&pairs),
        Body::Json(value) => builder.json(&value),
        Body::Xml(text) => builder.header(header::CONTENT_TYPE, "text/xml; charset=utf-8").body(text),
    };
    let mut built = builder.build().map_err(|error| garbled(error.to_string()))?;
    let id = HeaderValue::from_str(id).map_err(|error| garbled(error.to_string()))?;
    built.headers_mut().insert(CLIENT_REQUEST_ID, id);
    for (name, value) in &request.headers {
        built.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(built)
}

async fn read(mut response: reqwest::Response, limit: usize, host: &str) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    let broken = |error: reqwest::Error| match from_chain(host, false, &error) {
        Failure::Closed { text, .. } => Failure::Garbled { text: format!("it was cut off, {text}") },
        other => other,
    };
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > limit {
            return Err(Failure::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

pub(super) fn bounded(headers: &HeaderMap) -> Result<(), Failure> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES as usize {
        return Err(Failure::Garbled { text: "more headers than allowed".into() });
    }
    Ok(())
}

/// Everything in a request that must not show up in its evidence, even if the server echoes it.
fn secrets_of(request: &Request) -> Vec<String> {
    let mut secrets = Vec::new();
    if let Body::Form(pairs) = &request.body {
        let harmless = ["grant_type", "client_id", "scope", "username", "resource", "tbidv2"];
        secrets.extend(
            pairs.iter().filter(|(key, _)| !harmless.contains(&key.as_str())).map(|(_, value)| value.clone()),
        );
    }
    for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE] {
        let Some(value) = request.headers.get(name).and_then(|value| value.to_str().ok()) else { continue };
        let credential = value.split_once(' ').map_or(value, |(_, credential)| credential);
        secrets.push(credential.to_owned());
        if let Some(password) = basic_password(credential) {
            secrets.push(password);
        }
    }
    secrets
}

fn basic_password(credential: &str) -> Option<String> {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.decode(credential).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

pub(super) fn timed_out(phase: &'static str, limit: Duration) -> Failure {
    Failure::TimedOut { phase, seconds: limit.as_secs() }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the host is on this machine's own link, as the metadata service of Azure is.
fn is_link_local(url: &Url) -> bool {
    matches!(url.host(), Some(url::Host::Ipv4(address)) if address.is_link_local())
}

#[cfg(test)]
mod tests;
