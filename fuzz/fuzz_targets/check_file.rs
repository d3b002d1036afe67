//! Whatever stands in a check file, it is loaded or refused with a place inside of it.
#![no_main]

use syncready::engine::Check;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let refused = match Check::parse("account/is-fuzzed", text) {
        Ok(check) => check.compile().err(),
        Err(error) => Some(error),
    };
    if let Some(error) = refused {
        assert!(error.span.end <= text.len());
    }
});
