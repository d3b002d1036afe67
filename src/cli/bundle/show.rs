//! `bundle show`: exactly what leaves the house.

use std::{collections::BTreeMap, fmt::Write, io::IsTerminal};

use serde_json::json;

use super::args::Show;
use crate::{
    bundle::{self, Redaction, file},
    cli::{args::TextFormat, exit, output::Sink, problem::Problem, trouble::Trouble},
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
    sink.write(&match args.format {
        TextFormat::Json => {
            format!("{:#}\n", json!({ "format": 1, "manifest": bundle.manifest, "redaction": redaction }))
        }
        TextFormat::Text => text(&bundle, &redaction, &args.bundle.display().to_string()),
    })?;
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

fn text(bundle: &bundle::Bundle, redaction: &Redaction, name: &str) -> String {
    let manifest = &bundle.manifest;
    let mut text = format!(
        "{name}\n  made by {} {}, run of {}\n\nFiles\n",
        manifest.tool.name, manifest.tool.version, manifest.started_at
    );
    for member in &bundle.members {
        let _ = writeln!(text, "  {:>10}  {}", size(member.bytes.len() as u64), member.name);
    }
    text.push_str(&replaced(redaction));
    text.push_str(&kept(redaction));
    text.push_str(if redaction.rejudged.alike {
        "\nThe redacted facts are judged as the original ones were.\n"
    } else {
        "\nThe redacted facts are judged otherwise than the original ones:\n"
    });
    for difference in &redaction.rejudged.differs {
        let bundle::Difference { account, check, original, redacted } = difference;
        let _ = writeln!(text, "  {check} of {account}: {redacted}, was {original}");
    }
    for note in &redaction.notes {
        let _ = writeln!(text, "  {note}");
    }
    let _ = writeln!(text, "\nOne of the files:  syncready bundle show {name} --file {}", file::FACTS);
    tamed(&text)
}

fn replaced(redaction: &Redaction) -> String {
    let mut text = String::from(if redaction.redacted {
        "\nReplaced or removed (values, places, files)\n"
    } else {
        "\nPersonal values stand in it as they are. Removed (values, places, files)\n"
    });
    let mut kinds: BTreeMap<&str, (u64, Vec<&str>)> = BTreeMap::new();
    for line in &redaction.replaced {
        let (count, files) = kinds.entry(&line.kind).or_default();
        *count += line.count;
        if !files.contains(&line.file.as_str()) {
            files.push(&line.file);
        }
    }
    if kinds.is_empty() {
        text.push_str("  nothing\n");
    }
    for (kind, (count, files)) in kinds {
        let values = redaction.values.get(kind).map_or_else(|| "-".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  {values:>5} {count:>6}  {kind}: {}", files.join(", "));
    }
    text
}

/// How many kept values of a kind are named.
const NAMED: usize = 3;

fn kept(redaction: &Redaction) -> String {
    let mut text = String::new();
    for kept in &redaction.kept {
        if text.is_empty() {
            text.push_str("\nStays, because it is everybody's or support needs it\n");
        }
        let mut named = kept.values.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if kept.values.len() > NAMED {
            let _ = write!(named, " and {} more", kept.values.len() - NAMED);
        }
        let _ = writeln!(text, "  {}: {named}", kept.what);
    }
    text
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}
