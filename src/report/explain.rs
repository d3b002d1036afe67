//! A check explained: what it says, why it matters, what it reads, what it may answer and how each
//! answer is repaired. All of it stands in the check file.

use serde_json::{Value, json};

use super::mark::Paint;
use super::sheet::Sheet;
use super::{Style, json};
use crate::engine::{Catalogue, Check, FixFile, Outcome, Query, Word};
use crate::facts::catalogue;

/// A permission of the reader, and the facts that it unlocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Permission or role.
    pub permission: String,
    /// Fact paths.
    pub facts: Vec<String>,
}

/// The check in words, without the permissions behind its facts.
pub fn check(check: &Check, style: &Style) -> String {
    check_with(check, &[], style)
}

/// The check in words, with those of the permissions that it needs.
pub fn check_with(check: &Check, needs: &[Need], style: &Style) -> String {
    sheet(check, needs).on_terminal(style)
}

/// The check as Markdown.
pub fn markdown(check: &Check, needs: &[Need]) -> String {
    sheet(check, needs).as_markdown()
}

fn sheet(check: &Check, needs: &[Need]) -> Sheet {
    let mut sheet = Sheet::default();
    header(&mut sheet, check);
    sheet.heading("Why it matters");
    sheet.text(&check.file().why, Paint::Plain);
    reads(&mut sheet, check, needs);
    outcomes(&mut sheet, check);
    fixes(&mut sheet, check);
    references(&mut sheet, check);
    examples(&mut sheet, check);
    sheet
}

fn header(sheet: &mut Sheet, check: &Check) {
    let file = check.file();
    sheet.title(check.id());
    sheet.text(&file.title, Paint::Plain);
    sheet.gap();
    let area = check.own_area_title().unwrap_or_else(|| Catalogue::embedded().area_title(check.area()));
    sheet.labelled("Area", area);
    if let Some(origin) = check.origin() {
        sheet.labelled("From", &origin.words());
    }
    sheet.labelled("Since", &file.since);
    if !file.aliases.is_empty() {
        sheet.labelled("Formerly", &file.aliases.join(", "));
    }
    if !file.after.is_empty() {
        let after: Vec<&str> = file.after.iter().map(|id| &**id).collect();
        sheet.labelled("After", &after.join(", "));
    }
    if let Some(applies) = &file.applies {
        sheet.labelled("Applies", &format!("where {}", applies.trim()));
    }
    for (name, value) in &file.params {
        sheet.labelled("Parameter", &format!("{name} = {value}"));
    }
}

/// Facts that the rules read, as (path, meaning). A list says more than its elements' paths.
fn facts(check: &Check) -> Vec<(String, &'static str)> {
    let reads = check.reads().unwrap_or_default();
    let known = reads.into_iter().filter_map(|path| {
        let doc = catalogue::fact(&path)?.doc;
        Some((path, doc))
    });
    known.collect()
}

/// What it asks besides, by name.
fn queries(check: &Check) -> Vec<(&String, &Query)> {
    check.queries().map(|queries| queries.iter().collect()).unwrap_or_default()
}

fn permissions<'n>(check: &Check, needs: &'n [Need]) -> Vec<&'n str> {
    let reads = check.reads().unwrap_or_default();
    let wanted = |need: &&Need| {
        need.facts.iter().any(|fact| reads.iter().any(|path| crate::facts::overlaps(fact, path)))
    };
    let mut names: Vec<&str> = needs.iter().filter(wanted).map(|need| need.permission.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn reads(sheet: &mut Sheet, check: &Check, needs: &[Need]) {
    let (facts, queries) = (facts(check), queries(check));
    let external: Vec<String> =
        check.reads().unwrap_or_default().into_iter().filter(|p| p.starts_with("external.")).collect();
    if facts.is_empty() && queries.is_empty() && external.is_empty() {
        return;
    }
    sheet.heading("What it reads");
    for (path, doc) in facts {
        sheet.entry(&path, doc);
    }
    for (name, query) in queries {
        let scope = format!("{:?}", query.scope).to_lowercase();
        sheet.entry(&format!("query.{name}"), &format!("{}, once for each {scope}", query.words()));
    }
    for path in external {
        sheet.entry(&path, "from the external collector of that name");
    }
    let permissions = permissions(check, needs);
    if !permissions.is_empty() {
        sheet.gap();
        sheet.text(&format!("The reader needs: {}", permissions.join(", ")), Paint::Plain);
    }
}

fn outcomes(sheet: &mut Sheet, check: &Check) {
    sheet.heading("What it may say (the first that fits)");
    let rows: Vec<[String; 3]> = check
        .file()
        .outcome
        .iter()
        .map(|row| [word(row).into(), row.cause.as_deref().unwrap_or("-").into(), spoken(&row.message)])
        .collect();
    sheet.table(["Result", "Cause", "Message"], &rows);
}

pub(super) fn word(row: &Outcome) -> &'static str {
    match row.result.get_ref() {
        Word::Pass => "ok",
        Word::Warn => "warn",
        Word::Fail => "FAIL",
        Word::Unknown => "unknown",
        Word::Skipped => "skipped",
        Word::NotApplicable => "n/a",
    }
}

/// A text with the facts' names in `<>` where values of the account will stand.
pub(super) fn spoken(text: &str) -> String {
    let mut spoken = String::new();
    let mut rest = text.trim();
    while let Some((before, inside)) = rest.split_once("{{") {
        let (expression, after) = inside.split_once("}}").unwrap_or((inside, ""));
        spoken.push_str(before);
        spoken.push_str(&stand_in(expression.trim()));
        rest = after;
    }
    spoken + rest
}

/// What stands for the value of an expression: the names of facts in `<>`, joined texts as they are.
fn stand_in(expression: &str) -> String {
    let parts: Option<String> = expression.split(" + ").map(part).collect();
    parts.unwrap_or_else(|| "<...>".to_owned())
}

/// A text in quotes, or the name of the fact that a value is taken from.
fn part(part: &str) -> Option<String> {
    let quoted = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = quoted {
        return (!text.contains('"')).then(|| text.replace("\\\\", "\\"));
    }
    let inner = ["date(", "distinct("].iter().find_map(|name| part.strip_prefix(name)?.strip_suffix(')'));
    let value = inner.unwrap_or(part);
    let value = value.find(".join(").map_or(value, |end| &value[..end]);
    let name = match value.split_once(".map(") {
        // The field of each of a list, as `list.map(one, one.field)`.
        Some((list, field)) => {
            let (one, field) = field.strip_suffix(')')?.split_once(", ")?;
            format!("{list}{}", field.strip_prefix(one)?)
        }
        None => value.to_owned(),
    };
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "._[]".contains(c));
    is_name.then(|| format!("<{name}>"))
}

fn fixes(sheet: &mut Sheet, check: &Check) {
    for row in check.file().outcome.iter().filter(|row| !row.fix.is_empty()) {
        sheet.heading(&format!("Repair: {}", row.cause.as_deref().unwrap_or(word(row))));
        sheet.text(&spoken(&row.message), Paint::Dim);
        for (index, fix) in row.fix.iter().enumerate() {
            sheet.gap();
            if fix.when.is_none() && index > 0 {
                sheet.text("Another way", Paint::Bold);
            }
            one_fix(sheet, fix);
        }
        if let Some([usual, longest]) = &row.settles {
            sheet.labelled("Acts after", &waits(usual, longest));
        }
    }
}

/// A waiting time in words.
pub(super) fn waits(usual: &str, longest: &str) -> String {
    format!("{} as a rule, {} at the longest", span(usual), span(longest))
}

/// Conditions of repairs that are said in words; any other stands as it is written.
const CONDITIONS: &[(&str, &str)] = &[
    ("world.sign_in == \"app\"", "the product signs in as an app"),
    ("world.sign_in != \"app\"", "the product signs in as an account"),
    ("world.kind == \"exchange-server\"", "Exchange Server"),
    ("world.kind != \"exchange-server\"", "Exchange Online"),
    ("account.synced == true", "the account is synchronized from Active Directory"),
    ("account.synced != true", "the account was made in the cloud"),
    ("subject.client_id != null", "the product's app is known"),
    ("subject.client_id == null", "the product's app is not known"),
    ("request.scope == \"listed\"", "the product shall reach some mailboxes only"),
    (
        "request.scope == \"listed\" && world.mailbox_location == \"cloud\"",
        "the product shall reach some mailboxes only, and they are in the cloud",
    ),
    ("world.kind == \"online-ews-app\"", "the product uses EWS as an app"),
    ("world.kind == \"online-delegated\"", "the product acts as its account"),
    ("world.identity == \"entra\"", "sign-in is by Microsoft Entra"),
    ("world.identity != \"entra\"", "sign-in is not by Microsoft Entra"),
    ("subject.scheme == \"oauth\"", "the product sends a token"),
    ("subject.scheme != \"oauth\"", "the product sends a password"),
];

fn words_for(when: &str) -> Option<&'static str> {
    CONDITIONS.iter().find(|(condition, _)| *condition == when.trim()).map(|(_, words)| *words)
}

fn in_words(when: &str) -> String {
    words_for(when).unwrap_or_else(|| when.trim()).to_owned()
}

/// Whether people who know no expressions can tell if a condition holds.
pub(super) fn is_in_words(when: &str) -> bool {
    words_for(when).is_some()
}

/// One way to repair, with placeholders for the values of an account.
pub(super) fn one_fix(sheet: &mut Sheet, fix: &FixFile) {
    if let Some(when) = &fix.when {
        sheet.labelled("Where", &in_words(when));
    }
    for (number, step) in fix.steps.iter().enumerate() {
        sheet.step(number + 1, &spoken(step));
    }
    if let Some(command) = &fix.command {
        sheet.command(&spoken(command));
    }
    let by = [fix.who.as_deref(), fix.role.as_deref()];
    let by: Vec<&str> = by.into_iter().flatten().collect();
    if !by.is_empty() {
        sheet.labelled("By", &by.join("; least role: "));
    }
    if let Some(verify) = &fix.verify {
        sheet.verify(&spoken(verify));
    }
}

fn references(sheet: &mut Sheet, check: &Check) {
    if check.file().reference.is_empty() {
        return;
    }
    sheet.heading("References");
    for reference in &check.file().reference {
        sheet.link(&reference.title, &reference.url);
    }
}

fn examples(sheet: &mut Sheet, check: &Check) {
    if check.file().example.is_empty() {
        return;
    }
    sheet.heading("Examples");
    let rows: Vec<[String; 3]> = check
        .file()
        .example
        .iter()
        .map(|example| {
            let expect = serde_json::to_value(example.expect).ok();
            let expect = expect.as_ref().and_then(Value::as_str).unwrap_or_default();
            [example.name.to_string(), expect.into(), example.cause.as_deref().unwrap_or("-").into()]
        })
        .collect();
    sheet.table(["Given", "Result", "Cause"], &rows);
}

/// The check as one JSON document.
pub fn json(check: &Check, needs: &[Need]) -> String {
    let file = check.file();
    let reads = facts(check);
    let reads: Vec<Value> = reads.iter().map(|(path, doc)| json!({"fact": path, "means": doc})).collect();
    let after: Vec<&str> = file.after.iter().map(|id| &**id).collect();
    let examples = file.example.iter();
    let examples: Vec<Value> = examples
        .map(|example| json!({"name": &*example.name, "result": example.expect, "cause": example.cause}))
        .collect();
    json::pretty(&json!({
        "format": 1,
        "check": check.id(),
        "title": &*file.title,
        "area": check.area(),
        "since": file.since,
        "aliases": file.aliases,
        "after": after,
        "applies": file.applies.as_deref().map(str::trim),
        "why": file.why.trim(),
        "reads": reads,
        "permissions": permissions(check, needs),
        "origin": check.origin(),
        "queries": queries(check).into_iter().map(query_json).collect::<Vec<_>>(),
        "outcomes": file.outcome.iter().map(outcome_json).collect::<Vec<_>>(),
        "references": file.reference,
        "examples": examples,
    }))
}

fn query_json((name, query): (&String, &Query)) -> Value {
    json!({
        "query": name, "asks": query.words(), "permission": query.permission,
        "scope": format!("{:?}", query.scope).to_lowercase(), "fact": format!("query.{}", query.key),
    })
}

fn outcome_json(row: &Outcome) -> Value {
    json!({
        "result": row.result.get_ref(),
        "cause": row.cause.as_deref(),
        "when": row.when.as_deref().map(str::trim),
        "message": row.message.trim(),
        "expected": row.expected.as_deref(),
        "actual": row.actual.as_deref(),
        "settles": row.settles.as_ref().map(|[usual, max]| json!({"usual": usual, "max": max})),
        "fix": row.fix.iter().map(fix_json).collect::<Vec<_>>(),
    })
}

pub(super) fn fix_json(fix: &FixFile) -> Value {
    let steps: Vec<&str> = fix.steps.iter().map(|step| &**step).collect();
    json!({
        "when": fix.when.as_deref().map(str::trim),
        "steps": steps,
        "command": fix.command.as_deref().map(str::trim),
        "who": fix.who,
        "role": fix.role,
        "overwrites": fix.overwrites,
        "verify": fix.verify.as_deref(),
    })
}

/// A length of time in words: `5m` is `5 minutes`; anything else stays as it is.
pub(super) fn span(text: &str) -> String {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (Ok(number), unit) = (digits.parse::<u64>(), &text[digits.len()..]) else {
        return text.to_owned();
    };
    let unit = match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        _ => return text.to_owned(),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_words() {
        assert_eq!(span("5m"), "5 minutes");
        assert_eq!(span("1h"), "1 hour");
        assert_eq!(span("a while"), "a while");
        assert_eq!(span("90"), "90");
    }

    #[test]
    fn placeholders_are_readable() {
        assert_eq!(spoken(" {{ a.b[0].c }} and {{c}}."), "<a.b[0].c> and <c>.");
        assert_eq!(spoken("until {{ sort(a)[0] }}"), "until <...>");
        assert_eq!(
            spoken("of {{ held[0].name }}, {{ date(held[0].end) }}"),
            "of <held[0].name>, <held[0].end>"
        );
        assert_eq!(
            spoken("{{ left.map(h, h.host) }} on {{ \"a:\\\\\" + box[0].id }}"),
            "<left.host> on a:\\<box[0].id>"
        );
        assert_eq!(spoken("{{ names.join(\", \") }}{{ a ? \"b\" : \"c\" }}"), "<names><...>");
    }
}
