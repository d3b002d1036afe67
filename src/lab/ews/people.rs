//! The address list and the caller's contacts: `ResolveNames` and `FindPeople`.

use roxmltree::Node;
use serde_json::Value;

use super::item::{EMAILS, Extent, Shown};
use super::operations::{Context, first, part, text_of};
use super::paths::Shape;
use super::xml::{self, Fault, escape};
use super::{paging, target};
use crate::lab::levels::OWNER;
use crate::lab::names::made_up;
use crate::lab::store::{Contact, ContactText, Mailbox};
use crate::lab::view::{View, answers_to, rows, text, texts};

/// Most names that are told.
const MOST: usize = 100;

/// Whether a mailbox is in the address list and answers to the beginning of a name or to an address.
fn listed(mailbox: &Value, wanted: &str) -> bool {
    let hidden = mailbox["x"]["soft_deleted"] == true || mailbox["HiddenFromAddressListsEnabled"] == true;
    let shown = text(mailbox, "DisplayName").to_lowercase();
    let words = shown.split_whitespace().any(|word| word.starts_with(wanted));
    !hidden && (answers_to(mailbox, wanted) || words || shown.starts_with(wanted))
}

/// The mailboxes of the address list that answer to a name: those that are written down, and of those
/// that are computed the one with that address.
fn directory<'a>(view: View<'a>, wanted: &str) -> Vec<&'a Value> {
    let mut all = view.rows("exchange.mailboxes");
    for row in view.mailboxes_named(wanted) {
        if !all.iter().any(|known| text(known, "PrimarySmtpAddress") == text(row, "PrimarySmtpAddress")) {
            all.push(row);
        }
    }
    all.retain(|row| listed(row, wanted));
    all
}

/// `ResolveNames`: equal addresses, or the beginning of a name.
pub(super) fn resolve_names(context: &Context, operation: Node) -> String {
    let entry = text_of(operation, "UnresolvedEntry").to_lowercase();
    let bare = entry.strip_prefix("smtp:").unwrap_or(&entry);
    let full = matches!(operation.attribute("ReturnFullContactData"), Some("true" | "1"));
    let scope = operation.attribute("SearchScope").unwrap_or("ActiveDirectoryContacts");
    let all = directory(context.view, bare).into_iter().filter(|_| scope != "Contacts");
    let mut found: Vec<String> = all.map(|mailbox| resolution(context.view, mailbox, full)).collect();
    if scope != "ActiveDirectory" {
        found.extend(own_contacts(context, bare, full));
    }
    let last = found.len() <= MOST;
    found.truncate(MOST);
    let set = format!(
        "<m:ResolutionSet TotalItemsInView=\"{}\" IncludesLastItemInRange=\"{last}\">{}</m:ResolutionSet>",
        found.len(),
        found.concat()
    );
    let message = match found.len() {
        0 => {
            let text = "No results were found.";
            xml::failure("ResolveNames", "Error", "ErrorNameResolutionNoResults", text, "")
        }
        1 => xml::success("ResolveNames", &set),
        _ => {
            let text = "Multiple results were found.";
            xml::failure("ResolveNames", "Warning", "ErrorNameResolutionMultipleResults", text, &set)
        }
    };
    xml::response("ResolveNames", &message)
}

fn mailbox_xml(name: &str, address: &str, kind: &str) -> String {
    format!(
        "<t:Name>{}</t:Name><t:EmailAddress>{}</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>\
         <t:MailboxType>{kind}</t:MailboxType>",
        escape(name),
        escape(address)
    )
}

fn resolution(view: View, mailbox: &Value, full: bool) -> String {
    let contact = if full { contact_xml(view, mailbox) } else { String::new() };
    let mailbox = mailbox_xml(text(mailbox, "DisplayName"), text(mailbox, "PrimarySmtpAddress"), "Mailbox");
    format!("<t:Resolution><t:Mailbox>{mailbox}</t:Mailbox>{contact}</t:Resolution>")
}

/// What the directory knows of a mailbox's user, as a contact.
fn contact_xml(view: View, mailbox: &Value) -> String {
    let nobody = Value::Null;
    let user = view.user(text(mailbox, "UserPrincipalName")).unwrap_or(&nobody);
    let one = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("<t:{name}>{}</t:{name}>", escape(value)),
    };
    let addresses: String = texts(&mailbox["EmailAddresses"])
        .into_iter()
        .zip(EMAILS)
        .map(|(address, key)| entry(key, address))
        .collect();
    let business = texts(&user["businessPhones"]).first().copied().unwrap_or_default();
    let phones = entry("BusinessPhone", business) + &entry("MobilePhone", text(user, "mobilePhone"));
    let manager = user["x"]["manager"].as_str().and_then(|key| view.named("users", key));
    [
        "<t:Contact>".to_owned(),
        one("Culture", "en-US"),
        one("DisplayName", text(mailbox, "DisplayName")),
        one("GivenName", text(user, "givenName")),
        one("CompanyName", text(user, "companyName")),
        wrapped("EmailAddresses", &addresses),
        wrapped("PhoneNumbers", &phones),
        "<t:ContactSource>ActiveDirectory</t:ContactSource>".to_owned(),
        one("Department", text(user, "department")),
        one("JobTitle", text(user, "jobTitle")),
        one("Manager", manager.map_or("", |manager| text(manager, "displayName"))),
        one("OfficeLocation", text(user, "officeLocation")),
        one("Surname", text(user, "surname")),
        one("Alias", text(mailbox, "Alias")),
        "</t:Contact>".to_owned(),
    ]
    .concat()
}

fn entry(key: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!("<t:Entry Key=\"{key}\">{}</t:Entry>", escape(value))
}

fn wrapped(name: &str, inner: &str) -> String {
    if inner.is_empty() { String::new() } else { format!("<t:{name}>{inner}</t:{name}>") }
}

/// Contacts of the default folder of the acting mailbox that answer to a name.
fn own_contacts(context: &Context, wanted: &str, full: bool) -> Vec<String> {
    let Some(row) = context.mailbox else { return Vec::new() };
    context.store.read(row, |mailbox| {
        let Some(folder) = mailbox.default("contacts") else { return Vec::new() };
        let items = mailbox.items_in(&folder.id).into_iter();
        let named = items.filter_map(|item| Some((item, item.content.kind.contact()?)));
        let fitting = named.filter(|(_, contact)| contact_answers(contact, wanted));
        fitting.filter_map(|(item, contact)| resolved(mailbox, item, contact, full)).collect()
    })
}

fn contact_answers(contact: &Contact, wanted: &str) -> bool {
    let names = [ContactText::GivenName, ContactText::Surname, ContactText::DisplayName, ContactText::FileAs];
    let by_name = names.iter().any(|name| contact.text(*name).to_lowercase().starts_with(wanted));
    by_name || contact.emails.iter().flatten().any(|email| email.address.to_lowercase().starts_with(wanted))
}

fn resolved(
    mailbox: &Mailbox,
    item: &crate::lab::store::Item,
    contact: &Contact,
    full: bool,
) -> Option<String> {
    let email = contact.emails.iter().flatten().next()?;
    let shown = Shown::item(mailbox, item);
    let inner =
        mailbox_xml(contact.text(ContactText::DisplayName), &email.address, "Contact") + &shown.id_xml();
    let contact = if full { shown.element(&Shape::usual(), OWNER, Extent::Listed) } else { String::new() };
    Some(format!("<t:Resolution><t:Mailbox>{inner}</t:Mailbox>{contact}</t:Resolution>"))
}

/// `FindPeople` in the address list.
pub(super) fn find_people(context: &Context, operation: Node) -> Result<String, Fault> {
    let folder = part(operation, "ParentFolderId").and_then(first);
    let whole = folder.is_some_and(|folder| folder.attribute("Id") == Some("directory"));
    if let (Some(folder), false) = (folder, whole) {
        target::folder(context, folder)?;
    }
    let wanted = text_of(operation, "QueryString").to_lowercase();
    let mut found = if whole { directory(context.view, &wanted) } else { Vec::new() };
    found.sort_by_key(|mailbox| text(mailbox, "DisplayName").to_lowercase());
    let total = found.len();
    let (page, _) = paging::page(operation, found);
    let people: String = page.into_iter().map(|mailbox| persona(context.view, mailbox)).collect();
    Ok(format!(
        "<m:FindPeopleResponse xmlns:m=\"{}\" xmlns:t=\"{}\" ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
         <m:People>{people}</m:People><m:TotalNumberOfPeopleInView>{total}</m:TotalNumberOfPeopleInView>\
         <m:FirstMatchingRowIndex>0</m:FirstMatchingRowIndex><m:FirstLoadedRowIndex>0</m:FirstLoadedRowIndex>\
         </m:FindPeopleResponse>",
        xml::MESSAGES,
        xml::TYPES
    ))
}

fn persona(view: View, mailbox: &Value) -> String {
    let nobody = Value::Null;
    let user = view.user(text(mailbox, "UserPrincipalName")).unwrap_or(&nobody);
    let (name, address) = (text(mailbox, "DisplayName"), text(mailbox, "PrimarySmtpAddress"));
    let id = made_up(&["persona", address]).replace('-', "");
    let email = mailbox_xml(name, address, "Mailbox");
    let one = |element: &str, value: &str| match value {
        "" => String::new(),
        value => format!("<t:{element}>{}</t:{element}>", escape(value)),
    };
    let phone = rows(&user["businessPhones"]).first().and_then(|number| number.as_str()).unwrap_or_default();
    let phone = match phone {
        "" => String::new(),
        number => format!(
            "<t:PhoneNumber><t:Number>{}</t:Number><t:Type>Business</t:Type></t:PhoneNumber>",
            escape(number)
        ),
    };
    [
        format!("<t:Persona><t:PersonaId Id=\"AAUQ{id}AAA=\"/><t:PersonaType>Person</t:PersonaType>"),
        one("DisplayName", name),
        one("GivenName", text(user, "givenName")),
        one("Surname", text(user, "surname")),
        one("Title", text(user, "jobTitle")),
        one("Department", text(user, "department")),
        one("CompanyName", text(user, "companyName")),
        format!(
            "<t:EmailAddress>{email}</t:EmailAddress><t:EmailAddresses><t:Address>{email}</t:Address></t:EmailAddresses>"
        ),
        phone,
        "<t:RelevanceScore>2147483647</t:RelevanceScore></t:Persona>".to_owned(),
    ]
    .concat()
}
