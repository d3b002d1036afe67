//! What became of a log's causes on an account: the one that is proven, what is ruled out and why, and
//! what would decide the rest.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{LISTED, Told, cause, failures, percent, rests_on, secrets, undecided, unknown};
use crate::engine::{AccountReport, Catalogue, Finding, FirstCause, Fix, Proof, Says, Standing, Word};
use crate::facts::Exchange;
use crate::knowledge::Knowledge;
use crate::knowledge::diagnosis::{Candidate, Diagnosis};
use crate::report::explain::span;
use crate::report::mark::Paint;
use crate::report::page::count;
use crate::report::sheet::Sheet;
use crate::report::topic::{Topic, way_out};

/// A cause, and what became of it.
#[derive(Debug)]
pub struct Case {
    /// What the log says of it; nothing but its name where the log does not name it.
    pub candidate: Candidate,
    /// The log names it.
    pub named: bool,
    /// How sure it is after the checks.
    pub confidence: f64,
    /// What the checks say.
    pub proof: Proof,
    /// The first cause that it is, where it is proven.
    pub first: Option<FirstCause>,
    /// The finding that proves it.
    pub finding: Option<Finding>,
}

impl Case {
    pub(super) fn is(&self, verdict: Standing) -> bool {
        self.proof.verdict == verdict
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.proof.verdict, Standing::Undecided | Standing::LogOnly)
    }
}

/// What it all comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A cause is proven.
    Proven,
    /// Something is wrong or unknown, and nothing is proven.
    Open,
    /// The checks pass, and nothing failed in the log.
    NothingWrong,
}

/// What was tried on an account.
pub struct Tried<'a> {
    /// Name of the log, and what it says.
    pub log: Option<(&'a str, &'a Diagnosis)>,
    /// What the checks found.
    pub report: &'a AccountReport,
    /// When.
    pub started_at: &'a str,
    /// Every cause, the one to act on first.
    pub cases: &'a [Case],
    /// What it comes to.
    pub ending: Ending,
    /// None of the log's causes was proven, and all other checks were run, too.
    pub went_on: bool,
    /// A test sync took part.
    pub sync: bool,
    /// Whom the log is about, where that is not the account.
    pub differs: Vec<String>,
}

impl Tried<'_> {
    fn failed(&self) -> bool {
        self.log.is_some_and(|(_, diagnosis)| !diagnosis.failures.is_empty())
    }

    /// The causes that are neither proven nor ruled out, where nothing makes one of them likely.
    pub(super) fn undecided(&self) -> Option<Vec<&Case>> {
        let first = self.cases.first()?;
        let none = self.ending == Ending::Open && first.finding.is_none() && first.is_open();
        (none && first.confidence <= undecided::UNDECIDED)
            .then(|| self.cases.iter().filter(|case| case.is_open()).collect())
    }

    /// What the log says against what the checks say.
    fn contradiction(&self) -> Option<&'static str> {
        let nothing_left = self.cases.iter().all(|case| case.is(Standing::RuledOut));
        let wrong = self.report.findings.iter().any(|finding| finding.result == Word::Fail);
        (self.failed() && nothing_left && !wrong && !self.cases.is_empty()).then_some(
            "The log says that something failed, and every check that could find a cause passes now. It was \
             repaired since, it comes and goes, or the log is about another account, app, machine or time.",
        )
    }
}

/// What a waiver means for a cause.
const WAIVED: &str = "the configuration accepts it, so `check` passes over it; it is the cause all the same";

/// Title where a check fails that cannot tell why.
const NOT_TOLD: &str = "UNDECIDED: a check fails, and its cause is not told apart";

/// The answer about an account.
pub fn tried(catalogue: &Catalogue, knowledge: &Knowledge, tried: &Tried<'_>) -> Topic {
    let world = Some(tried.report.world.as_str()).filter(|world| *world != "unknown");
    let told: Vec<Told<'_>> =
        tried.cases.iter().map(|case| Told::new(catalogue, knowledge, &case.candidate, world)).collect();
    let mut sheet = Sheet::default();
    head(&mut sheet, tried, told.first());
    if let Some(additions) = knowledge.additions() {
        sheet.labelled("Own knowledge", &additions);
    }
    let undecided = tried.undecided();
    if let Some(open) = &undecided {
        undecided::on_account(&mut sheet, tried, open, &told);
    } else if let (Some(case), Some(told)) = (tried.cases.first(), told.first()) {
        match (&case.finding, case.proof.verdict) {
            (Some(finding), _) => proven(&mut sheet, tried, case, finding),
            (None, Standing::RuledOut) => {}
            (None, _) => likeliest(&mut sheet, tried, case, told),
        }
    }
    contradicted(&mut sheet, tried);
    others(&mut sheet, tried);
    accepted(&mut sheet, tried);
    undecided::not_judged(&mut sheet, tried);
    if undecided.is_none() {
        next_steps(&mut sheet, tried);
    }
    if let Some(ticket) = ticket(tried) {
        sheet.heading("For a ticket");
        sheet.text(ticket, Paint::Plain);
    }
    if let Some((_, diagnosis)) = tried.log {
        failures(&mut sheet, "What failed, in order", &diagnosis.failures);
        failures(&mut sheet, "What worked again later", &diagnosis.recovered);
        unknown(&mut sheet, diagnosis);
        secrets(&mut sheet, diagnosis);
    }
    Topic::new(sheet, document(tried, &told))
}

fn title(tried: &Tried<'_>) -> String {
    let first = tried.cases.first().filter(|case| !case.is(Standing::RuledOut));
    match (tried.ending, first) {
        (Ending::Proven, Some(case)) if !case.named && tried.log.is_some() => {
            format!("PROVEN: {} (the log does not name it)", case.candidate.cause)
        }
        (Ending::Proven, Some(case)) => format!("PROVEN: {}", case.candidate.cause),
        (Ending::NothingWrong, _) if waived(tried).next().is_some() => {
            "NOTHING WRONG: no check fails but what is waived".to_owned()
        }
        (Ending::NothingWrong, _) => "NOTHING WRONG: no check fails".to_owned(),
        (_, Some(case)) if case.finding.is_some() => NOT_TOLD.to_owned(),
        (_, Some(case)) => {
            if let Some(open) = tried.undecided() {
                return undecided::title(open.len());
            }
            format!("NOT PROVEN: likeliest is {} ({})", case.candidate.cause, percent(case.confidence))
        }
        (_, None) if tried.failed() && !tried.cases.is_empty() => {
            "NOT PROVEN: the log fails, and the account passes".to_owned()
        }
        (_, None) if tried.failed() => "NOT PROVEN: nothing known fits the log".to_owned(),
        (_, None) => "UNDETERMINED: no check fails, and not all could be judged".to_owned(),
    }
}

fn head(sheet: &mut Sheet, tried: &Tried<'_>, told: Option<&Told<'_>>) {
    sheet.title(&title(tried));
    let stands = tried.cases.first().is_some_and(|case| !case.is(Standing::RuledOut));
    if let Some(told) = told.filter(|_| stands) {
        let not_told = tried.ending == Ending::Open && tried.cases[0].finding.is_some();
        let meaning = match tried.undecided() {
            Some(open) => undecided::meaning(open.len()),
            None if not_told => "something is wrong, and what was seen has more than one cause",
            None => told.meaning,
        };
        sheet.text(meaning, Paint::Plain);
    }
    sheet.gap();
    let report = tried.report;
    sheet.labelled("Account", &format!("{} ({}; {})", report.account, report.world, report.mode));
    if let Some((name, diagnosis)) = tried.log {
        let cut = if diagnosis.cut { ", of which the rest was not read" } else { "" };
        let lines = count(usize::try_from(diagnosis.lines).unwrap_or(usize::MAX), "line");
        sheet.labelled("Read", &format!("{name}, {lines}{cut}"));
    }
    let judged = report.findings.iter().filter(|finding| finding.result != Word::NotApplicable);
    let number = count(judged.count(), "check");
    let which = match (tried.log, tried.went_on) {
        (None, _) => format!("{number}, all that apply"),
        (_, true) => format!("{number}, all that apply: those behind the log's causes proved none of them"),
        _ if tried.cases.iter().any(|case| case.named) => format!("{number}, only those that can tell"),
        _ => format!("{number}, all that apply"),
    };
    sheet.labelled("Run", &which);
    if tried.differs.is_empty() {
        return;
    }
    sheet.gap();
    for difference in &tried.differs {
        sheet.text(difference, Paint::Warn);
    }
}

/// The cause that is proven: its proof, what the log says of it, and the way out for this account; or a
/// failure whose cause is not told, with what tells it.
fn proven(sheet: &mut Sheet, tried: &Tried<'_>, case: &Case, finding: &Finding) {
    let is_proven = case.is(Standing::Proven);
    sheet.heading(if is_proven { "The proof" } else { "What was seen" });
    sheet.text(&finding.message, Paint::Bad);
    sheet.gap();
    sheet.labelled("Check", &format!("{} ({})", finding.title, finding.check));
    for (label, text) in [("Expected", &finding.expected), ("Found", &finding.actual)] {
        if let Some(text) = text {
            sheet.labelled(label, text);
        }
    }
    if !finding.why.is_empty() {
        sheet.labelled("Why", &finding.why);
    }
    if let Some(waiver) = &finding.waived {
        sheet.labelled("Waived", &format!("{waiver} ({WAIVED})"));
    }
    if let Some(first) = &case.first {
        particulars(sheet, first);
    }
    if is_proven || case.named {
        from_the_log(sheet, tried, case);
    }
    fixes(sheet, if is_proven { "The way out" } else { "What decides it" }, &finding.fix);
    if let Some(settles) = &finding.settles {
        let text = format!("{} as a rule, {} at the longest", span(&settles.usual), span(&settles.max));
        sheet.labelled("Acts after", &text);
    }
    if let Some(verify) = finding.fix.iter().find_map(|fix| fix.verify.as_deref()) {
        sheet.verify(verify);
    }
}

/// Failures that the configuration accepts and that are told nowhere else.
fn waived<'a>(tried: &'a Tried<'_>) -> impl Iterator<Item = &'a Finding> {
    let told = |finding: &Finding| {
        tried.cases.iter().any(|case| case.finding.as_ref().is_some_and(|own| own.check == finding.check))
    };
    let fails = |finding: &&Finding| finding.result == Word::Fail && finding.waived.is_some();
    tried.report.findings.iter().filter(fails).filter(move |finding| !told(finding))
}

/// What is wrong and accepted: no cause to act on, and worth knowing where nothing else is found.
fn accepted(sheet: &mut Sheet, tried: &Tried<'_>) {
    for (place, finding) in waived(tried).enumerate() {
        if place == 0 {
            sheet.heading("Fails, and is waived");
        }
        let cause = finding.cause.as_deref().unwrap_or("unknown");
        let waiver = finding.waived.as_deref().unwrap_or_default();
        sheet.entry(
            &format!("{cause} ({})", finding.check),
            &format!("{}. Waived: {waiver}", finding.message),
        );
    }
}

fn particulars(sheet: &mut Sheet, first: &FirstCause) {
    for change in first.would_pass_if.iter().take(2) {
        sheet.labelled("Passes if", &change.text);
    }
    for change in first.changed_lately.iter().take(3) {
        sheet.labelled("Changed", &format!("{} UTC: {}", change.at.replacen('T', " ", 1), change.text));
    }
    if let Some(outage) = &first.outage {
        sheet.labelled("Outage", &outage.text);
    }
    if !first.also.is_empty() {
        sheet.labelled("Same cause", &first.also.join(", "));
    }
    match first.hides.len() {
        0 => {}
        number @ 1..=LISTED => {
            sheet.labelled("Hides", &format!("{}: {}", count(number, "check"), first.hides.join(", ")));
        }
        number => sheet.labelled("Hides", &count(number, "check")),
    }
}

fn from_the_log(sheet: &mut Sheet, tried: &Tried<'_>, case: &Case) {
    let Some((_, diagnosis)) = tried.log else { return };
    if !case.named {
        if tried.failed() {
            sheet.heading("In the log");
            sheet.text(
                "No text of the log names this cause by what is known of texts; it was found by looking at \
                 everything else.",
                Paint::Plain,
            );
        }
        return;
    }
    sheet.heading("In the log");
    let sure = percent(case.candidate.confidence);
    sheet.text(&format!("The text alone gives it {sure}:"), Paint::Plain);
    for reason in &case.candidate.because {
        sheet.text(&format!("- {reason}"), Paint::Plain);
    }
    rests_on(sheet, diagnosis, &case.candidate);
}

fn fixes(sheet: &mut Sheet, heading: &str, fixes: &[Fix]) {
    for (place, fix) in fixes.iter().enumerate() {
        if place == 0 {
            sheet.heading(heading);
        } else {
            sheet.subheading("Another way");
        }
        for (number, step) in fix.steps.iter().enumerate() {
            sheet.step(number + 1, step);
        }
        if let Some(command) = &fix.command {
            sheet.command(command);
        }
        let by = match (&fix.who, &fix.role) {
            (Some(who), Some(role)) => format!("{who}; least role: {role}"),
            (Some(who), None) => who.clone(),
            (None, Some(role)) => format!("least role: {role}"),
            (None, None) => continue,
        };
        sheet.labelled("By", &by);
    }
}

/// The likeliest cause, where none is proven: as a log by itself shows it.
fn likeliest(sheet: &mut Sheet, tried: &Tried<'_>, case: &Case, told: &Told<'_>) {
    sheet.heading("The likeliest cause");
    sheet.labelled("Proven", &format!("no; {}", case.proof.reason));
    from_the_log(sheet, tried, case);
    if !case.candidate.advice.is_empty() {
        sheet.heading("What to do");
        super::steps(sheet, &case.candidate.advice);
    }
    way_out(sheet, &told.roads);
    super::known_way(sheet, told);
}

fn contradicted(sheet: &mut Sheet, tried: &Tried<'_>) {
    if let Some(text) = tried.contradiction() {
        sheet.heading("Log and account do not agree");
        sheet.text(text, Paint::Warn);
    }
}

fn others(sheet: &mut Sheet, tried: &Tried<'_>) {
    let shown_first = tried.cases.first().is_some_and(|case| !case.is(Standing::RuledOut));
    let shown = tried.undecided().map_or(usize::from(shown_first), |open| open.len());
    let rest = &tried.cases[shown..];
    let (also, rest): (Vec<&Case>, Vec<&Case>) = rest.iter().partition(|case| case.is(Standing::Proven));
    if !also.is_empty() {
        sheet.heading("Proven, too");
    }
    for case in also {
        let named = if case.named || tried.log.is_none() { "" } else { " (the log does not name it)" };
        sheet.entry(&format!("{}{named}", case.candidate.cause), &case.proof.reason);
    }
    if !rest.is_empty() {
        sheet.heading(if shown_first {
            "What became of the other causes"
        } else {
            "What became of the causes"
        });
    }
    for case in rest {
        let verdict = match case.proof.verdict {
            Standing::Proven => "proven",
            Standing::RuledOut => "ruled out",
            Standing::Undecided => "undecided",
            Standing::LogOnly => "from the log only",
        };
        let was = percent(case.candidate.confidence);
        let was = if case.named { format!(" (the text alone: {was})") } else { String::new() };
        let term = format!("{} {verdict}{was}", case.candidate.cause);
        sheet.entry(&term, &case.proof.reason);
    }
}

fn next_steps(sheet: &mut Sheet, tried: &Tried<'_>) {
    if tried.ending == Ending::NothingWrong {
        return;
    }
    let mut steps: Vec<(String, Option<String>)> = Vec::new();
    let open = tried
        .cases
        .iter()
        .filter(|case| case.is_open() && case.finding.is_none() && tried.ending == Ending::Open);
    for case in open.take(3) {
        let step = (format!("{}: {}", case.candidate.cause, next(tried, case)), command(tried, case));
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    if tried.contradiction().is_some() && !tried.sync {
        let text = "A test sync does what the product does, and shows what only doing it shows:";
        steps.push((text.to_owned(), Some(sync_command(tried))));
    }
    if steps.is_empty() {
        return;
    }
    sheet.heading("What to do next");
    for (text, command) in steps {
        sheet.text(&text, Paint::Plain);
        if let Some(command) = command {
            sheet.command(&command);
        }
    }
}

/// What decides a case that is still open.
pub(super) fn next(tried: &Tried<'_>, case: &Case) -> String {
    let proof = &case.proof;
    if let Some(finding) = case.finding.as_ref().filter(|_| proof.verdict == Standing::Undecided) {
        let step = finding.fix.first().and_then(|fix| fix.steps.first());
        return step.cloned().unwrap_or_else(|| proof.reason.clone());
    }
    if let Some(check) = &proof.waits_for {
        return format!("repair what {check} found, and ask again");
    }
    if !proof.permissions.is_empty() {
        return format!("{} for the reader would decide it", proof.permissions.join(", "));
    }
    match proof.verdict {
        Standing::Proven => "repair it, and verify".to_owned(),
        Standing::RuledOut => "nothing: it is ruled out".to_owned(),
        Standing::LogOnly if by_sync(case) && !tried.sync => "a test sync would show it".to_owned(),
        Standing::LogOnly => {
            let tells = case.candidate.tells.as_deref().map(|tells| format!(" {tells}")).unwrap_or_default();
            format!("only the product's log shows it: how often, when, and whether a later try works.{tells}")
        }
        Standing::Undecided => open_reason(case),
    }
}

fn open_reason(case: &Case) -> String {
    let open = case.proof.said.iter().find(|witness| matches!(witness.says, Says::Open | Says::Warns));
    match open {
        Some(witness) if witness.result == Some(Word::Unknown) && !witness.message.is_empty() => {
            format!("{} decides it, once it can: {}", witness.check, witness.message)
        }
        Some(witness) => format!("see what {} needs: `syncready explain {}`", witness.check, witness.check),
        None => case.proof.reason.clone(),
    }
}

fn by_sync(case: &Case) -> bool {
    case.proof.said.iter().any(|witness| witness.says == Says::NotRun)
}

pub(super) fn command(tried: &Tried<'_>, case: &Case) -> Option<String> {
    let open = || case.proof.said.iter().filter(|witness| witness.says == Says::Open);
    let mut lacking = open().filter(|one| one.reason.as_ref().is_some_and(|why| why.permission.is_some()));
    if let (Standing::Undecided, Some(witness)) = (case.proof.verdict, lacking.next()) {
        return Some(format!("syncready permissions --only {}", witness.check));
    }
    (by_sync(case) && case.is(Standing::LogOnly) && !tried.sync).then(|| sync_command(tried))
}

fn sync_command(tried: &Tried<'_>) -> String {
    format!("syncready check {} --sync", tried.report.account)
}

fn ticket<'a>(tried: &'a Tried<'_>) -> Option<&'a str> {
    tried.cases.iter().find_map(|case| case.first.as_ref()?.ticket.as_deref())
}

fn document(tried: &Tried<'_>, told: &[Told<'_>]) -> Value {
    let report = tried.report;
    let all: Vec<Value> = (0..told.len()).map(|place| with_proof(tried, told, place)).collect();
    let nothing = Diagnosis::default();
    let log = tried.log.map_or(&nothing, |(_, diagnosis)| diagnosis);
    let run: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check, "title": finding.title, "result": finding.result,
                "cause": finding.cause, "message": finding.message, "reason": finding.reason,
                "evidence": finding.evidence,
            })
        })
        .collect();
    let rests: BTreeMap<&String, &Exchange> = report
        .findings
        .iter()
        .flat_map(|finding| &finding.evidence)
        .filter_map(|id| report.evidence.get_key_value(id))
        .collect();
    let mut document = super::document_of(log, &all);
    let more = json!({
        "outcome": match tried.ending {
            Ending::Proven => "proven",
            Ending::Open => "open",
            Ending::NothingWrong => "nothing-wrong",
        },
        "started_at": tried.started_at,
        "account": {
            "account": report.account, "tenant": report.tenant, "profile": report.profile,
            "world": report.world, "mode": report.mode, "verdict": report.verdict,
        },
        "log": tried.log.map(|(name, _)| name),
        "went_on": tried.went_on,
        "contradiction": tried.contradiction(),
        "differs": tried.differs,
        "ticket": ticket(tried),
        "cannot_determine": report.cannot_determine,
        "checks_run": run,
        "evidence": rests,
    });
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}

fn with_proof(tried: &Tried<'_>, told: &[Told<'_>], place: usize) -> Value {
    let case = &tried.cases[place];
    let mut value = cause(told, place);
    let checks: Vec<&str> = case.proof.said.iter().map(|witness| witness.check.as_str()).collect();
    value["confidence"] = json!(case.confidence);
    value["log_confidence"] = json!(case.named.then_some(case.candidate.confidence));
    value["named"] = json!(case.named);
    value["proven"] = json!(case.is(Standing::Proven));
    value["verdict"] = json!(case.proof.verdict);
    value["reason"] = json!(case.proof.reason);
    value["said"] = json!(case.proof.said);
    value["permissions"] = json!(case.proof.permissions);
    value["waits_for"] = json!(case.proof.waits_for);
    value["checks"] = json!(checks);
    value["next"] = json!(next(tried, case));
    value["next_command"] = json!(command(tried, case));
    if let Some(finding) = &case.finding {
        value["check"] = json!(finding.check);
        value["waived"] = json!(finding.waived);
        value["message"] = json!(finding.message);
        value["why"] = json!(finding.why);
        value["expected"] = json!(finding.expected);
        value["actual"] = json!(finding.actual);
        value["fix"] = json!(finding.fix);
        value["steps"] = Value::Null;
        value["settles"] = json!(finding.settles);
        value["evidence"] = json!(finding.evidence);
    }
    if let Some(first) = &case.first {
        value["also"] = json!(first.also);
        value["hides"] = json!(first.hides);
        value["would_pass_if"] = json!(first.would_pass_if);
        value["changed_lately"] = json!(first.changed_lately);
        value["outage"] = json!(first.outage);
    }
    value
}
