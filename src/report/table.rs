//! The report for a person at a terminal: every check ground-up, then the first cause and what to do.

use std::collections::BTreeMap;

use super::mark::{Paint, mark, paint, verdict_paint, word};
use super::page::{Page, count};
use super::wrap::{width, wrap};
use super::{Style, cause, grid, mark, sync, verdict};
use crate::engine::{AccountReport, Catalogue, Finding, Report, Word};

/// Reason code of what this run did not look at.
const NOT_ASKED: &str = "not-asked";

/// Most checks that are named one by one.
const NAMED: usize = 10;

/// Columns of the widest word, `skipped` or `unknown`.
const WORD: usize = 7;

/// The whole report.
pub fn render(report: &Report, style: &Style) -> String {
    let mut page = Page::new(style);
    for account in &report.accounts {
        page.blank();
        section(&mut page, report, account);
    }
    if report.accounts.len() != 1 {
        page.blank();
        summary(&mut page, report);
        page.text(0, &verdict::of_report(report), verdict_paint(report.verdict));
    }
    page.finish()
}

fn section(page: &mut Page, report: &Report, account: &AccountReport) {
    header(page, account);
    if !report.additions.is_empty() {
        page.labelled("Own checks", &report.additions.words(), Paint::Warn);
    }
    if let Some(done) = &account.sync {
        sync::steps(page, done);
    }
    page.blank();
    // Areas in which nothing was judged, until one comes in which something was.
    let mut quiet: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for (area, findings) in areas(&account.findings) {
        let own = report.additions.areas.get(area).map(String::as_str);
        let title = own.unwrap_or_else(|| Catalogue::embedded().area_title(area));
        if findings.iter().all(|finding| is_folded(finding)) {
            quiet.push((title, findings));
            continue;
        }
        quiet_areas(page, &mut quiet);
        if let Some(reason) = unasked(&findings) {
            let lead = format!("{} ", mark(Word::Unknown, page.style()));
            let number = findings.iter().filter(|finding| !is_folded(finding)).count();
            let text = format!("{title}: {} unknown: {reason}", count(number, "check"));
            page.hang(0, &lead, &text, Paint::Plain);
            folded(page, &format!("{title}: "), &findings);
            continue;
        }
        page.heading(title);
        let shown: Vec<&Finding> = findings.iter().copied().filter(|finding| !is_folded(finding)).collect();
        for (index, finding) in shown.iter().enumerate() {
            row(page, finding, shown.get(index + 1).copied());
        }
        folded(page, "", &findings);
        page.blank();
    }
    quiet_areas(page, &mut quiet);
    cause::block(page, report, account);
    undetermined(page, account);
    cause::questions(page, account);
    if let Some(done) = &account.sync {
        sync::traces(page, done);
    }
    if let Some(hint) = &account.hint {
        page.blank();
        page.text(0, hint, Paint::Plain);
    }
    page.blank();
    page.text(0, &verdict::of_account(account), verdict_paint(account.verdict));
    page.blank();
}

fn header(page: &mut Page, account: &AccountReport) {
    page.text(0, &account.account, Paint::Bold);
    let lines = [
        ("Tenant", account.tenant.as_str()),
        ("World", world(&account.world)),
        ("Profile", account.profile.as_str()),
        ("Mode", account.mode.as_str()),
    ];
    for (label, text) in lines {
        if !text.is_empty() {
            page.labelled(label, text, Paint::Plain);
        }
    }
    for (index, url) in account.custom_endpoints.iter().enumerate() {
        let label = if index == 0 { "Endpoints" } else { "" };
        page.labelled(label, &format!("{url} (not Microsoft's)"), Paint::Warn);
    }
}

/// The world in words; the name itself where it is a new one.
pub(super) fn world(kind: &str) -> &str {
    match kind {
        "exchange-server" => "Exchange Server, EWS",
        "online-ews-app" => "Exchange Online, EWS as an application",
        "online-graph-app" => "Exchange Online, Microsoft Graph as an application",
        "online-delegated" => "Exchange Online, signed in as the account",
        "unknown" | "" => "not known yet",
        other => other,
    }
}

/// Findings by area, areas in the order of their first finding.
fn areas(findings: &[Finding]) -> Vec<(&str, Vec<&Finding>)> {
    let mut areas: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let area = finding.check.split('/').next().unwrap_or_default();
        match areas.iter_mut().find(|(name, _)| *name == area) {
            Some((_, list)) => list.push(finding),
            None => areas.push((area, vec![finding])),
        }
    }
    areas
}

fn is_folded(finding: &Finding) -> bool {
    matches!(finding.result, Word::Skipped | Word::NotApplicable) && finding.waived.is_none()
}

/// The one reason why nothing at all was looked at in an area, if that is so.
fn unasked<'f>(findings: &[&'f Finding]) -> Option<&'f str> {
    let mut shown = findings.iter().filter(|finding| !is_folded(finding));
    let first = shown.clone().next()?;
    let same = |finding: &&Finding| {
        finding.reason.as_ref().is_some_and(|reason| reason.code == NOT_ASKED)
            && finding.result == Word::Unknown
            && finding.message == first.message
    };
    shown.all(same).then_some(first.message.as_str())
}

/// One line for a check, and below it what was seen, unless all is well. Of several that are unknown
/// for the same reason, the last says it.
fn row(page: &mut Page, finding: &Finding, next: Option<&Finding>) {
    title_line(page, finding);
    let said_next = next.is_some_and(|next| next.result == Word::Unknown && next.message == finding.message);
    let quiet = finding.result == Word::Pass || (finding.result == Word::Unknown && said_next);
    if !quiet && !finding.message.trim().is_empty() {
        let paint = if finding.result == Word::Unknown { Paint::Dim } else { Paint::Plain };
        page.text(4, &finding.message, paint);
    }
    if let Some(waiver) = &finding.waived {
        page.text(4, &format!("waived: {waiver}"), Paint::Dim);
    }
}

/// Mark, healthy title, and the word at the right edge.
fn title_line(page: &mut Page, finding: &Finding) {
    let style = page.style();
    let word = word(finding);
    let paint = paint(finding);
    let room = page.width().saturating_sub(2 + 2 + WORD);
    for (index, line) in wrap(&finding.title, room).iter().enumerate() {
        if index > 0 {
            page.raw(&format!("  {line}"));
            continue;
        }
        let gap = page.width().saturating_sub(2 + width(line) + width(word));
        let mark = paint.on(mark(finding.result, style), style);
        let word = paint.on(word, style);
        page.raw(&format!("{mark} {line}{:gap$}{word}", ""));
    }
}

/// Areas in which nothing was judged, one after the other, in one line a reason.
fn quiet_areas(page: &mut Page, areas: &mut Vec<(&str, Vec<&Finding>)>) {
    let mut reasons: Vec<(Option<&str>, Vec<&str>, usize)> = Vec::new();
    for (title, findings) in areas.drain(..) {
        for (culprit, number) in unjudged(&findings) {
            match reasons.iter_mut().find(|(known, ..)| *known == culprit) {
                Some((_, titles, total)) => {
                    titles.push(title);
                    *total += number;
                }
                None => reasons.push((culprit, vec![title], number)),
            }
        }
    }
    for (culprit, titles, number) in reasons {
        folded_line(page, &format!("{}: ", titles.join(", ")), culprit, number);
    }
}

/// The checks of an area that were not judged, in one line a reason; with the area's name where it
/// has no heading of its own.
fn folded(page: &mut Page, area: &str, findings: &[&Finding]) {
    for (culprit, number) in unjudged(findings) {
        folded_line(page, area, culprit, number);
    }
}

/// How many checks wait for each culprit, and how many do not apply.
fn unjudged<'f>(findings: &[&'f Finding]) -> Vec<(Option<&'f str>, usize)> {
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    let mut idle = 0;
    for finding in findings.iter().filter(|finding| is_folded(finding)) {
        let culprit = finding.reason.as_ref().and_then(|reason| reason.because.as_deref());
        match culprit.filter(|_| finding.result == Word::Skipped) {
            Some(culprit) => *waiting.entry(culprit).or_default() += 1,
            None => idle += 1,
        }
    }
    let waiting = waiting.into_iter().map(|(culprit, number)| (Some(culprit), number));
    waiting.chain((idle > 0).then_some((None, idle))).collect()
}

fn folded_line(page: &mut Page, areas: &str, culprit: Option<&str>, number: usize) {
    let lead = format!("{} ", mark(Word::Skipped, page.style()));
    let one = number == 1;
    let what = match culprit {
        Some(culprit) => format!("{} for {culprit}", if one { "waits" } else { "wait" }),
        None => format!("{} not apply here", if one { "does" } else { "do" }),
    };
    page.hang(0, &lead, &format!("{areas}{} {what}", count(number, "check")), Paint::Dim);
}

/// What stays open, by what would settle it.
fn undetermined(page: &mut Page, account: &AccountReport) {
    // What a person can answer is asked of that person instead.
    let asked = |check: &String| account.findings.iter().any(|f| f.check == *check && !f.fix.is_empty());
    let open = account.cannot_determine.iter().filter(|group| !group.checks.iter().all(asked));
    let open: Vec<_> = open.collect();
    if open.is_empty() {
        return;
    }
    page.blank();
    page.text(0, "COULD NOT BE DETERMINED", Paint::Bold);
    for group in open {
        let number = count(group.checks.len(), "check");
        let lead = match &group.permission {
            Some(permission) => format!("{permission} would settle {number}"),
            None => format!("{number}: {}", group.text),
        };
        page.text(2, &lead, Paint::Warn);
        if group.permission.is_some() && !group.text.is_empty() {
            page.text(4, &group.text, Paint::Dim);
        }
        let (required, advised) = by_level(account, &group.checks);
        for (label, checks) in [("Required", required), ("Advised", advised)] {
            if !checks.is_empty() {
                page.hang(4, &format!("{label:<9} "), &names(&checks), Paint::Plain);
            }
        }
    }
}

fn by_level<'c>(account: &AccountReport, checks: &'c [String]) -> (Vec<&'c str>, Vec<&'c str>) {
    let required = |check: &&str| account.findings.iter().any(|f| f.check == *check && f.required);
    checks.iter().map(String::as_str).partition(required)
}

/// The checks by name; where that would be a wall of names, by area.
fn names(checks: &[&str]) -> String {
    if checks.len() <= NAMED {
        return checks.join(", ");
    }
    let mut areas: Vec<(&str, usize)> = Vec::new();
    for check in checks {
        let area = check.split('/').next().unwrap_or_default();
        match areas.iter_mut().find(|(known, _)| *known == area) {
            Some((_, number)) => *number += 1,
            None => areas.push((area, 1)),
        }
    }
    let areas: Vec<_> = areas.iter().map(|(area, number)| format!("{number} of {area}")).collect();
    areas.join(", ")
}

/// One line an account.
fn summary(page: &mut Page, report: &Report) {
    if report.accounts.is_empty() {
        return;
    }
    let rows = report.accounts.iter().map(|account| {
        let cause = account.first_causes.first().map_or("-", |first| first.cause.as_str());
        [account.account.clone(), mark::verdict(account.verdict).into(), cause.into()]
    });
    grid::put(page, ["Account", "Verdict", "First cause"], &rows.collect::<Vec<_>>());
    page.blank();
}
