//! `explain`: what a check looks at, why it matters, how to repair it.

use super::{
    args::{self, TextFormat},
    exit, look,
    output::Sink,
    select,
    trouble::Trouble,
};
use crate::{engine::Catalogue, report};

/// Explains one check.
pub fn run(args: &args::Explain) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let catalogue = Catalogue::embedded();
    let check = catalogue.check(&args.id).ok_or_else(|| select::unknown_check(catalogue, &args.id))?;
    let text = match args.format {
        TextFormat::Json => report::explain::json(check),
        TextFormat::Text => report::explain::check(check, &look::stdout(&args.look, !sink.is_stdout())),
    };
    sink.write(&text)?;
    Ok(exit::READY)
}
