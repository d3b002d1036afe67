//! A run in one or more rounds: who is asked and until when, with what was tried and refused on the way.

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    args,
    config::Plan,
    live::{deadline, recall},
    look,
    output::note,
    person,
    problem::Problem,
    progress,
    refused::Refused,
    trouble::Trouble,
};
use crate::{
    collect::{
        self, Carry, Part, RunOptions, Target,
        import::Import,
        session::{Memory, Tasks},
    },
    wire::{Net, NetConfig},
};

/// A run that was begun.
pub struct Rounds {
    targets: Vec<Target>,
    net: Net,
    limit: Duration,
    started: OnceLock<Instant>,
    memory: Option<Refused>,
    seen: Memory,
    imports: Arc<[Import]>,
    tasks: Tasks,
    carry: Option<Carry>,
}

impl Rounds {
    /// Sets up the network, and lets a person sign in where the reader is one. `carry`: there may be more
    /// than one round.
    pub async fn begin(
        plan: Plan,
        limit: Option<Duration>,
        memory: Option<Refused>,
        carry: Option<Carry>,
    ) -> Result<Self, Trouble> {
        let limit = limit.unwrap_or_else(|| deadline(&plan));
        let config = NetConfig { limits: plan.net.limits.within(limit), ..plan.net };
        let net =
            Net::new(config).map_err(|error| Problem::new(format!("cannot set up the network: {error}")))?;
        let targets = person::signed_in(plan.targets, &net).await?;
        let (seen, started) = (recall(memory.clone()), OnceLock::new());
        let (imports, tasks) = (plan.imports, plan.tasks);
        Ok(Self { targets, net, limit, started, memory, seen, imports, tasks, carry })
    }

    /// Who is asked.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Collects the needed facts, part by part; gives the milliseconds since the first round began.
    pub async fn round(
        &mut self,
        needed: &BTreeSet<String>,
        look: &args::Look,
        extra: Arc<collect::Extra>,
        take: impl FnMut(Part) -> ControlFlow<()>,
    ) -> u64 {
        let before = self.started.get_or_init(Instant::now).elapsed();
        let (progress, shown) = if progress::is_visible() {
            let (sender, news) = mpsc::unbounded_channel();
            (Some(sender), Some(tokio::spawn(progress::show(news, look::stderr(look)))))
        } else {
            (None, None)
        };
        let options = RunOptions {
            deadline: self.limit.saturating_sub(before),
            progress,
            memory: self.seen.clone(),
            extra,
            imports: self.imports.clone(),
            tasks: self.tasks.clone(),
            carry: self.carry.clone(),
        };
        // A fleet is not held twice.
        let last = self.carry.is_none();
        let targets = if last { std::mem::take(&mut self.targets) } else { self.targets.clone() };
        let took = collect::stream(targets, needed, self.net.clone(), options, take).await;
        if let Some(shown) = shown {
            // A line that could not be drawn changes nothing.
            let _ = shown.await;
        }
        if let Some(memory) = &self.memory
            && let Err(error) = memory.remember(&self.seen.refused())
        {
            note(&format!("note: a refused credential could not be remembered: {error}"));
        }
        took.saturating_add(u64::try_from(before.as_millis()).unwrap_or(u64::MAX))
    }
}
