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
    knowledge::{Entry, Knowledge, diagnosis::Engine},
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
        tally.knowledge(brought.knowledge(), |entry| !only_own || entry.brought.is_some());
    } else {
        let (catalogue, knowledge, files) = both_of(paths, brings)?;
        let wanted = |check: &&Check| check.origin().is_some_and(|origin| files.contains(&origin.file));
        for check in catalogue.checks().iter().filter(wanted) {
            tally.examine(&catalogue, check)?;
        }
        if let Some(knowledge) = knowledge {
            let wanted =
                |entry: &Entry| entry.brought.as_ref().is_some_and(|brought| files.contains(&brought.file));
            tally.knowledge(&knowledge, wanted);
        }
    }
    let (checks, entries, examples, failed) = (tally.checks, tally.entries, tally.examples, tally.failed);
    let known = match entries {
        0 => String::new(),
        1 => "1 entry of knowledge, ".to_owned(),
        _ => format!("{entries} entries of knowledge, "),
    };
    let _ = writeln!(tally.text, "{checks} checks, {known}{examples} examples, {failed} failed");
    Sink::Stdout.write(&tally.text)?;
    Ok(match (failed, checks + entries) {
        (0, 0) => exit::NOTHING,
        (0, _) => exit::READY,
        _ => exit::NOT_READY,
    })
}

/// The catalogue and the knowledge with what the paths name, and the files whose examples are asked for.
#[expect(clippy::type_complexity, reason = "what `own::both` gives, and the files")]
fn both_of(
    paths: &[PathBuf],
    brings: &Brings,
) -> Result<(Box<Catalogue>, Option<Box<Knowledge>>, BTreeSet<String>), Problem> {
    let mut own = own::gathered(&brings.checks, brings.config.as_deref())?;
    let mut files = BTreeSet::new();
    for path in paths {
        let folder = if path.is_dir() { directory(path)? } else { single(path)? };
        files.extend(folder.files.iter().map(|file| file.shown.clone()));
        own.folders.push(folder);
    }
    let (catalogue, knowledge) = own::both(own)?;
    let catalogue = catalogue.ok_or_else(|| Problem::new("the checks cannot be used"))?;
    Ok((catalogue, knowledge, files))
}

/// A directory of checks, or an area of one.
fn directory(path: &Path) -> Result<Folder, Problem> {
    let mut folder = own::read(path, &path.display().to_string())?;
    if let Some(inside) = within_knowledge(path) {
        folder.files.iter_mut().for_each(|file| file.path = format!("{inside}/{}", file.path));
        let depth = if inside == TEXTS { 2 } else { 1 };
        folder.files.extend(causes_of(path, depth)?);
        return Ok(folder);
    }
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
    let inside = path.parent().and_then(within_knowledge);
    let area = inside.map_or_else(|| area_of(path), str::to_owned);
    let mut files = vec![FolderFile { path: format!("{area}/{name}"), shown, text }];
    let depth = if inside == Some(TEXTS) { 3 } else { 2 };
    files.extend(causes_of(path, depth)?);
    Ok(Folder { name: path.parent().unwrap_or(path).display().to_string(), files })
}

/// The causes of the directory of checks so many folders above.
fn causes_of(path: &Path, depth: usize) -> Result<Option<FolderFile>, Problem> {
    let causes = path.ancestors().nth(depth).map(|root| root.join("causes.toml"));
    let Some(causes) = causes.filter(|causes| causes.is_file()) else { return Ok(None) };
    let shown = causes.display().to_string();
    let text = own::text(&causes, &shown)?;
    Ok(Some(FolderFile { path: "causes.toml".into(), shown, text }))
}

/// The folder of texts in a directory of checks.
const TEXTS: &str = "knowledge/texts";

/// The place of a folder in a directory of checks, where it is one of knowledge.
fn within_knowledge(folder: &Path) -> Option<&'static str> {
    let real = folder.canonicalize().ok()?;
    let mut names = real.iter().rev().map(|part| part.to_string_lossy());
    match (names.next()?.as_ref(), names.next().as_deref()) {
        ("knowledge", _) => Some("knowledge"),
        ("texts", Some("knowledge")) => Some(TEXTS),
        _ => None,
    }
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
    entries: usize,
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

    /// Runs the examples of entries, and counts those of the user's own.
    fn knowledge(&mut self, knowledge: &Knowledge, wanted: impl Fn(&Entry) -> bool) {
        self.entries += knowledge.brought().filter(|(entry, _)| wanted(entry)).count();
        let entries: Vec<Entry> = knowledge.with_examples().filter(wanted).collect();
        if entries.is_empty() {
            return;
        }
        let engine = Engine::new(knowledge);
        for entry in &entries {
            for example in &entry.examples {
                self.examples += 1;
                let Some(complaint) = engine.complaint(entry, example) else { continue };
                self.failed += 1;
                let file = entry.brought.as_ref().map(|brought| format!(" ({})", brought.file));
                let _ = writeln!(self.text, "FAIL  [{}]{}", entry.code, file.unwrap_or_default());
                let _ = writeln!(self.text, "      example   {example:?}\n      but       {complaint}");
            }
        }
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
