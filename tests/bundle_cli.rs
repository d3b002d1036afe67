//! What becomes of a bundle that is there: `bundle show`, `bundle check` and `bundle reveal`, by the
//! program as a user runs it. Bundles are made of a handful of facts; nothing here needs a lab.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use tar::EntryType;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder with a bundle, its map and the facts that it was made of.
struct Place(tempfile::TempDir);

impl Place {
    fn empty() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn new() -> Self {
        let place = Self::empty();
        place.write("facts.json", facts().to_string().as_bytes());
        let made =
            place.run(&["bundle", "--from", "facts.json", "-o", "b.tar.gz", "--reverse-map", "map.json"]);
        assert_eq!((made.code, made.stdout.as_str()), (0, ""), "{}", made.stderr);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("inside of the folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path().join("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("NO_COLOR").env_remove("COLUMNS").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        finish(self.command(args), "")
    }

    /// Standard input goes through `bundle reveal`.
    fn reveal(&self, map: &str, input: &str) -> Run {
        finish(self.command(&["bundle", "reveal", "--map", map]), input)
    }

    /// The bundle `name` holds these entries; `bundle show` and `bundle check` refuse it.
    fn refused(&self, name: &str, bytes: &[u8], text: &str) {
        self.write(name, bytes);
        for what in ["show", "check"] {
            refused(&self.run(&["bundle", what, name]), &[name, text]);
        }
    }
}

fn finish(mut command: Command, input: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Exit 2, nothing on standard output, one message with all of these texts.
fn refused(run: &Run, texts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert_eq!(run.stderr.matches("error:").count(), 1, "{}", run.stderr);
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in:\n{}", run.stderr);
    }
}

/// An account that is disabled and whose mailbox is full.
fn facts() -> Value {
    json!({
        "format": 1, "kind": "syncready-facts",
        "run": { "started_at": "2026-11-21T08:00:00Z", "duration_ms": 5,
                 "tool": { "name": "syncready", "version": "0.1.0" } },
        "tenants": { "contoso.com": { "facts": {}, "absent": {}, "evidence": {} } },
        "accounts": [ {
            "address": "zofia.wisniewska@contoso.com", "tenant": "contoso.com", "profile": "generic-graph",
            "facts": {
                "account": { "address": "zofia.wisniewska@contoso.com", "domain": "contoso.com", "exists": true,
                             "enabled": false },
                "world": { "kind": "online-delegated", "identity": "entra", "mailbox_location": "cloud",
                           "protocol": "graph", "sign_in": "password" },
                "mailbox": { "exists": true, "quota_percent": 100 }
            },
            "absent": {}, "evidence": {}
        } ]
    })
}

/// An archive as nobody here writes one: names are taken as they are.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::fast()));
    for (name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        header.set_cksum();
        archive.append(&header, *bytes).expect("appended");
    }
    archive.into_inner().expect("ended").finish().expect("packed")
}

#[test]
fn show_lists_what_leaves_the_house() {
    let place = Place::new();
    let run = place.run(&["bundle", "show", "b.tar.gz"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for text in ["b.tar.gz", "Files", "facts.json", "Replaced or removed", "user", "judged as the original"] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    assert!(!run.stdout.to_lowercase().contains("wisniewska"), "{}", run.stdout);
    let json = place.run(&["bundle", "show", "b.tar.gz", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).expect("one document");
    assert_eq!((&json["format"], &json["manifest"]["kind"]), (&json!(1), &json!("syncready-bundle")));
    assert_eq!(json["redaction"]["redacted"], true);
}

#[test]
fn show_keeps_within_the_terminal_and_adds_no_color_to_a_pipe() {
    let place = Place::new();
    for columns in [50, 80] {
        let mut command = place.command(&["bundle", "show", "b.tar.gz"]);
        command.env("COLUMNS", columns.to_string());
        let run = finish(command, "");
        let wide = run
            .stdout
            .lines()
            .find(|line| line.chars().count() > columns && !line.contains("syncready bundle show"));
        assert_eq!(wide, None, "{columns}: {}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let ascii = place.run(&["bundle", "show", "b.tar.gz", "--ascii"]);
    assert!(ascii.stdout.is_ascii(), "{}", ascii.stdout);
    let color = place.run(&["bundle", "show", "b.tar.gz", "--color", "always"]);
    assert!(color.stdout.contains("\u{1b}["), "{}", color.stdout);
}

#[test]
fn show_prints_one_file_or_names_those_that_are_there() {
    let place = Place::new();
    let run = place.run(&["bundle", "show", "b.tar.gz", "--file", "facts.json"]);
    let facts: Value = serde_json::from_str(&run.stdout).expect("facts");
    assert_eq!((run.code, &facts["kind"]), (0, &json!("syncready-facts")));
    assert!(!run.stdout.contains("wisniewska"), "{}", run.stdout);
    let run = place.run(&["bundle", "show", "b.tar.gz", "--file", "fact.json"]);
    refused(&run, &["no file `fact.json`", "did you mean `facts.json`", "summary.txt"]);
}

#[test]
fn check_finds_what_the_original_run_found_and_ends_alike() {
    let place = Place::new();
    let args = ["--only", "account/is-enabled", "--format", "json"];
    let report = |run: &Run| serde_json::from_str::<Value>(&run.stdout).expect("a report");
    let from = place.run(&[&["check", "--from", "facts.json"], &args[..]].concat());
    let again = place.run(&[&["bundle", "check", "b.tar.gz"], &args[..]].concat());
    assert_eq!((from.code, again.code), (1, 1), "{}{}", from.stderr, again.stderr);
    let cause = |run: &Run| report(run)["accounts"][0]["first_causes"][0]["cause"].clone();
    assert_eq!((cause(&from), cause(&again)), (json!("account-disabled"), json!("account-disabled")));
    assert!(again.stdout.contains("account-1@domain-1.example"), "{}", again.stdout);
    let nagios =
        place.run(&["bundle", "check", "b.tar.gz", "--only", "account/is-enabled", "--exit-codes", "nagios"]);
    assert_eq!(nagios.code, 2, "{}", nagios.stderr);
    refused(
        &place.run(&["bundle", "check", "b.tar.gz", "--only", "account/is-enable"]),
        &["account/is-enabled"],
    );
}

/// A check of the user's own that wants a mailbox emptier than this.
fn own(percent: u32) -> String {
    format!(
        "title = \"The mailbox is not crowded\"\nsince = \"1\"\nwhy = \"w\"\n\
         [[outcome]]\nresult = \"fail\"\ncause = \"quota-exceeded\"\nwhen = \"mailbox.quota_percent > {percent}\"\n\
         message = \"crowded\"\nexpected = \"room\"\nactual = \"none\"\n\
         [[outcome.fix]]\nsteps = [\"Empty it.\"]\nwho = \"Exchange administrator\"\n\
         role = \"Exchange Recipient Administrator\"\nverify = \"syncready check\"\n\
         [[outcome]]\nresult = \"pass\"\nmessage = \"roomy\"\n"
    )
}

#[test]
fn check_judges_by_the_checks_as_they_are_now() {
    let place = Place::empty();
    place.write("facts.json", facts().to_string().as_bytes());
    place.write("own/mailbox/is-not-crowded.toml", own(90).as_bytes());
    let made = place.run(&["bundle", "--from", "facts.json", "--checks", "own", "-o", "b.tar.gz"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = place.run(&["bundle", "show", "b.tar.gz", "--file", "findings.json"]);
    assert!(made.stdout.contains("mailbox/is-not-crowded"), "{}", made.stdout);
    let check =
        ["bundle", "check", "b.tar.gz", "--checks", "own", "--only", "mailbox/is-not-crowded", "--strict"];
    let before = place.run(&check);
    assert!(before.code == 1 && before.stdout.contains("crowded"), "{}{}", before.stdout, before.stderr);
    place.write("own/mailbox/is-not-crowded.toml", own(100).as_bytes());
    let after = place.run(&check);
    assert!(after.code == 0 && after.stdout.contains("Ready"), "{}{}", after.stdout, after.stderr);
    // Without the folder there is no such check, whatever the bundle was made with.
    refused(
        &place.run(&check[..3].iter().chain(&check[5..]).copied().collect::<Vec<_>>()),
        &["is-not-crowded"],
    );
    place.write("own/mailbox/is-not-crowded.toml", b"title = 1\n");
    refused(&place.run(&check), &["is-not-crowded.toml"]);
}

#[test]
fn reveal_puts_values_back_and_leaves_everything_else() {
    let place = Place::new();
    let run = place.reveal("map.json", "See ACCOUNT-1@domain-1.example, account-17 and AADSTS50126.\n");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout, "See zofia.wisniewska@contoso.com, account-17 and AADSTS50126.\n");
}

#[test]
fn reveal_refuses_what_is_no_map() {
    let place = Place::new();
    refused(&place.run(&["bundle", "reveal"]), &["--map <FILE>"]);
    refused(&place.reveal("nowhere.json", ""), &["nowhere.json", "no such file"]);
    refused(&place.reveal("b.tar.gz", ""), &["no JSON document", "--reverse-map FILE"]);
    refused(&place.reveal("facts.json", ""), &["no map of a bundle", "--reverse-map FILE"]);
    let mut map: Value =
        serde_json::from_slice(&fs::read(place.path().join("map.json")).expect("a map")).expect("JSON");
    map["format"] = json!(7);
    place.write("newer.json", map.to_string().as_bytes());
    refused(&place.reveal("newer.json", ""), &["format 7", "newer syncready"]);
    map["format"] = json!(1);
    map["tokens"] = json!([]);
    place.write("damaged.json", map.to_string().as_bytes());
    refused(&place.reveal("damaged.json", ""), &["damaged"]);
}

#[test]
fn what_is_no_bundle_is_refused() {
    let place = Place::new();
    place.refused("text.tar.gz", b"no archive at all", "not a bundle");
    place.refused("empty.tar.gz", b"", "not a bundle");
    place.refused("other.tar.gz", &archive(&[("readme.txt", EntryType::Regular, b"hello")]), "manifest.json");
    let whole = fs::read(place.path().join("b.tar.gz")).expect("a bundle");
    place.refused("half.tar.gz", &whole[..whole.len() / 2], "cut off");
    refused(&place.run(&["bundle", "show", "."]), &["a folder"]);
    refused(&place.run(&["bundle", "check", "nowhere.tar.gz"]), &["nowhere.tar.gz", "no such file"]);
}

#[test]
fn names_that_lead_out_of_the_archive_are_refused_and_nothing_is_written() {
    let place = Place::empty();
    for (number, name) in ["../evil", "/tmp/evil", "logs/../../evil", ".evil"].into_iter().enumerate() {
        let bytes = archive(&[(name, EntryType::Regular, b"x")]);
        place.refused(&format!("{number}.tar.gz"), &bytes, "which no bundle has");
    }
    place.refused("link.tar.gz", &archive(&[("facts.json", EntryType::Symlink, b"")]), "no plain file");
    let left = fs::read_dir(place.path()).expect("the folder").filter_map(Result::ok);
    let strange: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "state").collect();
    assert!(strange.iter().all(|name| name.to_string_lossy().ends_with(".tar.gz")), "{strange:?}");
}

#[test]
fn archives_beyond_the_bounds_are_refused_without_unpacking_them() {
    let place = Place::empty();
    let mut header = tar::Header::new_gnu();
    header.set_path("facts.json").expect("a name");
    header.set_size(1 << 40);
    header.set_cksum();
    let mut raw = GzBuilder::new().write(Vec::new(), Compression::fast());
    raw.write_all(header.as_bytes()).expect("written");
    place.refused("big.tar.gz", &raw.finish().expect("packed"), "more than any bundle");
    let names: Vec<String> = (0..101).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), EntryType::Regular, &b"x"[..])).collect();
    place.refused("many.tar.gz", &archive(&many), "more than any bundle");
}

#[test]
fn a_newer_version_and_a_changed_file_are_told_apart_from_damage() {
    let place = Place::new();
    let manifest =
        |value: Value| archive(&[("manifest.json", EntryType::Regular, value.to_string().as_bytes())]);
    place.refused("newer.tar.gz", &manifest(json!({ "format": 9, "kind": "syncready-bundle" })), "format 9");
    place.refused("foreign.tar.gz", &manifest(json!({ "format": 1, "kind": "backup" })), "another kind");
    let listed = place.run(&["bundle", "show", "b.tar.gz", "--file", "manifest.json"]).stdout;
    let files: Value = serde_json::from_str(&listed).expect("a manifest");
    let names: Vec<&str> =
        files["files"].as_array().expect("files").iter().filter_map(|file| file["name"].as_str()).collect();
    let mut entries = vec![("manifest.json", EntryType::Regular, listed.as_bytes())];
    entries.extend(names.iter().map(|name| (*name, EntryType::Regular, &b"changed"[..])));
    place.refused("changed.tar.gz", &archive(&entries), "changed after it was made");
}
