//! From attributes of Active Directory to facts about the account.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    lax::Number,
    shape::{Account, DirectoryObject, Domain},
};
use crate::facts::{Absence, Reason, Section};

/// Seconds between 1601 and 1970.
const SINCE_1601: i64 = 11_644_473_600;

/// `userAccountControl`: disabled, password does not expire; computed: locked out.
const DISABLED: i64 = 0x2;
const NEVER_EXPIRES: i64 = 0x1_0000;
const LOCKED: i64 = 0x10;

/// Writes `directory.*`, where the script could look there.
pub fn facts(account: &Account, made_at: &str, section: &mut Section) {
    if !account.objects.told {
        return;
    }
    let own = own(account);
    section.set("directory.found", json!(own.is_some()));
    section.set("directory.duplicates", duplicates(account, own));
    rules(account.domain.first(), section);
    let none = DirectoryObject::default();
    let object = own.unwrap_or(&none);
    section.set("directory.distinguished_name", json!(object.distinguished_name.get()));
    section.set("directory.account_name", json!(object.sam_account_name.get()));
    section.set("directory.upn", json!(object.user_principal_name.get()));
    section.set("directory.display_name", json!(object.display_name.get()));
    if own.is_none() {
        // Nothing can be said of what is not there.
        section.set(
            "directory",
            json!({ "enabled": null, "locked": null, "locked_at": null, "password_never_expires": null,
                "password_expires_at": null, "password_changed_at": null, "must_change_password": null }),
        );
        return;
    }
    control(object, section);
    lock(object, account.domain.first(), made_at, section);
    password(object, section);
}

/// The object of the account itself: the user that Exchange names, else the one with the sign-in name.
fn own(account: &Account) -> Option<&DirectoryObject> {
    let objects = &account.objects.items;
    let address = account.address.get().unwrap_or_default();
    let named = account.user.first().and_then(|user| user.distinguished_name.get());
    let by_name = |name: &str| objects.iter().find(|object| object.distinguished_name.is(name));
    named
        .and_then(by_name)
        .or_else(|| objects.iter().find(|object| object.user_principal_name.is(address)))
        .or_else(|| objects.iter().find(|object| object.object_class.is("user")))
}

fn duplicates(account: &Account, own: Option<&DirectoryObject>) -> Value {
    let others =
        account.objects.items.iter().filter(|object| !own.is_some_and(|own| std::ptr::eq(own, *object)));
    let row = |object: &DirectoryObject| {
        json!({
            "distinguished_name": object.distinguished_name.get(),
            "account_name": object.sam_account_name.get(),
            "kind": object.object_class.get(),
        })
    };
    others.map(row).collect()
}

fn rules(domain: Option<&Domain>, section: &mut Section) {
    let threshold = domain.and_then(|domain| domain.lockout_threshold.0);
    let duration = domain.and_then(|domain| domain.lockout_duration.0);
    told(section, "directory.lockout_threshold", threshold.map(Value::from));
    // A lock without end is stored as the smallest number, or as zero.
    let minutes = |ticks: i64| if ticks == i64::MIN { 0 } else { ticks.unsigned_abs() / 600_000_000 };
    told(section, "directory.lockout_minutes", duration.map(|ticks| minutes(ticks).into()));
}

fn control(object: &DirectoryObject, section: &mut Section) {
    let control = object.user_account_control.0;
    told(section, "directory.enabled", control.map(|flags| (flags & DISABLED == 0).into()));
    let never = control.map(|flags| (flags & NEVER_EXPIRES != 0).into());
    told(section, "directory.password_never_expires", never);
}

/// The domain controller's own word counts; without it, the time of the lock and how long one lasts.
fn lock(object: &DirectoryObject, domain: Option<&Domain>, made_at: &str, section: &mut Section) {
    let since = object.lockout_time.0;
    let at = since.and_then(filetime);
    told(section, "directory.locked_at", since.map(|_| text(at)));
    let computed = object.user_account_control_computed.0.map(|flags| flags & LOCKED != 0);
    let lasting = domain.and_then(|domain| domain.lockout_duration.0);
    let reckoned = match (since, at, lasting, made_at.parse::<Timestamp>()) {
        (Some(_), None, ..) => Some(false),
        (_, Some(_), Some(0 | i64::MIN), _) => Some(true),
        (_, Some(at), Some(ticks), Ok(now)) => {
            let seconds = i64::try_from(ticks.unsigned_abs() / 10_000_000).unwrap_or(i64::MAX);
            at.checked_add(SignedDuration::from_secs(seconds)).ok().map(|end| end > now)
        }
        _ => None,
    };
    told(section, "directory.locked", computed.or(reckoned).map(Value::from));
}

fn password(object: &DirectoryObject, section: &mut Section) {
    let set = object.pwd_last_set;
    told(section, "directory.must_change_password", set.0.map(|ticks| (ticks == 0).into()));
    told(section, "directory.password_changed_at", set.0.map(|ticks| text(filetime(ticks))));
    let never = object.user_account_control.0.is_some_and(|flags| flags & NEVER_EXPIRES != 0);
    let Number(ends) = object.password_expires;
    let ends = ends.map(|ticks| if never { Value::Null } else { text(filetime(ticks)) });
    told(section, "directory.password_expires_at", ends);
}

fn told(section: &mut Section, path: &str, value: Option<Value>) {
    match value {
        Some(value) => section.set(path, value),
        None => section.set_absent(path, untold()),
    }
}

/// Why something is missing that an import could hold.
pub fn untold() -> Absence {
    Absence::new(Reason::Unreadable).with_text("the import does not tell: its script could not read it")
}

fn text(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}

/// A time in 100 ns since 1601; none for "never".
fn filetime(ticks: i64) -> Option<Timestamp> {
    let seconds = ticks / 10_000_000 - SINCE_1601;
    (ticks > 0 && ticks != i64::MAX).then(|| Timestamp::from_second(seconds).ok()).flatten()
}
