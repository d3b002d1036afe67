//! `check`: the main job.

use super::{
    args,
    config::{self, File, Source},
    desk::{self, Desk},
    live, look,
    output::Sink,
    own::{self, Brought},
    problem::Problem,
    replay, scenarios, select,
    trouble::Trouble,
};
use crate::{
    engine::{Catalogue, Judge, Report, Selection},
    facts::Document,
};

/// Checks what is asked for and prints the report.
pub fn run(args: &args::Check) -> Result<u8, Trouble> {
    if args.demo.as_deref() == Some("list") {
        return scenarios::list(args);
    }
    fits_together(args)?;
    let args = &wanted(args)?;
    let (report_to, facts_to) = sinks(args)?;
    let style = look::stdout(&args.report.look, !report_to.is_stdout());
    let configured = configured(args)?;
    let brought = own::bring(&args.checks, configured.as_ref())?;
    let catalogue = brought.catalogue();
    let selection = selection(args, configured.as_ref(), &brought)?;
    let mut desk = Desk::new(args, style, catalogue, &selection, (report_to, facts_to))?;
    let took = match &args.from {
        Some(path) => {
            replay::each(path, |part| desk.take(part))?;
            None
        }
        None => Some(live::collect(args, configured, &brought, &selection, |part| desk.take(part))?),
    };
    desk.finish(took)
}

/// The demo of a scenario in which only a test sync shows what is wrong does one.
pub fn wanted(args: &args::Check) -> Result<args::Check, Problem> {
    let mut args = args.clone();
    if let Some(name) = &args.demo
        && let Some(wanted) = scenarios::find(name)?.sync
    {
        args.sync = true;
        args.test_sync.yes |= wanted.yes;
    }
    Ok(args)
}

/// What is said of a test sync makes sense only with one.
pub fn fits_together(args: &args::Check) -> Result<(), Problem> {
    let said = &args.test_sync;
    let option = match () {
        () if args.sync => None,
        () if said.yes => Some("--yes"),
        () if !said.negative.is_empty() => Some("--negative"),
        () if !said.steps.is_empty() => Some("--steps"),
        () if said.protocol.is_some() => Some("--protocol"),
        () => None,
    };
    option.map_or(Ok(()), |option| {
        Err(Problem::new(format!("`{option}` is about the test sync, which is not asked for"))
            .help("`--sync` does it, or use `syncready sync-test`"))
    })
}

/// Both destinations, found writable before anything is asked of any server.
pub fn sinks(args: &args::Check) -> Result<(Sink, Option<Sink>), Problem> {
    if args.save_facts.is_some() && args.save_facts == args.report.output.output {
        return Err(Problem::new("the report and the facts cannot go to the same file"));
    }
    let report = Sink::open(args.report.output.output.as_deref())?;
    let facts = args.save_facts.as_deref().map(|path| Sink::open(Some(path))).transpose()?;
    Ok((report, facts))
}

/// The configuration. The demo has its own; a replay needs none, and takes from one what it says of
/// judging: waivers, checks, parameters, profiles.
pub fn configured(args: &args::Check) -> Result<Option<(File, Source)>, Problem> {
    let source = match (&args.demo, &args.from) {
        (Some(_), _) => None,
        (None, Some(_)) => config::find(args.live.setting.config.as_deref())?,
        (None, None) => Some(live::configured(args)?),
    };
    source.map(|source| config::load(source, &args.live.setting.set)).transpose()
}

/// The selection, with the parameters and waivers of the configuration.
pub fn selection(
    args: &args::Check,
    configured: Option<&(File, Source)>,
    brought: &Brought,
) -> Result<Selection, Problem> {
    let catalogue = brought.catalogue();
    let mut selection = select::selection(catalogue, args)?;
    selection.check_params.clone_from(&brought.params);
    if let Some((file, source)) = configured {
        selection.waivers = select::waivers(file, source, catalogue)?;
    }
    Ok(selection)
}

/// Judges a whole document as the desk does.
pub fn judge(document: &Document, catalogue: &Catalogue, selection: &Selection) -> Result<Report, Trouble> {
    let judge = Judge::new(catalogue, selection);
    let mut accounts = Vec::new();
    for account in &document.accounts {
        desk::known_profile(account, catalogue, selection)?;
        accounts.push(desk::judge(&judge, document, account)?);
    }
    Ok(judge.report(document, accounts))
}
