//! The items of a test and how they must come back. All are private, free, without reminder and without
//! attendees, and addresses lie in a domain that cannot exist.

use jiff::{SignedDuration, tz::TimeZone};
use serde_json::{Value, json};

use super::kind::marker;
use crate::sync::{Kind, RunId};
use crate::wire::graph::Id;

/// Bytes of the long note.
const NOTE: usize = 100 << 10;

/// Days from the run's beginning to its appointments: far enough for nobody to see them come up.
const DAYS_AHEAD: i64 = 400;

/// One item of a test.
#[derive(Debug, Clone)]
pub struct Item {
    /// As the subject of its steps.
    pub subject: &'static str,
    /// What is sent to make it.
    pub body: Value,
    /// Its id, once it is made.
    pub id: Option<Id>,
    /// Its current change key.
    pub etag: Option<String>,
}

impl Item {
    fn new(subject: &'static str, body: Value, run: &RunId) -> Self {
        let mut body = body;
        body["singleValueExtendedProperties"] = marker(run);
        Self { subject, body, id: None, etag: None }
    }

    /// Takes id and change key of what the server says it made.
    pub fn made(&mut self, object: &Value) -> bool {
        self.id = Id::of(object);
        self.etag = etag(object);
        self.id.is_some()
    }

    /// The field by which it is found again.
    pub fn name(&self, kind: Kind) -> Option<&str> {
        self.body.get(kind.item_name())?.as_str()
    }
}

/// The change key of an object.
pub fn etag(object: &Value) -> Option<String> {
    let etag = object.get("@odata.etag")?.as_str()?;
    (!etag.is_empty() && etag.len() <= 1000).then(|| etag.to_owned())
}

/// The items of a chain; the first is the one that is changed and deleted.
pub fn items(kind: Kind, run: &RunId) -> Vec<Item> {
    let bodies = match kind {
        Kind::Contacts => [contact(), note()],
        Kind::Calendar => [appointment(run), recurring(run)],
    };
    kind.item_subjects()
        .into_iter()
        .zip(bodies)
        .map(|(subject, body)| Item::new(subject, body, run))
        .collect()
}

fn contact() -> Value {
    json!({
        "givenName": "Zoë",
        "middleName": "Ødegård",
        "surname": "Тест-測試",
        "displayName": "Zoë Тест-測試 🧪",
        "fileAs": "Тест-測試, Zoë",
        "nickName": "Zoé 👩🏽‍🔬",
        "companyName": "Fabrikam Prüfstand GmbH & Co. <KG>",
        "department": "Überprüfung",
        "jobTitle": "before the change",
        "emailAddresses": [{ "name": "Zoë", "address": "zoe.test@example.invalid" }],
        "businessPhones": ["+1 425 555 0100"],
        "mobilePhone": "+49 30 5550100",
        "businessAddress": {
            "street": "Straße des 17. Juni 135", "city": "Zürich", "postalCode": "00100",
            "countryOrRegion": "Österreich"
        },
        "personalNotes": "One line.\nAnother, with ümlauts, 漢字 and 🎈."
    })
}

fn note() -> Value {
    let line = "0123456789 äöü 漢字 🎈 a long note that a test sync writes and removes again.\n";
    let mut text = line.repeat(NOTE / line.len() + 1);
    text.push_str("The end.");
    json!({ "displayName": "A long note", "givenName": "A", "surname": "Note", "personalNotes": text })
}

fn appointment(run: &RunId) -> Value {
    let mut body = event(run, "Appointment Тест-測試 🧪", 10, 1);
    body["body"] = json!({ "contentType": "text", "content": "Ümlauts, 漢字 and 🎈." });
    body["location"] = json!({ "displayName": "Besprechungsraum Süd <3>" });
    body
}

fn recurring(run: &RunId) -> Value {
    let mut body = event(run, "Recurring appointment ♻", 13, 2);
    let day = start(run).date();
    let weekday = match day.weekday() {
        jiff::civil::Weekday::Monday => "monday",
        jiff::civil::Weekday::Tuesday => "tuesday",
        jiff::civil::Weekday::Wednesday => "wednesday",
        jiff::civil::Weekday::Thursday => "thursday",
        jiff::civil::Weekday::Friday => "friday",
        jiff::civil::Weekday::Saturday => "saturday",
        jiff::civil::Weekday::Sunday => "sunday",
    };
    body["recurrence"] = json!({
        "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": [weekday] },
        "range": { "type": "numbered", "startDate": day.to_string(), "numberOfOccurrences": 2,
                   "recurrenceTimeZone": "UTC" }
    });
    body
}

/// The same transaction for the same run: the service makes no second event of it.
fn event(run: &RunId, subject: &str, hour: i8, number: u8) -> Value {
    let day = start(run).date();
    let at = |hour: i8| json!({ "dateTime": format!("{day}T{hour:02}:00:00"), "timeZone": "UTC" });
    json!({
        "subject": subject,
        "start": at(hour),
        "end": at(hour + 1),
        "isAllDay": false,
        "showAs": "free",
        "sensitivity": "private",
        "isReminderOn": false,
        "transactionId": format!("syncready {run} {number}"),
    })
}

fn start(run: &RunId) -> jiff::Zoned {
    let began = run.began();
    let then = began.checked_add(SignedDuration::from_hours(24 * DAYS_AHEAD)).unwrap_or(began);
    then.to_zoned(TimeZone::UTC)
}

/// The time in which all events of a run lie: from and until.
pub fn window(run: &RunId) -> (String, String) {
    let day = start(run).date();
    let until = day.checked_add(jiff::Span::new().days(30)).unwrap_or(day);
    (format!("{day}T00:00:00Z"), format!("{until}T00:00:00Z"))
}

/// What changes an item, and the field by which it shows.
pub fn change(kind: Kind, text: &str) -> (&'static str, Value) {
    match kind {
        Kind::Contacts => ("jobTitle", json!({ "jobTitle": text })),
        Kind::Calendar => ("subject", json!({ "subject": text })),
    }
}

/// What differs between what was sent and what came back, one sentence each.
pub fn differences(sent: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, expected) in sent.as_object().into_iter().flatten() {
        match name.as_str() {
            "singleValueExtendedProperties" if super::kind::marked(sent) != super::kind::marked(found) => {
                differences.push("the marker did not come back".into());
            }
            // Not every service tells the transaction again.
            "singleValueExtendedProperties" | "transactionId" => {}
            _ => compare(name, expected, found.get(name).unwrap_or(&Value::Null), &mut differences),
        }
    }
    differences
}

fn compare(name: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(_)) => {
            for (inner, expected) in expected {
                let found = found.get(inner).unwrap_or(&Value::Null);
                compare(&format!("{name}.{inner}"), expected, found, differences);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{name}[{at}]"), expected, found, differences);
            }
        }
        (Value::String(expected), Value::String(found)) if same(name, expected, found) => {}
        (expected, found) if expected == found => {}
        (expected, found) => {
            differences.push(format!("{name} is {} instead of {}", shown(found), shown(expected)));
        }
    }
}

/// Whether two texts mean the same: line ends, space at the end, and the fraction of a time may differ.
fn same(name: &str, expected: &str, found: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    let (expected, found) = (plain(expected), plain(found));
    if name.ends_with(".dateTime") {
        let whole = |text: &str| text.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned();
        return whole(&expected) == whole(&found);
    }
    if name.ends_with("imeZone") {
        return expected.eq_ignore_ascii_case(&found);
    }
    expected == found
}

/// A value in words; a long text by its length.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "missing".into(),
        Value::String(text) if text.chars().count() > 60 => format!("a text of {} bytes", text.len()),
        other => {
            let text = other.to_string();
            if text.len() > 200 { format!("something of {} bytes", text.len()) } else { text }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 0x1b9d_6bcd)
    }

    #[test]
    fn no_item_invites_reminds_or_shows_anybody_anything() {
        for item in items(Kind::Calendar, &run()) {
            assert_eq!(item.body.get("attendees"), None);
            assert_eq!(item.body["isReminderOn"], false);
            assert_eq!(item.body["showAs"], "free");
            assert_eq!(item.body["sensitivity"], "private");
        }
        for kind in [Kind::Contacts, Kind::Calendar] {
            for item in items(kind, &run()) {
                assert_eq!(super::super::kind::marked(&item.body), Some(run()), "{}", item.subject);
            }
        }
    }

    #[test]
    fn what_comes_back_as_services_write_it_is_the_same() {
        let sent = appointment(&run());
        let mut found = sent.clone();
        found["start"]["dateTime"] = "2027-12-26T10:00:00.0000000".into();
        found["body"]["content"] = "Ümlauts, 漢字 and 🎈.\r\n".into();
        found["transactionId"] = Value::Null;
        assert_eq!(differences(&sent, &found), Vec::<String>::new());
    }

    #[test]
    fn each_field_that_differs_is_named() {
        let sent = contact();
        let mut found = sent.clone();
        found["displayName"] = "Zo? ????".into();
        found["emailAddresses"][0]["address"] = Value::Null;
        found["businessPhones"] = json!([]);
        let differences = differences(&sent, &found);
        assert_eq!(
            differences,
            [
                r#"businessPhones is [] instead of ["+1 425 555 0100"]"#,
                r#"displayName is "Zo? ????" instead of "Zoë Тест-測試 🧪""#,
                r#"emailAddresses[0].address is missing instead of "zoe.test@example.invalid""#,
            ]
        );
        let cut = json!({ "personalNotes": "x".repeat(1000) });
        let note = note();
        assert!(note["personalNotes"].as_str().is_some_and(|text| text.len() >= NOTE));
        assert!(super::differences(&note, &cut).iter().any(|text| text.contains("a text of 1000 bytes")));
    }

    #[test]
    fn a_missing_marker_differs() {
        let item = &items(Kind::Contacts, &run())[0];
        let mut found = item.body.clone();
        found["singleValueExtendedProperties"] = json!([]);
        assert_eq!(differences(&item.body, &found), ["the marker did not come back"]);
    }
}
