//! How a run recognizes what it made: one named property, the same for all runs and mailboxes.
//!
//! A mailbox keeps each property name for good, so there is only this one.

use std::fmt;

use uuid::Uuid;

/// Property set of the marker, as in `ExtendedFieldURI` and in Graph's extended properties.
pub const MARKER_SET: Uuid = Uuid::from_u128(0x5cb2_6b4e_8a0f_4d0c_9b3e_2f2a_71c6_d94a);

/// Name of the marker; its value is the run's id.
pub const MARKER_NAME: &str = "syncready-test-sync";

/// Names one run: when it began and which of the runs of that second it is, as
/// `2026-11-21T08:15:00Z/1b9d6bcd`. The beginning tells later runs whether its leftovers are old enough
/// to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunId {
    began: jiff::Timestamp,
    unique: u32,
}

impl RunId {
    /// The id of a run that begins at this time.
    pub fn new(began: jiff::Timestamp, unique: u32) -> Self {
        let began = jiff::Timestamp::from_second(began.as_second()).unwrap_or(began);
        Self { began, unique }
    }

    /// Reads the value of a marker; `None`: it is not this program's.
    pub fn parse(text: &str) -> Option<Self> {
        let (began, unique) = text.split_once('/')?;
        if unique.len() != 8 || !began.ends_with('Z') {
            return None;
        }
        Some(Self { began: began.parse().ok()?, unique: u32::from_str_radix(unique, 16).ok()? })
    }

    /// When the run began.
    pub fn began(&self) -> jiff::Timestamp {
        self.began
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:08x}", self.began, self.unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_being_written_and_read() {
        let id = RunId::new("2026-11-21T08:15:00.5Z".parse().expect("a time"), 0x1b9d_6bcd);
        assert_eq!(id.to_string(), "2026-11-21T08:15:00Z/1b9d6bcd");
        assert_eq!(RunId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn what_others_write_is_no_id() {
        for text in [
            "",
            "x",
            "2026-11-21T08:15:00Z",
            "2026-11-21T08:15:00Z/",
            "2026-11-21T08:15:00Z/1b9d6bcdff",
            "2026-11-21/1b9d6bcd",
        ] {
            assert_eq!(RunId::parse(text), None, "{text}");
        }
    }
}
