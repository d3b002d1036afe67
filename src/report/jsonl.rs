//! The report as JSON Lines, for fleets: one account a line, each complete in itself.

use serde::Serialize;

use super::json::quiet;
use crate::engine::AccountReport;

#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    started_at: &'a str,
    #[serde(flatten)]
    account: &'a AccountReport,
}

/// One account of a run that started at this time, with a line break at the end.
pub fn line(started_at: &str, account: &AccountReport) -> String {
    let line = Line { format: 1, started_at, account };
    let text = serde_json::to_string(&line).expect("our documents have text keys and finite numbers");
    quiet(&text) + "\n"
}
