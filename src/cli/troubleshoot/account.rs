//! The account behind a log: the checks that decide between the candidates, and the others only where
//! none is proven.

use std::collections::BTreeSet;

use super::{
    Log,
    args::Troubleshoot,
    cases::{cases, ending},
    names, read, written,
};
use crate::{
    cli::{
        args, check, config, desk, exit, live, output, own, problem::Problem, replay, scenarios,
        sync_test::args::AREA, trouble::Trouble,
    },
    collect::Part,
    engine::{AccountReport, Catalogue, Judge, Selection, Standing, finders},
    facts::{Account, Document},
    knowledge::Knowledge,
    report::{
        topic::Topic,
        troubleshoot::{self, Ending, Tried},
    },
};

/// What is asked: a log, checks, and how they are selected.
pub struct Question<'a> {
    /// The log, where there is one.
    pub log: Option<&'a Log>,
    /// The checks.
    pub catalogue: &'a Catalogue,
    /// What is known of codes, texts and causes.
    pub knowledge: &'a Knowledge,
    /// All checks that take part.
    pub all: &'a Selection,
    /// A test sync takes part, or has taken part.
    pub sync: bool,
}

/// What came of it.
pub struct Answer {
    /// The answer, in every form.
    pub topic: Topic,
    /// The exit code.
    pub code: u8,
    /// The facts that it rests on.
    pub document: Document,
}

/// Finds and proves the cause, and prints it.
pub fn run(args: &Troubleshoot) -> Result<u8, Trouble> {
    let check = wanted(args.as_check())?;
    has_something(args)?;
    let (sink, facts_to) = check::sinks(&check)?;
    let configured = check::configured(&check)?;
    let brought = own::bring(&check.checks, configured.as_ref())?;
    let all = check::selection(&check, configured.as_ref(), &brought)?;
    let log = read(args, brought.knowledge())?;
    let question = Question {
        log: log.as_ref(),
        catalogue: brought.catalogue(),
        knowledge: brought.knowledge(),
        all: &all,
        sync: check.sync,
    };
    let answer = match &check.from {
        Some(path) => replayed(&question, path, args.account.as_deref())?,
        None => live::in_rounds(&check, configured, &brought, async |rounds| {
            answer(&question, async |selection| rounds.round(selection).await).await
        })?,
    };
    if let Some(to) = facts_to {
        let lines = check.save_facts.as_deref().is_some_and(desk::is_lines);
        let facts = if lines { output::line(&answer.document) } else { output::pretty(&answer.document) };
        to.write(&facts?)?;
    }
    let text = written(args, &sink, &answer.topic);
    sink.write(&text)?;
    Ok(answer.code)
}

/// Refuses to look at nothing.
fn has_something(args: &Troubleshoot) -> Result<(), Problem> {
    let given = args.account.is_some() || args.demo.is_some() || args.from.is_some();
    if given
        || !args.live.setting.set.is_empty()
        || config::find(args.live.setting.config.as_deref())?.is_some()
    {
        return Ok(());
    }
    let message = format!("nothing to look at: no --log, no ACCOUNT, and no ./{}", config::DEFAULT_NAME);
    Err(Problem::new(message)
        .help("`syncready troubleshoot --demo secret-expired` shows it on a simulated tenant"))
}

/// A demo whose test sync writes to mailboxes of others does so where it is asked for.
fn wanted(mut check: args::Check) -> Result<args::Check, Problem> {
    check::fits_together(&check)?;
    if let (true, Some(name)) = (check.sync, &check.demo)
        && let Some(wanted) = scenarios::find(name)?.sync
    {
        check.test_sync.yes |= wanted.yes;
    }
    Ok(check)
}

/// The same from saved facts.
fn replayed(question: &Question<'_>, path: &std::path::Path, only: Option<&str>) -> Result<Answer, Trouble> {
    let mut document = None;
    let mut seen: Vec<String> = Vec::new();
    replay::each(path, |part| {
        let wanted = match &part {
            Part::Head(_) => document.is_none(),
            Part::Account(account) => {
                seen.push(account.address.clone());
                only.is_none_or(|only| only.eq_ignore_ascii_case(&account.address))
            }
        };
        if wanted {
            part.join(&mut document);
        }
        std::ops::ControlFlow::Continue(())
    })?;
    let document: Document = document.unwrap_or_else(|| Document::new(String::new()));
    one(document.accounts.iter().map(|account| account.address.as_str()), &seen)?;
    let sync = document.accounts.iter().any(|account| account.section.facts.contains_key(AREA));
    let question = Question { sync, ..*question };
    live::interruptible(answer(&question, async |_| Ok(document.clone())))
}

/// Refuses anything but one account.
pub fn one<'a>(mut wanted: impl Iterator<Item = &'a str>, all: &[String]) -> Result<(), Problem> {
    let message = match (wanted.next(), wanted.next()) {
        (Some(_), None) => return Ok(()),
        (None, _) if all.is_empty() => "there is no account to look at",
        (None, _) => "the account is not among those that are there",
        (Some(_), Some(_)) => "there is more than one account, and a cause is found for one at a time",
    };
    let names: Vec<&str> = all.iter().take(8).map(String::as_str).collect();
    let problem = Problem::new(message);
    Err(if names.is_empty() { problem } else { problem.help(format!("name one: {}", names.join(", "))) })
}

/// Runs the checks that decide, then the others if nothing is proven by them. `facts` collects what a
/// selection needs.
pub async fn answer(
    question: &Question<'_>,
    mut facts: impl AsyncFnMut(&Selection) -> Result<Document, Trouble>,
) -> Result<Answer, Trouble> {
    let knowledge = question.knowledge;
    let diagnosis = question.log.map(|log| &log.diagnosis);
    let narrow = narrow(question);
    let mut went_on = narrow.is_none();
    let first = narrow.as_ref().unwrap_or(question.all);
    let mut document = facts(first).await?;
    let mut report = judged(question, first, &document)?;
    let mut found = cases(question.catalogue, knowledge, diagnosis, &report);
    let proven = |case: &troubleshoot::Case| case.named && case.proof.verdict == Standing::Proven;
    if !went_on && !found.iter().any(proven) {
        went_on = true;
        document = facts(question.all).await?;
        report = judged(question, question.all, &document)?;
        found = cases(question.catalogue, knowledge, diagnosis, &report);
    }
    let ending = ending(&found, diagnosis, &report);
    let code = match ending {
        Ending::Proven => exit::READY,
        Ending::Open => exit::UNDETERMINED,
        Ending::NothingWrong => exit::NOTHING,
    };
    let account = document.accounts.first();
    let differs = match (diagnosis, account) {
        (Some(diagnosis), Some(account)) => names::differs(diagnosis, account, &document),
        _ => Vec::new(),
    };
    let tried = Tried {
        log: question.log.map(|log| (log.name.as_str(), &log.diagnosis)),
        report: &report,
        started_at: &document.run.started_at,
        cases: &found,
        ending,
        went_on: went_on && narrow.is_some(),
        sync: question.sync,
        differs,
    };
    let topic = troubleshoot::tried(question.catalogue, knowledge, &tried);
    Ok(Answer { topic, code, document })
}

/// The checks that can confirm a candidate or rule it out; `None`: there is no candidate, or no such
/// check.
fn narrow(question: &Question<'_>) -> Option<Selection> {
    let candidates = &question.log?.diagnosis.candidates;
    let runs = |check: &&crate::engine::Check| question.sync || question.catalogue.only_with(check).is_none();
    let only: BTreeSet<&str> = candidates
        .iter()
        .flat_map(|candidate| finders(question.catalogue, &candidate.cause))
        .filter(runs)
        .map(crate::engine::Check::id)
        .collect();
    let only: Vec<String> = only.into_iter().map(ToOwned::to_owned).collect();
    (!only.is_empty()).then(|| Selection { only, with: Vec::new(), ..question.all.clone() })
}

fn judged(
    question: &Question<'_>,
    selection: &Selection,
    document: &Document,
) -> Result<AccountReport, Trouble> {
    let none = Problem::new("there is no account to look at");
    let account: &Account = document.accounts.first().ok_or(none)?;
    desk::known_profile(account, question.catalogue, selection)?;
    let report = desk::judge(&Judge::new(question.catalogue, selection), document, account)?;
    Ok(desk::whole(report, document))
}
