//! `troubleshoot`: the likeliest cause behind a log or an error text.

pub mod args;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{args::PageFormat, exit, look, output::Sink, own, problem::Problem, trouble::Trouble};
use crate::{
    knowledge::diagnosis::{Diagnosis, Engine},
    report::troubleshoot,
};

/// Diagnoses one log.
pub fn run(args: &args::Troubleshoot) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let brought = own::find(&args.brings.checks, args.brings.config.as_deref())?;
    let knowledge = brought.knowledge();
    let name = if is_stdin(&args.log) { "standard input".to_owned() } else { args.log.display().to_string() };
    let refuse = |error: io::Error| Problem::new(format!("cannot read {name}: {}", reason(&error)));
    let log = open(&args.log).map_err(refuse)?;
    let diagnosis = Engine::new(knowledge).read(log).map_err(refuse)?;
    let topic = troubleshoot::topic(brought.catalogue(), knowledge, &diagnosis, &name);
    let text = match args.format {
        PageFormat::Json => topic.json(),
        PageFormat::Markdown => topic.markdown(),
        PageFormat::Text => topic.text(&look::stdout(&args.look, !sink.is_stdout())),
    };
    sink.write(&text)?;
    Ok(code(&diagnosis))
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

/// What went wrong, without the number that the system adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
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
