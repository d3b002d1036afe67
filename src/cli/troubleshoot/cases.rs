//! From candidates and findings to cases: what is proven, what is ruled out, and in which order they are
//! told.

use crate::{
    engine::{AccountReport, Catalogue, Proof, Says, Standing, Verdict, Witness, causes::UNKNOWN, proof},
    knowledge::{
        Knowledge,
        diagnosis::{Candidate, Diagnosis},
    },
    report::troubleshoot::{Case, Ending},
};

/// From this confidence on, a text has decided by itself.
const DECIDED: f64 = 0.5;
/// A proven cause that the text names, or the first one where there is no text.
const PROVEN: f64 = 0.99;
/// A proven cause that the text does not name: the first one, and any other.
const BESIDE: (f64, f64) = (0.8, 0.5);
/// What a cause keeps beside a proven one, and what one keeps that was ruled out from this machine only.
const KEEPS: f64 = 0.1;
/// How much a warning of a cause counts.
const WARNED: f64 = 2.0;
/// Without proof, nothing is surer.
const UNPROVEN: f64 = 0.9;

/// Every cause that the log names or a check found, the one to act on first.
pub fn cases(
    catalogue: &Catalogue,
    knowledge: &Knowledge,
    diagnosis: Option<&Diagnosis>,
    report: &AccountReport,
) -> Vec<Case> {
    let candidates = diagnosis.map(|diagnosis| diagnosis.candidates.as_slice()).unwrap_or_default();
    let mut cases: Vec<Case> = candidates
        .iter()
        .map(|candidate| {
            let mut proof = proof(catalogue, &candidate.cause, &report.world, &report.findings);
            if let Some(diagnosis) = diagnosis {
                only_elsewhere(knowledge, diagnosis, &candidate.cause, &report.world, &mut proof);
            }
            case(candidate.clone(), true, proof, report)
        })
        .collect();
    let unnamed = report
        .first_causes
        .iter()
        .filter(|first| !candidates.iter().any(|candidate| candidate.cause == first.cause));
    cases.extend(unnamed.map(|first| {
        let candidate = Candidate { cause: first.cause.clone(), ..Candidate::default() };
        case(candidate, false, proof(catalogue, &first.cause, &report.world, &report.findings), report)
    }));
    weigh(&mut cases, diagnosis.is_some(), report);
    cases.sort_by(|one, other| {
        let key = |case: &Case| (rank(case, diagnosis.is_some()), place(case, report));
        key(one)
            .cmp(&key(other))
            .then(other.confidence.total_cmp(&one.confidence))
            .then(other.candidate.confidence.total_cmp(&one.candidate.confidence))
    });
    cases
}

fn case(candidate: Candidate, named: bool, mut proof: Proof, report: &AccountReport) -> Case {
    let first = report.first_causes.iter().find(|first| first.cause == candidate.cause).cloned();
    let confirms = proof.said.iter().find(|witness| witness.says == Says::Confirms);
    let check = first.as_ref().map(|first| first.check.as_str());
    let check = check.or(confirms.map(|witness| witness.check.as_str()));
    let finding = report.findings.iter().find(|finding| Some(finding.check.as_str()) == check).cloned();
    let seen = proof.verdict == Standing::Proven || candidate.cause == UNKNOWN && confirms.is_some();
    if let Some(waiver) = finding.as_ref().filter(|_| seen).and_then(|finding| finding.waived.as_deref()) {
        // A waiver accepts what is wrong; it does not make it right.
        proof.reason = format!("{} (waived: {waiver})", proof.reason);
    }
    let (finding, first) = if seen { (finding, first) } else { (None, None) };
    Case { confidence: candidate.confidence, candidate, named, proof, first, finding }
}

/// What stands behind the codes of the log in other worlds only.
fn only_elsewhere(knowledge: &Knowledge, diagnosis: &Diagnosis, cause: &str, world: &str, proof: &mut Proof) {
    if matches!(proof.verdict, Standing::Proven | Standing::RuledOut) || world == "unknown" {
        return;
    }
    let said = diagnosis.failures.iter().flat_map(|failure| &failure.says);
    let entries: Vec<_> = said.filter_map(|name| knowledge.code(name)).collect();
    let spreads = entries
        .iter()
        .flat_map(|entry| entry.causes.iter().chain(entry.cases.iter().flat_map(|case| &case.causes)));
    let likely: Vec<_> = spreads.filter(|likely| likely.cause == cause).collect();
    let elsewhere = |worlds: &[String]| !worlds.is_empty() && !worlds.iter().any(|known| known == world);
    if !likely.is_empty() && likely.iter().all(|likely| elsewhere(&likely.worlds)) {
        proof.verdict = Standing::RuledOut;
        proof.reason = format!(
            "what the log says has this cause in {} only, and the world of the account is {world}",
            likely[0].worlds.join(", ")
        );
        proof.permissions.clear();
        proof.waits_for = None;
    }
}

/// How sure each is after the checks.
fn weigh(cases: &mut [Case], has_log: bool, report: &AccountReport) {
    let verdict = |case: &Case| case.proof.verdict;
    let named = cases.iter().any(|case| case.named && verdict(case) == Standing::Proven);
    let gone: f64 = cases
        .iter()
        .filter(|case| verdict(case) == Standing::RuledOut)
        .map(|case| case.candidate.confidence)
        .sum();
    let left = (1.0 - gone).max(0.05);
    let proven = cases.iter().any(|case| verdict(case) == Standing::Proven);
    for case in cases {
        let first = place(case, report) == 0;
        let said = case.candidate.confidence;
        let sure = match verdict(case) {
            Standing::Proven if case.named || !has_log && first => PROVEN,
            Standing::Proven if first && !named => BESIDE.0,
            Standing::Proven => BESIDE.1,
            Standing::RuledOut if is_from_here(&case.proof) => said * KEEPS,
            Standing::RuledOut => 0.0,
            Standing::Undecided | Standing::LogOnly if proven => said * KEEPS,
            Standing::Undecided if case.finding.is_some() => BESIDE.1,
            Standing::Undecided | Standing::LogOnly => {
                let warned = case.proof.said.iter().any(|witness| witness.says == Says::Warns);
                (said / left * if warned { WARNED } else { 1.0 }).min(UNPROVEN)
            }
        };
        case.confidence = (sure * 100.0).round() / 100.0;
    }
}

/// Whether all that ruled it out looked from this machine only.
fn is_from_here(proof: &Proof) -> bool {
    let mut said = proof.said.iter().filter(|witness| witness.says == Says::Refutes).peekable();
    said.peek().is_some() && said.all(Witness::is_from_here)
}

/// Proven and named first, and of these what the text has decided; then what is proven besides, then a
/// failure whose cause is not told, then what is open, then what is ruled out.
fn rank(case: &Case, has_log: bool) -> u8 {
    match case.proof.verdict {
        Standing::Proven if case.named && case.candidate.confidence >= DECIDED => 0,
        Standing::Proven if case.named || !has_log => 1,
        Standing::Proven => 2,
        // A check fails without telling why.
        Standing::Undecided if case.finding.is_some() => 3,
        Standing::Undecided | Standing::LogOnly => 4,
        Standing::RuledOut => 5,
    }
}

/// Its place among the first causes: what hides others stands before them.
fn place(case: &Case, report: &AccountReport) -> usize {
    let place = report.first_causes.iter().position(|first| first.cause == case.candidate.cause);
    place.unwrap_or(usize::MAX)
}

/// What it all comes to.
pub fn ending(cases: &[Case], diagnosis: Option<&Diagnosis>, report: &AccountReport) -> Ending {
    let failed = diagnosis.is_some_and(|diagnosis| !diagnosis.failures.is_empty());
    if cases.iter().any(|case| case.proof.verdict == Standing::Proven) {
        Ending::Proven
    } else if failed || report.verdict == Verdict::Undetermined || report.verdict == Verdict::NotReady {
        Ending::Open
    } else {
        Ending::NothingWrong
    }
}
