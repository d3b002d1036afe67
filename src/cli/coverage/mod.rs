//! `coverage`: can the product open every mailbox in scope? Declared by the directory, proven by one cheap
//! read of each, as the product would.

pub mod args;
mod book;
mod desk;
pub mod line;
mod list;
mod notice;
mod origin;
mod progress;
mod sample;
mod summary;
mod tally;
mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use futures_util::Stream;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    config::Plan, exit, live, look, output::note, person, problem::Problem, signals::Signals,
    trouble::Trouble,
};
use crate::{
    collect::{
        Context, Protocol, World,
        coverage::{self, Ending, Key, Limits, Mailbox, Pace, Rule, Way, Why, start},
        session::Memory,
    },
    engine::Catalogue,
    facts::{Absence, Tool},
    knowledge::Knowledge,
    report::coverage::{Sample, Summary},
    wire::Net,
};
use args::{Coverage, Format};
use book::Book;
use desk::Desk;
use line::{FORMAT, Header, KIND, Options};
use list::{Counts, Sieve};
use progress::Progress;
use summary::Course;
use tally::Tally;
use verdict::Causal;

/// Asks every mailbox and prints what came of it.
pub fn run(args: &Coverage) -> Result<u8, Trouble> {
    let (brought, plan) = live::prepared(&args.as_check())?;
    only_one(&plan)?;
    // One thread: answers that wake another one cost more than all that is done with them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::Ours(format!("no threads to work with: {error}")))?;
    let stop = Stop::default();
    let outcome = runtime.block_on(async {
        let mut signals = Signals::new();
        let mut work = std::pin::pin!(work(args, plan, (brought.catalogue(), brought.knowledge()), &stop));
        tokio::select! {
            biased;
            code = signals.next() => stop.end(code),
            outcome = &mut work => return outcome,
        }
        // What is known is written, and a test sync that is under way cleans up; a second signal ends at once.
        tokio::select! {
            biased;
            code = signals.next() => Err(Trouble::Signal(code)),
            outcome = &mut work => outcome,
        }
    });
    runtime.shutdown_background();
    outcome
}

/// A signal ends the run; what was found out by then is written and told.
#[derive(Debug, Default)]
struct Stop {
    token: CancellationToken,
    code: AtomicU8,
}

impl Stop {
    fn end(&self, code: u8) {
        self.code.store(code, Ordering::SeqCst);
        self.token.cancel();
    }

    fn code(&self) -> Option<u8> {
        Some(self.code.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }

    /// What the work comes to, unless a signal comes first.
    async fn or<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(Trouble::Signal(self.code().unwrap_or(exit::INTERRUPTED))),
            outcome = work => outcome,
        }
    }
}

fn only_one(plan: &Plan) -> Result<(), Problem> {
    match plan.targets.as_slice() {
        [_] => Ok(()),
        [] => Err(Problem::new("the configuration has no account")),
        several => {
            let names: Vec<&str> = several.iter().map(|target| target.account.as_str()).collect();
            Err(Problem::new(format!("the configuration has {} accounts", names.len()))
                .help(format!("name one of them: {}", names.join(", "))))
        }
    }
}

/// What is known before the first mailbox is asked.
struct Prepared {
    context: Context,
    memory: Memory,
    rule: Arc<Rule>,
}

async fn work(
    args: &Coverage,
    plan: Plan,
    texts: (&Catalogue, &Knowledge),
    stop: &Stop,
) -> Result<u8, Trouble> {
    let prepared = stop.or(prepare(args, plan)).await?;
    let origin = stop.or(origin::of(args, &prepared.context, &prepared.rule)).await?;
    let options = options(args, &prepared.context, &origin.name);
    let mut causal = Causal::new(texts.1, options.world.clone());
    let mut tally = Tally::new(origin.wanted);
    let earlier = Earlier::read(args, &options, &mut causal, &mut tally)?;
    let way = if args.dry_run { None } else { Some(stop.or(open(&prepared)).await?) };
    let began = Timestamp::now();
    let question = way.as_ref().map_or_else(|| "one id".to_owned(), Way::question);
    let count = if args.shard.is_none() { origin.count } else { None };
    let plan =
        notice::Plan { source: &origin.name, count, question: &question, rate: args.rate.0, at: began };
    let notice = notice::text(&prepared.context.target, &plan);
    note(&notice);
    let scope = prepared.rule.notes().to_vec();
    let header = Header {
        kind: KIND.into(),
        format: FORMAT,
        started_at: began.to_string(),
        tool: Tool::this(),
        options: options.clone(),
        scope: scope.clone(),
        notice,
    };
    let counts = Arc::new(Counts::default());
    let sieve = Sieve {
        shard: args.shard,
        limit: args.limit,
        rule: Arc::clone(&prepared.rule),
        known: earlier.known,
        counts: Arc::clone(&counts),
    };
    let list = sieve.through(origin.list);
    let Some(way) = way else { return stop.or(summary::plan(list, args)).await };
    let mut book = earlier.book;
    book.put(&header)?;
    book.flush()?;
    let total = count.map(|count| count.saturating_sub(earlier.done).min(args.limit.unwrap_or(u64::MAX)));
    let progress = Progress::new(&look::stderr(&args.look), total);
    let (sample, sample_size) = (BTreeMap::new(), args.sample.map_or(0, usize::from));
    let desk =
        Desk { causal, tally, book, progress, since: earlier.since, sample, sample_size, problem: None };
    let course = Course {
        options,
        scope,
        began,
        clock: Instant::now(),
        resumed: earlier.done,
        file: args.resume.as_deref().or(args.output.as_deref()),
        wanted: origin.wanted,
    };
    ask(args, list, way, desk, &course, (&counts, &prepared.memory, texts, stop)).await
}

/// Asks everybody, and tells what came of it.
async fn ask(
    args: &Coverage,
    list: impl Stream<Item = Result<Mailbox, Absence>> + Unpin,
    way: Way,
    mut desk: Desk<'_>,
    course: &Course<'_>,
    (counts, memory, texts, stop): (&Counts, &Memory, (&Catalogue, &Knowledge), &Stop),
) -> Result<u8, Trouble> {
    let way = Arc::new(way);
    let ending =
        coverage::run(list, Arc::clone(&way), &pace(args), &stop.token, |news| desk.take(news)).await;
    desk.progress.finish();
    remember(memory);
    if let Some(problem) = desk.problem {
        return Err(problem.into());
    }
    let mut summary = course.summary(&desk, counts, &ending, texts);
    if args.sample.is_some() && ending.early.is_none() {
        let done = sample::run(&way, &desk.sample, args.yes, &stop.token, &mut desk.book).await?;
        summary.sample = Some(done);
    }
    summary::tell(args, &summary, &mut desk.book)?;
    match stop.code() {
        Some(code) => Err(Trouble::Signal(code)),
        None => Ok(code(&summary, &ending)),
    }
}

fn code(summary: &Summary, ending: &Ending) -> u8 {
    let sample = |of: fn(&Sample) -> u64| summary.sample.as_ref().is_some_and(|sample| of(sample) > 0);
    match (summary.mailboxes, &ending.early) {
        _ if summary.failed > 0 || sample(|sample| sample.failed) => exit::NOT_READY,
        (_, Some(Why::Stopped)) => exit::READY,
        (_, Some(_)) => exit::UNDETERMINED,
        _ if summary.undetermined > 0 || sample(|sample| sample.undetermined) => exit::UNDETERMINED,
        (0, None) => exit::NOTHING,
        _ => exit::READY,
    }
}

/// Finds out what the directory says and where to ask.
async fn prepare(args: &Coverage, mut plan: Plan) -> Result<Prepared, Trouble> {
    let problem = |error| Problem::new(format!("cannot set up the network: {error}"));
    let net = Net::new(plan.net.clone()).map_err(problem)?;
    plan.targets = person::signed_in(plan.targets, &net).await?;
    let Some(target) = plan.targets.first().cloned() else {
        return Err(Problem::new("the configuration has no account").into());
    };
    let needed: BTreeSet<String> =
        start::NEEDED.iter().chain(coverage::NEEDED).map(|path| (*path).to_owned()).collect();
    let known = || live::memory(&args.setting);
    let document = live::gather(plan, &needed, args.timeout, &args.look, known(), Arc::default()).await?;
    let facts = start::facts(&document, 0);
    let memory = live::recall(known());
    let context = start::context(target, net, memory.clone(), facts.clone());
    let rule = Arc::new(Rule::of(&context, &facts).await);
    Ok(Prepared { context, memory, rule })
}

/// The way into mailboxes; a refused credential is remembered.
async fn open(prepared: &Prepared) -> Result<Way, Trouble> {
    let opened = Way::open(prepared.context.clone()).await;
    remember(&prepared.memory);
    opened.map_err(|absence| {
        let why = absence.text.unwrap_or_else(|| absence.reason.as_str().to_owned());
        let account = &prepared.context.target.account;
        Trouble::Undetermined(format!(
            "no mailbox can be asked: {why}\n`syncready check {account}` names the first cause"
        ))
    })
}

fn remember(memory: &Memory) {
    let refused = memory.refused();
    if let Some(kept) = live::remembered().filter(|_| !refused.is_empty())
        && let Err(error) = kept.remember(&refused)
    {
        note(&format!("note: a refused credential could not be remembered: {error}"));
    }
}

fn options(args: &Coverage, context: &Context, source: &str) -> Options {
    let target = &context.target;
    Options {
        account: target.account.clone(),
        app: target.subject.client_id.clone(),
        world: target.world.map(World::as_str).map(str::to_owned),
        protocol: if target.protocol == Protocol::Ews { "ews" } else { "graph" }.to_owned(),
        source: source.to_owned(),
        shard: args.shard.map(|shard| shard.to_string()),
    }
}

fn pace(args: &Coverage) -> coverage::Options {
    coverage::Options {
        pace: Pace { rate: args.rate.0, width: args.width() },
        guard: Limits { percent: args.stop_at, ..Limits::default() },
        ..coverage::Options::default()
    }
}

/// What earlier runs left.
struct Earlier {
    book: Book,
    /// Known for good.
    known: HashSet<Key>,
    /// How many that are.
    done: u64,
    /// Everybody whom an earlier whole run names.
    since: Option<HashSet<Key>>,
}

impl Earlier {
    fn read(
        args: &Coverage,
        options: &Options,
        causal: &mut Causal<'_>,
        tally: &mut Tally,
    ) -> Result<Self, Problem> {
        let since = args.since.as_deref().map(book::addresses).transpose()?;
        let (mut known, mut named) = (HashSet::new(), HashSet::new());
        if args.dry_run {
            return Ok(Self { book: Book::nowhere(), known, done: 0, since });
        }
        let Some(path) = &args.resume else {
            let book = match (&args.output, args.format) {
                (Some(path), _) => Book::create(path)?,
                (None, Format::Jsonl) => Book::stdout(),
                (None, _) => Book::nowhere(),
            };
            return Ok(Self { book, known, done: 0, since });
        };
        let (book, earlier) = Book::resume(path, |line| {
            let key = Key::of(&line.address);
            if since.is_none() {
                named.insert(key);
            }
            if !known.contains(&key) && Desk::earlier(causal, tally, &line) {
                known.insert(key);
            }
        })?;
        if let Some(header) = &earlier.header
            && let Some((name, was, is)) = header.options.difference(options)
        {
            let path = path.display();
            return Err(Problem::new(format!(
                "{path} is of another run: its {name} is `{was}`, now it is `{is}`"
            ))
            .help("ask for the same, or begin a new file with `-o`"));
        }
        let done = known.len() as u64;
        let since = since.or_else(|| earlier.complete.then_some(named));
        Ok(Self { book, known, done, since })
    }
}
