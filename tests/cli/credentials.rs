//! A refused credential, and the end of a lab.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::place::{Lab, Place, finish};

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
