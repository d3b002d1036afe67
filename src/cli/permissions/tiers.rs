//! From the call table to tiers of permissions: what each adds, and which checks it lifts from unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::super::own;
use crate::{
    collect::{self, Access, Grant, Target, reader},
    engine::{Catalogue, Check, CheckError, Level, Profile, Selection},
    facts::overlaps,
    report::permissions::{Permission, Plan, Tier},
};

/// Tiers in the order in which they are worth granting, each with what it is about.
const TIERS: &[(&str, &[&str])] = &[
    ("Accounts, domains, licenses", &["User.Read.All", "Domain.Read.All", "LicenseAssignment.Read.All"]),
    ("Apps, consents, roles", &["Application.Read.All", "Directory.Read.All"]),
    ("Policies", &["Policy.Read.All", "Policy.Read.HybridAuthentication"]),
    (
        "Logs, methods, eligible roles, federation",
        &[
            "AuditLog.Read.All",
            "UserAuthenticationMethod.Read.All",
            "RoleEligibilitySchedule.Read.Directory",
            "Domain-InternalFederation.Read.All",
        ],
    ),
    ("Exchange Online", &[reader::EXCHANGE]),
    ("Service health (optional)", reader::OPTIONAL),
];

/// What a permission opens, and the least directory role for a reader who signs in as a user.
///
/// Source: the permission tables and role notes of Microsoft Graph's reference.
const KNOWN: &[(&str, &str, &str)] = &[
    ("User.Read.All", "users, their managers, licenses and groups", "Directory Readers"),
    ("Domain.Read.All", "domains and whether they are federated", "Directory Readers"),
    ("LicenseAssignment.Read.All", "licenses and their plans", "Directory Readers"),
    ("Application.Read.All", "apps, their credentials and what they were granted", "Directory Readers"),
    ("Directory.Read.All", "delegated consents, assignments to apps, directory roles", "Directory Readers"),
    ("Policy.Read.All", "Conditional Access, security defaults, per-user MFA", "Security Reader"),
    ("Policy.Read.HybridAuthentication", "staged rollout", "Hybrid Identity Administrator"),
    ("AuditLog.Read.All", "sign-in log, registration of second factors", "Reports Reader"),
    ("UserAuthenticationMethod.Read.All", "methods of second factors", "Global Reader"),
    ("RoleEligibilitySchedule.Read.Directory", "eligible directory roles", "Global Reader"),
    ("Domain-InternalFederation.Read.All", "the federation of a domain", "Security Reader"),
    ("OnPremDirectorySynchronization.Read.All", "settings of the synchronization", "Global Reader"),
    ("ServiceHealth.Read.All", "outages that Microsoft reports", "Service Support Administrator"),
    (reader::EXCHANGE, "EWS switches, mailboxes, access policies, application roles", "Global Reader"),
];

/// The reader's permissions that the selected checks of some targets need, by check.
#[derive(Debug, Default)]
pub struct Needs {
    /// Least permission → others that include it.
    pub grants: BTreeMap<&'static str, &'static [&'static str]>,
    /// Check → least permissions of all calls behind it.
    pub checks: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Needs {
    /// Adds what the checks need that a selection keeps for a target.
    ///
    /// # Errors
    ///
    /// When a check does not compile.
    pub fn add(
        &mut self,
        catalogue: &Catalogue,
        selection: &Selection,
        target: &Target,
        profile: Option<&Profile>,
    ) -> Result<(), CheckError> {
        let unwanted =
            |check: &Check| profile.is_some_and(|profile| profile.level(check.id()) == Level::Unwanted);
        for check in catalogue.checks().iter().filter(|check| selection.asks_for(check) && !unwanted(check)) {
            let queries = check.queries()?.values().cloned().map(own::query).collect();
            let extra = collect::Extra::new(queries, Vec::new());
            let grants = behind(target, &check.reads()?, &extra);
            let permissions = self.checks.entry(check.id().to_owned()).or_default();
            for grant in grants {
                permissions.insert(grant.permission);
                self.grants.entry(grant.permission).or_insert(grant.or);
            }
        }
        Ok(())
    }

    /// The permission with what suffices in its place.
    pub fn grant(&self, permission: &'static str) -> Grant {
        Grant { permission, or: self.grants.get(permission).copied().unwrap_or_default() }
    }

    /// The fewest permissions that suffice for all checks: what another one includes is left out, the
    /// widest of them only if nothing else needs it.
    pub fn least(&self) -> Vec<&'static str> {
        self.least_of(&self.grants.keys().copied().collect::<Vec<_>>())
    }

    fn least_of(&self, wanted: &[&'static str]) -> Vec<&'static str> {
        let mut kept: Vec<&'static str> = wanted
            .iter()
            .copied()
            .filter(|permission| !reader::DELEGATED_ONLY.contains(permission))
            .collect();
        let wide = |permission: &&str| !permission.starts_with("Directory.");
        kept.sort_by_key(wide);
        for permission in kept.clone() {
            let others: BTreeSet<&str> = kept.iter().copied().filter(|other| *other != permission).collect();
            if self.grant(permission).or.iter().any(|or| others.contains(or)) {
                kept.retain(|other| *other != permission);
            }
        }
        kept.sort_by_key(|permission| rank(permission));
        kept
    }

    /// The plan in tiers.
    pub fn plan(&self) -> Plan {
        let without = self.lifted(&BTreeSet::new(), &BTreeSet::new());
        let mut plan = Plan { without, ..Plan::default() };
        let mut held: BTreeSet<&'static str> = BTreeSet::new();
        let mut done: BTreeSet<String> = plan.without.iter().cloned().collect();
        let wanted: Vec<&'static str> = self.grants.keys().copied().collect();
        for tier in 0..=TIERS.len() {
            let here = wanted.iter().filter(|permission| rank(permission).0 == tier);
            let here: Vec<&'static str> =
                here.copied().filter(|permission| !reader::DELEGATED_ONLY.contains(permission)).collect();
            if here.is_empty() {
                continue;
            }
            held.extend(&here);
            let lifts = self.lifted(&held, &done);
            done.extend(lifts.iter().cloned());
            let mut permissions: Vec<Permission> = here.iter().map(|name| self.described(name)).collect();
            permissions.sort_by_key(|permission| {
                here.iter().position(|name| *name == permission.name).unwrap_or_default()
            });
            let all: Vec<&'static str> = held.iter().copied().collect();
            plan.tiers.push(Tier {
                title: TIERS.get(tier).map_or("More", |(title, _)| title).to_owned(),
                permissions,
                lifts,
                least: self.least_of(&all).into_iter().map(str::to_owned).collect(),
            });
        }
        let only = wanted.iter().filter(|permission| reader::DELEGATED_ONLY.contains(permission));
        plan.delegated_only = only.map(|name| self.described(name)).collect();
        plan.least = self.least().into_iter().map(|name| self.described(name)).collect();
        plan
    }

    /// The checks that nothing but the held permissions keeps waiting, without those that are done.
    fn lifted(&self, held: &BTreeSet<&'static str>, done: &BTreeSet<String>) -> Vec<String> {
        let enough = |needed: &BTreeSet<&'static str>| {
            needed
                .iter()
                .all(|permission| held.contains(permission) || reader::DELEGATED_ONLY.contains(permission))
        };
        let lifted = self.checks.iter().filter(|(id, needed)| enough(needed) && !done.contains(*id));
        lifted.map(|(id, _)| id.clone()).collect()
    }

    fn described(&self, name: &'static str) -> Permission {
        let known = KNOWN.iter().find(|(known, ..)| *known == name);
        let resource = if name == reader::EXCHANGE { "exchange" } else { "graph" };
        let checks = self.checks.iter().filter(|(_, needed)| needed.contains(name));
        Permission {
            name: name.to_owned(),
            resource: resource.to_owned(),
            opens: known.map(|(_, opens, _)| (*opens).to_owned()).unwrap_or_default(),
            role: known.map_or("Global Reader", |(_, _, role)| role).to_owned(),
            included_in: self.grant(name).or.iter().map(|or| (*or).to_owned()).collect(),
            checks: checks.map(|(id, _)| id.clone()).collect(),
        }
    }
}

/// Tier and place in it; what is not listed comes last.
fn rank(permission: &str) -> (usize, usize, String) {
    let place = TIERS
        .iter()
        .enumerate()
        .find_map(|(tier, (_, names))| Some((tier, names.iter().position(|name| *name == permission)?)));
    let (tier, place) = place.unwrap_or((TIERS.len(), 0));
    (tier, place, permission.to_owned())
}

/// The reader's permissions of the calls behind some facts, and of the calls that those come after.
fn behind(target: &Target, reads: &BTreeSet<String>, extra: &collect::Extra) -> Vec<Grant> {
    let table: Vec<_> = collect::calls().chain(extra.calls()).filter(|call| (call.applies)(target)).collect();
    let yields = |call: &collect::Call| {
        call.yields.iter().any(|yielded| reads.iter().any(|path| overlaps(yielded, path)))
    };
    let mut names: Vec<&str> = table.iter().filter(|call| yields(call)).map(|call| call.name).collect();
    let mut next = 0;
    while let Some(name) = names.get(next).copied() {
        let before = table.iter().filter(|call| call.name == name).flat_map(|call| call.after);
        for before in before {
            if !names.contains(before) {
                names.push(before);
            }
        }
        next += 1;
    }
    let selected = table.iter().filter(|call| names.contains(&call.name));
    selected
        .filter_map(|call| match call.access {
            Access::Reader(grant) => Some(grant),
            Access::Anonymous | Access::Subject => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(rows: &[(&'static str, &'static [&'static str], &str)]) -> Needs {
        let mut needs = Needs::default();
        for (permission, or, check) in rows {
            needs.grants.insert(permission, or);
            needs.checks.entry((*check).to_owned()).or_default().insert(permission);
        }
        needs
    }

    #[test]
    fn what_a_needed_permission_includes_is_left_out() {
        let needs = needs(&[
            ("User.Read.All", &["Directory.Read.All"], "a/b"),
            ("Directory.Read.All", &[], "a/c"),
            ("AuditLog.Read.All", &[], "a/c"),
        ]);
        assert_eq!(needs.least(), ["Directory.Read.All", "AuditLog.Read.All"]);
    }

    #[test]
    fn the_wide_permission_goes_first_where_narrow_ones_do() {
        let needs = needs(&[
            ("User.Read.All", &["Directory.Read.All"], "a/b"),
            ("Directory.Read.All", &["User.Read.All"], "a/c"),
        ]);
        assert_eq!(needs.least(), ["User.Read.All"]);
    }

    #[test]
    fn a_check_is_lifted_by_the_tier_that_completes_it() {
        let needs = needs(&[
            ("User.Read.All", &[], "a/early"),
            ("User.Read.All", &[], "a/late"),
            ("AuditLog.Read.All", &[], "a/late"),
        ]);
        let lifts: Vec<_> = needs.plan().tiers.into_iter().map(|tier| tier.lifts).collect();
        assert_eq!(lifts, [vec!["a/early"], vec!["a/late"]]);
    }

    #[test]
    fn every_permission_of_the_call_table_has_its_tier() {
        for call in collect::calls() {
            let Access::Reader(grant) = call.access else { continue };
            let placed = rank(grant.permission).0 < TIERS.len();
            assert!(placed || reader::DELEGATED_ONLY.contains(&grant.permission), "{}", grant.permission);
            assert!(KNOWN.iter().any(|(known, ..)| *known == grant.permission), "{}", grant.permission);
        }
    }
}
