//! A profile explained: what the product needs, how much each check matters to it, and the statements
//! that all of it rests on.

use serde_json::{Value, json};

use super::mark::Paint;
use super::sheet::Sheet;
use super::topic::Topic;
use crate::engine::{Catalogue, Check, Level, Permission, Profile, Statement};

/// A profile.
pub fn topic(catalogue: &Catalogue, profile: &Profile) -> Topic {
    let mut sheet = Sheet::default();
    sheet.title(&profile.name);
    sheet.text(&profile.title, Paint::Plain);
    sheet.gap();
    facts(&mut sheet, profile);
    permissions(&mut sheet, profile);
    sheet.heading("Checks");
    for level in [Level::Required, Level::Advised, Level::Unwanted] {
        let names = names(catalogue, profile, level);
        if !names.is_empty() {
            sheet.entry(level.as_str(), &names.join(", "));
        }
    }
    parameters(&mut sheet, profile);
    statements(&mut sheet, profile);
    Topic::new(sheet, json(catalogue, profile))
}

fn facts(sheet: &mut Sheet, profile: &Profile) {
    if let Some(base) = &profile.extends {
        sheet.labelled("Extends", base);
    }
    let worlds: Vec<&str> = profile.worlds.iter().map(|name| super::table::world(name)).collect();
    sheet.labelled("Works in", &worlds.join("; "));
    sheet.labelled("Protocol", protocol(&profile.protocol));
    sheet.labelled(
        "Signs in",
        &profile.sign_in.iter().map(|kind| sign_in(kind)).collect::<Vec<_>>().join(", or "),
    );
    sheet.labelled("Features", &profile.features.join(", "));
    sheet.labelled("Reaches", reach(&profile.scope));
    sheet.labelled(
        "App id",
        profile.app_id.as_deref().unwrap_or("none published; the configuration names it"),
    );
    sheet.labelled("User agent", profile.user_agent.as_deref().unwrap_or("none published"));
}

/// A protocol by its full name.
pub(super) fn protocol(name: &str) -> &str {
    match name {
        "ews" => "Exchange Web Services",
        "graph" => "Microsoft Graph",
        other => other,
    }
}

/// A way to sign in, in words.
pub(super) fn sign_in(kind: &str) -> &str {
    match kind {
        "app" => "as an app, by itself",
        "password" => "as the account, with its password",
        "refresh-token" => "as the account, with a token from its first sign-in",
        other => other,
    }
}

/// Which mailboxes the product shall reach, in words.
pub(super) fn reach(scope: &str) -> &str {
    match scope {
        "listed" => "the mailboxes that are named for it, and no others",
        "organization" => "every mailbox of the organization",
        other => other,
    }
}

/// A permission with its resource.
pub(super) fn resource(permission: &Permission) -> &str {
    match permission.resource.as_str() {
        "graph" => "Microsoft Graph",
        "exchange" => "Office 365 Exchange Online",
        other => other,
    }
}

fn permissions(sheet: &mut Sheet, profile: &Profile) {
    let kinds = [
        ("application", &profile.permissions.application),
        ("delegated", &profile.permissions.delegated),
        ("optional", &profile.permissions.optional),
    ];
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (kind, list) in kinds {
        for wanted in list {
            let by = wanted.protocol.as_deref().filter(|name| *name != profile.protocol);
            let by = by.map(|name| format!(", by {} only", protocol(name))).unwrap_or_default();
            rows.push([wanted.permission.clone(), kind.to_owned(), resource(wanted).to_owned() + &by]);
        }
    }
    if !rows.is_empty() {
        sheet.heading("Permissions");
        sheet.table(["Permission", "Kind", "Of"], &rows);
    }
}

/// The checks of a level; an area by its name where all of its checks have it.
fn names(catalogue: &Catalogue, profile: &Profile, level: Level) -> Vec<String> {
    let mut names = Vec::new();
    for area in catalogue.areas() {
        let all: Vec<&Check> = catalogue.checks().iter().filter(|check| check.area() == area.id).collect();
        let fitting: Vec<&&Check> = all.iter().filter(|check| profile.level(check.id()) == level).collect();
        match fitting.len() {
            0 => {}
            1 => names.extend(fitting.iter().map(|check| check.id().to_owned())),
            number if number == all.len() => names.push(format!("{} (all {number})", area.id)),
            _ => names.extend(fitting.iter().map(|check| check.id().to_owned())),
        }
    }
    names
}

fn parameters(sheet: &mut Sheet, profile: &Profile) {
    if profile.params.is_empty() {
        return;
    }
    sheet.heading("Parameters");
    for (check, values) in &profile.params {
        for (name, value) in values {
            sheet.entry(check, &format!("{name} = {value}"));
        }
    }
}

fn statements(sheet: &mut Sheet, profile: &Profile) {
    let mut of = "";
    for statement in &profile.statement {
        if statement.of == of {
            sheet.gap();
        } else {
            of = &statement.of;
            let own = of == profile.name;
            sheet.heading(&if own { "What it rests on".to_owned() } else { format!("From {of}") });
        }
        self::statement(sheet, statement);
        if !statement.about.is_empty() {
            sheet.labelled("About", &statement.about.join(", "));
        }
    }
}

/// What is said where, and what holds today.
pub(super) fn statement(sheet: &mut Sheet, statement: &Statement) {
    sheet.text(&statement.says, Paint::Plain);
    if let Some(today) = &statement.today {
        sheet.labelled("Today", today);
    }
    sheet.labelled("Source", &statement.url);
}

fn json(catalogue: &Catalogue, profile: &Profile) -> Value {
    let checks = catalogue.checks().iter();
    let checks: serde_json::Map<String, Value> =
        checks.map(|check| (check.id().to_owned(), profile.level(check.id()).as_str().into())).collect();
    let statements = profile.statement.iter().map(|statement| {
        json!({ "profile": statement.of, "about": statement.about, "says": statement.says, "url": statement.url,
            "today": statement.today })
    });
    let wanted = |list: &[Permission]| -> Value {
        let rows = list.iter();
        rows.map(|p| json!({"resource": p.resource, "permission": p.permission, "protocol": p.protocol}))
            .collect()
    };
    json!({
        "format": 1, "profile": profile.name, "title": profile.title, "extends": profile.extends,
        "worlds": profile.worlds, "protocol": profile.protocol, "sign_in": profile.sign_in,
        "features": profile.features, "scope": profile.scope, "app_id": profile.app_id,
        "user_agent": profile.user_agent,
        "permissions": {
            "application": wanted(&profile.permissions.application),
            "delegated": wanted(&profile.permissions.delegated),
            "optional": wanted(&profile.permissions.optional),
        },
        "checks": checks,
        "params": profile.params,
        "statements": statements.collect::<Vec<_>>(),
    })
}
