//! What the findings of an account say about a cause that something else suggests, as a log does:
//! proven, ruled out, or still open, and by which checks.

use std::collections::BTreeSet;

use serde::Serialize;

use super::catalogue::Catalogue;
use super::causes::UNKNOWN;
use super::check::Check;
use super::finding::{Finding, Missing, Word};
use super::reach::Reach;
use crate::facts::WORLDS;

/// A check that names more causes than this reports what a server answered; one that names fewer looks
/// for just these.
const FEW: usize = 3;

/// How the ids of the checks begin that look from the machine that they run on.
const FROM_HERE: &str = "network/";

/// What becomes of a suspected cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A check of the account failed with it.
    Proven,
    /// A check that could tell did not come to a result.
    Undecided,
    /// No check that was run can tell.
    LogOnly,
    /// The checks that look for it passed, or it does not exist in the account's world.
    RuledOut,
}

/// What a check says about a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// It failed with the cause.
    Confirms,
    /// It warns of the cause.
    Warns,
    /// It looked for the cause and did not find it.
    Refutes,
    /// It has no use for this account: its world, its way of signing in or its profile.
    OutOfPlace,
    /// It waits for a check that failed.
    Waits,
    /// It came to no result, or something else decided it before it looked for the cause.
    Open,
    /// It was not run.
    NotRun,
}

/// A check that can find a cause, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// Its id.
    pub check: String,
    /// What it says about the cause.
    pub says: Says,
    /// Its result; `None`: it was not run.
    pub result: Option<Word>,
    /// What was seen.
    pub message: String,
    /// Why it came to no result.
    pub reason: Option<Missing>,
    /// Exchanges that it rests on.
    pub evidence: Vec<String>,
    #[serde(skip)]
    looks_for_it: bool,
}

impl Witness {
    /// Whether it looked from the machine that it ran on only.
    pub fn is_from_here(&self) -> bool {
        self.check.starts_with(FROM_HERE)
    }
}

/// What is left of a suspected cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What became of it.
    pub verdict: Standing,
    /// Why, in a sentence.
    pub reason: String,
    /// The checks that can find it.
    pub said: Vec<Witness>,
    /// Permissions that would decide.
    pub permissions: Vec<String>,
    /// The failed check that the deciding ones wait for.
    pub waits_for: Option<String>,
}

/// Every check that can find a cause.
pub fn finders<'c>(catalogue: &'c Catalogue, cause: &str) -> Vec<&'c Check> {
    let naming: Vec<&Check> = catalogue.checks().iter().filter(|check| check.mentions(cause)).collect();
    let with = |word: Word| -> Vec<&Check> {
        let names = |check: &&&Check| rows(check, cause).any(|(_, result)| result == word);
        naming.iter().filter(names).copied().collect()
    };
    let failing = with(Word::Fail);
    if failing.is_empty() { with(Word::Warn) } else { failing }
}

/// The rows that name a cause, with their results.
fn rows<'c>(check: &'c Check, cause: &'c str) -> impl Iterator<Item = (usize, Word)> {
    let rows = check.file().outcome.iter().enumerate();
    rows.filter(move |(_, row)| row.cause.as_deref().map(AsRef::as_ref) == Some(cause))
        .map(|(place, row)| (place, *row.result.get_ref()))
}

/// What these findings of an account in that world say about a cause.
pub fn proof(catalogue: &Catalogue, cause: &str, world: &str, findings: &[Finding]) -> Proof {
    let finders = finders(catalogue, cause);
    let said: Vec<Witness> = finders
        .iter()
        .map(|check| {
            let finding = findings.iter().find(|finding| finding.check == check.id());
            witness(check, cause, world, finding)
        })
        .collect();
    let (verdict, reason) = judge(cause, &said);
    let open = said.iter().filter(|witness| verdict == Standing::Undecided && witness.says == Says::Open);
    let permissions: BTreeSet<String> =
        open.filter_map(|witness| witness.reason.as_ref()?.permission.clone()).collect();
    let permissions = permissions.into_iter().collect();
    let waits_for = said
        .iter()
        .filter(|witness| witness.says == Says::Waits)
        .find_map(|witness| witness.reason.as_ref()?.because.clone());
    let waits_for = waits_for.filter(|_| verdict == Standing::Undecided);
    Proof { verdict, reason, said, permissions, waits_for }
}

/// Whether a check can never find a cause in a world.
fn is_blind(check: &Check, cause: &str, world: &str) -> bool {
    let reach = WORLDS.contains(&world).then(|| Reach::of(check, world));
    reach.is_some_and(|reach| !rows(check, cause).any(|(place, _)| reach.row(place)))
}

/// Whether a check looks for few causes; others report what a server answered.
pub fn looks_for_few(check: &Check) -> bool {
    let rows = check.file().outcome.iter().filter(|row| *row.result.get_ref() == Word::Fail);
    rows.filter_map(|row| row.cause.as_deref()).collect::<BTreeSet<_>>().len() <= FEW
}

fn witness(check: &Check, cause: &str, world: &str, finding: Option<&Finding>) -> Witness {
    let mut says = finding.map_or(Says::NotRun, |finding| says(check, cause, finding));
    let mut message = finding.map(|finding| finding.message.clone()).unwrap_or_default();
    let judged = !matches!(says, Says::NotRun | Says::OutOfPlace | Says::Confirms | Says::Warns);
    if judged && is_blind(check, cause, world) {
        (says, message) = (Says::OutOfPlace, format!("the cause does not exist in the world {world}"));
    }
    Witness {
        check: check.id().to_owned(),
        says,
        result: finding.map(|finding| finding.result),
        message,
        reason: finding.and_then(|finding| finding.reason.clone()),
        evidence: finding.map(|finding| finding.evidence.clone()).unwrap_or_default(),
        looks_for_it: looks_for_few(check),
    }
}

fn says(check: &Check, cause: &str, finding: &Finding) -> Says {
    let hit = |result: Word| {
        finding.row.is_some_and(|row| rows(check, cause).any(|(place, word)| place == row && word == result))
    };
    match finding.result {
        // What a profile only advises is a warning, and was seen all the same.
        Word::Fail | Word::Warn if hit(Word::Fail) => Says::Confirms,
        Word::Fail | Word::Warn if hit(Word::Warn) => Says::Warns,
        Word::Pass => Says::Refutes,
        Word::NotApplicable => Says::OutOfPlace,
        Word::Skipped => Says::Waits,
        // Rows go in order: those before the one that was hit were looked at.
        Word::Fail | Word::Warn | Word::Unknown => match finding.row {
            Some(row) if rows(check, cause).all(|(place, _)| place < row) => Says::Refutes,
            _ => Says::Open,
        },
    }
}

fn judge(cause: &str, said: &[Witness]) -> (Standing, String) {
    let those = |says: Says| said.iter().filter(move |witness| witness.says == says);
    if let Some(witness) = those(Says::Confirms).next().filter(|_| cause == UNKNOWN) {
        // A failure whose cause nobody knows proves no cause.
        let reason = format!("{} fails without telling why: {}", witness.check, witness.message);
        return (Standing::Undecided, reason);
    }
    if let Some(witness) = those(Says::Confirms).next() {
        return (Standing::Proven, format!("{} found it: {}", witness.check, witness.message));
    }
    if let Some(witness) = those(Says::Warns).next() {
        return (Standing::Undecided, format!("{} warns of it: {}", witness.check, witness.message));
    }
    let run: Vec<&Witness> = said.iter().filter(|witness| witness.says != Says::NotRun).collect();
    if run.is_empty() {
        return (Standing::LogOnly, unseen(said));
    }
    let here: Vec<&Witness> = run.iter().filter(|one| one.says != Says::OutOfPlace).copied().collect();
    let Some(first) = here.first() else {
        return (Standing::RuledOut, out_of_place(&run));
    };
    let looking: Vec<&Witness> = here.iter().filter(|one| one.looks_for_it).copied().collect();
    let telling = if looking.is_empty() { here.clone() } else { looking };
    let open: Vec<&Witness> = telling.iter().filter(|one| one.says != Says::Refutes).copied().collect();
    let Some(one) = open.first() else {
        let passed = names(&telling);
        let verb = if telling.len() == 1 { "looked for it and did not find it" } else { "did not find it" };
        let where_from = if first.is_from_here() {
            " from this machine; the product's may see something else"
        } else {
            ""
        };
        return (Standing::RuledOut, format!("{passed} {verb}{where_from}"));
    };
    (Standing::Undecided, undecided(one))
}

fn undecided(one: &Witness) -> String {
    let permission = one.reason.as_ref().and_then(|reason| reason.permission.as_deref());
    match (one.says, permission) {
        (Says::Waits, _) => format!("{} {}", one.check, one.message),
        (_, Some(permission)) => format!("{} would tell with {permission}: {}", one.check, one.message),
        _ if one.result == Some(Word::Unknown) => format!("{} could not tell: {}", one.check, one.message),
        _ => format!("{} found something else before it looked: {}", one.check, one.message),
    }
}

fn unseen(said: &[Witness]) -> String {
    match said.first() {
        None => {
            "no check can see it from outside: it comes and goes, or shows in the product only".to_owned()
        }
        Some(_) => {
            format!("only what a test sync does shows it ({})", names(&said.iter().collect::<Vec<_>>()))
        }
    }
}

fn out_of_place(run: &[&Witness]) -> String {
    let message = run.first().map(|one| one.message.as_str()).unwrap_or_default();
    let subject =
        if run.len() == 1 { "the check that looks for it has" } else { "the checks that look for it have" };
    format!("{subject} no place here ({}): {message}", names(run))
}

/// The first checks by name.
fn names(witnesses: &[&Witness]) -> String {
    let shown: Vec<&str> = witnesses.iter().take(3).map(|one| one.check.as_str()).collect();
    match witnesses.len().checked_sub(shown.len()) {
        Some(more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let outcome = |result: &str, cause: &str| {
            let cause = if cause.is_empty() { String::new() } else { format!("cause='{cause}'\n") };
            format!("[[outcome]]\nresult='{result}'\n{cause}message='m'\n")
        };
        let head = "title='T'\nsince='1'\nwhy='w'\n";
        let one = format!("{head}{}{}", outcome("fail", "consent-missing"), outcome("pass", ""));
        let other = ["proxy", "consent-missing", "app-disabled", "bad-password", "mfa-required"];
        let rows: String = other.iter().map(|cause| outcome("fail", cause)).collect();
        let files = [
            ("consent/a.toml".to_owned(), one),
            ("sign-in/b.toml".to_owned(), format!("{head}{rows}{}", outcome("pass", ""))),
        ];
        let files: Vec<(String, String)> =
            files.into_iter().map(|(path, text)| (path, with_conditions(&text))).collect();
        Catalogue::load(files).expect("it loads")
    }

    /// Every row but the last needs a condition.
    fn with_conditions(text: &str) -> String {
        let parts: Vec<&str> = text.split("[[outcome]]\n").collect();
        let last = parts.len() - 1;
        let part = |(place, part): (usize, &&str)| match place {
            0 => (*part).to_owned(),
            _ if place == last => format!("[[outcome]]\n{part}"),
            _ => format!("[[outcome]]\nwhen='account.enabled'\n{part}"),
        };
        parts.iter().enumerate().map(part).collect()
    }

    fn finding(check: &str, result: Word, row: Option<usize>) -> Finding {
        Finding { required: true, row, ..Finding::new(check, "", result) }
    }

    fn verdict(one: (Word, Option<usize>), other: (Word, Option<usize>)) -> Standing {
        let findings = [finding("consent/a", one.0, one.1), finding("sign-in/b", other.0, other.1)];
        proof(&catalogue(), "consent-missing", "online-graph-app", &findings).verdict
    }

    #[test]
    fn a_check_that_fails_with_the_cause_proves_it() {
        assert_eq!(verdict((Word::Fail, Some(0)), (Word::Unknown, None)), Standing::Proven);
        assert_eq!(verdict((Word::Pass, Some(1)), (Word::Warn, Some(1))), Standing::Proven);
    }

    #[test]
    fn the_check_that_looks_for_it_rules_it_out_whatever_a_broad_one_lacks() {
        assert_eq!(verdict((Word::Pass, Some(1)), (Word::Unknown, None)), Standing::RuledOut);
        assert_eq!(verdict((Word::Unknown, None), (Word::Pass, Some(5))), Standing::Undecided);
    }

    #[test]
    fn rows_before_the_one_that_was_hit_were_looked_at() {
        let na = (Word::NotApplicable, None);
        assert_eq!(verdict(na, (Word::Fail, Some(0))), Standing::Undecided);
        assert_eq!(verdict(na, (Word::Fail, Some(2))), Standing::RuledOut);
        assert_eq!(verdict(na, na), Standing::RuledOut);
    }

    #[test]
    fn a_cause_that_the_world_never_sees_is_ruled_out() {
        let catalogue = Catalogue::embedded();
        let role = finding("impersonation/role-is-assigned", Word::Unknown, None);
        let said = |world| proof(catalogue, "impersonation-role-missing", world, std::slice::from_ref(&role));
        assert_eq!(said("online-delegated").verdict, Standing::RuledOut);
        assert_eq!(said("exchange-server").verdict, Standing::Undecided);
    }

    #[test]
    fn a_failure_that_does_not_tell_its_cause_proves_none() {
        let catalogue = Catalogue::embedded();
        let check = finders(catalogue, UNKNOWN).into_iter().next().expect("a check that may not know");
        let (row, _) = rows(check, UNKNOWN).next().expect("its row");
        let failed = finding(check.id(), Word::Fail, Some(row));
        let proof = proof(catalogue, UNKNOWN, "online-ews-app", &[failed]);
        assert_eq!(proof.verdict, Standing::Undecided);
        assert!(proof.reason.contains(check.id()), "{}", proof.reason);
    }

    #[test]
    fn what_no_check_names_stands_in_the_log_only() {
        let proof = proof(&catalogue(), "throttled", "online-graph-app", &[]);
        assert_eq!((proof.verdict, proof.said.len()), (Standing::LogOnly, 0));
    }
}
