//! Every example in every check file says what its check says, and every outcome row has an example.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use syncready::engine::{Catalogue, Check, Finding, Word, run_examples};

/// What users read when an example is theirs.
fn page(check: &Check) -> String {
    let mut page = format!("{}\n{}\n", check.id(), &*check.file().title);
    let results = run_examples(Catalogue::embedded(), check).expect("sound examples");
    for (result, example) in results.iter().zip(&check.file().example) {
        let world = example.given.as_deref().unwrap_or("online-delegated");
        write!(page, "\n-- {} ({world})\n", result.name).expect("strings take everything");
        tell(&mut page, &result.finding);
    }
    page
}

fn tell(page: &mut String, finding: &Finding) {
    let word = serde_json::to_value(finding.result).expect("words serialize");
    let cause = finding.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let mut line = |text: &str| writeln!(page, "{text}").expect("strings take everything");
    line(&format!("{}{cause}: {}", word.as_str().unwrap_or_default(), finding.message));
    let facts = [("expected", &finding.expected), ("found", &finding.actual)];
    for (name, text) in facts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        line(&format!("  {name}: {text}"));
    }
    for fix in &finding.fix {
        let who = [fix.who.as_deref(), fix.role.as_deref()].map(|part| part.unwrap_or("?"));
        line(&format!("  fix by {} with {}", who[0], who[1]));
        fix.steps.iter().for_each(|step| line(&format!("    - {step}")));
        fix.command
            .iter()
            .flat_map(|command| command.lines())
            .for_each(|text| line(&format!("    > {text}")));
        fix.verify.iter().for_each(|verify| line(&format!("    verify: {verify}")));
    }
}

#[test]
fn every_example_reads_as_its_snapshot_shows() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/checks"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for check in Catalogue::embedded().checks() {
            insta::assert_snapshot!(check.id().replace('/', "__"), page(check));
        }
    });
}

#[test]
fn every_example_holds() {
    let catalogue = Catalogue::embedded();
    let mut complaints = Vec::new();
    for check in catalogue.checks() {
        match run_examples(catalogue, check) {
            Err(error) => complaints.push(error.to_string()),
            Ok(results) => complaints.extend(results.into_iter().filter_map(|result| {
                let complaint = result.complaint?;
                Some(format!("{}: {}: {complaint}", check.id(), result.name))
            })),
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_outcome_row_has_an_example_and_one_shows_unknown() {
    let catalogue = Catalogue::embedded();
    let mut complaints = Vec::new();
    for check in catalogue.checks() {
        let Ok(results) = run_examples(catalogue, check) else { continue };
        let hit: BTreeSet<usize> = results.iter().filter_map(|result| result.row).collect();
        for (row, outcome) in check.file().outcome.iter().enumerate() {
            if !hit.contains(&row) {
                let word = outcome.result.get_ref();
                complaints.push(format!("{}: outcome {} ({word:?}) has no example", check.id(), row + 1));
            }
        }
        if !results.iter().any(|result| result.finding.result == Word::Unknown && result.row.is_none()) {
            complaints.push(format!("{}: no example shows what happens when a fact is missing", check.id()));
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
