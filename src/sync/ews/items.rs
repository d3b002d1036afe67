//! What is made: two contacts and two appointments, and how what comes back is compared with them.

use jiff::civil::{Date, DateTime};

use super::visit::MARKER;
use crate::sync::{Kind, RunId};
use crate::wire::ews::{Field, Fields, ItemKind, NewItem, Weekly};

/// Characters of a long note, more than a simple field holds.
const NOTE: usize = 100 * 1024;
/// What each of its lines says.
const LINE: &str = "Prüftext, der lang genug ist, um geteilt zu werden: äöü ßéñ 漢字 🙂";
/// Days from now on which appointments lie, so that they are in nobody's way.
const AHEAD: i64 = 400;

/// What the changed field is changed to by the change that must be refused.
pub(super) const WRONG_CHANGE: &str = "changed with an old change key";

impl Kind {
    /// The mailbox's own folder of this kind, by its distinguished name.
    pub(super) fn default_folder(self) -> &'static str {
        self.subject()
    }

    pub(super) fn item_kind(self) -> ItemKind {
        match self {
            Self::Contacts => ItemKind::Contact,
            Self::Calendar => ItemKind::Appointment,
        }
    }

    /// The field that is changed, and what it is changed to.
    pub(super) fn change(self) -> (Field, &'static str) {
        match self {
            Self::Contacts => (Field::JobTitle, "Prüferin 🔧"),
            Self::Calendar => (Field::Location, "Straße 2, Zürich 🏔"),
        }
    }

    /// Its two items.
    pub(super) fn new_items(self, run: &RunId) -> [NewItem; 2] {
        let day = run.began().to_zoned(jiff::tz::TimeZone::UTC).date();
        let day = day.checked_add(jiff::Span::new().days(AHEAD)).unwrap_or(day);
        let new = |fields, series| NewItem {
            kind: self.item_kind(),
            fields,
            series,
            marked: (MARKER, run.to_string()),
        };
        match self {
            Self::Contacts => [new(contact(), None), new(note(), None)],
            Self::Calendar => {
                let series = Weekly { day: weekday(day), from: day, times: 3 };
                [new(appointment(day), None), new(recurring(day), Some(series))]
            }
        }
    }
}

fn fields<const N: usize>(values: [(Field, &str); N]) -> Fields {
    values.map(|(field, value)| (field, value.to_owned())).into()
}

/// Every text field with letters beyond ASCII and with an emoji.
fn contact() -> Fields {
    fields([
        (Field::Subject, "Zoë Łukasz-Öğrenci 🙂"),
        (Field::Sensitivity, "Private"),
        (Field::Body, "Grüße aus Zürich 🏔\nΔεύτερη γραμμή, 二行目"),
        (Field::FileAs, "Łukasz-Öğrenci, Zoë 🙂"),
        (Field::DisplayName, "Zoë Łukasz-Öğrenci 🙂"),
        (Field::GivenName, "Zoë 🙂"),
        (Field::MiddleName, "Ñandú 🐦"),
        (Field::Company, "Fabrikam Größe & Söhne <GmbH> 🏭"),
        (Field::Email, "zoe.test@example.invalid"),
        (Field::Street, "Königstraße 1 🛣"),
        (Field::City, "München 🍺"),
        (Field::Country, "Österreich 🇦🇹"),
        (Field::PostalCode, "80331"),
        (Field::BusinessPhone, "+1 555 0100"),
        (Field::MobilePhone, "+1 555 0101"),
        (Field::Department, "Qualität 品質 ✅"),
        (Field::JobTitle, "Prüferin ☕"),
        (Field::Surname, "Łukasz-Öğrenci 漢字"),
    ])
}

fn note() -> Fields {
    let mut fields = fields([
        (Field::Subject, "Long note of a test"),
        (Field::Sensitivity, "Private"),
        (Field::FileAs, "Long note of a test"),
        (Field::DisplayName, "Long note of a test"),
        (Field::GivenName, "Long"),
        (Field::Surname, "Note"),
    ]);
    let lines: Vec<_> = (0..=NOTE / LINE.len()).map(|line| format!("{line:05} {LINE}")).collect();
    fields.insert(Field::Body, lines.join("\n"));
    fields
}

fn appointment(day: Date) -> Fields {
    let mut fields = fields([
        (Field::Subject, "Prüftermin ⏰ 予定"),
        (Field::Sensitivity, "Private"),
        (Field::Body, "Kein Teilnehmer, keine Erinnerung ✅"),
        (Field::Reminder, "false"),
        (Field::FreeBusy, "Free"),
        (Field::Location, "Straße 1, Zürich 🏔"),
    ]);
    fields.extend(times(day));
    fields
}

fn recurring(day: Date) -> Fields {
    let mut fields = fields([
        (Field::Subject, "Prüfserie 🔁 連続"),
        (Field::Sensitivity, "Private"),
        (Field::Body, "Drei Wochen lang ✅"),
        (Field::Reminder, "false"),
        (Field::FreeBusy, "Free"),
        (Field::Location, "Straße 1, Zürich 🏔"),
    ]);
    fields.extend(times(day));
    fields
}

/// Noon in UTC, when it is the same day almost everywhere.
fn times(day: Date) -> [(Field, String); 2] {
    let at = |minute| format!("{}Z", day.at(12, minute, 0, 0));
    [(Field::Start, at(0)), (Field::End, at(30))]
}

fn weekday(day: Date) -> &'static str {
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    match day.weekday() {
        Monday => "Monday",
        Tuesday => "Tuesday",
        Wednesday => "Wednesday",
        Thursday => "Thursday",
        Friday => "Friday",
        Saturday => "Saturday",
        Sunday => "Sunday",
    }
}

/// What differs between what was written and what came back, one sentence each.
pub(super) fn compare(made: &NewItem, found: &Fields) -> Vec<String> {
    let series = made.series.as_ref().map(|series| (Field::Recurrence, series.to_string()));
    let wanted = made.fields.iter().map(|(field, value)| (*field, value.clone())).chain(series);
    wanted
        .filter_map(|(field, wanted)| differs(field, &wanted, found.get(&field)?))
        .chain(missing(made, found))
        .collect()
}

fn missing(made: &NewItem, found: &Fields) -> Vec<String> {
    let series = made.series.as_ref().map(|_| Field::Recurrence);
    let wanted = made.fields.keys().copied().chain(series).filter(|field| !found.contains_key(field));
    // What is not set is left out by some servers.
    let wanted = wanted.filter(|field| made.fields.get(field).is_none_or(|value| value != "false"));
    wanted.map(|field| format!("the {} is missing", field.name())).collect()
}

fn differs(field: Field, wanted: &str, found: &str) -> Option<String> {
    let (wanted, found) = (same_form(field, wanted), same_form(field, found));
    if wanted == found {
        return None;
    }
    let name = field.name();
    if field != Field::Body {
        return Some(format!("the {name} is \"{}\" instead of \"{}\"", shown(&found), shown(&wanted)));
    }
    let same = wanted.chars().zip(found.chars()).take_while(|(wanted, found)| wanted == found).count();
    let count = |text: &str| text.chars().count();
    Some(format!(
        "the {name} has {} characters instead of {} and is the same up to character {same}",
        count(&found),
        count(&wanted)
    ))
}

/// The form in which values are compared: what servers may write in several ways, written in one.
fn same_form(field: Field, value: &str) -> String {
    match field {
        Field::Start | Field::End => instant(value).map_or_else(|| value.to_owned(), |time| time.to_string()),
        Field::Reminder => match value.trim() {
            "1" => "true".into(),
            "0" => "false".into(),
            other => other.into(),
        },
        _ => {
            let lines: Vec<_> = value.lines().map(str::trim_end).collect();
            lines.join("\n").trim().to_owned()
        }
    }
}

/// A time in UTC; one without a zone is meant in UTC, as the appointment's zone is.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| civil().map(|time| time.timestamp()))
}

fn shown(text: &str) -> String {
    const LONG: usize = 60;
    let mut shown: String = text.chars().take(LONG).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONG).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: Kind) -> [NewItem; 2] {
        kind.new_items(&RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 1))
    }

    #[test]
    fn other_forms_of_the_same_are_no_difference() {
        let [appointment, recurring] = made(Kind::Calendar);
        let mut found = appointment.fields.clone();
        found.insert(Field::Start, "2027-12-26T13:00:00+01:00".into());
        found.insert(Field::End, "2027-12-26T12:30:00".into());
        found.insert(Field::Body, "Kein Teilnehmer, keine Erinnerung ✅ \r\n\r\n".into());
        found.remove(&Field::Reminder);
        assert_eq!(compare(&appointment, &found), [""; 0]);
        let mut found = recurring.fields.clone();
        found.insert(Field::Recurrence, "weekly, every 1, Sunday, from 2027-12-26, 3 times".into());
        assert_eq!(compare(&recurring, &found), [""; 0]);
    }

    #[test]
    fn each_difference_is_a_sentence() {
        let [contact, note] = made(Kind::Contacts);
        let mut found = contact.fields.clone();
        found.insert(Field::GivenName, "Zo? ?".into());
        found.remove(&Field::City);
        let said = compare(&contact, &found);
        assert_eq!(said, ["the given name is \"Zo? ?\" instead of \"Zoë 🙂\"", "the city is missing"]);
        let mut found = note.fields.clone();
        let half: String = found[&Field::Body].chars().take(32_768).collect();
        found.insert(Field::Body, half);
        assert!(compare(&note, &found)[0].contains("is the same up to character 32768"));
    }

    #[test]
    fn a_note_is_long_and_a_contact_has_no_plain_text() {
        let [contact, note] = made(Kind::Contacts);
        assert!(note.fields[&Field::Body].len() >= NOTE);
        let plain =
            [Field::Sensitivity, Field::Email, Field::PostalCode, Field::BusinessPhone, Field::MobilePhone];
        for (field, value) in contact.fields.iter().filter(|(field, _)| !plain.contains(field)) {
            assert!(!value.is_ascii(), "{field:?}");
        }
    }
}
