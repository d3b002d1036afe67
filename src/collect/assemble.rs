//! Puts what the calls brought into sections and sections into the document.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{Access, Call, Target, Yield, plan::Plan, runner::Done};
use crate::facts::{
    self, Absence, Document, Exchange, Reason, Section,
    catalogue::{self, Scope},
    covers,
};

/// Facts and absences of one scope, with exchanges that have no id yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) section: Section,
    pub(super) exchanges: Vec<Exchange>,
}

impl Gathered {
    /// Keeps an exchange as evidence.
    pub(super) fn exchange(&mut self, exchange: Exchange) {
        self.exchanges.push(exchange);
    }
}

/// One account's part of the document.
pub(super) struct Account {
    pub(super) target: Arc<Target>,
    pub(super) own: Gathered,
}

/// The tenants' part of the document.
#[derive(Default)]
pub(super) struct Tenants {
    run: Map<String, Value>,
    tenants: BTreeMap<String, (Gathered, BTreeMap<String, Gathered>)>,
}

impl Tenants {
    pub(super) fn add(
        &mut self,
        name: &str,
        run: Gathered,
        tenant: Gathered,
        apps: BTreeMap<String, Gathered>,
    ) {
        self.run.extend(run.section.facts);
        self.tenants.insert(name.to_owned(), (tenant, apps));
    }
}

/// Adds facts and absences; a fact that is there makes its absence void.
pub(super) fn merge(into: &mut Section, from: &Section) {
    for (group, value) in &from.facts {
        into.set(group, value.clone());
    }
    for (path, absence) in &from.absent {
        into.absent.entry(path.clone()).or_insert_with(|| absence.clone());
    }
    let present: Vec<_> =
        into.absent.keys().filter(|path| into.get(path).is_some_and(|v| !v.is_object())).cloned().collect();
    for path in present {
        into.absent.remove(&path);
    }
}

/// Makes sure that each path that a call yields is present or absent, and that each of its exchanges
/// says what it yielded.
pub(super) fn complete(call: &Call, mut yielded: Yield, before: &Section) -> Yield {
    for path in call.yields {
        if yielded.section.get(path).is_none() && yielded.section.absence(path).is_none() {
            let absence = inherited(call, before)
                .unwrap_or_else(|| Absence::new(Reason::Unreadable).with_text("the answer did not tell"));
            yielded.absent(path, absence);
        }
    }
    for absence in yielded.section.absent.values_mut() {
        absence.source.get_or_insert_with(|| call.name.to_owned());
    }
    let told: Vec<String> = call
        .yields
        .iter()
        .filter(|path| yielded.section.get(path).is_some())
        .map(|&path| path.into())
        .collect();
    for exchange in &mut yielded.exchanges {
        if exchange.facts.is_empty() {
            exchange.facts.clone_from(&told);
        }
    }
    yielded
}

/// The reason of a call before this one that did not bring what it should.
fn inherited(call: &Call, before: &Section) -> Option<Absence> {
    before
        .absent
        .values()
        .find(|absence| absence.source.as_deref().is_some_and(|source| call.after.contains(&source)))
        .cloned()
}

/// Everything that the calls of one scope brought, in the order of the call table.
pub(super) fn gather(done: &[Arc<Done>]) -> Gathered {
    let mut gathered = Gathered::default();
    for done in done {
        merge(&mut gathered.section, &done.yielded.section);
        gathered.exchanges.extend(done.yielded.exchanges.iter().cloned());
    }
    gathered
}

/// Gives each needed fact of a scope that nobody read its reason.
pub(super) fn fill(section: &mut Section, plan: &Plan, scope: Scope) {
    for path in plan.needed() {
        let group = path.split('.').next().unwrap_or_default();
        let here = catalogue::group(group).is_some_and(|group| group.scope == scope);
        if here && section.get(path).is_none() && section.absence(path).is_none() {
            section.set_absent(path, nobody(plan, path));
        }
    }
}

fn nobody(plan: &Plan, path: &str) -> Absence {
    let by = plan.calls().find(|call| call.yields.iter().any(|yields| covers(yields, path)));
    let absence = Absence::new(Reason::NotAsked);
    match by.map(|call| call.access) {
        Some(Access::Reader(grant)) => absence.with_permission(grant.permission),
        _ => absence.with_text("nothing in this run asks for it"),
    }
}

/// The parts of a document, one after the other. Evidence ids are counted through it, so that no two
/// exchanges share one.
#[derive(Default)]
pub(super) struct Parts {
    ids: usize,
}

impl Parts {
    /// What comes before the accounts: a document without any.
    pub(super) fn head(&mut self, started_at: jiff::Timestamp, tenants: Tenants) -> Document {
        let started_at = started_at.round(jiff::Unit::Second).unwrap_or(started_at);
        let mut document = Document::new(started_at.to_string());
        document.run.facts = tenants.run;
        for (name, (own, apps)) in tenants.tenants {
            let section = numbered(own, &mut self.ids);
            let apps = apps.into_iter().map(|(id, app)| (id, numbered(app, &mut self.ids))).collect();
            document.tenants.insert(name, facts::Tenant { section, apps });
        }
        document
    }

    /// One account.
    pub(super) fn account(&mut self, account: Account) -> facts::Account {
        let target = &account.target;
        facts::Account {
            address: target.account.clone(),
            tenant: target.tenant.clone(),
            app: target.subject.client_id.clone(),
            profile: target.profile.clone(),
            section: numbered(account.own, &mut self.ids),
        }
    }
}

fn numbered(gathered: Gathered, ids: &mut usize) -> Section {
    let mut section = gathered.section;
    for exchange in gathered.exchanges {
        *ids += 1;
        section.evidence.insert(format!("e{ids}"), exchange);
    }
    section
}
