//! `checks`: the catalogue, and the examples that prove it.

use std::{
    collections::BTreeSet,
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{
    args::{Brings, ChecksAction, TextFormat},
    exit, look, new_check,
    output::Sink,
    own,
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::{
    engine::{self, Catalogue, Check, CheckError, Example, ExampleResult, Folder, FolderFile},
    report,
};

/// Lists the checks, runs their examples, or starts a new one.
pub fn run(action: &ChecksAction) -> Result<u8, Trouble> {
    match action {
        ChecksAction::List { brings, format, output, look } => {
            let sink = Sink::open(output.output.as_deref())?;
            let brought = own::find(&brings.checks, brings.config.as_deref())?;
            let catalogue = brought.catalogue();
            let text = match format {
                TextFormat::Json => report::list::json(catalogue),
                TextFormat::Text => report::list::checks(catalogue, &look::stdout(look, !sink.is_stdout())),
            };
            sink.write(&text)?;
            Ok(exit::READY)
        }
        ChecksAction::New { id, dir, graph, .. } => new_check::run(id, dir, graph.as_deref()),
        ChecksAction::Test { paths, brings, .. } => test(paths, brings),
    }
}

fn test(paths: &[PathBuf], brings: &Brings) -> Result<u8, Trouble> {
    let mut tally = Tally::default();
    if paths.is_empty() {
        let brought = own::find(&brings.checks, brings.config.as_deref())?;
        let own = |check: &&Check| check.origin().is_some();
        let catalogue = brought.catalogue();
        // Who names directories wants those; the built-in checks are proven.
        let only_own = !brings.checks.is_empty();
        for check in catalogue.checks().iter().filter(|check| !only_own || own(check)) {
            tally.examine(catalogue, check)?;
        }
    } else {
        let (catalogue, files) = catalogue_of(paths, brings)?;
        let wanted = |check: &&Check| check.origin().is_some_and(|origin| files.contains(&origin.file));
        for check in catalogue.checks().iter().filter(wanted) {
            tally.examine(&catalogue, check)?;
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

/// The catalogue with what the paths name, and the files whose examples are asked for.
fn catalogue_of(paths: &[PathBuf], brings: &Brings) -> Result<(Catalogue, BTreeSet<String>), Problem> {
    let mut own = own::gathered(&brings.checks, brings.config.as_deref())?;
    let mut files = BTreeSet::new();
    for path in paths {
        let folder = if path.is_dir() { directory(path)? } else { single(path)? };
        files.extend(folder.files.iter().map(|file| file.shown.clone()));
        own.folders.push(folder);
    }
    let refuse = |wrong: Vec<CheckError>| {
        let all = Problem::all(wrong.iter().map(select::refused_check));
        all.unwrap_or_else(|| Problem::new("the checks cannot be used"))
    };
    Ok((Catalogue::with(own).map_err(refuse)?, files))
}

/// A directory of checks, or an area of one.
fn directory(path: &Path) -> Result<Folder, Problem> {
    let mut folder = own::read(path, &path.display().to_string())?;
    let beside = ["areas.toml", "causes.toml"];
    let is_area =
        folder.files.iter().any(|file| !file.path.contains('/') && !beside.contains(&file.path.as_str()));
    if is_area {
        let area = area_of(&path.join("any.toml"));
        let inside = folder.files.iter_mut().filter(|file| !file.path.contains('/'));
        inside.for_each(|file| file.path = format!("{area}/{}", file.path));
    }
    Ok(folder)
}

/// One check file, with the causes of its directory.
fn single(path: &Path) -> Result<Folder, Problem> {
    let shown = path.display().to_string();
    let text = own::text(path, &shown)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut files = vec![FolderFile { path: format!("{}/{name}", area_of(path)), shown, text }];
    let causes = path.parent().and_then(Path::parent).map(|root| root.join("causes.toml"));
    if let Some(causes) = causes.filter(|causes| causes.is_file()) {
        let shown = causes.display().to_string();
        let text = own::text(&causes, &shown)?;
        files.push(FolderFile { path: "causes.toml".into(), shown, text });
    }
    Ok(Folder { name: path.parent().unwrap_or(path).display().to_string(), files })
}

/// The name of the folder in which a file lies.
fn area_of(path: &Path) -> String {
    let real = path.canonicalize();
    let parent = real.as_deref().unwrap_or(path).parent();
    let parent = parent.map(|parent| parent.canonicalize().unwrap_or_else(|_| parent.to_owned()));
    parent.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
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
        for (result, example) in results.iter().zip(&check.file().example) {
            if result.complaint.is_some() {
                self.failed += 1;
                self.complain(check, result, example);
            }
        }
        if results.is_empty() {
            self.failed += 1;
            let _ = writeln!(self.text, "FAIL  {}: it has no example", check.id());
        }
        Ok(())
    }

    fn complain(&mut self, check: &Check, result: &ExampleResult, example: &Example) {
        let finding = &result.finding;
        let word = |word: engine::Word, cause: Option<&String>| {
            let word = serde_json::to_value(word).unwrap_or_default();
            let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
            format!("{}{cause}", word.as_str().unwrap_or_default())
        };
        let file = check.origin().map(|origin| format!(" ({})", origin.file)).unwrap_or_default();
        let _ = writeln!(self.text, "FAIL  {}{file}, example \"{}\"", check.id(), result.name);
        let part = example.contains.as_ref().map(|part| format!(", saying \"{part}\"")).unwrap_or_default();
        let _ = writeln!(self.text, "      expected  {}{part}", word(example.expect, example.cause.as_ref()));
        let got = word(finding.result, finding.cause.as_ref());
        let _ = writeln!(self.text, "      got       {got}, saying \"{}\"", finding.message);
        if let Some(fact) = finding.reason.as_ref().and_then(|reason| reason.fact.as_ref()) {
            let _ = writeln!(
                self.text,
                "      missing   {fact}: `facts.…` sets it, `nulls` makes it known to be empty"
            );
        }
    }
}
