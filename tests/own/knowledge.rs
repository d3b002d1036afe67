//! Codes, texts and causes of one's own.

use crate::place::Place;

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
