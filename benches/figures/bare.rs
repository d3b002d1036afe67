//! The barest client there can be: a fixed request, sent over and over on a number of connections, its
//! answers counted and not looked at. By `wrk` where it is installed, else by a loop of our own.

use std::{
    fmt::Write as _,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::machine::Served;

/// One request.
pub struct Request {
    pub method: &'static str,
    pub host: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// Answers a second, and by whom they were asked for; the requests take turns.
pub fn rate(
    served: &Served,
    requests: &[Request],
    connections: usize,
    time: Duration,
) -> (f64, &'static str) {
    match wrk(served, requests, connections, time) {
        Some(rate) => (rate, "wrk"),
        None => (own(served, requests, connections, time), "a bare loop"),
    }
}

fn wrk(served: &Served, requests: &[Request], connections: usize, time: Duration) -> Option<f64> {
    let mut script = "local all = {}\nlocal place = 0\nfunction init()\n".to_owned();
    for Request { method, host, path, headers, body } in requests {
        let headers = headers.iter().map(|(name, value)| format!(", [\"{name}\"] = [[{value}]]"));
        let headers = format!("{{ [\"Host\"] = \"{host}\"{} }}", headers.collect::<String>());
        let body = if body.is_empty() { "nil".to_owned() } else { format!("[[{body}]]") };
        let _ = writeln!(script, "all[#all + 1] = wrk.format(\"{method}\", [[{path}]], {headers}, {body})");
    }
    script += "end\nfunction request()\nplace = place % #all + 1\nreturn all[place]\nend\n";
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), script).expect("written");
    let url = format!("https://{}/", served.address(requests[0].host));
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{}s", time.as_secs()), "-s"]);
    let told = command.arg(file.path()).arg(url).output().ok()?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "the bare client is refused: {text}");
    text.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?.trim().parse().ok()
}

fn own(served: &Served, requests: &[Request], connections: usize, time: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bytes: Arc<[Vec<u8>]> = requests.iter().map(Request::bytes).collect();
    let count = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    runtime.block_on(async {
        let mut loops = Vec::new();
        for _ in 0..connections {
            let (mut stream, count, bytes) =
                (connect(served, requests[0].host).await, Arc::clone(&count), Arc::clone(&bytes));
            loops.push(tokio::spawn(async move {
                let mut buffer = vec![0; 16 << 10];
                for bytes in bytes.iter().cycle() {
                    if started.elapsed() >= time {
                        break;
                    }
                    stream.write_all(bytes).await.expect("sent");
                    skip_answer(&mut stream, &mut buffer).await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for one in loops {
            one.await.expect("a loop ends by itself");
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let answers = count.load(Ordering::Relaxed) as f64;
    answers / started.elapsed().as_secs_f64()
}

async fn connect(served: &Served, host: &'static str) -> TlsStream<TcpStream> {
    let pem = std::fs::read(served.contract["ca_file"].as_str().unwrap_or_default()).expect("the lab's root");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(served.address(host)).await.expect("connected");
    stream.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from(host).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("trusted")
}

/// Reads one answer by its length and forgets it.
async fn skip_answer(stream: &mut TlsStream<TcpStream>, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.expect("an answer");
        assert!(read > 0, "the server hung up");
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
        assert!(text.starts_with("http/1.1 200"), "the bare client is refused: {text}");
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if filled >= head + 4 + length.unwrap_or_default() {
            return;
        }
    }
}

impl Request {
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.host);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let length = self.body.len();
        let _ = write!(text, "Content-Length: {length}\r\n\r\n{}", self.body);
        text.into_bytes()
    }
}
