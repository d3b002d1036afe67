//! What may go wrong before HTTP: ports that refuse, ports that stay silent, and the HTTP proxy.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpSocket, TcpStream},
};

use super::{LabError, World};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const HEAD_LIMIT: usize = 16 << 10;

/// A listener on a free port of the loopback interface.
pub async fn listen() -> Result<(TcpListener, SocketAddr), LabError> {
    let listener = TcpListener::bind(LOOPBACK).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A port of the loopback interface that refuses connections: bound, so that nobody else gets it,
/// but never listening.
pub fn refusing_port() -> Result<(TcpSocket, SocketAddr), LabError> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(LOOPBACK)?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// A port of the loopback interface that does not answer: its queue of connections is full, so that
/// the system drops further attempts as a firewall would.
#[derive(Debug)]
pub struct SilentPort {
    address: SocketAddr,
    _listener: TcpListener,
    _fillers: Vec<TcpStream>,
}

impl SilentPort {
    /// Listens and fills the queue.
    pub async fn new() -> Result<Self, LabError> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(LOOPBACK)?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut fillers = Vec::new();
        // Systems count the queue differently; the first attempt that gets no answer shows that it
        // is full. Where attempts never end, connections are accepted and never answered instead.
        while fillers.len() < 16 {
            let attempt = TcpStream::connect(address);
            match tokio::time::timeout(Duration::from_millis(15), attempt).await {
                Ok(Ok(stream)) => fillers.push(stream),
                Ok(Err(_)) | Err(_) => break,
            }
        }
        Ok(Self { address, _listener: listener, _fillers: fillers })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves as HTTP proxy until it is dropped: answers CONNECT as the world says, and tunnels to the
/// lab's own listeners where it lets a request through.
pub async fn serve_proxy(world: Arc<World>, listener: TcpListener, tls: SocketAddr) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            // A client that goes away is no concern of the proxy.
            let _ = tunnel(&world, stream, tls).await;
        });
    }
}

async fn tunnel(world: &World, mut client: TcpStream, tls: SocketAddr) -> std::io::Result<()> {
    let head = read_head(&mut client).await?;
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    let behavior = world.at("/proxy/hosts")[host].as_str().or_else(|| world.text("/proxy/connect"));
    let answer: &[u8] = match (method, behavior.unwrap_or("open")) {
        ("CONNECT", "open") => {
            let mut server = TcpStream::connect(tls).await?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut server).await?;
            return Ok(());
        }
        ("CONNECT", "authentication-required") => {
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
              Proxy-Authenticate: Basic realm=\"proxy.contoso.com\"\r\nVia: 1.1 proxy.contoso.com\r\n\
              Content-Length: 0\r\nConnection: close\r\n\r\n"
        }
        ("CONNECT", "forbidden") => {
            b"HTTP/1.1 403 Forbidden\r\nVia: 1.1 proxy.contoso.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        ("CONNECT", "bad-gateway") => {
            b"HTTP/1.1 502 Bad Gateway\r\nVia: 1.1 proxy.contoso.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        }
        ("CONNECT", _) => return Ok(()),
        _ => b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    };
    client.write_all(answer).await?;
    client.shutdown().await
}

async fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_LIMIT {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
