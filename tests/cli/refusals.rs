//! What cannot be used is refused with its place and the nearest name.

use std::fs;

use serde_json::Value;

use crate::place::{Place, assert_refused};

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
