//! The account in Active Directory, read by LDAP from a domain controller that the configuration names.
//!
//! Signs in as a reader of its own, or with the service account's password: then the same rules hold as
//! everywhere, and a password that was refused is not sent again.

use serde_json::{Value, json};

use super::{
    Access, ActiveDirectory, Call, Context, SubjectKind, Target, Yield, anonymous,
    directory::{Reading, row},
    session::{Permit, password_fingerprint},
};
use crate::facts::{Absence, Reason};
use crate::wire::{
    Failure, Secret,
    ldap::{Depth, Entry, Filter, Found, Ldap, Search, Verdict},
};

/// What is read of the account.
const FACTS: [&str; 17] = [
    "made_at",
    "found",
    "distinguished_name",
    "account_name",
    "upn",
    "display_name",
    "enabled",
    "locked",
    "locked_at",
    "lockout_threshold",
    "lockout_minutes",
    "password_never_expires",
    "password_expires_at",
    "password_changed_at",
    "must_change_password",
    "duplicates",
    "source",
];

const ATTRIBUTES: &[&str] = &[
    "objectClass",
    "sAMAccountName",
    "userPrincipalName",
    "displayName",
    "mail",
    "proxyAddresses",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "lockoutTime",
    "pwdLastSet",
    "msDS-UserPasswordExpiryTimeComputed",
];

/// `userAccountControl`: the account is disabled.
const DISABLED: i64 = 0x2;
/// `msDS-User-Account-Control-Computed`: the account is locked out.
const LOCKED: i64 = 0x10;
/// `userAccountControl`: the password does not expire.
const NEVER_EXPIRES: i64 = 0x1_0000;

pub(super) const CALLS: &[Call] = &[row!(
    "ldap.account", Account, Access::Subject, |target: &Target| target.active_directory.is_some(), after [], account,
    yields ["active_directory.as_subject", "active_directory.signed_in", "active_directory.result_code",
        "active_directory.refusal", "active_directory.error_text", "directory.source", "directory.made_at",
        "directory.found", "directory.distinguished_name", "directory.account_name", "directory.upn",
        "directory.display_name", "directory.enabled", "directory.locked", "directory.locked_at",
        "directory.lockout_threshold", "directory.lockout_minutes", "directory.password_never_expires",
        "directory.password_expires_at", "directory.password_changed_at", "directory.must_change_password",
        "directory.duplicates"],
)];

/// Whom the domain controller is asked as.
struct Identity {
    username: String,
    password: Secret,
    as_subject: bool,
}

fn identity(target: &Target, asked: &ActiveDirectory) -> Result<Identity, Absence> {
    if let Some((username, password)) = &asked.identity {
        return Ok(Identity { username: username.clone(), password: password.clone(), as_subject: false });
    }
    let subject = &target.subject;
    let none = |text: &str| Err(Absence::new(Reason::NotAsked).with_text(text));
    if !target.sign_in_allowed {
        return none("a sign-in with the service account's password was not allowed in this run");
    }
    match &subject.secret {
        Some(password) if subject.kind == SubjectKind::Password => Ok(Identity {
            username: subject.username.clone().unwrap_or_else(|| target.account.clone()),
            password: password.clone(),
            as_subject: true,
        }),
        _ => none("neither a reader of Active Directory nor the service account's password is configured"),
    }
}

async fn account(context: &Context) -> Reading {
    let target = &context.target;
    let Some(asked) = &target.active_directory else {
        return Err(Absence::new(Reason::NotAsked).into());
    };
    let identity = identity(target, asked)?;
    let mut permit =
        context.session.credential(&password_fingerprint(&identity.username, &identity.password)).await;
    if permit.is_refused() {
        let text = "this password was refused before and is not sent again";
        return Err(Absence::new(Reason::NotAsked).with_text(text).into());
    }
    let mut found = Yield::new();
    found.set("active_directory.as_subject", identity.as_subject);
    let mut ldap = match Ldap::connect(&context.net, &asked.url).await {
        Ok(ldap) => ldap,
        Err(failure) => {
            not_reached(&failure, &mut found);
            return Ok(found);
        }
    };
    match signed_in(&mut ldap, &identity, &mut permit).await {
        Ok(verdict) if verdict.code == 0 => {
            drop(permit);
            set_sign_in(Some(&verdict), &mut found);
            read(&mut ldap, context, asked, &mut found).await;
        }
        Ok(verdict) => refused(&verdict, &identity, &mut found),
        Err(failure) => not_reached(&failure, &mut found),
    }
    found.exchanges.extend(ldap.close().await);
    Ok(found)
}

/// Signs in once, and writes down what the answer means for sending the password again.
async fn signed_in(ldap: &mut Ldap, identity: &Identity, permit: &mut Permit) -> Result<Verdict, Failure> {
    let outcome = ldap.bind(&identity.username, &identity.password).await;
    match &outcome {
        Ok(verdict) if verdict.code == 0 => permit.prove(),
        // Invalid credentials: a wrong password counts towards a lock-out.
        Ok(verdict) if verdict.code == 49 => permit.condemn(),
        Ok(_) => {}
        Err(_) => permit.refuse(),
    }
    outcome
}

fn set_sign_in(verdict: Option<&Verdict>, found: &mut Yield) {
    let refused = verdict.filter(|verdict| verdict.code != 0);
    found
        .set("active_directory.signed_in", verdict.is_some_and(|verdict| verdict.code == 0))
        .set("active_directory.result_code", json!(verdict.map(|verdict| verdict.code)))
        .set("active_directory.refusal", json!(refused.and_then(Verdict::data)))
        .set("active_directory.error_text", json!(refused.map(|verdict| verdict.text.as_str())));
}

fn not_reached(failure: &Failure, found: &mut Yield) {
    set_sign_in(None, found);
    found.set("active_directory.error_text", failure.to_string());
    nothing(&anonymous::absence(failure), found);
}

fn nothing(absence: &Absence, found: &mut Yield) {
    for name in FACTS {
        found.absent(&format!("directory.{name}"), absence.clone());
    }
}

/// A refusal of the account's own sign-in tells its state.
fn refused(verdict: &Verdict, identity: &Identity, found: &mut Yield) {
    set_sign_in(Some(verdict), found);
    let text = format!("Active Directory refused the sign-in: {}", verdict.text);
    nothing(&Absence::new(Reason::NotAsked).with_text(text), found);
    let data = verdict.data().unwrap_or_default();
    let state = match data.as_str() {
        "533" => ("enabled", false),
        "775" => ("locked", true),
        "773" => ("must_change_password", true),
        _ => return,
    };
    if identity.as_subject {
        let (name, value) = state;
        for (name, value) in [("source", json!("ldap")), ("found", json!(true)), (name, json!(value))] {
            let path = format!("directory.{name}");
            found.section.absent.remove(&path);
            found.set(&path, value);
        }
    }
}

async fn read(ldap: &mut Ldap, context: &Context, asked: &ActiveDirectory, found: &mut Yield) {
    match look_up(ldap, &context.target, asked).await {
        Ok(facts) => {
            for (name, value) in facts.as_object().into_iter().flatten() {
                found.set(&format!("directory.{name}"), value.clone());
            }
        }
        Err(absence) => nothing(&absence, found),
    }
}

fn absence(failure: &Failure) -> Absence {
    anonymous::absence(failure)
}

async fn look_up(ldap: &mut Ldap, target: &Target, asked: &ActiveDirectory) -> Result<Value, Absence> {
    let base = match &asked.base_dn {
        Some(base) => base.clone(),
        None => default_base(ldap).await?,
    };
    let policy = one(ldap, &base, &["lockoutThreshold", "lockoutDuration"]).await?;
    let names = names(target);
    let search = Search {
        base,
        depth: Depth::Subtree,
        filter: Filter::Any(names.iter().map(|(name, value)| Filter::Equals(name, value.clone())).collect()),
        attributes: ATTRIBUTES,
    };
    let answer = ldap.search(&search).await.map_err(|failure| absence(&failure))?;
    check(&answer.verdict)?;
    facts(target, &names, &answer, &policy)
}

async fn default_base(ldap: &mut Ldap) -> Result<String, Absence> {
    let root = one(ldap, "", &["defaultNamingContext"]).await?;
    let missing = || Absence::new(Reason::Unreadable).with_text("the server names no domain: set base_dn");
    root.one("defaultNamingContext").map(str::to_owned).ok_or_else(missing)
}

async fn one(ldap: &mut Ldap, base: &str, attributes: &'static [&'static str]) -> Result<Entry, Absence> {
    let filter = Filter::Has("objectClass");
    let search = Search { base: base.to_owned(), depth: Depth::Base, filter, attributes };
    let answer = ldap.search(&search).await.map_err(|failure| absence(&failure))?;
    check(&answer.verdict)?;
    Ok(answer.entries.into_iter().next().unwrap_or_default())
}

fn check(verdict: &Verdict) -> Result<(), Absence> {
    let reason = match verdict.code {
        0 => return Ok(()),
        50 => Reason::Denied,
        _ => Reason::Unreadable,
    };
    Err(Absence::new(reason).with_text(format!("LDAP result {}: {}", verdict.code, verdict.text)))
}

/// Attributes and values by which the account is looked for, the surest first.
fn names(target: &Target) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    if let Some(username) = &target.subject.username {
        match username.rsplit_once('\\') {
            Some((_, account)) => names.push(("sAMAccountName", account.to_owned())),
            None if username.contains('@') => names.push(("userPrincipalName", username.clone())),
            None => names.push(("sAMAccountName", username.clone())),
        }
    }
    names.push(("userPrincipalName", target.account.clone()));
    names.push(("proxyAddresses", format!("smtp:{}", target.account)));
    names.push(("mail", target.account.clone()));
    names
}

fn has(entry: &Entry, name: &str, value: &str) -> bool {
    entry.all(name).any(|own| own.eq_ignore_ascii_case(value))
}

fn facts(
    target: &Target,
    names: &[(&'static str, String)],
    answer: &Found,
    policy: &Entry,
) -> Result<Value, Absence> {
    let users: Vec<_> = answer.entries.iter().filter(|entry| has(entry, "objectClass", "user")).collect();
    let own = names.iter().find_map(|(name, value)| users.iter().find(|entry| has(entry, name, value)));
    let mut facts: Value = FACTS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    facts["source"] = "ldap".into();
    facts["made_at"] = jiff::Timestamp::now().to_string().into();
    facts["duplicates"] = duplicates(target, answer, own.map(|entry| entry.name.as_str()));
    facts["lockout_threshold"] = json!(policy.number("lockoutThreshold"));
    facts["lockout_minutes"] = json!(policy.number("lockoutDuration").map(minutes));
    match own {
        Some(entry) => set_account(entry, policy, &mut facts),
        None if other_domains(answer) => {
            let text = "this domain does not have the account, and the forest's other domains were not asked";
            return Err(Absence::new(Reason::NotAsked).with_text(text));
        }
        None => facts["found"] = false.into(),
    }
    Ok(facts)
}

fn set_account(entry: &Entry, policy: &Entry, facts: &mut Value) {
    let flags = entry.number("userAccountControl");
    let locked_at = entry.number("lockoutTime").and_then(time);
    facts["found"] = true.into();
    facts["distinguished_name"] = entry.name.as_str().into();
    facts["account_name"] = json!(entry.one("sAMAccountName"));
    facts["upn"] = json!(entry.one("userPrincipalName"));
    facts["display_name"] = json!(entry.one("displayName"));
    facts["enabled"] = json!(flags.map(|flags| flags & DISABLED == 0));
    facts["password_never_expires"] = json!(flags.map(|flags| flags & NEVER_EXPIRES != 0));
    facts["locked"] = is_locked(entry, policy, locked_at).into();
    facts["locked_at"] = json!(locked_at.map(|at| at.to_string()));
    let changed = entry.number("pwdLastSet");
    facts["must_change_password"] = json!(changed.map(|changed| changed == 0));
    facts["password_changed_at"] = json!(changed.and_then(time).map(|at| at.to_string()));
    let ends = entry.number("msDS-UserPasswordExpiryTimeComputed").and_then(time);
    facts["password_expires_at"] = json!(ends.map(|at| at.to_string()));
}

/// As the server computes it, with policies of single accounts; else by the time and the domain's policy.
fn is_locked(entry: &Entry, policy: &Entry, locked_at: Option<jiff::Timestamp>) -> bool {
    if let Some(computed) = entry.number("msDS-User-Account-Control-Computed") {
        return computed & LOCKED != 0;
    }
    let lasts = policy.number("lockoutDuration").map_or(0, minutes);
    locked_at.is_some_and(|at| lasts == 0 || jiff::Timestamp::now().duration_since(at).as_mins() < lasts)
}

/// Minutes of a negative count of 100 nanoseconds; 0: without end.
fn minutes(duration: i64) -> i64 {
    if duration == i64::MIN { 0 } else { duration.saturating_abs() / 600_000_000 }
}

/// A count of 100 nanoseconds since 1601; `None` for 0 and for "never".
fn time(ticks: i64) -> Option<jiff::Timestamp> {
    if ticks <= 0 || ticks == i64::MAX {
        return None;
    }
    jiff::Timestamp::from_second(ticks / 10_000_000 - 11_644_473_600).ok()
}

/// Other objects that carry the address.
fn duplicates(target: &Target, answer: &Found, own: Option<&str>) -> Value {
    let proxy = format!("smtp:{}", target.account);
    let carries = |entry: &&Entry| {
        has(entry, "proxyAddresses", &proxy)
            || has(entry, "userPrincipalName", &target.account)
            || has(entry, "mail", &target.account)
    };
    let others = answer.entries.iter().filter(|entry| own != Some(entry.name.as_str())).filter(carries);
    others
        .take(20)
        .map(|entry| {
            json!({
                "distinguished_name": entry.name,
                "account_name": entry.one("sAMAccountName"),
                "kind": entry.all("objectClass").last(),
            })
        })
        .collect()
}

/// Whether the search would have gone on in other domains; every domain names parts that hold no accounts.
fn other_domains(answer: &Found) -> bool {
    const PARTS: [&str; 3] = ["DC=ForestDnsZones,", "DC=DomainDnsZones,", "CN=Configuration,"];
    answer.elsewhere.iter().any(|address| {
        let name = address.rsplit_once('/').map_or(address.as_str(), |(_, name)| name);
        !PARTS.iter().any(|part| name.get(..part.len()).is_some_and(|start| start.eq_ignore_ascii_case(part)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing;

    fn entry(name: &str, attributes: &[(&str, &[&str])]) -> Entry {
        let own = |(name, values): &(&str, &[&str])| {
            ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect())
        };
        Entry { name: name.into(), attributes: attributes.iter().map(own).collect() }
    }

    fn of(entries: Vec<Entry>, elsewhere: &[&str]) -> Result<Value, Absence> {
        let target = testing::target("svc@contoso.com");
        let elsewhere = elsewhere.iter().map(|text| (*text).to_owned()).collect();
        let answer = Found { entries, elsewhere, verdict: Verdict::default() };
        let policy =
            entry("DC=contoso", &[("lockoutDuration", &["-18000000000"]), ("lockoutThreshold", &["10"])]);
        facts(&target, &names(&target), &answer, &policy)
    }

    const USER: &[&str] = &["top", "person", "user"];

    #[test]
    fn an_account_becomes_facts() {
        let user = entry(
            "CN=svc",
            &[
                ("objectClass", USER),
                ("userPrincipalName", &["SVC@contoso.com"]),
                ("userAccountControl", &["66050"]),
                ("msDS-User-Account-Control-Computed", &["16"]),
                ("lockoutTime", &["134080128000000000"]),
                ("pwdLastSet", &["0"]),
                ("msDS-UserPasswordExpiryTimeComputed", &["9223372036854775807"]),
            ],
        );
        let facts = of(vec![user], &[]).expect("facts");
        assert_eq!(
            (&facts["found"], &facts["enabled"], &facts["locked"]),
            (&json!(true), &json!(false), &json!(true))
        );
        assert_eq!(
            (&facts["must_change_password"], &facts["password_changed_at"]),
            (&json!(true), &Value::Null)
        );
        assert_eq!(
            (&facts["password_never_expires"], &facts["password_expires_at"]),
            (&json!(true), &Value::Null)
        );
        assert_eq!((&facts["lockout_minutes"], &facts["lockout_threshold"]), (&json!(30), &json!(10)));
        assert!(facts["locked_at"].as_str().is_some_and(|at| at.starts_with("2025-")), "{facts}");
    }

    #[test]
    fn a_contact_with_the_address_is_a_duplicate_and_not_the_account() {
        let contact = entry("CN=c", &[("objectClass", &["top", "contact"]), ("mail", &["svc@contoso.com"])]);
        let facts = of(vec![contact], &[]).expect("facts");
        assert_eq!((&facts["found"], &facts["duplicates"][0]["kind"]), (&json!(false), &json!("contact")));
    }

    #[test]
    fn another_domain_may_have_what_this_one_has_not() {
        assert!(of(Vec::new(), &["ldap://emea.contoso.com/DC=emea,DC=contoso,DC=com"]).is_err());
        let usual =
            ["ldap://x/DC=ForestDnsZones,DC=contoso,DC=com", "ldap://x/CN=Configuration,DC=contoso,DC=com"];
        assert_eq!(of(Vec::new(), &usual).expect("facts")["found"], false);
    }

    #[test]
    fn a_lock_without_end_has_no_minutes() {
        assert_eq!((minutes(i64::MIN), minutes(-18_000_000_000)), (0, 30));
        assert_eq!((time(0), time(i64::MAX)), (None, None));
    }
}
