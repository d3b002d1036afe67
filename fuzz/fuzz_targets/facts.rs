//! Whatever stands in a facts file, it is judged or refused, and what is judged is judged equally twice.
#![no_main]

use syncready::{cli::trial, facts::Document, report};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else { return };
    let Ok(report) = trial::replay(&document) else { return };
    let again = trial::replay(&document).expect("judged a moment ago");
    assert_eq!(report::json::render(&report), report::json::render(&again));
    let _ = report::table::render(&report, &report::Style::default());
});
