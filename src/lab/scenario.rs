//! Scenario files: a base world, a patch, and what a check of it must say.
//!
//! ```toml
//! description = "Per-user MFA is enforced for the service account"
//! world       = "online-delegated"
//! account     = "svc-sync@contoso.com"     # optional: the world's account
//! profile     = "generic-graph"            # optional: by world
//! verdict     = "not-ready"
//! sync        = { yes = true }             # optional: a test sync is asked for, writing to others, too
//! config      = '''…TOML merged over the configuration that the lab writes…'''
//! patch       = '''{ …RFC 7396 merge patch of the world… }'''
//!
//! [[expect]]
//! check  = "mfa/per-user-mfa-is-off"
//! result = "fail"
//! cause  = "mfa-required"
//! ```
//!
//! In `config`, tables are merged, lists of tables element by element, the text `@remove` removes a
//! key, and `@today-30d` is a day. Knows the shape of files, not how a world is served.

use std::ops::Range;

use rust_embed::Embed;
use serde::Deserialize;
use serde_json::{Value, json};
use toml::{Spanned, Table};

use super::{LabError, World, world};

/// Top-level keys of a world document that a patch may touch.
const WORLD_KEYS: &[&str] = &[
    "account",
    "administrative_units",
    "applications",
    "autodiscover",
    "certificates",
    "client",
    "clock_offset_seconds",
    "crowd",
    "deleted_users",
    "directory",
    "dns",
    "domains",
    "ews",
    "exchange",
    "faults",
    "groups",
    "hosts",
    "identity_header",
    "import",
    "latency_ms",
    "org_contacts",
    "policies",
    "proxy",
    "rbac",
    "realms",
    "service_health",
    "service_principals",
    "sign_ins",
    "subscribed_skus",
    "tenant",
    "throttling",
    "users",
];

#[derive(Embed)]
#[folder = "tests/scenarios"]
struct Files;

/// One finding that a check of the scenario must produce.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Account, where the configuration has several; the first of them otherwise.
    pub account: Option<String>,
    /// Check id.
    pub check: String,
    /// Result as in reports: pass, warn, fail, unknown, skipped, not-applicable.
    pub result: String,
    /// Cause, where the result has one.
    pub cause: Option<String>,
}

/// A test sync that a scenario wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestSync {
    /// Mailboxes of others are written to as well.
    #[serde(default)]
    pub yes: bool,
}

/// A world with its expected outcome.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// File name without its ending.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Base world.
    pub world: String,
    /// Address to examine.
    pub account: String,
    /// Profile to judge by.
    pub profile: String,
    /// Verdict: ready, not-ready or undetermined.
    pub verdict: String,
    /// Findings that must come out.
    pub expect: Vec<Expect>,
    /// The test sync, where only that shows what is wrong.
    pub sync: Option<TestSync>,
    /// What to merge over the configuration.
    pub config: Table,
    /// Merge patch of the base world.
    pub patch: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    description: String,
    world: Spanned<String>,
    account: Option<String>,
    profile: Option<String>,
    verdict: Verdict,
    #[serde(default)]
    expect: Vec<Expect>,
    sync: Option<TestSync>,
    config: Option<Spanned<String>>,
    patch: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Ready,
    NotReady,
    Undetermined,
}

impl Scenario {
    /// Reads a scenario file.
    pub fn parse(name: &str, text: &str) -> Result<Self, LabError> {
        let refuse = |span: Option<Range<usize>>, message: &str| LabError::Scenario {
            file: format!("{name}.toml"),
            line: line_of(text, span.map_or(0, |span| span.start)),
            message: message.to_owned(),
        };
        let file: File = toml::from_str(text).map_err(|error| refuse(error.span(), error.message()))?;
        let base = World::base(file.world.as_ref()).map_err(|_| {
            let known: Vec<_> = world::names().collect();
            refuse(Some(file.world.span()), &format!("unknown world; known are {}", known.join(", ")))
        })?;
        let config = match &file.config {
            Some(config) => toml::from_str(config.as_ref()).map_err(|error| {
                let inside = error.span().map_or(0, |span| span.start);
                refuse(Some(at_offset(text, config, inside)), error.message())
            })?,
            None => Table::new(),
        };
        let patch = match &file.patch {
            Some(patch) => parse_patch(patch.as_ref())
                .map_err(|(inside, message)| refuse(Some(at_offset(text, patch, inside)), &message))?,
            None => Value::Object(serde_json::Map::new()),
        };
        let account = file.account.as_deref().or_else(|| base["account"].as_str()).unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            account: account.to_owned(),
            profile: file.profile.unwrap_or_else(|| default_profile(file.world.as_ref()).to_owned()),
            verdict: match file.verdict {
                Verdict::Ready => "ready",
                Verdict::NotReady => "not-ready",
                Verdict::Undetermined => "undetermined",
            }
            .to_owned(),
            world: file.world.into_inner(),
            expect: file.expect,
            sync: file.sync,
            config,
            patch,
        })
    }

    /// The same with so many computed mailboxes, which are in every scope that lists its members.
    pub fn with_mailboxes(mut self, count: u64) -> Result<Self, LabError> {
        let mut patch = json!({ "crowd": { "count": count } });
        for (key, scope) in world::entries(&self.document()?["rbac"]["scopes"]) {
            let members = world::items(&scope["members"]).cloned().chain(["crowd".into()]);
            patch["rbac"]["scopes"][key]["members"] = members.collect();
        }
        world::merge(&mut self.patch, &patch);
        Ok(self)
    }

    /// The patched world document, its times still relative.
    pub fn document(&self) -> Result<Value, LabError> {
        let mut document = World::base(&self.world)?;
        world::merge(&mut document, &self.patch);
        Ok(document)
    }
}

/// Names of the scenarios that come with the program, in order.
pub fn scenario_names() -> Vec<String> {
    let mut names: Vec<_> =
        Files::iter().filter_map(|path| Some(path.strip_suffix(".toml")?.to_owned())).collect();
    names.sort();
    names
}

/// The scenario of that name.
pub fn scenario(name: &str) -> Option<Scenario> {
    let file = Files::get(&format!("{name}.toml"))?;
    let text = std::str::from_utf8(&file.data).expect("scenario files are UTF-8: proven by a test");
    Some(Scenario::parse(name, text).expect("scenario files are valid: proven by a test"))
}

/// The scenarios that come with the program, by name.
pub fn scenarios() -> Vec<Scenario> {
    scenario_names().iter().filter_map(|name| scenario(name)).collect()
}

/// Merges a table over another: tables are merged, lists of tables element by element, everything
/// else is replaced, and `@remove` removes.
pub fn merge_config(target: &mut Table, changes: &Table) {
    for (key, change) in changes {
        match (target.get_mut(key), change) {
            (_, toml::Value::String(text)) if text == "@remove" => {
                target.remove(key);
            }
            (Some(toml::Value::Table(own)), toml::Value::Table(change)) => merge_config(own, change),
            (Some(toml::Value::Array(own)), toml::Value::Array(change)) if is_tables(own, change) => {
                merge_tables(own, change);
            }
            _ => {
                target.insert(key.clone(), change.clone());
            }
        }
    }
}

fn is_tables(own: &[toml::Value], change: &[toml::Value]) -> bool {
    !change.is_empty() && own.iter().chain(change).all(toml::Value::is_table)
}

fn merge_tables(own: &mut Vec<toml::Value>, changes: &[toml::Value]) {
    for (index, change) in changes.iter().enumerate() {
        match (own.get_mut(index), change) {
            (Some(toml::Value::Table(own)), toml::Value::Table(change)) => merge_config(own, change),
            _ => own.push(change.clone()),
        }
    }
}

fn default_profile(world: &str) -> &'static str {
    match world {
        "online-delegated" | "online-graph-app" => "generic-graph",
        _ => "generic-ews",
    }
}

/// The patch, or the byte in it where it is wrong, and how.
fn parse_patch(text: &str) -> Result<Value, (usize, String)> {
    let patch: Value = serde_json::from_str(text).map_err(|error| {
        let start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        (start, error.to_string())
    })?;
    let Value::Object(keys) = &patch else {
        return Err((0, "a patch is a JSON object".to_owned()));
    };
    match keys.keys().find(|key| !WORLD_KEYS.contains(&key.as_str())) {
        Some(key) => {
            let at = text.find(&format!("\"{key}\"")).unwrap_or_default();
            Err((at, format!("unknown key `{key}` of a world; known are {}", WORLD_KEYS.join(", "))))
        }
        None => Ok(patch),
    }
}

/// Where a byte of a multi-line literal string stands in the file.
fn at_offset(text: &str, value: &Spanned<String>, inside: usize) -> Range<usize> {
    let span = value.span();
    let raw = text.get(span.clone()).unwrap_or_default();
    let quotes = raw.len() - raw.trim_start_matches('\'').trim_start_matches(['\r', '\n']).len();
    let start = span.start + quotes + inside;
    start..start
}

fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "description = 'd'\nworld = 'online-delegated'\nverdict = 'ready'\n";

    fn refusal(text: &str) -> String {
        Scenario::parse("x", text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        assert!(refusal(&format!("{HEAD}wrld = 1\n")).starts_with("x.toml:4: unknown field `wrld`"));
    }

    #[test]
    fn a_wrong_patch_is_refused_with_its_line() {
        let text = format!("{HEAD}patch = '''\n{{\n  \"tenant\": {{}},\n  \"user\": {{}}\n}}\n'''\n");
        assert!(refusal(&text).starts_with("x.toml:7: unknown key `user`"), "{}", refusal(&text));
        let text = format!("{HEAD}patch = '''\n{{\n  \"tenant\" {{}}\n}}\n'''\n");
        assert!(refusal(&text).starts_with("x.toml:6: "), "{}", refusal(&text));
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_its_line() {
        let text = format!("{HEAD}config = '''\n[tenant]\ndomain =\n'''\n");
        assert!(refusal(&text).starts_with("x.toml:6: "), "{}", refusal(&text));
    }

    #[test]
    fn an_unknown_world_is_refused_with_the_known_ones() {
        let text = "description = 'd'\nworld = 'offline'\nverdict = 'ready'\n";
        assert!(refusal(text).contains("x.toml:2: unknown world; known are online-delegated"));
    }

    #[test]
    fn configuration_is_merged_into_lists_of_tables_and_removed() {
        let mut own: Table = toml::from_str("a = 1\n[[account]]\nx = 1\ny = [1]\n[b]\nc = 1").unwrap();
        let change: Table = toml::from_str("a = '@remove'\n[[account]]\ny = [2]\n[b]\nd = 2").unwrap();
        merge_config(&mut own, &change);
        let wanted: Table = toml::from_str("[[account]]\nx = 1\ny = [2]\n[b]\nc = 1\nd = 2").unwrap();
        assert_eq!(own, wanted);
    }

    #[test]
    fn every_embedded_scenario_is_valid_and_its_world_builds() {
        let now = "2026-11-21T08:00:00Z".parse().unwrap();
        for path in Files::iter() {
            let file = Files::get(&path).unwrap();
            let text = std::str::from_utf8(&file.data).unwrap();
            let scenario = Scenario::parse(path.trim_end_matches(".toml"), text).unwrap();
            World::new(scenario.document().unwrap(), now).unwrap();
        }
        assert!(!scenarios().is_empty());
    }
}
