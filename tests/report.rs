//! What a user sees: the report in every format, as snapshots and as properties.

mod reports;

use insta::{Settings, assert_snapshot};
use proptest::prelude::*;
use syncready::engine::{Catalogue, Check, Report, Verdict, Word};
use syncready::report::{Style, explain, json, list, short, table, ticket};

const PLAIN: Style = Style { width: 80, color: false, unicode: true };

fn snapshot(name: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/report"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

#[test]
fn tables_read_well() {
    for (name, report) in reports::all() {
        snapshot(&format!("table-{name}"), &table::render(&report, &PLAIN));
    }
}

#[test]
fn short_reports_read_well() {
    for (name, report) in reports::all() {
        snapshot(&format!("short-{name}"), &short::render(&report, &PLAIN));
    }
}

#[test]
fn tickets_read_well() {
    snapshot("ticket-several", &ticket::render(&reports::several(), &PLAIN));
}

#[test]
fn json_keeps_the_contract() {
    snapshot("json-broken", &json::render(&reports::broken()));
    snapshot("json-undetermined", &json::render(&reports::undetermined()));
}

#[test]
fn narrow_tables_read_well() {
    let narrow = Style { width: 50, ..PLAIN };
    for (name, report) in [("broken", reports::broken()), ("several", reports::several())] {
        snapshot(&format!("table-{name}-50"), &table::render(&report, &narrow));
    }
}

#[test]
fn ascii_tables_read_well() {
    let ascii = Style { unicode: false, ..PLAIN };
    snapshot("table-several-ascii", &table::render(&reports::several(), &ascii));
    for (name, report) in reports::all().into_iter().filter(|(name, _)| *name != "hostile") {
        assert!(table::render(&report, &ascii).is_ascii(), "{name}");
        assert!(short::render(&report, &ascii).is_ascii(), "{name}");
    }
}

#[test]
fn colour_only_adds_to_the_text() {
    let coloured = Style { color: true, ..PLAIN };
    snapshot("table-broken-color", &table::render(&reports::broken(), &coloured).replace('\x1b', "␛"));
    for (name, report) in reports::all() {
        let stripped = anstream::adapter::strip_str(&table::render(&report, &coloured)).to_string();
        assert_eq!(stripped, table::render(&report, &PLAIN), "{name}");
    }
}

#[test]
fn hostile_text_steers_no_terminal() {
    let report = reports::hostile();
    for text in [table::render(&report, &PLAIN), short::render(&report, &PLAIN), json::render(&report)] {
        let steering =
            text.chars().find(|c| (c.is_control() && *c != '\n' && *c != '\t') || *c == '\u{202e}');
        assert_eq!(steering, None, "{text}");
        assert!(!text.lines().any(|line| line.starts_with("VERDICT")), "{text}");
    }
}

fn sample() -> Catalogue {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let check = include_str!("reports/sample.toml");
    let short = |title: &str| {
        format!(
            "title = \"{title}\"\nsince = \"0.1.0\"\nwhy = \"\"\n[[outcome]]\nresult = \"pass\"\nmessage = \"ok\"\n"
        )
    };
    Catalogue::load([
        file("areas.toml", "[[area]]\nid = \"network\"\ntitle = \"Network\"\n[[area]]\nid = \"mfa\"\ntitle = \"Multi-factor authentication\"\n"),
        file("mfa/per-user-mfa-is-off.toml", check),
        file("network/names-resolve.toml", &short("Host names resolve")),
        file("network/certificates-are-trusted.toml", &short("The certificates of the hosts are trusted by this machine")),
    ])
    .expect("the sample loads")
}

fn needs() -> Vec<explain::Need> {
    let need = |permission: &str, fact: &str| explain::Need {
        permission: permission.into(),
        facts: vec![fact.into()],
    };
    vec![need("Policy.Read.All", "mfa.per_user_state"), need("AuditLog.Read.All", "sign_in_log.user")]
}

#[test]
fn explaining_a_check_reads_well() {
    let catalogue = sample();
    let check: &Check = catalogue.check("mfa/per-user-mfa-is-off").expect("loaded above");
    snapshot("explain", &explain::check_with(check, &needs(), &PLAIN));
    snapshot("explain-50", &explain::check(check, &Style { width: 50, unicode: false, ..PLAIN }));
    snapshot("explain-json", &explain::json(check, &needs()));
}

#[test]
fn the_list_of_checks_reads_well() {
    snapshot("list", &list::checks(&sample(), &PLAIN));
    snapshot("list-50", &list::checks(&sample(), &Style { width: 50, ..PLAIN }));
    snapshot("list-json", &list::json(&sample()));
}

#[test]
fn every_embedded_check_can_be_explained_and_listed() {
    let catalogue = Catalogue::embedded();
    let listed = list::checks(catalogue, &Style { width: 100, ..PLAIN });
    for check in catalogue.checks() {
        let text = explain::check(check, &PLAIN);
        for part in ["Why it matters", "What it reads", "References", "Examples"] {
            assert!(text.contains(part), "{}: no \"{part}\"", check.id());
        }
        assert!(listed.contains(check.id().get(..40).unwrap_or(check.id())), "{} is not listed", check.id());
    }
}

/// A line that may be wider than the terminal.
fn may_be_wide(line: &str, report: &Report) -> bool {
    let fixes =
        || report.accounts.iter().flat_map(|account| &account.first_causes).flat_map(|cause| &cause.fix);
    let commands = fixes().flat_map(|fix| [&fix.command, &fix.verify]).flatten();
    line.contains("://")
        || commands.flat_map(|command| command.lines()).any(|part| line.trim().ends_with(part.trim()))
}

/// The number in `- Area: 3 checks wait for …`.
fn folded_checks(line: &str) -> Option<usize> {
    line.split_once(" check")?.0.rsplit(' ').next()?.parse().ok()
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z]{1,12}",
        "[a-z/-]{20,90}",
        "[一-龥]{1,30}",
        "👩‍👩‍👧‍👦|é|🇨🇭",
        "https://[a-z]{1,60}",
        "\\PC{1,9}"
    ];
    proptest::collection::vec(word, 1..12).prop_map(|words| words.join(" "))
}

fn any_result() -> impl Strategy<Value = Word> {
    prop_oneof![
        Just(Word::Pass),
        Just(Word::Warn),
        Just(Word::Fail),
        Just(Word::Unknown),
        Just(Word::Skipped),
        Just(Word::NotApplicable)
    ]
}

fn any_report() -> impl Strategy<Value = Report> {
    let finding = (words(), words(), any_result());
    proptest::collection::vec(finding, 1..9).prop_map(|rows| {
        let findings = rows
            .into_iter()
            .enumerate()
            .map(|(index, (title, message, result))| syncready::engine::Finding {
                message,
                ..reports::finding(&format!("area-{}/check-{index}", index % 3), &title, result)
            })
            .collect();
        reports::report(Verdict::Ready, vec![reports::account("svc@contoso.com", Verdict::Ready, findings)])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn no_line_is_wider_than_the_terminal(report in any_report(), width in 40usize..120, unicode: bool) {
        let style = Style { width, unicode, color: false };
        for text in [table::render(&report, &style), short::render(&report, &style)] {
            for line in text.lines() {
                prop_assert!(unicode_width::UnicodeWidthStr::width(line) <= width || may_be_wide(line, &report), "{line}");
                prop_assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn formats_agree(report in any_report()) {
        let value: serde_json::Value = serde_json::from_str(&json::render(&report)).expect("valid JSON");
        let account = &value["accounts"][0];
        for (index, finding) in report.accounts[0].findings.iter().enumerate() {
            prop_assert_eq!(&account["findings"][index]["check"], &finding.check);
            prop_assert_eq!(&account["findings"][index]["result"], &serde_json::to_value(finding.result).expect("a word"));
        }
        let text = table::render(&report, &Style { width: 100, ..PLAIN });
        for (key, word) in [("pass", " ok"), ("warn", " warn"), ("fail", " FAIL"), ("unknown", " unknown")] {
            let lines = text.lines().filter(|line| !line.starts_with(' ') && line.ends_with(word)).count();
            prop_assert_eq!(&account["counts"][key], lines, "{} in\n{}", key, text);
        }
        let folded: usize = text.lines().filter(|line| line.starts_with("- ")).filter_map(folded_checks).sum();
        let counts = report.accounts[0].counts;
        prop_assert_eq!(folded, counts.skipped + counts.not_applicable);
    }
}

#[test]
fn narrow_hand_built_reports_stay_within_their_width() {
    for (name, report) in reports::all() {
        for width in [40, 50, 80, 200] {
            for line in table::render(&report, &Style { width, ..PLAIN }).lines() {
                let wide = unicode_width::UnicodeWidthStr::width(line);
                assert!(wide <= width || may_be_wide(line, &report), "{name}: {line}");
            }
        }
    }
}
