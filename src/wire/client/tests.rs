//! The client against servers that behave badly.

use std::{path::PathBuf, sync::Arc};

use http::{HeaderValue, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::wire::ProxySetting;

/// Answers each connection, after its request head, with these bytes, and repeats the tail for ever.
async fn serve(answer: Vec<u8>, endless: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, endless) = (answer.clone(), endless.clone());
            tokio::spawn(async move { speak(stream, &answer, &endless).await });
        }
    });
    address
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8], endless: &[u8]) {
    let mut part = [0; 4096];
    let _ = stream.read(&mut part).await;
    let _ = stream.write_all(answer).await;
    while !endless.is_empty() && stream.write_all(endless).await.is_ok() {}
    let _ = stream.shutdown().await;
}

fn config() -> NetConfig {
    NetConfig { proxy: ProxySetting::Direct, ..NetConfig::default() }
}

fn url(address: SocketAddr) -> Url {
    format!("http://{address}/").parse().expect("a URL")
}

async fn get(config: NetConfig, url: Url) -> Reply {
    Net::new(config).expect("a client").send(Request::get(url)).await
}

async fn answer_to(answer: &str) -> Reply {
    get(config(), url(serve(answer.into(), Vec::new()).await)).await
}

/// A certificate made by a private authority, and that authority in a PEM file.
struct Pki {
    ca: tempfile::NamedTempFile,
    server: Arc<rustls::ServerConfig>,
}

fn pki(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pki {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    change(&mut params);
    let leaf = params.signed_by(&key, &issuer).expect("a certificate");
    let ca = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(ca.path(), issuer.pem()).expect("writes");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a server configuration");
    Pki { ca, server: Arc::new(server) }
}

async fn serve_tls(server: Arc<rustls::ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = tokio_rustls::TlsAcceptor::from(server.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    speak(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"").await;
                }
            });
        }
    });
    address
}

async fn over_tls(pki: &Pki, ca_file: Option<PathBuf>) -> Result<Response, Failure> {
    let address = serve_tls(pki.server.clone()).await;
    let connect_to = [(("mail.contoso.example".to_owned(), 443), address)].into();
    let config = NetConfig { ca_file, connect_to, ..config() };
    get(config, "https://mail.contoso.example/".parse().expect("a URL")).await.outcome
}

fn tls_result(outcome: &Result<Response, Failure>) -> &'static str {
    match outcome {
        Err(Failure::Tls { kind, .. }) => kind,
        other => panic!("not a TLS failure: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_comes_with_status_ids_and_body() {
    let reply =
        answer_to("HTTP/1.1 403 Forbidden\r\nrequest-id: r1\r\nx-ms-diagnostics: 2000;why\r\nContent-Length: 2\r\n\r\nno")
            .await;
    let exchange = &reply.exchange;
    assert_eq!((exchange.status, exchange.request_id.as_deref()), (Some(403), Some("r1")));
    assert_eq!(exchange.diagnostics.as_deref(), Some("2000;why"));
    assert_eq!(exchange.answer.as_deref(), Some("no"));
    assert!(exchange.ms.connect.is_some() && exchange.ms.first_byte.is_some() && exchange.ms.body.is_some());
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    assert!(matches!(get(config(), url(address)).await.outcome, Err(Failure::Refused { .. })));
}

#[tokio::test]
async fn silence_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let limits = Limits { request: Duration::from_millis(50), ..Limits::default() };
    let reply = get(NetConfig { limits, ..config() }, url(address)).await;
    assert!(matches!(reply.outcome, Err(Failure::TimedOut { phase: "request", .. })));
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let limits = Limits { body: 10_000, ..Limits::default() };
    let reply = get(NetConfig { limits, ..config() }, url(serve(head, vec![b'x'; 4096]).await)).await;
    assert_eq!(reply.outcome.err(), Some(Failure::TooLarge { limit: 10_000 }));
}

#[tokio::test]
async fn garbage_is_garbled() {
    assert!(matches!(answer_to("220 mail ESMTP\r\n").await.outcome, Err(Failure::Garbled { .. })));
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let flood: String = "x-a: y\r\n".repeat(5000);
    let reply = answer_to(&format!("HTTP/1.1 200 OK\r\n{flood}\r\n")).await;
    assert!(matches!(reply.outcome, Err(Failure::Garbled { .. })), "{:?}", reply.outcome);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let reply =
        answer_to("HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(reply.outcome.expect("an answer").status, StatusCode::FOUND);
}

#[tokio::test]
async fn what_was_sent_in_secret_is_not_in_the_evidence() {
    let echo = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 15\r\n\r\nbad: S3cret-Pwd";
    let mut request = Request::get(url(serve(echo.into(), Vec::new()).await));
    let value = HeaderValue::from_static("Basic c3ZjOlMzY3JldC1Qd2Q=");
    request.headers.insert(header::AUTHORIZATION, value);
    let reply = Net::new(config()).expect("a client").send(request).await;
    assert_eq!(reply.exchange.answer.as_deref(), Some("bad: [removed]"));
}

#[tokio::test]
async fn the_ca_file_adds_trust_and_connect_to_leads_there() {
    let pki = pki("mail.contoso.example", |_| {});
    let response = over_tls(&pki, Some(pki.ca.path().into())).await.expect("an answer");
    assert_eq!(&response.body[..], b"hi");
}

#[tokio::test]
async fn an_unknown_issuer_is_untrusted() {
    let pki = pki("mail.contoso.example", |_| {});
    assert_eq!(tls_result(&over_tls(&pki, None).await), "untrusted-issuer");
}

#[tokio::test]
async fn an_old_certificate_is_expired() {
    let pki = pki("mail.contoso.example", |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    assert_eq!(tls_result(&over_tls(&pki, Some(pki.ca.path().into())).await), "expired");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_a_mismatch() {
    let pki = pki("www.contoso.example", |_| {});
    assert_eq!(tls_result(&over_tls(&pki, Some(pki.ca.path().into())).await), "name-mismatch");
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_told() {
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    let proxy = ProxySetting::Url(url(serve(answer.into(), Vec::new()).await));
    let net = Net::new(NetConfig { proxy, ..config() }).expect("a client");
    let url: Url = "https://graph.contoso.example/".parse().expect("a URL");
    let hop = net.proxy_for(&url).expect("a proxy");
    let probe = net.proxy_probe(&hop, "graph.contoso.example", 443).await;
    assert_eq!((probe.status, probe.result), (Some(407), "authentication-required"));
    assert!(matches!(net.send(Request::get(url)).await.outcome, Err(Failure::Proxy { .. })));
}

#[tokio::test]
async fn a_mapped_host_bypasses_the_proxy() {
    let proxy = ProxySetting::Url("http://127.0.0.1:9".parse().expect("a URL"));
    let connect_to = [(("Mail.contoso.example".to_owned(), 443), ([127, 0, 0, 1], 10).into())].into();
    let net = Net::new(NetConfig { connect_to, proxy, ..config() }).expect("a client");
    assert!(net.proxy_for(&"https://mail.contoso.example/".parse().expect("a URL")).is_none());
}

#[tokio::test]
async fn a_mapping_that_cannot_be_kept_is_refused() {
    let connect_to = [(("mail.contoso.example".to_owned(), 8443), ([127, 0, 0, 1], 10).into())].into();
    assert!(matches!(Net::new(NetConfig { connect_to, ..config() }), Err(NetError::ConnectTo { .. })));
}

async fn probe(pki: &Pki, ca_file: Option<PathBuf>) -> crate::wire::tls::TlsProbe {
    let address = serve_tls(pki.server.clone()).await;
    let connect_to = [(("mail.contoso.example".to_owned(), 443), address)].into();
    let config = NetConfig { ca_file, connect_to, ..config() };
    Net::new(config).expect("a client").tls_probe("mail.contoso.example", 443).await
}

#[tokio::test]
async fn a_probe_shows_the_certificate_that_is_not_trusted() {
    let probe = probe(&pki("mail.contoso.example", |_| {}), None).await;
    let leaf = probe.leaf.expect("a certificate");
    assert_eq!(
        (probe.result, leaf.names.as_slice()),
        ("untrusted-issuer", &["mail.contoso.example".to_owned()][..])
    );
    assert_eq!((probe.chain_length, probe.public_issuer), (1, Some(false)));
}

#[tokio::test]
async fn a_probe_tells_that_only_the_ca_file_trusts() {
    let pki = pki("mail.contoso.example", |_| {});
    let probe = probe(&pki, Some(pki.ca.path().into())).await;
    assert_eq!((probe.result, probe.extra_root, probe.version), ("trusted", true, Some("TLS 1.3")));
}

#[tokio::test]
async fn a_probe_of_another_protocol_is_not_tls() {
    let address = serve(b"220 mail ESMTP ready, no TLS spoken here\r\n".to_vec(), Vec::new()).await;
    let connect_to = [(("mail.contoso.example".to_owned(), 443), address)].into();
    let net = Net::new(NetConfig { connect_to, ..config() }).expect("a client");
    assert_eq!(net.tls_probe("mail.contoso.example", 443).await.result, "not-tls");
}

#[tokio::test]
async fn one_open_address_makes_a_host_open() {
    let open = serve(Vec::new(), Vec::new()).await;
    let shut = SocketAddr::new([127, 0, 0, 2].into(), open.port());
    let net = Net::new(config()).expect("a client");
    let probe = net.tcp_probe("mail.contoso.example", 443, &[shut, open]).await;
    assert_eq!((probe.result, probe.addresses[0].1), ("open", "refused"));
}
