//! From names on the command line to checks and profiles, offering the nearest where one is unknown.

use std::collections::BTreeMap;

use super::{args, config, problem::Problem, trouble::Trouble};
use crate::engine::{self, Catalogue, CheckError, Selection, Waiver};

/// What a plan must know of every profile.
pub fn profiles(catalogue: &Catalogue) -> BTreeMap<String, config::Profile> {
    let view = |profile: &engine::Profile| config::Profile {
        name: profile.name.clone(),
        worlds: profile.worlds.clone(),
        protocol: profile.protocol.clone(),
        features: profile.features.clone(),
        app_id: profile.app_id.clone(),
        user_agent: profile.user_agent.clone(),
        scope: profile.scope.clone(),
        application: profile.permissions.application.clone(),
        delegated: profile.permissions.delegated.clone(),
    };
    catalogue.profiles().map(|profile| (profile.name.clone(), view(profile))).collect()
}

/// The selection that the command line asks for.
pub fn selection(catalogue: &Catalogue, args: &args::Check) -> Result<Selection, Problem> {
    let selection = Selection {
        only: args.only.clone(),
        skip: args.skip.clone(),
        profile: args.profile.clone(),
        strict: args.strict,
        ..Selection::default()
    };
    if let Some(name) = selection.unknown_names(catalogue).first() {
        return Err(unknown_check(catalogue, name));
    }
    if let Some(name) = &args.profile
        && catalogue.profile(name).is_none()
    {
        let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
        return Err(Problem::new(format!("unknown profile `{name}`")).choices(name, &names, "profiles"));
    }
    Ok(selection)
}

/// The waivers of a configuration.
pub fn waivers(
    file: &config::File,
    source: &config::Source,
    catalogue: &Catalogue,
) -> Result<Vec<Waiver>, Problem> {
    let waiver = |table: &toml::Spanned<config::RawWaiver>| {
        let (span, raw) = (table.span(), table.get_ref());
        let missing =
            |key: &str| source.problem(span.clone(), format!("the waiver has no `{key}`"), "one is needed");
        let check = raw.check.as_ref().ok_or_else(|| missing("check"))?;
        let reason = raw.reason.as_ref().ok_or_else(|| missing("reason"))?;
        let Some(known) = catalogue.check(check.get_ref()) else {
            let ids: Vec<&str> = catalogue.checks().iter().map(engine::Check::id).collect();
            let message = format!("there is no check `{}`", check.get_ref());
            let problem = source.problem(check.span(), message, "no such check");
            return Err(problem.choices(check.get_ref(), &ids, "checks"));
        };
        if let Some(until) = &raw.until
            && until.get_ref().parse::<jiff::civil::Date>().is_err()
        {
            let message = format!("`{}` is not a day; write it like 2027-03-31", until.get_ref());
            return Err(source.problem(until.span(), message, "not a day"));
        }
        Ok(Waiver {
            check: known.id().to_owned(),
            account: raw.account.clone(),
            reason: reason.get_ref().clone(),
            until: raw.until.as_ref().map(|until| until.get_ref().clone()),
        })
    };
    file.waivers.iter().map(waiver).collect()
}

/// Refusal of a name that is neither a check nor an area.
pub fn unknown_check(catalogue: &Catalogue, name: &str) -> Problem {
    let areas = catalogue.areas().iter().map(|area| area.id.as_str());
    let names: Vec<&str> = catalogue.checks().iter().map(engine::Check::id).chain(areas).collect();
    Problem::new(format!("there is no check or area `{name}`"))
        .choices(name, &names, "names")
        .help("`syncready checks list` shows all checks")
}

/// A refused check file, shown with its place.
pub fn refused_check(error: &CheckError) -> Problem {
    let problem =
        Problem::new(&error.message).within(&error.file, &error.source_text, error.span.clone(), "here");
    match &error.help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A built-in check that does not compile is our fault.
pub fn broken_check(error: &CheckError) -> Trouble {
    Trouble::Ours(format!("a built-in check is broken: {}:{}: {}", error.file, error.line, error.message))
}
