//! The report as a paragraph for a ticket: one for each account that needs somebody's help.

use super::Style;
use super::verdict;
use super::wrap::plain;
use crate::engine::Report;

/// The paragraphs; not wrapped, because forms and mail programs do that. Where nothing is wanted, the
/// verdict says so.
pub fn render(report: &Report, _style: &Style) -> String {
    let paragraphs = report.accounts.iter().map(|account| {
        let ticket = account.first_causes.first().and_then(|first| first.ticket.as_deref());
        ticket.map_or_else(
            || format!("{}: {}", account.account, verdict::of_account(account)),
            ToOwned::to_owned,
        )
    });
    paragraphs.map(|paragraph| plain(&paragraph) + "\n").collect::<Vec<_>>().join("\n")
}
