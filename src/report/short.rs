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
    for finding in account.findings.iter().filter(|finding| matters(finding)) {
        let lead = format!("{} {:<8}", mark(finding.result, page.style()), word(finding));
        page.hang(2, &lead, &format!("{}: {}", finding.check, finding.message), paint(finding));
    }
}

fn matters(finding: &Finding) -> bool {
    let open = finding.result == Word::Unknown && finding.required;
    (open || matches!(finding.result, Word::Fail | Word::Warn)) && finding.waived.is_none()
}
