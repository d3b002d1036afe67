//! What the user brings along: directories of checks, and what the configuration says of checks,
//! parameters, profiles and collectors. Reads files; what may stand in them, the engine knows.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    config::{self, CollectorScope, File, Source},
    problem::Problem,
    select,
};
use crate::{
    collect::{self, external},
    engine::{self, Catalogue, Folder, FolderFile, Own},
    facts::{Shape, catalogue::Scope},
    knowledge::{Knowledge, KnowledgeError, OwnFile},
    wire::program::Command,
};

/// Largest file of a directory of checks.
const FILE: u64 = 256 << 10;

/// Most files in one.
const FILES: usize = 2000;

/// How long a collector may take, where the configuration does not say it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Variables of this environment that a collector gets.
const HANDED_ON: [&str; 3] = ["PATH", "HOME", "LANG"];

/// The catalogue of a run with everything that the user brings.
#[derive(Debug)]
pub struct Brought {
    catalogue: Option<Box<Catalogue>>,
    knowledge: Option<Box<Knowledge>>,
    /// Parameters of the configuration, by check.
    pub params: BTreeMap<String, toml::Table>,
    /// External collectors.
    pub collectors: Vec<external::Collector>,
}

impl Brought {
    /// Nothing: the built-in catalogue.
    pub fn nothing() -> Self {
        Self { catalogue: None, knowledge: None, params: BTreeMap::new(), collectors: Vec::new() }
    }

    /// All checks, areas and profiles.
    pub fn catalogue(&self) -> &Catalogue {
        self.catalogue.as_deref().unwrap_or_else(|| Catalogue::embedded())
    }

    /// Everything that is known of codes, texts and causes.
    pub fn knowledge(&self) -> &Knowledge {
        self.knowledge.as_deref().unwrap_or_else(|| Knowledge::embedded())
    }

    /// Whether checks or profiles are among it.
    pub fn brings_checks(&self) -> bool {
        self.catalogue.is_some()
    }

    /// The calls behind these queries and all collectors.
    pub fn extra(&self, queries: Vec<engine::Query>) -> Arc<collect::Extra> {
        Arc::new(collect::Extra::new(queries.into_iter().map(query).collect(), self.collectors.clone()))
    }
}

/// A query as the collectors know it.
pub fn query(query: engine::Query) -> collect::query::Query {
    collect::query::Query {
        key: query.key,
        asks: match query.asks {
            engine::Asks::Graph(path) => collect::query::Asks::Graph(path),
            engine::Asks::Exchange(cmdlet, parameters) => collect::query::Asks::Exchange(cmdlet, parameters),
        },
        permission: query.permission,
        or: query.or,
        scope: query.scope,
        answer: query.answer,
    }
}

/// Reads what stands in the named configuration, or in the usual one if it is there, and in these
/// directories.
pub fn find(directories: &[PathBuf], config: Option<&Path>) -> Result<Brought, Problem> {
    match config::find(config)? {
        Some(source) => bring(directories, Some(&config::load(source, &[])?)),
        None => bring(directories, None),
    }
}

/// The same, not yet put together.
pub fn gathered(directories: &[PathBuf], config: Option<&Path>) -> Result<Own, Problem> {
    match config::find(config)? {
        Some(source) => gather(directories, Some(&config::load(source, &[])?)),
        None => gather(directories, None),
    }
}

/// Reads the directories of the configuration and these, in this order.
fn gather(directories: &[PathBuf], config: Option<&(File, Source)>) -> Result<Own, Problem> {
    let mut own = Own::default();
    if let Some((file, source)) = config {
        for given in &file.checks.directories {
            let path = source.folder.join(given.get_ref());
            let folder = read(&path, &path.display().to_string());
            let refuse = |problem: Problem| {
                source
                    .problem(given.span(), problem.message(), "this directory")
                    .help("it is relative to this file")
            };
            own.folders.push(folder.map_err(refuse)?);
        }
        let declared = file.collectors.iter().map(toml::Spanned::get_ref);
        own.externals =
            declared.map(|given| (given.name.get_ref().clone(), given.facts.get_ref().clone())).collect();
        let profiles = file.profiles.iter();
        own.profiles = profiles.map(|(name, given)| profile(name, given, source)).collect();
    }
    for path in directories {
        own.folders.push(read(path, &path.display().to_string())?);
    }
    Ok(own)
}

/// Puts together what the configuration and these directories bring.
pub fn bring(directories: &[PathBuf], config: Option<&(File, Source)>) -> Result<Brought, Problem> {
    let collectors = config.map(|(file, source)| collectors(file, source)).transpose()?.unwrap_or_default();
    let (catalogue, knowledge) = both(gather(directories, config)?)?;
    let mut brought = Brought { catalogue, knowledge, params: BTreeMap::new(), collectors };
    if let Some((file, source)) = config {
        brought.params = params(file, source, brought.catalogue())?;
    }
    Ok(brought)
}

/// The catalogue and the knowledge with what is brought along; `None`: as they are built in. All that is
/// wrong with either is told at once.
#[expect(clippy::type_complexity, reason = "two of a kind")]
pub fn both(own: Own) -> Result<(Option<Box<Catalogue>>, Option<Box<Knowledge>>), Problem> {
    if own.is_empty() {
        return Ok((None, None));
    }
    let files = knowledge_files(&own);
    let catalogue = Catalogue::with(own).map_err(|wrong| wrong.iter().map(select::refused_check).collect());
    let declared = match &catalogue {
        Ok(catalogue) => Some(catalogue.causes().collect::<Vec<_>>()),
        Err(_) => None,
    };
    let refuse = |wrong: Vec<KnowledgeError>| wrong.iter().map(refused_knowledge).collect::<Vec<_>>();
    // Where the checks are refused it is not known which causes exist.
    let knowledge = match declared.filter(|_| !files.is_empty()) {
        Some(causes) => Knowledge::with(files, &causes).map(|known| Some(Box::new(known))).map_err(refuse),
        None => Ok(None),
    };
    match (catalogue, knowledge) {
        (Ok(catalogue), Ok(knowledge)) => Ok((Some(Box::new(catalogue)), knowledge)),
        (Err(wrong), _) | (_, Err(wrong)) => {
            let wrong: Vec<Problem> = wrong;
            Err(Problem::all(wrong).unwrap_or_else(|| Problem::new("the checks cannot be used")))
        }
    }
}

/// What lies in `knowledge/` of the directories, in their order.
fn knowledge_files(own: &Own) -> Vec<OwnFile> {
    let files = own.folders.iter().flat_map(|folder| &folder.files);
    let inside = files.filter_map(|file| {
        let name = file.path.strip_prefix("knowledge/")?.strip_suffix(".toml")?;
        Some(OwnFile { name: name.to_owned(), shown: file.shown.clone(), text: file.text.clone() })
    });
    inside.collect()
}

/// What is wrong with a table of knowledge, at its place.
fn refused_knowledge(error: &KnowledgeError) -> Problem {
    let table = error.table.as_ref().map(|table| format!(" in [{table}]")).unwrap_or_default();
    let (text, span) = (&error.text, error.span.clone());
    if let Some((what, given, valid)) = config::unknown(&error.message) {
        return Problem::new(format!("unknown {what} `{given}`{table}"))
            .within_plain(&error.shown, text, span, format!("no such {what} here"))
            .choices(given, &valid, &format!("{what}s"));
    }
    let message = format!("{}{table}", error.message);
    let problem = Problem::new(message).within_plain(&error.shown, text, span, "here");
    match &error.help {
        Some(help) => problem.help(&**help),
        None => problem,
    }
}

/// The files of a directory of checks.
pub fn read(path: &Path, shown: &str) -> Result<Folder, Problem> {
    let refuse = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Problem::new(format!("there is no directory {shown}")),
        _ => Problem::new(format!("cannot read {shown}: {error}")),
    };
    if !fs::metadata(path).map_err(refuse)?.is_dir() {
        let help = "name the directory that holds AREA/STATEMENT.toml";
        return Err(Problem::new(format!("{shown} is not a directory")).help(help));
    }
    config::refuse_writable(path, shown)?;
    let mut folder = Folder { name: shown.to_owned(), files: Vec::new() };
    for inner in entries(path).map_err(refuse)? {
        if inner.is_dir() {
            config::refuse_writable(&inner, &inner.display().to_string())?;
            let of_knowledge = inner.file_name().is_some_and(|name| name == "knowledge");
            for file in entries(&inner).map_err(refuse)? {
                if of_knowledge && file.is_dir() {
                    config::refuse_writable(&file, &file.display().to_string())?;
                    for text in entries(&file).map_err(refuse)? {
                        take(&mut folder, path, &text)?;
                    }
                }
                take(&mut folder, path, &file)?;
            }
        } else {
            take(&mut folder, path, &inner)?;
        }
    }
    Ok(folder)
}

/// What stands in a directory, by name, without what is hidden.
fn entries(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let hidden = |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<PathBuf>>>()?;
    entries.retain(|entry| !hidden(entry));
    entries.sort();
    Ok(entries)
}

/// Reads a file, if it is one of ours.
fn take(folder: &mut Folder, root: &Path, path: &Path) -> Result<(), Problem> {
    if path.extension().is_none_or(|ending| ending != "toml") || path.is_dir() {
        return Ok(());
    }
    let inside = path.strip_prefix(root).unwrap_or(path);
    let shown = Path::new(&folder.name).join(inside).display().to_string();
    if folder.files.len() == FILES {
        return Err(Problem::new(format!("{} holds more than {FILES} files", folder.name)));
    }
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    folder.files.push(FolderFile { path: parts.join("/"), text: text(path, &shown)?, shown });
    Ok(())
}

/// The text of a file, if it is one that could be a check.
pub fn text(path: &Path, shown: &str) -> Result<String, Problem> {
    let refuse = |error: std::io::Error| Problem::new(format!("cannot read {shown}: {error}"));
    let meta = fs::metadata(path).map_err(refuse)?;
    if !meta.is_file() || meta.len() > FILE {
        return Err(Problem::new(format!("{shown} is no check file: it is larger than {} KiB", FILE >> 10)));
    }
    config::refuse_writable(path, shown)?;
    let bytes = fs::read(path).map_err(refuse)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem::new("this is not UTF-8 text").at(shown, valid.matches('\n').count() + 1, column)
    })
}

/// The collectors of the configuration.
fn collectors(file: &File, source: &Source) -> Result<Vec<external::Collector>, Problem> {
    let mut collectors: Vec<external::Collector> = Vec::new();
    for table in &file.collectors {
        let given = table.get_ref();
        let name = given.name.get_ref();
        if !engine::is_name(name) {
            let problem =
                source.problem(given.name.span(), "this name cannot be used in a rule", "not a name");
            return Err(problem.help("lower-case letters, digits and `_`, a letter first"));
        }
        if collectors.iter().any(|known| known.name == *name) {
            let message = format!("there is another collector `{name}`");
            return Err(source.problem(given.name.span(), message, "given twice"));
        }
        if !matches!(given.facts.get_ref(), Shape::Object(_)) {
            let problem = source.problem(given.facts.span(), "facts have names", "a table is wanted");
            return Err(problem.help("facts = { seats = \"int\" }"));
        }
        let mut words = given.command.get_ref().clone();
        match words.first_mut() {
            Some(program) if !program.is_empty() => {
                if program.contains('/') {
                    *program = source.folder.join(&*program).display().to_string();
                }
            }
            _ => {
                return Err(source.problem(
                    given.command.span(),
                    "the command is empty",
                    "a program is wanted",
                ));
            }
        }
        let deadline = given.deadline.as_ref().map(|given| config::time(source, given)).transpose()?;
        collectors.push(external::Collector {
            name: name.clone(),
            command: Command { words, folder: source.folder.clone(), environment: environment() },
            scope: match given.scope {
                CollectorScope::Account => Scope::Account,
                CollectorScope::App => Scope::App,
                CollectorScope::Tenant => Scope::Tenant,
            },
            deadline: deadline.unwrap_or(PATIENCE),
            facts: given.facts.get_ref().clone(),
        });
    }
    Ok(collectors)
}

fn environment() -> Vec<(String, String)> {
    HANDED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

fn profile(name: &str, given: &toml::Spanned<engine::Draft>, source: &Source) -> engine::OwnProfile {
    engine::OwnProfile {
        name: name.to_owned(),
        draft: given.get_ref().clone(),
        file: source.name.clone(),
        text: source.text.clone(),
        from: given.span().start,
    }
}

/// The parameters of the configuration, held against those that the checks have.
fn params(
    file: &File,
    source: &Source,
    catalogue: &Catalogue,
) -> Result<BTreeMap<String, toml::Table>, Problem> {
    let mut problems = Vec::new();
    let mut params: BTreeMap<String, toml::Table> = BTreeMap::new();
    for (id, values) in &file.params {
        let Some(check) = catalogue.check(id.get_ref()) else {
            let ids: Vec<&str> = catalogue.checks().iter().map(engine::Check::id).collect();
            let problem =
                source.problem(id.span(), format!("there is no check `{}`", id.get_ref()), "no such check");
            problems.push(problem.choices(id.get_ref(), &ids, "checks"));
            continue;
        };
        let known = &check.file().params;
        for (name, value) in values {
            let plain = name.get_ref();
            match known.get(plain) {
                None => {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    let message = format!("{} has no parameter `{plain}`", check.id());
                    let problem = source.problem(name.span(), message, "no such parameter");
                    problems.push(if names.is_empty() {
                        problem.help("it has no parameters")
                    } else {
                        problem.choices(plain, &names, "parameters")
                    });
                }
                Some(usual) if !alike(usual, value.get_ref()) => {
                    let message = format!("`{plain}` of {} is of another kind", check.id());
                    let problem =
                        source.problem(value.span(), message, format!("a value like {usual} is wanted"));
                    problems.push(problem);
                }
                Some(_) => {
                    let table = params.entry(check.id().to_owned()).or_default();
                    table.insert(plain.clone(), value.get_ref().clone());
                }
            }
        }
    }
    Problem::all(problems).map_or(Ok(params), Err)
}

/// Whether a value is of the kind of another; lists by their first elements.
fn alike(usual: &toml::Value, given: &toml::Value) -> bool {
    match (usual, given) {
        (toml::Value::Array(usual), toml::Value::Array(given)) => {
            usual.first().is_none_or(|usual| given.iter().all(|given| alike(usual, given)))
        }
        (toml::Value::Table(usual), toml::Value::Table(given)) => {
            given.iter().all(|(name, given)| usual.get(name).is_none_or(|usual| alike(usual, given)))
        }
        _ => usual.same_type(given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(text: &str) -> Result<Brought, String> {
        let source = Source { name: "a.toml".into(), folder: ".".into(), text: text.into() };
        let loaded = config::load(source, &[]).map_err(|problem| problem.render(false, false))?;
        bring(&[], Some(&loaded)).map_err(|problem| problem.render(false, false))
    }

    #[test]
    fn nothing_of_the_users_own_leaves_the_catalogue_as_it_is() {
        let brought = brought("").expect("nothing is wrong");
        assert!(std::ptr::eq(brought.catalogue(), Catalogue::embedded()));
    }

    #[test]
    fn values_of_another_kind_are_told_apart() {
        let value = |text: &str| -> toml::Value {
            toml::from_str::<toml::Table>(&format!("v = {text}")).expect("TOML")["v"].clone()
        };
        assert!(alike(&value("1"), &value("2")));
        assert!(!alike(&value("1"), &value("\"2\"")));
        assert!(alike(&value("[\"a\"]"), &value("[]")));
        assert!(!alike(&value("[\"a\"]"), &value("[1]")));
    }

    #[test]
    fn a_collector_without_a_command_is_refused() {
        let shown = brought("[[collector]]\nname = \"a\"\ncommand = []\nfacts = { x = \"int\" }\n");
        assert!(shown.expect_err("refused").contains("a.toml:3:11"));
    }
}
