//! Guards around the whole program: panics say nothing of values, and no memory is dumped to disk.

use std::panic::{self, PanicHookInfo};

use super::{exit, output};

/// Runs the program; a panic ends with [`exit::OURS`].
pub fn guarded(run: impl FnOnce() -> u8 + panic::UnwindSafe) -> u8 {
    no_core_dumps();
    panic::set_hook(Box::new(|info| output::note(&message(info))));
    panic::catch_unwind(run).unwrap_or(exit::OURS)
}

/// Place and version only: what a panic carries may hold what a server or the user gave us.
fn message(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let version = env!("CARGO_PKG_VERSION");
    format!("syncready {version} broke{place}. This is our fault; please report it with this line.")
}

/// Memory holds passwords and tokens.
#[cfg(unix)]
fn no_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A system that refuses to lower its own limit dumps nothing that we could prevent.
    let _ = setrlimit(Resource::Core, none);
}

#[cfg(not(unix))]
fn no_core_dumps() {}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_message_holds_the_place_and_no_value() {
        let seen = Arc::new(Mutex::new(String::new()));
        let (keep, before) = (Arc::clone(&seen), panic::take_hook());
        panic::set_hook(Box::new(move |info| *keep.lock().expect("not poisoned") = message(info)));
        let caught = panic::catch_unwind(|| panic!("canary-{}", 4711));
        panic::set_hook(before);
        let seen = seen.lock().expect("not poisoned").clone();
        assert!(caught.is_err() && seen.contains("guard.rs") && !seen.contains("canary"), "{seen}");
    }
}
