//! `docs`: pages for others, made of profiles and checks.

use super::{
    args::{self, DocsFormat},
    exit, look,
    output::Sink,
    own,
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::{
    engine::{self, Profile},
    report::requirements::{Host, Requirements},
};

/// Writes what a product needs.
pub fn requirements(args: &args::Requirements) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let brought = own::find(&args.brings.checks, args.brings.config.as_deref())?;
    let catalogue = brought.catalogue();
    let Some(profile) = catalogue.profile(&args.profile) else {
        let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
        let problem = Problem::new(format!("unknown profile `{}`", args.profile));
        return Err(problem.choices(&args.profile, &names, "profiles").into());
    };
    let world = world(profile, args.world.as_deref())?;
    let needs = engine::requirements(catalogue, profile, world);
    let needs = needs.map_err(|error| select::broken_check(&error))?.unwrap_or_default();
    let page = Requirements::new(catalogue, profile, world, &needs, &hosts(world));
    let text = match args.format {
        DocsFormat::Markdown => page.markdown(),
        DocsFormat::Html => page.html(),
        DocsFormat::Text => page.text(&look::stdout(&args.look, !sink.is_stdout())),
    };
    sink.write(&text)?;
    Ok(exit::READY)
}

/// The world asked for, if the product knows it; else its usual one.
fn world<'p>(profile: &'p Profile, asked: Option<&str>) -> Result<&'p str, Problem> {
    let Some(asked) = asked else { return Ok(profile.worlds.first().map_or("", String::as_str)) };
    profile.worlds.iter().map(String::as_str).find(|known| *known == asked).ok_or_else(|| {
        let message = format!("profile `{}` does not know the world `{asked}`", profile.name);
        Problem::new(message).choices(asked, &profile.worlds, "worlds")
    })
}

/// What a product calls in a world, in the worldwide cloud.
fn hosts(world: &str) -> Vec<Host> {
    let host =
        |name: &str, purpose: &str| Host { name: name.to_owned(), port: 443, purpose: purpose.to_owned() };
    if world == "exchange-server" {
        return vec![
            host("autodiscover.contoso.com", "Autodiscover"),
            host("the Exchange server", "Exchange Web Services, at /EWS/Exchange.asmx"),
        ];
    }
    vec![
        host("login.microsoftonline.com", "signing in"),
        host("graph.microsoft.com", "Microsoft Graph"),
        host("outlook.office365.com", "Exchange Online, Exchange Web Services, Autodiscover"),
    ]
}
