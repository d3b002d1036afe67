//! The lab's HTTP server: one accept loop for TLS, one for plain HTTP, and the way of a request from
//! the socket through faults to the service of its host.

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use super::{
    RequestLog, World,
    ask::Ask,
    autodiscover,
    call::{self, Answer, Call},
    crowd::Made,
    entra::{self, Interactive},
    ews::{Ews, Streaming},
    exchange_admin,
    faults::{Fault, Faults, Target},
    front::{self, Held, Parts},
    graph, managed_identity,
    store::Store,
    throttling::Throttling,
    token::Signer,
};

const BODY_LIMIT: usize = 4 << 20;

type Body = BoxBody<Bytes, io::Error>;

/// Everything that the services share.
#[derive(Debug)]
pub struct State {
    /// The world that they serve.
    pub world: Arc<World>,
    /// Signs and verifies access tokens.
    pub signer: Signer,
    /// Sign-ins of people under way.
    pub interactive: Interactive,
    /// What stands in the mailboxes by now.
    pub store: Store,
    /// The limits on callers.
    pub throttling: Arc<Throttling>,
    /// Faults in front of the services.
    pub faults: Faults,
    ews: Ews,
    log: Mutex<Log>,
    connections: AtomicU64,
    latency: Duration,
}

impl State {
    /// The shared state of a lab that starts now.
    pub fn new(world: Arc<World>, store: Store, signer: Signer, latency: Duration) -> Self {
        Self {
            throttling: Arc::new(Throttling::new(&world)),
            faults: Faults::default(),
            world,
            signer,
            interactive: Interactive::default(),
            store,
            ews: Ews::default(),
            log: Mutex::default(),
            connections: AtomicU64::new(1),
            latency,
        }
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<RequestLog> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.asked.iter().map(|(key, asked)| asked.entry(key)).collect()
    }

    fn remember(&self, call: &Call) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).add(call);
    }
}

/// What was asked, within bounds: a lab may be asked millions of things.
#[derive(Debug, Default)]
struct Log {
    /// By host, method and path, with blanks between.
    asked: BTreeMap<String, Asked>,
    questions: HashSet<u64>,
}

/// How often a path was asked, and how many of the questions were different ones.
#[derive(Debug, Default)]
struct Asked {
    count: usize,
    distinct: usize,
}

/// Paths that are told apart; the others are counted together, under no path.
const PATHS: usize = 4096;
/// Questions that are recognized when they come again; all later ones count as different.
const QUESTIONS: usize = 65_536;

impl Log {
    fn add(&mut self, call: &Call) {
        let mut key = [call.host.as_str(), call.method.as_str(), &call.path].join(" ");
        if self.asked.len() >= PATHS && !self.asked.contains_key(&key) {
            key.truncate(key.len() - call.path.len());
        }
        let distinct = self.questions.len() >= QUESTIONS || {
            let mut question = DefaultHasher::new();
            (&key, call.secure, &call.query, &call.body, call.header("authorization")).hash(&mut question);
            self.questions.insert(question.finish())
        };
        let asked = self.asked.entry(key).or_default();
        asked.count += 1;
        asked.distinct += usize::from(distinct);
    }
}

impl Asked {
    fn entry(&self, key: &str) -> RequestLog {
        let mut parts = key.splitn(3, ' ').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (host, method, path) = (part(), part(), part());
        RequestLog { method, host, path, count: self.count, distinct: self.distinct }
    }
}

/// Accepts TLS connections until it is dropped.
pub async fn serve_tls(state: Arc<State>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(no_delay(stream)).await {
                connection(state, true, stream).await;
            }
        });
    }
}

/// Accepts plain connections until it is dropped.
pub async fn serve_plain(state: Arc<State>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(Arc::clone(&state), false, no_delay(stream)));
    }
}

fn no_delay(stream: TcpStream) -> TcpStream {
    // Nagle's algorithm would only slow the lab down; a socket that refuses works all the same.
    let _ = stream.set_nodelay(true);
    stream
}

async fn connection(
    state: Arc<State>,
    secure: bool,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let number = state.connections.fetch_add(1, Ordering::Relaxed);
    let service =
        hyper::service::service_fn(move |request| handle(Arc::clone(&state), secure, number, request));
    // A client that goes away, or is thrown out by a fault, is no concern of the lab.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(
    state: Arc<State>,
    secure: bool,
    connection: u64,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let call = read(&state, secure, connection, request).await?;
    state.remember(&call);
    let admitted = front::admit(&state, &call);
    if !state.latency.is_zero() {
        tokio::time::sleep(state.latency).await;
    }
    let held = match admitted {
        Ok(held) => held,
        Err(refusal) => return Ok(finish(&state, &call, refusal.into())),
    };
    let (delay, fault) = state.faults.strike(&state.world, Target::from(&call));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match fault {
        None => {
            let mut answer = route(&state, &call, &held);
            let stream = answer.extensions_mut().remove::<Streaming>();
            let response = finish(&state, &call, answer);
            Ok(match stream {
                Some(stream) => envelopes(Arc::clone(&state), held, stream, response),
                None => response,
            })
        }
        Some(Fault::Answer(answer)) => Ok(finish(&state, &call, answer)),
        Some(Fault::Lost(answer)) => {
            route(&state, &call, &held);
            answer.map_or_else(|| break_down(&Fault::Reset), |answer| Ok(finish(&state, &call, answer)))
        }
        Some(broken) => break_down(&broken),
    }
}

async fn read(state: &State, secure: bool, connection: u64, request: Request<Incoming>) -> io::Result<Call> {
    let (parts, body) = request.into_parts();
    let host = match parts.uri.host() {
        Some(host) => host.to_owned(),
        None => {
            parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned()
        }
    };
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Call {
        bearer: state.signer.read(&parts.headers, state.world.clock()),
        method: parts.method,
        host: host.split(':').next().unwrap_or_default().to_ascii_lowercase(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        secure,
        connection,
        request_id: Uuid::new_v4().to_string(),
    })
}

/// The same answer with a body of envelopes, each sent as soon as there is something to tell. The caller
/// counts as one who is being served until it ends.
fn envelopes(state: Arc<State>, held: Held, first: Streaming, response: Response<Body>) -> Response<Body> {
    let body = stream::unfold((state, held, first), |(state, held, mut stream)| async move {
        let text = {
            let made = Made::default();
            stream.next(state.world.view_keeping(&made), &state.store).await?
        };
        Some((Ok(Frame::data(Bytes::from(text))), (state, held, stream)))
    });
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, BodyExt::boxed(StreamBody::new(body)))
}

/// The service behind a host answers.
fn route(state: &State, call: &Call, held: &Held) -> Answer {
    let (world, made) = (&*state.world, Made::default());
    let view = world.view_keeping(&made);
    if let Some(answer) = autodiscover::redirect(world, call) {
        return answer;
    }
    let path = call.path.to_ascii_lowercase();
    match world.at("/hosts")[call.host.as_str()]["service"].as_str() {
        Some("entra") => entra::handle(state, call),
        Some("managed-identity") => managed_identity::handle(state, call),
        Some("graph") => graph::answer(view, &state.store, &Parts { state, held }, &Ask::from(call)).into(),
        Some("exchange" | "exchange-server" | "autodiscover")
            if path == "/autodiscover/autodiscover.svc" && call.header("authorization").is_some() =>
        {
            state.ews.answer(view, &state.store, &Ask::from(call)).into()
        }
        Some("exchange" | "exchange-server" | "autodiscover") if path.starts_with("/autodiscover/") => {
            autodiscover::handle(world, call)
        }
        Some("exchange") if path.starts_with("/adminapi/") => {
            exchange_admin::answer(view, &Ask::from(call)).into()
        }
        Some("exchange" | "exchange-server") => state.ews.answer(view, &state.store, &Ask::from(call)).into(),
        Some("web") if path == "/" || world.at("/hosts")[call.host.as_str()]["catch_all"] == true => {
            call::text(StatusCode::OK, "text/html; charset=utf-8", WEB_PAGE)
        }
        _ => call::text(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            "<html><body>Not found</body></html>",
        ),
    }
}

const WEB_PAGE: &str = "<!DOCTYPE html><html><head><title>Contoso</title></head><body>Welcome</body></html>";

/// Puts on what every answer carries: time, ids, the marks of the service that answered.
fn finish(state: &State, call: &Call, answer: Answer) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let between = parts.headers.contains_key("via");
    let mut put = |name: &'static str, value: &str| {
        if let (false, Ok(value)) = (parts.headers.contains_key(name), HeaderValue::from_str(value)) {
            parts.headers.insert(name, value);
        }
    };
    put("date", &state.world.clock().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
    let service = state.world.at("/hosts")[call.host.as_str()]["service"].as_str();
    // What names a gateway was answered there, and never saw the service.
    match service.filter(|_| !between) {
        Some("entra") => {
            put("x-ms-request-id", &call.request_id);
            put("x-ms-ests-server", "2.1.22401.9 - WUS3 ProdSlices");
            put("cache-control", "no-store, no-cache");
            put("pragma", "no-cache");
            put("strict-transport-security", "max-age=31536000; includeSubDomains");
            put("x-content-type-options", "nosniff");
        }
        Some("graph") => {
            put("request-id", &call.request_id);
            put("client-request-id", call.header("client-request-id").unwrap_or(&call.request_id));
            put(
                "x-ms-ags-diagnostic",
                r#"{"ServerInfo":{"DataCenter":"West US 3","Slice":"E","Ring":"5","ScaleUnit":"000"}}"#,
            );
            put("strict-transport-security", "max-age=31536000");
        }
        Some("exchange" | "exchange-server" | "autodiscover") => {
            put("request-id", &call.request_id);
            if let Some(id) = call.header("client-request-id") {
                put("client-request-id", id);
            }
            put("x-feserver", "LAB0PEPF00001");
            put("x-calculatedbetarget", "lab0mb0001.lab.prod.outlook.com");
            put("server", "Microsoft-IIS/10.0");
        }
        _ => put("server", "nginx"),
    }
    Response::from_parts(parts, Full::new(body).map_err(never).boxed())
}

fn never(error: Infallible) -> io::Error {
    match error {}
}

fn break_down(fault: &Fault) -> io::Result<Response<Body>> {
    let chunk = || Ok(Frame::data(Bytes::from_static(&[b' '; 16 << 10])));
    let (body, length): (Body, Option<u64>) = match fault {
        Fault::Truncated => {
            let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut off");
            let start = Ok(Frame::data(Bytes::from_static(b"{\"value\":[")));
            (BodyExt::boxed(StreamBody::new(stream::iter([start, Err(broken)]))), Some(4096))
        }
        Fault::Endless => (BodyExt::boxed(StreamBody::new(stream::repeat_with(chunk))), None),
        Fault::Oversized(bytes) => {
            let chunks = usize::try_from(bytes.div_ceil(16 << 10)).unwrap_or(usize::MAX);
            (BodyExt::boxed(StreamBody::new(stream::repeat_with(chunk).take(chunks))), None)
        }
        Fault::Reset | Fault::Answer(_) | Fault::Lost(_) => return Err(io::ErrorKind::ConnectionReset.into()),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}
