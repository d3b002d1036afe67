//! What is refused, and how it is told.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    brought::{ACCOUNT, PLAIN},
    place::{Place, assert_shown},
};

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
