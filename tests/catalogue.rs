//! Laws for the whole catalogue: names, titles, references, levels.

use syncready::engine::{Catalogue, Profile, Word};

fn kebab(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn complain(about: impl Fn(&syncready::engine::Check) -> Vec<String>) {
    let complaints: Vec<String> = Catalogue::embedded()
        .checks()
        .iter()
        .flat_map(|check| about(check).into_iter().map(move |text| format!("{}: {text}", check.id())))
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_check_compiles() {
    complain(|check| check.compile().err().map(|error| error.to_string()).into_iter().collect());
}

#[test]
fn ids_are_an_area_and_a_statement_in_kebab_case() {
    let areas: Vec<&str> = Catalogue::embedded().areas().iter().map(|area| area.id.as_str()).collect();
    complain(|check| {
        let (area, statement) = check.id().split_once('/').unwrap_or_default();
        let mut complaints = Vec::new();
        if !areas.contains(&area) {
            complaints.push("its area is not in areas.toml".to_owned());
        }
        if !kebab(area) || !kebab(statement) {
            complaints.push("the id is not kebab-case".to_owned());
        }
        complaints
    });
}

#[test]
fn titles_state_the_healthy_condition() {
    complain(|check| {
        let title = &check.file().title;
        let first = title.split(' ').next().unwrap_or_default();
        let banned = ["Ensure", "Check", "Verify", "Make", "Test"].contains(&first);
        let fits = title.chars().count() <= 70 && !title.ends_with('.');
        (banned || !fits).then(|| format!("title \"{}\"", &**title)).into_iter().collect()
    });
}

#[test]
fn every_check_names_its_sources_by_address() {
    complain(|check| {
        let references = &check.file().reference;
        let bad = references.iter().find(|reference| !reference.url.starts_with("https://"));
        let none = references.is_empty().then(|| "no reference".to_owned());
        none.into_iter().chain(bad.map(|reference| format!("address {}", reference.url))).collect()
    });
}

#[test]
fn every_fail_says_what_was_expected_and_how_to_repair_it() {
    complain(|check| {
        let rows = check.file().outcome.iter().filter(|row| *row.result.get_ref() == Word::Fail);
        let mut complaints = Vec::new();
        for row in rows {
            let message = &*row.message;
            if row.expected.is_none() || row.actual.is_none() {
                complaints.push(format!("no expected or actual: {message}"));
            }
            if row.fix.is_empty() {
                complaints.push(format!("no fix: {message}"));
            }
            if row.fix.iter().any(|fix| fix.verify.is_none() || fix.steps.is_empty()) {
                complaints.push(format!("a fix without verify or steps: {message}"));
            }
            if row.fix.iter().any(|fix| fix.command.is_some() != fix.shell.is_some()) {
                complaints.push(format!("command and shell go together: {message}"));
            }
        }
        complaints
    });
}

#[test]
fn every_fix_says_who_and_with_which_least_role() {
    complain(|check| {
        let rows = &check.file().outcome;
        let vague = rows
            .iter()
            .filter(|row| row.fix.iter().any(|fix| fix.who.is_none() || fix.role.is_none()))
            .map(|row| format!("a fix without who or role: {}", &*row.message));
        vague.collect()
    });
}

/// Verbs of PowerShell that change something.
const CHANGING: &[&str] =
    &["Set-", "Add-", "New-Mg", "New-Management", "Update-", "Remove-", "Enable-", "Restore-"];

#[test]
fn a_fail_whose_fix_changes_a_service_says_how_long_it_takes() {
    complain(|check| {
        let rows = check.file().outcome.iter().filter(|row| *row.result.get_ref() == Word::Fail);
        let changes = |text: &str| CHANGING.iter().any(|verb| text.contains(verb));
        let silent = rows.filter(|row| {
            row.settles.is_none()
                && row.fix.iter().any(|fix| fix.command.as_ref().is_some_and(|text| changes(text)))
        });
        silent.map(|row| format!("no waiting time: {}", &*row.message)).collect()
    });
}

/// Parameters and properties that hold a list: written whole, they would lose what stands in it.
const LISTS: &[&str] = &[
    "EwsAllowedAppIDs",
    "EwsAllowList",
    "EwsBlockList",
    "EmailAddresses",
    "PasswordPolicies",
    "-Members ",
    "RecipientRestrictionFilter",
    "excludeGroups",
    "excludeServicePrincipals",
    "GrantSendOnBehalfTo",
];

#[test]
fn a_command_that_writes_a_list_reads_it_first_or_names_only_the_change() {
    complain(|check| {
        let fixes = check.file().outcome.iter().flat_map(|row| &row.fix);
        let commands = fixes.filter_map(|fix| fix.command.as_deref());
        commands.flat_map(overwritten).collect()
    });
}

/// The property that holds what a parameter writes.
fn property(parameter: &str) -> String {
    parameter.trim_matches(['-', ' ']).replace("RecipientRestrictionFilter", "RecipientFilter")
}

/// Lines of a command that write a list without having read it.
fn overwritten(command: &str) -> Vec<String> {
    let writes = |line: &str| {
        let verb = ["Set-", "Update-", "PATCH"].iter().any(|verb| line.contains(verb));
        verb && !line.contains("@{ Add") && !line.contains("@{ Remove")
    };
    let read_before = |list: &str, at: usize| {
        command.lines().take(at).any(|line| {
            (line.contains("Get-") || line.contains("-Method GET") || line.starts_with('$'))
                && line.contains(&property(list))
        })
    };
    let lines = command.lines().enumerate().filter(|(_, line)| writes(line));
    lines
        .flat_map(|(at, line)| {
            let lists = LISTS.iter().filter(move |list| line.contains(**list));
            lists
                .filter(move |list| !read_before(list, at))
                .map(move |list| format!("{list} is overwritten: {line}"))
        })
        .collect()
}

#[test]
fn a_written_list_is_recognized() {
    assert_eq!(overwritten("Set-OrganizationConfig -EwsAllowedAppIDs 'x'").len(), 1);
    assert!(overwritten("$present = (Get-X).EwsAllowedAppIDs\nSet-X -EwsAllowedAppIDs $present").is_empty());
    assert!(overwritten("Set-X -EwsAllowList @{ Add = 'x' }").is_empty());
}

#[test]
fn profiles_name_checks_and_areas_that_exist() {
    let catalogue = Catalogue::embedded();
    let known =
        |name: &str| catalogue.check(name).is_some() || catalogue.areas().iter().any(|area| area.id == name);
    let names = |profile: &Profile| {
        let levels = &profile.checks;
        let all = levels.required.iter().chain(&levels.advised).chain(&levels.unwanted);
        all.cloned().chain(profile.params.keys().cloned()).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = catalogue.profiles().flat_map(names).filter(|name| !known(name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn areas_list_checks_that_exist() {
    let catalogue = Catalogue::embedded();
    let listed = catalogue.areas().iter().flat_map(|area| &area.checks);
    let wrong: Vec<&String> = listed.filter(|id| catalogue.check(id).is_none()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
