//! `permissions`: what the reader needs for the selected checks, and no more.
//!
//! Nothing here is written down twice: the call table says which permission yields which fact, the
//! checks say which facts they read.

pub mod args;
mod excess;
mod link;
mod script;
mod tiers;

use std::{fmt::Write, path::PathBuf};

use self::args::{Format, Permissions};

use super::{
    config::{self, File, Source, Wishes},
    exit, look,
    output::{self, Sink},
    own,
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::{
    collect::Target,
    engine::{Catalogue, Selection},
    report::permissions as page,
};
use tiers::Needs;

/// Worlds in which there is a directory to read.
const CLOUD_WORLDS: &[&str] = &["online-delegated", "online-ews-app", "online-graph-app"];

/// Says what the reader needs.
pub fn run(args: &Permissions) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let brought = own::find(&args.checks, args.config.as_deref())?;
    let catalogue = brought.catalogue();
    let selection = selection(catalogue, args)?;
    let found = config::find(args.config.as_deref())?;
    let configured = found.is_some();
    let source = found.unwrap_or_else(nothing);
    let (targets, about) = targets(args, &source, catalogue)?;
    let mut needs = Needs::default();
    for target in &targets {
        let profile = catalogue.profile(&target.profile);
        needs.add(catalogue, &selection, target, profile).map_err(|error| select::broken_check(&error))?;
    }
    let mut plan = needs.plan();
    plan.about = about;
    let style = look::stdout(&args.look, !sink.is_stdout());
    if args.excess {
        if !configured {
            return Err(Problem::new("--excess needs a configuration with a [reader]").into());
        }
        let (holding, code) = excess::compare(args, source, catalogue, &needs, &plan)?;
        sink.write(&match args.format {
            Format::Json => page::holding_json(&holding),
            Format::Markdown => page::holding_markdown(&holding),
            Format::Table => page::holding_text(&holding, &style),
        })?;
        return Ok(code);
    }
    if let Some(shell) = args.script {
        let target = tenant_of(args, &targets)?;
        sink.write(&script::render(
            shell,
            &plan,
            &script::Place {
                tenant: target.0,
                cloud: target.1.cloud,
                graph: target.1.endpoints.graph.to_string(),
            },
        ))?;
        return Ok(exit::READY);
    }
    let links = || link::links(args, &source, &targets, &plan);
    if args.consent_link {
        let links = links()?;
        sink.write(&(links.join("\n") + "\n"))?;
        output::note(link::NOTE);
        return Ok(exit::READY);
    }
    sink.write(&match args.format {
        Format::Json => page::json(&plan, &links().unwrap_or_default()),
        Format::Markdown => page::markdown(&plan),
        Format::Table => page::text(&plan, &style),
    })?;
    Ok(exit::READY)
}

fn nothing() -> Source {
    Source { name: "no configuration".into(), folder: PathBuf::from("."), text: String::new() }
}

fn selection(catalogue: &Catalogue, args: &Permissions) -> Result<Selection, Problem> {
    let selection =
        Selection { only: args.filter.only.clone(), skip: args.filter.skip.clone(), ..Selection::default() };
    if let Some(name) = selection.unknown_names(catalogue).first() {
        return Err(select::unknown_check(catalogue, name));
    }
    Ok(selection)
}

/// What is to be examined, without any secret: of the configuration, or made up for the worlds that
/// are asked for.
fn targets(
    args: &Permissions,
    source: &Source,
    catalogue: &Catalogue,
) -> Result<(Vec<Target>, Vec<String>), Problem> {
    let (mut file, source) = config::load(source.clone(), &args.set)?;
    if file.accounts.is_empty() || args.world.is_some() {
        return invented(args, &file, catalogue);
    }
    config::without_secrets(&mut file);
    let wishes = Wishes { profile: args.profile.as_deref(), no_sign_in: true, ..Wishes::default() };
    let plan = config::plan(&file, &source, &wishes, &select::profiles(catalogue))?;
    let line = |target: &Target| {
        let world = target.world.map_or("world not known yet", |world| world.as_str());
        format!("{} ({world}, profile {})", target.account, target.profile)
    };
    let about = plan.targets.iter().map(line).collect();
    Ok((plan.targets, about))
}

fn invented(
    args: &Permissions,
    file: &File,
    catalogue: &Catalogue,
) -> Result<(Vec<Target>, Vec<String>), Problem> {
    let profile = match &args.profile {
        None => None,
        Some(name) => Some(catalogue.profile(name).ok_or_else(|| {
            let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
            Problem::new(format!("unknown profile `{name}`")).choices(name, &names, "profiles")
        })?),
    };
    let of_profile = profile.map(|profile| profile.worlds.iter().map(String::as_str).collect::<Vec<_>>());
    let worlds = match args.world {
        Some(world) => vec![world.as_str()],
        None => of_profile.filter(|worlds| !worlds.is_empty()).unwrap_or_else(|| CLOUD_WORLDS.to_vec()),
    };
    let domain = file.tenant.as_ref().and_then(|tenant| tenant.get_ref().domain.as_ref());
    let domain = args.tenant.clone().or_else(|| domain.map(|domain| domain.get_ref().clone()));
    let domain = domain.filter(|domain| domain.contains('.')).unwrap_or_else(|| "example.com".into());
    let mut found = Vec::new();
    for world in &worlds {
        let mut text = format!("[[account]]\naddress = \"reader@{domain}\"\nworld = \"{world}\"\n");
        if let Some(profile) = profile {
            let _ = writeln!(text, "profile = \"{}\"", profile.name);
        }
        let source = Source { name: "the command line".into(), folder: PathBuf::from("."), text };
        let (file, source) = config::load(source, &[])?;
        let plan = config::plan(&file, &source, &Wishes::default(), &select::profiles(catalogue))?;
        found.extend(plan.targets);
    }
    let profiles = profile.map_or("profiles generic-ews and generic-graph", |profile| &profile.title);
    Ok((found, vec![format!("{}; {profiles}", worlds.join(", "))]))
}

/// The tenant that link and script are for, and a target in it.
fn tenant_of<'a>(args: &Permissions, targets: &'a [Target]) -> Result<(String, &'a Target), Problem> {
    let known = |target: &&Target| !target.domain.ends_with("example.com");
    let target = targets.first().ok_or_else(|| Problem::new("there is no account to do it for"))?;
    let told = args.tenant.clone().or_else(|| {
        let target = Some(target).filter(known)?;
        Some(target.tenant_id.clone().unwrap_or_else(|| target.domain.clone()))
    });
    let tenant = told.ok_or_else(|| {
        Problem::new("which tenant is it for?")
            .help("`--tenant contoso.com`, or a configuration with accounts")
    })?;
    Ok((tenant, target))
}
