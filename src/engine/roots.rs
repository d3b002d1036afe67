//! First causes: the failing checks that everything else hangs on.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Catalogue;
use super::finding::{Finding, FirstCause, Word};

/// Groups the failing checks by cause and ranks them: ground-up, then by what they hide, then by id.
pub(super) fn first_causes(catalogue: &Catalogue, findings: &[Finding]) -> Vec<FirstCause> {
    let failed: Vec<&Finding> =
        findings.iter().filter(|f| f.result == Word::Fail && f.waived.is_none()).collect();
    let skipped: Vec<&str> =
        findings.iter().filter(|f| f.result == Word::Skipped).map(|f| f.check.as_str()).collect();
    let mut roots: Vec<(&Finding, Vec<&str>)> = failed
        .iter()
        .map(|root| {
            let behind = |id: &&&str| catalogue.ancestors(id).contains(&root.check.as_str());
            (*root, skipped.iter().filter(behind).copied().collect())
        })
        .collect();
    roots.sort_by_cached_key(|(root, hidden)| {
        let area = root.check.split('/').next().unwrap_or_default();
        let rank = catalogue.areas().iter().position(|known| known.id == area);
        (rank.unwrap_or(usize::MAX), Reverse(hidden.len()), root.check.clone())
    });
    let mut causes: Vec<FirstCause> = Vec::new();
    let mut counted = BTreeSet::new();
    for (root, hidden) in roots {
        let hidden = hidden.into_iter().filter(|id| counted.insert(*id)).map(ToOwned::to_owned);
        let cause = root.cause.clone().unwrap_or_else(|| "unknown".to_owned());
        match causes.iter_mut().find(|known| known.cause == cause) {
            Some(known) => {
                known.also.push(root.check.clone());
                known.hides.extend(hidden);
            }
            None => causes.push(first_cause(root, cause, hidden.collect())),
        }
    }
    causes
}

fn first_cause(root: &Finding, cause: String, hides: Vec<String>) -> FirstCause {
    FirstCause {
        cause,
        check: root.check.clone(),
        also: Vec::new(),
        title: root.title.clone(),
        message: root.message.clone(),
        why: root.why.clone(),
        expected: root.expected.clone(),
        actual: root.actual.clone(),
        fix: root.fix.clone(),
        settles: root.settles.clone(),
        would_pass_if: Vec::new(),
        changed_lately: Vec::new(),
        outage: None,
        ticket: None,
        hides,
    }
}
