//! Reads saved facts.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    ops::ControlFlow,
    path::Path,
};

use serde::{Deserialize, de::IgnoredAny};

use super::{bundle, problem::Problem};
use crate::{
    collect::Part,
    facts::{Account, Document, LoadError},
};

/// How packed files begin.
const PACKED: &[u8] = &[0x1f, 0x8b];

/// Hands on the facts in a file, part by part; `-` is standard input. One document, or JSON Lines: a
/// line is a document, and lines behind it may be further accounts of it.
pub fn each(path: &Path, mut take: impl FnMut(Part) -> ControlFlow<()>) -> Result<(), Problem> {
    let stdin = path == Path::new("-");
    let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
    let refuse = |error: std::io::Error| Problem::new(format!("cannot read the facts in {name}: {error}"));
    let mut reader: Box<dyn BufRead> = if stdin {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(std::fs::File::open(path).map_err(refuse)?))
    };
    if reader.fill_buf().map_err(refuse)?.starts_with(PACKED) {
        // A bundle: its facts are in it.
        let bytes = bundle::facts_of(&bundle::from_reader(reader, &name)?, &name)?;
        reader = Box::new(std::io::Cursor::new(bytes));
    }
    let mut source = Source { reader, name, line: 0 };
    let Some(mut first) = source.next()? else {
        return parse(&source.name, "", 0).map(|_| ());
    };
    if serde_json::from_slice::<IgnoredAny>(&first).is_err() {
        // Not a line of its own: one document over many lines.
        source.reader.read_to_end(&mut first).map_err(|error| source.refuse(&error))?;
        let document = parse(&source.name, &text(&source.name, first, 0)?, 0)?;
        let _ = parts(document, &mut take);
        return Ok(());
    }
    let mut tenants = BTreeSet::new();
    let mut next = Some(first);
    while let Some(line) = next {
        let text = text(&source.name, line, source.line - 1)?;
        if !text.trim().is_empty() && lines_part(&source, &text, &mut tenants, &mut take)?.is_break() {
            return Ok(());
        }
        next = source.next()?;
    }
    Ok(())
}

struct Source {
    reader: Box<dyn BufRead>,
    name: String,
    /// Lines read so far.
    line: usize,
}

impl Source {
    fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line).map_err(|error| self.refuse(&error))?;
        self.line += 1;
        Ok((read > 0).then_some(line))
    }

    fn refuse(&self, error: &std::io::Error) -> Problem {
        Problem::new(format!("cannot read the facts in {}: {error}", self.name))
    }
}

/// What a line may be: only the keys that tell a document from an account.
#[derive(Deserialize)]
struct Kind {
    address: Option<String>,
}

fn lines_part(
    source: &Source,
    text: &str,
    tenants: &mut BTreeSet<String>,
    take: &mut impl FnMut(Part) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Problem> {
    let above = source.line - 1;
    let is_account = serde_json::from_str::<Kind>(text).is_ok_and(|kind| kind.address.is_some());
    if !is_account {
        let document = parse(&source.name, text, above)?;
        *tenants = document.tenants.keys().cloned().collect();
        return Ok(parts(document, take));
    }
    let account: Account = serde_json::from_str(text).map_err(|error| {
        Problem::new(format!("this is not an account of a facts document: {error}")).at(
            &source.name,
            source.line,
            error.column(),
        )
    })?;
    if !tenants.contains(&account.tenant) {
        let (address, tenant) = (account.address, account.tenant);
        return Err(refusal(&source.name, &LoadError::Tenant { address, tenant }, above));
    }
    Ok(take(Part::Account(account)))
}

fn parts(mut document: Document, take: &mut impl FnMut(Part) -> ControlFlow<()>) -> ControlFlow<()> {
    let accounts = std::mem::take(&mut document.accounts);
    let head = std::iter::once(Part::Head(document));
    for part in head.chain(accounts.into_iter().map(Part::Account)) {
        if take(part).is_break() {
            return ControlFlow::Break(());
        }
    }
    ControlFlow::Continue(())
}

fn text(name: &str, bytes: Vec<u8>, above: usize) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let valid =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let line = above + valid.matches('\n').count() + 1;
        Problem::new("the facts are not UTF-8 text").at(name, line, column)
    })
}

fn parse(name: &str, text: &str, above: usize) -> Result<Document, Problem> {
    Document::parse(text).map_err(|error| refusal(name, &error, above))
}

fn refusal(name: &str, error: &LoadError, above: usize) -> Problem {
    let text = error.to_string();
    match error {
        LoadError::Json { line, column, .. } => {
            let message = if text.starts_with("EOF") {
                format!("the facts are cut off: {text}")
            } else {
                format!("this is not a facts document: {text}")
            };
            Problem::new(message).at(name, above + *line, *column)
        }
        LoadError::Kind { .. } => {
            Problem::new(text).at(name, above + 1, 1).help("`syncready check --save-facts FILE` writes one")
        }
        LoadError::Newer { .. } | LoadError::Tenant { .. } => Problem::new(text).at(name, above + 1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("facts.json");
        std::fs::write(&path, text).expect("written");
        each(&path, |_| ControlFlow::Continue(())).expect_err("refused").render(false, false)
    }

    #[test]
    fn lines_are_documents_and_further_accounts_of_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("facts.jsonl");
        let mut document = Document::new("2026-11-21T08:00:00Z");
        document.tenants.insert("contoso.com".into(), crate::facts::Tenant::default());
        let account =
            Account { address: "a@contoso.com".into(), tenant: "contoso.com".into(), ..Account::default() };
        let line = |value: serde_json::Value| value.to_string() + "\n";
        let head = line(serde_json::json!(document));
        document.accounts.push(account.clone());
        let text = head + &line(serde_json::json!(account)) + "\n" + &line(serde_json::json!(document));
        std::fs::write(&path, text).expect("written");
        let mut seen = Vec::new();
        let take = |part| {
            seen.push(matches!(part, Part::Head(_)));
            ControlFlow::Continue(())
        };
        each(&path, take).expect("read");
        assert_eq!(seen, [true, false, true, false]);
    }

    #[test]
    fn a_broken_line_says_which() {
        let document = serde_json::to_string(&Document::new("2026-11-21T08:00:00Z")).expect("serializes");
        let shown = refused(&format!("{document}\n{{\"address\": 7}}\n"));
        assert!(shown.contains("facts.json:2:"), "{shown}");
    }

    #[test]
    fn facts_that_are_cut_off_say_where() {
        let shown = refused("{\n  \"kind\": \"syncready-facts\",");
        assert!(shown.contains("facts.json:2:") && shown.contains("cut off"), "{shown}");
    }

    #[test]
    fn newer_facts_name_both_formats() {
        let shown = refused("{\"kind\": \"syncready-facts\", \"format\": 9}");
        assert!(shown.contains("format 9") && shown.contains("facts.json:1:1"), "{shown}");
    }

    #[test]
    fn other_json_is_told_from_facts() {
        assert!(refused("{\"kind\": \"bill\"}").contains("not a facts document"));
    }

    #[test]
    fn a_document_of_the_wrong_shape_says_where() {
        let shown = refused("{\"kind\": \"syncready-facts\", \"format\": 1,\n\"run\": 7}");
        assert!(shown.contains("facts.json:2:"), "{shown}");
    }
}
