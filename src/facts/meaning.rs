//! What facts mean to somebody who wants to change the world: which of them nobody can change, which
//! only show what was tried, and which merely name a thing.

use super::covers;

/// What was asked for or configured for this run, where another value is another question; and the log,
/// where nobody changes what happened.
const GIVEN: &[&str] = &[
    "account.address",
    "account.domain",
    "account.is_reader",
    "app.client_id",
    "attest",
    "discovery.configured_url",
    "endpoints",
    "params",
    "profile",
    "reader",
    "request",
    "run",
    "sign_in_log",
    "subject",
    "tenant.configured_id",
    "tenant.domain",
    "world",
];

/// What this run tried and saw: a list of attempts, or the answer to one. Other values follow from a
/// change elsewhere; nobody sets them.
const MEASURED: &[&str] = &[
    "clock",
    "discovery",
    "dns",
    "ews",
    "ews_endpoint",
    "graph",
    "mailbox.graph_code",
    "mailbox.graph_status",
    "proxy",
    "query",
    "refusal",
    "scope.access_policy_tests",
    "scope.delegate_tests",
    "scope.role_assignments",
    "service",
    "sign_in",
    "sync",
    "tcp",
    "tenant.error_code",
    "tls",
];

/// What follows from other facts: an outcome that nobody sets by itself. To wish for it only says again
/// that the check should pass.
const DERIVED: &[&str] = &["app.log_readable", "rbac.assignments[].effective", "rbac.assignments[].method"];

/// What a thing is by its making: another one is another thing.
const FIXED: &[&str] = &[
    "app.credentials[].kind",
    "license.plans[].kind",
    "rbac.assignments[].builtin",
    "rbac.assignments[].kind",
];

/// Fields that say which thing an entry is about, and not in which state it is.
const NAMES: &[&str] = &[
    "app_id",
    "assignee",
    "display_name",
    "error",
    "error_text",
    "gives_mailbox",
    "group",
    "host",
    "id",
    "key_id",
    "name",
    "permission",
    "port",
    "principal_id",
    "purposes",
    "resource",
    "right",
    "rights",
    "role",
    "sku",
    "sku_id",
    "source",
    "target",
    "template_id",
    "text",
    "upn",
    "url",
];

/// Facts of which only `true` can be wished for.
const WISHED_TRUE: &[&str] =
    &["any_resolved", "attempted", "certain", "exists", "found", "present", "published"];

/// Facts of which only `false` can be wished for.
const WISHED_FALSE: &[&str] = &[
    "assignment_required",
    "blocks",
    "deleted",
    "external",
    "hidden",
    "must_change_password",
    "requires_device",
    "requires_mfa",
    "security_defaults",
    "soft_deleted",
];

/// Whether the fact is part of the question.
pub fn is_given(path: &str) -> bool {
    GIVEN.iter().any(|given| covers(given, path))
}

/// Whether the fact is what this run saw when it tried something.
pub fn is_measured(path: &str) -> bool {
    MEASURED.iter().any(|measured| covers(measured, path))
}

/// Whether the fact follows from others; the path without places in lists.
pub fn is_derived(pattern: &str) -> bool {
    DERIVED.contains(&pattern)
}

/// Whether the fact says which thing an entry is, or of which kind; the path without places in lists.
pub fn is_name(pattern: &str) -> bool {
    NAMES.contains(&last(pattern)) || FIXED.contains(&pattern)
}

/// Whether somebody could wish the fact to have this value.
pub fn can_be_wished(path: &str, value: bool) -> bool {
    let never = if value { WISHED_FALSE } else { WISHED_TRUE };
    !never.contains(&last(path))
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::catalogue::{GROUPS, is_known};

    #[test]
    fn every_path_named_here_is_a_fact() {
        let variables = ["params", "profile", "query", "run"];
        let named = GIVEN.iter().chain(MEASURED).chain(DERIVED).chain(FIXED);
        let all = named.filter(|path| !variables.contains(path));
        let unknown: Vec<_> = all.filter(|path| !is_known(path)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn outcomes_and_kinds_are_told_from_what_somebody_sets() {
        assert!(is_derived("rbac.assignments[].effective") && !is_derived("rbac.assignments[].enabled"));
        assert!(is_name("app.credentials[].kind") && !is_name("app.credentials[].ends_at"));
    }

    #[test]
    fn every_field_named_here_is_a_fact() {
        let fields: Vec<_> =
            GROUPS.iter().flat_map(|group| group.facts).map(|fact| last(fact.path)).collect();
        let unknown: Vec<_> = NAMES
            .iter()
            .chain(WISHED_TRUE)
            .chain(WISHED_FALSE)
            .filter(|name| !fields.contains(name))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn a_group_covers_its_facts_and_no_group_that_begins_alike() {
        assert!(is_measured("sign_in.token") && is_measured("dns.hosts[0].result"));
        assert!(!is_measured("sign_in_log.user") && is_given("sign_in_log.user"));
    }
}
