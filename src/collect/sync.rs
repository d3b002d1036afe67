//! The test sync as a call: whose mailboxes, by which right, how long; and its steps as facts.
//!
//! The machine runs as a task of the run that nobody's giving up can abort, so that it always cleans up
//! behind it. Nothing is written unless somebody asked for a test sync, and no credential is sent that
//! did not prove good before.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ews::Unsent;
use super::session::{Ended, Resource};
use super::{Access as Who, Call, Context, Progress, Protocol, Target, TestSync, World, Yield};
use crate::facts::{Absence, Exchange, Reason, catalogue::Scope};
use crate::sync::{self, Access, Mailbox, Outcome, Part, Plan, Role, RunId, Step, Sweep};
use crate::wire::Renewal;

/// The calls of this collector.
pub const CALLS: &[Call] = &[Call {
    name: "sync.test",
    scope: Scope::Account,
    yields: YIELDS,
    // Whether the credential is good is found out before, and once.
    after: &["ews.endpoint", "ews.own", "ews.impersonated", "graph.targets"],
    access: Who::Subject,
    applies: |_| true,
    run: |context| Box::pin(test(context)),
}];

const YIELDS: &[&str] = &[
    "sync.protocol",
    "sync.access",
    "sync.run_id",
    "sync.began_at",
    "sync.ended",
    "sync.only_sweep",
    "sync.self_only",
    "sync.parts",
    "sync.requests",
    "sync.ms",
    "sync.waited_ms",
    "sync.traces",
    "sync.mailboxes",
    "sync.steps",
    "sync.leftovers",
    "sync.left",
];

/// Least time in which working and cleaning up make sense.
const LEAST: Duration = Duration::from_secs(6);
/// Kept back at the end of a run, for what comes after the test sync.
const REST: Duration = Duration::from_secs(1);
/// Longest time kept back for cleaning up.
const CLEANING: Duration = Duration::from_mins(1);

async fn test(context: Context) -> Yield {
    let prepared = match prepare(&context) {
        Ok(plan) => plan,
        Err(absence) => return without(&absence),
    };
    let began = Instant::now();
    let outcome = match perform(&context, prepared.clone()).await {
        Ok(outcome) => outcome,
        Err(absence) => return without(&absence),
    };
    let outcome = in_order(&prepared, outcome);
    let stopped = context.session.tasks.stop().is_cancelled();
    let ended = match () {
        () if stopped => "stopped",
        () if Instant::now() >= prepared.work_until => "out-of-time",
        () => "whole",
    };
    let mut yielded = facts(&prepared, &outcome, ended, began.elapsed());
    yielded.set("sync.self_only", opens_only_itself(&context.target, &prepared));
    yielded
}

/// An account that opens its own mailbox needs no right over anybody; an app always does.
fn opens_only_itself(target: &Target, plan: &Plan) -> bool {
    let own = |mailbox: &&Mailbox| mailbox.role != Role::Outside;
    let lone = plan.mailboxes.iter().filter(own).all(|mailbox| mailbox.role == Role::Account);
    lone && !target.world.is_some_and(World::is_app)
}

fn without(absence: &Absence) -> Yield {
    let mut yielded = Yield::new();
    for path in YIELDS {
        yielded.absent(path, absence.clone());
    }
    yielded
}

/// What a test sync of this target would do, without anything asked of any server: the plan of a dry run.
///
/// # Errors
///
/// In words, why there can be none.
pub fn planned(target: &Target, within: Duration) -> Result<Plan, String> {
    let plan = plan(target, Instant::now() + within);
    plan.map_err(|absence| absence.text.unwrap_or_else(|| "it cannot be done here".to_owned()))
}

fn prepare(context: &Context) -> Result<Plan, Absence> {
    if context.session.tasks.stop().is_cancelled() {
        return Err(Absence::new(Reason::NotAsked).with_text("the run was told to stop before it began"));
    }
    plan(&context.target, context.session.deadline)
}

fn plan(target: &Target, deadline: Instant) -> Result<Plan, Absence> {
    let not_asked = |text: &str| Absence::new(Reason::NotAsked).with_text(text);
    let Some(wanted) = &target.test_sync else {
        return Err(not_asked("a test sync was not asked for (--sync)"));
    };
    let Some(world) = target.world else {
        let text = "the world of the account is not known, so there is no way to open its mailbox";
        return Err(Absence::new(Reason::UnsupportedHere).with_text(text));
    };
    let (work_until, clean_until) = times(deadline).ok_or_else(|| {
        let text = "too little time was left to begin a test sync and to clean up behind it (--timeout)";
        Absence::new(Reason::TimedOut).with_text(text)
    })?;
    let unique = u32::try_from(uuid::Uuid::new_v4().as_u128() & 0xffff_ffff).unwrap_or_default();
    Ok(Plan {
        run: RunId::new(jiff::Timestamp::now(), unique),
        access: access(world, target.protocol),
        mailboxes: mailboxes(target, wanted),
        parts: wanted.parts.clone().unwrap_or_else(|| usual_parts(target)),
        public_folders: target.public_folders.clone(),
        sweep: if wanted.only_sweep { Sweep::All } else { Sweep::Old },
        only_sweep: wanted.only_sweep,
        work_until,
        clean_until,
    })
}

/// When the work ends, and when cleaning up does; `None`: there is no time for both.
fn times(deadline: Instant) -> Option<(Instant, Instant)> {
    let left = deadline.saturating_duration_since(Instant::now()).checked_sub(REST)?;
    if left < LEAST {
        return None;
    }
    let clean_until = deadline - REST;
    Some((clean_until - (left / 3).min(CLEANING), clean_until))
}

fn access(world: World, protocol: Protocol) -> Access {
    match (world, protocol) {
        (World::ExchangeServer | World::OnlineEwsApp, _) => Access::Impersonation,
        (World::OnlineGraphApp, _) => Access::GraphApp,
        (World::OnlineDelegated, Protocol::Ews) => Access::Delegate,
        (World::OnlineDelegated, Protocol::Graph) => Access::GraphDelegated,
    }
}

/// The account's own mailbox first; nobody's twice.
fn mailboxes(target: &Target, wanted: &TestSync) -> Vec<Mailbox> {
    let own = std::iter::once((&target.account, Role::Account));
    let others = target.also.iter().map(|address| (address, Role::Other));
    let shared = target.shared_mailboxes.iter().map(|address| (address, Role::Shared));
    let outside = target.outside_mailboxes.iter().map(|address| (address, Role::Outside));
    // Leftovers are where something was written; outsiders are none of our business then.
    let outside = outside.filter(|_| !wanted.only_sweep);
    let mut seen = BTreeSet::new();
    // Who is to be refused is never written to, wherever else the address stands.
    let all: Vec<_> = outside.chain(own).chain(shared).chain(others).collect();
    let mut mailboxes: Vec<Mailbox> = all
        .into_iter()
        .filter(|(address, _)| seen.insert(address.to_lowercase()))
        .map(|(address, role)| Mailbox { address: address.clone(), role, read_only: read_only(role, wanted) })
        .collect();
    mailboxes.sort_by_key(|mailbox| match mailbox.role {
        Role::Account => 0,
        Role::Other => 1,
        Role::Shared => 2,
        Role::Outside => 3,
    });
    mailboxes
}

fn read_only(role: Role, wanted: &TestSync) -> Option<String> {
    match role {
        Role::Account => None,
        Role::Outside => Some("it is outside of what the product may reach".to_owned()),
        Role::Other | Role::Shared => {
            (!wanted.write_to_others).then(|| "somebody else's mailbox is only read without --yes".to_owned())
        }
    }
}

/// What the product uses, and what costs no further right.
fn usual_parts(target: &Target) -> BTreeSet<Part> {
    let uses = |feature: &str| target.features.iter().any(|own| own == feature);
    let ews = target.protocol == Protocol::Ews;
    let (contacts, calendars) = (uses("contacts") || uses("gal"), uses("calendars"));
    let neither = !contacts && !calendars;
    let parts = [
        (Part::Contacts, contacts || neither),
        (Part::Calendar, calendars || neither),
        (Part::Notifications, ews || uses("notifications")),
        (Part::AddressList, ews || uses("gal")),
        (Part::Availability, calendars || neither),
        (Part::PublicFolders, ews && uses("public-folders")),
    ];
    parts.into_iter().filter(|(_, wanted)| *wanted).map(|(part, _)| part).collect()
}

/// Runs the machine as a task that ends by itself, and waits for it.
async fn perform(context: &Context, plan: Plan) -> Result<Outcome, Absence> {
    let (tasks, stop) = (context.session.tasks.clone(), context.session.tasks.stop().clone());
    let (account, news) = (context.target.account.clone(), context.session.news.clone());
    let tell = move |step: &Step| {
        let subject = step.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
        let told = news.as_ref().map(|news| {
            news.send(Progress::Step {
                mailbox: step.mailbox.clone(),
                step: format!("{}{subject}", step.name.as_str()),
                result: step.result.as_str(),
            })
        });
        // Nobody listens any more: then nobody misses it.
        drop(told);
    };
    let note = {
        let tasks = tasks.clone();
        move |outcome: Outcome| {
            tasks.note(Ended { account, left: outcome.left.len() });
            outcome
        }
    };
    let running = if plan.access.is_graph() {
        let token = context.subject_token(Resource::Graph).await?;
        let (net, base) = (context.net.clone(), context.target.endpoints.graph.clone());
        let client = crate::wire::graph::Writer::new(net, base, token.secret);
        let client = client.renewing(renewal(context, Resource::Graph));
        tasks.start(async move { note(sync::graph::run(&client, &plan, &stop, tell).await) })
    } else {
        let mut client = super::ews::proven(context).await.map_err(|unsent: Unsent| *unsent.absence)?;
        if context.target.world.is_some_and(World::is_cloud) {
            client = client.renewing(renewal(context, Resource::Exchange));
        }
        tasks.start(async move { note(sync::ews::run(&client, &plan, &stop, tell).await) })
    };
    let outcome = running.await.map_err(|_| {
        let text = "the test sync broke in this tool; `sync-test --sweep` removes what it may have left";
        Absence::new(Reason::Unreadable).with_text(text)
    })?;
    if outcome.sign_in_refused && !context.target.world.is_some_and(World::is_cloud) {
        super::ews::refused(context).await;
    }
    Ok(outcome)
}

/// Where another token comes from when the service no longer takes the first: tokens end, and can be
/// revoked, in the middle of a run, and what was made is to be removed all the same.
fn renewal(context: &Context, resource: Resource) -> Renewal {
    let context = context.clone();
    Renewal::new(move || {
        let context = context.clone();
        async move { context.renewed_subject_token(resource).await.ok().map(|token| token.secret) }.boxed()
    })
}

/// Steps in the order of the plan.
fn in_order(plan: &Plan, mut outcome: Outcome) -> Outcome {
    let planned: Vec<_> = plan.steps().collect();
    let place = |step: &Step| {
        planned.iter().position(|(mailbox, planned)| {
            mailbox.address == step.mailbox && planned.is(step.name, step.subject.as_deref())
        })
    };
    outcome.steps.sort_by_cached_key(place);
    outcome
}

fn facts(plan: &Plan, outcome: &Outcome, ended: &str, took: Duration) -> Yield {
    let mut yielded = Yield::new();
    let waited: u64 = outcome.steps.iter().map(|step| step.waited_ms).sum();
    let requests: usize = outcome.steps.iter().map(|step| step.exchanges.len()).sum();
    yielded
        .set("sync.protocol", if plan.access.is_graph() { "graph" } else { "ews" })
        .set("sync.access", plan.access.as_str())
        .set("sync.run_id", plan.run.to_string())
        .set("sync.began_at", plan.run.began().to_string())
        .set("sync.ended", ended)
        .set("sync.only_sweep", plan.only_sweep)
        .set("sync.parts", plan.parts.iter().map(|part| Value::from(part.as_str())).collect::<Vec<_>>())
        .set("sync.requests", requests)
        .set("sync.ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
        .set("sync.waited_ms", waited)
        .set("sync.traces", traces(plan, outcome))
        .set("sync.mailboxes", plan.mailboxes.iter().map(mailbox).collect::<Vec<_>>())
        .set("sync.steps", outcome.steps.iter().map(|step| self::step(step, plan.access)).collect::<Vec<_>>())
        .set("sync.leftovers", outcome.leftovers.iter().map(leftover).collect::<Vec<_>>())
        .set("sync.left", outcome.left.iter().map(left).collect::<Vec<_>>());
    for (index, step) in outcome.steps.iter().enumerate() {
        for exchange in &step.exchanges {
            let facts = vec![format!("sync.steps[{index}].result")];
            yielded.exchange(Exchange { facts, ..exchange.clone() });
        }
    }
    yielded
}

/// What cannot be undone, and what the server did not delete for good.
fn traces(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let kept = "deleted items lie in Deleted Items until that folder is emptied, because the server refused to \
                delete them for good";
    let mut traces = plan.traces();
    if outcome.in_deleted_items {
        traces.insert(0, kept.to_owned());
    }
    traces
}

fn mailbox(mailbox: &Mailbox) -> Value {
    json!({
        "address": mailbox.address,
        "role": mailbox.role.as_str(),
        "read_only": mailbox.read_only,
    })
}

fn step(step: &Step, access: Access) -> Value {
    let sum = |phase: fn(&Exchange) -> Option<u64>| {
        step.exchanges.iter().filter_map(phase).reduce(u64::saturating_add)
    };
    let ids: Vec<&String> =
        step.exchanges.iter().filter_map(|exchange| exchange.request_id.as_ref()).collect();
    json!({
        "step": step.name.as_str(),
        "mailbox": step.mailbox,
        "role": step.role.as_str(),
        "subject": step.subject,
        "result": step.result.as_str(),
        "status": step.status,
        "code": step.code,
        "answer": step.answer(),
        "text": step.text,
        "differences": step.differences,
        "ms": step.ms,
        "waited_ms": step.waited_ms,
        "dns_ms": sum(|exchange| exchange.ms.dns),
        "connect_ms": sum(|exchange| exchange.ms.connect),
        "first_byte_ms": sum(|exchange| exchange.ms.first_byte),
        "body_ms": sum(|exchange| exchange.ms.body),
        "requests": step.exchanges.len(),
        "request_ids": ids,
        "proves": step.name.proves(),
        "rca_test": step.name.rca_test(access),
    })
}

fn leftover(leftover: &sync::Leftover) -> Value {
    json!({
        "mailbox": leftover.mailbox,
        "id": leftover.id,
        "kind": leftover.kind,
        "place": leftover.place.as_str(),
        "run": leftover.run,
        "removed": leftover.removed,
        "because": leftover.because,
    })
}

fn left(left: &sync::Left) -> Value {
    json!({ "mailbox": left.mailbox, "id": left.id, "kind": left.kind, "because": left.because })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing;

    fn target(wanted: TestSync) -> Target {
        Target {
            also: vec!["alice@contoso.com".into(), "ceo@contoso.com".into()],
            shared_mailboxes: vec!["rooms@contoso.com".into()],
            outside_mailboxes: vec!["CEO@contoso.com".into()],
            world: Some(World::ExchangeServer),
            protocol: Protocol::Ews,
            test_sync: Some(wanted),
            ..testing::target("svc@contoso.com")
        }
    }

    fn writable(wanted: TestSync) -> Vec<String> {
        let plan = planned(&target(wanted), Duration::from_mins(3)).expect("planned");
        plan.mailboxes.into_iter().filter(|m| m.read_only.is_none()).map(|m| m.address).collect()
    }

    #[test]
    fn others_are_written_to_only_when_that_was_said_and_outsiders_never() {
        assert_eq!(writable(TestSync::default()), ["svc@contoso.com"]);
        let all = writable(TestSync { write_to_others: true, ..TestSync::default() });
        assert_eq!(all, ["svc@contoso.com", "alice@contoso.com", "rooms@contoso.com"]);
    }

    #[test]
    fn without_being_asked_for_nothing_is_planned() {
        let target = Target { test_sync: None, ..target(TestSync::default()) };
        assert!(planned(&target, Duration::from_mins(3)).expect_err("nothing").contains("not asked for"));
    }

    #[test]
    fn a_run_that_is_nearly_over_begins_nothing() {
        assert!(planned(&target(TestSync::default()), Duration::from_secs(5)).is_err());
        let plan = planned(&target(TestSync::default()), Duration::from_mins(3)).expect("planned");
        assert!(plan.work_until + Duration::from_secs(30) <= plan.clean_until);
    }

    #[test]
    fn a_step_says_which_exchange_yielded_it() {
        let plan = planned(&target(TestSync::default()), Duration::from_mins(3)).expect("planned");
        let exchange = Exchange { request_id: Some("r1".into()), ..Exchange::default() };
        let step = |exchanges: Vec<Exchange>| Step {
            name: sync::Name::Open,
            mailbox: "svc@contoso.com".into(),
            role: Role::Account,
            subject: None,
            result: sync::Result::Ok,
            status: Some(200),
            code: None,
            text: None,
            differences: Vec::new(),
            ms: 1,
            waited_ms: 0,
            exchanges,
        };
        let outcome = Outcome { steps: vec![step(Vec::new()), step(vec![exchange])], ..Outcome::default() };
        let yielded = facts(&plan, &outcome, "whole", Duration::from_millis(9));
        assert_eq!(yielded.exchanges[0].facts, ["sync.steps[1].result"]);
        let steps = yielded.section.get("sync.steps").expect("set");
        assert_eq!(steps[1]["request_ids"], json!(["r1"]));
    }
}
