//! Dates and times as EWS reads and writes them.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};

use crate::lab::store::zone;

/// A `dateTime`; without an offset it is one of that zone.
pub(super) fn read(text: &str, zone_name: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local: DateTime = text.parse().ok()?;
    Some(zone(zone_name).to_ambiguous_zoned(local).compatible().ok()?.timestamp())
}

/// A `date`, whose offset does not matter.
pub(super) fn date(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// A time in UTC, to the second.
pub(super) fn write(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
