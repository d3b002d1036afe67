//! The plan of a test sync, for `--dry-run`: nothing is asked of any server.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::cli::args::{self, Format};
use crate::cli::{exit, live, look, output::Sink, own, problem::Problem, scenarios, trouble::Trouble};
use crate::collect::{self, Target};
use crate::report;
use crate::sync::{MARKER_NAME, MARKER_SET, Plan, Role};

/// Prints the plan.
pub fn run(args: &args::Check) -> Result<u8, Trouble> {
    let sink = Sink::open(args.report.output.output.as_deref())?;
    let style = look::stdout(&args.report.look, !sink.is_stdout());
    let targets = targets(args)?;
    if targets.is_empty() {
        return Ok(exit::NOTHING);
    }
    let limit = args.live.timeout.unwrap_or_else(|| live::sync_deadline(&targets));
    let mut accounts = Vec::new();
    for target in &targets {
        let plan = collect::sync::planned(target, limit)
            .map_err(|why| Problem::new(format!("there can be no test sync of {}: {why}", target.account)))?;
        accounts.push(shape(target, &plan));
    }
    let limit = limit.as_secs();
    let document =
        json!({ "format": 1, "kind": "syncready-sync-plan", "limit_seconds": limit, "accounts": accounts });
    sink.write(&match args.report.format {
        Format::Json | Format::Jsonl => format!("{document:#}\n"),
        Format::Short | Format::Table | Format::Ticket => report::sync::plan(&document, &style),
    })?;
    Ok(exit::READY)
}

fn targets(args: &args::Check) -> Result<Vec<Target>, Trouble> {
    if let Some(name) = &args.demo {
        let scenario = scenarios::find(name)?;
        return live::interruptible(async {
            let lab = live::start(&scenario).await?;
            let source = live::lab_source(&scenario, &lab, lab.config_toml().to_owned());
            Ok(live::planned(args, source, own::Brought::nothing().catalogue())?.targets)
        });
    }
    Ok(live::prepared(args)?.1.targets)
}

fn shape(target: &Target, plan: &Plan) -> Value {
    let graph = plan.access.is_graph();
    let steps: Vec<Value> = plan
        .steps()
        .map(|(mailbox, step)| {
            let skipped = step.skipped.map(|(code, text)| json!({ "code": code, "text": text }));
            json!({
                "step": step.name.as_str(),
                "mailbox": mailbox.address,
                "role": mailbox.role.as_str(),
                "subject": step.subject,
                "skipped": skipped,
                "writes": step.name.writes(),
                "requests": step.name.requests(graph),
                "proves": step.name.proves(),
                "rca_test": step.name.rca_test(plan.access),
            })
        })
        .collect();
    let mailboxes: Vec<Value> = plan
        .mailboxes
        .iter()
        .map(|mailbox| {
            let role = mailbox.role.as_str();
            json!({ "address": mailbox.address, "role": role, "read_only": mailbox.read_only })
        })
        .collect();
    let meant = plan.steps().filter(|(_, step)| step.skipped.is_none());
    let requests: BTreeSet<&str> = meant.map(|(_, step)| step.name.requests(graph)).collect();
    json!({
        "account": target.account,
        "protocol": if graph { "graph" } else { "ews" },
        "access": plan.access.as_str(),
        "only_sweep": plan.only_sweep,
        "parts": plan.parts.iter().map(|part| part.as_str()).collect::<Vec<_>>(),
        "marker": { "property_set": MARKER_SET, "name": MARKER_NAME, "value": "BEGIN/NUMBER" },
        "mailboxes": mailboxes,
        "creates": creates(plan),
        "steps": steps,
        "requests": requests,
        "traces": plan.traces(),
    })
}

/// What would be made, and where.
fn creates(plan: &Plan) -> Vec<Value> {
    if plan.only_sweep {
        return Vec::new();
    }
    let written =
        plan.mailboxes.iter().filter(|mailbox| mailbox.read_only.is_none() && mailbox.role != Role::Outside);
    let kinds = [
        (crate::sync::Part::Contacts, "a contact folder with a contact and a note of 100 KB in it"),
        (
            crate::sync::Part::Calendar,
            "a calendar with an appointment and a recurring one in it: private, free, without reminder and attendees",
        ),
    ];
    written
        .flat_map(|mailbox| {
            let made = kinds.iter().filter(|(part, _)| plan.parts.contains(part));
            made.map(|(_, what)| json!({ "mailbox": mailbox.address, "what": what })).collect::<Vec<_>>()
        })
        .collect()
}
