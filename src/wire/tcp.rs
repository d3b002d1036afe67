//! Whether a host accepts connections, address by address.

use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

use futures_util::future::join_all;
use tokio::net::TcpStream;

use super::client::Net;
use crate::facts::{Exchange, Timings};

/// Addresses of one host that are tried.
const MAX_ADDRESSES: usize = 8;

/// What became of the connections to a host.
#[derive(Debug, Clone)]
pub struct TcpProbe {
    /// Each address with its result, as in `tcp.hosts[].result`.
    pub addresses: Vec<(IpAddr, &'static str)>,
    /// The best of all results.
    pub result: &'static str,
    /// Evidence.
    pub exchange: Exchange,
}

impl Net {
    /// The addresses to which a connection for this host and port would go.
    pub async fn addresses(&self, host: &str, port: u16) -> Vec<SocketAddr> {
        if let Some(address) = self.connect_to(host, port) {
            return vec![address];
        }
        let answer = self.dns().host(host).await;
        answer.addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
    }

    /// Connects to each address of a host and closes the connections again.
    pub async fn tcp_probe(&self, host: &str, port: u16, addresses: &[SocketAddr]) -> TcpProbe {
        let at = jiff::Timestamp::now().to_string();
        let started = Instant::now();
        let tried = addresses.iter().take(MAX_ADDRESSES);
        let results = join_all(tried.map(|address| self.knock(*address))).await;
        let best = ["open", "refused", "timed-out", "unreachable"]
            .into_iter()
            .find(|best| results.iter().any(|(_, result)| result == best));
        let result = best.unwrap_or("failed");
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = results.iter().map(|(ip, result)| format!("{ip} {result}")).collect::<Vec<_>>();
        let exchange = Exchange {
            method: "TCP".into(),
            url: format!("{host}:{port}"),
            ms: Timings { connect: Some(ms), ..Timings::default() },
            at,
            answer: Some(answer.join(", ")),
            ..Exchange::default()
        };
        TcpProbe { addresses: results, result, exchange }
    }

    async fn knock(&self, address: SocketAddr) -> (IpAddr, &'static str) {
        use std::io::ErrorKind as Kind;
        let result = match tokio::time::timeout(self.limits().connect, TcpStream::connect(address)).await {
            Ok(Ok(_)) => "open",
            Err(_) => "timed-out",
            Ok(Err(error)) => match error.kind() {
                Kind::ConnectionRefused | Kind::ConnectionReset => "refused",
                Kind::TimedOut => "timed-out",
                Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::AddrNotAvailable => "unreachable",
                _ => "failed",
            },
        };
        (address.ip(), result)
    }
}
