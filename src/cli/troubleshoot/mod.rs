//! `troubleshoot`: the likeliest cause behind a log or an error text, and the proof on an account.

mod account;
pub mod args;
mod cases;
mod names;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

pub use account::{Question, answer, one};

use super::{
    args::PageFormat,
    exit, look,
    output::Sink,
    own,
    problem::{self, Problem},
    trouble::Trouble,
};
use crate::{
    knowledge::{
        Knowledge,
        diagnosis::{Diagnosis, Engine},
    },
    report::{topic::Topic, troubleshoot},
};

/// Diagnoses a log, and proves it on an account where one is given.
pub fn run(args: &args::Troubleshoot) -> Result<u8, Trouble> {
    if args.is_about_an_account() {
        return account::run(args);
    }
    let sink = Sink::open(args.output.output.as_deref())?;
    let brought = own::find(&args.checks, args.live.setting.config.as_deref())?;
    let knowledge = brought.knowledge();
    let Some(log) = read(args, knowledge)? else {
        return Err(Trouble::Ours("neither a log nor an account".into()));
    };
    let topic = troubleshoot::topic(brought.catalogue(), knowledge, &log.diagnosis, &log.name);
    let text = written(args, &sink, &topic);
    sink.write(&text)?;
    Ok(code(&log.diagnosis))
}

/// A log that was read.
pub struct Log {
    /// Where it stands.
    pub name: String,
    /// What it says.
    pub diagnosis: Diagnosis,
}

/// The log, where there is one.
fn read(args: &args::Troubleshoot, knowledge: &Knowledge) -> Result<Option<Log>, Problem> {
    let Some(path) = &args.log else { return Ok(None) };
    let name = if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() };
    let refuse = |error: io::Error| Problem::new(format!("cannot read {name}: {}", problem::reason(&error)));
    let diagnosis = Engine::new(knowledge).read(open(path).map_err(refuse)?).map_err(refuse)?;
    Ok(Some(Log { name, diagnosis }))
}

fn written(args: &args::Troubleshoot, sink: &Sink, topic: &Topic) -> String {
    match args.format {
        PageFormat::Json => topic.json(),
        PageFormat::Markdown => topic.markdown(),
        PageFormat::Text => topic.text(&look::stdout(&args.look, !sink.is_stdout())),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    Ok(Box::new(file))
}

fn code(diagnosis: &Diagnosis) -> u8 {
    if !diagnosis.candidates.is_empty() {
        exit::READY
    } else if diagnosis.failures.is_empty() {
        exit::NOTHING
    } else {
        exit::UNDETERMINED
    }
}
