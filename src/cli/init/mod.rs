//! `init`: asks what is needed, looks at the domain from outside, and writes a configuration.

mod answers;
pub mod args;
mod ask;
mod compose;
mod outside;

use std::{
    fs::OpenOptions,
    io::{BufReader, ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
};

use answers::{Answers, Voice};
use ask::Asker;
use outside::Found;

use self::args::Init;
use super::{
    config::{self, Source, Wishes},
    exit,
    output::{self, Sink},
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::engine::Catalogue;

/// Makes a configuration.
pub fn run(args: &Init) -> Result<u8, Trouble> {
    if !args.stdout {
        refuse_existing(&args.output)?;
    }
    let asks = std::io::stdin().is_terminal() && !args.yes;
    if !asks {
        refuse_unanswered(args)?;
    }
    let set = table(&args.set)?;
    let catalogue = Catalogue::embedded();
    let mut voice = if asks {
        Voice::Person(Asker::new(BufReader::new(std::io::stdin()), std::io::stderr()))
    } else {
        Voice::Usual
    };
    let account = voice.account(args.account.as_ref())?;
    let found = found(args, &account, &mut voice, catalogue)?;
    let answers = voice.rest(args, account, &found, catalogue)?;
    let text = compose::compose(&answers, &found, &set);
    prove(&text, args, catalogue)?;
    if args.stdout {
        Sink::Stdout.write(&text)?;
    } else {
        write_new(&args.output, &text)?;
        output::note(&format!("written: {}", args.output.display()));
    }
    output::note(&next(args, &answers));
    Ok(exit::READY)
}

fn found<R: std::io::BufRead, W: Write>(
    args: &Init,
    account: &str,
    voice: &mut Voice<R, W>,
    catalogue: &Catalogue,
) -> Result<Found, Trouble> {
    if args.offline {
        return Ok(Found::default());
    }
    voice.say("looking at the domain from outside …");
    let found = outside::look(account, &args.set, &args.look, catalogue)?;
    for line in found.words() {
        match voice {
            Voice::Person(asker) => asker.say(&line),
            Voice::Usual => output::note(&line),
        }
    }
    Ok(found)
}

/// Without a terminal nobody can be asked: names every option that is missing.
fn refuse_unanswered(args: &Init) -> Result<(), Problem> {
    let mut missing = Vec::new();
    let mut want = |given: bool, option: &'static str| {
        if !given {
            missing.push(option);
        }
    };
    want(args.account.is_some(), "--account");
    if !args.yes {
        want(args.profile.is_some(), "--profile");
        want(args.world.is_some(), "--world");
        want(args.reader.is_some(), "--reader");
        want(args.subject.is_some(), "--subject");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let problem =
        Problem::new(format!("nobody can be asked here, and these are missing: {}", missing.join(", ")));
    Err(if args.yes { problem } else { problem.help("--yes takes what is found for all but --account") })
}

fn refuse_existing(path: &Path) -> Result<(), Problem> {
    if path.symlink_metadata().is_ok() {
        return Err(Problem::new(format!("{} is there already and stays as it is", path.display()))
            .help("`-o FILE` writes another one, `--stdout` only shows it"));
    }
    Ok(())
}

/// The values of `--set` as tables.
fn table(set: &[String]) -> Result<toml::Table, Problem> {
    config::overrides(set)
}

/// What is written must load: anything else is our fault, or that of `--set`.
fn prove(text: &str, args: &Init, catalogue: &Catalogue) -> Result<(), Trouble> {
    let folder = args.output.parent().unwrap_or(Path::new(".")).to_owned();
    let source = Source { name: "the new configuration".into(), folder, text: text.to_owned() };
    let (mut file, source) = config::load(source, &[])?;
    config::without_secrets(&mut file);
    let wishes = Wishes { no_sign_in: true, ..Wishes::default() };
    config::plan(&file, &source, &wishes, &select::profiles(catalogue))?;
    Ok(())
}

/// Never replaces anything; readable for its owner only.
fn write_new(path: &PathBuf, text: &str) -> Result<(), Problem> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let refuse = |error: &std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::new(format!("{} is there already and stays as it is", path.display()))
        }
        _ => Problem::new(format!("cannot write {}: {error}", path.display())),
    };
    let mut file = options.open(path).map_err(|error| refuse(&error))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| refuse(&error))
}

fn next(args: &Init, answers: &Answers) -> String {
    let config = if args.stdout || args.output == Path::new(config::DEFAULT_NAME) {
        String::new()
    } else {
        format!(" --config {}", args.output.display())
    };
    let reads =
        answers.reader.0 == args::Reader::None && answers.world != crate::collect::World::ExchangeServer;
    let more = if reads { "\nmore: syncready permissions says what a reader would add" } else { "" };
    format!("next: syncready check{config}{more}")
}
