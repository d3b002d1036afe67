//! The engine on a small catalogue of its own: results, skipping, first causes, verdicts, refusals.

use serde_json::json;
use syncready::engine::{Catalogue, CheckError, Report, Selection, Verdict, Word, judge, needs};
use syncready::facts::{Absence, Account, Document, Reason, Tenant};

const AREAS: &str = r#"
[[area]]
id = "account"
title = "Account"
[[area]]
id = "mfa"
title = "Multi-factor authentication"
[[area]]
id = "sign-in"
title = "Sign-in"
"#;

const PROFILE: &str = r#"
title = "Base"
[checks]
required = ["account", "mfa"]
unwanted = ["sign-in/unwanted"]
"#;

const EXISTS: &str = r#"
title = "The directory knows the account"
since = "0.1.0"
why = "Nobody can sign in as it."
[[outcome]]
result = "fail"
cause = "user-not-found"
when = '''account.exists == false'''
message = '''{{ account.address }} is not there'''
expected = "an account"
actual = "none"
settles = ["5m", "1h"]
[[outcome.fix]]
when = '''world.kind == "online-delegated"'''
steps = ["Create {{ account.address }}."]
command = '''New-MgUser -UserPrincipalName {{ account.address }}'''
shell = "powershell"
verify = '''syncready check {{ account.address }}'''
[[outcome.fix]]
when = '''world.kind == "exchange-server"'''
steps = ["Create it on-premises."]
[[outcome]]
result = "pass"
message = "it is there"
"#;

const MFA: &str = r#"
title = "No policy asks for a second factor"
since = "0.1.0"
after = ["account/exists"]
applies = '''world.sign_in == "password"'''
why = "The sign-in stops at a prompt nobody answers."
[params]
most = 0
[let]
hits = '''mfa.policies.filter(p, p.requires_mfa)'''
[[outcome]]
result = "fail"
cause = "conditional-access-block"
when = '''size(hits) > params.most'''
message = '''{{ hits[0].name }} asks; all: {{ hits.map(h, h.name) }}{{ mfa.registered ? "; registered" : "" }}'''
[[outcome]]
result = "pass"
message = '''none of {{ size(mfa.policies) }} asks'''
"#;

const TOKEN: &str = r#"
title = "The account gets a token"
since = "0.1.0"
after = ["mfa/no-policy-asks"]
why = "No token, no sync."
[[outcome]]
result = "fail"
cause = "bad-password"
when = '''!sign_in.token'''
message = "no token"
[[outcome]]
result = "pass"
message = "a token"
"#;

const UNWANTED: &str = r#"
title = "Something nobody wants"
since = "0.1.0"
why = "No reason."
[[outcome]]
result = "pass"
message = "fine"
"#;

fn catalogue() -> Catalogue {
    load(&[]).expect("the test catalogue is sound")
}

fn load(changed: &[(&str, &str)]) -> Result<Catalogue, CheckError> {
    let mut files = vec![
        ("areas.toml", AREAS),
        ("profiles/base.toml", PROFILE),
        ("account/exists.toml", EXISTS),
        ("mfa/no-policy-asks.toml", MFA),
        ("sign-in/gets-a-token.toml", TOKEN),
        ("sign-in/unwanted.toml", UNWANTED),
    ];
    for (path, text) in changed {
        files.retain(|(known, _)| known != path);
        files.push((path, text));
    }
    Catalogue::load(files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())))
}

fn healthy() -> Document {
    let mut document = Document::new("2026-11-21T08:00:00Z");
    document.tenants.insert("contoso.com".into(), Tenant::default());
    let mut account = Account {
        address: "svc@contoso.com".into(),
        tenant: "contoso.com".into(),
        profile: "base".into(),
        ..Account::default()
    };
    account.section.set("account", json!({ "address": "svc@contoso.com", "exists": true }));
    account.section.set("world", json!({ "kind": "online-delegated", "sign_in": "password" }));
    account.section.set("mfa", json!({ "policies": [{ "name": "Block old", "requires_mfa": false }] }));
    account.section.set("sign_in", json!({ "token": true }));
    document.accounts.push(account);
    document
}

fn judged(change: impl FnOnce(&mut Account)) -> Report {
    judged_with(&Selection::default(), change)
}

fn judged_with(selection: &Selection, change: impl FnOnce(&mut Account)) -> Report {
    let mut document = healthy();
    change(&mut document.accounts[0]);
    judge(&document, &catalogue(), selection).expect("the test catalogue compiles")
}

fn words(report: &Report) -> Vec<(&str, Word)> {
    report.accounts[0].findings.iter().map(|f| (f.check.as_str(), f.result)).collect()
}

#[test]
fn a_healthy_account_is_ready() {
    let report = judged(|_| {});
    assert_eq!(
        words(&report),
        [
            ("account/exists", Word::Pass),
            ("mfa/no-policy-asks", Word::Pass),
            ("sign-in/gets-a-token", Word::Pass),
            ("sign-in/unwanted", Word::NotApplicable),
        ]
    );
    assert_eq!(report.verdict, Verdict::Ready);
}

#[test]
fn a_failed_parent_skips_its_whole_line_and_is_the_only_cause() {
    let report = judged(|a| a.section.set("account.exists", json!(false)));
    assert_eq!(
        words(&report)[1..3],
        [("mfa/no-policy-asks", Word::Skipped), ("sign-in/gets-a-token", Word::Skipped)]
    );
    let causes = &report.accounts[0].first_causes;
    assert_eq!(causes.len(), 1);
    assert_eq!(causes[0].cause, "user-not-found");
    assert_eq!(causes[0].hides, ["mfa/no-policy-asks", "sign-in/gets-a-token"]);
    assert_eq!(report.verdict, Verdict::NotReady);
}

#[test]
fn a_check_that_does_not_apply_is_not_skipped() {
    let report = judged(|a| {
        a.section.set("account.exists", json!(false));
        a.section.set("world.sign_in", json!("app"));
    });
    assert_eq!(words(&report)[1], ("mfa/no-policy-asks", Word::NotApplicable));
    assert_eq!(words(&report)[2], ("sign-in/gets-a-token", Word::Pass));
}

#[test]
fn fixes_are_those_of_the_world_with_quoted_values() {
    let report = judged(|a| {
        a.section.set("account.exists", json!(false));
        a.section.set("account.address", json!("o'neil@contoso.com; rm"));
    });
    let fix = &report.accounts[0].first_causes[0].fix;
    assert_eq!(fix.len(), 1);
    assert_eq!(fix[0].command.as_deref(), Some("New-MgUser -UserPrincipalName 'o''neil@contoso.com; rm'"));
    assert_eq!(fix[0].verify.as_deref(), Some("syncready check 'o'\\''neil@contoso.com; rm'"));
}

#[test]
fn a_control_character_suppresses_the_command() {
    let report = judged(|a| {
        a.section.set("account.exists", json!(false));
        a.section.set("account.address", json!("a\nb"));
    });
    assert_eq!(report.accounts[0].first_causes[0].fix[0].command, None);
}

#[test]
fn a_missing_fact_is_unknown_with_its_reason_and_blocks_nobody() {
    let report = judged(|a| {
        a.section.facts.remove("mfa");
        a.section.set_absent("mfa.policies", Absence::new(Reason::Denied).with_permission("Policy.Read.All"));
    });
    assert_eq!(
        words(&report)[1..3],
        [("mfa/no-policy-asks", Word::Unknown), ("sign-in/gets-a-token", Word::Pass)]
    );
    let account = &report.accounts[0];
    assert_eq!(account.verdict, Verdict::Undetermined);
    assert_eq!(account.cannot_determine[0].permission.as_deref(), Some("Policy.Read.All"));
    assert_eq!(account.findings[1].reason.as_ref().map(|r| r.code.as_str()), Some("denied"));
}

#[test]
fn an_advised_check_only_warns() {
    let report = judged(|a| a.section.set("sign_in.token", json!(false)));
    assert_eq!(words(&report)[2], ("sign-in/gets-a-token", Word::Warn));
    assert_eq!(report.verdict, Verdict::Ready);
    let strict = Selection { strict: true, ..Selection::default() };
    assert_eq!(
        judged_with(&strict, |a| a.section.set("sign_in.token", json!(false))).verdict,
        Verdict::NotReady
    );
}

#[test]
fn messages_interpolate_lists_and_elements() {
    let policies = json!([{ "name": "A", "requires_mfa": true }, { "name": "B", "requires_mfa": true }]);
    let report = judged(|a| a.section.set("mfa.policies", policies));
    assert_eq!(report.accounts[0].findings[1].message, "A asks; all: A, B");
}

#[test]
fn only_judges_prerequisites_but_shows_them_only_when_they_fail() {
    let only = Selection { only: vec!["mfa".into()], ..Selection::default() };
    assert_eq!(words(&judged_with(&only, |_| {})), [("mfa/no-policy-asks", Word::Pass)]);
    let report = judged_with(&only, |a| a.section.set("account.exists", json!(false)));
    assert_eq!(words(&report), [("account/exists", Word::Fail), ("mfa/no-policy-asks", Word::Skipped)]);
}

#[test]
fn a_deselected_parent_never_blocks() {
    let skip = Selection { skip: vec!["account/exists".into()], ..Selection::default() };
    let report = judged_with(&skip, |a| a.section.set("account.exists", json!(false)));
    assert_eq!(words(&report)[0], ("mfa/no-policy-asks", Word::Pass));
}

#[test]
fn a_wrong_type_is_unknown_and_never_a_pass() {
    let report = judged(|a| a.section.set("mfa.policies", json!("none")));
    assert_eq!(words(&report)[1].1, Word::Unknown);
}

#[test]
fn needs_come_from_the_expressions_with_lets_inlined() {
    let catalogue = catalogue();
    let needs = needs(&catalogue, &Selection::default(), &[]).expect("compiles");
    assert!(needs.contains("mfa.policies[].name"), "{needs:?}");
    assert!(needs.contains("mfa.policies[].requires_mfa"), "{needs:?}");
    assert!(needs.contains("world.sign_in"), "{needs:?}");
    assert!(!needs.iter().any(|path| path.starts_with("params") || path.starts_with("hits")), "{needs:?}");
}

fn refusal(path: &str, text: &str) -> String {
    let catalogue = match load(&[(path, text)]) {
        Err(error) => return error.to_string(),
        Ok(catalogue) => catalogue,
    };
    let check = catalogue.check(path.trim_end_matches(".toml")).expect("loaded");
    check.compile().expect_err("refused").to_string()
}

#[test]
fn a_misspelt_key_is_refused_with_its_place_and_the_valid_ones() {
    let text = EXISTS.replace("since =", "sinse =");
    let refusal = refusal("account/exists.toml", &text);
    assert!(refusal.starts_with("checks/account/exists.toml:3:1: unknown field `sinse`"), "{refusal}");
    assert!(refusal.contains("`since`"), "{refusal}");
}

#[test]
fn a_misspelt_fact_is_refused_with_its_place_and_the_valid_ones() {
    let text = MFA.replace("p.requires_mfa", "p.requires_mfaa");
    let refusal = refusal("mfa/no-policy-asks.toml", &text);
    assert!(refusal.starts_with("checks/mfa/no-policy-asks.toml:10:"), "{refusal}");
    assert!(refusal.contains("did you mean \"requires_mfa\"?"), "{refusal}");
}

#[test]
fn a_misspelt_function_variable_or_parent_is_refused() {
    let macro_ = refusal("mfa/no-policy-asks.toml", &MFA.replace("size(hits)", "sise(hits)"));
    assert!(macro_.contains("unknown function \"sise\"") && macro_.contains("\"size\""), "{macro_}");
    let variable = refusal("mfa/no-policy-asks.toml", &MFA.replace("params.most", "parms.most"));
    assert!(variable.contains("unknown name \"parms\"") && variable.contains("\"params\""), "{variable}");
    let param = refusal("mfa/no-policy-asks.toml", &MFA.replace("> params.most", "> params.mots"));
    assert!(param.contains("did you mean \"most\"?"), "{param}");
    let parent = refusal("mfa/no-policy-asks.toml", &MFA.replace("account/exists", "account/exist"));
    assert!(
        parent.contains("there is no check \"account/exist\"") && parent.contains("account/exists"),
        "{parent}"
    );
}

#[test]
fn broken_syntax_circles_and_unreachable_rows_are_refused() {
    let syntax = refusal("mfa/no-policy-asks.toml", &MFA.replace("size(hits) >", "size(hits >"));
    assert!(syntax.starts_with("checks/mfa/no-policy-asks.toml:14:"), "{syntax}");
    let circle =
        refusal("account/exists.toml", &EXISTS.replace("why =", "after = [\"sign-in/gets-a-token\"]\nwhy ="));
    assert!(circle.contains("after"), "{circle}");
    let itself =
        refusal("mfa/no-policy-asks.toml", &MFA.replace("mfa.policies.filter(p, p.requires_mfa)", "hits"));
    assert!(itself.contains("defined by itself"), "{itself}");
    let rows = refusal("account/exists.toml", &EXISTS.replace("when = '''account.exists == false'''\n", ""));
    assert!(rows.contains("only the last outcome"), "{rows}");
}
