//! Collects facts from real servers or from the lab: the only difference between both is who wrote the
//! configuration.

use std::{
    collections::BTreeSet, future::Future, ops::ControlFlow, path::PathBuf, sync::Arc, time::Duration,
};

use super::{
    args,
    config::{self, File, Plan, Source, Wishes},
    imports,
    output::note,
    own::{self, Brought},
    problem::Problem,
    refused::{self, Refused},
    rounds::Rounds,
    scenarios, select,
    signals::Signals,
    sync_test::args::AREA,
    trouble::Trouble,
};
use crate::{
    collect::{
        self, Carry, Part, Target,
        session::{Memory, Tasks},
    },
    engine::{self, Catalogue, Selection},
    facts::Document,
    lab::{Lab, Scenario},
};
use jiff::Timestamp;

/// Time limit of a run, where nobody sets another.
const USUAL_DEADLINE: Duration = Duration::from_mins(1);

/// The same of a run with a test sync of one mailbox.
const SYNC_DEADLINE: Duration = Duration::from_mins(3);

/// Added for each further mailbox.
const MAILBOX: Duration = Duration::from_secs(20);

/// Collects what the selected checks need.
pub fn collect(
    args: &args::Check,
    configured: Option<(File, Source)>,
    brought: &Brought,
    selection: &Selection,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> Result<u64, Trouble> {
    let Some((file, source)) = configured else { return demo(args, brought, selection, take) };
    let plan = plan(args, &file, &source, brought.catalogue())?;
    let memory = memory(&args.live.setting);
    let tasks = plan.tasks.clone();
    tidy(&tasks, stream(args, plan, brought, selection, memory, take))
}

/// The configuration; an empty one where none is needed.
pub fn configured(args: &args::Check) -> Result<Source, Problem> {
    let found = config::find(args.live.setting.config.as_deref())?;
    if found.is_none() && args.accounts.is_empty() && args.live.setting.set.is_empty() {
        let message = format!("nothing to check: no ACCOUNT, and no ./{}", config::DEFAULT_NAME);
        return Err(Problem::new(message).help("`syncready check --demo` shows it on a simulated tenant"));
    }
    let nothing =
        || Source { name: "no configuration".into(), folder: PathBuf::from("."), text: String::new() };
    Ok(found.unwrap_or_else(nothing))
}

/// What a live run brings along from the configuration and the command line, and its plan.
pub fn prepared(args: &args::Check) -> Result<(Brought, Plan), Problem> {
    let configured = config::load(configured(args)?, &args.live.setting.set)?;
    let brought = own::bring(&args.checks, Some(&configured))?;
    let (file, source) = &configured;
    let plan = plan(args, file, source, brought.catalogue())?;
    Ok((brought, plan))
}

/// Reads a configuration; gives the plan.
pub fn planned(args: &args::Check, source: Source, catalogue: &Catalogue) -> Result<Plan, Problem> {
    let (file, source) = config::load(source, &args.live.setting.set)?;
    plan(args, &file, &source, catalogue)
}

fn plan(args: &args::Check, file: &File, source: &Source, catalogue: &Catalogue) -> Result<Plan, Problem> {
    let wanted = select::selection(catalogue, args)?.optional_groups(catalogue).contains(AREA);
    let test_sync = wanted.then(|| args.test_sync.wishes(args.sweep));
    let wishes = Wishes {
        accounts: &args.accounts,
        profile: args.live.setting.profile.as_deref(),
        also: &args.live.as_mailboxes,
        no_sign_in: args.live.no_sign_in,
        protocol: args.test_sync.protocol,
        test_sync: test_sync.as_ref(),
        outside: &args.test_sync.negative,
    };
    let mut plan = config::plan(file, source, &wishes, &select::profiles(catalogue))?;
    plan.imports = imports::read(&args.live.imports, file, source)?;
    let answers = select::attests(file, source, catalogue, Timestamp::now())?;
    for target in &mut plan.targets {
        let fits = |only: &String| only.eq_ignore_ascii_case(&target.account);
        let own = answers.iter().filter(|(only, _)| only.as_ref().is_none_or(fits));
        target.attested = own.map(|(_, answer)| answer.clone()).collect();
    }
    Ok(plan)
}

/// A lab that serves the scenario.
pub async fn start(scenario: &Scenario) -> Result<Lab, Trouble> {
    let lab = Lab::start(scenario, crate::lab::Options::default()).await;
    lab.map_err(|error| Trouble::Ours(format!("the lab did not start: {error}")))
}

/// The configuration that reaches a lab.
pub fn lab_source(scenario: &Scenario, lab: &Lab, text: String) -> Source {
    let name = format!("syncready.toml of the demo {}", scenario.name);
    Source { name, folder: lab.folder().to_owned(), text }
}

fn demo(
    args: &args::Check,
    brought: &Brought,
    selection: &Selection,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> Result<u64, Trouble> {
    let scenario = scenarios::find(args.demo.as_deref().unwrap_or_default())?;
    let tasks = Tasks::default();
    tidy(&tasks, async {
        let lab = start(&scenario).await?;
        let source = lab_source(&scenario, &lab, lab.config_toml().to_owned());
        let plan = Plan { tasks: tasks.clone(), ..planned(args, source, brought.catalogue())? };
        stream(args, plan, brought, selection, None, take).await
    })
}

/// Looks at one account in rounds.
pub fn in_rounds<T>(
    args: &args::Check,
    configured: Option<(File, Source)>,
    brought: &Brought,
    work: impl AsyncFnOnce(&mut InRounds<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    if let Some((file, source)) = configured {
        let plan = plan(args, &file, &source, brought.catalogue())?;
        let all: Vec<String> = plan.targets.iter().map(|target| target.account.clone()).collect();
        super::troubleshoot::one(all.iter().map(String::as_str), &all)?;
        let memory = memory(&args.live.setting);
        let tasks = plan.tasks.clone();
        return tidy(&tasks, async { work(&mut InRounds::begin(args, plan, brought, memory).await?).await });
    }
    let scenario = scenarios::find(args.demo.as_deref().unwrap_or_default())?;
    let tasks = Tasks::default();
    tidy(&tasks, async {
        let lab = start(&scenario).await?;
        lab_in_rounds((&scenario, &lab), args, brought, &tasks, work).await
    })
}

/// The same in a lab.
pub async fn lab_in_rounds<T>(
    (scenario, lab): (&Scenario, &Lab),
    args: &args::Check,
    brought: &Brought,
    tasks: &Tasks,
    work: impl AsyncFnOnce(&mut InRounds<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let source = lab_source(scenario, lab, lab.config_toml().to_owned());
    let mut plan = Plan { tasks: tasks.clone(), ..planned(args, source, brought.catalogue())? };
    plan.targets.retain(|target| target.account.eq_ignore_ascii_case(&scenario.account));
    plan.targets.truncate(1);
    work(&mut InRounds::begin(args, plan, brought, None).await?).await
}

/// Runs to the end, or until a signal comes; then everything that was begun is dropped in order.
pub fn interruptible<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    tidy(&Tasks::default(), work)
}

/// The same, but after a signal those tasks are waited for that clean up behind them; a second signal
/// ends at once.
pub fn tidy<T>(tasks: &Tasks, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::Ours(format!("no threads to work with: {error}")))?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::new();
        let mut work = std::pin::pin!(work);
        let code = tokio::select! {
            // Listening comes first: a signal that arrives early must not leave files behind.
            biased;
            code = signals.next() => code,
            outcome = &mut work => return outcome,
        };
        // The work stays where it is, because a lab that it holds is needed for cleaning up.
        Err(Trouble::Signal(clean_up(tasks, &mut signals, code).await))
    });
    runtime.shutdown_background();
    outcome
}

/// Tells the tasks to stop and waits for them, or for a second signal; gives the exit code.
async fn clean_up(tasks: &Tasks, signals: &mut Signals, code: u8) -> u8 {
    tasks.stop().cancel();
    if tasks.is_idle() {
        return code;
    }
    note("stopped: removing what the test sync made (once more ends at once, and leaves it)");
    tokio::select! {
        biased;
        again = signals.next() => {
            note("ended at once: what the test sync made may still be there; `syncready sync-test --sweep` with the \
                  same configuration removes it");
            return again;
        }
        () = tasks.finished() => {}
    }
    for ended in tasks.ended() {
        let account = &ended.account;
        note(&match ended.left {
            0 => format!("the test sync of {account} has removed what it made"),
            left => format!(
                "the test sync of {account} could not remove {left} of the things that it made; \
                 `syncready sync-test {account} --sweep` tries again"
            ),
        });
    }
    code
}

/// Collects what the plan's accounts and the selected checks need.
pub async fn examine(
    args: &args::Check,
    plan: Plan,
    brought: &Brought,
    selection: &Selection,
    memory: Option<Refused>,
) -> Result<Document, Trouble> {
    let mut whole = Whole(None);
    let took = stream(args, plan, brought, selection, memory, |part| whole.take(part)).await?;
    Ok(whole.finish(took))
}

/// A document under construction.
struct Whole(Option<Document>);

impl Whole {
    fn take(&mut self, part: Part) -> ControlFlow<()> {
        part.join(&mut self.0);
        ControlFlow::Continue(())
    }

    fn finish(self, took: u64) -> Document {
        let mut document = self.0.unwrap_or_else(|| Document::new(Timestamp::now().to_string()));
        document.run.duration_ms = took;
        document
    }
}

/// The same, part by part; gives the milliseconds that it took.
async fn stream(
    args: &args::Check,
    plan: Plan,
    brought: &Brought,
    selection: &Selection,
    memory: Option<Refused>,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> Result<u64, Trouble> {
    let (needed, queries) = needs(&plan.targets, brought.catalogue(), selection)?;
    let extra = brought.extra(queries);
    gather_parts(plan, &needed, args.live.timeout, &args.report.look, memory, extra, take).await
}

/// Collects the needed facts about the plan's targets.
pub async fn gather(
    plan: Plan,
    needed: &BTreeSet<String>,
    limit: Option<Duration>,
    look: &args::Look,
    memory: Option<Refused>,
    extra: Arc<collect::Extra>,
) -> Result<Document, Trouble> {
    let mut whole = Whole(None);
    let took = gather_parts(plan, needed, limit, look, memory, extra, |part| whole.take(part)).await?;
    Ok(whole.finish(took))
}

/// The same, part by part; gives the milliseconds that it took.
async fn gather_parts(
    plan: Plan,
    needed: &BTreeSet<String>,
    limit: Option<Duration>,
    look: &args::Look,
    memory: Option<Refused>,
    extra: Arc<collect::Extra>,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> Result<u64, Trouble> {
    let mut only = Rounds::begin(plan, limit, memory, None).await?;
    Ok(only.round(needed, look, extra, take).await)
}

/// A run whose rounds each collect what a selection needs beyond those before; a round's document holds
/// everything that it needs itself.
pub struct InRounds<'a> {
    brought: &'a Brought,
    look: &'a args::Look,
    rounds: Rounds,
}

impl<'a> InRounds<'a> {
    /// Begins such a run.
    pub async fn begin(
        args: &'a args::Check,
        plan: Plan,
        brought: &'a Brought,
        memory: Option<Refused>,
    ) -> Result<Self, Trouble> {
        let rounds = Rounds::begin(plan, args.live.timeout, memory, Some(Carry::default())).await?;
        Ok(Self { brought, look: &args.report.look, rounds })
    }

    /// One round.
    pub async fn round(&mut self, selection: &Selection) -> Result<Document, Trouble> {
        let (needed, queries) = needs(self.rounds.targets(), self.brought.catalogue(), selection)?;
        let mut whole = Whole(None);
        let extra = self.brought.extra(queries);
        let took = self.rounds.round(&needed, self.look, extra, |part| whole.take(part)).await;
        Ok(whole.finish(took))
    }
}

/// Time limit of a run for which nobody set another.
pub fn deadline(plan: &Plan) -> Duration {
    if plan.targets.iter().all(|target| target.test_sync.is_none()) {
        return plan.deadline.unwrap_or(USUAL_DEADLINE);
    }
    // A limit for reading is too short for working and cleaning up.
    plan.deadline.unwrap_or_default().max(sync_deadline(&plan.targets))
}

/// Time limit of a test sync of these accounts, cleaning up included.
pub fn sync_deadline(targets: &[Target]) -> Duration {
    let mailboxes =
        |target: &Target| target.also.len() + target.shared_mailboxes.len() + target.outside_mailboxes.len();
    let most = targets.iter().map(mailboxes).max().unwrap_or_default();
    SYNC_DEADLINE + MAILBOX * u32::try_from(most).unwrap_or(u32::MAX / 64)
}

fn needs(
    targets: &[Target],
    catalogue: &Catalogue,
    selection: &Selection,
) -> Result<(BTreeSet<String>, Vec<engine::Query>), Trouble> {
    let undecided = targets.iter().filter(|target| target.world.is_none());
    let later = undecided.filter_map(|target| target.profile_on_premises.as_deref());
    let names: BTreeSet<&str> = targets.iter().map(|target| target.profile.as_str()).chain(later).collect();
    let profiles: Vec<_> = names.into_iter().filter_map(|name| catalogue.profile(name)).collect();
    let broken = |error: engine::CheckError| select::broken_check(&error);
    let needed = engine::needs(catalogue, selection, &profiles).map_err(broken)?;
    Ok((needed, engine::queries(catalogue, selection, &profiles).map_err(broken)?))
}

/// The memory of this user, where there is a home to keep it in.
pub fn remembered() -> Option<Refused> {
    refused::usual_path().map(|path| Refused::read(&path, Timestamp::now()))
}

/// The same, unless what it holds may be sent again.
pub fn memory(setting: &args::Setting) -> Option<Refused> {
    if setting.retry_sign_in { None } else { remembered() }
}

/// The same, as a run wants it.
pub fn recall(memory: Option<Refused>) -> Memory {
    let mut recalled = Memory::default();
    if let Some(memory) = memory {
        recalled.refused_before = Some(Arc::new(move |fingerprint: &str| memory.holds(fingerprint)));
    }
    recalled
}
