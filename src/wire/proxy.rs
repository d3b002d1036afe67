//! The proxy between this machine and a host: which one, and what it says to CONNECT.

use std::time::Instant;

use base64::Engine as _;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use super::{
    client::{Net, USER_AGENT},
    net::{Failure, NetError, ProxySetting},
};
use crate::facts::{Exchange, Timings};

/// Longest answer to CONNECT that is read.
const MAX_ANSWER: usize = 8 << 10;

/// The proxy that carries a request.
#[derive(Clone)]
pub struct ProxyHop {
    url: Url,
}

impl std::fmt::Debug for ProxyHop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProxyHop").field(&self.shown()).finish()
    }
}

impl ProxyHop {
    /// Its URL without credentials.
    pub fn shown(&self) -> String {
        super::redact::url(&self.url)
    }

    pub(super) fn into_reqwest(self) -> Result<reqwest::Proxy, Failure> {
        reqwest::Proxy::all(self.url).map_err(|error| Failure::Proxy { text: error.to_string() })
    }

    fn authorization(&self) -> Option<String> {
        if self.url.username().is_empty() {
            return None;
        }
        let decode = |text: &str| {
            url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        let user = decode(self.url.username());
        let password = decode(self.url.password().unwrap_or_default());
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Some(format!("Basic {pair}"))
    }
}

/// The proxy setting, ready to be asked.
#[derive(Debug)]
pub(super) enum Proxies {
    Direct,
    System(Box<Matcher>),
    One(Url),
}

impl Proxies {
    pub(super) fn new(setting: &ProxySetting) -> Result<Self, NetError> {
        match setting {
            ProxySetting::Direct => Ok(Self::Direct),
            ProxySetting::System => Ok(Self::System(Box::new(Matcher::from_system()))),
            ProxySetting::Url(url) if url.scheme() == "http" && url.has_host() => Ok(Self::One(url.clone())),
            ProxySetting::Url(url) => Err(NetError::Proxy {
                url: super::redact::url(url),
                text: "only http:// proxies are supported".into(),
            }),
        }
    }

    pub(super) fn hop(&self, url: &Url) -> Option<ProxyHop> {
        match self {
            Self::Direct => None,
            Self::One(proxy) => Some(ProxyHop { url: proxy.clone() }),
            Self::System(matcher) => {
                let found = matcher.intercept(&url.as_str().parse().ok()?)?;
                let mut proxy: Url = found.uri().to_string().parse().ok()?;
                if let Some((user, password)) = found.basic_auth().and_then(|value| {
                    let pair = value.to_str().ok()?.strip_prefix("Basic ")?.to_owned();
                    let pair = base64::engine::general_purpose::STANDARD.decode(pair).ok()?;
                    let pair = String::from_utf8(pair).ok()?;
                    pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
                }) {
                    let _ = proxy.set_username(&user);
                    let _ = proxy.set_password(Some(&password));
                }
                Some(ProxyHop { url: proxy })
            }
        }
    }
}

/// What a proxy says to CONNECT.
#[derive(Debug, Clone)]
pub struct ProxyProbe {
    /// Status of its answer.
    pub status: Option<u16>,
    /// As the fact `proxy.hosts[].result`.
    pub result: &'static str,
    /// In words.
    pub text: Option<String>,
    /// Evidence.
    pub exchange: Exchange,
}

impl Net {
    /// Asks a proxy for a tunnel to a host, and closes it again.
    pub async fn proxy_probe(&self, hop: &ProxyHop, host: &str, port: u16) -> ProxyProbe {
        let at = jiff::Timestamp::now().to_string();
        let started = Instant::now();
        let limit = self.limits().connect;
        let (status, result, text) = match tokio::time::timeout(limit, self.connect(hop, host, port)).await {
            Ok(Ok((_, head))) => judge(&head),
            Ok(Err((result, text))) => (None, result, Some(text)),
            Err(_) => (None, "timed-out", Some("the proxy did not answer in time".into())),
        };
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let exchange = Exchange {
            method: "CONNECT".into(),
            url: format!("{host}:{port} via {}", hop.shown()),
            status,
            ms: Timings { first_byte: Some(ms), ..Timings::default() },
            at,
            answer: text.clone(),
            ..Exchange::default()
        };
        ProxyProbe { status, result, text, exchange }
    }

    /// An open tunnel to a host.
    pub(super) async fn tunnel(&self, hop: &ProxyHop, host: &str, port: u16) -> Result<TcpStream, String> {
        let (stream, head) = self.connect(hop, host, port).await.map_err(|(_, text)| text)?;
        match judge(&head) {
            (_, "open", _) => Ok(stream),
            (_, result, text) => Err(format!("the proxy answered: {}", text.as_deref().unwrap_or(result))),
        }
    }

    async fn connect(&self, hop: &ProxyHop, host: &str, port: u16) -> Result<(TcpStream, Vec<u8>), Shut> {
        let unreachable = |text: String| ("unreachable", text);
        let name = hop.url.host_str().unwrap_or_default();
        let proxy_port = hop.url.port_or_known_default().unwrap_or(80);
        let answer = self.dns().host(name).await;
        if answer.addresses.is_empty() {
            let text = answer.text.clone().unwrap_or_default();
            return Err(unreachable(format!("the proxy's name does not resolve: {text}")));
        }
        let addresses: Vec<_> = answer.addresses.iter().map(|ip| (*ip, proxy_port).into()).collect();
        let mut stream = TcpStream::connect(addresses.as_slice() as &[std::net::SocketAddr])
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let authorization =
            hop.authorization().map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\n{authorization}\r\n"
        );
        let reset = |error: std::io::Error| ("reset", error.to_string());
        stream.write_all(request.as_bytes()).await.map_err(reset)?;
        let mut head = Vec::new();
        let mut chunk = [0u8; 1024];
        while head.len() < MAX_ANSWER && !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut chunk).await.map_err(reset)? {
                0 if head.is_empty() => {
                    return Err(("reset", "the proxy closed the connection without an answer".into()));
                }
                0 => break,
                read => head.extend(chunk.iter().take(read)),
            }
        }
        Ok((stream, head))
    }
}

/// Why no answer to CONNECT came: result and words.
type Shut = (&'static str, String);

fn judge(head: &[u8]) -> (Option<u16>, &'static str, Option<String>) {
    let text = String::from_utf8_lossy(head);
    let first = text.lines().next().unwrap_or_default();
    let line = super::redact::text(first, &[]);
    let status =
        first.starts_with("HTTP/").then(|| first.split_whitespace().nth(1)?.parse::<u16>().ok()).flatten();
    let result = match status {
        Some(200..=299) => "open",
        Some(407) => "authentication-required",
        Some(401 | 403) => "forbidden",
        Some(502..=504) => "bad-gateway",
        _ => "refused",
    };
    let challenges: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
        .filter_map(|(_, value)| value.split_whitespace().next())
        .collect();
    let line = if challenges.is_empty() {
        line
    } else {
        line.map(|line| format!("{line} (offers {})", challenges.join(", ")))
    };
    (status, result, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_407_names_the_schemes() {
        let (status, result, text) =
            judge(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\r\n");
        assert_eq!((status, result), (Some(407), "authentication-required"));
        assert!(text.expect("text").contains("Negotiate"));
    }

    #[test]
    fn garbage_is_no_status() {
        assert_eq!(judge(b"SSH-2.0-x\r\n").0, None);
    }
}
