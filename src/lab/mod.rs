//! The lab: a simulated Microsoft world on loopback, with its own certification authority and name
//! server, reached like any other server by `network.dns`, `network.ca_file` and `network.connect_to`.
//!
//! A [`Scenario`] is a healthy base world and a patch; [`Lab::start`] serves it and writes the
//! configuration that a user would have written. The lab shares no types with the clients that it
//! tests, so that both cannot be wrong in the same way.
//!
//! A service is one function from the world and a [`call::Call`] (which carries the decoded token) to an
//! answer, in a module of its own: everything that it says follows from the two.

mod access;
mod ask;
mod authority;
mod autodiscover;
pub mod call;
pub mod certificates;
mod config;
mod crowd;
mod directory;
mod dns;
mod entra;
mod ews;
mod exchange_admin;
mod faults;
mod front;
mod graph;
mod import;
mod index;
mod levels;
mod managed_identity;
mod names;
mod rbac;
mod scenario;
mod server;
mod store;
mod throttling;
pub mod token;
mod transport;
mod view;
pub mod world;

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::{
    net::{TcpSocket, UdpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use self::{authority::Authority, config::Addresses, server::State, transport::SilentPort};
pub use self::{
    scenario::{Expect, Scenario, TestSync, scenario, scenario_names, scenarios},
    throttling::ThrottlingLog,
    world::World,
};

/// Why a lab did not start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No such base world.
    #[error("there is no world `{0}`")]
    UnknownWorld(String),
    /// A relative time of a world makes no sense.
    #[error("`{0}` is no time; write @now-10d, with s, m, h or d")]
    Time(String),
    /// A scenario file is wrong.
    #[error("{file}:{line}: {message}")]
    Scenario {
        /// File.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A mailbox cannot hold what the world puts into it.
    #[error(transparent)]
    Content(#[from] store::BadContent),
    /// A certificate could not be made.
    #[error("making a certificate failed: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("setting up TLS failed: {0}")]
    Tls(#[from] rustls::Error),
    /// A key could not be made.
    #[error("making a signing key failed")]
    Key,
    /// A socket or file could not be opened.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The configuration could not be written.
    #[error("the configuration of the lab cannot be written: {0}")]
    Config(String),
}

/// How to serve a lab.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Added to every answer; the world's own value counts if it is larger.
    pub latency_ms: u64,
}

/// How often something was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLog {
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path without query.
    pub path: String,
    /// How often.
    pub count: usize,
    /// How many of them differ in query, body or credential.
    pub distinct: usize,
}

/// A running lab; dropping it stops everything and removes its files.
#[derive(Debug)]
pub struct Lab {
    state: Arc<State>,
    folder: config::Folder,
    addresses: Addresses,
    config: String,
    _tasks: JoinSet<()>,
    _refusing: Vec<TcpSocket>,
    _silent: Vec<SilentPort>,
}

impl Lab {
    /// Serves a scenario until the lab is dropped.
    pub async fn start(scenario: &Scenario, options: Options) -> Result<Self, LabError> {
        let (mut document, now) = (scenario.document()?, Timestamp::now());
        certificates::issue(&mut document, now)?;
        let world = Arc::new(World::new(document, now)?);
        let latency = options.latency_ms.max(world.at("/latency_ms").as_u64().unwrap_or_default());
        let authority = Arc::new(Authority::new(Arc::clone(&world))?);
        let store = store::Store::new(world.view())?;
        let latency = Duration::from_millis(latency);
        let state = Arc::new(State::new(Arc::clone(&world), store, token::Signer::new()?, latency));
        let folder = config::Folder::new()?;
        let ca_file = folder.write("ca.pem", authority.root_pem())?;
        let mut tasks = JoinSet::new();
        let directory_servers = serve_directory(&mut tasks, &world, &authority).await?;
        let (tls, plain) = serve_http(&mut tasks, &state, authority).await?;
        let (refusing, silent, mut connect_to) = connect_to(&world, tls, plain).await?;
        connect_to.extend(directory_servers);
        let addresses = Addresses {
            dns: serve_dns(&mut tasks, &world).await?,
            proxy: serve_proxy(&mut tasks, &world, tls).await?,
            connect_to,
        };
        let import = import::render(world.view()).map(|text| folder.write_utf16("roles.json", &text));
        let files = config::Files { ca_file, import: import.transpose()? };
        let config = config::render(scenario, &world, &folder, &addresses, &files)?;
        folder.write("syncready.toml", &config)?;
        Ok(Self { state, folder, addresses, config, _tasks: tasks, _refusing: refusing, _silent: silent })
    }

    /// A complete `syncready.toml` for this lab; it also stands in the [`Lab::folder`].
    pub fn config_toml(&self) -> &str {
        &self.config
    }

    /// What was asked so far, by host, method and path.
    pub fn requests(&self) -> Vec<RequestLog> {
        self.state.requests()
    }

    /// What the limits on callers did so far.
    pub fn throttling(&self) -> ThrottlingLog {
        self.state.throttling.log()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> u64 {
        self.state.connections()
    }

    /// The world that is served.
    pub fn world(&self) -> &World {
        &self.state.world
    }

    /// Everything in the mailbox of that address as it is now: folders, items, properties; `traces` is
    /// what deleting does not undo. Null where there is no such mailbox.
    pub fn dump(&self, address: &str) -> serde_json::Value {
        let mailbox = self.state.world.view().mailbox(address);
        mailbox.map_or(serde_json::Value::Null, |mailbox| self.state.store.dump(mailbox))
    }

    /// Address of the name server.
    pub fn dns(&self) -> SocketAddr {
        self.addresses.dns
    }

    /// `host:port` of a URL → where the lab serves it.
    pub fn connect_to(&self) -> &BTreeMap<String, SocketAddr> {
        &self.addresses.connect_to
    }

    /// The lab's private folder, with `ca.pem`, `syncready.toml` and the files of the secrets.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn server_config(authority: Arc<Authority>) -> Result<ServerConfig, LabError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_cert_resolver(authority))
}

async fn serve_http(
    tasks: &mut JoinSet<()>,
    state: &Arc<State>,
    authority: Arc<Authority>,
) -> Result<(SocketAddr, SocketAddr), LabError> {
    let mut config = server_config(authority)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (tls_listener, tls) = transport::listen().await?;
    let (plain_listener, plain) = transport::listen().await?;
    tasks.spawn(server::serve_tls(Arc::clone(state), tls_listener, TlsAcceptor::from(Arc::new(config))));
    tasks.spawn(server::serve_plain(Arc::clone(state), plain_listener));
    Ok((tls, plain))
}

/// Serves Active Directory, where the world has a domain controller.
async fn serve_directory(
    tasks: &mut JoinSet<()>,
    world: &Arc<World>,
    authority: &Arc<Authority>,
) -> Result<BTreeMap<String, SocketAddr>, LabError> {
    let mut map = BTreeMap::new();
    let hosts = world.entries("/hosts").filter(|(_, settings)| settings["service"] == "active-directory");
    let hosts: Vec<_> = hosts.map(|(host, _)| host.to_owned()).collect();
    if hosts.is_empty() {
        return Ok(map);
    }
    let acceptor = TlsAcceptor::from(Arc::new(server_config(Arc::clone(authority))?));
    let (secure_listener, secure) = transport::listen().await?;
    let (plain_listener, plain) = transport::listen().await?;
    tasks.spawn(directory::serve_tls(Arc::clone(world), secure_listener, acceptor.clone()));
    tasks.spawn(directory::serve_plain(Arc::clone(world), plain_listener, acceptor));
    for host in hosts {
        map.insert(format!("{host}:636"), secure);
        map.insert(format!("{host}:389"), plain);
    }
    Ok(map)
}

async fn serve_dns(tasks: &mut JoinSet<()>, world: &Arc<World>) -> Result<SocketAddr, LabError> {
    let (tcp, udp) = dns_sockets().await?;
    let address = udp.local_addr()?;
    let mut server = dns::serve(Arc::clone(world), udp, tcp);
    tasks.spawn(async move {
        // Ends only when the lab is dropped.
        let _ = server.block_until_done().await;
    });
    Ok(address)
}

/// One port number that is free for both protocols.
async fn dns_sockets() -> Result<(tokio::net::TcpListener, UdpSocket), LabError> {
    let mut last = None;
    for _ in 0..16 {
        let (tcp, address) = transport::listen().await?;
        match UdpSocket::bind(address).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or(LabError::Key, LabError::Io))
}

async fn serve_proxy(
    tasks: &mut JoinSet<()>,
    world: &Arc<World>,
    tls: SocketAddr,
) -> Result<Option<SocketAddr>, LabError> {
    if world.at("/proxy").is_null() {
        return Ok(None);
    }
    let (listener, address) = transport::listen().await?;
    tasks.spawn(transport::serve_proxy(Arc::clone(world), listener, tls));
    Ok(Some(address))
}

type Ports = (Vec<TcpSocket>, Vec<SilentPort>, BTreeMap<String, SocketAddr>);

/// Where each host of the world is reached, and the ports that are out of order.
async fn connect_to(world: &World, tls: SocketAddr, plain: SocketAddr) -> Result<Ports, LabError> {
    let (mut refusing, mut silent, mut map) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (host, settings) in world.entries("/hosts") {
        // A user who has no name service has no addresses to write down either.
        if settings["service"] == "active-directory" {
            continue;
        }
        if settings["service"].is_null() || world.at("/dns/all").is_string() {
            continue;
        }
        let address = match settings["tcp"].as_str() {
            Some("refused") => {
                let (socket, address) = transport::refusing_port()?;
                refusing.push(socket);
                address
            }
            Some("silent") => {
                let port = SilentPort::new().await?;
                let address = port.address();
                silent.push(port);
                address
            }
            _ => tls,
        };
        map.insert(format!("{host}:443"), address);
        if settings["http"] == true {
            map.insert(format!("{host}:80"), plain);
        }
    }
    Ok((refusing, silent, map))
}
