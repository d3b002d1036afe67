//! Whatever stands in a log, reading it ends in a diagnosis, and its confidences stay below one.
#![no_main]

use std::sync::LazyLock;

use syncready::knowledge::{Knowledge, diagnosis::Engine};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Knowledge::embedded()));

libfuzzer_sys::fuzz_target!(|log: &[u8]| {
    if let Ok(diagnosis) = ENGINE.read(log) {
        assert!(diagnosis.candidates.iter().all(|found| found.confidence < 1.0));
    }
});
