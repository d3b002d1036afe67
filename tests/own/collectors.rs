//! External collectors.

use std::fs;

use serde_json::Value;

use crate::{brought::ACCOUNT, place::Place};

/// A check that needs one fact of a collector, and the configuration of the collector.
pub fn collected(place: &Place, script: &str, deadline: &str) -> Value {
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
