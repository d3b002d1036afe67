//! The documentation that is made from the code is current, and what it shows is true.
//!
//! `SYNCREADY_BLESS=1 cargo test --test docs` writes it anew.

#[path = "support/schema.rs"]
mod schema;

use std::{fmt::Write, fs, path::PathBuf};

use schema::{fits, schema};
use serde_json::Value;
use syncready::{
    cli::{config, coverage, exit},
    engine::{self, Catalogue},
    facts::{Document, catalogue},
    knowledge::Knowledge,
    lab,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a file with what it should hold; writes it when asked to.
fn assert_current(path: &str, wanted: &str) {
    let file = root().join(path);
    if std::env::var_os("SYNCREADY_BLESS").is_some() {
        fs::write(&file, wanted).expect("docs are writable");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{path} is stale: SYNCREADY_BLESS=1 cargo test --test docs");
}

#[test]
fn the_schema_of_the_configuration_is_current() {
    let schema = schemars::schema_for!(config::File);
    assert_current("docs/schema/config.schema.json", &format!("{:#}\n", schema.to_value()));
}

#[test]
fn the_schemas_of_the_users_own_files_are_current() {
    use syncready::{collect::external, engine::CheckFile, engine::Draft};
    let schemas = [
        ("check", schemars::schema_for!(CheckFile)),
        ("profile", schemars::schema_for!(Draft)),
        ("collector-request", schemars::schema_for!(external::Request)),
        ("collector-answer", schemars::schema_for!(external::Answer)),
        ("bundle-manifest", schemars::schema_for!(syncready::bundle::Manifest)),
        ("bundle-redaction", schemars::schema_for!(syncready::bundle::Redaction)),
        ("coverage-header", schemars::schema_for!(coverage::line::Header)),
        ("coverage-line", schemars::schema_for!(coverage::line::Line)),
        ("coverage-summary", schemars::schema_for!(syncready::report::coverage::Summary)),
    ];
    for (name, schema) in schemas {
        assert_current(&format!("docs/schema/{name}.schema.json"), &format!("{:#}\n", schema.to_value()));
    }
}

#[test]
fn the_schema_of_imports_is_current() {
    let schema = schemars::schema_for!(syncready::collect::import::Shape);
    assert_current("docs/schema/import.schema.json", &format!("{:#}\n", schema.to_value()));
}

#[test]
fn the_labs_import_fits_its_schema() {
    let schema = schemars::schema_for!(syncready::collect::import::Shape).to_value();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let all = lab::scenarios();
    let scenario = all.iter().find(|scenario| scenario.name == "exclusive-scope-shuts-out").expect("there");
    let lab = runtime.block_on(lab::Lab::start(scenario, lab::Options::default())).expect("the lab starts");
    let bytes = fs::read(lab.folder().join("roles.json")).expect("the lab writes one");
    assert_eq!(bytes[..2], [0xff, 0xfe], "as Windows PowerShell redirects it");
    let units = bytes[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text = String::from_utf16(&units.collect::<Vec<_>>()).expect("UTF-16");
    let import: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(fits(&schema, &schema, &import, "import"), Ok(()));
}

#[test]
fn the_page_about_exit_codes_is_current() {
    let mut page =
        String::from("# Exit codes\n\nThe same in every output format.\n\n| Code | Meaning |\n|---|---|\n");
    for (code, meaning) in exit::TABLE {
        let _ = writeln!(page, "| {code} | {meaning} |");
    }
    page.push_str(
        "\n`--strict` lets warnings and unknowns count. `--exit-codes nagios` maps to 0 OK, 1 WARNING (ready \
         with\nwarnings), 2 CRITICAL (not ready) and 3 UNKNOWN (everything else).\n",
    );
    assert_current("docs/exit-codes.md", &page);
}

#[test]
fn the_page_about_facts_is_current() {
    let mut page = String::from(
        "# Facts\n\nEverything that a rule may read. `null` or an empty list means *known to be empty*; what was \
         not\nread has no key and stands in the document's `absent` map with its reason.\n",
    );
    for group in catalogue::GROUPS {
        let scope = format!("{:?}", group.scope).to_lowercase();
        let _ =
            write!(page, "\n## {}\n\n{} Collected once for each {scope}.\n\n", group.name, group.doc.trim());
        page.push_str("| Fact | Kind | Meaning |\n|---|---|---|\n");
        for fact in group.facts {
            let kind = format!("{:?}", fact.kind).to_lowercase();
            let _ = writeln!(
                page,
                "| `{}.{}` | {kind} | {} |",
                group.name,
                fact.path,
                fact.doc.replace('|', "\\|")
            );
        }
    }
    page.push_str(
        "\n## query, external\n\nAnswers to the queries of a check (`query.NAME`), and facts of external collectors \
         (`external.NAME`). The\nfiles that bring them declare what there is: [extending.md](extending.md).\n",
    );
    assert_current("docs/facts.md", &page);
}

#[test]
fn the_page_about_causes_is_current() {
    let mut page = String::from(
        "# Causes\n\nStable names for what is wrong; reports, programs and people refer to them. `syncready explain \
         CAUSE`\nshows the way out of each.\n\n| Cause | Meaning | How it shows | Checks that find it \
         |\n|---|---|---|---|\n",
    );
    let names = |cause: &str| {
        let checks = Catalogue::embedded().checks().iter();
        let found: Vec<&str> = checks
            .filter(|check| check.file().outcome.iter().any(|row| row.cause.as_deref() == Some(cause)))
            .map(engine::Check::id)
            .collect();
        found.join(", ")
    };
    for (cause, meaning) in engine::causes::CAUSES {
        let shows = Knowledge::embedded().cause(cause).map(|known| known.shows).unwrap_or_default();
        let _ = writeln!(page, "| `{cause}` | {meaning} | {shows} | {} |", names(cause));
    }
    assert_current("docs/causes.md", &page);
}

#[test]
fn the_page_about_codes_is_current() {
    let mut page = String::from(
        "# Codes\n\nWhat is known of the codes of the sign-in service, of Exchange Web Services and of Microsoft Graph; the \
         share\nbehind a cause is how many of a hundred cases it explains. `syncready explain CODE` says more. The \
         files are\n`checks/knowledge/*.toml`; [knowledge.md](knowledge.md) says what may stand in them.\n\n| Code | \
         Meaning | Causes |\n|---|---|---|\n",
    );
    let knowledge = Knowledge::embedded();
    let mut last = String::new();
    for entry in knowledge.names().filter_map(|name| knowledge.code(name)) {
        if entry.code == last {
            continue;
        }
        let names: Vec<String> =
            std::iter::once(&entry.code).chain(&entry.also).map(|name| format!("`{name}`")).collect();
        let causes: Vec<String> =
            entry.causes.iter().map(|likely| format!("`{}` {}", likely.cause, likely.weight)).collect();
        let _ = writeln!(page, "| {} | {} | {} |", names.join(", "), entry.means, causes.join(", "));
        last = entry.code;
    }
    assert_current("docs/codes.md", &page);
}

#[test]
fn the_page_about_permissions_is_current() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(["permissions", "--format", "markdown"])
        .current_dir(std::env::temp_dir())
        .env_remove("SYNCREADY_CONFIG")
        .output()
        .expect("the program starts");
    let plan = String::from_utf8(output.stdout).expect("UTF-8");
    let page = format!(
        "{plan}\nMade by `syncready permissions --format markdown`. The same for fewer checks, one profile or one world: \
         `--only`,\n`--profile`, `--world`; with a configuration, for its accounts.\n"
    );
    assert_current("docs/permissions.md", &page);
}

/// Configurations shown in a page.
fn shown(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap_or_default();
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

#[test]
fn every_configuration_that_is_shown_is_valid() {
    let pages = ["README.md", "docs/configuration.md", "docs/test-sync.md"];
    for (page, text) in
        pages.into_iter().flat_map(|page| shown(page).into_iter().map(move |text| (page, text)))
    {
        let source = config::Source { name: page.into(), folder: root(), text };
        if let Err(problem) = config::load(source, &[]) {
            panic!("{}", problem.render(false, false));
        }
    }
}

#[test]
fn every_exit_code_stands_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there");
    for (code, _) in exit::TABLE {
        let named = readme.lines().any(|line| {
            let first = line.trim_start_matches("| ").split(" |").next().unwrap_or_default();
            line.starts_with("| ") && first.split(", ").any(|part| part == code.to_string())
        });
        assert!(named, "{code}");
    }
}

fn demo(scenario: &str) -> (Value, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(["check", "--demo", scenario, "--format", "json", "--save-facts", "facts.json"])
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let facts = fs::read_to_string(folder.path().join("facts.json")).expect("saved");
    Document::parse(&facts).expect("a facts document");
    let parse = |text: &str| serde_json::from_str(text).expect("JSON");
    (parse(&String::from_utf8_lossy(&output.stdout)), parse(&facts))
}

#[test]
fn reports_and_facts_fit_their_schemas() {
    let (report_schema, facts_schema) = (schema("report.schema.json"), schema("facts.schema.json"));
    for scenario in ["healthy-app-graph", "policy-asks-for-mfa", "healthy-on-premises", "outage-at-microsoft"]
    {
        let (report, facts) = demo(scenario);
        assert_eq!(fits(&report_schema, &report_schema, &report, "report"), Ok(()), "{scenario}");
        assert_eq!(fits(&facts_schema, &facts_schema, &facts, "facts"), Ok(()), "{scenario}");
    }
}

/// What a command prints.
fn printed(args: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(args)
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    serde_json::from_str(&String::from_utf8_lossy(&output.stdout)).expect("JSON")
}

#[test]
fn a_test_sync_and_its_plan_fit_their_schemas_and_name_the_same_steps() {
    let (report_schema, plan_schema) = (schema("report.schema.json"), schema("sync-plan.schema.json"));
    for scenario in
        ["healthy-app-graph", "healthy-on-premises", "healthy-delegated", "healthy-public-folders"]
    {
        let run = ["sync-test", "--demo", scenario, "--as", "bob@contoso.com", "--format", "json"];
        let report = printed(&run);
        assert_eq!(fits(&report_schema, &report_schema, &report, "report"), Ok(()), "{scenario}");
        let plan = printed(&[&run[..], &["--dry-run"]].concat());
        assert_eq!(fits(&plan_schema, &plan_schema, &plan, "plan"), Ok(()), "{scenario}");
        let named = |steps: &Value| -> Vec<[Value; 3]> {
            let steps = steps.as_array().expect("steps").iter();
            steps.map(|step| ["mailbox", "step", "subject"].map(|name| step[name].clone())).collect()
        };
        let (done, meant) =
            (named(&report["accounts"][0]["sync"]["steps"]), named(&plan["accounts"][0]["steps"]));
        assert_eq!(done, meant, "{scenario}");
    }
}

/// A page of the steps of a test sync, from the same list that a run and a dry run take them from.
#[test]
fn the_page_about_the_steps_is_current() {
    use syncready::sync::{Access, Mailbox, Name, Part, Plan, Role, RunId, Sweep};
    let plan = |access, role, read_only: Option<&str>| {
        let now = tokio::time::Instant::now();
        let read_only = read_only.map(str::to_owned);
        Plan {
            run: RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 1),
            access,
            mailboxes: vec![Mailbox { address: "a@contoso.com".into(), role, read_only }],
            parts: Part::ALL.into(),
            public_folders: Vec::new(),
            sweep: Sweep::Old,
            only_sweep: false,
            work_until: now,
            clean_until: now,
        }
    };
    let meant = |access, role, read_only, name: Name| {
        plan(access, role, read_only).steps().any(|(_, step)| step.name == name && step.skipped.is_none())
    };
    let whom = [
        ("the account, and others with `--yes`", Role::Account, None),
        ("others without `--yes`", Role::Other, Some("no")),
        ("shared mailboxes", Role::Shared, Some("no")),
        ("mailboxes outside", Role::Outside, Some("no")),
    ];
    let mut page = String::from(
        "# Steps of a test sync\n\nMade from the list that `syncready sync-test --dry-run` shows and that a run \
         goes through. A step that is not done in a mailbox is told as skipped, with the reason.\n",
    );
    for (protocol, access) in [("EWS", Access::Impersonation), ("Microsoft Graph", Access::GraphApp)] {
        write!(page, "\n## {protocol}\n\n| step | done in | requests | proves that |\n|---|---|---|---|\n")
            .expect("writing to a String cannot fail");
        for name in Name::ALL {
            let done: Vec<&str> = whom
                .iter()
                .filter(|(_, role, read_only)| meant(access, *role, *read_only, name))
                .map(|(words, ..)| *words)
                .collect();
            let done = if done.is_empty() { "-".to_owned() } else { done.join("; ") };
            let (step, requests, proves) = (name.as_str(), name.requests(access.is_graph()), name.proves());
            writeln!(page, "| `{step}` | {done} | {requests} | {proves} |")
                .expect("writing to a String cannot fail");
        }
    }
    assert_current("docs/test-sync-steps.md", &page);
}
