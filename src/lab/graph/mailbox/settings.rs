//! Mail folders and the settings of a mailbox.

use serde_json::{Value, json};

use super::{MAIL, SETTINGS, item_id, no_item, open};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Found};
use crate::lab::view::text;

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
pub(in crate::lab::graph) fn folder(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &MAIL)?;
    let wanted = call.arg(1);
    let mut known = FOLDERS.iter().chain([&("msgfolderroot", "Top of Information Store")]);
    let found = known.find(|(name, _)| name.eq_ignore_ascii_case(wanted) || item_id(mailbox, name) == wanted);
    found.map(|(name, shown)| Found::One(mail_folder(mailbox, name, shown))).ok_or_else(|| no_item(wanted))
}

/// `/users/{id}/mailFolders`.
pub(in crate::lab::graph) fn folders(call: &Call) -> Result<Found, Refusal> {
    let mailbox = open(call, &MAIL)?;
    Ok(Found::Many(FOLDERS.iter().map(|(name, shown)| mail_folder(mailbox, name, shown)).collect()))
}

/// `/users/{id}/mailboxSettings`.
pub(in crate::lab::graph) fn settings(call: &Call) -> Result<Found, Refusal> {
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
