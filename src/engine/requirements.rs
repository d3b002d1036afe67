//! What a product needs in a world, before anything is checked: the checks that make sense there, and
//! the first way to fulfil each.

use serde_json::json;

use super::catalogue::Catalogue;
use super::check::{Check, CheckError, FixFile, Outcome, Shell};
use super::example::settings;
use super::expr::Truth;
use super::finding::{Settles, Word};
use super::profile::{Level, Profile};
use super::select::Selection;
use super::template::Quoting;
use super::value::to_val;
use super::view::{View, params};
use crate::facts::{Account, Document, Section, Tenant};

/// One thing that a product needs.
#[derive(Debug)]
pub struct Requirement<'a> {
    /// The check that judges it.
    pub check: &'a Check,
    /// How much it matters.
    pub level: Level,
    /// What to do where it is not so; a value that only a check would find out reads `…`.
    pub steps: Vec<String>,
    /// A command that does it, where all its values are known beforehand.
    pub command: Option<String>,
    /// Who does it.
    pub who: Option<&'a str>,
    /// The least role.
    pub role: Option<&'a str>,
    /// Usual and longest waiting time.
    pub settles: Option<Settles>,
}

/// What a product needs in a world, in the order of set-up; `None` if there is no such world.
///
/// # Errors
///
/// When a check does not compile.
pub fn requirements<'a>(
    catalogue: &'a Catalogue,
    profile: &Profile,
    world: &str,
) -> Result<Option<Vec<Requirement<'a>>>, CheckError> {
    let Some(section) = imagined(profile, world) else { return Ok(None) };
    let document = Document::new("2026-11-21T08:00:00Z");
    let (tenant, address) = (Tenant::default(), "svc-sync@contoso.com".to_owned());
    let account =
        Account { address, tenant: "contoso.com".into(), app: None, profile: profile.name.clone(), section };
    let view = View::new(&document.run, &tenant, &account);
    let mut context = view.context(profile);
    let mut found = Vec::new();
    for check in catalogue.checks() {
        let level = profile.level(check.id());
        // What judges an attempt asks for nothing that is not asked for before it.
        if level == Level::Unwanted || catalogue.only_with(check).is_some() {
            continue;
        }
        let values = params(check, profile, &Selection::default());
        context.add_variable_as_val("params", to_val(&values, "params", false));
        let rules = check.rules()?;
        if rules.applies.as_ref().is_some_and(|applies| applies.test(&context).0 == Truth::Known(false)) {
            continue;
        }
        let rows = check.file().outcome.iter().zip(&rules.rows);
        let road = first_road(rows.clone(), Word::Fail).or_else(|| first_road(rows, Word::Warn));
        let fits = |rules: &super::check::FixRules| {
            rules.when.as_ref().is_none_or(|when| when.test(&context).0 != Truth::Known(false))
        };
        let fix =
            road.and_then(|(row, fixes)| Some((row, fixes.into_iter().find(|(_, rules)| fits(rules))?)));
        found.push(Requirement {
            check,
            level,
            steps: fix.as_ref().map_or_else(Vec::new, |(_, (_, rules))| {
                rules.steps.iter().map(|step| step.outline(&context).trim().to_owned()).collect()
            }),
            command: fix.as_ref().and_then(|(_, (file, rules))| {
                let quoting = file.shell.map_or(Quoting::PowerShell, Shell::quoting);
                let command = rules.command.as_ref()?.command(&context, quoting)?;
                Some(command.trim().to_owned())
            }),
            who: fix.as_ref().and_then(|(_, (file, _))| file.who.as_deref()),
            role: fix.as_ref().and_then(|(_, (file, _))| file.role.as_deref()),
            settles: fix.and_then(|(row, _)| row.settles.clone()).map(|[usual, max]| Settles { usual, max }),
        });
    }
    Ok(Some(found))
}

type Road<'a> = (&'a Outcome, Vec<(&'a FixFile, &'a super::check::FixRules)>);

/// The first row of a result that says how to repair it.
fn first_road<'a>(
    mut rows: impl Iterator<Item = (&'a Outcome, &'a super::check::Row)>,
    result: Word,
) -> Option<Road<'a>> {
    let (row, rules) = rows.find(|(row, _)| *row.result.get_ref() == result && !row.fix.is_empty())?;
    Some((row, row.fix.iter().zip(&rules.fixes).collect()))
}

/// The facts of an account of which nothing is known but its world and its product.
fn imagined(profile: &Profile, world: &str) -> Option<Section> {
    let mut section = Section { facts: settings(world)?, ..Section::default() };
    let client = profile.app_id.as_deref().unwrap_or("the product's app id");
    if world != "exchange-server" {
        section.set("subject.client_id", json!(client));
    }
    section.set("request.features", json!(profile.features));
    section.set("request.scope", json!(profile.scope));
    section.set("account.upn", json!("svc-sync@contoso.com"));
    section.set("mailbox.primary_address", json!("svc-sync@contoso.com"));
    section.set("tenant.domain", json!("contoso.com"));
    section.set("app.display_name", json!(profile.title.split(':').next()));
    Some(section)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(profile: &str, world: &str) -> Vec<String> {
        let catalogue = Catalogue::embedded();
        let profile = catalogue.profile(profile).expect("a profile");
        let found = requirements(catalogue, profile, world).expect("compiles").expect("a world");
        found.iter().map(|requirement| requirement.check.id().to_owned()).collect()
    }

    #[test]
    fn what_makes_no_sense_in_a_world_is_not_needed_there() {
        let (server, app) =
            (needed("cirrus-insight", "exchange-server"), needed("cirrus-insight", "online-graph-app"));
        let has = |list: &[String], id: &str| list.iter().any(|known| known == id);
        assert!(
            has(&server, "discovery/ews-endpoint-answers") && !has(&server, "graph/target-mailbox-answers")
        );
        assert!(
            has(&app, "graph/target-mailbox-answers") && !has(&app, "sign-in/server-accepts-the-account")
        );
    }

    #[test]
    fn what_judges_an_attempt_is_no_need() {
        assert!(needed("generic-graph", "online-graph-app").iter().all(|id| !id.starts_with("sync/")));
    }

    #[test]
    fn a_world_that_is_none_has_no_requirements() {
        let catalogue = Catalogue::embedded();
        let profile = catalogue.profile("generic-ews").expect("a profile");
        assert!(requirements(catalogue, profile, "moon").expect("compiles").is_none());
    }
}
