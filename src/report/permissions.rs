//! The permissions that a reader needs, tier by tier, and what a present reader holds beyond or lacks.

use serde::Serialize;
use serde_json::json;

use super::mark::Paint;
use super::page::count;
use super::sheet::Sheet;
use super::{Style, json as document};

/// A permission of the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// Name; for Exchange with the role that belongs to it.
    pub name: String,
    /// `graph` or `exchange`.
    pub resource: String,
    /// What it opens.
    pub opens: String,
    /// The least directory role of a user who reads in its place.
    pub role: String,
    /// Wider ones that suffice as well.
    pub included_in: Vec<String>,
    /// Checks that need it.
    pub checks: Vec<String>,
}

/// A step on the way to all checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// What it is about.
    pub title: String,
    /// What it adds.
    pub permissions: Vec<Permission>,
    /// Checks that it lifts from unknown.
    pub lifts: Vec<String>,
    /// All that is to be granted up to here, without what something else includes.
    pub least: Vec<String>,
}

/// Everything that is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What it was made for, in words.
    pub about: Vec<String>,
    /// Checks that need no reader.
    pub without: Vec<String>,
    /// The steps.
    pub tiers: Vec<Tier>,
    /// Permissions that only a signed-in user can hold.
    pub delegated_only: Vec<Permission>,
    /// All that is to be granted for everything.
    pub least: Vec<Permission>,
}

/// What a present reader holds, against what is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// App id.
    pub client_id: String,
    /// Everything that it holds.
    pub held: Vec<String>,
    /// Rights to write that it holds.
    pub writes: Vec<String>,
    /// What it holds beyond need, rights to write first.
    pub excess: Vec<String>,
    /// What is missing.
    pub missing: Vec<Permission>,
}

fn plan_sheet(plan: &Plan) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.title("Permissions of the reader");
    for line in &plan.about {
        sheet.text(line, Paint::Plain);
    }
    if !plan.tiers.is_empty() && !plan.without.is_empty() {
        let without = count(plan.without.len(), "selected check");
        sheet.text(&format!("{without} would do without any reader."), Paint::Plain);
    }
    for (index, tier) in plan.tiers.iter().enumerate() {
        sheet.heading(&format!("Tier {}: {}", index + 1, tier.title));
        for permission in &tier.permissions {
            sheet.entry(&permission.name, &permission.opens);
        }
        sheet.gap();
        let lifts = match tier.lifts.len() {
            0 => "no check alone; it completes checks of later tiers".to_owned(),
            number => format!("{}: {}", count(number, "check"), tier.lifts.join(", ")),
        };
        sheet.labelled("Lifts", &lifts);
        sheet.labelled("Up to here", &tier.least.join(", "));
    }
    if plan.tiers.is_empty() {
        sheet.gap();
        sheet.text("No permission is needed.", Paint::Plain);
        return sheet;
    }
    summary(&mut sheet, plan);
    sheet
}

fn summary(sheet: &mut Sheet, plan: &Plan) {
    sheet.heading("For everything above");
    let names: Vec<&str> = plan.least.iter().map(|one| one.name.as_str()).collect();
    sheet.labelled("App", &names.join(", "));
    let graph: Vec<&Permission> = plan.least.iter().filter(|one| one.resource == "graph").collect();
    if !graph.is_empty() {
        sheet.labelled("User", &user_roles(plan));
    }
    if plan.least.iter().any(|one| one.resource == "exchange") {
        sheet.labelled(
            "Exchange",
            "the app permission alone opens nothing: give the app the directory role Global Reader. Narrower: \
             add its service principal to the Exchange role group View-Only Organization Management; this tool \
             cannot see that in the token and then calls the role missing.",
        );
    }
    for only in &plan.delegated_only {
        sheet.labelled("User only", &format!("{}: {}; no app can hold it", only.name, only.opens));
    }
    sheet.gap();
    sheet.text(
        "Consent to the Graph permissions takes a Privileged Role Administrator. `--script powershell` or \
         `--script sh` prints a script that registers the reader; `--consent-link` the address for the consent; \
         `--excess` compares them with what the present reader holds.",
        Paint::Plain,
    );
}

/// What Global Reader does not cover.
const STAGED: &str = "Hybrid Identity Administrator";

/// The directory roles by which a signed-in user reads the same.
fn user_roles(plan: &Plan) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for permission in plan.least.iter().chain(&plan.delegated_only) {
        if !roles.contains(&permission.role.as_str()) {
            roles.push(&permission.role);
        }
    }
    let staged = roles.contains(&STAGED);
    let all = match (roles.len(), staged) {
        (1, _) => String::new(),
        (_, true) => format!(" (Global Reader covers all but {STAGED})"),
        (_, false) => " (Global Reader covers all)".to_owned(),
    };
    format!(
        "the same permissions in their delegated form, and for the person who signs in the least roles: {}{all}",
        roles.join(", ")
    )
}

/// The plan for a terminal.
pub fn text(plan: &Plan, style: &Style) -> String {
    plan_sheet(plan).on_terminal(style)
}

/// The plan as Markdown.
pub fn markdown(plan: &Plan) -> String {
    plan_sheet(plan).as_markdown()
}

/// The plan as one JSON document; `links` are addresses for the consent.
pub fn json(plan: &Plan, links: &[String]) -> String {
    document::pretty(&json!({
        "format": 1,
        "about": plan.about,
        "without_reader": plan.without,
        "tiers": plan.tiers,
        "delegated_only": plan.delegated_only,
        "least": plan.least,
        "consent_links": links,
    }))
}

fn holding_sheet(holding: &Holding) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.title(&format!("What the reader {} holds", holding.client_id));
    let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    sheet.labelled("Holds", &list(&holding.held));
    sheet.labelled("Writes", &list(&holding.writes));
    sheet.heading("Beyond need");
    for name in &holding.excess {
        let text = if holding.writes.contains(name) {
            "can change things: take it away first"
        } else {
            "not needed"
        };
        sheet.entry(name, text);
    }
    if holding.excess.is_empty() {
        sheet.text("Nothing.", Paint::Good);
    }
    sheet.heading("Missing");
    for missing in &holding.missing {
        let text = format!("{}; keeps {} unknown", missing.opens, count(missing.checks.len(), "check"));
        sheet.entry(&missing.name, &text);
    }
    if holding.missing.is_empty() {
        sheet.text("Nothing.", Paint::Good);
    }
    sheet
}

/// The comparison for a terminal.
pub fn holding_text(holding: &Holding, style: &Style) -> String {
    holding_sheet(holding).on_terminal(style)
}

/// The comparison as Markdown.
pub fn holding_markdown(holding: &Holding) -> String {
    holding_sheet(holding).as_markdown()
}

/// The comparison as one JSON document.
pub fn holding_json(holding: &Holding) -> String {
    let mut value = serde_json::to_value(holding).unwrap_or_default();
    value["format"] = json!(1);
    document::pretty(&value)
}
