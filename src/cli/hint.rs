//! What signing in would add to a check from outside: one line.

use std::collections::BTreeSet;

use crate::{
    engine::AccountReport,
    facts::{Account, Reason, Tenant},
};

/// Adds the line to an account that was looked at from outside only. Made of facts and findings, so
/// that a replay says the same.
pub fn add(report: &mut AccountReport, account: &Account, tenant: &Tenant) {
    let from_outside = account.section.get("subject.kind").is_none_or(|kind| kind == "none");
    let read = tenant.section.get("reader.configured");
    if from_outside && read.is_none_or(|configured| configured == false) {
        report.hint = line(report);
    }
}

fn line(account: &AccountReport) -> Option<String> {
    let waiting: BTreeSet<&String> = account
        .cannot_determine
        .iter()
        .filter(|group| group.reason == Reason::NotAsked.as_str())
        .flat_map(|group| &group.checks)
        .collect();
    let count = waiting.len();
    let checks = if count == 1 { "check" } else { "checks" };
    let who = if account.world == "exchange-server" {
        ("the account's own sign-in", "`subject` of [[account]]")
    } else {
        ("a reader that signs in", "[reader]")
    };
    (count > 0).then(|| {
        let (who, place) = who;
        format!(
            "Looked at from outside only: {who} would answer {count} more {checks} ({place} in syncready.toml; see \
             README)."
        )
    })
}
