//! The test syncs of a sample, after all mailboxes were asked.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{book::Book, line::SAMPLE};
use crate::cli::{output::note, problem::Problem};
use crate::collect::coverage::{Key, Sampled, Verdict, Way};
use crate::report::coverage::{Sample, SampleFault};

/// Why nothing is written.
const READ_ONLY: &str = "read only without --yes";

/// Does a test sync in each of the mailboxes, one after the other. Each ends and cleans up by itself, also
/// when the run is stopped.
pub async fn run(
    way: &Way,
    mailboxes: &BTreeMap<Key, String>,
    writes: bool,
    stop: &CancellationToken,
    book: &mut Book,
) -> Result<Sample, Problem> {
    let mut sample = Sample { writes, ..Sample::default() };
    for address in mailboxes.values() {
        if stop.is_cancelled() {
            break;
        }
        note(&format!("test sync in {address}"));
        let sampled = way.sample(address, (!writes).then_some(READ_ONLY), stop).await;
        book.put(&line(&sampled))?;
        count(&mut sample, &sampled);
    }
    Ok(sample)
}

fn count(sample: &mut Sample, sampled: &Sampled) {
    sample.mailboxes += 1;
    let (verdict, step) = sampled.verdict();
    match verdict {
        Verdict::Ok => {
            sample.ok += 1;
            return;
        }
        Verdict::Fails => sample.failed += 1,
        Verdict::Undetermined => sample.undetermined += 1,
    }
    let text = step.and_then(|step| step.text.clone().or_else(|| step.differences.first().cloned()));
    let left = || sampled.left.first().map(|left| format!("a {} is left: {}", left.kind, left.because));
    sample.faults.push(SampleFault {
        address: sampled.address.clone(),
        result: verdict.as_str(),
        step: step.map(|step| step.name.as_str()),
        code: step.and_then(|step| step.code.clone()),
        text: text.or_else(left),
    });
}

fn line(sampled: &Sampled) -> Value {
    let steps: Vec<Value> = sampled
        .steps
        .iter()
        .map(|step| {
            json!({
                "step": step.name.as_str(), "subject": step.subject, "result": step.result.as_str(),
                "status": step.status, "code": step.code, "text": step.text,
                "differences": step.differences, "ms": step.ms,
            })
        })
        .collect();
    let left: Vec<Value> = sampled
        .left
        .iter()
        .map(|left| json!({ "kind": left.kind, "id": left.id, "because": left.because }))
        .collect();
    json!({
        "kind": SAMPLE, "mailbox": sampled.address, "result": sampled.verdict().0.as_str(),
        "steps": steps, "left": left,
    })
}
