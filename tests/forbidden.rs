//! The 403 question: each cause of a refusal, in each world where it can occur, once where somebody may read
//! the settings and once where only the product's own calls speak. The cause comes out, by the check that
//! proves it, and its message names the evidence. Where nothing decides, the candidates are listed.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use syncready::{
    cli::trial,
    engine::{Catalogue, Finding, Word},
    knowledge::{Knowledge, diagnosis::Engine},
    lab::{self, Options, Scenario},
};

const OWN: &str = "impersonation/own-mailbox-answers";
const ACCOUNT: &str = "ews/own-mailbox-answers";
const GRAPH: &str = "graph/target-mailbox-answers";

/// What refuses: scenario, cause, check that proves it, evidence in its message.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// Somebody may read the settings: they name the cause.
const READ: &[Case] = &[
    (
        "ews-off-for-the-organization",
        "ews-disabled-tenant",
        "ews/organization-switch-is-on",
        &["EwsEnabled is False"],
    ),
    ("ews-product-not-listed", "ews-blocked-app", "ews/product-is-in-the-allow-list", &["EwsAllowedAppIDs"]),
    (
        "ews-off-for-one-mailbox",
        "ews-disabled-mailbox",
        "ews/mailbox-switch-is-on",
        &["EwsEnabled is False on the mailbox"],
    ),
    (
        "forbidden-account-ews-off",
        "ews-disabled-mailbox",
        "ews/mailbox-switch-is-on",
        &["EwsEnabled is False on the mailbox"],
    ),
    (
        "user-agent-list-stops-graph",
        "ews-blocked-app",
        "ews/user-agent-rules-let-the-product-through",
        &["ContosoSync/3.2"],
    ),
    (
        "access-policy-leaves-mailbox-out",
        "app-access-policy",
        "scope/access-policy-covers-the-targets",
        &["Exchange's own test says denied"],
    ),
    (
        "application-role-leaves-mailbox-out",
        "app-access-policy",
        "scope/application-roles-cover-the-targets",
        &["outside the scope"],
    ),
    (
        "delegated-instead-of-application",
        "consent-wrong-permission-type",
        "consent/application-permissions-are-granted",
        &[],
    ),
    ("no-exchange-plan", "license-missing", "license/mailbox-plan-is-active", &[]),
    (
        "forbidden-place-at-the-sign-in",
        "conditional-access-block",
        "mfa/no-policy-blocks-the-sign-in",
        &["Apps only from the office"],
    ),
    (
        "delegate-without-full-access",
        "delegate-access-denied",
        "scope/delegate-permissions-cover-the-targets",
        &["opened with the same token"],
    ),
];

/// Nobody may: the answers themselves, side by side, name it.
const UNREAD: &[Case] = &[
    ("forbidden-ews-off-unread", "ews-disabled-tenant", OWN, &["all 2 mailboxes", "X-EWS-Policy-Reason"]),
    (
        "forbidden-ews-off-here-unread",
        "ews-disabled-mailbox",
        OWN,
        &["alice@contoso.com opened to the same app"],
    ),
    (
        "forbidden-ews-off-undecided",
        "unknown",
        OWN,
        &["ews-disabled-tenant", "ews-disabled-mailbox", "undecided"],
    ),
    (
        "forbidden-not-listed-unread",
        "ews-blocked-app",
        OWN,
        &["X-EWS-Policy-Reason", "under this tool's name only"],
    ),
    ("forbidden-not-listed-graph-opens", "ews-blocked-app", OWN, &["It is the list of apps", "Graph opened"]),
    ("forbidden-product-name-too", "ews-blocked-app", OWN, &["under the product's own name too"]),
    (
        "forbidden-ews-outside-the-policy-unread",
        "app-access-policy",
        OWN,
        &["alice@contoso.com opened to the same app"],
    ),
    (
        "forbidden-ews-outside-the-policy-alone",
        "app-access-policy",
        OWN,
        &["What is left", "Exchange itself gave the answer"],
    ),
    (
        "forbidden-ews-outside-the-role-unread",
        "app-access-policy",
        OWN,
        &["ErrorImpersonateUserDenied", "alice@contoso.com opened"],
    ),
    (
        "forbidden-graph-outside-the-policy-unread",
        "app-access-policy",
        GRAPH,
        &["the answer itself names", "RAOP"],
    ),
    (
        "forbidden-graph-rule-or-policy",
        "unknown",
        GRAPH,
        &["app-access-policy", "ews-blocked-app", "undecided"],
    ),
    ("forbidden-graph-name-of-an-account", "ews-blocked-app", GRAPH, &["under the product's own name too"]),
    (
        "forbidden-ews-nothing-granted-unread",
        "consent-missing",
        OWN,
        &["the token carries no permission", "2000008"],
    ),
    (
        "forbidden-graph-nothing-granted-unread",
        "consent-missing",
        GRAPH,
        &["the token carries no permission"],
    ),
    ("forbidden-ews-other-audience", "consent-wrong-permission-type", OWN, &["2000003"]),
    ("forbidden-graph-no-license-unread", "license-missing", GRAPH, &["license"]),
    (
        "forbidden-place-at-the-sign-in-unread",
        "conditional-access-block",
        "sign-in/subject-gets-a-token",
        &["AADSTS53003"],
    ),
    (
        "forbidden-ews-place-at-the-call",
        "conditional-access-block",
        OWN,
        &["claims challenge", "this machine's address"],
    ),
    (
        "forbidden-graph-place-at-the-call",
        "conditional-access-block",
        GRAPH,
        &["claims challenge", "this machine's address"],
    ),
    ("forbidden-graph-revoked-since", "token-revoked", GRAPH, &["before a revocation"]),
    (
        "forbidden-delegate-unread",
        "delegate-access-denied",
        "scope/delegate-permissions-cover-the-targets",
        &["opened with the same token"],
    ),
    (
        "forbidden-account-ews-off-unread",
        "unknown",
        ACCOUNT,
        &["ews-disabled-tenant", "ews-disabled-mailbox"],
    ),
    ("forbidden-account-not-listed-unread", "ews-blocked-app", ACCOUNT, &["X-EWS-Policy-Reason"]),
    ("forbidden-ews-by-a-stranger", "unknown", OWN, &["proxy", "app-access-policy", "no header of Exchange"]),
    ("forbidden-graph-by-a-stranger", "unknown", GRAPH, &["proxy", "not in the form of the service"]),
    (
        "forbidden-on-the-server-bare",
        "unknown",
        OWN,
        &["ews-disabled-mailbox", "ews-blocked-app", "undecided"],
    ),
    (
        "forbidden-on-the-server-off-here",
        "ews-disabled-mailbox",
        "ews/mailbox-switch-is-on",
        &["alice@contoso.com opened"],
    ),
];

fn scenario(name: &str) -> Scenario {
    let found = lab::scenarios().into_iter().find(|scenario| scenario.name == name);
    found.unwrap_or_else(|| panic!("there is no scenario {name}"))
}

/// The findings of the scenarios on labs of their own.
fn findings(names: Vec<&'static str>) -> BTreeMap<&'static str, Vec<Finding>> {
    let one = |name: &'static str| async move {
        let trial =
            trial::run(&scenario(name), Options::default(), str::to_owned).await.expect("the lab runs");
        (name, trial.report.accounts.into_iter().next().expect("an account").findings)
    };
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(stream::iter(names).map(one).buffered(4).collect())
}

fn complaints(cases: &[Case]) -> Vec<String> {
    let found = findings(cases.iter().map(|case| case.0).collect());
    let mut complaints = Vec::new();
    for (name, cause, check, evidence) in cases {
        let finding = found[name].iter().find(|finding| finding.check == *check);
        let Some(finding) = finding.filter(|finding| finding.result == Word::Fail) else {
            complaints.push(format!("{name}: {check} does not fail: {:?}", finding.map(|f| &f.message)));
            continue;
        };
        if finding.cause.as_deref() != Some(cause) {
            complaints.push(format!("{name}: {:?} instead of {cause}: {}", finding.cause, finding.message));
        }
        let missing = evidence.iter().filter(|part| !finding.message.contains(**part));
        complaints.extend(missing.map(|part| format!("{name}: \"{part}\" is not in: {}", finding.message)));
    }
    complaints
}

#[test]
fn with_a_reader_the_settings_name_the_cause() {
    let complaints = complaints(READ);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn without_a_reader_the_answers_name_it_or_list_the_candidates() {
    let complaints = complaints(UNREAD);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_rule_that_only_meets_this_tool_is_no_failure_of_the_product() {
    let found = findings(vec!["forbidden-our-name-only", "forbidden-graph-our-name-only"]);
    for (name, check) in [("forbidden-our-name-only", OWN), ("forbidden-graph-our-name-only", GRAPH)] {
        let finding = found[name].iter().find(|finding| finding.check == check).expect("it is judged");
        assert_eq!(finding.result, Word::Pass, "{name}: {}", finding.message);
        assert!(finding.message.contains("keeps out this tool, not the product"), "{}", finding.message);
    }
}

#[test]
fn nothing_more_is_asked_where_nothing_was_refused() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for name in ["healthy-app-ews", "healthy-app-graph"] {
        let healthy = scenario(name);
        let run = trial::run(&healthy, Options::default(), str::to_owned);
        let trial = runtime.block_on(run).expect("the lab runs");
        let facts = &trial.document.accounts[0].section;
        for probe in ["as_product", "by_graph"] {
            let attempted = facts.get(&format!("refusal.{probe}.attempted"));
            assert_eq!(attempted, Some(&serde_json::Value::Bool(false)), "{name}: {probe}");
        }
    }
}

#[test]
fn a_bare_403_lists_all_causes_and_what_tells_them_apart() {
    let engine = Engine::new(Knowledge::embedded());
    let diagnosis = engine.text("The remote server returned an error: (403) Forbidden.");
    let named: Vec<&str> = diagnosis.candidates.iter().map(|found| &*found.cause).collect();
    let entry = Knowledge::embedded().status(403).expect("403 is known");
    for one in &entry.apart {
        assert!(named.contains(&&*one.cause), "{} is not among {named:?}", one.cause);
    }
    let confidences: Vec<f64> = diagnosis.candidates.iter().map(|found| found.confidence).collect();
    assert!(confidences.is_sorted_by(|a, b| a >= b), "{confidences:?}");
    assert!(confidences[0] < 0.5, "a bare 403 decides nothing: {confidences:?}");
    let tells = diagnosis.candidates.iter().find_map(|found| found.tells.as_deref()).expect("a next step");
    assert!(tells.contains("X-EWS-Policy-Reason") && tells.contains("another mailbox"), "{tells}");
}

#[test]
fn what_is_explained_of_403_is_what_the_checks_can_find() {
    let entry = Knowledge::embedded().status(403).expect("403 is known");
    assert_eq!(entry.apart.len(), 10);
    for one in &entry.apart {
        for id in &one.checks {
            let check = Catalogue::embedded().check(id).unwrap_or_else(|| panic!("there is no check {id}"));
            assert!(check.mentions(&one.cause), "{id} never finds {}", one.cause);
        }
    }
}
