//! The verdict in words, for one account and for all of them.

use super::page::count;
use crate::engine::{AccountReport, Counts, Report, Verdict, Word};

/// The cause that says that nothing is known, because this machine reaches nothing.
const NO_NETWORK: &str = "no-network";

/// The verdict on one account, as one sentence.
pub(super) fn of_account(account: &AccountReport) -> String {
    let counts = &account.counts;
    match account.verdict {
        Verdict::Ready => format!("Ready: {}.", tally(counts)),
        Verdict::NotReady => match account.first_causes.first() {
            Some(first) if first.cause == "unknown" => {
                format!(
                    "Not ready: the cause is not decided yet; the steps above decide it ({}).",
                    tally(counts)
                )
            }
            Some(first) => format!("Not ready: fix `{}` first ({}).", first.cause, tally(counts)),
            None => format!("Not ready: {}.", tally(counts)),
        },
        Verdict::Undetermined
            if account.first_causes.first().is_some_and(|first| first.cause == NO_NETWORK) =>
        {
            "Undetermined: this machine has no network, so nothing is known of the account.".into()
        }
        Verdict::Undetermined => {
            let open = account.findings.iter().filter(|f| f.result == Word::Unknown && f.required).count();
            format!(
                "Undetermined: {} could not be judged ({}).",
                count(open, "required check"),
                tally(counts)
            )
        }
        Verdict::NothingChecked => "Nothing checked: no check fits this account and selection.".into(),
    }
}

/// The verdict on the whole run: the account's own, or how many accounts came out how.
pub(super) fn of_report(report: &Report) -> String {
    if let [only] = report.accounts.as_slice() {
        return of_account(only);
    }
    let all = report.accounts.len();
    let number = |verdict| report.accounts.iter().filter(|account| account.verdict == verdict).count();
    let ready = number(Verdict::Ready);
    let rest: Vec<_> = [
        (number(Verdict::NotReady), "not ready"),
        (number(Verdict::Undetermined), "undetermined"),
        (number(Verdict::NothingChecked), "not checked"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{number} {word}"))
    .collect();
    match report.verdict {
        Verdict::NothingChecked => "Nothing checked: no account was given.".into(),
        Verdict::Ready => format!("Ready: {}.", count(all, "account")),
        Verdict::NotReady => format!("Not ready: {ready} of {all} accounts ready, {}.", rest.join(", ")),
        Verdict::Undetermined => {
            format!("Undetermined: {ready} of {all} accounts ready, {}.", rest.join(", "))
        }
    }
}

/// How many checks came out how; what is zero is not said.
fn tally(counts: &Counts) -> String {
    let parts = [
        (counts.pass, "passed"),
        (counts.fail, "failed"),
        (counts.warn, "warned"),
        (counts.unknown, "unknown"),
        (counts.skipped, "skipped"),
        (counts.waived, "waived"),
    ];
    let said = parts.into_iter().filter(|(number, _)| *number > 0).enumerate();
    let said: Vec<_> = said
        .map(|(index, (number, word))| match (index, word) {
            (0, _) => format!("{} {word}", count(number, "check")),
            (_, "warned") => count(number, "warning"),
            _ => format!("{number} {word}"),
        })
        .collect();
    if said.is_empty() { "no check applies".into() } else { said.join(", ") }
}
