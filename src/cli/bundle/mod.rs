//! `bundle`: everything that support needs, in one archive, without what is personal.

pub mod args;
mod environment;
mod make;
mod reveal;
mod show;

use std::{io::Read, path::Path};

use super::{
    check, exit,
    problem::{self, Problem},
    trouble::Trouble,
};
use crate::bundle;

pub use make::{Made, assemble};

/// Makes a bundle, or does something with one.
pub fn run(args: &args::Bundle) -> Result<u8, Trouble> {
    match &args.action {
        None => make::run(&args.create),
        Some(args::Action::Show(args)) => show::run(args),
        Some(args::Action::Reveal(args)) => reveal::run(args),
        Some(args::Action::Check(args)) => {
            // Said before anything else is: facts alone would do for `check`.
            open(&args.bundle)?;
            check::run(&args.as_check())
        }
    }
}

/// Reads a bundle.
fn open(path: &Path) -> Result<bundle::Bundle, Problem> {
    let name = path.display();
    let refuse =
        |error: std::io::Error| Problem::new(format!("cannot read {name}: {}", problem::reason(&error)));
    let file = std::fs::File::open(path).map_err(refuse)?;
    if file.metadata().map_err(refuse)?.is_dir() {
        return Err(Problem::new(format!("cannot read {name}: it is a folder")));
    }
    from_reader(std::io::BufReader::new(file), &name.to_string())
}

/// Reads a bundle from wherever it comes.
pub fn from_reader(reader: impl Read, name: &str) -> Result<bundle::Bundle, Problem> {
    bundle::open(reader).map_err(|refusal| {
        Problem::new(format!("cannot use the bundle {name}: {refusal}"))
            .help("`syncready bundle -o FILE.tar.gz` makes one")
    })
}

/// The facts in a bundle.
pub fn facts_of(bundle: &bundle::Bundle, name: &str) -> Result<Vec<u8>, Problem> {
    let facts = bundle.file(bundle::file::FACTS);
    facts.map(<[u8]>::to_vec).ok_or_else(|| Problem::new(format!("the bundle {name} holds no facts")))
}

/// The code of something that was done.
fn done(something: bool) -> u8 {
    if something { exit::READY } else { exit::NOTHING }
}
