//! `bundle reveal`: tokens back to values, for whoever kept the map.

use std::io::Read;

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
    let refuse = |why: String| Problem::new(format!("cannot read the map {name}: {why}"));
    let file = std::fs::File::open(&args.map).map_err(|error| refuse(error.to_string()))?;
    let map: Map = serde_json::from_str(&text(file).map_err(|error| refuse(error.to_string()))?)
        .map_err(|error| refuse(error.to_string()))?;
    if map.kind != bundle::MAP_KIND {
        let help = "`syncready bundle --reverse-map FILE` writes one";
        return Err(refuse("it is no map of a bundle".into()).help(help).into());
    }
    let input = text(std::io::stdin().lock());
    let input = input.map_err(|error| Problem::new(format!("cannot read standard input: {error}")))?;
    sink.write(&bundle::reveal(&input, &map.tokens))?;
    Ok(exit::READY)
}

fn text(from: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
