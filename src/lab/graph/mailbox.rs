//! Mailbox data: who may see it, and the little of it that a readiness check reads.

use serde_json::{Value, json};

use super::error::Refusal;
use super::rights::holds;
use super::routes::{Call, Found};
use crate::lab::access::{self, Reach};
use crate::lab::names::made_up;
use crate::lab::view::{public, text};

/// Permissions for one kind of mailbox data, blank-separated.
struct Family {
    /// As an app, and for one's own mailbox.
    plain: &'static str,
    /// Further application permissions.
    app: &'static str,
    /// Somebody else's mailbox as a user.
    shared: &'static str,
}

const MAIL: Family = Family {
    plain: "Mail.ReadBasic Mail.Read Mail.ReadWrite",
    app: "Mail.ReadBasic.All",
    shared: "Mail.ReadBasic.Shared Mail.Read.Shared Mail.ReadWrite.Shared",
};
const SETTINGS: Family =
    Family { plain: "MailboxSettings.Read MailboxSettings.ReadWrite", app: "", shared: "" };
const CONTACTS: Family = Family {
    plain: "Contacts.Read Contacts.ReadWrite",
    app: "",
    shared: "Contacts.Read.Shared Contacts.ReadWrite.Shared",
};
const CALENDARS: Family = Family {
    plain: "Calendars.ReadBasic Calendars.Read Calendars.ReadWrite",
    app: "Calendars.ReadBasic.All",
    shared: "Calendars.Read.Shared Calendars.ReadWrite.Shared",
};

/// The refusal of Exchange, with the text that says why.
fn access_denied(text: &str) -> Refusal {
    Refusal::new(403, "ErrorAccessDenied", text)
}

const PLAIN: &str = "Access is denied. Check credentials and try again.";
const RAOP: &str =
    "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";

fn not_enabled() -> Refusal {
    let text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
    Refusal::new(404, "MailboxNotEnabledForRESTAPI", text)
}

/// The mailbox that the path names, when the caller may read that kind of data in it.
fn open<'a>(call: &Call<'a>, family: &Family) -> Result<&'a Value, Refusal> {
    let app_id = call.ask.claim("appid");
    let key = if call.arg(0) == "me" { call.ask.claim("oid") } else { call.arg(0) };
    token_has(call, family)?;
    let Some(user) = call.view.user(key) else {
        return Err(Refusal::new(404, "ErrorInvalidUser", format!("The requested user '{key}' is invalid.")));
    };
    let mailbox = call.view.mailbox_of(user).ok_or_else(not_enabled)?;
    hosted(call, user, mailbox)?;
    if call.ask.app_only() {
        let wanted = format!("{} {}", family.plain, family.app);
        let consented = holds(call.ask, "roles", &wanted);
        match access::app_reach(call.view, app_id, &wanted, consented, mailbox) {
            Reach::Granted => {}
            Reach::OutOfScope => return Err(access_denied(RAOP)),
            Reach::NoPermission => return Err(access_denied(PLAIN)),
        }
    } else {
        delegated(call, family, user, mailbox)?;
    }
    if !access::agent_allowed(call.view, mailbox, call.ask.header("user-agent").unwrap_or_default()) {
        return Err(access_denied("Access to OData is disabled."));
    }
    Ok(mailbox)
}

/// Refuses a token that has nothing to do with this kind of data.
fn token_has(call: &Call, family: &Family) -> Result<(), Refusal> {
    let wanted = format!("{} {} {}", family.plain, family.app, family.shared);
    let by_role = || {
        let roles = access::live_roles_of(call.view, call.ask.claim("appid"));
        let wanted: Vec<&str> = wanted.split_whitespace().collect();
        roles.into_iter().any(|row| access::permissions_of(row).iter().any(|own| wanted.contains(own)))
    };
    let fine = if call.ask.app_only() {
        holds(call.ask, "roles", &wanted) || by_role()
    } else {
        holds(call.ask, "scp", &wanted)
    };
    if fine { Ok(()) } else { Err(access_denied(PLAIN)) }
}

/// Refuses a mailbox that Exchange Online does not serve.
fn hosted(call: &Call, user: &Value, mailbox: &Value) -> Result<(), Refusal> {
    let error = &mailbox["x"]["graph_error"];
    if let Some(code) = error["code"].as_str().or_else(|| error.as_str()) {
        let status = error["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.unwrap_or(if code.starts_with("ErrorAccess") { 403 } else { 404 });
        let message = error["message"].as_str().unwrap_or("The request could not be processed.");
        return Err(Refusal::new(status, code, message));
    }
    let kind = text(mailbox, "RecipientTypeDetails");
    if text(&mailbox["x"], "location") == "on-premises" || matches!(kind, "MailUser" | "RemoteUserMailbox") {
        let text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
        return Err(Refusal::new(404, "MailboxNotHostedInExchangeOnline", text));
    }
    let served = mailbox["x"]["soft_deleted"] != true && access::licensed(call.view, user, mailbox);
    if served { Ok(()) } else { Err(not_enabled()) }
}

/// Refuses a user that is neither the owner nor has rights and scopes for other mailboxes.
fn delegated(call: &Call, family: &Family, user: &Value, mailbox: &Value) -> Result<(), Refusal> {
    if text(user, "id").eq_ignore_ascii_case(call.ask.claim("oid")) {
        return if holds(call.ask, "scp", family.plain) { Ok(()) } else { Err(access_denied(PLAIN)) };
    }
    let user = call.ask.claim("oid");
    let folder = if family.plain.contains("Calendars") { "calendar" } else { "contacts" };
    let rights = !access::rights_of(call.view, mailbox, user).is_empty();
    let may = holds(call.ask, "scp", family.shared)
        && (rights || access::reads_folder(call.view, mailbox, folder, user));
    if may { Ok(()) } else { Err(access_denied(PLAIN)) }
}

/// An id in the form of a folder or item of that mailbox.
fn item_id(mailbox: &Value, name: &str) -> String {
    format!("AAMkAG{}", made_up(&[text(mailbox, "PrimarySmtpAddress"), name]).replace('-', "") + "AAA=")
}

/// Refuses an id that names nothing.
fn no_item(id: &str) -> Refusal {
    if id.starts_with("AAMk") {
        Refusal::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    } else {
        Refusal::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }
}

/// Mail folders that every mailbox has.
const FOLDERS: &[(&str, &str)] = &[
    ("inbox", "Inbox"),
    ("drafts", "Drafts"),
    ("sentitems", "Sent Items"),
    ("deleteditems", "Deleted Items"),
    ("outbox", "Outbox"),
    ("junkemail", "Junk Email"),
    ("archive", "Archive"),
];

fn mail_folder(mailbox: &Value, name: &str, shown: &str) -> Value {
    json!({ "id": item_id(mailbox, name), "displayName": shown, "parentFolderId": item_id(mailbox, "msgfolderroot"),
        "childFolderCount": 0, "unreadItemCount": 0, "totalItemCount": 0, "sizeInBytes": 0, "isHidden": false })
}

/// `/users/{id}/mailFolders/{id or well-known name}`.
pub(super) fn folder(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &MAIL)?;
    let wanted = call.arg(1);
    let mut known = FOLDERS.iter().chain([&("msgfolderroot", "Top of Information Store")]);
    let found = known.find(|(name, _)| name.eq_ignore_ascii_case(wanted) || item_id(mailbox, name) == wanted);
    found.map(|(name, shown)| Found::One(mail_folder(mailbox, name, shown))).ok_or_else(|| no_item(wanted))
}

/// `/users/{id}/mailFolders`.
pub(super) fn folders(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &MAIL)?;
    Ok(Found::Many(FOLDERS.iter().map(|(name, shown)| mail_folder(mailbox, name, shown)).collect()))
}

/// `/users/{id}/mailboxSettings`.
pub(super) fn settings(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &SETTINGS)?;
    let purpose = match text(mailbox, "RecipientTypeDetails") {
        "SharedMailbox" => "shared",
        "RoomMailbox" => "room",
        "EquipmentMailbox" => "equipment",
        "LinkedMailbox" => "linked",
        _ => "user",
    };
    let zone = mailbox["x"]["time_zone"].as_str().unwrap_or("W. Europe Standard Time");
    let day =
        |clock: &str| json!({ "dateTime": format!("2026-01-05T{clock}:00:00.0000000"), "timeZone": "UTC" });
    Ok(Found::One(json!({ "archiveFolder": item_id(mailbox, "archive"), "timeZone": zone,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly", "dateFormat": "dd.MM.yyyy", "timeFormat": "HH:mm",
        "userPurpose": purpose,
        "automaticRepliesSetting": { "status": "disabled", "externalAudience": "none", "internalReplyMessage": "",
            "externalReplyMessage": "", "scheduledStartDateTime": day("08"), "scheduledEndDateTime": day("09") },
        "language": { "locale": "en-US", "displayName": "English (United States)" },
        "workingHours": { "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000", "timeZone": { "name": zone } } })))
}

/// Content that the world puts into a mailbox, each with an id and what else the kind always has.
fn content(mailbox: &Value, kind: &str, usual: &[(&str, Value)]) -> Vec<Value> {
    let entries = mailbox["x"]["content"][kind].as_object().into_iter().flatten();
    let kept = entries.filter(|(_, entry)| entry.is_object());
    kept.map(|(name, entry)| {
        let mut row = public(entry);
        if row["id"].is_null() {
            row["id"] = item_id(mailbox, name).into();
        }
        for (field, value) in usual {
            if row[*field].is_null() {
                row[*field] = value.clone();
            }
        }
        row
    })
    .collect()
}

/// `/users/{id}/contactFolders`: folders beside the default one, which the service leaves out.
pub(super) fn contact_folders(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &CONTACTS)?;
    let root = item_id(mailbox, "msgfolderroot");
    Ok(Found::Many(content(mailbox, "contact_folders", &[("parentFolderId", root.into())])))
}

/// `/users/{id}/contactFolders/{id}`.
pub(super) fn contact_folder(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &CONTACTS)?;
    let root = item_id(mailbox, "msgfolderroot");
    if call.arg(1).eq_ignore_ascii_case("contacts") || call.arg(1) == item_id(mailbox, "contacts") {
        let default =
            json!({ "id": item_id(mailbox, "contacts"), "displayName": "Contacts", "parentFolderId": root });
        return Ok(Found::One(default));
    }
    let all = content(mailbox, "contact_folders", &[("parentFolderId", root.into())]);
    all.into_iter().find(|row| row["id"] == call.arg(1)).map(Found::One).ok_or_else(|| no_item(call.arg(1)))
}

/// `/users/{id}/contactFolders/{id}/contacts`.
pub(super) fn contacts_of_folder(call: &Call) -> Result<Found, Refusal> {
    contact_folder(call)?;
    let mailbox = open(call, &CONTACTS)?;
    let mut found = content(mailbox, "contacts", &[]);
    found.retain(|row| row["parentFolderId"] == call.arg(1));
    Ok(Found::Many(found))
}

/// `/users/{id}/contacts`: the default folder's.
pub(super) fn contacts(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &CONTACTS)?;
    let folder = item_id(mailbox, "contacts");
    let mut found = content(mailbox, "contacts", &[("parentFolderId", folder.clone().into())]);
    found.retain(|row| row["parentFolderId"] == folder);
    Ok(Found::Many(found))
}

/// The calendar that every mailbox has.
fn default_calendar(mailbox: &Value) -> Value {
    json!({ "id": item_id(mailbox, "calendar"), "name": "Calendar", "color": "auto", "hexColor": "",
        "isDefaultCalendar": true, "changeKey": "nFKW0d7mBkC9cYy3Fq1TYwAAA/2rGQ==", "canShare": true,
        "canViewPrivateItems": true, "canEdit": true, "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness", "isTallyingResponses": true, "isRemovable": false,
        "owner": { "name": mailbox["DisplayName"], "address": mailbox["PrimarySmtpAddress"] } })
}

fn all_calendars(mailbox: &Value) -> Vec<Value> {
    let owner = json!({ "name": mailbox["DisplayName"], "address": mailbox["PrimarySmtpAddress"] });
    let further = content(
        mailbox,
        "calendars",
        &[("owner", owner), ("canEdit", true.into()), ("isDefaultCalendar", false.into())],
    );
    std::iter::once(default_calendar(mailbox)).chain(further).collect()
}

/// `/users/{id}/calendar`.
pub(super) fn calendar(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::One(default_calendar(open(call, &CALENDARS)?)))
}

/// `/users/{id}/calendars`.
pub(super) fn calendars(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(all_calendars(open(call, &CALENDARS)?)))
}

/// `/users/{id}/calendars/{id}`.
pub(super) fn calendar_one(call: &Call) -> Result<Found, Refusal> {
    let all = all_calendars(open(call, &CALENDARS)?);
    all.into_iter().find(|row| row["id"] == call.arg(1)).map(Found::One).ok_or_else(|| no_item(call.arg(1)))
}

/// `/users/{id}/events`.
pub(super) fn events(call: &Call) -> Result<Found, Refusal> {
    Ok(Found::Many(content(open(call, &CALENDARS)?, "events", &[])))
}
