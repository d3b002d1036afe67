//! Where nothing decides: the step that tells the causes apart comes first, then the causes side by
//! side. No repair is shown, because repairing one of many is a guess.

use super::account::{Case, Ending, Tried, command, next as decides};
use super::{Told, percent};
use crate::engine::{Says, Standing};
use crate::knowledge::diagnosis::Diagnosis;
use crate::report::mark::Paint;
use crate::report::page::count;
use crate::report::sheet::Sheet;

/// Up to this confidence, a cause without proof is one of several that fit, and is not told as the one.
pub(super) const UNDECIDED: f64 = 0.3;
/// What a longer text often holds, and a short one lacks.
const LOOK_NEARBY: &str = "Look for more around these lines: a code (AADSTS…, Error…), the body of the answer, \
    its heads (x-ms-diagnostics, X-EWS-Policy-Reason, WWW-Authenticate). A longer piece of the log decides \
    more often.";

/// Where the repairs are.
const EXPLAIN: &str = "`syncready explain CAUSE` shows the way out of each.";
/// Most next steps that are named besides the permissions.
const STEPS: usize = 3;
/// Most checks that are named for each cause.
const NAMED: usize = 2;

/// How a title says it.
pub(super) fn title(causes: usize) -> String {
    match causes {
        1 => "UNDECIDED: 1 cause fits, and not well".to_owned(),
        _ => format!("UNDECIDED: {causes} causes fit"),
    }
}

/// What stands under such a title.
pub(super) fn meaning(causes: usize) -> &'static str {
    if causes == 1 {
        "the text fits a cause, but hardly tells it from what is not known"
    } else {
        "the text fits all of them and decides for none: what follows tells them apart, and only then is \
         something to be repaired"
    }
}

/// What a log by itself leaves open.
pub(super) fn show(sheet: &mut Sheet, diagnosis: &Diagnosis, told: &[Told<'_>], name: &str) {
    next(sheet, told, name);
    candidates(sheet, told);
    if let Some(first) = told.first() {
        super::rests_on(sheet, diagnosis, first.candidate);
    }
}

fn next(sheet: &mut Sheet, told: &[Told<'_>], name: &str) {
    sheet.heading("What to do next");
    let mut steps = vec![told.iter().find_map(own_words).unwrap_or(LOOK_NEARBY).to_owned()];
    steps.extend(shared(told, |told| told.candidate.advice.as_slice()).into_iter().flatten().cloned());
    let provable = told.iter().any(|told| !told.finders.is_empty());
    steps.push(if provable {
        "Let the account decide: the command runs the checks that tell these causes apart, and no others \
         unless they prove nothing."
            .to_owned()
    } else {
        "No check proves any of them from outside; compare the times of the lines with what was changed."
            .to_owned()
    });
    super::steps(sheet, &steps);
    if provable {
        sheet.command(&format!("syncready troubleshoot ACCOUNT --log {}", pasteable(name)));
    }
}

/// What tells the causes apart, unless that is put together from the signs that stand with each of them.
fn own_words<'a>(told: &'a Told<'_>) -> Option<&'a str> {
    let tells = told.candidate.tells.as_deref()?;
    let sign = told.known.as_ref().and_then(|known| known.sign.as_deref());
    let composed = sign.is_some_and(|sign| tells.contains(sign));
    (!composed).then_some(tells)
}

/// What all of them have, where they have the same.
fn shared<'a, T: PartialEq>(told: &'a [Told<'_>], what: impl Fn(&'a Told<'_>) -> T) -> Option<T> {
    let (first, others) = told.split_first()?;
    let of_first = what(first);
    others.iter().all(|other| what(other) == of_first).then_some(of_first)
}

fn candidates(sheet: &mut Sheet, told: &[Told<'_>]) {
    sheet.heading("What it may be");
    let common = (told.len() > 1).then(|| shared(told, heads)).flatten();
    if let Some(common) = common.as_ref().filter(|heads| !heads.is_empty()) {
        sheet.text(&format!("Common to all of them: {}.", common.join("; ")), Paint::Plain);
        sheet.gap();
    }
    for told in told {
        let mut says = vec![told.meaning.to_owned()];
        let because = &told.candidate.because;
        match &common {
            Some(_) => says.extend(because.iter().filter_map(|reason| Some(sentence(parts(reason).1?)))),
            None => says.extend(because.iter().map(|reason| sentence(reason))),
        }
        if let Some(sign) = told.known.as_ref().and_then(|known| known.sign.as_deref()) {
            says.push(format!("It shows in this: {sign}"));
        }
        let checks = proving(told);
        if !checks.is_empty() {
            says.push(format!("Proven by {}", checks.join(", ")));
        }
        sheet.entry(
            &format!("{} {}", told.candidate.cause, percent(told.candidate.confidence)),
            &says.join(". "),
        );
    }
    sheet.gap();
    sheet.text(EXPLAIN, Paint::Plain);
}

/// What a text says, and what makes it this cause.
fn parts(reason: &str) -> (&str, Option<&str>) {
    reason
        .split_once("; ")
        .filter(|(_, rest)| rest.starts_with("this one "))
        .map_or_else(|| (reason, None), |(head, rest)| (head, Some(rest)))
}

fn heads<'a>(told: &'a Told<'_>) -> Vec<&'a str> {
    told.candidate.because.iter().map(|reason| parts(reason).0).collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first checks that prove it; those that look at the reader prove nothing of the product.
fn proving<'a>(told: &Told<'a>) -> Vec<&'a str> {
    let mut checks: Vec<&str> = told.finders.iter().map(|finder| finder.check.id()).collect();
    checks.sort_by_key(|check| check.starts_with("reader/"));
    checks.truncate(NAMED);
    checks
}

/// The name of a log as a shell takes it, where that needs no quoting.
fn pasteable(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) { name } else { "FILE" }
}

/// What the checks of an account leave open.
pub(super) fn on_account(sheet: &mut Sheet, tried: &Tried<'_>, open: &[&Case], told: &[Told<'_>]) {
    sheet.heading("What to do next");
    let (lacking, others): (Vec<&Case>, Vec<&Case>) = open.iter().partition(|case| lacks(case));
    if !lacking.is_empty() {
        permissions(sheet, &lacking);
    }
    let mut steps: Vec<(String, Option<String>, Vec<&str>)> = Vec::new();
    for case in others {
        let (text, command) = (decides(tried, case), command(tried, case));
        match steps.iter_mut().find(|step| (&step.0, &step.1) == (&text, &command)) {
            Some(step) => step.2.push(&case.candidate.cause),
            None => steps.push((text, command, vec![&case.candidate.cause])),
        }
    }
    for (text, command, causes) in steps.into_iter().take(STEPS) {
        sheet.text(&format!("{}: {text}", causes.join(", ")), Paint::Plain);
        if let Some(command) = command {
            sheet.command(&command);
        }
    }
    sheet.heading("What it may be");
    for case in open {
        let told = told.iter().find(|told| told.candidate.cause == case.candidate.cause);
        let sign = told.and_then(|told| told.known.as_ref()?.sign.as_deref());
        let meaning = told.map(|told| told.meaning).unwrap_or_default();
        let sign = sign.map(|sign| format!(". It shows in this: {sign}")).unwrap_or_default();
        let term = format!("{} {}", case.candidate.cause, percent(case.confidence));
        let reason = case.proof.reason.trim_end_matches('.');
        sheet.entry(&term, &format!("{meaning}. Open, because {reason}{sign}"));
    }
    sheet.gap();
    sheet.text(EXPLAIN, Paint::Plain);
}

/// A permission of the reader would decide it.
fn lacks(case: &Case) -> bool {
    case.is(Standing::Undecided) && case.proof.waits_for.is_none() && !case.proof.permissions.is_empty()
}

/// One step for all causes that wait for a permission.
fn permissions(sheet: &mut Sheet, lacking: &[&Case]) {
    let mut wanted: Vec<&str> = Vec::new();
    let mut checks: Vec<&str> = Vec::new();
    for case in lacking {
        wanted.extend(case.proof.permissions.iter().map(String::as_str));
        let open = case.proof.said.iter().filter(|witness| witness.says == Says::Open);
        let lacking = open.filter(|one| one.reason.as_ref().is_some_and(|why| why.permission.is_some()));
        checks.extend(lacking.map(|witness| witness.check.as_str()));
    }
    for list in [&mut wanted, &mut checks] {
        list.sort_unstable();
        list.dedup();
    }
    let number = count(lacking.len(), "cause");
    sheet.text(
        &format!("{number} can be proven or ruled out with {} for the reader:", wanted.join(", ")),
        Paint::Plain,
    );
    sheet.command(&format!("syncready permissions --only {}", checks.join(",")));
}

/// What no check could judge, where no cause is left that would say it.
pub(super) fn not_judged(sheet: &mut Sheet, tried: &Tried<'_>) {
    let open = &tried.report.cannot_determine;
    let told = tried.cases.iter().any(|case| !case.is(Standing::RuledOut));
    if tried.ending != Ending::Open || told || open.is_empty() {
        return;
    }
    sheet.heading("What could not be judged");
    for group in open {
        let number = count(group.checks.len(), "check");
        let lead = match &group.permission {
            Some(permission) => format!("{permission} would settle {number}"),
            None => format!("{number}: {}", group.text),
        };
        sheet.entry(&lead, &group.checks.join(", "));
    }
    let granted = open.iter().filter(|group| group.permission.is_some()).flat_map(|group| &group.checks);
    let checks: Vec<&str> = granted.map(String::as_str).collect();
    if let Some(hint) = &tried.report.hint {
        sheet.gap();
        sheet.text(hint, Paint::Plain);
    }
    if !checks.is_empty() && tried.report.hint.is_none() {
        sheet.command(&format!("syncready permissions --only {}", checks.join(",")));
    }
}
