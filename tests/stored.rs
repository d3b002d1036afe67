//! Facts saved by earlier versions are still read and still mean the same.

use syncready::cli::trial;
use syncready::engine::Verdict;
use syncready::facts::Document;

#[test]
fn facts_of_format_1_are_judged() {
    let saved = include_str!("facts/format-1.json");
    let document = Document::parse(saved).expect("format 1 is read");
    let report = trial::replay(&document).expect("the profile is known");
    assert_eq!(report.verdict, Verdict::NotReady);
    let first = &report.accounts[0].first_causes[0];
    assert_eq!(
        (first.cause.as_str(), first.check.as_str()),
        ("app-secret-expired", "app/credential-is-valid-for-30-days")
    );
}
