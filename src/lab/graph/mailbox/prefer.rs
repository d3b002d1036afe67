//! What a caller prefers: the form of ids, the time zone, the form of bodies, the size of pages.

use jiff::tz::TimeZone;

use crate::lab::ask::Ask;
use crate::lab::store::{zone, zone_name_known};

/// The preferences of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Prefer {
    /// Ids that stay when an item is moved.
    pub immutable: bool,
    /// Bodies as plain text.
    pub text: bool,
    /// Entries of one page, at most.
    pub page: Option<usize>,
    /// Name of the time zone for times.
    zone: Option<String>,
}

impl Prefer {
    /// Reads the `Prefer` headers.
    pub(super) fn read(ask: &Ask) -> Self {
        let mut found = Self::default();
        let headers = ask.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        for part in headers.flat_map(|(_, value)| value.split(',')) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "idtype" => found.immutable = value.eq_ignore_ascii_case("ImmutableId"),
                "outlook.body-content-type" => found.text = value.eq_ignore_ascii_case("text"),
                "outlook.timezone" if zone_name_known(value) => found.zone = Some(value.to_owned()),
                "odata.maxpagesize" => found.page = value.parse().ok().filter(|size| *size > 0),
                _ => {}
            }
        }
        found
    }

    /// The time zone for times, and its name.
    pub(super) fn zone(&self) -> (TimeZone, &str) {
        let name = self.zone.as_deref().unwrap_or("UTC");
        (zone(name), name)
    }

    /// What the answer says of the preferences that it follows.
    pub(super) fn applied(&self) -> Option<(String, String)> {
        let mut all = Vec::new();
        if self.immutable {
            all.push("IdType=\"ImmutableId\"".to_owned());
        }
        if let Some(zone) = &self.zone {
            all.push(format!("outlook.timezone=\"{zone}\""));
        }
        if self.text {
            all.push("outlook.body-content-type=\"text\"".to_owned());
        }
        if let Some(size) = self.page {
            all.push(format!("odata.maxpagesize={size}"));
        }
        (!all.is_empty()).then(|| ("Preference-Applied".to_owned(), all.join(", ")))
    }
}
