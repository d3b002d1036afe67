//! `explain`: what a check looks at, why it matters, how to repair it.

use super::{
    args::{self, TextFormat},
    exit, look,
    output::Sink,
    select,
    trouble::Trouble,
};
use crate::{
    collect::{self, Access},
    engine::{Catalogue, Check},
    facts::overlaps,
    report::explain::{self, Need},
};

/// Explains one check.
pub fn run(args: &args::Explain) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let catalogue = Catalogue::embedded();
    let check = catalogue.check(&args.id).ok_or_else(|| select::unknown_check(catalogue, &args.id))?;
    let needs = needs(check);
    let text = match args.format {
        TextFormat::Json => explain::json(check, &needs),
        TextFormat::Text => explain::check_with(check, &needs, &look::stdout(&args.look, !sink.is_stdout())),
    };
    sink.write(&text)?;
    Ok(exit::READY)
}

/// The reader's permissions behind the facts that a check reads.
fn needs(check: &Check) -> Vec<Need> {
    let reads = check.reads().unwrap_or_default();
    let mut needs: Vec<Need> = Vec::new();
    for call in collect::calls() {
        let Access::Reader(grant) = call.access else { continue };
        let yields = |path: &&String| call.yields.iter().any(|yielded| overlaps(yielded, path));
        let facts: Vec<String> = reads.iter().filter(yields).cloned().collect();
        if facts.is_empty() {
            continue;
        }
        match needs.iter_mut().find(|need| need.permission == grant.permission) {
            Some(need) => need.facts.extend(facts),
            None => needs.push(Need { permission: grant.permission.to_owned(), facts }),
        }
    }
    for need in &mut needs {
        need.facts.sort();
        need.facts.dedup();
    }
    needs
}
