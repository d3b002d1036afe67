//! Reading a directory by LDAP: over TLS from the first byte (`ldaps`), or begun before anything is said
//! (`ldap`); a password never goes over a connection that was not verified.
//!
//! Referrals are not followed, since that would send the password to a host that nobody named. It only
//! binds and searches: no operation that writes can be built. Knows nothing of what attributes mean.

mod ber;
mod message;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;
use zeroize::Zeroize as _;

use self::message::{Answer, Question, read};
pub use self::message::{Depth, Entry, Filter, Search, Verdict};
use super::{Failure, Net, Secret, failure::tls_kind};
use crate::facts::{Exchange, Timings};

/// Objects of one page.
const PAGE: u32 = 200;
/// Most objects that one search gives.
const MAX_ENTRIES: usize = 2000;
/// Most messages that one search may take.
const MAX_MESSAGES: usize = 10_000;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Objects.
    pub entries: Vec<Entry>,
    /// Where the search would have gone on: other domains, which were not asked.
    pub elsewhere: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
}

/// A connection to a directory server.
pub struct Ldap {
    stream: Box<dyn Stream>,
    received: BytesMut,
    last: u32,
    address: String,
    request: Duration,
    largest: usize,
    /// Evidence of everything that was asked.
    pub exchanges: Vec<Exchange>,
}

impl std::fmt::Debug for Ldap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ldap").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Ldap {
    /// Connects to a server and verifies it.
    ///
    /// # Errors
    ///
    /// When it is not reached, or cannot be trusted.
    pub async fn connect(net: &Net, url: &Url) -> Result<Self, Failure> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let secure = url.scheme() == "ldaps";
        let port = url.port().unwrap_or(if secure { 636 } else { 389 });
        let limits = net.limits();
        let connecting = timeout(limits.connect, open(net, &host, port)).await;
        let stream = connecting.map_err(|_| timed_out("connect", limits.connect))??;
        let mut plain = Self {
            stream: Box::new(tokio::io::empty()),
            received: BytesMut::new(),
            last: 0,
            address: format!("{}://{host}:{port}", url.scheme()),
            request: limits.request,
            largest: limits.body,
            exchanges: Vec::new(),
        };
        let stream = if secure { stream } else { plain.begin_tls(stream).await? };
        let shaking = timeout(limits.connect, verified(net, &host, stream)).await;
        plain.stream = shaking.map_err(|_| timed_out("connect", limits.connect))??;
        // What came before TLS stood does not count.
        plain.received.clear();
        Ok(plain)
    }

    /// Asks for TLS on a plain connection, before anything else is said.
    async fn begin_tls(&mut self, mut stream: TcpStream) -> Result<TcpStream, Failure> {
        let limit = self.request;
        let asked = async {
            let id = self.send(&mut stream, &Question::StartTls).await?;
            let message = self.receive(&mut stream).await?;
            match read(&message).filter(|(of, _)| *of == i64::from(id)) {
                Some((_, Answer::Done(verdict))) if verdict.code == 0 => Ok(()),
                Some((_, Answer::Done(verdict))) => {
                    let text =
                        format!("the server refuses StartTLS (result {}): {}", verdict.code, verdict.text);
                    Err(Failure::Garbled { text })
                }
                _ => Err(garbled("the answer to StartTLS is none")),
            }
        };
        timeout(limit, asked).await.map_err(|_| timed_out("request", limit))??;
        Ok(stream)
    }

    /// Signs in; a refusal is an answer.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn bind(&mut self, username: &str, password: &Secret) -> Result<Verdict, Failure> {
        let question = Question::Bind(username, password.expose());
        self.ask("bind", &question).await.map(|found| found.verdict)
    }

    /// Searches, page by page.
    ///
    /// # Errors
    ///
    /// When no answer comes, or more than is reasonable.
    pub async fn search(&mut self, search: &Search) -> Result<Found, Failure> {
        let name = format!("search {}", if search.base.is_empty() { "rootDSE" } else { &search.base });
        let mut all = Found::default();
        let mut cookie = Vec::new();
        loop {
            let question = Question::Search(search, PAGE, &cookie);
            let mut page = self.ask(&name, &question).await?;
            all.entries.append(&mut page.entries);
            all.elsewhere.append(&mut page.elsewhere);
            all.verdict = page.verdict;
            if all.verdict.cookie.is_empty() || all.verdict.code != 0 {
                return Ok(all);
            }
            if all.entries.len() >= MAX_ENTRIES || all.verdict.cookie == cookie {
                return Err(garbled("the search gives more than is reasonable"));
            }
            cookie.clone_from(&all.verdict.cookie);
        }
    }

    /// Says good-bye; whether the server hears it changes nothing.
    pub async fn close(mut self) -> Vec<Exchange> {
        self.last += 1;
        let farewell = Question::Unbind.write(self.last);
        let _ = timeout(Duration::from_millis(200), self.stream.write_all(&farewell)).await;
        std::mem::take(&mut self.exchanges)
    }

    async fn ask(&mut self, name: &str, question: &Question<'_>) -> Result<Found, Failure> {
        let (at, started) = (jiff::Timestamp::now().to_string(), Instant::now());
        let limit = self.request;
        let mut stream = std::mem::replace(&mut self.stream, Box::new(tokio::io::empty()));
        let outcome = match timeout(limit, self.converse(&mut stream, question)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(timed_out("request", limit)),
        };
        self.stream = stream;
        let answer = match &outcome {
            Ok(found) if found.verdict.code == 0 && matches!(question, Question::Bind(..)) => {
                "accepted".into()
            }
            Ok(found) if found.verdict.code == 0 => match found.entries.len() {
                1 => "1 object".to_owned(),
                count => format!("{count} objects"),
            },
            Ok(found) => format!("result {}: {}", found.verdict.code, found.verdict.text),
            Err(failure) => failure.to_string(),
        };
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.exchanges.push(Exchange {
            method: "LDAP".into(),
            url: format!("{} {name}", self.address),
            ms: Timings { first_byte: Some(ms), ..Timings::default() },
            at,
            answer: Some(answer),
            ..Exchange::default()
        });
        outcome
    }

    async fn converse(&mut self, stream: &mut dyn Stream, question: &Question<'_>) -> Result<Found, Failure> {
        let id = self.send(stream, question).await?;
        let (mut found, mut size) = (Found::default(), 0);
        for _ in 0..MAX_MESSAGES {
            let message = self.receive(stream).await?;
            size += message.len();
            if size > self.largest {
                return Err(Failure::TooLarge { limit: self.largest });
            }
            let (of, answer) = read(&message).ok_or_else(|| garbled("a message is no LDAP"))?;
            if of != i64::from(id) {
                continue;
            }
            match answer {
                Answer::Entry(entry) => found.entries.push(entry),
                Answer::Elsewhere(addresses) => found.elsewhere.extend(addresses),
                Answer::Done(verdict) => return Ok(Found { verdict, ..found }),
                Answer::Other => {}
            }
            if found.entries.len() > MAX_ENTRIES || found.elsewhere.len() > MAX_ENTRIES {
                break;
            }
        }
        Err(garbled("the answer does not end"))
    }

    async fn send(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin + ?Sized),
        question: &Question<'_>,
    ) -> Result<u32, Failure> {
        self.last += 1;
        let mut message = question.write(self.last);
        let sent = async {
            stream.write_all(&message).await?;
            stream.flush().await
        };
        let sent = sent.await;
        message.zeroize();
        sent.map_err(|error| self.closed(&error.to_string()))?;
        Ok(self.last)
    }

    /// One whole message.
    async fn receive(&mut self, stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Vec<u8>, Failure> {
        loop {
            match ber::whole(&self.received, self.largest) {
                Ok(Some(length)) => {
                    let message = self.received.get(..length).unwrap_or_default().to_vec();
                    self.received.advance(length);
                    return Ok(message);
                }
                Ok(None) => {}
                Err(text) => return Err(garbled(text)),
            }
            match stream.read_buf(&mut self.received).await {
                Ok(0) => return Err(self.closed("the connection ended")),
                Ok(_) => {}
                Err(error) => return Err(self.closed(&error.to_string())),
            }
        }
    }

    fn closed(&self, text: &str) -> Failure {
        Failure::Closed { host: self.address.clone(), text: text.to_owned() }
    }
}

async fn open(net: &Net, host: &str, port: u16) -> Result<TcpStream, Failure> {
    let addresses = net.addresses(host, port).await;
    if addresses.is_empty() {
        let text = "no address is known".to_owned();
        return Err(Failure::Dns { host: host.to_owned(), kind: "failed", text });
    }
    TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| Failure::Refused { host: host.to_owned(), text: error.to_string() })
}

async fn verified(net: &Net, host: &str, stream: TcpStream) -> Result<Box<dyn Stream>, Failure> {
    let failed = |kind: &'static str, text: String| Failure::Tls { host: host.to_owned(), kind, text };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed("failed", error.to_string()))?;
    let trust = &net.0.trust;
    let config =
        trust.client_config(trust.verifier()).map_err(|error| failed("failed", error.to_string()))?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
        let kind = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).map(tls_kind);
        failed(kind.unwrap_or("failed"), error.to_string())
    })?;
    Ok(Box::new(stream))
}

fn garbled(text: &str) -> Failure {
    Failure::Garbled { text: text.to_owned() }
}

fn timed_out(phase: &'static str, limit: Duration) -> Failure {
    Failure::TimedOut { phase, seconds: limit.as_secs() }
}
