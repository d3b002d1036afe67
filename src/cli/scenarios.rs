//! The scenarios of the lab, by name.

use std::fmt::Write;

use serde_json::json;

use super::{
    args::{self, Format},
    exit,
    output::Sink,
    problem::Problem,
    trouble::Trouble,
};
use crate::lab::{self, Scenario};

/// The scenario of a demo without a name.
const USUAL: &str = "healthy-delegated";

/// The scenario of that name; the usual one for an empty name.
pub fn find(name: &str) -> Result<Scenario, Problem> {
    let name = if name.is_empty() { USUAL } else { name };
    if let Some(found) = lab::scenario(name) {
        return Ok(found);
    }
    let names = lab::scenario_names();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Err(Problem::new(format!("there is no scenario `{name}`"))
        .choices(name, &names, "scenarios")
        .help("`syncready check --demo list` shows all"))
}

/// Prints all scenarios.
pub fn list(args: &args::Check) -> Result<u8, Trouble> {
    let sink = Sink::open(args.report.output.output.as_deref())?;
    let all = lab::scenarios();
    let text = if args.report.format == Format::Json { as_json(&all) } else { as_text(&all) };
    sink.write(&text)?;
    Ok(exit::READY)
}

fn as_json(all: &[Scenario]) -> String {
    let scenarios: Vec<_> = all
        .iter()
        .map(|scenario| {
            let causes: Vec<_> = scenario.expect.iter().filter_map(|expect| expect.cause.as_ref()).collect();
            json!({
                "name": scenario.name,
                "world": scenario.world,
                "description": scenario.description,
                "verdict": scenario.verdict,
                "expect": causes,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "format": 1, "scenarios": scenarios }))
}

fn as_text(all: &[Scenario]) -> String {
    let widest = all.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    let mut world = "";
    let mut sorted: Vec<&Scenario> = all.iter().collect();
    sorted.sort_by(|a, b| (&a.world, &a.name).cmp(&(&b.world, &b.name)));
    for scenario in sorted {
        if world != scenario.world {
            let gap = if world.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{}", scenario.world);
            world = &scenario.world;
        }
        let (name, description) = (&scenario.name, &scenario.description);
        let _ = writeln!(text, "  {name:widest$}  {description}");
    }
    text
}
