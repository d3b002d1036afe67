//! Whatever a server answers to an EWS call, reading it ends in a value.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = syncready::wire::soap::read(body);
});
