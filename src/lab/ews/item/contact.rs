//! Contacts on the wire.

use std::fmt::Write as _;

use super::element_text;
use crate::lab::ews::paths::Shape;
use crate::lab::ews::xml::escape;
use crate::lab::store::{Contact, ContactText, Email, Phone, Place};

/// Elements that are plain texts.
const TEXTS: &[(&str, ContactText)] = &[
    ("FileAs", ContactText::FileAs),
    ("DisplayName", ContactText::DisplayName),
    ("GivenName", ContactText::GivenName),
    ("Initials", ContactText::Initials),
    ("MiddleName", ContactText::MiddleName),
    ("Nickname", ContactText::Nickname),
    ("CompanyName", ContactText::Company),
    ("AssistantName", ContactText::Assistant),
    ("BusinessHomePage", ContactText::HomePage),
    ("Department", ContactText::Department),
    ("Generation", ContactText::Generation),
    ("JobTitle", ContactText::JobTitle),
    ("Manager", ContactText::Manager),
    ("OfficeLocation", ContactText::Office),
    ("Profession", ContactText::Profession),
    ("SpouseName", ContactText::Spouse),
    ("Surname", ContactText::Surname),
];

/// Keys of the e-mail addresses.
pub(in crate::lab::ews) const EMAILS: [&str; 3] = ["EmailAddress1", "EmailAddress2", "EmailAddress3"];

/// Keys of the addresses for instant messages.
pub(super) const IM: [&str; 3] = ["ImAddress1", "ImAddress2", "ImAddress3"];

/// Keys of the telephones.
pub(super) const PHONES: &[(&str, Phone)] = &[
    ("AssistantPhone", Phone::Assistant),
    ("BusinessFax", Phone::BusinessFax),
    ("BusinessPhone", Phone::Business),
    ("BusinessPhone2", Phone::Business2),
    ("Callback", Phone::Callback),
    ("CarPhone", Phone::Car),
    ("CompanyMainPhone", Phone::CompanyMain),
    ("HomeFax", Phone::HomeFax),
    ("HomePhone", Phone::Home),
    ("HomePhone2", Phone::Home2),
    ("Isdn", Phone::Isdn),
    ("MobilePhone", Phone::Mobile),
    ("OtherFax", Phone::OtherFax),
    ("OtherTelephone", Phone::Other),
    ("Pager", Phone::Pager),
    ("PrimaryPhone", Phone::Primary),
    ("RadioPhone", Phone::Radio),
    ("Telex", Phone::Telex),
    ("TtyTddPhone", Phone::TtyTdd),
];

/// Keys of the postal addresses.
pub(super) const PLACES: &[(&str, Place)] =
    &[("Business", Place::Business), ("Home", Place::Home), ("Other", Place::Other)];

/// The element of a text.
pub(super) fn text_of(element: &str) -> Option<ContactText> {
    TEXTS.iter().find(|(name, _)| *name == element).map(|(_, text)| *text)
}

/// The part of a name that has no element of its own.
pub(super) fn text(contact: &Contact, name: &str) -> Option<String> {
    if name == "Birthday" {
        return contact.birthday.map(crate::lab::ews::times::write);
    }
    let text = contact.text(text_of(name)?);
    (!text.is_empty()).then(|| text.to_owned())
}

/// One entry of a list, as text.
pub(super) fn entry(contact: &Contact, uri: &str, key: &str) -> Option<String> {
    if let Some(field) = uri.strip_prefix("contacts:PhysicalAddress:") {
        let place = PLACES.iter().find(|(name, _)| *name == key)?.1;
        let address = contact.addresses.get(&place)?;
        let found = parts(address).into_iter().find(|(name, _)| *name == field)?.1;
        return Some(found.clone());
    }
    let at = |keys: &[&str]| keys.iter().position(|name| *name == key);
    match uri {
        "contacts:EmailAddress" => Some(contact.emails.get(at(&EMAILS)?)?.as_ref()?.address.clone()),
        "contacts:ImAddress" => contact.im.get(at(&IM)?).cloned(),
        "contacts:PhoneNumber" => {
            contact.phones.get(&PHONES.iter().find(|(name, _)| *name == key)?.1).cloned()
        }
        _ => None,
    }
}

/// The parts of a postal address, in order.
pub(super) fn parts(address: &crate::lab::store::Address) -> [(&'static str, &String); 5] {
    [
        ("Street", &address.street),
        ("City", &address.city),
        ("State", &address.state),
        ("CountryOrRegion", &address.country),
        ("PostalCode", &address.postal_code),
    ]
}

/// What of a contact is more than a text.
pub(super) fn special(contact: &Contact, name: &str, shape: &Shape) -> Option<String> {
    let mut rows = String::new();
    let shown = |key: &str| shape.shows_entry(name, key, true);
    match name {
        "CompleteName" => rows = complete_name(contact),
        "EmailAddresses" => {
            for (key, email) in EMAILS.iter().zip(&contact.emails) {
                let Some(email) = email.as_ref().filter(|_| shown(key)) else { continue };
                rows += &email_xml(key, email);
            }
        }
        "PhysicalAddresses" => {
            for (key, place) in PLACES.iter().filter(|(key, _)| shown(key)) {
                let Some(address) = contact.addresses.get(place) else { continue };
                let filled = parts(address).into_iter().filter(|(_, text)| !text.is_empty());
                let inner: String = filled.map(|(name, text)| element_text(name, text)).collect();
                put(&mut rows, format_args!("<t:Entry Key=\"{key}\">{inner}</t:Entry>"));
            }
        }
        "PhoneNumbers" => {
            for (key, phone) in PHONES.iter().filter(|(key, _)| shown(key)) {
                let Some(number) = contact.phones.get(phone) else { continue };
                put(&mut rows, format_args!("<t:Entry Key=\"{key}\">{}</t:Entry>", escape(number)));
            }
        }
        "ImAddresses" => {
            for (key, address) in
                IM.iter().zip(&contact.im).filter(|(key, text)| shown(key) && !text.is_empty())
            {
                put(&mut rows, format_args!("<t:Entry Key=\"{key}\">{}</t:Entry>", escape(address)));
            }
        }
        _ => return None,
    }
    (!rows.is_empty()).then(|| format!("<t:{name}>{rows}</t:{name}>"))
}

fn put(rows: &mut String, text: std::fmt::Arguments) {
    rows.write_fmt(text).expect("writing to a String cannot fail");
}

fn email_xml(key: &str, email: &Email) -> String {
    let name = if email.name.is_empty() { &email.address } else { &email.name };
    format!(
        "<t:Entry Key=\"{key}\" Name=\"{}\" RoutingType=\"SMTP\" MailboxType=\"OneOff\">{}</t:Entry>",
        escape(name),
        escape(&email.address)
    )
}

/// The parts of a name together, in the order of the schema.
fn complete_name(contact: &Contact) -> String {
    let full = [ContactText::GivenName, ContactText::MiddleName, ContactText::Surname];
    let full: Vec<&str> =
        full.iter().map(|part| contact.text(*part)).filter(|text| !text.is_empty()).collect();
    let full = full.join(" ");
    let parts = [
        ("Title", contact.text(ContactText::Title)),
        ("FirstName", contact.text(ContactText::GivenName)),
        ("MiddleName", contact.text(ContactText::MiddleName)),
        ("LastName", contact.text(ContactText::Surname)),
        ("Suffix", contact.text(ContactText::Generation)),
        ("Initials", contact.text(ContactText::Initials)),
        ("FullName", full.as_str()),
        ("Nickname", contact.text(ContactText::Nickname)),
    ];
    let filled = parts.into_iter().filter(|(_, text)| !text.is_empty());
    filled.map(|(name, text)| element_text(name, text)).collect()
}

/// How names are combined for filing; `None`: not by name.
pub(super) fn filed_by(contact: &Contact, mapping: &str) -> Option<String> {
    let (given, surname, company) = (
        contact.text(ContactText::GivenName),
        contact.text(ContactText::Surname),
        contact.text(ContactText::Company),
    );
    let join = |parts: [&str; 2], between: &str| {
        let filled: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        filled.join(between)
    };
    let filed = match mapping {
        "LastCommaFirst" => join([surname, given], ", "),
        "FirstSpaceLast" => join([given, surname], " "),
        "LastSpaceFirst" => join([surname, given], " "),
        "LastFirst" => join([surname, given], ""),
        "Company" => company.to_owned(),
        "FirstName" => given.to_owned(),
        "LastName" => surname.to_owned(),
        "DisplayName" => contact.text(ContactText::DisplayName).to_owned(),
        "LastCommaFirstCompany" => join([&join([surname, given], ", "), company], "\n"),
        "CompanyLastCommaFirst" => join([company, &join([surname, given], ", ")], "\n"),
        _ => return None,
    };
    Some(filed)
}
