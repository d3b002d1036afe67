//! Times as Graph writes them: UTC with a `Z`, and clock times with the name of a zone beside them.

use jiff::{Timestamp, civil::DateTime};
use serde_json::{Value, json};

use super::change::wrong;
use super::prefer::Prefer;
use crate::lab::graph::error::Refusal;
use crate::lab::store::{zone, zone_name_known};

/// A time in UTC.
pub(super) fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A clock time in the zone that the caller prefers.
pub(super) fn clock(time: Timestamp, prefer: &Prefer) -> Value {
    let (zone, name) = prefer.zone();
    let shown = time.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string();
    json!({ "dateTime": shown, "timeZone": name })
}

/// The time and zone of a `dateTimeTimeZone`.
pub(super) fn read(name: &str, value: &Value) -> Result<(Timestamp, String), Refusal> {
    let (Some(text), Some(zone_name)) =
        (value["dateTime"].as_str(), value["timeZone"].as_str().or(Some("UTC")))
    else {
        return Err(wrong(name));
    };
    if !zone_name_known(zone_name) {
        let text = format!(
            "A valid TimeZone value must be specified. The following TimeZone value is not supported: '{zone_name}'."
        );
        return Err(Refusal::new(400, "TimeZoneNotSupportedException", text));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok((time, zone_name.to_owned()));
    }
    let local: DateTime = text.parse().map_err(|_| wrong(name))?;
    let zoned = local.to_zoned(zone(zone_name)).map_err(|_| wrong(name))?;
    Ok((zoned.timestamp(), zone_name.to_owned()))
}

/// A time of the query: with an offset, or in UTC without.
pub(super) fn asked(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let local: DateTime = text.parse().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}
