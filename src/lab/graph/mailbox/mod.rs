//! Mailbox data: who may see and change it, and how its refusals read.
//!
//! What stands in a mailbox is the store's, which EWS shares; here are the shapes that Graph gives it.

mod calendars;
mod change;
mod contact;
mod contacts;
mod delta;
mod event;
mod events;
mod extended;
mod folders;
mod list;
mod prefer;
mod recurrence;
mod schedule;
mod settings;
mod times;

use serde_json::Value;

use self::prefer::Prefer;
pub(super) use self::{calendars::*, contacts::*, delta::*, events::*, folders::*, schedule::*, settings::*};
use super::error::Refusal;
use super::rights::holds;
use super::routes::Call;
use crate::lab::access::{self, Reach};
use crate::lab::levels::{self, Level, OWNER};
use crate::lab::names::made_up;
use crate::lab::store;
use crate::lab::view::{lists, text};

/// Permissions for one kind of mailbox data, blank-separated.
struct Family {
    /// As an app, and for one's own mailbox.
    plain: &'static str,
    /// Further application permissions.
    app: &'static str,
    /// Somebody else's mailbox as a user.
    shared: &'static str,
}

impl Family {
    const fn new(plain: &'static str, app: &'static str, shared: &'static str) -> Self {
        Self { plain, app, shared }
    }
}

const MAIL: Family = Family::new(
    "Mail.ReadBasic Mail.Read Mail.ReadWrite",
    "Mail.ReadBasic.All",
    "Mail.ReadBasic.Shared Mail.Read.Shared Mail.ReadWrite.Shared",
);
const SETTINGS: Family = Family::new("MailboxSettings.Read MailboxSettings.ReadWrite", "", "");
const CONTACTS: Family =
    Family::new("Contacts.Read Contacts.ReadWrite", "", "Contacts.Read.Shared Contacts.ReadWrite.Shared");
const CONTACTS_WRITE: Family = Family::new("Contacts.ReadWrite", "", "Contacts.ReadWrite.Shared");
const CALENDARS: Family = Family::new(
    "Calendars.ReadBasic Calendars.Read Calendars.ReadWrite",
    "Calendars.ReadBasic.All",
    "Calendars.Read.Shared Calendars.ReadWrite.Shared",
);
const CALENDARS_WRITE: Family = Family::new("Calendars.ReadWrite", "", "Calendars.ReadWrite.Shared");

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

/// A mailbox that the caller may look into.
struct Opened<'a> {
    /// Its row of the world.
    row: &'a Value,
    /// What the caller may do with the folders of the kind that it was opened for.
    level: &'static Level,
    /// The caller, as folders and items remember who made them.
    by: String,
    /// What the caller prefers.
    prefer: Prefer,
}

impl Opened<'_> {
    /// Refuses a caller whose rights on the folders do not reach that far.
    fn may(&self, what: char) -> Result<(), Refusal> {
        if self.level.may(what) { Ok(()) } else { Err(access_denied(PLAIN)) }
    }

    /// Refuses a caller who may not change or delete what somebody made.
    fn may_change(&self, maker: &str) -> Result<(), Refusal> {
        if maker == self.by && self.level.may('o') { Ok(()) } else { self.may('a') }
    }
}

/// The mailbox that the path names, when the caller may read that kind of data in it.
fn open<'a>(call: &Call<'a>, family: &Family) -> Result<&'a Value, Refusal> {
    enter(call, family).map(|(row, _)| row)
}

/// The same, with what the caller may do in it.
fn opened<'a>(call: &Call<'a>, family: &Family) -> Result<Opened<'a>, Refusal> {
    let (row, level) = enter(call, family)?;
    let id = call.ask.claim("oid");
    let by = if call.ask.app_only() || text(row, "ExternalDirectoryObjectId").eq_ignore_ascii_case(id) {
        text(row, "PrimarySmtpAddress").to_lowercase()
    } else {
        call.view.user_key(id).unwrap_or(id).to_owned()
    };
    Ok(Opened { row, level, by, prefer: Prefer::read(call.ask) })
}

fn enter<'a>(call: &Call<'a>, family: &Family) -> Result<(&'a Value, &'static Level), Refusal> {
    let app_id = call.ask.claim("appid");
    let key = if call.arg(0) == "me" { call.ask.claim("oid") } else { call.arg(0) };
    token_has(call, family)?;
    let Some(user) = call.view.user(key) else {
        return Err(Refusal::new(404, "ErrorInvalidUser", format!("The requested user '{key}' is invalid.")));
    };
    let mailbox = call.view.mailbox_of(user).ok_or_else(not_enabled)?;
    hosted(call, user, mailbox)?;
    let level = if call.ask.app_only() {
        let wanted = format!("{} {}", family.plain, family.app);
        let consented = holds(call.ask, "roles", &wanted);
        match access::app_reach(call.view, app_id, &wanted, consented, mailbox) {
            Reach::Granted => OWNER,
            Reach::OutOfScope => return Err(access_denied(RAOP)),
            Reach::NoPermission => return Err(access_denied(PLAIN)),
        }
    } else {
        delegated(call, family, user, mailbox)?
    };
    if !access::agent_allowed(call.view, mailbox, call.ask.header("user-agent").unwrap_or_default()) {
        return Err(access_denied("Access to OData is disabled."));
    }
    Ok((mailbox, level))
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

/// What a user may do: all in the own mailbox and by full access, else what the permissions on the
/// folder say; a user without rights or scopes is refused.
fn delegated(call: &Call, family: &Family, user: &Value, mailbox: &Value) -> Result<&'static Level, Refusal> {
    let caller = call.ask.claim("oid");
    if text(user, "id").eq_ignore_ascii_case(caller) {
        return if holds(call.ask, "scp", family.plain) { Ok(OWNER) } else { Err(access_denied(PLAIN)) };
    }
    let folder = if family.plain.contains("Calendars") { "calendar" } else { "contacts" };
    let rights = access::rights_of(call.view, mailbox, caller);
    let may = holds(call.ask, "scp", family.shared)
        && (!rights.is_empty() || access::reads_folder(call.view, mailbox, folder, caller));
    if !may {
        return Err(access_denied(PLAIN));
    }
    if lists(&Value::from(rights), "FullAccess") {
        return Ok(OWNER);
    }
    Ok(levels::highest(access::folder_rights(call.view, mailbox, folder, caller)))
}

/// An id in the form of a folder or item of that mailbox.
fn item_id(mailbox: &Value, name: &str) -> String {
    format!("AAMkAG{}", made_up(&[text(mailbox, "PrimarySmtpAddress"), name]).replace('-', "") + "AAA=")
}

/// Refuses an id that names nothing.
fn no_item(id: &str) -> Refusal {
    if id.starts_with("AAMk") || id.starts_with("AAkA") {
        Refusal::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    } else {
        Refusal::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }
}

/// What the store refuses, as Exchange says it.
fn refused(refusal: store::Refusal, id: &str) -> Refusal {
    use store::Refusal as Store;
    let new = Refusal::new;
    match refusal {
        Store::NoFolder | Store::NoItem | Store::NoSubscription | Store::BadWatermark => no_item(id),
        Store::FolderExists => {
            new(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        }
        Store::DefaultFolder => {
            new(400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
        }
        Store::IntoItself => new(400, "ErrorMoveCopyFailed", "The move or copy operation failed."),
        Store::WrongFolder => {
            let text = "The folder type is invalid for the requested operation.";
            new(400, "ErrorInvalidFolderTypeForOperation", text)
        }
        Store::Conflict => {
            let text = "The send or update operation could not be performed because the change key passed in the \
                request does not match the current change key for the item.";
            new(412, "ErrorIrresolvableConflict", text)
        }
        // Assumed: no source shows the status that goes with the code.
        Store::Full => new(507, "ErrorQuotaExceeded", "The mailbox has exceeded its maximum mailbox size."),
        Store::BadToken => {
            let text = "The sync state generation is not found; generation=1;[highest=9][9][7][8].";
            new(410, "SyncStateNotFound", text)
        }
    }
}
