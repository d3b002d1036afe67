//! `bundle reveal`: tokens back to values, for whoever kept the map.

use std::{
    fs::File,
    io::{self, Read},
};

use serde_json::Value;

use super::args::Reveal;
use crate::{
    bundle::{self, Map},
    cli::{exit, output::Sink, problem::Problem, trouble::Trouble},
};

/// Largest map and largest text.
const MOST: u64 = 64 << 20;

/// Reads standard input, and prints it with values in the place of tokens.
pub fn run(args: &Reveal) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let name = args.map.display();
    let refuse = |why: &str| Problem::new(format!("cannot use the map {name}: {why}"));
    let unread = |error: io::Error| refuse(&reason(&error));
    let written = "`syncready bundle --reverse-map FILE` writes one";
    let read = text(File::open(&args.map).map_err(unread)?).map_err(unread)?;
    let value: Value = serde_json::from_str(&read)
        .map_err(|error| refuse(&format!("it is no JSON document: {error}")).help(written))?;
    if value["kind"] != bundle::MAP_KIND {
        return Err(refuse("it is no map of a bundle").help(written).into());
    }
    if let Some(newer) = value["format"].as_u64().filter(|format| *format > u64::from(bundle::FORMAT)) {
        let known = bundle::FORMAT;
        let why = format!("it has format {newer}; this version reads up to {known}: use a newer syncready");
        return Err(refuse(&why).into());
    }
    let map: Map = serde_json::from_value(value)
        .map_err(|error| refuse(&format!("it is damaged: {error}")).help(written))?;
    let input = text(std::io::stdin().lock());
    let input =
        input.map_err(|error| Problem::new(format!("cannot read standard input: {}", reason(&error))))?;
    sink.write(&bundle::reveal(&input, &map.tokens))?;
    Ok(exit::READY)
}

/// What went wrong, without the number that the system adds.
fn reason(error: &io::Error) -> String {
    error.to_string().to_lowercase().split(" (os error").next().unwrap_or_default().to_owned()
}

fn text(from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other(format!("it is larger than {} MiB", MOST >> 20)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
