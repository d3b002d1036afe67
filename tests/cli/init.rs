//! A configuration by questions.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::place::{Lab, Place, assert_refused};

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
