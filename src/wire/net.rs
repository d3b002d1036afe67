//! What the HTTP client is told and what it answers: configuration, bounds, request, reply, failure.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::facts::Exchange;

/// Bounds on time and size for everything that comes from outside.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One DNS question.
    pub dns: Duration,
    /// TCP and TLS together.
    pub connect: Duration,
    /// One request, from the first byte sent to the last byte read.
    pub request: Duration,
    /// Body bytes.
    pub body: usize,
    /// Redirects followed by hand.
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(3),
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            body: 4 << 20,
            redirects: 5,
        }
    }
}

impl Limits {
    /// The same, with bounds on time that leave room for several steps in a row within a run: in a short
    /// run one silent server must not eat the time in which the others are asked.
    #[must_use]
    pub fn within(self, run: Duration) -> Self {
        let least = Duration::from_millis(200);
        let share = |limit: Duration, parts: u32| limit.min((run / parts).max(least));
        Self {
            dns: share(self.dns, 6),
            connect: share(self.connect, 4),
            request: share(self.request, 3),
            ..self
        }
    }
}

/// Which proxy carries the requests.
#[derive(Debug, Clone, Default)]
pub enum ProxySetting {
    /// None at all.
    Direct,
    /// As `HTTPS_PROXY`, `NO_PROXY` and the system say.
    #[default]
    System,
    /// This one.
    Url(Url),
}

/// How to reach servers.
#[derive(Debug, Clone, Default)]
pub struct NetConfig {
    /// Name server to ask instead of the system's.
    pub dns: Option<SocketAddr>,
    /// PEM file with additional trusted roots.
    pub ca_file: Option<PathBuf>,
    /// `host:port` of a URL → address to connect to instead. URL, Host, SNI and certificate check stay.
    pub connect_to: BTreeMap<(String, u16), SocketAddr>,
    /// Proxy.
    pub proxy: ProxySetting,
    /// Bounds.
    pub limits: Limits,
}

/// A request body with its content type.
#[derive(Debug, Clone, Default)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// `application/x-www-form-urlencoded`; never printed.
    Form(Vec<(String, String)>),
    /// `application/json`.
    Json(serde_json::Value),
    /// `text/xml; charset=utf-8`.
    Xml(String),
}

/// A request to be sent once, without following redirects.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// URL.
    pub url: Url,
    /// Headers besides those that the client sets (`User-Agent`, `client-request-id`, content type).
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
}

impl Request {
    /// A GET.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Body::Empty }
    }

    /// A POST.
    pub fn post(url: Url, body: Body) -> Self {
        Self { method: Method::POST, url, headers: HeaderMap::new(), body }
    }
}

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`Limits::body`] bytes.
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The name did not resolve.
    #[error("the name {host} does not resolve: {text}")]
    Dns {
        /// Host.
        host: String,
        /// nxdomain, no-data, servfail, refused, timed-out or failed.
        kind: &'static str,
        /// In words.
        text: String,
    },
    /// No connection came about: refused, reset, or no way there.
    #[error("{host} refused the connection: {text}")]
    Refused {
        /// Host.
        host: String,
        /// In words.
        text: String,
    },
    /// The connection stood and broke before the answer was there.
    #[error("{host} closed the connection without an answer: {text}")]
    Closed {
        /// Host.
        host: String,
        /// In words.
        text: String,
    },
    /// No answer in time.
    #[error("no answer within {seconds} s ({phase})")]
    TimedOut {
        /// connect, request or body.
        phase: &'static str,
        /// The bound that was reached.
        seconds: u64,
    },
    /// The TLS handshake failed.
    #[error("TLS with {host} failed: {text}")]
    Tls {
        /// Host.
        host: String,
        /// As the fact `tls.hosts[].result`.
        kind: &'static str,
        /// In words.
        text: String,
    },
    /// The proxy stood in the way.
    #[error("the proxy did not let the request through: {text}")]
    Proxy {
        /// In words.
        text: String,
    },
    /// The body was larger than allowed.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound that was reached.
        limit: usize,
    },
    /// The answer was not HTTP, was cut off, or broke a bound.
    #[error("the answer could not be read: {text}")]
    Garbled {
        /// In words.
        text: String,
    },
}

/// What became of a request, with its evidence.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Evidence, without secrets.
    pub exchange: Exchange,
    /// Answer, or why there is none.
    pub outcome: Result<Response, Failure>,
}

/// Why the client could not be built: a fault of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The CA file cannot be read, or holds no certificate.
    #[error("the CA file {path}: {text}")]
    CaFile {
        /// Its path.
        path: String,
        /// What is wrong.
        text: String,
    },
    /// A `connect_to` entry that cannot be honoured.
    #[error(
        "connect_to \"{host}:{port}\" leads to port {to}: only the usual ports (80, 443, those of LDAP) may change, \
         because they do not stand in URLs"
    )]
    ConnectTo {
        /// Host of the entry.
        host: String,
        /// Its port.
        port: u16,
        /// Port it leads to.
        to: u16,
    },
    /// The proxy's URL cannot be used.
    #[error("the proxy {url} cannot be used: {text}")]
    Proxy {
        /// Without credentials.
        url: String,
        /// What is wrong.
        text: String,
    },
    /// The TLS library refused its settings.
    #[error("TLS could not be set up: {text}")]
    Tls {
        /// In words.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_shortens_its_steps_and_a_usual_one_does_not() {
        let times =
            |limits: Limits| [limits.dns, limits.connect, limits.request].map(|time| time.as_millis());
        assert_eq!(times(Limits::default().within(Duration::from_mins(1))), [3000, 5000, 10_000]);
        assert_eq!(times(Limits::default().within(Duration::from_secs(3))), [500, 750, 1000]);
    }
}
