//! The configuration that a user of the lab would write: hosts, certification authority, secrets in
//! files. Nothing in it is special to the lab.

use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tempfile::TempDir;
use toml::{Table, Value as Toml};

use super::{LabError, Scenario, World, certificates, scenario::merge_config, world::relative};

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

/// Files that the configuration names.
#[derive(Debug)]
pub struct Files {
    /// The lab's root certificate.
    pub ca_file: PathBuf,
    /// What a script on the Exchange Server wrote, if somebody ran it.
    pub import: Option<PathBuf>,
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
        self.write_bytes(name, content.as_bytes())
    }

    /// The same as Windows PowerShell's `>` writes it.
    pub fn write_utf16(&self, name: &str, content: &str) -> Result<PathBuf, LabError> {
        let text = content.replace('\n', "\r\n");
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        self.write_bytes(name, &units.flat_map(u16::to_le_bytes).collect::<Vec<_>>())
    }

    fn write_bytes(&self, name: &str, content: &[u8]) -> Result<PathBuf, LabError> {
        let path = self.0.path().join(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(content)?;
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
    files: &Files,
) -> Result<String, LabError> {
    let mut config = Table::new();
    // A configuration for an Exchange Server names no tenant.
    if world.at("/tenant/exists") == true {
        let domain = world.text("/tenant/domain").unwrap_or_default();
        config.insert("tenant".into(), table([("domain", text(domain))]));
    }
    if let Some(reader) = reader(scenario, world, folder)? {
        config.insert("reader".into(), reader);
    }
    if let Some(wanted) = scenario.config.get("active_directory") {
        config.insert("active_directory".into(), active_directory(scenario, folder, wanted)?);
    }
    config.insert("account".into(), Toml::Array(vec![account(scenario, world, folder)?]));
    if let Some(import) = &files.import {
        config.insert("import".into(), Toml::Array(vec![text(&import.to_string_lossy())]));
    }
    config.insert("network".into(), network(addresses, &files.ca_file));
    merge_config(&mut config, &scenario.config);
    resolve_days(&mut config, world.started())?;
    toml::to_string(&config).map_err(|error| LabError::Config(error.to_string()))
}

/// Replaces `@today` and `@today-30d` by days.
fn resolve_days(config: &mut Table, now: Timestamp) -> Result<(), LabError> {
    for (_, value) in config.iter_mut() {
        resolve_day(value, now)?;
    }
    Ok(())
}

fn resolve_day(value: &mut Toml, now: Timestamp) -> Result<(), LabError> {
    match value {
        Toml::String(text) => {
            let Some(offset) = text.strip_prefix("@today") else { return Ok(()) };
            let time = relative(&format!("@now{offset}"), now).ok_or_else(|| LabError::Time(text.clone()))?;
            *text = time.chars().take(10).collect();
            Ok(())
        }
        Toml::Array(list) => list.iter_mut().try_for_each(|item| resolve_day(item, now)),
        Toml::Table(table) => resolve_days(table, now),
        _ => Ok(()),
    }
}

fn text(value: &str) -> Toml {
    Toml::String(value.to_owned())
}

fn table<const N: usize>(fields: [(&str, Toml); N]) -> Toml {
    Toml::Table(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// What the configuration holds was right in the healthy world; a patch makes it wrong.
fn healthy(scenario: &Scenario, pointer: &str) -> Result<Option<String>, LabError> {
    let base = World::base(&scenario.world)?;
    Ok(base.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned))
}

fn held(scenario: &Scenario, folder: &Folder, name: &str, pointer: &str) -> Result<Toml, LabError> {
    let secret = healthy(scenario, pointer)?.unwrap_or_default();
    Ok(table([("file", text(&folder.write(name, &secret)?.to_string_lossy()))]))
}

fn reader(scenario: &Scenario, world: &World, folder: &Folder) -> Result<Option<Toml>, LabError> {
    let Some(client_id) = healthy(scenario, "/service_principals/reader/appId")? else { return Ok(None) };
    let kind = scenario.config.get("reader").and_then(|reader| reader.get("sign_in")?.as_str());
    let kind = kind.unwrap_or("client-secret");
    let mut reader = Table::new();
    reader.insert("sign_in".into(), text(kind));
    reader.insert("client_id".into(), text(&client_id));
    match kind {
        "client-certificate" => {
            reader.insert("certificate".into(), certificate(world, folder, "reader")?);
        }
        "client-secret" => {
            let secret = held(scenario, folder, "reader-secret", "/service_principals/reader/x/secret")?;
            reader.insert("secret".into(), secret);
        }
        "password" => {
            let secret = held(scenario, folder, "reader-password", "/users/reader/x/password")?;
            reader.insert("secret".into(), secret);
        }
        _ => {}
    }
    Ok(Some(Toml::Table(reader)))
}

/// A domain controller; whom a scenario names as its reader is an administrator with a password.
fn active_directory(scenario: &Scenario, folder: &Folder, wanted: &Toml) -> Result<Toml, LabError> {
    let mut directory = Table::new();
    directory.insert("url".into(), text("ldaps://dc01.contoso.com"));
    if wanted.get("username").is_some() {
        let secret = held(scenario, folder, "directory-password", "/directory/objects/admin/password")?;
        directory.insert("secret".into(), secret);
    }
    Ok(Toml::Table(directory))
}

/// A file with a certificate of the world and its key.
fn certificate(world: &World, folder: &Folder, name: &str) -> Result<Toml, LabError> {
    let pem = world.at("/certificates")[name]["pem"].as_str().unwrap_or_default();
    let path = folder.write(&format!("{name}.pem"), &format!("{pem}{}", certificates::KEY))?;
    Ok(table([("file", text(&path.to_string_lossy()))]))
}

fn account(scenario: &Scenario, world: &World, folder: &Folder) -> Result<Toml, LabError> {
    let mut account = Table::new();
    account.insert("address".into(), text(&scenario.account));
    account.insert("profile".into(), text(&scenario.profile));
    account.insert("as".into(), Toml::Array(vec![text("alice@contoso.com")]));
    if scenario.world.ends_with("-app") {
        // Healthy apps of the lab have consent for the whole tenant, on purpose.
        account.insert("scope".into(), text("organization"));
    }
    if scenario.world == "exchange-server" {
        account.insert("world".into(), text(&scenario.world));
    }
    account.insert("subject".into(), subject(scenario, world, folder)?);
    Ok(Toml::Table(account))
}

fn subject(scenario: &Scenario, world: &World, folder: &Folder) -> Result<Toml, LabError> {
    let mut subject = Table::new();
    // The app id stands in the configuration whether or not the tenant has the app.
    if let Some(client_id) = healthy(scenario, "/service_principals/product/appId")? {
        subject.insert("client_id".into(), text(&client_id));
    }
    if scenario_subject(scenario) == Some("client-certificate") {
        subject.insert("kind".into(), text("client-certificate"));
        subject.insert("certificate".into(), certificate(world, folder, "app")?);
        return Ok(Toml::Table(subject));
    }
    let secret = |name, pointer| held(scenario, folder, name, pointer);
    let (kind, secret) = match scenario.world.as_str() {
        "exchange-server" => {
            subject.insert("scheme".into(), text("basic"));
            ("password", secret("account-password", "/ews/users/svc/password")?)
        }
        "online-delegated" => {
            let password = secret("account-password", "/users/svc/x/password")?;
            let refresh_token = secret("refresh-token", "/users/svc/x/refresh_token")?;
            let by_token = scenario_subject(scenario) == Some("refresh-token");
            ("password", if by_token { refresh_token } else { password })
        }
        _ => ("client-secret", secret("app-secret", "/service_principals/product/x/secret")?),
    };
    if kind == "password" {
        subject.insert("username".into(), text(&scenario.account));
    }
    subject.insert("kind".into(), text(kind));
    subject.insert("secret".into(), secret);
    Ok(Toml::Table(subject))
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
            // Nor shall a proxy of the machine's environment stand between.
            fields.insert("proxy".into(), text("none"));
            let mapped = addresses.connect_to.iter().map(|(from, to)| (from.clone(), text(&to.to_string())));
            fields.insert("connect_to".into(), Toml::Table(mapped.collect()));
        }
    }
    network
}
