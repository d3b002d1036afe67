//! Lets imports fill what nobody could read live, and keeps both where they differ.

use serde_json::{Map, Value, json};

use super::{Import, directory, mailbox, rbac};
use crate::collect::{Target, World, assemble::Gathered};
use crate::facts::{Absence, Exchange, Reason, Section, covers};

/// Longest value that is shown of a contradiction.
const SHOWN: usize = 200;

/// Fills the account's part of the document from the imports that cover it.
pub fn fill(own: &mut Gathered, target: &Target, imports: &[Import]) {
    let on_premises = target.world == Some(World::ExchangeServer);
    if !(on_premises || target.hybrid || !imports.is_empty()) {
        return;
    }
    let mut covering: Vec<&Import> =
        imports.iter().filter(|import| import.account(&target.account).is_some()).collect();
    covering.sort_by(|a, b| b.made_at().cmp(a.made_at()));
    let live = own.section.clone();
    let mut contradictions = Vec::new();
    if on_premises || target.hybrid {
        for import in &covering {
            contradictions.extend(take(own, &live, target, import));
        }
    }
    own.section.set("imports.files", files(imports, target));
    own.section.set("imports.contradictions", Value::Array(contradictions));
    let absence = recipe(target, imports);
    for group in ["directory", "rbac"] {
        unread(&mut own.section, group, &absence);
        instead_of_a_call(&mut own.section, group, &absence);
    }
    if on_premises && !target.hybrid {
        instead_of_a_call(&mut own.section, "mailbox", &absence);
        own.section.absent.entry("organization".into()).or_insert(absence);
    }
}

fn files(imports: &[Import], target: &Target) -> Value {
    let row = |import: &Import| {
        let shape = &import.shape;
        let errors = shape.errors.items.iter().map(|error| {
            format!("{}: {}", error.call.get().unwrap_or("?"), error.text.get().unwrap_or("no reason told"))
        });
        json!({
            "file": import.name,
            "made_at": import.made_at(),
            "tool": shape.tool.version.get(),
            "organization": shape.organization.get(),
            "server": shape.server.get(),
            "covers": import.account(&target.account).is_some(),
            "errors": errors.collect::<Vec<_>>(),
        })
    };
    imports.iter().map(row).collect()
}

/// What an import says of the account.
fn told(import: &Import, target: &Target) -> Section {
    let mut section = Section::default();
    let Some(account) = import.account(&target.account) else { return section };
    directory::facts(account, import.made_at(), &mut section);
    rbac::facts(&import.shape, account, &mut section);
    if target.world == Some(World::ExchangeServer) {
        mailbox::facts(&import.shape, account, &mut section);
    }
    for group in ["directory", "rbac"] {
        if section.facts.contains_key(group) {
            section.set(group, json!({ "source": "import", "made_at": import.made_at() }));
        }
    }
    section
}

/// Takes what is missing from an import; gives what it says otherwise than what was seen live.
fn take(own: &mut Gathered, live: &Section, target: &Target, import: &Import) -> Vec<Value> {
    let said = told(import, target);
    // These groups are about one reading each: their parts belong together.
    let settled: Vec<&str> = ["directory", "rbac"]
        .into_iter()
        .filter(|group| own.section.get(&format!("{group}.source")).is_some_and(|source| !source.is_null()))
        .collect();
    let is_settled = |path: &str| settled.iter().any(|group| covers(group, path));
    let (mut filled, mut contradictions) = (Vec::new(), Vec::new());
    for (path, value) in leaves(&said.facts) {
        if own.section.get(&path).is_none() && !is_settled(&path) {
            own.section.set(&path, value);
            own.section.absent.remove(&path);
            filled.push(path);
        } else if let Some(seen) = live.get(&path).filter(|seen| differs(&path, seen, &value)) {
            contradictions.push(contradiction(&path, &value, seen, &import.name));
        }
    }
    for (path, absence) in said.absent {
        if own.section.get(&path).is_none() && !is_settled(&path) {
            own.section.set_absent(&path, absence);
        }
    }
    evidence(own, import, filled, &contradictions);
    contradictions
}

/// Whether a live value says otherwise. How and when something was read says nothing.
fn differs(path: &str, live: &Value, imported: &Value) -> bool {
    let reading = path.ends_with(".source") || path.ends_with(".made_at");
    !reading && live != imported && !live.is_null() && live != "unknown" && imported != "unknown"
}

fn contradiction(path: &str, imported: &Value, live: &Value, file: &str) -> Value {
    let shown = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.chars().take(SHOWN).collect::<String>()
    };
    json!({ "fact": path, "imported": shown(imported), "live": shown(live), "file": file })
}

fn evidence(own: &mut Gathered, import: &Import, filled: Vec<String>, contradictions: &[Value]) {
    let exchange = |answer: String, facts: Vec<String>| Exchange {
        method: "IMPORT".into(),
        url: import.name.clone(),
        at: import.made_at().to_owned(),
        answer: Some(answer),
        facts,
        ..Exchange::default()
    };
    let shape = &import.shape;
    let named = |text: Option<&str>| text.unwrap_or("not told").to_owned();
    let origin = format!(
        "made on {} of {} by the script of syncready {}",
        named(shape.server.get()),
        named(shape.organization.get()),
        named(shape.tool.version.get())
    );
    own.exchange(exchange(origin, filled));
    for row in contradictions {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let answer =
            format!("the import says {}; seen live: {}, which counts", text("imported"), text("live"));
        own.exchange(exchange(answer, vec![text("fact")]));
    }
}

/// Says how to get a group that nobody could read.
fn unread(section: &mut Section, group: &str, absence: &Absence) {
    let source = format!("{group}.source");
    if section.get(&source).is_none() {
        section.set(&source, Value::Null);
        section.absent.remove(&source);
        section.absent.entry(group.to_owned()).or_insert_with(|| absence.clone());
    }
}

/// What no call of this run could tell, an import can.
fn instead_of_a_call(section: &mut Section, group: &str, absence: &Absence) {
    for (path, known) in &mut section.absent {
        if covers(group, path) && known.reason == Reason::UnsupportedHere {
            known.clone_from(absence);
        }
    }
}

/// Why nothing was read that an import could tell, and what to do.
fn recipe(target: &Target, imports: &[Import]) -> Absence {
    let covered = imports.iter().any(|import| import.account(&target.account).is_some());
    let why = match (imports.is_empty(), covered) {
        (true, _) => "Exchange Server tells it by no protocol",
        (false, false) => "no import covers this account",
        (false, true) => "the import does not tell",
    };
    Absence::new(Reason::NotAsked).with_text(format!("{why}; {}", command(target)))
}

/// The command that makes an import for an account.
fn command(target: &Target) -> String {
    let words = std::iter::once(target.account.as_str()).chain(target.also.iter().map(String::as_str));
    let accounts = words.collect::<Vec<_>>().join(" --as ");
    format!(
        "run the script that `syncready collect --script {accounts}` prints in the Exchange Management Shell, \
         and give its output to --import"
    )
}

/// Every value that is no object, with its path.
fn leaves(facts: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &Value)> = facts.iter().map(|(key, value)| (key.clone(), value)).collect();
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) => {
                open.extend(fields.iter().map(|(key, value)| (format!("{path}.{key}"), value)));
            }
            value => found.push((path, value.clone())),
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
