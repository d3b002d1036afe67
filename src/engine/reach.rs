//! Which outcomes and repairs of a check a world can ever see.

use cel::Context;
use serde_json::{Value, json};

use super::check::Check;
use super::expr::{Expr, Truth};
use super::functions::ENV;
use super::value::to_val;
use crate::facts::catalogue;

/// What of a check can come about in one world, whatever else is true of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// For each outcome row, which of its repairs fit; `None`: the row is never hit there.
    rows: Vec<Option<Vec<bool>>>,
}

impl Reach {
    /// Of `check` in the world of that kind. Where the rules cannot be told without facts, they count as
    /// possible; so they do where the check does not compile.
    pub fn of(check: &Check, world: &str) -> Self {
        let file = check.file();
        let everything = || file.outcome.iter().map(|row| Some(vec![true; row.fix.len()])).collect();
        let Ok(rules) = check.rules() else { return Self { rows: everything() } };
        let context = bare(world);
        let is_possible =
            |rule: Option<&Expr>| rule.is_none_or(|rule| rule.test(&context).0 != Truth::Known(false));
        let is_certain =
            |rule: Option<&Expr>| rule.is_none_or(|rule| rule.test(&context).0 == Truth::Known(true));
        let mut open = is_possible(rules.applies.as_ref());
        let mut rows = Vec::new();
        for row in &rules.rows {
            let hit = open && is_possible(row.when.as_ref());
            rows.push(hit.then(|| row.fixes.iter().map(|fix| is_possible(fix.when.as_ref())).collect()));
            open &= !is_certain(row.when.as_ref());
        }
        Self { rows }
    }

    /// Whether the outcome row, counted from 0, can be hit.
    pub fn row(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(Option::is_some)
    }

    /// Whether that repair of it, counted from 0, fits there.
    pub fn fix(&self, row: usize, fix: usize) -> bool {
        let fixes = self.rows.get(row).and_then(Option::as_ref);
        fixes.and_then(|fixes| fixes.get(fix)).copied().unwrap_or(false)
    }
}

/// Variables of an account of which nothing is known but its world.
fn bare(world: &str) -> Context<'static, 'static> {
    let mut context = Context::with_env(ENV.clone());
    let nothing = json!({});
    let names = catalogue::GROUPS.iter().map(|group| group.name);
    for name in names.chain(["run", "profile", "params", "query", "external"]) {
        let known = if name == "world" { settled(world) } else { nothing.clone() };
        context.add_variable_as_val(name, to_val(&known, name, true));
    }
    context
}

/// What the kind of a world settles.
fn settled(world: &str) -> Value {
    let mut known = json!({ "kind": world });
    let online = world.strip_prefix("online-");
    if online.is_some() {
        known["identity"] = json!("entra");
    }
    if let Some(protocol) = online.and_then(|kind| kind.strip_suffix("-app")) {
        known["protocol"] = json!(protocol);
        known["sign_in"] = json!("app");
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Catalogue, facts::WORLDS};

    /// Whether any row of that cause can be hit there.
    fn finds(check: &str, cause: &str, world: &str) -> bool {
        let catalogue = Catalogue::embedded();
        let check = catalogue.check(check).expect("known");
        let reach = Reach::of(check, world);
        let rows = check.file().outcome.iter().enumerate();
        rows.filter(|(_, row)| row.cause.as_deref() == Some(cause)).any(|(index, _)| reach.row(index))
    }

    #[test]
    fn a_role_that_is_retired_in_the_cloud_is_missing_on_servers_only() {
        let check = "impersonation/role-is-assigned";
        assert!(finds(check, "impersonation-role-missing", "exchange-server"));
        for world in ["online-delegated", "online-ews-app", "online-graph-app"] {
            assert!(!finds(check, "impersonation-role-missing", world), "{world}");
        }
    }

    #[test]
    fn rows_behind_a_certain_one_are_never_hit() {
        let catalogue = Catalogue::embedded();
        let check = catalogue.check("ews/mailbox-switch-is-on").expect("known");
        let possible = |world| {
            let reach = Reach::of(check, world);
            (0..check.file().outcome.len()).filter(|row| reach.row(*row)).collect::<Vec<_>>()
        };
        let (online, server) = (possible("online-ews-app"), possible("exchange-server"));
        assert_eq!(online, [0, 1, 2], "what decides in the cloud stands first, and decides");
        assert!(server.iter().all(|row| *row > 2) && !server.is_empty(), "{server:?}");
    }

    #[test]
    fn what_needs_facts_counts_as_possible() {
        let catalogue = Catalogue::embedded();
        for check in catalogue.checks() {
            let rows = 0..check.file().outcome.len();
            let seen = |row: usize| WORLDS.iter().any(|world| Reach::of(check, world).row(row));
            assert!(rows.clone().all(seen), "{}: a row that no world sees", check.id());
        }
    }
}
