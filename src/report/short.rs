//! The report in few words: only what fails, warns or is missing though required.

use super::mark::{mark, paint, verdict_paint, word};
use super::page::Page;
use super::{Style, verdict};
use crate::engine::{AccountReport, Finding, Report, Word};

/// The whole report; one line for an account where nothing needs attention.
pub fn render(report: &Report, style: &Style) -> String {
    let mut page = Page::new(style);
    for account in &report.accounts {
        section(&mut page, account);
    }
    if report.accounts.len() != 1 {
        page.text(0, &verdict::of_report(report), verdict_paint(report.verdict));
    }
    page.finish()
}

fn section(page: &mut Page, account: &AccountReport) {
    let lead = format!("{}: {}", account.account, verdict::of_account(account));
    page.text(0, &lead, verdict_paint(account.verdict));
    let (unknown, mut loud): (Vec<&Finding>, Vec<&Finding>) =
        account.findings.iter().filter(|finding| matters(finding)).partition(|f| f.result == Word::Unknown);
    loud.sort_by_key(|finding| finding.result != Word::Fail);
    for finding in loud {
        line(page, finding, &format!("{}: {}", finding.check, finding.message));
    }
    for (first, more) in by_message(&unknown) {
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        line(page, first, &format!("{}{more}: {}", first.check, first.message));
    }
}

fn line(page: &mut Page, finding: &Finding, text: &str) {
    let lead = format!("{} {:<8}", mark(finding.result, page.style()), word(finding));
    page.hang(2, &lead, text, paint(finding));
}

/// The first finding of each message, and how many more say the same.
fn by_message<'f>(findings: &[&'f Finding]) -> Vec<(&'f Finding, usize)> {
    let mut groups: Vec<(&Finding, usize)> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|(first, _)| first.message == finding.message) {
            Some((_, more)) => *more += 1,
            None => groups.push((finding, 0)),
        }
    }
    groups
}

fn matters(finding: &Finding) -> bool {
    let open = finding.result == Word::Unknown && finding.required;
    (open || matches!(finding.result, Word::Fail | Word::Warn)) && finding.waived.is_none()
}
