//! `lab`: serves the simulated tenant until Ctrl-C.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{
    args::{self, TextFormat},
    live::interruptible,
    output::{Sink, note},
    scenarios,
    trouble::Trouble,
};
use crate::lab::{Lab, Options};

/// Serves a scenario; ends by a signal only.
pub fn run(args: &args::Lab) -> Result<u8, Trouble> {
    let mut scenario = scenarios::find(args.scenario.as_deref().unwrap_or_default())?;
    let failed = |error| Trouble::Ours(format!("the lab did not start: {error}"));
    if let Some(count) = args.mailboxes {
        scenario = scenario.with_mailboxes(count).map_err(failed)?;
    }
    let latency = args.latency.map_or(0, |latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
    interruptible(async {
        let lab = Lab::start(&scenario, Options { latency_ms: latency }).await;
        let lab = lab.map_err(failed)?;
        let line = contract(&lab);
        let text = match args.print {
            TextFormat::Json => format!("{line}\n"),
            TextFormat::Text => for_people(&scenario.name, &line, lab.config_toml()),
        };
        Sink::Stdout.write(&text)?;
        note("serving until Ctrl-C");
        std::future::pending::<()>().await;
        Ok(super::exit::READY)
    })
}

/// What a program needs to reach the lab.
fn contract(lab: &Lab) -> Value {
    let world = lab.world();
    let served = |service: &str, usual: &str| {
        let found = world.entries("/hosts").find(|(_, host)| host["service"] == service);
        format!("https://{}", found.map_or(usual, |(name, _)| name))
    };
    let map: serde_json::Map<_, _> =
        lab.connect_to().iter().map(|(from, to)| (from.clone(), Value::String(to.to_string()))).collect();
    let exchange = served("exchange", "outlook.office365.com");
    let ews =
        world.at("/ews/host").as_str().map_or_else(|| exchange.clone(), |host| format!("https://{host}"));
    let domain = world.at("/tenant/domain").as_str().unwrap_or_default();
    json!({
        "format": 1,
        "ca_file": lab.folder().join("ca.pem"),
        "config_file": lab.folder().join("syncready.toml"),
        "dns": lab.dns().to_string(),
        "connect_to": map,
        "sign_in": served("entra", "login.microsoftonline.com"),
        "graph": served("graph", "graph.microsoft.com"),
        "exchange_admin": exchange,
        "ews": format!("{ews}/EWS/Exchange.asmx"),
        "autodiscover": format!("https://autodiscover.{domain}"),
        "tenant_id": world.at("/tenant/id"),
        "domain": domain,
        "accounts": accounts(lab),
        "apps": apps(lab),
    })
}

fn accounts(lab: &Lab) -> Vec<Value> {
    let users = lab.world().entries("/users");
    let mut found: Vec<Value> = users
        .filter(|(_, user)| user["x"]["password"].is_string())
        .map(|(_, user)| json!({ "upn": user["userPrincipalName"], "password": user["x"]["password"] }))
        .collect();
    let servers = lab.world().entries("/ews/users");
    found.extend(
        servers
            .filter(|(_, user)| user["password"].is_string())
            .map(|(name, user)| json!({ "upn": user["names"][0].as_str().unwrap_or(name), "password": user["password"] })),
    );
    found
}

fn apps(lab: &Lab) -> Vec<Value> {
    let apps = lab.world().entries("/service_principals");
    apps.filter(|(_, app)| app["x"]["secret"].is_string())
        .map(|(_, app)| json!({ "client_id": app["appId"], "secret": app["x"]["secret"] }))
        .collect()
}

fn for_people(scenario: &str, line: &Value, config: &str) -> String {
    let mut text = format!("The simulated tenant of the scenario {scenario} is served on this machine.\n\n");
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for key in [
        "ca_file",
        "config_file",
        "dns",
        "sign_in",
        "graph",
        "exchange_admin",
        "ews",
        "autodiscover",
        "tenant_id",
        "domain",
    ] {
        let _ = writeln!(text, "  {key:<15} {}", plain(&line[key]));
    }
    let _ = writeln!(text, "\nThe configuration that reaches it:\n");
    for row in config.lines() {
        let _ = writeln!(text, "  {row}");
    }
    text
}
