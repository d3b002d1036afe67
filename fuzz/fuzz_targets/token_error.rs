//! Whatever a token endpoint or Graph answers, reading the refusal ends in a value.
#![no_main]

use syncready::wire::{answer, json, sign_in};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = answer::problem(http::StatusCode::BAD_REQUEST, body);
    if let Ok(value) = json::parse(body) {
        let _ = sign_in::refusal(400, &value);
    }
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = sign_in::claims(text);
        let _ = sign_in::codes_in(text).count();
    }
});
