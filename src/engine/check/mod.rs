//! The check file: rule, words, documentation and tests in one TOML file.

mod file;
mod rules;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::causes;
use super::expr::{Expr, Names, Problem, suggest};
use super::finding::Word;
use super::hints::Hints;
use super::origin::{Origin, Setting};
use super::query::{self, Query, Wrong};
use super::template::Template;
use file::Head;
pub use file::{Ask, CheckFile, Example, FixFile, Outcome, Shell, Text};
use rules::Compiler;
pub(super) use rules::{FixRules, Row, Rules};

/// A check.
#[derive(Debug)]
pub struct Check {
    id: String,
    source: Cow<'static, str>,
    origin: Option<Origin>,
    setting: Arc<Setting>,
    head: OnceLock<Head>,
    file: OnceLock<CheckFile>,
    rules: OnceLock<Rules>,
    hints: OnceLock<Hints>,
}

/// Why a check file is refused.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}{}", help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default())]
pub struct CheckError {
    /// File.
    pub file: Box<str>,
    /// Its text.
    pub source_text: String,
    /// Bytes of the text that are wrong.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Valid choices, or another way out.
    pub help: Option<String>,
}

impl CheckError {
    pub(super) fn new(
        file: &str,
        source: &str,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        let start = span.start.min(source.len());
        let before = source.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let (file, source_text) = (file.into(), source.to_owned());
        Self {
            file,
            source_text,
            span: start..span.end.min(source.len()),
            line,
            column,
            message: message.into(),
            help,
        }
    }
}

impl Check {
    /// Reads a check file; its rules are compiled when first used.
    pub fn parse(id: &str, source: &str) -> Result<Self, CheckError> {
        let check = Self::unread(id, source.to_owned().into());
        check.read()?;
        Ok(check)
    }

    /// A check whose file is read when first used.
    pub(super) fn unread(id: &str, source: Cow<'static, str>) -> Self {
        let (head, file) = (OnceLock::new(), OnceLock::new());
        let (rules, hints) = (OnceLock::new(), OnceLock::new());
        let (origin, setting) = (None, Setting::usual());
        Self { id: id.to_owned(), source, origin, setting, head, file, rules, hints }
    }

    /// A check of the user's own, from a file that is named in refusals.
    pub(super) fn own(id: &str, source: String, origin: Origin, setting: Arc<Setting>) -> Self {
        Self { origin: Some(origin), setting, ..Self::unread(id, source.into()) }
    }

    /// Title of its area, where the user's files give one.
    pub fn own_area_title(&self) -> Option<&str> {
        self.setting.areas.get(self.area()).map(String::as_str)
    }

    /// Where it comes from; `None`: it is built in.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Reads the file if nobody did before.
    pub(super) fn read(&self) -> Result<&CheckFile, CheckError> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file: CheckFile = toml::from_str(&self.source).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            self.refuse(span, error.message().trim(), None)
        })?;
        match self.examine_rows(&file).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.file.get_or_init(|| file)),
        }
    }

    fn examine_rows(&self, file: &CheckFile) -> Vec<CheckError> {
        let last = file.outcome.len().saturating_sub(1);
        let rows = file.outcome.iter().enumerate();
        let mut wrong: Vec<CheckError> =
            rows.filter_map(|(index, row)| self.examine_row(row, index == last)).collect();
        if file.outcome.is_empty() {
            wrong.push(self.refuse(0..1, "a check needs at least one [[outcome]]", None));
        }
        wrong
    }

    fn examine_row(&self, row: &Outcome, last: bool) -> Option<CheckError> {
        let span = row.result.span();
        let refuse = |message: &str, help: &str| Some(self.refuse(span.clone(), message, Some(help.into())));
        let word = *row.result.get_ref();
        match (&row.when, last) {
            (None, false) => {
                return refuse(
                    "only the last outcome may have no `when`",
                    "the rows after it are never reached",
                );
            }
            (Some(_), true) => {
                return refuse(
                    "the last outcome must have no `when`",
                    "say what holds when no other row does",
                );
            }
            _ => {}
        }
        if word == Word::Skipped {
            let help = "valid here: pass, warn, fail, unknown, not-applicable";
            return refuse("a rule cannot skip: that is decided by `after`", help);
        }
        if word == Word::Fail && row.cause.is_none() {
            return refuse("a failing outcome needs a `cause`", "docs/causes.md lists them");
        }
        let cause = row.cause.as_ref().filter(|cause| !self.setting.knows_cause(cause))?;
        let own = self.setting.causes.keys().map(String::as_str);
        let help = suggest(cause, causes::CAUSES.iter().map(|(name, _)| *name).chain(own));
        Some(self.refuse(cause.span(), "there is no such cause", Some(help)))
    }

    pub(super) fn refuse(&self, span: Range<usize>, message: &str, help: Option<String>) -> CheckError {
        let built_in = || file_name(&self.id);
        let file = self.origin.as_ref().map_or_else(built_in, |origin| origin.file.clone());
        CheckError::new(&file, &self.source, span, message, help)
    }

    pub(super) fn span_of(&self, text: &Text) -> Range<usize> {
        debug_assert!(text.span().end <= self.source.len());
        text.span()
    }

    /// Id, for example `mfa/per-user-mfa-is-off`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether its file holds that word; cheaper than reading the file.
    pub fn mentions(&self, word: &str) -> bool {
        self.source.contains(word)
    }

    /// The part of the id before the slash.
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// What breaks for the user, as one paragraph.
    pub fn why(&self) -> String {
        self.file().why.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The check as written.
    pub fn file(&self) -> &CheckFile {
        self.read().expect("given files are read when loaded, embedded ones are proven by tests")
    }

    fn head(&self) -> &Head {
        self.head.get_or_init(|| {
            let unread = self.file.get().is_none();
            unread.then(|| Head::read(&self.source)).flatten().unwrap_or_else(|| self.file().into())
        })
    }

    /// The healthy condition.
    pub fn title(&self) -> &str {
        &self.head().title
    }

    /// Version that brought it.
    pub fn since(&self) -> &str {
        &self.head().since
    }

    /// Earlier ids.
    pub fn aliases(&self) -> &[String] {
        &self.head().aliases
    }

    /// Checks that must not have failed.
    pub fn after(&self) -> &[String] {
        &self.head().after
    }

    /// Nothing of the file remains to be read.
    pub(super) fn is_compiled(&self) -> bool {
        self.rules.get().is_some()
    }

    /// Compiles the rules, refusing misspelt names with their place.
    pub fn compile(&self) -> Result<(), CheckError> {
        if self.rules.get().is_none() {
            let built = self.build()?;
            let rules = built.map_err(|mut wrong| wrong.swap_remove(0))?;
            // Another thread may have been faster; its rules are the same.
            let _ = self.rules.set(rules);
        }
        Ok(())
    }

    pub(super) fn rules(&self) -> Result<&Rules, CheckError> {
        self.compile()?;
        Ok(self.rules.get().expect("compiled above"))
    }

    /// What the rules compare each fact with.
    pub(super) fn hints(&self) -> Result<&Hints, CheckError> {
        let rules = self.rules()?;
        Ok(self.hints.get_or_init(|| Hints::of(rules)))
    }

    /// Fact paths that the check may read, `[]` for list elements.
    pub fn reads(&self) -> Result<BTreeSet<String>, CheckError> {
        let rules = self.rules()?;
        let mut reads = BTreeSet::new();
        reads.extend(rules.applies.iter().flat_map(Expr::reads).cloned());
        for row in &rules.rows {
            reads.extend(row.when.iter().flat_map(Expr::reads).cloned());
            let texts = [Some(&row.message), row.expected.as_ref(), row.actual.as_ref()];
            reads.extend(texts.into_iter().flatten().flat_map(Template::reads).cloned());
            for fix in &row.fixes {
                reads.extend(fix.when.iter().flat_map(Expr::reads).cloned());
                let texts = fix.steps.iter().chain(&fix.command).chain(&fix.verify);
                reads.extend(texts.flat_map(Template::reads).cloned());
            }
        }
        reads.retain(|path| {
            let group = path.split('.').next().unwrap_or_default();
            matches!(group, "query" | "external") || crate::facts::catalogue::group(group).is_some()
        });
        Ok(reads.into_iter().map(|path| rules.in_the_document(path)).collect())
    }

    /// What it asks beyond the facts that every check may read, by name.
    pub fn queries(&self) -> Result<&BTreeMap<String, Query>, CheckError> {
        Ok(&self.rules()?.queries)
    }

    /// Facts of external collectors that its rules may read, by collector.
    pub(super) fn externals(&self) -> &BTreeMap<String, crate::facts::Shape> {
        &self.setting.externals
    }

    /// Everything that is wrong with the file, as far as one reading can tell.
    pub(super) fn examine(&self, ids: &[&str], present: impl Fn(&str) -> Option<String>) -> Vec<CheckError> {
        let Ok(file) = toml::from_str::<CheckFile>(&self.source) else {
            return self.read().err().into_iter().collect();
        };
        let known = |id: &str| ids.contains(&id) || present(id).is_some();
        let after = file.after.iter().filter(|id| !known(id));
        let mut wrong: Vec<CheckError> = after.map(|id| self.refuse_after(id, ids)).collect();
        let rows = self.examine_rows(&file);
        if !rows.is_empty() {
            wrong.extend(rows);
            return wrong;
        }
        match self.build() {
            Ok(Ok(rules)) => {
                // Another thread may have been faster; its rules are the same.
                let _ = self.rules.set(rules);
            }
            Ok(Err(rules)) => wrong.extend(rules),
            Err(error) => wrong.push(error),
        }
        wrong
    }

    fn refuse_after(&self, id: &Text, ids: &[&str]) -> CheckError {
        self.refuse(id.span(), &format!("there is no check \"{}\"", &**id), Some(nearest(id, ids)))
    }

    /// The compiled rules, or all that is wrong with them; the outer refusal is of the file itself.
    fn build(&self) -> Result<Result<Rules, Vec<CheckError>>, CheckError> {
        let file = self.read()?;
        let mut wrong = Vec::new();
        let queries = self.examine_queries(file, &mut wrong);
        let declared = file.query.iter().map(|(name, query)| (name.clone(), &query.get_ref().answer));
        let mut names = Names::new(file.params.keys().cloned())
            .with_shapes(declared, &self.setting.externals)
            .bounded(self.origin.is_some());
        let lets = file.lets.iter().map(|(name, text)| (name.as_str(), &**text));
        if let Err((name, problem)) = names.add_lets(lets) {
            // Without its names, every rule would look wrong.
            wrong.push(self.locate(file.lets[&name].span(), problem));
            return Ok(Err(wrong));
        }
        let mut compiler = Compiler { check: self, names: &names, wrong };
        let applies = compiler.expr(file.applies.as_ref());
        let rows = file.outcome.iter().map(|outcome| compiler.row(outcome)).collect();
        let wrong = compiler.wrong;
        Ok(if wrong.is_empty() { Ok(Rules { queries, applies, rows }) } else { Err(wrong) })
    }

    fn examine_queries(&self, file: &CheckFile, wrong: &mut Vec<CheckError>) -> BTreeMap<String, Query> {
        let mut queries = BTreeMap::new();
        for (name, query) in &file.query {
            match query::examine(name, query.get_ref(), query.span()) {
                Ok(query) => {
                    queries.insert(name.clone(), query);
                }
                Err(found) => wrong.extend(found.into_iter().map(|found| match found {
                    Wrong::At(span, message, help) => self.refuse(span, &message, help),
                    Wrong::In(span, problem) => self.locate(span, problem),
                })),
            }
        }
        queries
    }

    /// Moves a problem from the text's own offsets to the file's.
    fn locate(&self, span: Range<usize>, problem: Problem) -> CheckError {
        let raw = self.source.get(span.clone()).unwrap_or_default();
        let quotes = if raw.starts_with("'''") || raw.starts_with("\"\"\"") { 3 } else { 1 };
        let newline = match raw.get(quotes..) {
            Some(rest) if quotes == 3 && rest.starts_with("\r\n") => 2,
            Some(rest) if quotes == 3 && rest.starts_with('\n') => 1,
            _ => 0,
        };
        let start = (span.start + quotes + newline + problem.at).min(span.end);
        let end = (start + problem.len).min(span.end);
        self.refuse(start..end, &problem.message, problem.help)
    }

    /// Where its first `after` stands.
    pub(super) fn first_after(&self) -> Range<usize> {
        let file = self.read().ok();
        file.and_then(|file| file.after.first()).map_or(0..1, Text::span)
    }

    /// Takes earlier ids in `after` for the present ones.
    pub(super) fn resolve_after(&mut self, present: impl Fn(&str) -> Option<String>) {
        self.head();
        for id in self.head.get_mut().into_iter().flat_map(|head| &mut head.after) {
            if let Some(present) = present(id) {
                *id = present;
            }
        }
    }

    /// Refuses an `after` that names no check.
    pub(super) fn examine_after(&self, ids: &[&str]) -> Result<(), CheckError> {
        let known = |id: &str| ids.contains(&id);
        let written = self.read()?.after.iter();
        let missing = written.zip(self.after()).find(|(_, resolved)| !known(resolved));
        match missing {
            None => Ok(()),
            Some((id, _)) => Err(self.refuse_after(id, ids)),
        }
    }
}

fn nearest(id: &str, ids: &[&str]) -> String {
    let area = id.split('/').next().unwrap_or_default();
    let same: Vec<&str> = ids.iter().copied().filter(|other| other.split('/').next() == Some(area)).collect();
    let choices = if same.is_empty() { ids.to_vec() } else { same };
    suggest(id, choices.into_iter())
}

fn file_name(id: &str) -> String {
    format!("checks/{id}.toml")
}
