//! A check explained: what it says, why it matters, what it reads, what it may answer and how each
//! answer is repaired. All of it stands in the check file.

use serde_json::{Value, json};

use super::mark::Paint;
use super::page::Page;
use super::{Style, grid, json};
use crate::engine::{Catalogue, Check, FixFile, Outcome, Word};
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
    let mut page = Page::new(style);
    header(&mut page, check);
    page.heading("Why it matters");
    page.text(0, &check.file().why, Paint::Plain);
    reads(&mut page, check, needs);
    outcomes(&mut page, check);
    fixes(&mut page, check);
    references(&mut page, check);
    examples(&mut page, check);
    page.finish()
}

fn header(page: &mut Page, check: &Check) {
    let file = check.file();
    page.text(0, check.id(), Paint::Bold);
    page.text(0, &file.title, Paint::Plain);
    page.blank();
    page.labelled("Area", Catalogue::embedded().area_title(check.area()), Paint::Plain);
    page.labelled("Since", &file.since, Paint::Plain);
    if !file.aliases.is_empty() {
        page.labelled("Formerly", &file.aliases.join(", "), Paint::Plain);
    }
    if !file.after.is_empty() {
        let after: Vec<&str> = file.after.iter().map(|id| &**id).collect();
        page.labelled("After", &after.join(", "), Paint::Plain);
    }
    if let Some(applies) = &file.applies {
        page.labelled("Applies", &format!("where {}", applies.trim()), Paint::Plain);
    }
    for (name, value) in &file.params {
        page.labelled("Parameter", &format!("{name} = {value}"), Paint::Plain);
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

fn reads(page: &mut Page, check: &Check, needs: &[Need]) {
    let facts = facts(check);
    if facts.is_empty() {
        return;
    }
    page.heading("What it reads");
    for (path, doc) in facts {
        page.text(0, &path, Paint::Bold);
        page.text(4, doc, Paint::Plain);
    }
    let permissions = permissions(check, needs);
    if !permissions.is_empty() {
        page.blank();
        page.hang(0, "The reader needs: ", &permissions.join(", "), Paint::Plain);
    }
}

fn outcomes(page: &mut Page, check: &Check) {
    page.heading("What it may say (the first that fits)");
    let rows: Vec<[String; 3]> = check
        .file()
        .outcome
        .iter()
        .map(|row| [word(row).into(), row.cause.as_deref().unwrap_or("-").into(), spoken(&row.message)])
        .collect();
    grid::put(page, ["Result", "Cause", "Message"], &rows);
}

fn word(row: &Outcome) -> &'static str {
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
fn spoken(text: &str) -> String {
    let mut spoken = String::new();
    let mut rest = text.trim();
    while let Some((before, inside)) = rest.split_once("{{") {
        let (expression, after) = inside.split_once("}}").unwrap_or((inside, ""));
        let expression = expression.trim();
        let is_name = expression.chars().all(|c| c.is_ascii_alphanumeric() || "._[]".contains(c));
        spoken.push_str(before);
        spoken.extend(["<", if is_name { expression } else { "..." }, ">"]);
        rest = after;
    }
    spoken + rest
}

fn fixes(page: &mut Page, check: &Check) {
    for row in check.file().outcome.iter().filter(|row| !row.fix.is_empty()) {
        page.heading(&format!("Repair: {}", row.cause.as_deref().unwrap_or(word(row))));
        page.text(0, &spoken(&row.message), Paint::Dim);
        for (index, fix) in row.fix.iter().enumerate() {
            page.blank();
            one_fix(page, fix, index);
        }
        if let Some([usual, longest]) = &row.settles {
            let text = format!("{} as a rule, {} at the longest", span(usual), span(longest));
            page.labelled("Acts after", &text, Paint::Plain);
        }
    }
}

fn one_fix(page: &mut Page, fix: &FixFile, index: usize) {
    if let Some(when) = &fix.when {
        page.labelled("Where", when.trim(), Paint::Plain);
    } else if index > 0 {
        page.text(2, "Another way", Paint::Bold);
    }
    for (number, step) in fix.steps.iter().enumerate() {
        page.hang(2, &format!("{}. ", number + 1), &spoken(step), Paint::Plain);
    }
    if let Some(command) = &fix.command {
        page.blank();
        page.command(4, &spoken(command));
        page.blank();
    }
    let by = [fix.who.as_deref(), fix.role.as_deref()];
    let by: Vec<&str> = by.into_iter().flatten().collect();
    if !by.is_empty() {
        page.labelled("By", &by.join("; least role: "), Paint::Plain);
    }
    if let Some(verify) = &fix.verify {
        page.labelled_command("Verify", &spoken(verify));
    }
}

fn references(page: &mut Page, check: &Check) {
    if check.file().reference.is_empty() {
        return;
    }
    page.heading("References");
    for reference in &check.file().reference {
        page.text(0, &reference.title, Paint::Plain);
        page.text(4, &reference.url, Paint::Dim);
    }
}

fn examples(page: &mut Page, check: &Check) {
    if check.file().example.is_empty() {
        return;
    }
    page.heading("Examples");
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
    grid::put(page, ["Given", "Result", "Cause"], &rows);
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
        "outcomes": file.outcome.iter().map(outcome_json).collect::<Vec<_>>(),
        "references": file.reference,
        "examples": examples,
    }))
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

fn fix_json(fix: &FixFile) -> Value {
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
    }
}
