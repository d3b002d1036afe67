//! Directories, parameters and profiles.

use crate::place::{Place, assert_shown};

pub const PLAIN: &str = "title = \"Plain\"\nsince = \"1\"\nwhy = \"w\"\n[params]\nlimit = 1\n\
    [[outcome]]\nresult = \"pass\"\nmessage = '''limit {{ params.limit }}'''\n";

pub const ACCOUNT: &str = "[tenant]\ndomain = \"contoso.com\"\n[[account]]\naddress = \"svc@contoso.com\"\n\
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
