//! The command line: one file a subcommand, plus configuration, exit codes, output files, progress.
//!
//! The only module that knows all others. Standard output carries the one document asked for,
//! everything else goes to standard error.

pub mod args;
pub mod bundle;
mod check;
mod checks;
mod collect;
mod completions;
pub mod config;
pub mod coverage;
mod desk;
mod docs;
pub mod exit;
mod explain;
mod guard;
mod hint;
mod imports;
mod init;
mod lab;
mod live;
mod look;
mod man;
mod meant;
mod new_check;
pub mod output;
mod own;
mod permissions;
pub mod person;
mod problem;
mod progress;
mod refused;
mod replay;
mod rounds;
mod scenarios;
mod script;
mod select;
mod signals;
mod sync_test;
pub mod trial;
mod trouble;
mod troubleshoot;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, ExitCodes, Look};
use trouble::Trouble;

/// Parses the command line, runs the subcommand, and says how it went.
pub fn main() -> ExitCode {
    ExitCode::from(guard::guarded(run))
}

fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::READY };
        }
    };
    let (outcome, look, convention) = match &cli.command {
        Command::Check(args) => (check::run(args), &args.report.look, args.report.exit_codes),
        Command::Bundle(args) => (bundle::run(args), args.look(), args.exit_codes()),
        Command::Collect(args) => (collect::run(args), &args.look, ExitCodes::Plain),
        Command::SyncTest(args) => (sync_test::run(args), &args.report.look, args.report.exit_codes),
        Command::Checks(args) => (checks::run(&args.action), args.action.look(), ExitCodes::Plain),
        Command::Coverage(args) => (coverage::run(args), &args.look, ExitCodes::Plain),
        Command::Explain(args) => (explain::run(args), &args.look, ExitCodes::Plain),
        Command::Lab(args) => (lab::run(args), &args.look, ExitCodes::Plain),
        Command::Docs(args) => {
            let args::DocsPage::Requirements(args) = &args.page;
            (docs::requirements(args), &args.look, ExitCodes::Plain)
        }
        Command::Completions(args) => (completions::run(args), &args.look, ExitCodes::Plain),
        Command::Init(args) => (init::run(args), &args.look, ExitCodes::Plain),
        Command::Permissions(args) => (permissions::run(args), &args.look, ExitCodes::Plain),
        Command::Troubleshoot(args) => (troubleshoot::run(args), &args.look, ExitCodes::Plain),
        Command::Man(args) => (man::run(args), &args.look, ExitCodes::Plain),
    };
    outcome.unwrap_or_else(|trouble| {
        complain(&trouble, look);
        exit::of_trouble(trouble.code(), convention)
    })
}

fn complain(trouble: &Trouble, look: &Look) {
    let style = look::stderr(look);
    match trouble {
        Trouble::Ours(message) => {
            output::note(&format!("error: {message}\nThis is our fault; please report it."));
        }
        Trouble::Signal(_) => {}
        Trouble::Undetermined(message) => output::note(&format!("undetermined: {message}")),
        Trouble::Usage(problem) => output::note(problem.render(style.color, style.unicode).trim_end()),
    }
}
