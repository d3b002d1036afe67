//! Profiles: each line of a vendor's rests on a statement, each works in the worlds that it names, and the
//! page for customers says all that is needed there.

use std::process::Command;

use syncready::cli::trial;
use syncready::engine::{Catalogue, Level, Profile, Verdict};
use syncready::lab::{self, Options, Scenario};

fn profiles() -> impl Iterator<Item = &'static Profile> {
    Catalogue::embedded().profiles()
}

/// The file of a profile as written.
fn file(profile: &Profile) -> toml::Table {
    let path = format!("{}/checks/profiles/{}.toml", env!("CARGO_MANIFEST_DIR"), profile.name);
    std::fs::read_to_string(path).expect("there").parse().expect("TOML")
}

/// Keys, checks and areas that a profile file says something of.
fn lines(file: &toml::Table) -> Vec<String> {
    const OTHERS: &[&str] = &["title", "extends", "checks", "params", "statement"];
    let keys = file.keys().filter(|key| !OTHERS.contains(&key.as_str())).cloned();
    let levels = file.get("checks").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let levels = levels.filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_str);
    let params = file.get("params").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    keys.chain(levels.map(str::to_owned)).chain(params.cloned()).collect()
}

#[test]
fn every_line_of_a_profile_rests_on_a_statement_of_its_own() {
    let mut bare = Vec::new();
    for profile in profiles() {
        let own: Vec<_> = profile.statement.iter().filter(|said| said.of == profile.name).collect();
        let covered = |line: &String| {
            // What a base has no use for is not its subject.
            profile.extends.is_none() && profile.level(line) == Level::Unwanted
                || own.iter().any(|said| said.about.contains(line) || said.is_about(line))
        };
        let lines = lines(&file(profile));
        bare.extend(
            lines.iter().filter(|line| !covered(line)).map(|line| format!("{}: {line}", profile.name)),
        );
    }
    assert!(bare.is_empty(), "\n{}", bare.join("\n"));
}

#[test]
fn every_statement_has_an_address_and_what_is_outdated_says_what_holds() {
    for said in profiles().flat_map(|profile| &profile.statement) {
        assert!(said.url.starts_with("https://"), "{}", said.url);
        let old = said.says.contains("ApplicationImpersonation") && !said.url.contains("microsoft.com");
        assert!(!old || said.today.is_some(), "{}", said.says);
    }
}

#[test]
fn vendors_need_what_their_products_need() {
    let level = |profile: &str, check: &str| {
        Catalogue::embedded().profile(profile).map(|profile| profile.level(check)).expect("a profile")
    };
    let rows = [
        ("product/uses-the-service-account", [Level::Required, Level::Unwanted, Level::Unwanted]),
        ("sign-in/account-has-used-the-product-once", [Level::Required, Level::Unwanted, Level::Unwanted]),
        ("account/admin-role-fits-the-phase", [Level::Required, Level::Advised, Level::Advised]),
        ("impersonation/own-mailbox-answers", [Level::Unwanted, Level::Required, Level::Required]),
        (
            "impersonation/membership-runs-through-a-security-group",
            [Level::Unwanted, Level::Advised, Level::Advised],
        ),
        ("discovery/ews-endpoint-answers", [Level::Unwanted, Level::Required, Level::Required]),
        ("public-folders/the-protocol-has-a-route", [Level::Required, Level::Unwanted, Level::Unwanted]),
        ("app/credential-is-valid-for-30-days", [Level::Unwanted; 3]),
        ("license/plan-meets-the-vendor", [Level::Advised, Level::Unwanted, Level::Advised]),
    ];
    for (check, wanted) in rows {
        let found = ["cirasync", "cirrus-insight", "salesforce-exchange-sync"].map(|name| level(name, check));
        assert_eq!(found, wanted, "{check}");
    }
}

fn healthy(world: &str) -> Scenario {
    let name = match world {
        "exchange-server" => "healthy-on-premises",
        "online-delegated" => "healthy-delegated",
        "online-ews-app" => "healthy-app-ews",
        _ => "healthy-app-graph",
    };
    lab::scenarios().into_iter().find(|scenario| scenario.name == name).expect("an embedded scenario")
}

/// Where a healthy world is not enough for a product, and the check that says why.
const NOT_ENOUGH: &[(&str, &str, &str)] = &[
    // That world is healthy for Graph: EWS is neither switched on nor consented to.
    ("generic-ews", "online-delegated", "consent/delegated-permissions-are-granted"),
];

#[test]
fn every_profile_is_ready_in_each_healthy_world_that_it_knows_or_says_why_not() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let today = jiff::Timestamp::now().to_string();
    let answer = format!(
        "\n[[attest]]\nquestion = \"product/uses-the-service-account\"\nanswer = \"service-account\"\nname = \"Jo\"\n\
         date = \"{}\"\n",
        &today[..10]
    );
    let mut complaints = Vec::new();
    for profile in profiles() {
        for world in &profile.worlds {
            let scenario = Scenario { profile: profile.name.clone(), ..healthy(world) };
            let configure = |config: &str| format!("{config}{answer}");
            let trial =
                runtime.block_on(trial::run(&scenario, Options::default(), configure)).expect("the lab runs");
            let account = &trial.report.accounts[0];
            let first = account.first_causes.first().map(|first| first.check.as_str());
            let known = NOT_ENOUGH.iter().find(|(name, of, _)| *name == profile.name && of == world);
            let fits = match known {
                Some((_, _, check)) => first == Some(*check),
                None => account.verdict == Verdict::Ready && account.world == *world,
            };
            if !fits {
                let open = account.findings.iter().filter(|finding| finding.required);
                let open =
                    open.filter(|finding| finding.reason.as_ref().is_some_and(|r| r.code != "skipped"));
                let open: Vec<&str> = open.map(|finding| finding.check.as_str()).collect();
                complaints.push(format!("{} in {world}: {first:?}, unknown: {open:?}", profile.name));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn page(profile: &str, world: &str, format: &str) -> String {
    let program = env!("CARGO_BIN_EXE_syncready");
    let args = ["docs", "requirements", "--profile", profile, "--world", world, "--format", format];
    let output = Command::new(program).args(args).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Words that praise instead of saying something.
const PRAISE: &[&str] = &[
    "seamless",
    "leading",
    "powerful",
    "effortless",
    "best-in-class",
    "world-class",
    "cutting-edge",
    "robust",
];

#[test]
fn the_page_for_customers_says_every_need_in_order_and_nothing_else() {
    for profile in profiles() {
        for world in &profile.worlds {
            let text = page(&profile.name, world, "markdown");
            let needs = syncready::engine::requirements(Catalogue::embedded(), profile, world);
            let needs = needs.expect("compiles").expect("a world");
            let mut rest = text.as_str();
            for need in &needs {
                let Some((_, after)) = rest.split_once(&format!("\n### {}", need.check.title())) else {
                    panic!("{} in {world} does not say, or not in order: {}", profile.name, need.check.id());
                };
                rest = after;
            }
            for said in &profile.statement {
                assert!(text.contains(&said.url), "{}: {}", profile.name, said.url);
            }
            for wrong in ["{{", "}}", "not known", "…, …"].iter().chain(PRAISE) {
                let line = text.lines().find(|line| line.to_lowercase().contains(wrong));
                assert!(
                    line.is_none(),
                    "{} in {world} says \"{wrong}\": {}",
                    profile.name,
                    line.unwrap_or_default()
                );
            }
        }
    }
}

#[test]
fn the_page_for_customers_fits_a_terminal_and_a_browser() {
    let text = page("cirasync", "online-graph-app", "text");
    let wide = text.lines().filter(|line| line.chars().count() > 80 && !line.contains("://"));
    let wide: Vec<&str> = wide.filter(|line| !line.starts_with("    ")).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let html = page("salesforce-exchange-sync", "exchange-server", "html");
    for element in ["ul", "ol", "li", "table", "tr", "h2", "h3", "p", "pre", "a"] {
        let (opened, closed) = (format!("<{element}"), format!("</{element}>"));
        let begun = html.match_indices(&opened);
        let begun = begun.filter(|(at, _)| html[at + opened.len()..].starts_with(['>', ' ']));
        assert_eq!(begun.count(), html.matches(&closed).count(), "{element}");
    }
    assert!(!html.contains("<script") && html.contains("Exchange Web Services"));
}

#[test]
fn a_world_that_the_product_does_not_know_is_refused() {
    let program = env!("CARGO_BIN_EXE_syncready");
    let args = ["docs", "requirements", "--profile", "cirasync", "--world", "exchange-server"];
    let output = Command::new(program).args(args).output().expect("it runs");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(shown.contains("online-graph-app, online-delegated"), "{shown}");
}

#[test]
fn a_profile_is_explained_with_what_it_rests_on() {
    let program = env!("CARGO_BIN_EXE_syncready");
    let explain = |name: &str| Command::new(program).args(["explain", name]).output().expect("it runs");
    let text = String::from_utf8(explain("cirasync").stdout).expect("UTF-8");
    for part in ["Extends    generic-graph", "What it rests on", "From generic-graph", "2027-04-01"] {
        assert!(text.contains(part), "{part}");
    }
    let wide = text.lines().filter(|line| line.chars().count() > 80 && !line.contains("://"));
    assert_eq!(wide.collect::<Vec<_>>(), Vec::<&str>::new());
    let refused = String::from_utf8(explain("cirasinc").stderr).expect("UTF-8");
    assert!(refused.contains("did you mean `cirasync`?"), "{refused}");
}
