//! Examples in check files: run as tests, shown as documentation.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::check::{Check, CheckError, Example};
use super::expr::suggest;
use super::finding::{Finding, Word};
use super::query::Query;
use super::{Catalogue, Selection, judge};
use crate::facts::WORLDS;
use crate::facts::{Absence, Account, Document, Reason, Section, Shape, Tenant, catalogue};

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
    let known = Known::of(check)?;
    for (group, facts) in &example.facts {
        let facts = serde_json::to_value(facts).unwrap_or(Value::Null);
        section.set(group, plain_times(facts));
    }
    for path in &example.nulls {
        section.set(path, Value::Null);
    }
    let unknown = known.first_unknown("", &Value::Object(section.facts.clone()));
    if let Some(path) = unknown.or_else(|| example.absent.keys().find(|path| !known.is_known(path)).cloned())
    {
        let message = format!("the example sets \"{path}\", which is no fact");
        return Err(check.refuse(at_name(), &message, known.help(&path)));
    }
    known.rename(&mut section);
    for (path, reason) in &example.absent {
        let path = &known.in_the_document(path);
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

/// What the facts of an example may be called.
struct Known<'a> {
    queries: &'a BTreeMap<String, Query>,
    externals: &'a BTreeMap<String, Shape>,
}

impl<'a> Known<'a> {
    fn of(check: &'a Check) -> Result<Self, CheckError> {
        Ok(Self { queries: check.queries()?, externals: check.externals() })
    }

    /// What is declared of a path below `query` or `external`, and the path from there on.
    fn declared<'p>(&self, path: &'p str) -> Option<(Option<&'a Shape>, &'p str)> {
        let (group, rest) = path.split_once('.')?;
        let (name, below) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
        match group {
            "query" => Some((self.queries.get(name).map(|query| &query.answer), below)),
            "external" => Some((self.externals.get(name), below)),
            _ => None,
        }
    }

    fn is_known(&self, path: &str) -> bool {
        match self.declared(path) {
            Some((shape, below)) => shape.is_some_and(|shape| shape.at(below).is_some()),
            None => matches!(path, "query" | "external") || catalogue::is_known(path),
        }
    }

    fn help(&self, path: &str) -> Option<String> {
        let group = path.split('.').next()?;
        let names = match group {
            "query" => self.queries.keys().map(String::as_str).collect::<Vec<_>>(),
            "external" => self.externals.keys().map(String::as_str).collect(),
            _ => return None,
        };
        Some(match self.declared(path) {
            Some((Some(_), _)) => "only what is declared can be set".to_owned(),
            _ => suggest(path.split('.').nth(1).unwrap_or_default(), names.into_iter()),
        })
    }

    /// The first path of a facts tree that nobody knows.
    fn first_unknown(&self, path: &str, value: &Value) -> Option<String> {
        match value {
            Value::Object(map) => map.iter().find_map(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if self.is_known(&path) { self.first_unknown(&path, value) } else { Some(path) }
            }),
            Value::Array(items) => items
                .iter()
                .filter(|item| item.is_object())
                .find_map(|item| self.first_unknown(&format!("{path}[]"), item)),
            _ => None,
        }
    }

    /// Moves the answers of queries to where collected ones stand.
    fn rename(&self, section: &mut Section) {
        let Some(Value::Object(answers)) = section.facts.get_mut("query") else { return };
        let named = std::mem::take(answers);
        let keyed = named.into_iter().filter_map(|(name, answer)| {
            let query = self.queries.get(&name)?;
            Some((query.key.clone(), answer))
        });
        answers.extend(keyed);
    }

    fn in_the_document(&self, path: &str) -> String {
        let renamed = path.strip_prefix("query.").and_then(|rest| {
            let (name, below) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
            Some(format!("query.{}{below}", self.queries.get(name)?.key))
        });
        renamed.unwrap_or_else(|| path.to_owned())
    }
}

fn base_profile(world: &str) -> &'static str {
    match world {
        "exchange-server" | "online-ews-app" => "generic-ews",
        _ => "generic-graph",
    }
}

/// Healthy settings of a world: what configuration, not collection, contributes.
pub(super) fn settings(world: &str) -> Option<Map<String, Value>> {
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
            "wanted_users": [], "wanted_group": null,
        },
        "active_directory": { "host": null },
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
