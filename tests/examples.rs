//! Every example in every check file says what its check says, and every outcome row has an example.

use std::collections::BTreeSet;

use syncready::engine::{Catalogue, Word, run_examples};

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
