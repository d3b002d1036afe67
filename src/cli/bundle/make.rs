//! Makes a bundle: runs the check or takes saved facts, redacts, judges again, packs.

use std::{
    fs::File,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::Value;

use super::{args::Create, done, environment};
use crate::{
    bundle::{self, Book, Difference, Manifest, Map, Member, Rejudged, Scrubber, Text, file},
    cli::{
        check,
        config::Source,
        live,
        output::{self, Sink, note},
        own::{self, Brought},
        problem::{self, Problem},
        replay,
        trouble::Trouble,
    },
    engine::{Report, Selection},
    facts::Document,
    report::{self, Style},
    wire::hosts,
};

/// Most logs that one bundle takes.
const LOGS: usize = 16;

/// Makes one.
pub fn run(args: &Create) -> Result<u8, Trouble> {
    if args.demo.as_deref() == Some("list") {
        return crate::cli::scenarios::list(&args.as_check());
    }
    let path = args.output.clone().unwrap_or_else(|| usual_name(Timestamp::now()));
    if args.reverse_map.as_ref() == Some(&path) {
        return Err(Problem::new("the bundle and the map cannot go to the same file").into());
    }
    let archive_to = Sink::open(Some(&path))?;
    let map_to = args.reverse_map.as_deref().map(|path| Sink::open(Some(path))).transpose()?;
    let logs = args.logs.iter().map(|path| opened(path)).collect::<Result<Vec<_>, _>>()?;
    if logs.len() > LOGS {
        return Err(
            Problem::new(format!("a bundle takes up to {LOGS} logs; {} are given", logs.len())).into()
        );
    }
    drop(logs);
    let seen = see(args)?;
    let made = assemble(&seen.document, &seen.brought, &seen.selection, seen.source.as_ref(), args)?;
    archive_to.write_bytes(&made.archive)?;
    if let Some(map_to) = map_to {
        let map = Map::new(&made.archive, made.book.reverse().clone());
        map_to.write(&output::pretty(&map)?)?;
    }
    tell(&path, args.reverse_map.as_deref(), &made);
    Ok(done(!seen.document.accounts.is_empty()))
}

/// `syncready-bundle-20261122T080000Z.tar.gz`.
fn usual_name(now: Timestamp) -> PathBuf {
    format!("syncready-bundle-{}.tar.gz", now.strftime("%Y%m%dT%H%M%SZ")).into()
}

/// A log that can be read twice.
fn opened(path: &Path) -> Result<File, Problem> {
    let name = path.display();
    let refuse = |why: String| Problem::new(format!("cannot read the log {name}: {why}"));
    if path == Path::new("-") {
        return Err(refuse("it is read twice, so it must be a file".into()));
    }
    let reason = |error: std::io::Error| refuse(problem::reason(&error));
    let file = File::open(path).map_err(reason)?;
    if !file.metadata().map_err(reason)?.is_file() {
        return Err(refuse("it is no plain file, and it is read twice".into()));
    }
    Ok(file)
}

/// What a run saw, and what it was judged by.
struct Seen {
    document: Document,
    brought: Brought,
    selection: Selection,
    source: Option<Source>,
}

fn see(args: &Create) -> Result<Seen, Trouble> {
    let check = check::wanted(&args.as_check())?;
    let configured = check::configured(&check)?;
    let brought = own::bring(&check.checks, configured.as_ref())?;
    let selection = check::selection(&check, configured.as_ref(), &brought)?;
    let source = configured.as_ref().map(|(_, source)| source.clone());
    let mut document = None;
    let mut take = |part: crate::collect::Part| {
        part.join(&mut document);
        ControlFlow::Continue(())
    };
    let took = match &check.from {
        Some(path) => {
            replay::each(path, take)?;
            None
        }
        None => Some(live::collect(&check, configured, &brought, &selection, &mut take)?),
    };
    let mut document = document.unwrap_or_else(|| Document::new(Timestamp::now().to_string()));
    document.run.duration_ms = took.unwrap_or(document.run.duration_ms);
    Ok(Seen { document, brought, selection, source })
}

/// A bundle that was made.
pub struct Made {
    /// The archive.
    pub archive: Vec<u8>,
    /// Which token stands for what.
    pub book: Book,
    /// Whether the facts in it are judged as the original ones.
    pub rejudged: Rejudged,
    /// Names and sizes of its files.
    pub files: Vec<(String, usize)>,
}

/// Puts a bundle together.
pub fn assemble(
    document: &Document,
    brought: &Brought,
    selection: &Selection,
    source: Option<&Source>,
    args: &Create,
) -> Result<Made, Trouble> {
    let mut book = Book::new(args.keep_personal).keeping_hosts(hosts::is_microsoft);
    book.open(file::FACTS);
    let facts = bundle::facts(document, &mut book);
    learn_configuration(source, &mut book);
    let logs = learn(&args.logs, &mut book)?;
    let scrubber = Scrubber::new(&book);
    let mut press = Press { book, scrubber, members: Vec::new(), notes: Vec::new() };
    press.json(file::FACTS, &facts)?;
    let rejudged = press.findings((document, &facts), brought, selection)?;
    press.configuration(source)?;
    press.logs(&args.logs, logs)?;
    let said = output::said();
    let said: Vec<String> = said.iter().map(|line| press.scrub(file::RUN_LOG, line)).collect();
    press.add(file::RUN_LOG, bundle::run_log(&facts, &said));
    let environment = press.environment(&facts, brought, selection);
    press.json(file::ENVIRONMENT, &environment)?;
    let redaction = bundle::redaction(&press.book, rejudged.clone(), std::mem::take(&mut press.notes));
    press.json(file::REDACTION, &redaction)?;
    let manifest = Manifest::new(&document.run.started_at, !args.keep_personal);
    let files = press.members.iter().map(|member| (member.name.clone(), member.bytes.len())).collect();
    let archive = bundle::pack(manifest, press.members).map_err(|refusal| {
        Problem::new(format!("the bundle cannot be made: {refusal}"))
            .help("name fewer accounts, or give fewer logs")
    })?;
    Ok(Made { archive, book: press.book, rejudged, files })
}

/// Gives tokens to the names in the configuration before logs are searched for them.
fn learn_configuration(source: Option<&Source>, book: &mut Book) {
    let Some(source) = source else { return };
    book.learn(true);
    let scrubber = Scrubber::new(book);
    // What cannot be read is refused where it is redacted.
    let _ = bundle::configuration(&source.text, book, &scrubber);
    book.learn(false);
}

fn learn(paths: &[PathBuf], book: &mut Book) -> Result<Vec<bundle::Log>, Trouble> {
    let one = |path: &PathBuf| {
        let read = bundle::Log::learn(opened(path)?, book);
        read.map_err(|error| Problem::new(format!("cannot read the log {}: {error}", path.display())))
    };
    Ok(paths.iter().map(one).collect::<Result<Vec<_>, Problem>>()?)
}

/// Where the files of a bundle come together.
struct Press {
    book: Book,
    scrubber: Scrubber,
    members: Vec<Member>,
    notes: Vec<String>,
}

impl Press {
    fn add(&mut self, name: &str, text: String) {
        self.members.push(Member { name: name.to_owned(), bytes: text.into_bytes() });
    }

    fn json(&mut self, name: &str, value: &impl serde::Serialize) -> Result<(), Trouble> {
        self.add(name, output::pretty(value)?);
        Ok(())
    }

    fn scrub(&mut self, name: &str, text: &str) -> String {
        self.book.open(name);
        self.scrubber.text(&mut self.book, text, Text::Log)
    }

    /// Judges original and redacted facts; what goes into the bundle comes from the latter.
    fn findings(
        &mut self,
        (original, redacted): (&Document, &Document),
        brought: &Brought,
        selection: &Selection,
    ) -> Result<Rejudged, Trouble> {
        let catalogue = brought.catalogue();
        let before = check::judge(original, catalogue, selection)?;
        let after = check::judge(redacted, catalogue, &self.selection(selection))?;
        let rejudged = compare(&before, &after);
        let style = Style { width: 100, ..Style::default() };
        let (mut json, mut table) = (report::json::render(&after), report::table::render(&after, &style));
        if brought.brings_checks() {
            // A check of the user's own may name anything in its words.
            json = self.scrub_json(&json)?;
            table = self.scrub(file::SUMMARY, &table);
        }
        self.add(file::FINDINGS, json);
        self.add(file::SUMMARY, table);
        Ok(rejudged)
    }

    /// The selection in the words of the bundle.
    fn selection(&mut self, selection: &Selection) -> Selection {
        let mut shown = selection.clone();
        for waiver in &mut shown.waivers {
            waiver.account = waiver.account.as_deref().map(|account| self.book.address(account));
            waiver.reason = self.scrubber.text(&mut self.book, &waiver.reason, Text::Answer);
        }
        shown
    }

    fn scrub_json(&mut self, json: &str) -> Result<String, Trouble> {
        let mut value: Value =
            serde_json::from_str(json).map_err(|error| Trouble::Ours(error.to_string()))?;
        self.book.open(file::FINDINGS);
        self.scrub_value(&mut value);
        output::pretty(&value)
    }

    fn scrub_value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.scrubber.text(&mut self.book, text, Text::Log),
            Value::Array(items) => items.iter_mut().for_each(|item| self.scrub_value(item)),
            Value::Object(fields) => fields.values_mut().for_each(|item| self.scrub_value(item)),
            _ => {}
        }
    }

    fn configuration(&mut self, source: Option<&Source>) -> Result<(), Trouble> {
        let Some(source) = source.filter(|source| !source.text.trim().is_empty()) else { return Ok(()) };
        self.book.open(file::CONFIGURATION);
        let text = bundle::configuration(&source.text, &mut self.book, &self.scrubber);
        let text =
            text.map_err(|message| Problem::new(format!("cannot redact the configuration: {message}")))?;
        self.add(file::CONFIGURATION, text);
        Ok(())
    }

    fn logs(&mut self, paths: &[PathBuf], logs: Vec<bundle::Log>) -> Result<(), Trouble> {
        for (number, (path, log)) in paths.iter().zip(logs).enumerate() {
            let name = format!("logs/{}.log", number + 1);
            self.book.open(&name);
            let read = log.text(opened(path)?, &mut self.book, &self.scrubber);
            let refuse = |error| Problem::new(format!("cannot read the log {}: {error}", path.display()));
            let read = read.map_err(refuse)?;
            if read.left_out > 0 {
                self.notes.push(format!("{name}: the first {} bytes of the log are left out", read.left_out));
            }
            self.add(&name, read.text);
        }
        Ok(())
    }

    fn environment(&mut self, facts: &Document, brought: &Brought, selection: &Selection) -> Value {
        self.book.open(file::ENVIRONMENT);
        let shown = self.selection(selection);
        environment::describe(&mut self.book, facts, brought, &shown)
    }
}

/// Where the redacted facts are judged otherwise.
fn compare(before: &Report, after: &Report) -> Rejudged {
    let mut differs = Vec::new();
    for (one, other) in before.accounts.iter().zip(&after.accounts) {
        let mut differ = |check: &str, original: String, redacted: String| {
            if original != redacted {
                let (account, check) = (other.account.clone(), check.to_owned());
                differs.push(Difference { account, check, original, redacted });
            }
        };
        differ("verdict", word(one.verdict, None), word(other.verdict, None));
        for finding in &one.findings {
            let same = other.findings.iter().find(|same| same.check == finding.check);
            let redacted = same.map(|same| word(same.result, same.cause.as_deref())).unwrap_or_default();
            differ(&finding.check, word(finding.result, finding.cause.as_deref()), redacted);
        }
    }
    Rejudged { alike: differs.is_empty() && before.accounts.len() == after.accounts.len(), differs }
}

fn word(value: impl serde::Serialize, cause: Option<&str>) -> String {
    let word = serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned));
    let word = word.unwrap_or_default();
    cause.map_or(word.clone(), |cause| format!("{word} ({cause})"))
}

fn tell(path: &Path, map: Option<&Path>, made: &Made) {
    let shown = path.display();
    note(&format!(
        "{shown}: {} files, {}",
        made.files.len() + 1,
        super::show::size(made.archive.len() as u64)
    ));
    if made.book.keep {
        note("personal values stand in it as they are (--keep-personal); secrets were removed");
    } else {
        let values: usize = made.book.values().values().sum();
        note(&format!("{values} personal values were replaced by tokens"));
    }
    for difference in &made.rejudged.differs {
        let Difference { account, check, original, redacted } = difference;
        note(&format!(
            "warning: {check} of {account} is {redacted} on the redacted facts, and was {original}"
        ));
    }
    if let Some(map) = map {
        note(&format!("{}: which token stands for what; keep it, and do not send it along", map.display()));
    }
    note(&format!("see what leaves the house: syncready bundle show {shown}"));
}
