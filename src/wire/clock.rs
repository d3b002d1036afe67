//! The servers' clocks, as the `Date` headers of their answers show them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, header};
use jiff::Timestamp;

/// A server's clock against this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Server clock minus local clock, in seconds.
    pub offset_seconds: i64,
}

/// The first sample of each host.
#[derive(Debug, Default)]
pub struct Clock(Mutex<HashMap<String, Sample>>);

impl Clock {
    /// Notes the clock of a host that has just answered after `waited`.
    pub fn note(&self, host: &str, headers: &HeaderMap, waited: Duration) {
        let Some(sample) = sample(headers, Timestamp::now(), waited) else { return };
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.entry(host.to_ascii_lowercase()).or_insert(sample);
    }

    /// The sample of a host, if it answered with a date.
    pub fn of(&self, host: &str) -> Option<Sample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.get(&host.to_ascii_lowercase()).copied()
    }
}

fn sample(headers: &HeaderMap, received: Timestamp, waited: Duration) -> Option<Sample> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let half_way = i64::try_from(waited.as_millis() / 2).ok()?;
    let local = received.as_millisecond().checked_sub(half_way)?;
    // The header drops the fraction of a second: half a second is what it drops on average.
    let difference = date.as_millisecond().checked_sub(local)?.checked_add(500)?;
    Some(Sample { offset_seconds: difference.checked_add(500)?.div_euclid(1000) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(date: &str, received: &str) -> Option<i64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, date.parse().expect("a header"));
        let received = received.parse().expect("a time");
        sample(&headers, received, Duration::from_millis(200)).map(|sample| sample.offset_seconds)
    }

    #[test]
    fn equal_clocks_differ_by_nothing() {
        let date = "Sat, 21 Nov 2026 08:00:00 GMT";
        assert_eq!(offset(date, "2026-11-21T08:00:00.900Z"), Some(0));
        assert_eq!(offset(date, "2026-11-21T08:00:00.150Z"), Some(0));
    }

    #[test]
    fn a_server_that_is_ahead_has_a_positive_offset() {
        assert_eq!(offset("Sat, 21 Nov 2026 08:10:00 GMT", "2026-11-21T08:00:00.500Z"), Some(600));
    }

    #[test]
    fn a_garbled_date_is_no_sample() {
        assert_eq!(offset("soon", "2026-11-21T08:00:00Z"), None);
    }
}
