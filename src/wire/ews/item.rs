//! Contacts and appointments as Exchange Web Services write them, field by field.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::super::soap::{child, is_exchange};
use super::element::{Element, element, text};
use super::reading::whole_text;

/// Which of the two an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A contact.
    Contact,
    /// An appointment.
    Appointment,
}

/// A field of an item, in the order of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Subject.
    Subject,
    /// Sensitivity.
    Sensitivity,
    /// Body, as plain text.
    Body,
    /// Whether a reminder is set.
    Reminder,
    /// Name that a contact is filed under.
    FileAs,
    /// Display name.
    DisplayName,
    /// Given name.
    GivenName,
    /// Middle name.
    MiddleName,
    /// Company.
    Company,
    /// First e-mail address.
    Email,
    /// Street of the business address.
    Street,
    /// City of the business address.
    City,
    /// Country of the business address.
    Country,
    /// Postal code of the business address.
    PostalCode,
    /// Business phone.
    BusinessPhone,
    /// Mobile phone.
    MobilePhone,
    /// Department.
    Department,
    /// Job title.
    JobTitle,
    /// Surname.
    Surname,
    /// Beginning.
    Start,
    /// End.
    End,
    /// How the time is shown to others.
    FreeBusy,
    /// Place.
    Location,
    /// Series, in words that are the same for the same series.
    Recurrence,
}

/// All fields, in the order of the schema.
const ALL: [Field; 24] = [
    Field::Subject,
    Field::Sensitivity,
    Field::Body,
    Field::Reminder,
    Field::FileAs,
    Field::DisplayName,
    Field::GivenName,
    Field::MiddleName,
    Field::Company,
    Field::Email,
    Field::Street,
    Field::City,
    Field::Country,
    Field::PostalCode,
    Field::BusinessPhone,
    Field::MobilePhone,
    Field::Department,
    Field::JobTitle,
    Field::Surname,
    Field::Start,
    Field::End,
    Field::FreeBusy,
    Field::Location,
    Field::Recurrence,
];

/// The values of an item's fields.
pub type Fields = BTreeMap<Field, String>;

/// How a field is reached.
enum Path {
    /// An element of its own.
    Plain(&'static str, &'static str),
    /// An entry of a dictionary: field, key, dictionary, and the part of an address.
    Entry(&'static str, &'static str, &'static str, Option<&'static str>),
}

impl Field {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Sensitivity => "sensitivity",
            Self::Body => "body",
            Self::Reminder => "reminder",
            Self::FileAs => "file-as name",
            Self::DisplayName => "display name",
            Self::GivenName => "given name",
            Self::MiddleName => "middle name",
            Self::Company => "company",
            Self::Email => "e-mail address",
            Self::Street => "street",
            Self::City => "city",
            Self::Country => "country",
            Self::PostalCode => "postal code",
            Self::BusinessPhone => "business phone",
            Self::MobilePhone => "mobile phone",
            Self::Department => "department",
            Self::JobTitle => "job title",
            Self::Surname => "surname",
            Self::Start => "start",
            Self::End => "end",
            Self::FreeBusy => "free/busy status",
            Self::Location => "location",
            Self::Recurrence => "recurrence",
        }
    }

    fn path(self) -> Path {
        use Path::{Entry, Plain};
        match self {
            Self::Subject => Plain("item:Subject", "t:Subject"),
            Self::Sensitivity => Plain("item:Sensitivity", "t:Sensitivity"),
            Self::Body => Plain("item:Body", "t:Body"),
            Self::Reminder => Plain("item:ReminderIsSet", "t:ReminderIsSet"),
            Self::FileAs => Plain("contacts:FileAs", "t:FileAs"),
            Self::DisplayName => Plain("contacts:DisplayName", "t:DisplayName"),
            Self::GivenName => Plain("contacts:GivenName", "t:GivenName"),
            Self::MiddleName => Plain("contacts:MiddleName", "t:MiddleName"),
            Self::Company => Plain("contacts:CompanyName", "t:CompanyName"),
            Self::Email => Entry("contacts:EmailAddress", "EmailAddress1", "t:EmailAddresses", None),
            Self::Street => address("contacts:PhysicalAddress:Street", "t:Street"),
            Self::City => address("contacts:PhysicalAddress:City", "t:City"),
            Self::Country => address("contacts:PhysicalAddress:CountryOrRegion", "t:CountryOrRegion"),
            Self::PostalCode => address("contacts:PhysicalAddress:PostalCode", "t:PostalCode"),
            Self::BusinessPhone => phone("BusinessPhone"),
            Self::MobilePhone => phone("MobilePhone"),
            Self::Department => Plain("contacts:Department", "t:Department"),
            Self::JobTitle => Plain("contacts:JobTitle", "t:JobTitle"),
            Self::Surname => Plain("contacts:Surname", "t:Surname"),
            Self::Start => Plain("calendar:Start", "t:Start"),
            Self::End => Plain("calendar:End", "t:End"),
            Self::FreeBusy => Plain("calendar:LegacyFreeBusyStatus", "t:LegacyFreeBusyStatus"),
            Self::Location => Plain("calendar:Location", "t:Location"),
            Self::Recurrence => Plain("calendar:Recurrence", "t:Recurrence"),
        }
    }

    /// The element that names this field.
    pub(super) fn uri(self) -> Element {
        match self.path() {
            Path::Plain(uri, _) => element("t:FieldURI").attribute("FieldURI", uri),
            Path::Entry(uri, key, ..) => {
                element("t:IndexedFieldURI").attribute("FieldURI", uri).attribute("FieldIndex", key)
            }
        }
    }
}

fn address(uri: &'static str, part: &'static str) -> Path {
    Path::Entry(uri, "Business", "t:PhysicalAddresses", Some(part))
}

fn phone(key: &'static str) -> Path {
    Path::Entry("contacts:PhoneNumber", key, "t:PhoneNumbers", None)
}

/// A weekly series on one day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weekly {
    /// Day of the week, in English.
    pub day: &'static str,
    /// First day.
    pub from: jiff::civil::Date,
    /// How often.
    pub times: u32,
}

impl std::fmt::Display for Weekly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "weekly, every 1, {}, from {}, {} times", self.day, self.from, self.times)
    }
}

/// An item to be made.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// Contact or appointment.
    pub kind: ItemKind,
    /// Its fields.
    pub fields: Fields,
    /// Its series; appointments only.
    pub series: Option<Weekly>,
    /// Property that marks it, with its value.
    pub marked: (super::operation::Property, String),
}

impl ItemKind {
    fn element(self) -> Element {
        element(match self {
            Self::Contact => "t:Contact",
            Self::Appointment => "t:CalendarItem",
        })
    }
}

/// The element of a new item.
pub(super) fn write_new(item: &NewItem) -> Element {
    let (base, own): (Vec<_>, Vec<_>) = item
        .fields
        .iter()
        .map(|(field, value)| (*field, value.as_str()))
        .partition(|(field, _)| *field < Field::FileAs);
    let (property, value) = &item.marked;
    let marker = element("t:ExtendedProperty").with(property.uri()).with(text("t:Value", value));
    let mut written = item.kind.element().with_all(group(&base)).with(marker).with_all(group(&own));
    if let Some(series) = &item.series {
        written = written.with(write_series(series));
    }
    if item.kind == ItemKind::Appointment {
        let zone = |name| element(name).attribute("Id", "UTC");
        written = written.with(zone("t:StartTimeZone")).with(zone("t:EndTimeZone"));
    }
    written
}

/// The element of an item that holds nothing but one field.
pub(super) fn write_one(kind: ItemKind, field: Field, value: &str) -> Element {
    kind.element().with_all(group(&[(field, value)]))
}

/// Fields in the order of the schema, entries of the same dictionary together.
fn group(fields: &[(Field, &str)]) -> Vec<Element> {
    let mut written: Vec<Element> = Vec::new();
    for (field, value) in fields {
        match field.path() {
            Path::Plain(_, name) => {
                let one = text(name, value);
                written.push(if *field == Field::Body { one.attribute("BodyType", "Text") } else { one });
            }
            Path::Entry(_, key, dictionary, part) => {
                if written.last().is_none_or(|last| last.name() != dictionary) {
                    written.push(element(dictionary));
                }
                if let Some(dictionary) = written.last_mut() {
                    add_entry(dictionary, key, part, value);
                }
            }
        }
    }
    written
}

fn add_entry(dictionary: &mut Element, key: &'static str, part: Option<&'static str>, value: &str) {
    let Some(part) = part else { return dictionary.push(text("t:Entry", value).attribute("Key", key)) };
    match dictionary.last_mut() {
        Some(entry) => entry.push(text(part, value)),
        None => dictionary.push(element("t:Entry").attribute("Key", key).with(text(part, value))),
    }
}

fn write_series(series: &Weekly) -> Element {
    element("t:Recurrence")
        .with(
            element("t:WeeklyRecurrence")
                .with(text("t:Interval", "1"))
                .with(text("t:DaysOfWeek", series.day)),
        )
        .with(
            element("t:NumberedRecurrence")
                .with(text("t:StartDate", series.from.to_string()))
                .with(text("t:NumberOfOccurrences", series.times.to_string())),
        )
}

/// The fields that an answer's item holds.
pub(super) fn read_fields(item: Node<'_, '_>) -> Fields {
    let mut fields = Fields::new();
    for field in ALL {
        let value = match field.path() {
            Path::Plain(_, "t:Recurrence") => part(item, "Recurrence").map(read_series),
            Path::Plain(_, name) => part(item, local(name)).map(whole_text),
            Path::Entry(_, key, dictionary, inner) => {
                let entry = part(item, local(dictionary)).and_then(|node| {
                    child(node, |node| is_exchange(node, "Entry") && node.attribute("Key") == Some(key))
                });
                match inner {
                    Some(inner) => entry.and_then(|node| part(node, local(inner))).map(whole_text),
                    None => entry.map(whole_text),
                }
            }
        };
        if let Some(value) = value {
            fields.insert(field, value);
        }
    }
    fields
}

fn part<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    child(node, |node| is_exchange(node, name))
}

fn local(name: &'static str) -> &'static str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// A series in the words of [`Weekly`], whatever its pattern and its range.
fn read_series(node: Node<'_, '_>) -> String {
    let said = |node: Node<'_, '_>, name: &str| part(node, name).map(whole_text);
    let elements = || node.children().filter(Node::is_element);
    let pattern = elements().find_map(|node| {
        let kind = node.tag_name().name().strip_suffix("Recurrence")?;
        let interval = said(node, "Interval")?;
        let days = said(node, "DaysOfWeek").map(|days| format!(", {days}")).unwrap_or_default();
        Some(format!("{}, every {interval}{days}", kind.to_ascii_lowercase()))
    });
    let range = elements().find_map(|node| {
        let from = said(node, "StartDate")?;
        // A date may carry a time zone.
        let from: String = from.chars().take(10).collect();
        let end = said(node, "NumberOfOccurrences").map(|times| format!("{times} times"));
        let until = || said(node, "EndDate").map(|date| format!("until {date}"));
        Some(format!("from {from}, {}", end.or_else(until).unwrap_or_else(|| "without an end".into())))
    });
    format!(
        "{}, {}",
        pattern.unwrap_or_else(|| "no pattern".into()),
        range.unwrap_or_else(|| "no range".into())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_reads_as_it_was_written() {
        let weekly = Weekly { day: "Monday", from: jiff::civil::date(2027, 1, 4), times: 3 };
        let xml = "<Recurrence><WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday</DaysOfWeek>\
            <FirstDayOfWeek>Sunday</FirstDayOfWeek></WeeklyRecurrence><NumberedRecurrence><StartDate>2027-01-04+01:00</StartDate>\
            <NumberOfOccurrences>3</NumberOfOccurrences></NumberedRecurrence></Recurrence>";
        let document = roxmltree::Document::parse(xml).expect("XML");
        assert_eq!(read_series(document.root_element()), weekly.to_string());
        let other = roxmltree::Document::parse("<Recurrence><Odd/></Recurrence>").expect("XML");
        assert_eq!(read_series(other.root_element()), "no pattern, no range");
    }

    #[test]
    fn every_field_is_listed_once_and_in_order() {
        assert!(ALL.is_sorted());
        assert_eq!(ALL.iter().collect::<std::collections::BTreeSet<_>>().len(), ALL.len());
    }
}
