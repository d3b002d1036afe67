//! Where a bundle was made: program, system, settings. No host name and no user name.

use std::env;

use serde_json::{Value, json};

use crate::{
    bundle::Book,
    cli::own::Brought,
    engine::{Catalogue, Check, Selection},
    facts::{Document, Tool},
};

/// Variables by which proxies are set.
const PROXIES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Variables that tell language and place; their values name no person.
const LOCALE: [&str; 4] = ["LC_ALL", "LC_CTYPE", "LANG", "TZ"];

/// Variables of which only the presence is told.
const PRESENT: [&str; 4] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "SYNCREADY_CONFIG", "AZURE_FEDERATED_TOKEN_FILE"];

/// The environment in JSON.
pub fn describe(book: &mut Book, facts: &Document, brought: &Brought, selection: &Selection) -> Value {
    let own = |id: &&str| Catalogue::embedded().check(id).is_none();
    let checks: Vec<&str> = brought.catalogue().checks().iter().map(Check::id).filter(own).collect();
    let waivers: Vec<Value> = selection
        .waivers
        .iter()
        .map(|waiver| json!({ "check": waiver.check, "account": waiver.account, "until": waiver.until }))
        .collect();
    let present: Vec<&str> = PRESENT.into_iter().filter(|name| env::var_os(name).is_some()).collect();
    json!({
        "format": 1,
        "tool": Tool::this(),
        "collected_by": facts.run.tool,
        "os": env::consts::OS,
        "architecture": env::consts::ARCH,
        "time_zone": zone(),
        "locale": locale(),
        "proxy_variables": proxies(book),
        "set_variables": present,
        "name_servers": name_servers(facts),
        "own_checks": checks,
        "waivers": waivers,
    })
}

fn zone() -> Value {
    let zone = jiff::tz::TimeZone::system();
    let sound = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
    zone.iana_name().filter(|name| sound(name)).map_or(Value::Null, Value::from)
}

fn locale() -> Value {
    let sound = |value: &String| {
        value.len() <= 40 && value.chars().all(|c| c.is_ascii_alphanumeric() || "._-@/+:".contains(c))
    };
    let one = |name: &&str| Some(((*name).to_owned(), Value::from(env::var(name).ok().filter(sound)?)));
    Value::Object(LOCALE.iter().filter_map(one).collect())
}

/// The variables that are set; of a list of hosts only how long it is.
fn proxies(book: &mut Book) -> Value {
    let mut one = |name: &&str| {
        let value = env::var(name).ok()?;
        let shown = if name.eq_ignore_ascii_case("no_proxy") {
            format!("{} entries", value.split(',').filter(|entry| !entry.trim().is_empty()).count())
        } else {
            let url = if value.contains("://") { value } else { format!("http://{value}") };
            crate::bundle::url(book, &url)
        };
        Some(((*name).to_owned(), Value::from(shown)))
    };
    Value::Object(PROXIES.iter().filter_map(&mut one).collect())
}

/// Of which class the name servers are that the run asked.
fn name_servers(facts: &Document) -> Vec<&'static str> {
    let servers = facts.tenants.values().filter_map(|tenant| tenant.section.get("dns.servers")?.as_array());
    let mut classes: Vec<&str> = servers.flatten().filter_map(Value::as_str).map(class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn class(server: &str) -> &'static str {
    let ip = server.parse::<std::net::SocketAddr>().map(|address| address.ip());
    match ip.or_else(|_| server.parse()) {
        Ok(ip) if ip.is_loopback() => "loopback",
        Ok(std::net::IpAddr::V4(ip)) if ip.is_private() || ip.is_link_local() => "private",
        Ok(std::net::IpAddr::V6(ip)) if ip.is_unique_local() || ip.is_unicast_link_local() => "private",
        Ok(_) => "public",
        Err(_) => "unknown",
    }
}
