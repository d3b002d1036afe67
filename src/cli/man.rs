//! `man`: the manual, made from the same definition as `--help`.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{
    args::{self, Cli},
    exit,
    output::{self, Sink},
    problem::Problem,
    trouble::Trouble,
};

/// Prints one page, or writes all of them into a folder.
pub fn run(args: &args::Manual) -> Result<u8, Trouble> {
    let root = built();
    let Some(folder) = &args.output else {
        let command = find(&root, &args.command)?;
        Sink::Stdout.write(&page(command)?)?;
        return Ok(exit::READY);
    };
    let mut all = Vec::new();
    gather(&root, &mut all);
    folder_for(folder)?;
    for command in &all {
        let path = folder.join(format!("{}.1", display_name(command)));
        Sink::open(Some(&path))?.write(&page(command)?)?;
    }
    output::note(&format!("{} pages in {}", all.len(), folder.display()));
    Ok(exit::READY)
}

/// The command line with every inherited piece in place.
fn built() -> clap::Command {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    root
}

fn display_name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn gather<'a>(command: &'a clap::Command, all: &mut Vec<&'a clap::Command>) {
    all.push(command);
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        gather(inner, all);
    }
}

fn find<'a>(root: &'a clap::Command, path: &[String]) -> Result<&'a clap::Command, Problem> {
    let mut command = root;
    for name in path {
        let inner: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        command = command.find_subcommand(name).ok_or_else(|| {
            let of = if inner.is_empty() { "has no subcommands" } else { "has no such subcommand" };
            Problem::new(format!("`{}` {of}: `{name}`", display_name(command).replace('-', " ")))
                .choices(name, &inner, "commands")
        })?;
    }
    Ok(command)
}

fn folder_for(folder: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Problem::new(format!("cannot write into {}: {error}", folder.display())))
}

fn page(command: &clap::Command) -> Result<String, Trouble> {
    let text = roff(command).map_err(|error| Trouble::Ours(error.to_string()))?;
    String::from_utf8(text).map_err(|error| Trouble::Ours(error.to_string()))
}

fn roff(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let man = Man::new(command.clone()).title(display_name(command).to_uppercase());
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    after_help(command).to_writer(&mut text)?;
    exit_codes(command).to_writer(&mut text)?;
    surroundings().to_writer(&mut text)?;
    Ok(text)
}

/// How the paragraph begins in which `--help` says what the codes mean.
const EXIT_CODES: &str = "Exit codes: ";

fn paragraphs(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.split("\n\n").map(str::to_owned).collect()
}

/// What stands below the options in `--help`: the examples line by line, then the notes.
fn after_help(command: &clap::Command) -> Roff {
    let mut roff = Roff::new();
    let mut noted = false;
    for block in
        paragraphs(command).iter().filter(|block| !block.starts_with(EXIT_CODES) && !block.is_empty())
    {
        let examples = block.strip_prefix("Examples:\n").or_else(|| block.strip_prefix("Example:\n"));
        if let Some(lines) = examples {
            roff.control("SH", ["EXAMPLES"]);
            roff.control("nf", []);
            for line in lines.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
            continue;
        }
        roff.control(if noted { "PP" } else { "SH" }, if noted { None } else { Some("NOTES") });
        roff.text([roman(block)]);
        noted = true;
    }
    roff
}

/// The codes as its own help tells them; else those of the whole program.
fn exit_codes(command: &clap::Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    let own =
        paragraphs(command).into_iter().find_map(|text| text.strip_prefix(EXIT_CODES).map(str::to_owned));
    let is_program = display_name(command) == command.get_name();
    if let Some(own) = own.filter(|_| !is_program) {
        roff.text([roman(format!("{own} The others are those of syncready(1)."))]);
        return roff;
    }
    for (code, meaning) in exit::TABLE {
        roff.control("TP", ["6"]);
        roff.text([bold(code.to_string())]);
        roff.text([roman(*meaning)]);
    }
    roff
}

/// What it reads besides its options.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("./syncready.toml", "the configuration, where no --config names another"),
    ("SYNCREADY_CONFIG", "the configuration to read instead"),
    ("NO_COLOR", "no color, unless --color=always"),
    ("COLUMNS", "the width of the output"),
];

fn surroundings() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["FILES AND ENVIRONMENT"]);
    for (name, meaning) in SURROUNDINGS {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(*meaning)]);
    }
    roff
}
