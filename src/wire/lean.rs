//! The shortest way for very many small questions to one server: connections of its own that stay open,
//! each with one question at a time, and no evidence but for what its callers want to keep.
//!
//! Trust, proxy, addresses and bounds are those of every other request; nothing follows a redirect. A
//! question is sent a second time only where an open connection turned out to be closed before the server
//! can have answered: questions that come here change nothing.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Url;
use uuid::Uuid;

use super::{
    Failure, Net, Response,
    client::{CLIENT_REQUEST_ID, MAX_HEADER_BYTES, MAX_HEADERS, USER_AGENT, bounded, millis, timed_out},
    failure::from_chain,
};
use crate::facts::Timings;

/// What is sent.
type Sent = Full<Bytes>;

/// A way to one server.
#[derive(Debug)]
pub(super) struct Lean {
    net: Net,
    origin: Url,
    host: String,
    name: ServerName<'static>,
    tls: Arc<rustls::ClientConfig>,
    idle: Mutex<Vec<Lane>>,
    ids: Ids,
}

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub target: Uri,
    /// Headers, those of [`Lean::headers`] among them.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// What became of a question.
#[derive(Debug)]
pub(super) struct Told {
    /// Answer, or why there is none.
    pub outcome: Result<Response, Failure>,
    /// The id that it was sent with.
    pub id: HeaderValue,
    /// How long it took.
    pub ms: Timings,
}

impl Lean {
    /// A way to the server of a URL; `None` where a credential must not go: only https, only by name or
    /// address as it stands in certificates.
    pub(super) fn new(net: Net, url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|_| url.scheme() == "https")?.to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).ok()?;
        let mut tls = net.0.tls.clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (idle, ids) = (Mutex::default(), Ids::new());
        Some(Self { net, origin: url.clone(), host, name, tls: Arc::new(tls), idle, ids })
    }

    /// The headers that every question has.
    pub(super) fn headers(&self) -> HeaderMap {
        let port = self.origin.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut headers = HeaderMap::new();
        if let Ok(host) = HeaderValue::from_str(&format!("{}{port}", self.host)) {
            headers.insert(header::HOST, host);
        }
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers
    }

    /// Asks once.
    pub(super) async fn ask(&self, question: impl Fn() -> Question) -> Told {
        let id = self.ids.next();
        let mut ms = Timings::default();
        let request = || {
            let question = question();
            let mut request = http::Request::new(Full::new(question.body));
            *request.method_mut() = question.method;
            *request.uri_mut() = question.target;
            *request.headers_mut() = question.headers;
            request.headers_mut().insert(CLIENT_REQUEST_ID, id.clone());
            request
        };
        let outcome = self.attempt(request, &mut ms).await;
        Told { outcome, id, ms }
    }

    async fn attempt(
        &self,
        request: impl Fn() -> http::Request<Sent>,
        ms: &mut Timings,
    ) -> Result<Response, Failure> {
        let limits = self.net.limits();
        loop {
            let found = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reused = found.is_some();
            let mut lane = match found {
                Some(lane) => lane,
                None => self.connect(ms).await?,
            };
            let started = Instant::now();
            let asking = lane.ask(request(), limits.body);
            let answered =
                timeout(limits.request, asking).await.map_err(|_| timed_out("request", limits.request))?;
            ms.first_byte = Some(millis(started.elapsed()));
            match answered {
                Ok(response) => {
                    bounded(&response.headers)?;
                    if lane.sender.is_ready() {
                        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
                    }
                    return Ok(response);
                }
                // Whoever let the connection wait too long.
                Err(Broken::Unanswered(_)) if reused => {}
                Err(Broken::Unanswered(error)) => return Err(from_chain(&self.host, false, &error)),
                Err(Broken::CutOff(text)) => return Err(Failure::Garbled { text }),
                Err(Broken::TooLarge) => return Err(Failure::TooLarge { limit: limits.body }),
            }
        }
    }

    async fn connect(&self, ms: &mut Timings) -> Result<Lane, Failure> {
        let limit = self.net.limits().connect;
        let started = Instant::now();
        let lane = timeout(limit, self.open()).await.map_err(|_| timed_out("connect", limit))?;
        ms.connect = Some(millis(started.elapsed()));
        lane
    }

    async fn open(&self) -> Result<Lane, Failure> {
        let port = self.origin.port_or_known_default().unwrap_or(443);
        let stream = match self.net.proxy_for(&self.origin) {
            Some(hop) => {
                let tunnel = self.net.tunnel(&hop, &self.host, port).await;
                tunnel.map_err(|text| Failure::Proxy { text })?
            }
            None => self.reach(port).await?,
        };
        let failed = |error: &(dyn std::error::Error + 'static)| from_chain(&self.host, false, error);
        // Nagle's algorithm would only slow small questions down; a socket that refuses works all the same.
        let _ = stream.set_nodelay(true);
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let secured = connector.connect(self.name.clone(), stream).await.map_err(|error| failed(&error))?;
        let (sender, connection) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES as usize)
            .handshake(TokioIo::new(secured))
            .await
            .map_err(|error| failed(&error))?;
        Ok(Lane { sender, connection: Box::pin(connection) })
    }

    async fn reach(&self, port: u16) -> Result<TcpStream, Failure> {
        self.net.resolve(&self.origin).await?;
        let addresses = match self.origin.host() {
            Some(url::Host::Ipv4(ip)) => vec![(ip, port).into()],
            Some(url::Host::Ipv6(ip)) => vec![(ip, port).into()],
            _ => self.net.addresses(&self.host, port).await,
        };
        let refused =
            |error: std::io::Error| Failure::Refused { host: self.host.clone(), text: error.to_string() };
        TcpStream::connect(addresses.as_slice()).await.map_err(refused)
    }
}

/// One connection. It moves only while a question is under way on it.
struct Lane {
    sender: SendRequest<Sent>,
    connection: Pin<Box<http1::Connection<TokioIo<TlsStream<TcpStream>>, Sent>>>,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lane")
    }
}

/// Why a connection brought no answer.
enum Broken {
    /// Nothing of an answer was there.
    Unanswered(hyper::Error),
    /// The answer began, and did not end as it should.
    CutOff(String),
    /// The body was larger than allowed.
    TooLarge,
}

impl Lane {
    async fn ask(&mut self, request: http::Request<Sent>, limit: usize) -> Result<Response, Broken> {
        let Self { sender, connection } = self;
        let mut answering = pin!(answer(sender, request, limit));
        let mut open = true;
        poll_fn(|context| {
            // Before the question, so that one that the server has closed meanwhile is found out.
            open = open && connection.as_mut().poll(context).is_pending();
            loop {
                if let Poll::Ready(answered) = answering.as_mut().poll(context) {
                    // It reads the end of the answer, and is free for the next question.
                    open = open && connection.as_mut().poll(context).is_pending();
                    return Poll::Ready(answered);
                }
                if !open {
                    return Poll::Pending;
                }
                open = connection.as_mut().poll(context).is_pending();
                if open {
                    return answering.as_mut().poll(context);
                }
            }
        })
        .await
    }
}

async fn answer(
    sender: &mut SendRequest<Sent>,
    request: http::Request<Sent>,
    limit: usize,
) -> Result<Response, Broken> {
    sender.ready().await.map_err(Broken::Unanswered)?;
    let response = sender.send_request(request).await.map_err(Broken::Unanswered)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Broken::TooLarge;
        }
        Broken::CutOff(format!("it was cut off, {error}"))
    })?;
    Ok(Response { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}

/// Ids that differ in their last digits, so that the server's log tells the questions apart.
#[derive(Debug)]
struct Ids {
    first: u128,
    next: AtomicU64,
}

/// The part of an id that counts.
const COUNTED: u128 = 0xffff_ffff_ffff;

impl Ids {
    fn new() -> Self {
        Self { first: Uuid::new_v4().as_u128() & !COUNTED, next: AtomicU64::new(0) }
    }

    fn next(&self) -> HeaderValue {
        let number = u128::from(self.next.fetch_add(1, Ordering::Relaxed)) & COUNTED;
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = Uuid::from_u128(self.first | number).hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("an id is a header value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_uuids_that_differ() {
        let ids = Ids::new();
        let [one, two] =
            [ids.next(), ids.next()].map(|id| id.to_str().expect("text").parse::<Uuid>().expect("an id"));
        assert_ne!(one, two);
        assert_eq!((one.get_version_num(), two.get_variant()), (4, uuid::Variant::RFC4122));
    }
}
