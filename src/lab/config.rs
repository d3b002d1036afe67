//! The configuration that a user of the lab would write: hosts, certification authority, secrets in
//! files. Nothing in it is special to the lab.

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;
use toml::{Table, Value as Toml};

use super::{LabError, Scenario, World, scenario::merge_config};

/// Where the lab listens.
#[derive(Debug)]
pub struct Addresses {
    /// Name server.
    pub dns: SocketAddr,
    /// HTTP proxy, if the world has one.
    pub proxy: Option<SocketAddr>,
    /// `host:port` of a URL → where it is served.
    pub connect_to: BTreeMap<String, SocketAddr>,
}

/// A private folder with the lab's certificate and secrets.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// A new folder that only its owner can read.
    pub fn new() -> Result<Self, LabError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("syncready-lab-");
        #[cfg(unix)]
        let private: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        #[cfg(unix)]
        builder.permissions(private);
        Ok(Self(builder.tempdir()?))
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, LabError> {
        let path = self.0.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(content.as_bytes())?;
        Ok(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The configuration for a scenario, as TOML text.
pub fn render(
    scenario: &Scenario,
    world: &World,
    folder: &Folder,
    addresses: &Addresses,
    ca_file: &Path,
) -> Result<String, LabError> {
    let mut config = Table::new();
    config
        .insert("tenant".into(), table([("domain", text(world.text("/tenant/domain").unwrap_or_default()))]));
    if let Some(reader) = reader(world, folder)? {
        config.insert("reader".into(), reader);
    }
    let account = account(scenario, world, folder)?;
    config.insert("account".into(), Toml::Array(vec![account]));
    config.insert("network".into(), network(addresses, ca_file));
    merge_config(&mut config, &scenario.config);
    toml::to_string(&config).map_err(|error| LabError::Config(error.to_string()))
}

fn text(value: &str) -> Toml {
    Toml::String(value.to_owned())
}

fn table<const N: usize>(fields: [(&str, Toml); N]) -> Toml {
    Toml::Table(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn file(path: &Path) -> Toml {
    table([("file", text(&path.to_string_lossy()))])
}

fn reader(world: &World, folder: &Folder) -> Result<Option<Toml>, LabError> {
    let principal = world.at("/service_principals/reader");
    let (Some(client_id), Some(secret)) = (principal["appId"].as_str(), principal["x"]["secret"].as_str())
    else {
        return Ok(None);
    };
    let secret = folder.write("reader-secret", secret)?;
    Ok(Some(table([
        ("sign_in", text("client-secret")),
        ("client_id", text(client_id)),
        ("secret", file(&secret)),
    ])))
}

fn account(scenario: &Scenario, world: &World, folder: &Folder) -> Result<Toml, LabError> {
    let features = ["contacts", "calendars"].map(text).to_vec();
    Ok(table([
        ("address", text(&scenario.account)),
        ("profile", text(&scenario.profile)),
        ("features", Toml::Array(features)),
        ("subject", subject(scenario, world, folder)?),
    ]))
}

fn subject(scenario: &Scenario, world: &World, folder: &Folder) -> Result<Toml, LabError> {
    let held = |name: &str, value: &Value| folder.write(name, value.as_str().unwrap_or_default());
    // The app id stands in the configuration whether or not the tenant has the app.
    let client_id = World::base(&scenario.world)?["service_principals"]["product"]["appId"].clone();
    let client_id = text(client_id.as_str().unwrap_or_default());
    let user = world.at("/users/svc");
    Ok(match scenario.world.as_str() {
        "exchange-server" => table([
            ("kind", text("password")),
            ("username", text(&scenario.account)),
            ("secret", file(&held("account-password", world.at("/ews/users/svc/password"))?)),
        ]),
        "online-delegated" => {
            let refresh = held("refresh-token", &user["x"]["refresh_token"])?;
            let password = held("account-password", &user["x"]["password"])?;
            let by_token = scenario_subject(scenario).is_some_and(|kind| kind == "refresh-token");
            table([
                ("kind", text("password")),
                ("client_id", client_id),
                ("username", text(&scenario.account)),
                ("secret", file(if by_token { &refresh } else { &password })),
            ])
        }
        _ => table([
            ("kind", text("client-secret")),
            ("client_id", client_id),
            ("secret", file(&held("app-secret", world.at("/service_principals/product/x/secret"))?)),
        ]),
    })
}

/// The kind of subject that a scenario's configuration sets.
fn scenario_subject(scenario: &Scenario) -> Option<&str> {
    scenario.config.get("account")?.get(0)?.get("subject")?.get("kind")?.as_str()
}

fn network(addresses: &Addresses, ca_file: &Path) -> Toml {
    let mut network =
        table([("dns", text(&addresses.dns.to_string())), ("ca_file", text(&ca_file.to_string_lossy()))]);
    if let Toml::Table(fields) = &mut network {
        // Hosts that are mapped by hand would go past the proxy.
        if let Some(proxy) = addresses.proxy {
            fields.insert("proxy".into(), text(&format!("http://{proxy}")));
        } else {
            let mapped = addresses.connect_to.iter().map(|(from, to)| (from.clone(), text(&to.to_string())));
            fields.insert("connect_to".into(), Toml::Table(mapped.collect()));
        }
    }
    network
}
