//! From the cmdlets' rows about a mailbox and the organization to the facts that live calls would bring.

use serde_json::{Value, json};

use super::shape::{Account, File, Mailbox, Statistics};
use crate::collect::{account::smtp_addresses, mailbox::percent};
use crate::facts::Section;

/// Writes `mailbox.*` and `organization.*`, as far as the import tells.
pub fn facts(file: &File, account: &Account, section: &mut Section) {
    if account.mailbox.told {
        mailbox(account, section);
    }
    if let Some(cas) = account.cas.first() {
        let switches = json!({
            "ews_enabled": cas.ews_enabled.0,
            "ews_application_access_policy": cas.ews_application_access_policy.get(),
            "ews_allow_list": cas.ews_allow_list.texts().collect::<Vec<_>>(),
            "ews_block_list": cas.ews_block_list.texts().collect::<Vec<_>>(),
        });
        section.set("mailbox.cas", switches);
    }
    if let (Some(mailbox), Some(statistics)) = (account.mailbox.first(), account.statistics.first()) {
        section.set("mailbox.quota_percent", used(mailbox, statistics));
    }
    if let Some(settings) = file.organization_config.first() {
        let switches = json!({
            "ews_enabled": settings.ews_enabled.0,
            "ews_application_access_policy": settings.ews_application_access_policy.get(),
            "ews_allow_list": settings.ews_allow_list.texts().collect::<Vec<_>>(),
            "ews_block_list": settings.ews_block_list.texts().collect::<Vec<_>>(),
            "public_folders_enabled": settings.public_folders_enabled.get(),
            "oauth_enabled": settings.oauth2_client_profile_enabled.0,
        });
        section.set("organization", switches);
    }
}

fn mailbox(account: &Account, section: &mut Section) {
    let mailbox = account.mailbox.first();
    let recipient = account.recipient.first();
    let kind = mailbox
        .and_then(|mailbox| mailbox.recipient_type_details.get())
        .or_else(|| recipient.and_then(|recipient| recipient.recipient_type_details.get()))
        .map(kind);
    let primary = mailbox
        .and_then(|mailbox| mailbox.primary_smtp_address.get())
        .or_else(|| recipient.and_then(|recipient| recipient.primary_smtp_address.get()));
    let listed = mailbox.map(|mailbox| &mailbox.email_addresses);
    let listed = listed.or_else(|| recipient.map(|recipient| &recipient.email_addresses));
    let addresses: Vec<String> =
        listed.into_iter().flat_map(|list| list.texts().map(str::to_owned)).collect();
    let location = match kind {
        _ if mailbox.is_some() => "on-premises",
        Some(kind) if kind.starts_with("Remote") => "cloud",
        _ => "unknown",
    };
    let facts = json!({
        "exists": mailbox.is_some(),
        "recipient_type": kind,
        "primary_address": primary.map(str::to_lowercase),
        "addresses": smtp_addresses(&addresses).1,
        "hidden": mailbox.and_then(|mailbox| mailbox.hidden_from_address_lists_enabled.0),
        "location": location,
    });
    section.set("mailbox", facts);
}

/// Numbers of `RecipientTypeDetails`, where a shell printed them in place of names.
fn kind(given: &str) -> &str {
    match given {
        "1" => "UserMailbox",
        "2" => "LinkedMailbox",
        "4" => "SharedMailbox",
        "16" => "RoomMailbox",
        "32" => "EquipmentMailbox",
        "128" => "MailUser",
        "2147483648" => "RemoteUserMailbox",
        "34359738368" => "RemoteSharedMailbox",
        name => name,
    }
}

/// The used share of the quota that holds for the mailbox.
fn used(mailbox: &Mailbox, statistics: &Statistics) -> Value {
    let quota = match mailbox.use_database_quota_defaults.0 {
        Some(true) => &statistics.database_prohibit_send_quota,
        _ => &mailbox.prohibit_send_quota,
    };
    percent(&json!(quota.get()), &json!(statistics.total_item_size.get()))
}
