//! The start of a coverage run: from a target and the facts of a check to the way into mailboxes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::collect::session::{Memory, Session};
use crate::collect::{Context, Memo, Protocol, Target, World};
use crate::facts::{Document, Section};
use crate::wire::Net;

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_hours(24 * 30);

/// Fact paths that a run must know before it can start.
pub const NEEDED: &[&str] =
    &["ews_endpoint.url", "ews_endpoint.challenges", "discovery.ews_url", "world.kind"];

/// The facts of the account, its app and its tenant in one.
pub fn facts(document: &Document, account: usize) -> Section {
    let mut all = Section { facts: document.run.facts.clone(), ..Section::default() };
    let Some(account) = document.accounts.get(account) else { return all };
    let tenant = document.tenants.get(&account.tenant);
    let app = account.app.as_ref().and_then(|app| tenant?.apps.get(app));
    let sections = tenant.map(|tenant| &tenant.section).into_iter().chain(app).chain([&account.section]);
    for section in sections {
        for (group, value) in &section.facts {
            all.set(group, value.clone());
        }
        all.absent.extend(section.absent.clone());
    }
    all
}

/// What a run works with. The world is the one that the facts saw, where the configuration tells none.
pub fn context(mut target: Target, net: Net, memory: Memory, facts: Section) -> Context {
    if target.world.is_none() {
        let worlds =
            [World::ExchangeServer, World::OnlineEwsApp, World::OnlineGraphApp, World::OnlineDelegated];
        let seen = facts.get("world.kind").and_then(Value::as_str);
        target.world = worlds.into_iter().find(|world| seen == Some(world.as_str()));
        if target.world == Some(World::ExchangeServer) {
            target.protocol = Protocol::Ews;
            if !target.subject.scheme_given {
                "basic".clone_into(&mut target.subject.scheme);
            }
        }
    }
    let target = Arc::new(target);
    let session = Session::new(memory, BTreeSet::new(), 1, Instant::now() + FOR_EVER);
    Context {
        peers: Arc::from([Arc::clone(&target)]),
        target,
        net,
        before: Arc::new(facts),
        session: Arc::new(session),
        memo: Memo::default(),
        call: "coverage",
    }
}
