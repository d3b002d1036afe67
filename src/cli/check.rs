//! `check`: the main job.

use super::{
    args::{self, Format},
    config::{self, File, Source},
    exit, hint, live, look,
    output::Sink,
    own,
    problem::Problem,
    replay, scenarios, select,
    trouble::Trouble,
};
use crate::{
    engine::{self, Catalogue, CheckError, Judge, Report, Selection},
    facts::{Document, Tenant},
    report::{self, Style},
};

/// Checks what is asked for and prints the report.
pub fn run(args: &args::Check) -> Result<u8, Trouble> {
    if args.demo.as_deref() == Some("list") {
        return scenarios::list(args);
    }
    let (report_to, facts_to) = sinks(args)?;
    let style = look::stdout(&args.look, !report_to.is_stdout());
    let configured = configured(args)?;
    let brought = own::bring(&args.checks, configured.as_ref())?;
    let catalogue = brought.catalogue();
    let mut selection = select::selection(catalogue, args)?;
    selection.check_params.clone_from(&brought.params);
    if let Some((file, source)) = &configured {
        selection.waivers = select::waivers(file, source, catalogue)?;
    }
    let document = match &args.from {
        Some(path) => replay::read(path)?,
        None => live::collect(args, configured, &brought, &selection)?,
    };
    let report = judge(&document, catalogue, &selection)?;
    if let Some(sink) = facts_to {
        let text =
            serde_json::to_string_pretty(&document).map_err(|error| Trouble::Ours(error.to_string()))?;
        sink.write(&(text + "\n"))?;
    }
    report_to.write(&render(&report, args.format, &style))?;
    Ok(exit::of(&report, args.exit_codes))
}

/// Both destinations, found writable before anything is asked of any server.
fn sinks(args: &args::Check) -> Result<(Sink, Option<Sink>), Problem> {
    if args.save_facts.is_some() && args.save_facts == args.output.output {
        return Err(Problem::new("the report and the facts cannot go to the same file"));
    }
    let report = Sink::open(args.output.output.as_deref())?;
    let facts = args.save_facts.as_deref().map(|path| Sink::open(Some(path))).transpose()?;
    Ok((report, facts))
}

/// The configuration. The demo has its own; a replay needs none, and takes from one what it says of
/// judging: waivers, checks, parameters, profiles.
fn configured(args: &args::Check) -> Result<Option<(File, Source)>, Problem> {
    let source = match (&args.demo, &args.from) {
        (Some(_), _) => None,
        (None, Some(_)) => config::find(args.config.as_deref())?,
        (None, None) => Some(live::configured(args)?),
    };
    source.map(|source| config::load(source, &args.set)).transpose()
}

/// Judges direct and replayed facts alike.
pub fn judge(document: &Document, catalogue: &Catalogue, selection: &Selection) -> Result<Report, Trouble> {
    known_profiles(document, catalogue, selection)?;
    let mut report =
        elaborate(document, catalogue, selection).map_err(|error| select::broken_check(&error))?;
    hint::add(&mut report, document);
    Ok(report)
}

fn elaborate(
    document: &Document,
    catalogue: &Catalogue,
    selection: &Selection,
) -> Result<Report, CheckError> {
    let mut report = engine::judge(document, catalogue, selection)?;
    let (judge, none) = (Judge::new(catalogue, selection), Tenant::default());
    for (account, report) in document.accounts.iter().zip(&mut report.accounts) {
        let tenant = document.tenants.get(&account.tenant).unwrap_or(&none);
        judge.elaborate(&document.run, tenant, account, report)?;
    }
    Ok(report)
}

fn known_profiles(document: &Document, catalogue: &Catalogue, selection: &Selection) -> Result<(), Problem> {
    if selection.profile.is_some() {
        return Ok(());
    }
    for account in &document.accounts {
        if catalogue.profile(&account.profile).is_none() {
            let (address, name) = (&account.address, &account.profile);
            let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
            return Err(Problem::new(format!("the facts of {address} name an unknown profile `{name}`"))
                .choices(name, &names, "profiles")
                .help("`--profile NAME` judges them by another one"));
        }
    }
    Ok(())
}

fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Json => report::json::render(report),
        Format::Short => report::short::render(report, style),
        Format::Ticket => report::ticket::render(report, style),
        Format::Table => report::table::render(report, style),
    }
}
