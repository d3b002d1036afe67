//! `bundle show`: exactly what leaves the house.

use std::{collections::BTreeMap, io::IsTerminal};

use serde_json::json;

use super::args::Show;
use crate::{
    bundle::{self, Redaction, file},
    cli::{args::TextFormat, exit, look, output::Sink, problem::Problem, trouble::Trouble},
    report::{
        self, Style,
        bundle::{Contents, Taken},
    },
};

/// Lists a bundle, or prints one of its files.
pub fn run(args: &Show) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let bundle = super::open(&args.bundle)?;
    if let Some(name) = &args.file {
        let bytes = bundle.file(name).ok_or_else(|| no_such_file(&bundle, name))?;
        let tame = sink.is_stdout() && std::io::stdout().is_terminal();
        if tame {
            sink.write(&tamed(&String::from_utf8_lossy(bytes)))?;
        } else {
            sink.write_bytes(bytes)?;
        }
        return Ok(exit::READY);
    }
    let redaction = bundle.file(file::REDACTION).map(serde_json::from_slice::<Redaction>);
    let Some(Ok(redaction)) = redaction else {
        return Err(Problem::new("the bundle holds no redaction report that can be read").into());
    };
    let written = match args.format {
        TextFormat::Json => {
            format!("{:#}\n", json!({ "format": 1, "manifest": bundle.manifest, "redaction": redaction }))
        }
        TextFormat::Text => {
            let style = look::stdout(&args.look, !sink.is_stdout());
            text(&bundle, &redaction, &args.bundle.display().to_string(), &style)
        }
    };
    sink.write(&written)?;
    Ok(exit::READY)
}

fn no_such_file(bundle: &bundle::Bundle, name: &str) -> Problem {
    let names: Vec<&str> = bundle.members.iter().map(|member| member.name.as_str()).collect();
    Problem::new(format!("the bundle holds no file `{name}`")).choices(name, &names, "files")
}

/// What a terminal can be shown: a file from elsewhere may try to steer it.
fn tamed(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

fn text(bundle: &bundle::Bundle, redaction: &Redaction, name: &str, style: &Style) -> String {
    let manifest = &bundle.manifest;
    let difference = |difference: &bundle::Difference| {
        let bundle::Difference { account, check, original, redacted } = difference;
        format!("{check} of {account}: {redacted}, was {original}")
    };
    let files = bundle.members.iter().map(|member| (size(member.bytes.len() as u64), member.name.as_str()));
    let contents = Contents {
        name,
        made_by: format!("{} {}", manifest.tool.name, manifest.tool.version),
        started_at: &manifest.started_at,
        files: files.collect(),
        redacted: redaction.redacted,
        replaced: replaced(redaction),
        kept: redaction.kept.iter().map(|kept| (kept.what.as_str(), kept.values.as_slice())).collect(),
        differs: redaction.rejudged.differs.iter().map(difference).collect(),
        notes: &redaction.notes,
        more: format!("syncready bundle show {name} --file {}", file::FACTS),
    };
    report::bundle::list(&contents, style)
}

fn replaced(redaction: &Redaction) -> Vec<Taken<'_>> {
    let mut kinds: BTreeMap<&str, Taken<'_>> = BTreeMap::new();
    for line in &redaction.replaced {
        let values = redaction.values.get(&line.kind).copied();
        let new = || Taken { kind: &line.kind, values, places: 0, files: Vec::new() };
        let taken = kinds.entry(&line.kind).or_insert_with(new);
        taken.places += line.count;
        if !taken.files.contains(&line.file.as_str()) {
            taken.files.push(&line.file);
        }
    }
    kinds.into_values().collect()
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}
