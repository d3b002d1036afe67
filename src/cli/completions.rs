//! `completions`: what a shell may offer behind `syncready`, names of checks, profiles, scenarios and
//! causes included.

use clap::{CommandFactory, builder::PossibleValuesParser};
use clap_complete::Shell;

use super::{
    args::{self, Cli},
    exit,
    output::Sink,
    trouble::Trouble,
};
use crate::{
    engine::{Catalogue, causes},
    lab,
};

/// Prints the completions for a shell.
pub fn run(args: &args::Completions) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut with_names(), "syncready", &mut script);
    let mut script = String::from_utf8(script).map_err(|error| Trouble::Ours(error.to_string()))?;
    if args.shell == Shell::Fish {
        script.push_str(&topics_for_fish());
    }
    sink.write(&script)?;
    Ok(exit::READY)
}

/// The generator for fish leaves out what stands behind a command without an option.
fn topics_for_fish() -> String {
    let names = topics().join(" ");
    format!("complete -c syncready -n \"__fish_seen_subcommand_from explain\" -f -a \"{names}\"\n")
}

/// Checks, areas and causes.
fn topics() -> Vec<&'static str> {
    let catalogue = Catalogue::embedded();
    let checks = catalogue.checks().iter().map(crate::engine::Check::id);
    let areas = catalogue.areas().iter().map(|area| area.id.as_str());
    checks.chain(areas).chain(causes::CAUSES.iter().map(|(name, _)| *name)).collect()
}

/// The command line with the names that this version knows.
fn with_names() -> clap::Command {
    let catalogue = Catalogue::embedded();
    let checks = catalogue.checks().iter().map(crate::engine::Check::id);
    let selectable: Vec<&str> = checks.chain(catalogue.areas().iter().map(|area| area.id.as_str())).collect();
    let profiles: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
    let scenarios = lab::scenario_names();
    let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
    let demos: Vec<&str> = std::iter::once("list").chain(scenarios.iter().copied()).collect();
    let names: [(&str, Vec<&str>); 5] = [
        ("only", selectable.clone()),
        ("skip", selectable.clone()),
        ("profile", profiles),
        ("demo", demos),
        ("scenario", scenarios.clone()),
    ];
    let mut command = Cli::command();
    for (id, names) in names {
        command = offer(command, id, &names);
    }
    command.mut_subcommand("explain", |explain| offer_one(explain, "id", &topics()))
}

/// Offers names for an argument in every command that has it.
fn offer(mut command: clap::Command, id: &str, names: &[&str]) -> clap::Command {
    let inner: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    for name in inner {
        command = command.mut_subcommand(name, |inner| offer(offer_one(inner, id, names), id, names));
    }
    command
}

fn offer_one(command: clap::Command, id: &str, names: &[&str]) -> clap::Command {
    if !command.get_arguments().any(|argument| argument.get_id() == id) {
        return command;
    }
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    command.mut_arg(id, |argument| argument.value_parser(PossibleValuesParser::new(names)))
}
