//! The program as a user runs it: one behaviour a test. Nothing here needs a network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// What a run left behind.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder of its own for configuration, state and output.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path().join("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("NO_COLOR").env_remove("COLUMNS").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        finish(&mut self.command(args))
    }
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().expect("the program starts");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Exit 2, nothing on standard output, and every one of the texts in the one message.
fn assert_refused(run: &Run, texts: &[&str]) {
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.matches("error:").count(), 1, "{}", run.stderr);
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in:\n{}", run.stderr);
    }
}

fn refused_config(config: &str, texts: &[&str]) {
    let place = Place::new();
    place.write("syncready.toml", config);
    assert_refused(&place.run(&["check"]), texts);
}

#[test]
fn an_unknown_key_names_file_line_column_and_the_nearest() {
    let config = "[tenant]\ndomian = \"contoso.com\"\n";
    refused_config(config, &["syncready.toml:2:1", "unknown key `domian`", "did you mean `domain`?"]);
}

#[test]
fn a_wrong_type_names_its_place() {
    refused_config("[[account]]\naddress = 7\n", &["syncready.toml:2:11", "expected a string"]);
}

#[test]
fn an_impossible_combination_names_its_place() {
    let config =
        "[[account]]\naddress = \"a@contoso.com\"\nworld = \"exchange-server\"\nprotocol = \"graph\"\n";
    refused_config(config, &["syncready.toml:1:1", "does not go with the protocol Graph"]);
}

#[test]
fn a_malformed_address_in_the_configuration_names_its_place() {
    refused_config(
        "[[account]]\naddress = \"svc.contoso.com\"\n",
        &["syncready.toml:2:11", "there is no @ in it"],
    );
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    let place = Place::new();
    let config = "[reader]\nsign_in = \"client-secret\"\nclient_id = \"x\"\nsecret = \"canary-4711\"\n";
    place.write("syncready.toml", config);
    let run = place.run(&["check", "svc@contoso.com"]);
    assert_refused(&run, &["syncready.toml:4:10", "{ env = \"NAME\" }"]);
    assert!(!run.stderr.contains("canary-4711"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let secret = place.write("secret", "canary-4711");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o644)).expect("set");
    let config = "[reader]\nsign_in = \"client-secret\"\nclient_id = \"x\"\nsecret = { file = \"secret\" }\n";
    place.write("syncready.toml", config);
    let run = place.run(&["check", "svc@contoso.com"]);
    assert_refused(&run, &["syncready.toml:4:10", "can be read by others", "chmod 600"]);
}

#[cfg(unix)]
#[test]
fn a_configuration_that_everybody_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("syncready.toml", "");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("set");
    assert_refused(&place.run(&["check", "svc@contoso.com"]), &["can be written by everybody"]);
}

#[test]
fn an_unknown_profile_in_the_configuration_names_the_nearest() {
    let config = "[[account]]\naddress = \"a@contoso.com\"\nprofile = \"generic-grahp\"\n";
    refused_config(config, &["syncready.toml:3:11", "did you mean `generic-graph`?"]);
}

#[test]
fn a_waiver_for_an_unknown_check_names_the_nearest() {
    let config = "[[waiver]]\ncheck = \"account/exist\"\nreason = \"known\"\n";
    refused_config(config, &["syncready.toml:2:9", "did you mean `account/exists`?"]);
}

#[test]
fn an_override_with_an_unknown_key_names_the_nearest() {
    let run = Place::new().run(&["check", "a@contoso.com", "--set", "tenant.domian=contoso.com"]);
    assert_refused(&run, &["did you mean `domain`?"]);
}

#[test]
fn a_malformed_address_on_the_command_line_is_named() {
    assert_refused(&Place::new().run(&["check", "svc@"]), &["`svc@` is not a mail address"]);
}

#[test]
fn an_unknown_check_names_the_nearest() {
    let run = Place::new().run(&["check", "--demo", "--only", "account/exist"]);
    assert_refused(&run, &["did you mean `account/exists`?"]);
}

#[test]
fn an_unknown_check_to_explain_names_the_nearest() {
    assert_refused(&Place::new().run(&["explain", "account/exist"]), &["did you mean `account/exists`?"]);
}

#[test]
fn an_unknown_profile_names_the_nearest() {
    let run = Place::new().run(&["check", "--demo", "--profile", "generic-grahp"]);
    assert_refused(&run, &["did you mean `generic-graph`?"]);
}

#[test]
fn an_unknown_scenario_names_the_nearest() {
    let run = Place::new().run(&["check", "--demo", "helthy-delegated"]);
    assert_refused(&run, &["did you mean `healthy-delegated`?"]);
}

#[test]
fn nothing_to_check_without_account_and_configuration_is_a_wrong_usage() {
    assert_refused(&Place::new().run(&["check"]), &["--demo"]);
}

#[test]
fn a_named_configuration_that_is_missing_is_refused() {
    assert_refused(&Place::new().run(&["check", "--config", "none.toml"]), &["none.toml"]);
}

#[test]
fn a_configuration_without_accounts_has_nothing_to_check() {
    let place = Place::new();
    place.write("syncready.toml", "[tenant]\ndomain = \"contoso.com\"\n");
    let run = place.run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!((run.code, report["verdict"].as_str()), (4, Some("nothing-checked")));
}

#[test]
fn facts_that_are_cut_off_say_where() {
    let place = Place::new();
    place.write("facts.json", "{\n  \"kind\": \"syncready-facts\",");
    assert_refused(&place.run(&["check", "--from", "facts.json"]), &["facts.json:2:", "cut off"]);
}

#[test]
fn newer_facts_are_refused() {
    let place = Place::new();
    place.write("facts.json", "{\"kind\": \"syncready-facts\", \"format\": 99}");
    assert_refused(&place.run(&["check", "--from", "facts.json"]), &["format 99"]);
}

#[test]
fn json_that_is_no_facts_document_is_refused() {
    let place = Place::new();
    place.write("facts.json", "[1, 2, 3]");
    assert_refused(&place.run(&["check", "--from", "facts.json"]), &["not a facts document"]);
}

#[test]
fn a_broken_check_file_names_file_line_and_column() {
    let place = Place::new();
    fs::create_dir(place.path().join("account")).expect("made");
    place.write("account/is-odd.toml", "title = \"Odd\"\nsinze = \"0.1.0\"\n");
    let run = place.run(&["checks", "test", "account/is-odd.toml"]);
    assert_refused(&run, &["account/is-odd.toml:2:1", "sinze"]);
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_run() {
    let run = Place::new().run(&["check", "--demo", "-o", "missing/report.txt"]);
    assert_refused(&run, &["missing/report.txt", "its folder does not exist"]);
}

#[test]
fn a_wrong_option_is_a_wrong_usage() {
    let run = Place::new().run(&["check", "--demmo"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}

#[test]
fn nagios_has_its_own_code_for_wrong_usage() {
    let run = Place::new().run(&["check", "svc@", "--exit-codes", "nagios"]);
    assert_eq!(run.code, 3);
}

#[test]
fn help_goes_to_standard_output_with_examples() {
    for subcommand in ["check", "explain", "lab"] {
        let run = Place::new().run(&[subcommand, "--help"]);
        assert!(run.code == 0 && run.stdout.contains("Examples:"), "{subcommand}");
    }
}

#[test]
fn a_piped_report_has_no_color() {
    let run = Place::new().run(&["check", "--demo"]);
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));
}

#[test]
fn color_can_be_forced() {
    let run = Place::new().run(&["check", "--demo", "--color", "always"]);
    assert!(run.stdout.contains('\x1b'));
}

#[test]
fn ascii_is_ascii() {
    let run = Place::new().run(&["check", "--demo", "policy-asks-for-mfa", "--ascii"]);
    assert!(run.stdout.is_ascii());
}

#[test]
fn a_narrow_terminal_is_respected() {
    let place = Place::new();
    let run = finish(place.command(&["check", "--demo"]).env("COLUMNS", "50"));
    let wide = run.stdout.lines().find(|line| line.chars().count() > 50);
    assert_eq!(wide, None);
}

#[test]
fn json_is_exactly_one_document() {
    let run = Place::new().run(&["check", "--demo", "policy-asks-for-mfa", "--format", "json"]);
    let mut documents = serde_json::Deserializer::from_str(&run.stdout).into_iter::<Value>();
    assert!(documents.next().is_some_and(|first| first.is_ok()) && documents.next().is_none());
    assert_eq!(run.stderr, "");
}

#[test]
fn the_list_of_scenarios_keeps_its_contract() {
    let run = Place::new().run(&["check", "--demo", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&run.stdout).expect("one document");
    let scenarios = list["scenarios"].as_array().expect("a list");
    let complete = |scenario: &Value| {
        ["name", "world", "description", "verdict"].iter().all(|key| scenario[key].is_string())
            && scenario["expect"].is_array()
    };
    assert!(list["format"] == 1 && scenarios.iter().all(complete));
}

#[test]
fn every_format_ends_with_the_same_code() {
    let place = Place::new();
    let code = |format| place.run(&["check", "--demo", "policy-asks-for-mfa", "--format", format]).code;
    assert_eq!(["table", "short", "json"].map(code), [1, 1, 1]);
}

#[test]
fn the_report_can_go_to_a_file() {
    let place = Place::new();
    let run = place.run(&["check", "--demo", "-o", "report.txt"]);
    let report = fs::read_to_string(place.path().join("report.txt")).expect("written");
    assert!(run.stdout.is_empty() && report.starts_with("svc-sync@contoso.com"));
}

#[test]
fn a_usage_error_leaves_the_old_output_alone() {
    let place = Place::new();
    let old = place.write("report.txt", "old");
    place.run(&["check", "svc@", "-o", "report.txt"]);
    assert_eq!(fs::read_to_string(old).expect("there"), "old");
}

#[test]
fn saved_facts_judge_to_the_same_bytes() {
    let place = Place::new();
    let live = place.run(&[
        "check",
        "--demo",
        "policy-asks-for-mfa",
        "--save-facts",
        "facts.json",
        "--format",
        "json",
    ]);
    let replayed = place.run(&["check", "--from", "facts.json", "--format", "json"]);
    assert_eq!((live.code, live.stdout), (replayed.code, replayed.stdout));
}

#[test]
fn facts_can_come_from_standard_input() {
    let place = Place::new();
    place.run(&["check", "--demo", "--save-facts", "facts.json"]);
    let facts = fs::File::open(place.path().join("facts.json")).expect("saved");
    let run = finish(place.command(&["check", "--from", "-", "--format", "json"]).stdin(facts));
    assert!(serde_json::from_str::<Value>(&run.stdout).is_ok(), "{}", run.stderr);
}

#[test]
fn an_outage_is_named_beside_the_first_cause_and_not_where_it_explains_nothing() {
    let report = |scenario| -> Value {
        let run = Place::new().run(&["check", "--demo", scenario, "--format", "json"]);
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let outage = &report("outage-at-microsoft")["accounts"][0]["first_causes"][0];
    assert_eq!((&outage["cause"], &outage["outage"]["ids"][0]), (&"server-error".into(), &"EX123456".into()));
    let ticket = outage["ticket"].as_str().unwrap_or_default();
    assert!(ticket.contains("Microsoft reports EX123456 (Exchange Online) since"), "{ticket}");
    assert!(report("policy-asks-for-mfa")["accounts"][0]["first_causes"][0]["outage"].is_null());
}

#[test]
fn a_configuration_in_the_environment_does_not_forbid_the_demo() {
    let place = Place::new();
    place.write("other.toml", "");
    let run = finish(place.command(&["check", "--demo", "list"]).env("SYNCREADY_CONFIG", "other.toml"));
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn waivers_hold_for_replayed_facts_too() {
    let place = Place::new();
    place.run(&["check", "--demo", "policy-asks-for-mfa", "--save-facts", "facts.json"]);
    let waiver = "[[waiver]]\ncheck = \"mfa/no-policy-asks-for-a-factor\"\nreason = \"on purpose\"\n";
    place.write("waivers.toml", waiver);
    let run = place.run(&["check", "--from", "facts.json", "--config", "waivers.toml", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!(report["accounts"][0]["counts"]["waived"], 1);
}

#[test]
fn no_lab_is_left_behind() {
    let place = Place::new();
    let temp = place.path().join("tmp");
    fs::create_dir(&temp).expect("made");
    finish(place.command(&["check", "--demo"]).env("TMPDIR", &temp));
    assert_eq!(fs::read_dir(&temp).expect("there").count(), 0);
}

/// A lab in a process of its own, reached by what it prints and nothing else.
struct Lab {
    process: std::process::Child,
    contract: Value,
}

impl Lab {
    fn serve(place: &Place, scenario: &str) -> Self {
        use std::io::{BufRead, BufReader};
        let mut command = place.command(&["lab", scenario, "--print", "json"]);
        command.env("TMPDIR", place.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Self { process, contract: serde_json::from_str(&line).expect("one document in one line") }
    }

    /// The `[network]` table that a user would write.
    fn network(&self) -> String {
        let pairs = self.contract["connect_to"].as_object().expect("a table").iter();
        let pairs: Vec<String> = pairs.map(|(from, to)| format!("\"{from}\" = {to}")).collect();
        let (ca, dns) = (&self.contract["ca_file"], &self.contract["dns"]);
        format!("[network]\nca_file = {ca}\ndns = {dns}\nconnect_to = {{ {} }}\n", pairs.join(", "))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A delegated account with a wrong password, in a configuration written by hand.
fn wrong_password(place: &Place) -> Lab {
    let lab = Lab::serve(place, "healthy-delegated");
    let (domain, account) = (&lab.contract["domain"], &lab.contract["accounts"][0]["upn"]);
    let config = format!(
        "[tenant]\ndomain = {domain}\n[[account]]\naddress = {account}\n[account.subject]\nkind = \"password\"\n\
         client_id = {}\nsecret = {{ env = \"CANARY\" }}\n{}",
        lab.contract["apps"][0]["client_id"],
        lab.network()
    );
    place.write("syncready.toml", &config);
    lab
}

fn sign_in(place: &Place, more: &[&str]) -> Value {
    let mut args = vec!["check", "--only", "sign-in", "--save-facts", "facts.json"];
    args.extend(more);
    let run = finish(place.command(&args).env("CANARY", "canary-4711"));
    let facts = fs::read_to_string(place.path().join("facts.json")).expect("saved");
    for text in [&run.stdout, &run.stderr, &facts] {
        assert!(!text.contains("canary-4711"), "{text}");
    }
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    facts["accounts"][0]["facts"]["sign_in"].clone()
}

#[test]
fn a_wrong_password_is_named_and_never_told() {
    let place = Place::new();
    let _lab = wrong_password(&place);
    let sign_in = sign_in(&place, &[]);
    assert_eq!((&sign_in["attempted"], &sign_in["error_code"]), (&Value::from(true), &Value::from(50126)));
}

#[test]
fn a_refused_password_is_not_sent_again_by_the_next_run() {
    let place = Place::new();
    let _lab = wrong_password(&place);
    sign_in(&place, &[]);
    assert_eq!(sign_in(&place, &[])["not_attempted_because"], "refused-before");
}

#[test]
fn a_refused_password_is_sent_again_when_asked_to() {
    let place = Place::new();
    let _lab = wrong_password(&place);
    sign_in(&place, &[]);
    assert_eq!(sign_in(&place, &["--retry-sign-in"])["attempted"], true);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_lab_and_removes_its_files() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    let temp = place.path().join("tmp");
    fs::create_dir(&temp).expect("made");
    let mut command = place.command(&["lab", "--print", "json"]);
    let mut lab = command.env("TMPDIR", &temp).stdout(Stdio::piped()).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(lab.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let contract: Value = serde_json::from_str(&line).expect("one document in one line");
    assert!(contract["format"] == 1 && contract["accounts"].is_array());
    let killed = Command::new("kill").args(["-TERM", &lab.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(lab.wait().expect("ends").code(), Some(143));
    assert_eq!(fs::read_dir(&temp).expect("there").count(), 0);
}

#[test]
fn the_examples_of_all_checks_hold() {
    let run = Place::new().run(&["checks", "test"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

/// The one topic that a document explains.
fn explained(topic: &[&str]) -> Value {
    let args: Vec<&str> =
        ["explain"].into_iter().chain(topic.iter().copied()).chain(["--format", "json"]).collect();
    let run = Place::new().run(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn a_pasted_error_is_explained_by_its_most_telling_code() {
    let told =
        explained(&["invalid_client:", "AADSTS7000222:", "The", "provided", "keys", "are", "expired."]);
    assert_eq!(
        (&told["code"], &told["causes"][0]["cause"]),
        (&"AADSTS7000222".into(), &"app-secret-expired".into())
    );
    assert_eq!(told["others"], serde_json::json!(["invalid_client"]));
    assert!(told["fix"][0]["steps"].as_array().is_some_and(|steps| !steps.is_empty()));
}

#[test]
fn a_number_alone_is_a_code_of_the_sign_in() {
    assert_eq!(explained(&["50076"])["code"], "AADSTS50076");
}

#[test]
fn a_small_number_is_an_exit_code() {
    assert_eq!(explained(&["3"])["exit_code"], 3);
}

#[test]
fn a_cause_brings_the_repairs_of_its_checks() {
    let told = explained(&["mfa-required"]);
    let checks: Vec<&str> =
        told["checks"].as_array().into_iter().flatten().filter_map(|c| c["check"].as_str()).collect();
    assert!(checks.contains(&"mfa/per-user-mfa-is-off"), "{checks:?}");
    assert!(told["fix"].as_array().is_some_and(|fixes| fixes.len() > 1));
}

#[test]
fn an_unknown_number_is_never_forced_into_a_cause() {
    let run = Place::new().run(&["explain", "invalid_grant: AADSTS99999: something new"]);
    assert_refused(&run, &["nothing is known of", "error?code=99999"]);
}

#[test]
fn a_misspelt_code_names_the_nearest() {
    assert_refused(
        &Place::new().run(&["explain", "ErrorImpersonateUserDenid"]),
        &["`ErrorImpersonateUserDenied`"],
    );
    assert_refused(&Place::new().run(&["explain", "AADSTS50067"]), &["`AADSTS50076`"]);
}

#[test]
fn an_explanation_can_be_markdown() {
    let run = Place::new().run(&["explain", "mfa/per-user-mfa-is-off", "--format", "markdown"]);
    assert!(run.stdout.starts_with("# mfa/per-user-mfa-is-off\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\n## Why it matters\n") && run.stdout.contains("\n```\n"), "{}", run.stdout);
}

#[test]
fn completions_know_the_names_of_this_version() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Place::new().run(&["completions", shell]);
        assert_eq!(run.code, 0, "{shell}: {}", run.stderr);
        let names = ["mfa/per-user-mfa-is-off", "generic-ews", "secret-expired", "consent-missing"];
        let names = names.into_iter().filter(|_| ["bash", "zsh", "fish"].contains(&shell));
        for name in names.chain(["completions", "profile"]) {
            assert!(run.stdout.contains(name), "{shell}: no {name}");
        }
    }
}

#[test]
fn the_completions_for_bash_are_a_script_that_bash_reads() {
    let place = Place::new();
    assert_eq!(place.run(&["completions", "bash", "-o", "syncready.bash"]).code, 0);
    let read = Command::new("bash").args(["-n", "syncready.bash"]).current_dir(place.path()).status();
    assert!(read.expect("bash is there").success());
}

#[test]
fn a_manual_page_has_examples_and_exit_codes() {
    let run = Place::new().run(&["man", "check"]);
    for part in [
        ".TH SYNCREADY",
        ".SH EXAMPLES",
        "syncready check \\-\\-demo",
        ".SH \"EXIT STATUS\"",
        "nothing to check",
    ] {
        assert!(run.stdout.contains(part), "no {part}: {}", run.stdout);
    }
}

#[test]
fn a_manual_page_tells_the_codes_and_notes_of_its_own_command() {
    let run = Place::new().run(&["man", "troubleshoot"]);
    for part in [".SH NOTES", "nothing leaves this machine", "0 a cause is proven"] {
        assert!(run.stdout.contains(part), "no {part}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("nothing to check"), "{}", run.stdout);
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let place = Place::new();
    assert_eq!(place.run(&["man", "-o", "man1"]).code, 0);
    for page in ["syncready", "syncready-check", "syncready-checks-list", "syncready-explain"] {
        assert!(place.path().join("man1").join(format!("{page}.1")).is_file(), "{page}");
    }
}

#[test]
fn a_page_of_an_unknown_command_names_the_nearest() {
    assert_refused(&Place::new().run(&["man", "chek"]), &["did you mean `check`?"]);
}

/// Every command of the program, as words behind its name.
fn commands() -> Vec<Vec<String>> {
    let place = Place::new();
    assert_eq!(place.run(&["man", "-o", "man1"]).code, 0);
    let pages = fs::read_dir(place.path().join("man1")).expect("written");
    let names = pages.map(|page| page.expect("readable").file_name().to_string_lossy().into_owned());
    // The page of a subcommand joins names with a dash, and one name has a dash of its own.
    let words = |name: String| {
        let name = name.trim_end_matches(".1").replace("sync-test", "sync_test");
        name.split('-').skip(1).map(|word| word.replace('_', "-")).collect()
    };
    names.map(words).collect()
}

#[test]
fn the_help_of_every_command_shows_an_example() {
    for command in commands().into_iter().filter(|command| *command != ["checks"]) {
        let args: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        let help = Place::new().run(&args);
        let examples: Vec<&str> =
            help.stdout.lines().filter(|line| line.trim_start().starts_with("syncready ")).collect();
        assert!(!examples.is_empty(), "{command:?} shows no example");
    }
}

#[test]
fn nothing_breaks_when_the_reader_goes_away() {
    for args in
        ["explain consent-missing", "checks list", "man check", "completions bash", "check --demo list"]
    {
        let place = Place::new();
        let line =
            format!("'{}' {args} | true; echo \"${{PIPESTATUS[0]}}\"", env!("CARGO_BIN_EXE_syncready"));
        let run = finish(Command::new("bash").args(["-c", &line]).current_dir(place.path()));
        assert_eq!((run.stdout.trim(), run.stderr.as_str()), ("0", ""), "{args}");
    }
}

#[test]
fn an_exchange_server_needs_no_reader() {
    let run = Place::new().run(&["permissions", "--world", "exchange-server"]);
    assert!(run.code == 0 && run.stdout.contains("No permission is needed."), "{}", run.stdout);
}

#[test]
fn permissions_of_the_configured_accounts_need_no_secret() {
    let place = Place::new();
    place.write(
        "syncready.toml",
        "[tenant]\ndomain = \"contoso.com\"\n[reader]\nsign_in = \"client-secret\"\nclient_id = \
         \"4ead4ead-0000-4000-8000-000000000009\"\nsecret = { env = \"NOT_SET\" }\n[[account]]\naddress = \
         \"svc@contoso.com\"\nprofile = \"generic-graph\"\nsubject = { kind = \"client-secret\", client_id = \"x\", \
         secret = { prompt = true } }\n",
    );
    let run = place.run(&["permissions"]);
    assert!(
        run.stdout.contains("svc@contoso.com (online-graph-app, profile generic-graph)"),
        "{}",
        run.stdout
    );
    let link = place.run(&["permissions", "--consent-link"]);
    let wanted = "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent?client_id=4ead4ead-";
    assert!(link.stdout.lines().count() == 2 && link.stdout.starts_with(wanted), "{}", link.stdout);
}

#[test]
fn a_script_without_a_tenant_is_refused() {
    assert_refused(&Place::new().run(&["permissions", "--script", "sh"]), &["which tenant", "--tenant"]);
    assert_refused(
        &Place::new().run(&["permissions", "--excess"]),
        &["needs a configuration with a [reader]"],
    );
}

/// A configuration whose reader is the lab's.
fn with_reader(place: &Place, scenario: &str) -> Lab {
    let lab = Lab::serve(place, scenario);
    let apps = lab.contract["apps"].as_array().expect("a list");
    let reader = apps.iter().find(|app| app["client_id"] == "4ead4ead-0000-4000-8000-000000000009");
    let reader = reader.expect("the lab has a reader");
    place.write("secret", reader["secret"].as_str().unwrap_or_default());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let own = fs::Permissions::from_mode(0o600);
        fs::set_permissions(place.path().join("secret"), own).expect("set");
    }
    let config = format!(
        "[tenant]\ndomain = {}\n[reader]\nsign_in = \"client-secret\"\nclient_id = {}\nsecret = {{ file = \"secret\" \
         }}\n[[account]]\naddress = \"svc-sync@contoso.com\"\nworld = \"online-graph-app\"\n{}",
        lab.contract["domain"],
        reader["client_id"],
        lab.network()
    );
    place.write("syncready.toml", &config);
    lab
}

#[test]
fn the_reader_is_compared_with_what_is_needed() {
    let place = Place::new();
    let _lab = with_reader(&place, "healthy-app-graph");
    let run = place.run(&["permissions", "--excess", "--format", "json"]);
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(told["missing"], serde_json::json!([]), "{told:#}");
    assert_eq!(told["writes"], serde_json::json!([]), "{told:#}");
    assert_eq!(
        (run.code, &told["excess"][0]),
        (1, &Value::from("RoleManagement.Read.Directory")),
        "{told:#}"
    );
    let few = place.run(&[
        "permissions",
        "--excess",
        "--only",
        "license/plan-meets-the-vendor",
        "--format",
        "json",
    ]);
    let told: Value = serde_json::from_str(&few.stdout).expect("JSON");
    assert!(
        told["excess"].as_array().is_some_and(|excess| excess.contains(&"AuditLog.Read.All".into())),
        "{told:#}"
    );
}

#[test]
fn a_reader_that_cannot_sign_in_leaves_it_undetermined() {
    let place = Place::new();
    let _lab = with_reader(&place, "healthy-app-graph");
    place.write("secret", "wrong-canary");
    let run = place.run(&["permissions", "--excess"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("AADSTS7000215") && !run.stderr.contains("wrong-canary"), "{}", run.stderr);
}

/// `--set` for a lab.
fn reach(lab: &Lab) -> String {
    let pairs = lab.contract["connect_to"].as_object().expect("a table").iter();
    let pairs: Vec<String> = pairs.map(|(from, to)| format!("\"{from}\" = {to}")).collect();
    let (ca, dns) = (&lab.contract["ca_file"], &lab.contract["dns"]);
    format!("network={{ ca_file = {ca}, dns = {dns}, connect_to = {{ {} }} }}", pairs.join(", "))
}

#[test]
fn init_without_a_terminal_names_every_missing_answer() {
    let run = Place::new().run(&["init", "--profile", "generic-graph"]);
    assert_refused(&run, &["--account, --world, --reader, --subject", "--yes"]);
    assert_refused(&Place::new().run(&["init", "--yes"]), &["missing: --account"]);
}

#[test]
fn init_replaces_nothing() {
    let place = Place::new();
    place.write("syncready.toml", "# mine\n");
    let run = place.run(&["init", "--account", "svc@contoso.com", "--yes", "--offline"]);
    assert_refused(&run, &["is there already and stays as it is"]);
    assert_eq!(fs::read_to_string(place.path().join("syncready.toml")).expect("there"), "# mine\n");
}

#[test]
fn init_takes_no_secret_itself() {
    let args = [
        "init",
        "--account",
        "svc@contoso.com",
        "--yes",
        "--offline",
        "--reader",
        "client-secret",
        "--reader-id",
        "4ead4ead-0000-4000-8000-000000000009",
        "--reader-secret",
        "canary-4711",
    ];
    let run = Place::new().run(&args);
    assert_refused(&run, &["env:NAME, file:PATH or prompt"]);
    assert!(!run.stderr.contains("canary-4711"), "{}", run.stderr);
}

#[test]
fn what_init_writes_is_checked_as_it_stands() {
    let place = Place::new();
    let lab = Lab::serve(&place, "healthy-app-graph");
    let run = place.run(&["init", "--account", "svc-sync@contoso.com", "--yes", "--set", &reach(&lab)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains("found: the tenant") && run.stderr.contains("next: syncready check"),
        "{}",
        run.stderr
    );
    let path = place.path().join("syncready.toml");
    let text = fs::read_to_string(&path).expect("written");
    assert!(text.contains("domain = \"contoso.com\"") && text.contains("id     = "), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
    let check = place.run(&["check", "--only", "tenant", "--format", "json"]);
    let report: Value = serde_json::from_str(&check.stdout).unwrap_or_else(|_| panic!("{}", check.stderr));
    let findings = report["accounts"][0]["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|f| f["check"] == "tenant/exists" && f["result"] == "pass"), "{report:#}");
}

#[test]
fn init_finds_an_exchange_server_from_outside() {
    let place = Place::new();
    let lab = Lab::serve(&place, "healthy-on-premises");
    let account = lab.contract["accounts"][0]["upn"].as_str().expect("an account").to_owned();
    let run = place.run(&["init", "--account", &account, "--yes", "--stdout", "--set", &reach(&lab)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in ["world   = \"exchange-server\"", "profile = \"generic-ews\"", "[endpoints]\news = "] {
        assert!(run.stdout.contains(part), "no {part}: {}{}", run.stdout, run.stderr);
    }
}

/// Runs a command on a terminal of its own, answered by the lines.
#[cfg(unix)]
fn on_a_terminal(place: &Place, command: &str, lines: &str) -> Option<(i32, String)> {
    use std::io::Write;
    let mut script = Command::new("script");
    script.args(["-qec", command, "/dev/null"]).current_dir(place.path()).env("LANG", "C.UTF-8");
    script.env_remove("SYNCREADY_CONFIG").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        let _ = std::io::stderr().write_all(b"SKIPPED: no `script` to make a terminal with\n");
        return None;
    };
    child.stdin.take().expect("piped").write_all(lines.as_bytes()).expect("taken");
    let output = child.wait_with_output().expect("it ends");
    Some((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[cfg(unix)]
#[test]
fn init_asks_on_a_terminal() {
    let place = Place::new();
    let command = format!("'{}' init --offline", env!("CARGO_BIN_EXE_syncready"));
    let answers = "not an address\nsvc@contoso.com\ngeneric-graph\nonline-graph-app\nclient-certificate\n4ead4ead-0000-\
                   4000-8000-000000000009\n\nclient-secret\na9911ca7-0000-4000-8000-000000000001\nhunter2\nenv:APP\n";
    let Some((code, shown)) = on_a_terminal(&place, &command, answers) else { return };
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.contains("not a mail address") && shown.contains("env:NAME, file:PATH or prompt"),
        "{shown}"
    );
    let text = fs::read_to_string(place.path().join("syncready.toml")).expect("written");
    for part in [
        "address = \"svc@contoso.com\"",
        "world   = \"online-graph-app\"",
        "sign_in = \"client-certificate\"",
        "certificate = { file = \"reader.pem\" }",
        "kind = \"client-secret\"",
        "secret = { env = \"APP\" }",
    ] {
        assert!(text.contains(part), "no {part}: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn permissions_count_the_queries_of_own_checks() {
    let place = Place::new();
    fs::create_dir_all(place.path().join("own/dept")).expect("made");
    place.write(
        "own/dept/devices-are-managed.toml",
        "title = \"Devices are managed\"\nsince = \"1\"\nwhy = \"x\"\n[query.devices]\ngraph = \
         \"/v1.0/deviceManagement/managedDevices\"\npermission = \"DeviceManagementManagedDevices.Read.All\"\nscope = \
         \"tenant\"\nanswer = \"any\"\n[[outcome]]\nresult = \"pass\"\nwhen = \"size(query.devices.value) > \
         0\"\nmessage = \"some\"\n[[outcome]]\nresult = \"warn\"\nmessage = \"none\"\n",
    );
    let run = place.run(&[
        "permissions",
        "--checks",
        "own",
        "--only",
        "dept/devices-are-managed",
        "--format",
        "json",
    ]);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(plan["least"][0]["name"], "DeviceManagementManagedDevices.Read.All", "{plan:#}");
    assert_eq!(plan["tiers"][0]["lifts"], serde_json::json!(["dept/devices-are-managed"]), "{plan:#}");
}
