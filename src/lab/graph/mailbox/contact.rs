//! A contact, between the store and its form in Graph.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::change::{Field, change_key, to_text, wrong};
use super::list::EXTENDED;
use super::prefer::Prefer;
use super::{extended, times};
use crate::lab::graph::error::Refusal;
use crate::lab::store::{
    Address, Body, Contact, ContactText, Content, Email, Item, Kind, Mailbox, Phone, Place,
};

/// Properties that are one text.
const TEXTS: &[(&str, ContactText)] = &[
    ("assistantName", ContactText::Assistant),
    ("businessHomePage", ContactText::HomePage),
    ("companyName", ContactText::Company),
    ("department", ContactText::Department),
    ("displayName", ContactText::DisplayName),
    ("fileAs", ContactText::FileAs),
    ("generation", ContactText::Generation),
    ("givenName", ContactText::GivenName),
    ("initials", ContactText::Initials),
    ("jobTitle", ContactText::JobTitle),
    ("manager", ContactText::Manager),
    ("middleName", ContactText::MiddleName),
    ("nickName", ContactText::Nickname),
    ("officeLocation", ContactText::Office),
    ("profession", ContactText::Profession),
    ("spouseName", ContactText::Spouse),
    ("surname", ContactText::Surname),
    ("title", ContactText::Title),
];
const ADDRESSES: &[(&str, Place)] =
    &[("businessAddress", Place::Business), ("homeAddress", Place::Home), ("otherAddress", Place::Other)];
const PHONES: &[(&str, [Phone; 2])] =
    &[("businessPhones", [Phone::Business, Phone::Business2]), ("homePhones", [Phone::Home, Phone::Home2])];
/// Properties that the store keeps as Graph wrote them.
const KEPT: &[&str] = &["yomiCompanyName", "yomiGivenName", "yomiSurname"];
/// What only the service sets.
const READ_ONLY: &[&str] = &["id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId"];

/// A new contact.
pub(super) fn new(body: &Map<String, Value>) -> Result<Content, Refusal> {
    let mut content =
        Content { class: "IPM.Contact".into(), kind: Kind::Contact(Box::default()), ..Content::default() };
    set(&mut content, body)?;
    let Kind::Contact(contact) = &mut content.kind else { return Ok(content) };
    let (given, surname) =
        (contact.text(ContactText::GivenName).to_owned(), contact.text(ContactText::Surname).to_owned());
    if !body.contains_key("displayName") {
        contact.set(ContactText::DisplayName, format!("{given} {surname}").trim());
    }
    if !body.contains_key("fileAs") {
        let filed = if surname.is_empty() || given.is_empty() {
            contact.text(ContactText::DisplayName).to_owned()
        } else {
            format!("{surname}, {given}")
        };
        contact.set(ContactText::FileAs, &filed);
    }
    contact.text(ContactText::DisplayName).clone_into(&mut content.subject);
    Ok(content)
}

/// Changes what a body names.
pub(super) fn set(content: &mut Content, body: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in body.iter().filter(|(name, _)| !name.contains('@')) {
        let field = Field { name, value };
        match name.as_str() {
            "categories" => content.categories = field.texts()?,
            "personalNotes" => {
                let text = field.text()?;
                content.body = (!text.is_empty()).then(|| Body { html: false, text: text.to_owned() });
            }
            EXTENDED => {
                extended::read(&field)?.into_iter().for_each(|property| content.extended.set(property));
            }
            kept if KEPT.contains(&kept) => {
                content.rest.insert(format!("graph:{kept}"), field.text()?.to_owned());
            }
            "children" => {
                content.rest.insert("graph:children".into(), json!(field.texts()?).to_string());
            }
            known if READ_ONLY.contains(&known) => {}
            _ => {
                if let Kind::Contact(contact) = &mut content.kind {
                    set_own(contact, &field)?;
                }
            }
        }
    }
    if let Kind::Contact(contact) = &content.kind {
        contact.text(ContactText::DisplayName).clone_into(&mut content.subject);
    }
    Ok(())
}

fn set_own(contact: &mut Contact, field: &Field) -> Result<(), Refusal> {
    if let Some((_, which)) = TEXTS.iter().find(|(name, _)| *name == field.name) {
        contact.set(*which, field.text()?);
    } else if let Some((_, place)) = ADDRESSES.iter().find(|(name, _)| *name == field.name) {
        let address = address(field)?;
        if address == Address::default() {
            contact.addresses.remove(place);
        } else {
            contact.addresses.insert(*place, address);
        }
    } else if let Some((_, phones)) = PHONES.iter().find(|(name, _)| *name == field.name) {
        let numbers = field.texts()?;
        if numbers.len() > phones.len() {
            return Err(wrong(field.name));
        }
        for (place, phone) in phones.iter().enumerate() {
            set_phone(contact, *phone, numbers.get(place).map_or("", String::as_str));
        }
    } else {
        match field.name {
            "mobilePhone" => set_phone(contact, Phone::Mobile, field.text()?),
            "imAddresses" => contact.im = field.texts()?,
            "birthday" => contact.birthday = birthday(field)?,
            "emailAddresses" => contact.emails = emails(field)?,
            _ => {}
        }
    }
    Ok(())
}

fn set_phone(contact: &mut Contact, phone: Phone, number: &str) {
    if number.is_empty() {
        contact.phones.remove(&phone);
    } else {
        contact.phones.insert(phone, number.to_owned());
    }
}

fn birthday(field: &Field) -> Result<Option<Timestamp>, Refusal> {
    match field.text()? {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| wrong(field.name)),
    }
}

fn emails(field: &Field) -> Result<[Option<Email>; 3], Refusal> {
    let listed = field.list()?;
    let mut found = [None, None, None];
    if listed.len() > found.len() {
        return Err(wrong(field.name));
    }
    for (place, entry) in found.iter_mut().zip(listed) {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let (name, address) = (text("name"), text("address"));
        *place = (!address.is_empty()).then_some(Email { name, address });
    }
    Ok(found)
}

fn address(field: &Field) -> Result<Address, Refusal> {
    if !matches!(field.value, Value::Null | Value::Object(_)) {
        return Err(wrong(field.name));
    }
    let text = |name: &str| field.value[name].as_str().unwrap_or_default().to_owned();
    Ok(Address {
        street: text("street"),
        city: text("city"),
        state: text("state"),
        country: text("countryOrRegion"),
        postal_code: text("postalCode"),
    })
}

fn address_row(address: &Address) -> Value {
    let mut row = Map::new();
    for (name, text) in [
        ("street", &address.street),
        ("city", &address.city),
        ("state", &address.state),
        ("countryOrRegion", &address.country),
        ("postalCode", &address.postal_code),
    ] {
        if !text.is_empty() {
            row.insert(name.into(), text.as_str().into());
        }
    }
    Value::Object(row)
}

/// A contact as a row.
pub(super) fn row(mailbox: &Mailbox, item: &Item, prefer: &Prefer) -> Value {
    let key = change_key(mailbox, item.change);
    let content = &item.content;
    let notes = content
        .body
        .as_ref()
        .map_or(String::new(), |body| if body.html { to_text(&body.text) } else { body.text.clone() });
    let mut row = json!({ "@odata.etag": format!("W/\"{key}\""), "id": if prefer.immutable { &item.immutable_id } else { &item.id },
        "createdDateTime": times::utc(item.created), "lastModifiedDateTime": times::utc(item.modified),
        "changeKey": key, "categories": content.categories, "parentFolderId": item.folder,
        "personalNotes": notes, EXTENDED: extended::rows(&content.extended) });
    let children = content.rest.get("graph:children").and_then(|text| serde_json::from_str(text).ok());
    row["children"] = children.unwrap_or_else(|| json!([]));
    for name in KEPT {
        row[*name] = json!(content.rest.get(&format!("graph:{name}")));
    }
    if let Some(contact) = content.kind.contact() {
        fill(&mut row, contact);
    }
    row
}

fn fill(row: &mut Value, contact: &Contact) {
    for (name, which) in TEXTS {
        row[*name] = json!(contact.texts.get(which));
    }
    for (name, place) in ADDRESSES {
        row[*name] = contact.addresses.get(place).map_or_else(|| json!({}), address_row);
    }
    for (name, phones) in PHONES {
        row[*name] =
            phones.iter().filter_map(|phone| contact.phones.get(phone)).map(String::as_str).collect();
    }
    row["mobilePhone"] = json!(contact.phones.get(&Phone::Mobile));
    row["imAddresses"] = json!(contact.im);
    row["birthday"] = json!(contact.birthday.map(times::utc));
    let emails = contact.emails.iter().flatten();
    row["emailAddresses"] = emails
        .map(|email| {
            let name = if email.name.is_empty() { &email.address } else { &email.name };
            json!({ "name": name, "address": email.address })
        })
        .collect();
}
