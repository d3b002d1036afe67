//! Completions, the manual and `--help`.

use std::{fs, process::Command};

use crate::place::{Place, assert_refused, finish};

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
