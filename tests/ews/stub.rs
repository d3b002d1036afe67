//! A small EWS server on loopback that is neither Exchange nor this program's lab: bare fault codes
//! under HTTP 200, unusual prefixes, one challenge header in odd case, one request a connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use syncready::wire::{Limits, Net, NetConfig, ProxySetting};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Host name of the server.
pub const HOST: &str = "mail.contoso.com";

/// One request, as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Request line.
    pub line: String,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: String,
}

impl Seen {
    /// User name and password of a Basic header.
    pub fn basic(&self) -> Option<(String, String)> {
        let text = self.headers.get("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// Content of the first element of that local name.
    pub fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!(":{name}>"))?;
        Some(rest.split('<').next().unwrap_or_default())
    }
}

/// What answers a request: the bytes of a whole HTTP answer.
pub type Handler = Box<dyn Fn(&Seen) -> Vec<u8> + Send + Sync>;

/// The running server.
pub struct Stub {
    address: SocketAddr,
    ca_file: tempfile::NamedTempFile,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    /// Starts a server with this behaviour.
    pub async fn start(handler: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let (acceptor, ca) = tls();
        let ca_file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(ca_file.path(), ca).expect("it can be written");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(accept(listener, acceptor, Box::new(handler), Arc::clone(&seen)));
        Self { address, ca_file, seen, task }
    }

    /// The client, told where the host is and whom to trust.
    pub fn net(&self) -> Net {
        self.net_within(Limits { body: 64 << 10, ..Limits::default() })
    }

    /// The same within these bounds.
    pub fn net_within(&self, limits: Limits) -> Net {
        let config = NetConfig {
            ca_file: Some(self.ca_file.path().to_owned()),
            connect_to: BTreeMap::from([((HOST.to_owned(), 443), self.address)]),
            proxy: ProxySetting::Direct,
            limits,
            ..NetConfig::default()
        };
        Net::new(config).expect("the settings are usable")
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic while held").clone()
    }

    /// Requests that carried a credential.
    pub fn authenticated(&self) -> usize {
        self.seen().iter().filter(|seen| seen.headers.contains_key("authorization")).count()
    }
}

fn tls() -> (TlsAcceptor, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
    let key = KeyPair::generate().expect("a key");
    let leaf =
        CertificateParams::new([HOST.to_owned()]).expect("a name").signed_by(&key, &ca).expect("signed");
    let chain = vec![CertificateDer::from(leaf.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks them")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("key and certificate fit");
    (TlsAcceptor::from(Arc::new(config)), ca.pem())
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, handler: Handler, seen: Arc<Mutex<Vec<Seen>>>) {
    let handler = Arc::new(handler);
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, handler, seen) = (acceptor.clone(), Arc::clone(&handler), Arc::clone(&seen));
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let Some(request) = read(&mut stream).await else { return };
            seen.lock().expect("no panic while held").push(request.clone());
            let answer = handler(&request);
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        });
    }
}

/// Reads one request; a chunked body is left unread, as a server that refuses it would.
async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let mut seen = Seen { line: lines.next()?.to_owned(), ..Seen::default() };
    seen.headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = seen.headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
    }
    seen.body = String::from_utf8(bytes[head + 4..].to_vec()).ok()?;
    Some(seen)
}

/// The bytes of an answer that closes its connection.
pub fn http(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

const XML: &str = "content-TYPE: text/xml";

/// HTTP 200 with nothing but a fault code, its parts in another order.
pub fn bare_fault(code: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version='1.0'?><SOAP:Envelope xmlns:SOAP='http://schemas.xmlsoap.org/soap/envelope/'><SOAP:Body>\
         <SOAP:Fault><faultstring>{code}: no</faultstring><faultcode>{code}</faultcode></SOAP:Fault></SOAP:Body></SOAP:Envelope>"
    );
    http("200 OK", &[XML], body.as_bytes())
}

/// HTTP 500 with a detail, as Exchange sends it, and a time to wait.
pub fn detailed_fault(code: &str, wait_ms: u32) -> Vec<u8> {
    let body = format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>s:Server</faultcode>\
         <faultstring xml:lang='en-US'>later</faultstring><detail>\
         <e:ResponseCode xmlns:e='http://schemas.microsoft.com/exchange/services/2006/errors'>{code}</e:ResponseCode>\
         <t:MessageXml xmlns:t='http://schemas.microsoft.com/exchange/services/2006/types'>\
         <t:Value Name='BackOffMilliseconds'>{wait_ms}</t:Value></t:MessageXml></detail></s:Fault></s:Body></s:Envelope>"
    );
    http("500 Internal Server Error", &[XML], body.as_bytes())
}

/// The inbox, under prefixes that Exchange does not use and with its attributes turned round.
pub fn inbox() -> Vec<u8> {
    let body = "\u{feff}<?xml version='1.0' encoding='utf-8'?><E:Envelope xmlns:E='http://schemas.xmlsoap.org/soap/envelope/'>\
        <E:Header><y:ServerVersionInfo xmlns:y='http://schemas.microsoft.com/exchange/services/2006/types' Version='V2017_07_11' \
        MinorBuildNumber='4040' MajorBuildNumber='847' MinorVersion='0' MajorVersion='15'/></E:Header>\
        <E:Body><w:GetFolderResponse xmlns:w='http://schemas.microsoft.com/exchange/services/2006/messages'><w:ResponseMessages>\
        <w:GetFolderResponseMessage ResponseClass='Success'><w:ResponseCode>NoError</w:ResponseCode><w:Folders/>\
        </w:GetFolderResponseMessage></w:ResponseMessages></w:GetFolderResponse></E:Body></E:Envelope>";
    http("200 OK", &[XML], body.as_bytes())
}

/// A server with one account: knows Basic, refuses chunked requests, refuses that somebody
/// impersonates himself, and lets its account into one other mailbox.
pub fn quirky(user: &'static str, password: &'static str, other: &'static str) -> Handler {
    Box::new(move |seen| {
        if seen.headers.contains_key("transfer-encoding") {
            return http("411 Length Required", &[], b"");
        }
        if seen.basic() != Some((user.to_owned(), password.to_owned())) {
            let challenge = "wWw-aUTHENTICATE: Negotiate, NTLM, bAsIc realm=\"mail, and more\"";
            return http("401 Unauthorized", &[challenge], b"");
        }
        match seen.element("PrimarySmtpAddress") {
            None => inbox(),
            Some(target) if target == other => inbox(),
            Some(target) if target == user => bare_fault("ErrorImpersonateUserDenied"),
            Some(_) => bare_fault("ErrorCannotFindUser"),
        }
    })
}
