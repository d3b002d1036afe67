//! Checks, queries and collectors of the user's own, through the program and against the lab.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }

    fn finding(&self, check: &str) -> Value {
        let report = self.json();
        let findings = report["accounts"][0]["findings"].as_array().cloned().unwrap_or_default();
        let found = findings.into_iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {}", self.stdout))
    }
}

/// A folder of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("inside of the folder")).expect("made");
        fs::write(&path, text).expect("written");
    }

    fn script(&self, name: &str, text: &str) {
        self.write(name, text);
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(self.path().join(name), mode).expect("set");
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path().join("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("NO_COLOR").env_remove("COLUMNS").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command.env("SYNCREADY_READER_SECRET", "canary");
        let output = command.output().expect("the program starts");
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Judges one check on the lab.
    fn demo(&self, scenario: &str, check: &str) -> Run {
        self.run(&["check", "--demo", scenario, "--checks", "own", "--only", check, "--format", "json"])
    }
}

/// A check with a query and the one outcome that it passes with this message.
fn asking(query: &str, message: &str) -> String {
    format!(
        "title = \"Asked\"\nsince = \"1\"\nwhy = \"w\"\n[query.it]\n{query}\n\
         [[outcome]]\nresult = \"warn\"\nwhen = \"query.it == 7\"\nmessage = \"never\"\n\
         [[outcome]]\nresult = \"pass\"\nmessage = '''{message}'''\n"
    )
}

const USERS: &str = "graph = \"/v1.0/users?$select=id,userPrincipalName&$top=1\"\nscope = \"tenant\"\n\
    permission = \"User.Read.All\"\nanswer = [{ id = \"text\", userPrincipalName = \"text\" }]";

// ---- queries, against the lab

/// Compares with a snapshot below `snapshots/own`.
fn assert_shown(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/own"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_list_is_read_over_all_its_pages() {
    let place = Place::new();
    place.write("own/account/asked.toml", &asking(USERS, "{{ size(query.it) }} {{ query.it[0].id }}"));
    let finding = place.demo("healthy-app-graph", "account/asked").finding("account/asked");
    let message = finding["message"].as_str().unwrap_or_default();
    let number: usize = message.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(number > 1, "{message}");
    assert!(finding["evidence"].as_array().is_some_and(|evidence| evidence.len() == number), "{finding}");
}

#[test]
fn values_of_the_account_are_put_in_and_what_another_call_yields_is_waited_for() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/{account.id}?$select=id,userPrincipalName\"\n\
                 permission = \"User.Read.All\"\nanswer = { userPrincipalName = \"text\" }";
    place.write("own/account/asked.toml", &asking(query, "{{ query.it.userPrincipalName }}"));
    let finding = place.demo("healthy-delegated", "account/asked").finding("account/asked");
    assert_eq!(finding["message"], "svc-sync@contoso.com");
}

#[test]
fn what_does_not_exist_is_null() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/nobody@contoso.com?$select=id\"\npermission = \"User.Read.All\"\n\
                 answer = { id = \"text\" }";
    place.write("own/account/asked.toml", &asking(query, "{{ query.it == null ? \"none\" : \"some\" }}"));
    let finding = place.demo("healthy-app-graph", "account/asked").finding("account/asked");
    assert_eq!((&finding["result"], &finding["message"]), (&"pass".into(), &"none".into()));
}

/// A check whose rule, not only its message, reads the answer.
fn judging(query: &str) -> String {
    format!(
        "title = \"Asked\"\nsince = \"1\"\nwhy = \"w\"\n[query.it]\n{query}\n\
         [[outcome]]\nresult = \"warn\"\nwhen = \"query.it == null\"\nmessage = \"none\"\n\
         [[outcome]]\nresult = \"pass\"\nmessage = \"some\"\n"
    )
}

#[test]
fn a_refusal_is_unknown_and_names_the_permission() {
    let place = Place::new();
    let query = "graph = \"/v1.0/directory/onPremisesSynchronization\"\nscope = \"tenant\"\n\
                 permission = \"Example.Read.All\"\nanswer = [{ id = \"text\" }]";
    place.write("own/tenant/asked.toml", &judging(query));
    let run = place.demo("healthy-app-graph", "tenant/asked,reader/can-read-what-is-needed");
    let reason = run.finding("tenant/asked")["reason"].clone();
    assert_eq!((&reason["code"], &reason["permission"]), (&"denied".into(), &"Example.Read.All".into()));
    let reader = run.finding("reader/can-read-what-is-needed");
    assert!(reader.to_string().contains("Example.Read.All"), "{reader}");
}

#[test]
fn a_service_that_refuses_for_rate_is_asked_again() {
    let place = Place::new();
    place.write("own/account/asked.toml", &judging(&USERS.replace("&$top=1", "")));
    let run = place.demo("reader-throttled", "account/asked");
    assert_eq!(run.finding("account/asked")["result"], "pass");
    let shown = run.json()["tenants"]["contoso.com"]["evidence"].clone();
    let statuses: Vec<_> =
        shown.as_object().into_iter().flatten().map(|(_, exchange)| &exchange["status"]).collect();
    assert!(statuses.contains(&&429.into()) && statuses.contains(&&200.into()), "{statuses:?}");
}

#[test]
fn a_world_without_the_service_does_not_support_the_query() {
    let place = Place::new();
    place.write("own/account/asked.toml", &judging(USERS));
    let finding = place.demo("healthy-on-premises", "account/asked").finding("account/asked");
    assert_eq!(finding["reason"]["code"], "unsupported-here");
}

#[test]
fn a_cmdlet_answers_one_object() {
    let place = Place::new();
    let query = "exchange = \"Get-Mailbox\"\nparameters = { Identity = \"{account.address}\" }\n\
                 answer = { PrimarySmtpAddress = \"text\" }";
    place.write("own/mailbox/asked.toml", &asking(query, "{{ query.it.PrimarySmtpAddress }}"));
    let finding = place.demo("healthy-app-graph", "mailbox/asked").finding("mailbox/asked");
    assert_eq!(finding["message"], "svc-sync@contoso.com");
}

#[test]
fn a_member_that_the_answer_lacks_is_unknown_and_no_error() {
    let place = Place::new();
    let query = "graph = \"/v1.0/users/{account.address}?$select=id\"\npermission = \"User.Read.All\"\n\
                 answer = { id = \"text\", colour = \"text\" }";
    let text = judging(query).replace("query.it == null", "query.it.colour == null");
    place.write("own/account/asked.toml", &text);
    let reason = place.demo("healthy-app-graph", "account/asked").finding("account/asked")["reason"].clone();
    assert_eq!(reason["code"], "unreadable");
    assert_eq!(reason["text"], "the answer holds no `colour`");
}

#[test]
fn equal_queries_of_two_checks_are_asked_once_and_other_ones_of_the_same_name_do_not_meet() {
    let place = Place::new();
    place.write("own/account/one.toml", &asking(USERS, "{{ size(query.it) }}"));
    place.write("own/account/two.toml", &asking(USERS, "{{ size(query.it) }}"));
    let other = "graph = \"/v1.0/domains\"\nscope = \"tenant\"\npermission = \"Domain.Read.All\"\n\
                 answer = [{ id = \"text\" }]";
    place.write("own/account/three.toml", &asking(other, "{{ query.it[0].id }}"));
    let run = place.demo("healthy-app-graph", "account/one,account/two,account/three");
    assert_eq!(run.finding("account/one")["evidence"], run.finding("account/two")["evidence"]);
    assert_ne!(run.finding("account/one")["evidence"], run.finding("account/three")["evidence"]);
    assert_eq!(run.finding("account/three")["message"], "contoso.com");
}

#[test]
fn saved_answers_are_judged_alike() {
    let place = Place::new();
    place.write("own/account/asked.toml", &asking(USERS, "{{ size(query.it) }} users"));
    let query = "graph = \"/v1.0/directory/onPremisesSynchronization\"\nscope = \"tenant\"\n\
                 permission = \"Example.Read.All\"\nanswer = [{ id = \"text\" }]";
    place.write("own/tenant/asked.toml", &judging(query));
    let only = ["--checks", "own", "--only", "account/asked,tenant/asked", "--format", "json"];
    let live = [&["check", "--demo", "healthy-app-graph", "--save-facts", "facts.json"], &only[..]].concat();
    let replayed = [&["check", "--from", "facts.json"], &only[..]].concat();
    let (live, replayed) = (place.run(&live), place.run(&replayed));
    assert_eq!(live.json()["accounts"], replayed.json()["accounts"], "{}", replayed.stderr);
    // Whoever changes the query has not asked the new one yet.
    place.write("own/account/asked.toml", &judging(&USERS.replace("$top=1", "$top=2")));
    let changed = place.run(&[
        "check",
        "--from",
        "facts.json",
        "--checks",
        "own",
        "--only",
        "account/asked",
        "--format",
        "json",
    ]);
    assert_eq!(changed.finding("account/asked")["reason"]["code"], "not-asked");
}

// ---- directories, parameters, profiles

const PLAIN: &str = "title = \"Plain\"\nsince = \"1\"\nwhy = \"w\"\n[params]\nlimit = 1\n\
    [[outcome]]\nresult = \"pass\"\nmessage = '''limit {{ params.limit }}'''\n";

const ACCOUNT: &str = "[tenant]\ndomain = \"contoso.com\"\n[[account]]\naddress = \"svc@contoso.com\"\n\
    world = \"online-delegated\"\n";

#[test]
fn the_configuration_holds_over_the_profile_and_the_profile_over_the_check() {
    let place = Place::new();
    place.write("own/account/plain.toml", PLAIN);
    place.write(
        "own/profiles/mine.toml",
        "title = \"Mine\"\nextends = \"generic-graph\"\n[params.\"account/plain\"]\nlimit = 2\n",
    );
    let said = |extra: &str| {
        place.write("syncready.toml", &format!("{ACCOUNT}{extra}\n[checks]\ndirectories = [\"own\"]\n"));
        place.run(&["check", "--only", "account/plain", "--format", "json"]).finding("account/plain")["message"].clone()
    };
    assert_eq!(said(""), "limit 1");
    assert_eq!(said("profile = \"mine\""), "limit 2");
    assert_eq!(said("profile = \"mine\"\n[params.\"account/plain\"]\nlimit = 3"), "limit 3");
    assert_eq!(
        said(
            "profile = \"inline\"\n[profile.inline]\ntitle = \"I\"\nextends = \"mine\"\n[profile.inline.params.\"account/plain\"]\nlimit = 4"
        ),
        "limit 4"
    );
}

#[test]
fn what_stands_for_a_built_in_check_says_so() {
    let place = Place::new();
    place.write("own/license/mailbox-plan-is-active.toml", PLAIN);
    place.write("own/billing/plain.toml", PLAIN);
    place.write("own/areas.toml", "[[area]]\nid = \"billing\"\ntitle = \"Money\"\nafter = \"network\"\n");
    place.write("syncready.toml", ACCOUNT);
    let only = "license/mailbox-plan-is-active,billing/plain";
    let shown = place.run(&["check", "--checks", "own", "--only", only]);
    assert_shown("own_checks_in_a_report", &shown.stdout);
    let run = place.run(&["check", "--checks", "own", "--only", only, "--format", "json"]);
    let origin = &run.finding("license/mailbox-plan-is-active")["origin"];
    assert_eq!(
        (&origin["overrides"], &origin["file"]),
        (&true.into(), &"own/license/mailbox-plan-is-active.toml".into())
    );
    assert_eq!(run.json()["additions"]["added"], serde_json::json!(["billing/plain"]));
    let explained = place.run(&["explain", "license/mailbox-plan-is-active", "--checks", "own"]).stdout;
    assert!(explained.contains("in place of the built-in"), "{explained}");
    let listed = place.run(&["checks", "list", "--checks", "own"]).stdout;
    let (money, network) = (listed.find("Money"), listed.find("Network"));
    assert!(network < money && money < listed.find("Tenant"), "{listed}");
}

#[test]
fn of_two_directories_the_later_one_holds() {
    let place = Place::new();
    place.write("a/account/plain.toml", PLAIN);
    place.write("b/account/plain.toml", &PLAIN.replace("limit = 1", "limit = 9"));
    place.write("syncready.toml", ACCOUNT);
    let said = |first: &str, second: &str| {
        let args =
            ["check", "--checks", first, "--checks", second, "--only", "account/plain", "--format", "json"];
        place.run(&args).finding("account/plain")["message"].clone()
    };
    assert_eq!((said("a", "b"), said("b", "a")), ("limit 9".into(), "limit 1".into()));
}

#[test]
fn an_own_cause_has_its_meaning_in_the_report() {
    let place = Place::new();
    place.write(
        "own/causes.toml",
        "[[cause]]\nname = \"owner-missing\"\nmeans = \"nobody owns the account\"\n",
    );
    let text = PLAIN.replace("result = \"pass\"", "result = \"fail\"\ncause = \"owner-missing\"");
    place.write("own/account/plain.toml", &text);
    place.write(
        "own/profiles/mine.toml",
        "title = \"Mine\"\nextends = \"generic-graph\"\n[checks]\nrequired = [\"account/plain\"]\n",
    );
    place.write("syncready.toml", &format!("{ACCOUNT}profile = \"mine\"\n"));
    let run = place.run(&["check", "--checks", "own", "--only", "account/plain"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("FIRST CAUSE: owner-missing (nobody owns the account)"), "{}", run.stdout);
}

// ---- refusals

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let place = Place::new();
    let check = |rest: &str| format!("title = \"T\"\nsince = \"1\"\nwhy = \"w\"\n{rest}");
    let row = "[[outcome]]\nresult = \"pass\"\nmessage = \"m\"\n";
    place.write("own/a/key.toml", &check(&format!("titel = \"x\"\n{row}")));
    place.write(
        "own/a/names.toml",
        &check(&format!(
            "after = [\"account/exist\"]\n[[outcome]]\nresult = \"fail\"\ncause = \"owner-mising\"\nwhen = \"true\"\nmessage = \"m\"\n{row}"
        )),
    );
    place.write(
        "own/a/rules.toml",
        &check(&format!(
            "[params]\nlimit = 1\n[[outcome]]\nresult = \"warn\"\nwhen = '''acount.exists && params.limt > 1'''\nmessage = '''{{{{ account.naem }}}}'''\n\
             [[outcome]]\nresult = \"warn\"\nwhen = '''sice(license.skus) > 0'''\nmessage = \"m\"\n{row}"
        )),
    );
    place.write("own/a/circle.toml", &check(&format!("[let]\na = \"b\"\nb = \"a\"\n{row}")));
    place.write(
        "own/a/queries.toml",
        &check(&format!(
            "[query.host]\ngraph = \"https://evil.example/v1.0/users\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.up]\ngraph = \"/v1.0/../x\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.verb]\ngraph = \"DELETE /v1.0/users/x\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.sets]\nexchange = \"Set-Mailbox\"\nanswer = \"any\"\n\
             [query.both]\nexchange = \"Get-Mailbox\"\ngraph = \"/v1.0/me\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.bare]\ngraph = \"/v1.0/users?$filter=id eq {{account.id}}\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.fact]\ngraph = \"/v1.0/users/{{account.idd}}\"\npermission = \"p\"\nanswer = \"any\"\n\
             [query.free]\ngraph = \"/v1.0/users\"\nanswer = \"any\"\n{row}"
        )),
    );
    place.write(
        "own/a/shape.toml",
        &check(
            "[query.rows]\ngraph = \"/v1.0/users\"\npermission = \"p\"\nanswer = [{ id = \"text\" }]\n\
             [[outcome]]\nresult = \"pass\"\nmessage = '''{{ query.rows[0].ids }} {{ query.row }} {{ external.x }}'''\n",
        ),
    );
    place.write("own/profiles/p.toml", "title = \"P\"\n[checks]\nrequired = [\"mfa/per-user-mfa-is-of\"]\n");
    place.write("own/areas.toml", "[[area]]\nid = \"z\"\nafter = \"netwrk\"\n");
    place.write("own/causes.toml", "[[cause]]\nname = \"proxy\"\nmeans = \"m\"\n");
    place.write("own/stray.toml", "x = 1\n");
    let run = place.run(&["checks", "list", "--checks", "own"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_shown("all_refusals_at_once", &without_lists(&run.stderr));
}

/// The text without the lists of what is valid, which grow with the catalogue.
fn without_lists(text: &str) -> String {
    let short = |line: &str| {
        let cut =
            ["valid here: ", "valid names: "].iter().find_map(|lead| Some(line.find(lead)? + lead.len()));
        let line = cut.map_or(line, |at| &line[..at]).trim_end();
        let counted =
            line.split_once("nearest of ").map(|(before, _)| format!("{before}nearest of all valid names"));
        counted.unwrap_or_else(|| line.to_owned()) + "\n"
    };
    text.lines().map(short).collect()
}

#[test]
fn checks_that_wait_for_each_other_are_refused() {
    let place = Place::new();
    place.write("own/a/one.toml", &PLAIN.replace("since", "after = [\"a/two\"]\nsince"));
    place.write("own/a/two.toml", &PLAIN.replace("since", "after = [\"a/one\"]\nsince"));
    let run = place.run(&["checks", "list", "--checks", "own"]);
    assert_eq!(run.code, 2);
    assert_shown("checks_in_a_circle", &run.stderr);
}

#[test]
fn parameters_of_the_configuration_are_held_against_the_checks() {
    let place = Place::new();
    place.write("own/account/plain.toml", PLAIN);
    place.write(
        "syncready.toml",
        "[checks]\ndirectories = [\"own\"]\n[params.\"account/plan\"]\nlimit = 1\n\
         [params.\"account/plain\"]\nlimt = 1\nlimit = \"two\"\n",
    );
    let run = place.run(&["checks", "list"]);
    assert_eq!(run.code, 2);
    assert_shown("wrong_parameters", &run.stderr);
}

#[test]
fn hostile_check_files_are_refused_or_bounded() {
    let place = Place::new();
    let rule = |lets: &str, when: &str| {
        format!(
            "title = \"T\"\nsince = \"1\"\nwhy = \"w\"\n[let]\nz = \"1\"\n{lets}\n[[outcome]]\nresult = \"warn\"\nwhen = '''{when}'''\nmessage = \"m\"\n[[outcome]]\nresult = \"pass\"\nmessage = \"m\"\n"
        )
    };
    let refused = |text: &str, part: &str| {
        place.write("own/a/hostile.toml", text);
        let run = place.run(&["checks", "list", "--checks", "own"]);
        assert!(run.code == 2 && run.stderr.contains(part), "{part}: {} {}", run.code, &run.stderr);
    };
    refused(&rule("", &format!("{} > 0", vec!["1"; 3000].join("+"))), "nested too deeply");
    refused(&rule("", &format!("{}true{}", "(".repeat(3000), ")".repeat(3000))), "expression");
    refused(&rule("", &format!("size('{}') > 0", "x".repeat(9000))), "too long");
    let doubling: Vec<String> = (0..40).map(|n| format!("a{n} = \"a{0} + a{0}\"", n + 1)).collect();
    let doubling = doubling.join("\n");
    refused(&rule(&format!("{doubling}\na40 = \"1\""), "a0 > 0"), "stand for too much");
    refused(&format!("title = {}\n", "[".repeat(20_000)), "hostile.toml");
    refused(&"#".repeat(300 << 10), "larger than");
    // Loops in loops are cut off where they are judged.
    let list = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]";
    let loops = format!(
        "{list}.all(a, {list}.all(b, {list}.all(c, {list}.all(d, {list}.all(e, a + b + c + d + e > 0)))))"
    );
    place.write("own/a/hostile.toml", &rule("", &loops));
    place.write("syncready.toml", ACCOUNT);
    let run = place.run(&["check", "--checks", "own", "--only", "a/hostile", "--format", "json"]);
    let finding = run.finding("a/hostile");
    assert_eq!(finding["result"], "unknown");
    assert!(finding["message"].as_str().is_some_and(|text| text.contains("too many rounds")), "{finding}");
}

#[test]
fn what_everybody_can_write_is_not_trusted() {
    let place = Place::new();
    place.write("own/account/plain.toml", PLAIN);
    fs::set_permissions(place.path().join("own/account"), fs::Permissions::from_mode(0o777)).expect("set");
    let run = place.run(&["checks", "list", "--checks", "own"]);
    assert!(run.code == 2 && run.stderr.contains("can be written by everybody"), "{}", run.stderr);
}

// ---- checks new, checks test

#[test]
fn a_new_check_holds_at_once_and_is_never_overwritten() {
    let place = Place::new();
    for more in [&[][..], &["--graph", "/v1.0/subscribedSkus"]] {
        let id = if more.is_empty() { "license/some-are-left" } else { "license/others-are-left" };
        let args = [&["checks", "new", id, "--dir", "own"], more].concat();
        assert_eq!(place.run(&args).code, 0);
        let again = place.run(&args);
        assert!(again.code == 2 && again.stderr.contains("nothing is overwritten"), "{}", again.stderr);
    }
    let run = place.run(&["checks", "test", "own"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "2 checks, 8 examples, 0 failed\n"));
    let one = place.run(&["checks", "test", "own/license/some-are-left.toml"]);
    assert_eq!(one.stdout, "1 checks, 4 examples, 0 failed\n");
    let area = place.run(&["checks", "test", "own/license"]);
    assert_eq!(area.stdout, run.stdout);
}

#[test]
fn an_example_that_does_not_hold_shows_both_sides() {
    let place = Place::new();
    let text = format!("{PLAIN}[[example]]\nname = \"odd\"\nexpect = \"fail\"\ncause = \"proxy\"\n");
    place.write("own/account/plain.toml", &text);
    let run = place.run(&["checks", "test", "own"]);
    assert_eq!(run.code, 1);
    assert_shown("an_example_that_fails", &run.stdout);
}

// ---- external collectors

/// A check that needs one fact of a collector, and the configuration of the collector.
fn collected(place: &Place, script: &str, deadline: &str) -> Value {
    place.write(
        "own/product/seats.toml",
        "title = \"Seats\"\nsince = \"1\"\nwhy = \"w\"\n[[outcome]]\nresult = \"fail\"\ncause = \"unknown\"\n\
         when = \"external.dashboard.seats == 0\"\nmessage = \"none\"\n[[outcome]]\nresult = \"pass\"\n\
         message = '''{{ external.dashboard.seats }} seats of {{ external.dashboard.plan }}'''\n",
    );
    place.script("collect", script);
    place.write(
        "syncready.toml",
        &format!(
            "{ACCOUNT}[checks]\ndirectories = [\"own\"]\n[[collector]]\nname = \"dashboard\"\ncommand = [\"./collect\"]\n\
             deadline = \"{deadline}\"\nfacts = {{ seats = \"int\", plan = \"text\" }}\n"
        ),
    );
    place
        .run(&["check", "--only", "product/seats", "--format", "json", "--save-facts", "facts.json"])
        .finding("product/seats")
}

const GOOD: &str = "#!/bin/sh\ncat >request.json\necho '{\"format\": 1, \"kind\": \"syncready-collected\", \"facts\": {\"seats\": 7, \"plan\": \"gold\"}}'\n";

#[test]
fn a_collector_yields_facts_and_never_gets_a_secret() {
    let place = Place::new();
    let finding = collected(&place, &format!("{GOOD}env >environment\n"), "20s");
    assert_eq!(finding["message"], "7 seats of gold");
    let request: Value =
        serde_json::from_str(&fs::read_to_string(place.path().join("request.json")).expect("there"))
            .expect("JSON");
    assert_eq!((&request["format"], &request["kind"]), (&1.into(), &"syncready-collect".into()));
    assert_eq!(request["request"]["account"], "svc@contoso.com");
    let environment = fs::read_to_string(place.path().join("environment")).expect("there");
    assert!(!environment.contains("SYNCREADY_") && !environment.contains("canary"), "{environment}");
    let replayed =
        place.run(&["check", "--from", "facts.json", "--only", "product/seats", "--format", "json"]);
    assert_eq!(replayed.finding("product/seats")["message"], finding["message"], "{}", replayed.stderr);
}

#[test]
fn a_collector_in_python_works_as_well() {
    let place = Place::new();
    let script = "#!/usr/bin/env python3\nimport json, sys\nask = json.load(sys.stdin)\nassert ask['format'] == 1\n\
                  json.dump({'format': 1, 'kind': 'syncready-collected', 'facts': {'seats': 3, 'plan': ask['request']['domain']}}, sys.stdout)\n";
    assert_eq!(collected(&place, script, "20s")["message"], "3 seats of contoso.com");
}

#[test]
fn whatever_goes_wrong_with_a_collector_costs_its_own_facts_only() {
    let answer = |format: &str, facts: &str| {
        format!(
            "#!/bin/sh\necho '{{\"format\": {format}, \"kind\": \"syncready-collected\", \"facts\": {facts}}}'\n"
        )
    };
    let cases = [
        ("crash", "#!/bin/sh\nprintf 'no \\033[31mluck' >&2\nexit 3\n".to_owned(), "unreadable", "exit code 3: no [31mluck"),
        ("killed", "#!/bin/sh\nkill -9 $$\n".to_owned(), "unreadable", "ended by a signal"),
        ("hang", "#!/bin/sh\nsleep 600 & sleep 600\n".to_owned(), "timed-out", "took longer than 300 ms"),
        ("junk", "#!/bin/sh\necho hello\n".to_owned(), "unreadable", "not JSON"),
        ("silent", "#!/bin/sh\n".to_owned(), "unreadable", "not JSON"),
        ("huge", "#!/bin/sh\nexec yes\n".to_owned(), "unreadable", "more than 1048576 bytes"),
        ("newer", answer("2", "{}"), "unreadable", "answers in format 2; this version reads format 1"),
        ("other", "#!/bin/sh\necho '{\"kind\": \"bill\"}'\n".to_owned(), "unreadable", "no `kind`"),
        ("lacking", answer("1", "{\"plan\": \"gold\"}"), "unreadable", "holds no `seats`"),
        ("wrong", answer("1", "{\"seats\": \"7\"}"), "unreadable", "holds text where a whole number is declared"),
        (
            "absent",
            "#!/bin/sh\necho '{\"format\": 1, \"kind\": \"syncready-collected\", \"absent\": {\"seats\": {\"reason\": \"denied\", \"text\": \"ask Bob\"}}}'\n".to_owned(),
            "denied",
            "ask Bob",
        ),
        ("missing", "#!/no/such/shell\n".to_owned(), "unreadable", "cannot be started"),
    ];
    for (name, script, code, text) in cases {
        let deadline = if name == "hang" { "300ms" } else { "20s" };
        let finding = collected(&Place::new(), &script, deadline);
        assert_eq!(
            (&finding["result"], &finding["reason"]["code"]),
            (&"unknown".into(), &code.into()),
            "{name}: {finding}"
        );
        let said = finding["reason"]["text"].as_str().unwrap_or_default();
        assert!(said.contains(text) && !said.contains('\u{1b}'), "{name}: {said}");
    }
}

// ---- the documentation

/// The blocks of a page, each with the file that its first comment names.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("there");
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    let named = blocks.into_iter().filter_map(|block| {
        let body = block.split_once('\n')?.1;
        let name = body.lines().take(2).find_map(|line| line.strip_prefix("# "))?;
        Some((name.to_owned(), body.to_owned()))
    });
    named.collect()
}

#[test]
fn the_walk_through_in_the_documentation_works() {
    let place = Place::new();
    let blocks = blocks("docs/extending.md");
    for (name, text) in &blocks {
        place.script(name, text);
    }
    assert!(blocks.iter().any(|(name, _)| name == "my-checks/license/some-are-left.toml"));
    let test = place.run(&["checks", "test", "my-checks"]);
    assert_eq!((test.code, test.stdout.as_str()), (0, "1 checks, 3 examples, 0 failed\n"), "{}", test.stderr);
    let only = ["--checks", "my-checks", "--only", "license/some-are-left"];
    let demo = place.run(&[&["check", "--demo"], &only[..]].concat());
    assert!(demo.code == 0 && demo.stdout.contains("A license with a mailbox is left"), "{}", demo.stdout);
    let explained = place.run(&["explain", "license/some-are-left", "--checks", "my-checks"]);
    assert!(explained.stdout.contains("LicenseAssignment.Read.All"), "{}", explained.stdout);
}

#[test]
fn the_collector_in_the_documentation_works() {
    let (_, script) =
        blocks("docs/extending.md").into_iter().find(|(name, _)| name == "collect-seats").expect("shown");
    assert_eq!(collected(&Place::new(), &script, "20s")["message"], "7 seats of gold");
}

// ---- knowledge

const CODES: &str = "[file]\ntitle = \"Our gateway\"\nsource = \"https://wiki.example.com\"\n\n\
    [GW-4711]\nmeans = \"The gateway holds this mailbox back.\"\n\
    causes = [{ cause = \"gateway-quarantine\", weight = 90 }]\nexamples = [\"ERROR sync: GW-4711\"]\n\n\
    [AADSTS50034]\nmeans = \"Ours says otherwise.\"\ncauses = [{ cause = \"guest-account\", weight = 80 }]\n";

/// A directory with a cause, two codes and a text of its own.
fn knowing() -> Place {
    let place = Place::new();
    place.write(
        "own/causes.toml",
        "[[cause]]\nname = \"gateway-quarantine\"\nmeans = \"the gateway holds the mailbox back\"\n",
    );
    place.write("own/knowledge/codes.toml", CODES);
    place.write(
        "own/knowledge/causes.toml",
        "[gateway-quarantine]\nshows = \"One mailbox stands still.\"\nsteps = [\"Release it in the console.\"]\n",
    );
    place.write(
        "own/knowledge/texts/texts.toml",
        "[held-back]\nmeans = \"The gateway says so in words.\"\nany = [\"held by the greylist of doom\"]\n\
         causes = [{ cause = \"gateway-quarantine\", weight = 70 }]\n",
    );
    place
}

#[test]
fn own_codes_and_causes_are_explained() {
    let place = knowing();
    let code = place.run(&["explain", "gw-4711", "--checks", "own", "--format", "json"]).json();
    assert_eq!(code["brought"]["file"], "own/knowledge/codes.toml");
    assert_eq!(code["causes"][0]["means"], "the gateway holds the mailbox back");
    let changed = place.run(&["explain", "AADSTS50034", "--checks", "own"]).stdout;
    assert!(
        changed.contains("in place of the built-in entry") && changed.contains("guest-account"),
        "{changed}"
    );
    let cause = place.run(&["explain", "gateway-quarantine", "--checks", "own"]).stdout;
    assert!(cause.contains("Release it in the console.") && cause.contains("GW-4711"), "{cause}");
    let text = place.run(&["explain", "the mail was held by the greylist of doom", "--checks", "own"]).stdout;
    assert!(text.contains("gateway-quarantine"), "{text}");
    assert_eq!(place.run(&["explain", "GW-4711"]).code, 2);
}

#[test]
fn own_codes_count_in_a_log_and_are_shown_as_brought_along() {
    let place = knowing();
    place.write("a.log", "10:00:00 start\n10:00:01 ERROR sync of a@contoso.com failed: GW-4711\n");
    let run = place.run(&["troubleshoot", "--log", "a.log", "--checks", "own", "--format", "json"]);
    let cause = run.json()["causes"][0].clone();
    assert_eq!((run.code, &cause["cause"]), (0, &"gateway-quarantine".into()));
    assert!(
        cause["because"][0].as_str().is_some_and(|said| said.contains("own/knowledge/codes.toml")),
        "{cause}"
    );
    let shown = place.run(&["troubleshoot", "--log", "a.log", "--checks", "own"]).stdout;
    assert!(shown.contains("own/knowledge/codes.toml: 2 entries, 1 in place of built-in ones"), "{shown}");
}

#[test]
fn own_knowledge_that_cannot_hold_is_refused_with_its_place() {
    for (name, text, parts) in [
        ("codes.toml", "[X1]\nmeens = 'm'\n", &["own/knowledge/codes.toml:2:1", "did you mean `means`?"][..]),
        (
            "codes.toml",
            "[X1]\nmeans = 'm'\ncauses = [{ cause = 'no-such', weight = 9 }]\n",
            &["own/knowledge/codes.toml:3:22", "no cause `no-such`", "causes.toml"],
        ),
        ("texts/t.toml", "[x]\nmeans = 'm'\n", &["own/knowledge/texts/t.toml:1:1", "`any`"]),
    ] {
        let place = Place::new();
        place.write(&format!("own/knowledge/{name}"), text);
        for args in [&["explain", "X1", "--checks", "own"][..], &["checks", "test", "own"]] {
            let run = place.run(args);
            assert_eq!(run.code, 2, "{text}: {}", run.stderr);
            for part in parts {
                assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
            }
        }
    }
}

#[test]
fn examples_of_own_knowledge_are_run() {
    let place = knowing();
    for paths in ["own", "own/knowledge", "own/knowledge/codes.toml"] {
        let run = place.run(&["checks", "test", paths]);
        assert!(
            run.code == 0 && run.stdout.contains("1 examples, 0 failed"),
            "{paths}: {}{}",
            run.stdout,
            run.stderr
        );
    }
    place.write("own/knowledge/codes.toml", &CODES.replace("sync: GW-4711", "AADSTS7000222 and GW-4711x"));
    let run = place.run(&["checks", "test", "own"]);
    assert!(
        run.code == 1 && run.stdout.contains("FAIL  [GW-4711] (own/knowledge/codes.toml)"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("not recognized"), "{}", run.stdout);
}
