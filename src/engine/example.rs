//! Examples in check files: run as tests, shown as documentation.

use serde_json::{Map, Value, json};

use super::check::{Check, CheckError, Example};
use super::finding::{Finding, Word};
use super::{Catalogue, Selection, judge};
use crate::facts::{Absence, Account, Document, Reason, Section, Tenant, catalogue};

/// The time at which examples play.
const NOW: &str = "2026-11-21T08:00:00Z";

/// What became of one example.
#[derive(Debug)]
pub struct ExampleResult {
    /// Its name.
    pub name: String,
    /// What the check said.
    pub finding: Finding,
    /// The outcome row that was hit, counted from 0; `None` when none was.
    pub row: Option<usize>,
    /// What is wrong with it; `None`: it holds.
    pub complaint: Option<String>,
}

/// Runs the examples of a check, by itself: its prerequisites are left out.
///
/// # Errors
///
/// When the check does not compile, or an example names a world, profile or fact that does not exist.
pub fn run_examples(catalogue: &Catalogue, check: &Check) -> Result<Vec<ExampleResult>, CheckError> {
    check.file().example.iter().map(|example| run(catalogue, check, example)).collect()
}

fn run(catalogue: &Catalogue, check: &Check, example: &Example) -> Result<ExampleResult, CheckError> {
    let document = example_document(catalogue, check, example)?;
    let others = catalogue.ancestors(check.id()).into_iter().map(ToOwned::to_owned);
    let selection = Selection {
        only: vec![check.id().to_owned()],
        skip: others.collect(),
        params: example.params.clone(),
        ..Selection::default()
    };
    let report = judge(&document, catalogue, &selection)?;
    let finding = report.accounts.into_iter().flat_map(|account| account.findings).next();
    let finding = finding.expect("the one check that was asked for is judged");
    let complaint = complaint(example, &finding);
    Ok(ExampleResult { name: example.name.to_string(), row: finding.row, finding, complaint })
}

fn complaint(example: &Example, finding: &Finding) -> Option<String> {
    // Under a profile that only advises the check, a fail counts as a warning.
    let lowered = example.expect == Word::Fail && finding.result == Word::Warn && !finding.required;
    if finding.result != example.expect && !(lowered && example.profile.is_none()) {
        let (got, want) = (finding.result, example.expect);
        return Some(format!("expected {want:?}, got {got:?}: {}", finding.message));
    }
    if example.cause.is_some() && example.cause != finding.cause {
        let (want, got) =
            (example.cause.as_deref().unwrap_or("none"), finding.cause.as_deref().unwrap_or("none"));
        return Some(format!("expected cause {want}, got {got}"));
    }
    let part = example.contains.as_ref()?;
    (!finding.message.contains(part)).then(|| format!("\"{part}\" is not in: {}", finding.message))
}

/// The facts document that an example describes.
///
/// # Errors
///
/// When the example names a world, profile, fact or reason that does not exist.
pub fn example_document(
    catalogue: &Catalogue,
    check: &Check,
    example: &Example,
) -> Result<Document, CheckError> {
    let at_name = || check.span_of(&example.name);
    let mut section = Section::default();
    let world = example.given.as_deref().unwrap_or("online-delegated");
    let Some(settings) = settings(world) else {
        let message = format!("there is no world \"{world}\"");
        return Err(check.refuse(at_name(), &message, Some(format!("valid here: {}", WORLDS.join(", ")))));
    };
    let profile = example.profile.as_deref().unwrap_or(base_profile(world));
    if catalogue.profile(profile).is_none() {
        let message = format!("there is no profile \"{profile}\"");
        return Err(check.refuse(at_name(), &message, Some(catalogue.suggest_profile(profile))));
    }
    section.facts = settings;
    for (group, facts) in &example.facts {
        let facts = serde_json::to_value(facts).unwrap_or(Value::Null);
        let times = serde_json::from_value(plain_times(facts)).unwrap_or(Value::Null);
        section.set(group, times);
    }
    for path in &example.nulls {
        section.set(path, Value::Null);
    }
    let unknown = unknown_path("", &Value::Object(section.facts.clone()));
    if let Some(path) =
        unknown.or_else(|| example.absent.keys().find(|path| !catalogue::is_known(path)).cloned())
    {
        let message = format!("the example sets \"{path}\", which is no fact");
        return Err(check.refuse(at_name(), &message, None));
    }
    for (path, reason) in &example.absent {
        let Ok(reason) = serde_json::from_value::<Reason>(json!(reason)) else {
            let help = "valid here: denied, not-asked, throttled, timed-out, unlicensed, unreadable, unreachable, unsupported-here";
            return Err(check.refuse(at_name(), &format!("\"{reason}\" is no reason"), Some(help.into())));
        };
        section.set_absent(path, Absence::new(reason));
    }
    let mut document = Document::new(NOW);
    document.tenants.insert("contoso.com".into(), Tenant::default());
    let address = section.get("account.address").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (tenant, profile) = ("contoso.com".to_owned(), profile.to_owned());
    document.accounts.push(Account { address, tenant, app: None, profile, section });
    Ok(document)
}

/// TOML times arrive as objects; facts hold them as text.
fn plain_times(value: Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key("$__toml_private_datetime") => {
            map.into_iter().next().map_or(Value::Null, |(_, time)| time)
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, plain_times(value))).collect(),
        Value::Array(items) => items.into_iter().map(plain_times).collect(),
        other => other,
    }
}

/// The first path of a facts tree that the catalogue does not know.
fn unknown_path(path: &str, value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if catalogue::is_known(&path) { unknown_path(&path, value) } else { Some(path) }
        }),
        Value::Array(items) => items
            .iter()
            .filter(|item| item.is_object())
            .find_map(|item| unknown_path(&format!("{path}[]"), item)),
        _ => None,
    }
}

const WORLDS: &[&str] = &["exchange-server", "online-delegated", "online-ews-app", "online-graph-app"];

fn base_profile(world: &str) -> &'static str {
    match world {
        "exchange-server" | "online-ews-app" => "generic-ews",
        _ => "generic-graph",
    }
}

/// Healthy settings of a world: what configuration, not collection, contributes.
fn settings(world: &str) -> Option<Map<String, Value>> {
    let (location, identity, protocol, sign_in, kind, scheme) = match world {
        "exchange-server" => ("on-premises", "active-directory", "ews", "password", "password", "basic"),
        "online-delegated" => ("cloud", "entra", "graph", "password", "password", "oauth"),
        "online-ews-app" => ("cloud", "entra", "ews", "app", "client-secret", "oauth"),
        "online-graph-app" => ("cloud", "entra", "graph", "app", "client-secret", "oauth"),
        _ => return None,
    };
    let client = (world != "exchange-server").then_some("11111111-aaaa-4000-8000-000000000001");
    let username = (sign_in == "password").then_some("svc-sync@contoso.com");
    let mut settings = json!({
        "world": {
            "kind": world, "mailbox_location": location, "identity": identity, "protocol": protocol,
            "sign_in": sign_in, "cloud": "worldwide", "hybrid": false, "source": "configured", "phase": "operation",
        },
        "subject": {
            "kind": kind, "client_id": client, "username": username, "secret_held": true, "scheme": scheme, "scheme_given": true,
            "user_agent": null, "certificate": {
                "subject": null, "thumbprint": null, "thumbprint_sha256": null, "not_before": null,
                "not_after": null, "key_bits": null,
            },
        },
        "request": {
            "features": ["contacts", "calendars"], "scope": "listed", "targets": [], "public_folders": [],
            "sign_in_allowed": true, "vendor_credential": false, "consenting_admin": null,
        },
        "account": { "address": "svc-sync@contoso.com", "domain": "contoso.com" },
        "endpoints": {
            "cloud": "worldwide", "sign_in": "login.microsoftonline.com", "graph": "graph.microsoft.com",
            "exchange": "outlook.office365.com", "custom": [],
        },
    });
    if world == "exchange-server"
        && let Some(map) = settings.as_object_mut()
    {
        map.remove("endpoints");
    }
    settings.as_object().cloned()
}
