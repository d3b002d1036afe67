//! `sync-test`: the test sync by itself, what it would do, or only its leftovers.

pub mod args;
mod plan;

use args::SyncTest;

use super::{check, trouble::Trouble};

/// Does the test sync and prints the report.
pub fn run(args: &SyncTest) -> Result<u8, Trouble> {
    let check = args.as_check();
    if args.dry_run && args.demo.as_deref() != Some("list") {
        return plan::run(&check);
    }
    check::run(&check)
}
