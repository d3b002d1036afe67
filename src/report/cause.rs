//! The block of the first cause: what is wrong, why it matters, what to do, and how to see that it
//! worked.

use super::explain::span;
use super::mark::{Paint, mark};
use super::page::{Page, count};
use crate::engine::{AccountReport, FirstCause, Fix, Report, Word, causes};

/// Most changes that would let the check pass.
const CHANGES: usize = 2;

/// Most changes that happened lately.
const LATELY: usize = 3;

/// Most hidden checks that are named one by one.
const NAMED: usize = 6;

/// The first cause in full, the other roots in one line each.
pub(super) fn block(page: &mut Page, report: &Report, account: &AccountReport) {
    let Some((first, others)) = account.first_causes.split_first() else {
        return;
    };
    page.blank();
    let own = report.additions.causes.get(&first.cause).map(String::as_str);
    let meaning = causes::meaning(&first.cause).or(own);
    let meaning = meaning.map(|meaning| format!(" ({meaning})")).unwrap_or_default();
    let lead = format!("FIRST CAUSE: {}{meaning}", first.cause);
    page.text(0, &lead, Paint::Alarm);
    page.blank();
    page.text(0, &first.message, Paint::Bad);
    page.blank();
    particulars(page, first);
    fixes(page, &first.fix);
    page.blank();
    afterwards(page, first);
    also(page, others);
}

fn particulars(page: &mut Page, first: &FirstCause) {
    page.labelled("Check", &format!("{} ({})", first.title, first.check), Paint::Plain);
    for (label, text) in [("Expected", &first.expected), ("Found", &first.actual)] {
        if let Some(text) = text {
            page.labelled(label, text, Paint::Plain);
        }
    }
    if !first.why.trim().is_empty() {
        page.labelled("Why", &first.why, Paint::Plain);
    }
    for (index, change) in first.would_pass_if.iter().take(CHANGES).enumerate() {
        let label = if index == 0 { "Would pass" } else { "" };
        let lead = if index == 0 { "if" } else { "or if" };
        page.labelled(label, &format!("{lead} {}", change.text), Paint::Plain);
    }
    for (index, change) in first.changed_lately.iter().take(LATELY).enumerate() {
        let label = if index == 0 { "Changed" } else { "" };
        page.labelled(label, &format!("{} UTC: {}", moment(&change.at), change.text), Paint::Plain);
    }
    if let Some(outage) = &first.outage {
        page.labelled("Outage", &outage.text, Paint::Warn);
    }
    if !first.also.is_empty() {
        page.labelled("Same cause", &first.also.join(", "), Paint::Plain);
    }
}

/// What is asked of a person: questions that no server answers.
pub(super) fn questions(page: &mut Page, account: &AccountReport) {
    let open = account.findings.iter().filter(|f| f.result == Word::Unknown && !f.fix.is_empty());
    for (index, finding) in open.enumerate() {
        if index == 0 {
            page.blank();
            page.text(0, "ASKED OF YOU", Paint::Bold);
        }
        let level = if finding.required { "required" } else { "advised" };
        page.text(2, &format!("{} ({}, {level})", finding.message, finding.check), Paint::Warn);
        for fix in &finding.fix {
            one(page, fix);
        }
    }
}

/// `2026-11-21 08:00`
fn moment(at: &str) -> String {
    at.get(..16).unwrap_or(at).replacen('T', " ", 1)
}

fn fixes(page: &mut Page, fixes: &[Fix]) {
    for (index, fix) in fixes.iter().enumerate() {
        page.blank();
        page.text(2, if index == 0 { "Fix" } else { "Another way" }, Paint::Bold);
        one(page, fix);
    }
}

fn one(page: &mut Page, fix: &Fix) {
    for (number, step) in fix.steps.iter().enumerate() {
        page.hang(4, &format!("{}. ", number + 1), step, Paint::Plain);
    }
    if let Some(command) = &fix.command {
        page.blank();
        page.text(4, command_lead(fix), Paint::Dim);
        page.blank();
        page.command(4, command);
        page.blank();
    }
    if let Some(by) = by(fix) {
        page.labelled("By", &by, Paint::Plain);
    }
}

fn command_lead(fix: &Fix) -> &'static str {
    match (fix.shell.as_deref(), fix.overwrites) {
        (Some("toml"), _) => "In the configuration:",
        (Some("powershell"), false) => "In PowerShell:",
        (Some("powershell"), true) => "In PowerShell (replaces what stands there now):",
        (_, false) => "In a shell:",
        (_, true) => "In a shell (replaces what stands there now):",
    }
}

fn by(fix: &Fix) -> Option<String> {
    match (&fix.who, &fix.role) {
        (Some(who), Some(role)) => Some(format!("{who}; least role: {role}")),
        (Some(who), None) => Some(who.clone()),
        (None, Some(role)) => Some(format!("least role: {role}")),
        (None, None) => None,
    }
}

fn afterwards(page: &mut Page, first: &FirstCause) {
    if let Some(settles) = &first.settles {
        let text = format!("{} as a rule, {} at the longest", span(&settles.usual), span(&settles.max));
        page.labelled("Acts after", &text, Paint::Plain);
    }
    match first.fix.iter().find_map(|fix| fix.verify.as_deref()) {
        Some(verify) if verify.starts_with("syncready ") => page.labelled_command("Verify", verify),
        Some(verify) => page.labelled("Verify", verify, Paint::Plain),
        None => {}
    }
    if !first.hides.is_empty() {
        let number = count(first.hides.len(), "check");
        let text = match first.hides.len() {
            0..=NAMED => format!("{number}: {}", first.hides.join(", ")),
            _ => format!("{number}, which wait above"),
        };
        page.labelled("Hides", &text, Paint::Plain);
    }
    if first.ticket.is_some() {
        page.labelled("Ticket", "--format ticket gives one paragraph to paste", Paint::Dim);
    }
}

fn also(page: &mut Page, others: &[FirstCause]) {
    if others.is_empty() {
        return;
    }
    page.blank();
    page.text(0, "Also, independently:", Paint::Bold);
    for other in others {
        let lead = format!("{} ", mark(Word::Fail, page.style()));
        page.hang(2, &lead, &format!("{}: {} ({})", other.cause, other.message, other.check), Paint::Plain);
    }
}
