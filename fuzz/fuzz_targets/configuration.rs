//! Whatever stands in a configuration, it is loaded or refused, and the refusal can be shown.
#![no_main]

use syncready::cli::config::{Source, load};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let source = Source { name: "syncready.toml".into(), folder: ".".into(), text: text.to_owned() };
    if let Err(problem) = load(source, &[]) {
        let _ = problem.render(false, true);
    }
});
