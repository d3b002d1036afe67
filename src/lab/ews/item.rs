//! Items on the wire: what a request says of them, and what an answer shows.

mod appointment;
mod contact;
mod read;
mod recurrence;
mod set;

use std::borrow::Cow;

use roxmltree::Node;

use super::folders::{self, change_key};
use super::paths::{Path, Shape, extended_xml};
use super::schema;
use super::times;
use super::xml::{TYPES, escape};
use crate::lab::levels::Level;
use crate::lab::store::{Importance, Item, Kind, Mailbox, Occurrence, Refusal, Sensitivity, Target};

pub(super) use self::appointment::busy_name;
pub(super) use self::contact::EMAILS;
pub(super) use self::read::{described, zoned};
pub(super) use self::recurrence::day_name;
pub(super) use self::set::{append, clear, set};

/// How much of an item an operation shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All: the operation names the item.
    Full,
    /// No bodies: the operation finds or synchronizes items.
    Listed,
}

/// An item, or an occurrence of one, that is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    mailbox: &'a Mailbox,
    item: &'a Item,
    occurrence: Option<Occurrence>,
}

impl<'a> Shown<'a> {
    /// An item as it is.
    pub(super) fn item(mailbox: &'a Mailbox, item: &'a Item) -> Self {
        Self { mailbox, item, occurrence: None }
    }

    /// One occurrence of a series.
    pub(super) fn occurrence(mailbox: &'a Mailbox, item: &'a Item, occurrence: Occurrence) -> Self {
        Self { mailbox, item, occurrence: Some(occurrence) }
    }

    /// What an id names.
    pub(super) fn of(mailbox: &'a Mailbox, id: &str) -> Result<Self, Refusal> {
        match mailbox.target(id)? {
            Target::Item(item) => Ok(Self::item(mailbox, item)),
            Target::Occurrence(item, day) => {
                let series = item.content.kind.appointment().ok_or(Refusal::NoItem)?;
                let all = series.occurrences(jiff::Timestamp::MIN, jiff::Timestamp::MAX, usize::MAX);
                let found = all.into_iter().find(|found| found.day == day).ok_or(Refusal::NoItem)?;
                Ok(Self::occurrence(mailbox, item, found))
            }
        }
    }

    fn id(&self) -> Cow<'a, str> {
        match self.occurrence {
            Some(found) => Cow::Owned(Mailbox::occurrence_id(&self.item.id, found.day)),
            None => Cow::Borrowed(&self.item.id),
        }
    }

    /// Id and change key as an element.
    pub(super) fn id_xml(&self) -> String {
        let kind = match element_of(&self.item.content.class) {
            "Contact" => 0x11,
            "CalendarItem" => 0x0f,
            "Task" => 0x13,
            _ => 0x09,
        };
        let key = change_key(self.mailbox, kind, self.item.change);
        format!("<t:ItemId Id=\"{}\" ChangeKey=\"{key}\"/>", self.id())
    }

    /// The element with nothing but the id.
    pub(super) fn only_id(&self) -> String {
        let element = element_of(&self.item.content.class);
        format!("<t:{element}>{}</t:{element}>", self.id_xml())
    }

    /// The element, its properties in the order of the schema.
    pub(super) fn element(&self, shape: &Shape, level: &Level, extent: Extent) -> String {
        let element = element_of(&self.item.content.class);
        let mut text = format!("<t:{element}>");
        for name in schema::order(element) {
            if name == "ItemId" {
                text += &self.id_xml();
            } else if name == "ExtendedProperty" {
                let own = &self.item.content.extended;
                text.extend(
                    shape.extended().filter_map(|(name, kind)| own.get(name, kind)).map(extended_xml),
                );
            } else if shape.shows(name, in_default(element, name)) {
                text += &self.property(name, shape, level, extent).unwrap_or_default();
            }
        }
        text + &format!("</t:{element}>")
    }

    fn property(&self, name: &str, shape: &Shape, level: &Level, extent: Extent) -> Option<String> {
        let hidden = matches!(name, "Body" | "TextBody" | "UniqueBody" | "NormalizedBody");
        if hidden && extent == Extent::Listed {
            return None;
        }
        match name {
            "ParentFolderId" => Some(folders::id_xml(self.mailbox, name, &self.item.folder)),
            "Body" => Some(self.body(shape)),
            "EffectiveRights" => Some(format!("<t:{name}>{}</t:{name}>", folders::rights(level))),
            "Categories" => {
                let all: String =
                    self.item.content.categories.iter().map(|one| element_text("String", one)).collect();
                (!all.is_empty()).then(|| format!("<t:Categories>{all}</t:Categories>"))
            }
            _ => self.special(name, shape).or_else(|| {
                let text = self.text(name)?;
                Some(element_text(name, &text))
            }),
        }
    }

    /// What is more than a text, by the kind of the item.
    fn special(&self, name: &str, shape: &Shape) -> Option<String> {
        let own = match &self.item.content.kind {
            Kind::Contact(contact) => contact::special(contact, name, shape),
            Kind::Appointment(series) => appointment::special(self, series, name),
            Kind::Other => None,
        };
        own.or_else(|| self.item.content.rest.get(&format!("ews:{name}")).cloned())
    }

    fn body(&self, shape: &Shape) -> String {
        let Some(body) = &self.item.content.body else {
            return "<t:Body BodyType=\"Text\"/>".to_owned();
        };
        let (kind, text) = match (shape.body.as_str(), body.html) {
            ("Text", true) => ("Text", Cow::Owned(plain(&body.text))),
            ("HTML", false) => (
                "HTML",
                Cow::Owned(format!(
                    "<html><body><div>{}</div></body></html>",
                    escape(&body.text).replace('\n', "<br>\n")
                )),
            ),
            (_, html) => (if html { "HTML" } else { "Text" }, Cow::Borrowed(body.text.as_str())),
        };
        let limit = shape.body_limit.filter(|limit| *limit > 0 && *limit < text.chars().count());
        match limit {
            Some(limit) => {
                let cut: String = text.chars().take(limit).collect();
                format!("<t:Body BodyType=\"{kind}\" IsTruncated=\"true\">{}</t:Body>", escape(&cut))
            }
            None => format!("<t:Body BodyType=\"{kind}\" IsTruncated=\"false\">{}</t:Body>", escape(&text)),
        }
    }

    /// A property that is one text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let content = &self.item.content;
        let flag = |on: bool| Some(on.to_string());
        match name {
            "ItemClass" => Some(match self.occurrence {
                Some(_) => format!("{}.Occurrence", content.class),
                None => content.class.clone(),
            }),
            "ItemId" => Some(self.id().into_owned()),
            "ParentFolderId" => Some(self.item.folder.clone()),
            "Subject" => Some(content.subject.clone()).filter(|subject| !subject.is_empty()),
            "Sensitivity" => Some(sensitivity(content.sensitivity).to_owned()),
            "Importance" => Some(importance(content.importance).to_owned()),
            "Size" => Some(
                (1024 + content.subject.len() + content.body.as_ref().map_or(0, |body| body.text.len()))
                    .to_string(),
            ),
            "DateTimeCreated" | "DateTimeReceived" | "DateTimeSent" => Some(times::write(self.item.created)),
            "LastModifiedTime" => Some(times::write(self.item.modified)),
            "LastModifiedName" => Some(self.item.by.clone()).filter(|by| !by.is_empty()),
            "ReminderIsSet" => flag(content.reminder.on),
            "ReminderMinutesBeforeStart" => Some(content.reminder.minutes.to_string()),
            "HasAttachments" | "IsSubmitted" | "IsFromMe" | "IsResend" | "IsUnmodified" | "IsAssociated" => {
                flag(false)
            }
            "IsDraft" => flag(element_of(&content.class) == "Message"),
            "IsRead" => flag(content.read),
            "Culture" => Some("en-US".to_owned()),
            _ => match &content.kind {
                Kind::Contact(contact) => contact::text(contact, name),
                Kind::Appointment(series) => appointment::text(self, series, name),
                Kind::Other => None,
            },
        }
    }

    /// A property as text, for comparisons and sorting.
    pub(super) fn value(&self, path: &Path) -> Option<String> {
        match path {
            Path::Extended(name, kind) => {
                Some(self.item.content.extended.get(name, kind)?.values.first()?.clone())
            }
            Path::Indexed(uri, key) => contact::entry(self.item.content.kind.contact()?, uri, key),
            Path::Field(uri) if uri == "item:Body" => Some(self.item.content.body.as_ref()?.text.clone()),
            Path::Field(uri) if uri == "item:Categories" => Some(self.item.content.categories.join(";")),
            Path::Field(_) => self.text(path.element()).or_else(|| {
                // A field that only this protocol knows: its text without the element around it.
                let raw = self.item.content.rest.get(&format!("ews:{}", path.element()))?;
                Some(plain(raw))
            }),
        }
    }
}

/// Text without its tags.
fn plain(html: &str) -> String {
    let (mut text, mut inside) = (String::new(), false);
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn element_text(name: &str, text: &str) -> String {
    format!("<t:{name}>{}</t:{name}>", escape(text))
}

/// The element that stands for an item of a class.
pub(super) fn element_of(class: &str) -> &'static str {
    let class = class.to_ascii_lowercase();
    let is = |prefix: &str| class == prefix || class.starts_with(&format!("{prefix}."));
    if is("ipm.contact") {
        "Contact"
    } else if is("ipm.appointment") {
        "CalendarItem"
    } else if is("ipm.task") {
        "Task"
    } else if is("ipm.note") {
        "Message"
    } else {
        "Item"
    }
}

/// The class of an item that an element makes.
pub(super) fn class_of(element: &str) -> &'static str {
    match element {
        "Contact" => "IPM.Contact",
        "CalendarItem" => "IPM.Appointment",
        "Task" => "IPM.Task",
        _ => "IPM.Note",
    }
}

/// Properties of the default shape. Assumed where the documents list them differently by version.
fn in_default(element: &str, name: &str) -> bool {
    let common = matches!(
        name,
        "ParentFolderId"
            | "ItemClass"
            | "Subject"
            | "Sensitivity"
            | "Body"
            | "Size"
            | "Importance"
            | "DateTimeSent"
            | "DateTimeCreated"
            | "HasAttachments"
            | "Categories"
    );
    let own = match element {
        "Contact" => matches!(
            name,
            "FileAs"
                | "FileAsMapping"
                | "DisplayName"
                | "GivenName"
                | "CompleteName"
                | "CompanyName"
                | "EmailAddresses"
                | "PhysicalAddresses"
                | "PhoneNumbers"
                | "JobTitle"
                | "Surname"
        ),
        "CalendarItem" => matches!(
            name,
            "Start"
                | "End"
                | "LegacyFreeBusyStatus"
                | "Location"
                | "IsAllDayEvent"
                | "IsMeeting"
                | "IsRecurring"
                | "IsCancelled"
                | "CalendarItemType"
                | "Organizer"
                | "MyResponseType"
                | "Recurrence"
                | "FirstOccurrence"
                | "LastOccurrence"
                | "UID"
                | "ReminderIsSet"
        ),
        "Task" => matches!(name, "DueDate" | "PercentComplete" | "StartDate" | "Status"),
        _ => matches!(
            name,
            "ToRecipients" | "CcRecipients" | "From" | "IsRead" | "IsDraft" | "InternetMessageId"
        ),
    };
    common || own
}

fn sensitivity(value: Sensitivity) -> &'static str {
    match value {
        Sensitivity::Normal => "Normal",
        Sensitivity::Personal => "Personal",
        Sensitivity::Private => "Private",
        Sensitivity::Confidential => "Confidential",
    }
}

fn importance(value: Importance) -> &'static str {
    match value {
        Importance::Low => "Low",
        Importance::Normal => "Normal",
        Importance::High => "High",
    }
}

/// A child of the types namespace.
fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((TYPES, name)))
}

/// The text of a child; empty without one.
fn child_text<'a>(node: Node<'a, 'a>, name: &str) -> &'a str {
    child(node, name).and_then(|child| child.text()).unwrap_or_default()
}
