//! `checks`: the catalogue, and the examples that prove it.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{
    args::{ChecksAction, TextFormat},
    exit, look,
    output::Sink,
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::{
    engine::{self, Catalogue, Check, CheckError},
    report,
};

/// Lists the checks, or runs their examples.
pub fn run(action: &ChecksAction) -> Result<u8, Trouble> {
    match action {
        ChecksAction::List { format, output, look } => {
            let sink = Sink::open(output.output.as_deref())?;
            let catalogue = Catalogue::embedded();
            let text = match format {
                TextFormat::Json => report::list::json(catalogue),
                TextFormat::Text => report::list::checks(catalogue, &look::stdout(look, !sink.is_stdout())),
            };
            sink.write(&text)?;
            Ok(exit::READY)
        }
        ChecksAction::Test { paths, .. } => test(paths),
    }
}

fn test(paths: &[PathBuf]) -> Result<u8, Trouble> {
    let catalogue = Catalogue::embedded();
    let mut tally = Tally::default();
    if paths.is_empty() {
        for check in catalogue.checks() {
            tally.examine(catalogue, check)?;
        }
    } else {
        for path in files(paths)? {
            tally.examine(catalogue, &read(&path)?)?;
        }
    }
    let (checks, examples, failed) = (tally.checks, tally.examples, tally.failed);
    let _ = writeln!(tally.text, "{checks} checks, {examples} examples, {failed} failed");
    Sink::Stdout.write(&tally.text)?;
    Ok(match (failed, checks) {
        (0, 0) => exit::NOTHING,
        (0, _) => exit::READY,
        _ => exit::NOT_READY,
    })
}

#[derive(Default)]
struct Tally {
    checks: usize,
    examples: usize,
    failed: usize,
    text: String,
}

impl Tally {
    fn examine(&mut self, catalogue: &Catalogue, check: &Check) -> Result<(), Problem> {
        let refuse = |error: CheckError| select::refused_check(&error);
        check.compile().map_err(refuse)?;
        let results = engine::run_examples(catalogue, check).map_err(refuse)?;
        self.checks += 1;
        self.examples += results.len();
        for result in &results {
            if let Some(complaint) = &result.complaint {
                self.failed += 1;
                let _ = writeln!(self.text, "FAIL  {}, example \"{}\": {complaint}", check.id(), result.name);
            }
        }
        if results.is_empty() {
            self.failed += 1;
            let _ = writeln!(self.text, "FAIL  {}: it has no example", check.id());
        }
        Ok(())
    }
}

/// Files that stand beside checks and are none.
const OTHERS: &[&str] = &["areas", "profiles", "knowledge"];

/// The check files that the paths name, folders included.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        let refuse = |error: std::io::Error| Problem::new(format!("cannot read {}: {error}", path.display()));
        if fs::metadata(path).map_err(refuse)?.is_dir() {
            let mut inner: Vec<PathBuf> =
                fs::read_dir(path).map_err(refuse)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
            inner.sort();
            inner.retain(|inner| {
                let other = inner.file_stem().is_some_and(|stem| OTHERS.iter().any(|other| stem == *other));
                !other && (inner.is_dir() || inner.extension().is_some_and(|extension| extension == "toml"))
            });
            found.extend(files(&inner)?);
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// A check file; its id is its folder and name.
fn read(path: &Path) -> Result<Check, Problem> {
    let shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| Problem::new(format!("cannot read {shown}: {error}")))?;
    let name = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let statement = name(path.file_stem()).unwrap_or_default();
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let area = name(real.parent().and_then(Path::file_name)).unwrap_or_default();
    Check::parse(&format!("{area}/{statement}"), &text).map_err(|mut error| {
        error.file = shown.to_string().into();
        select::refused_check(&error)
    })
}
