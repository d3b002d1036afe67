//! Exit codes: the same in every output format.

use super::args::ExitCodes;
use crate::engine::Verdict;

/// Everything checked is ready, or the command did what it was asked for.
pub const READY: u8 = 0;
/// At least one check fails.
pub const NOT_READY: u8 = 1;
/// Wrong usage or configuration.
pub const USAGE: u8 = 2;
/// Nothing fails, but something that matters could not be determined.
pub const UNDETERMINED: u8 = 3;
/// There was nothing to check.
pub const NOTHING: u8 = 4;
/// This program broke.
pub const OURS: u8 = 70;
/// Ended by Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGTERM.
pub const TERMINATED: u8 = 143;

/// Every code with its meaning, as the documentation and `--help` show them.
pub const TABLE: &[(u8, &str)] = &[
    (READY, "ready, or done"),
    (NOT_READY, "not ready: a check fails"),
    (USAGE, "wrong usage or configuration"),
    (UNDETERMINED, "undetermined: nothing fails, but something that matters could not be read"),
    (NOTHING, "nothing to check"),
    (OURS, "our fault: please report it"),
    (INTERRUPTED, "ended by Ctrl-C"),
    (TERMINATED, "ended by SIGTERM"),
];

/// The code of a verdict, in the convention asked for; `warned`: a check warned.
pub fn of(verdict: Verdict, warned: bool, convention: ExitCodes) -> u8 {
    match convention {
        ExitCodes::Plain => plain(verdict),
        ExitCodes::Nagios => nagios(verdict, warned),
    }
}

/// The code of a usage error or of a breakdown, in the convention asked for.
pub fn of_trouble(code: u8, convention: ExitCodes) -> u8 {
    match (convention, code) {
        (ExitCodes::Nagios, USAGE | OURS) => NAGIOS_UNKNOWN,
        _ => code,
    }
}

const NAGIOS_WARNING: u8 = 1;
const NAGIOS_CRITICAL: u8 = 2;
const NAGIOS_UNKNOWN: u8 = 3;

fn plain(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ready => READY,
        Verdict::NotReady => NOT_READY,
        Verdict::Undetermined => UNDETERMINED,
        Verdict::NothingChecked => NOTHING,
    }
}

fn nagios(verdict: Verdict, warned: bool) -> u8 {
    match verdict {
        Verdict::Ready if warned => NAGIOS_WARNING,
        Verdict::Ready => READY,
        Verdict::NotReady => NAGIOS_CRITICAL,
        Verdict::Undetermined | Verdict::NothingChecked => NAGIOS_UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_own_code() {
        let verdicts = [Verdict::Ready, Verdict::NotReady, Verdict::Undetermined, Verdict::NothingChecked];
        assert_eq!(verdicts.map(|verdict| of(verdict, false, ExitCodes::Plain)), [0, 1, 3, 4]);
    }

    #[test]
    fn nagios_calls_not_ready_critical() {
        assert_eq!(of(Verdict::NotReady, true, ExitCodes::Nagios), 2);
    }

    #[test]
    fn nagios_tells_a_warning_from_all_well() {
        assert_eq!([false, true].map(|warned| of(Verdict::Ready, warned, ExitCodes::Nagios)), [0, 1]);
    }

    #[test]
    fn nagios_knows_no_usage_error() {
        assert_eq!(of_trouble(USAGE, ExitCodes::Nagios), 3);
    }
}
