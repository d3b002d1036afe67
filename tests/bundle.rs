//! Bundles of every scenario: nothing personal is in them, and they are judged as the original was.
//!
//! `SCENARIO=mfa cargo test --test bundle` looks at those with "mfa" in their names.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use syncready::{
    bundle::{self, Bundle, Redaction, file},
    cli::{
        bundle::Made,
        trial::{self, Trial},
    },
    facts::{Document, catalogue, privacy},
    lab::{self, Options, Scenario},
    report,
};

/// Labs at the same time: few enough that a slow machine does not look like a slow network.
const AT_ONCE: usize = 4;

struct Case {
    trial: Trial,
    made: Made,
    bundle: Bundle,
}

static CASES: LazyLock<Vec<(Scenario, Result<Case, String>)>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let one = |scenario: Scenario| async move {
        let trial = trial::run(&scenario, Options::default(), str::to_owned).await;
        let case = trial.and_then(|trial| {
            let made = trial::bundle(&trial.document, &trial.config, Vec::new())?;
            let bundle = bundle::open(made.archive.as_slice()).map_err(|refusal| refusal.to_string())?;
            Ok(Case { trial, made, bundle })
        });
        (scenario, case)
    };
    let part = std::env::var("SCENARIO").unwrap_or_default();
    let scenarios = lab::scenarios().into_iter().filter(|scenario| scenario.name.contains(&part));
    runtime.block_on(stream::iter(scenarios).map(one).buffered(AT_ONCE).collect())
});

fn complain(about: impl Fn(&Case) -> Vec<String>) {
    let mut complaints = Vec::new();
    for (scenario, case) in CASES.iter() {
        let found = match case {
            Ok(case) => about(case),
            Err(error) => vec![error.clone()],
        };
        complaints.extend(found.into_iter().map(|text| format!("{}: {text}", scenario.name)));
    }
    let count = complaints.len();
    complaints.truncate(40);
    assert!(complaints.is_empty(), "\n{count} complaints\n{}", complaints.join("\n"));
}

fn text(bundle: &Bundle, name: &str) -> String {
    String::from_utf8_lossy(bundle.file(name).unwrap_or_default()).into_owned()
}

fn facts(bundle: &Bundle) -> Document {
    Document::parse(&text(bundle, file::FACTS)).expect("redacted facts are facts")
}

/// What a report says besides words: verdicts, results and causes, in their order.
fn bones(report: &Value) -> Vec<Value> {
    let pick =
        |value: &Value, names: &[&str]| names.iter().map(|name| value[*name].clone()).collect::<Vec<_>>();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut bones = vec![report["verdict"].clone()];
    for account in list(&report["accounts"]) {
        bones.extend(pick(&account, &["verdict", "counts", "world", "profile"]));
        for unknown in list(&account["cannot_determine"]) {
            bones.extend(pick(&unknown, &["permission", "reason", "checks"]));
        }
        for cause in list(&account["first_causes"]) {
            bones.extend(pick(&cause, &["cause", "check", "also", "hides", "settles"]));
        }
        for finding in list(&account["findings"]) {
            bones.extend(pick(&finding, &["check", "result", "cause", "settles", "evidence", "waived"]));
            bones.extend(pick(&finding["reason"], &["code", "permission", "because"]));
            bones.push(list(&finding["fix"]).len().into());
        }
    }
    bones
}

#[test]
fn every_bundle_is_judged_as_the_original() {
    complain(|case| {
        let mut complaints: Vec<String> =
            case.made.rejudged.differs.iter().map(|difference| format!("{difference:?}")).collect();
        let again = match trial::replay(&facts(&case.bundle)) {
            Ok(report) => report,
            Err(error) => return vec![error],
        };
        let json = |report| serde_json::from_str::<Value>(&report::json::render(report)).expect("JSON");
        if bones(&json(&again)) != bones(&json(&case.trial.report)) {
            complaints.push("the reports differ in more than words".into());
        }
        if report::json::render(&again) != text(&case.bundle, file::FINDINGS) {
            complaints.push("the findings in the bundle are not those of its facts".into());
        }
        complaints
    });
}

/// Findings with everything that may differ by a token's form taken out of the comparison.
fn messages(report: &Value) -> Vec<String> {
    let accounts = report["accounts"].as_array().into_iter().flatten();
    let findings = accounts.flat_map(|account| account["findings"].as_array().into_iter().flatten());
    findings.filter_map(|finding| finding["message"].as_str()).map(str::to_lowercase).collect()
}

#[test]
fn messages_differ_by_tokens_only() {
    complain(|case| {
        let original: Value = serde_json::from_str(&report::json::render(&case.trial.report)).expect("JSON");
        let redacted: Value = serde_json::from_str(&text(&case.bundle, file::FINDINGS)).expect("JSON");
        let tokens = case.made.book.reverse();
        let pairs = messages(&original).into_iter().zip(messages(&redacted));
        pairs
            .map(|(original, redacted)| (original, bundle::reveal(&redacted, tokens).to_lowercase()))
            .filter(|(original, revealed)| original != revealed)
            .map(|(original, revealed)| format!("\n  was      {original}\n  revealed {revealed}"))
            .collect()
    });
}

/// Names of fields of a world behind which stand names that somebody gave.
const PERSONAL: &[&str] = &[
    "displayName",
    "givenName",
    "surname",
    "userPrincipalName",
    "mail",
    "mailNickname",
    "jobTitle",
    "id",
    "appId",
    "domain",
    "initial_domain",
    "display_name",
    "ip",
    "tenant",
    "brand",
    "PrimarySmtpAddress",
    "proxyAddresses",
    "otherMails",
    "sAMAccountName",
    "distinguishedName",
    "members",
    "name",
    "path",
    "ScopeName",
    "DisplayName",
    "ObjectId",
    "AppId",
    "address",
    "server",
    "secret",
    "password",
    "refresh_token",
    "thumbprint",
    "filter",
    "Name",
    "RoleAssigneeName",
    "issuerUri",
    "keyId",
    "auth_url",
    "active_auth_url",
    "scope",
];

/// Collections whose keys are names of hosts and domains, or addresses.
const KEYED: &[&str] = &["hosts", "domains", "realms", "mailbox_errors", "access_policy_tests"];

fn personal(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if PERSONAL.contains(&key) || text.contains('@') => {
            found.insert(text.trim_start_matches("SMTP:").trim_start_matches("smtp:").to_owned());
        }
        Value::Array(items) => items.iter().for_each(|item| personal(item, key, found)),
        Value::Object(fields) => {
            if KEYED.contains(&key) {
                found.extend(fields.keys().cloned());
            }
            fields.iter().for_each(|(name, value)| personal(value, name, found));
        }
        _ => {}
    }
}

/// What a world holds that nobody outside may see.
fn canaries(case: &Case) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in [
        "tenant",
        "users",
        "deleted_users",
        "groups",
        "service_principals",
        "applications",
        "domains",
        "realms",
        "exchange",
        "ews",
        "rbac",
        "directory",
        "hosts",
        "policies",
        "client",
        "sign_ins",
        "import",
    ] {
        personal(&case.trial.world[part], part, &mut found);
    }
    found.extend(case.trial.secrets.iter().cloned());
    found.extend(case.trial.document.accounts.iter().map(|account| account.address.clone()));
    found.extend(found.clone().iter().filter_map(|text| Some(text.split_once('@')?.0.to_owned())));
    let redaction: Redaction = serde_json::from_str(&text(&case.bundle, file::REDACTION)).expect("a report");
    let kept: BTreeSet<String> = redaction.kept.into_iter().flat_map(|kept| kept.values).collect();
    // What the report lists stays; a word that the checks themselves use tells nothing.
    let vocabulary = own_words();
    // Names made of everyday words, which the texts of checks hold as well.
    let everyday = |text: &str| {
        !text.contains("contoso")
            && !text.contains(|c: char| c == '@' || c.is_ascii_digit())
            && own_text().contains(text)
    };
    found
        .into_iter()
        .filter(|text| text.chars().count() >= 4 && !kept.contains(&text.to_lowercase()))
        .filter(|text| {
            !vocabulary.contains(text.to_lowercase().as_str())
                && !is_microsofts(text)
                && !EVERYBODYS.contains(&text.as_str())
        })
        .filter(|text| !everyday(&text.to_lowercase()))
        .collect()
}

/// Names that are the same in every tenant, and the mark of our own test sync.
const EVERYBODYS: [&str; 2] = ["Office 365 Exchange Online", "syncready-test-sync"];

fn is_microsofts(text: &str) -> bool {
    let host = text.rsplit("://").next().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    [
        "microsoft.com",
        "microsoftonline.com",
        "outlook.com",
        "office365.com",
        "office.com",
        "windows.net",
        "microsoftonline.us",
        "office365.us",
        "microsoft.us",
        "azure.net",
        "127.0.0.1",
        "169.254.169.254",
    ]
    .iter()
    .any(|known| host.ends_with(known))
}

/// The texts that the program brings along, in small letters.
fn own_text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let texts = syncready::engine::Catalogue::embedded_texts();
        texts.map(|text| text.split("[[example]]").next().unwrap_or_default().to_lowercase()).collect()
    });
    &TEXT
}

/// Their words: roles, permissions, parts of licenses and the like.
fn own_words() -> &'static BTreeSet<&'static str> {
    static WORDS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let words = own_text().split(|c: char| !(c.is_alphanumeric() || "._-".contains(c)));
        let words = words.map(|word| word.trim_matches('.'));
        words.filter(|word| !word.contains("contoso") && !word.starts_with("svc")).collect()
    });
    &WORDS
}

/// A value as it is, percent-encoded, and in base64 wherever in a text it begins.
fn forms(value: &str) -> BTreeSet<String> {
    let encode = |plain: fn(char) -> bool| -> String {
        let mut text = String::new();
        for c in value.chars() {
            if plain(c) {
                text.push(c);
            } else {
                c.to_string().bytes().for_each(|byte| write!(text, "%{byte:02x}").expect("a text grows"));
            }
        }
        text
    };
    let mut forms = BTreeSet::from([value.to_owned(), value.replace('\\', "\\\\")]);
    forms.insert(encode(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)));
    forms.insert(encode(|c| c.is_ascii_alphanumeric() || "-._~@:/".contains(c)));
    if value.len() >= 9 {
        for shift in 0..3 {
            let packed = STANDARD_NO_PAD.encode(format!("{}{value}", "x".repeat(shift)));
            // Without the signs that depend on what stands beside.
            forms.insert(packed[if shift == 0 { 0 } else { 4 }..packed.len() - 2].to_owned());
        }
    }
    forms
}

#[test]
fn nothing_personal_is_in_a_bundle() {
    complain(|case| {
        let canaries = canaries(case);
        assert!(canaries.len() > 10, "{canaries:?}");
        let forms: Vec<(String, &String)> = canaries
            .iter()
            .flat_map(|canary| forms(canary).into_iter().map(move |form| (form, canary)))
            .collect();
        let automaton = aho_corasick::AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(forms.iter().map(|(form, _)| form))
            .expect("builds");
        let mut complaints = Vec::new();
        for member in &case.bundle.members {
            let content = String::from_utf8_lossy(&member.bytes);
            for hit in automaton.find_iter(content.as_ref()).take(3) {
                let start = content.floor_char_boundary(hit.start().saturating_sub(60));
                let end = content.ceil_char_boundary((hit.end() + 30).min(content.len()));
                let canary = forms[hit.pattern().as_usize()].1;
                complaints.push(format!("{} holds `{canary}`: …{}…", member.name, &content[start..end]));
            }
        }
        complaints
    });
}

#[test]
fn the_same_facts_make_the_same_bundle() {
    complain(|case| {
        let again = trial::bundle(&case.trial.document, &case.trial.config, Vec::new()).expect("made");
        let same = again.archive == case.made.archive;
        if same { Vec::new() } else { vec!["made again, it has other bytes".into()] }
    });
}

/// A document with this text at every path of the catalogue where a text may stand, and at some that
/// nobody declared.
fn everywhere(text: &str) -> Document {
    let mut document = Document::new("2026-11-21T08:00:00Z");
    let mut account = syncready::facts::Account {
        address: "svc@unlikely.example".into(),
        tenant: "unlikely.example".into(),
        profile: "generic-graph".into(),
        ..Default::default()
    };
    document.tenants.insert("unlikely.example".into(), syncready::facts::Tenant::default());
    // What is public may be an id.
    let by_path = |path: &String| {
        let public = matches!(privacy::of(path), privacy::Privacy::Public | privacy::Privacy::Request);
        !(public && text.starts_with("7e57ca4a"))
    };
    for path in privacy::texts()
        .filter(by_path)
        .chain(["external.crm.owner".into(), "external.crm.rows[].mail".into()])
    {
        let list = catalogue::fact(&path).is_some_and(|fact| fact.kind == catalogue::Kind::List);
        let leaf = if list { serde_json::json!([text]) } else { text.into() };
        let (head, rest) =
            path.split_once("[].").map_or((path.as_str(), None), |(head, rest)| (head, Some(rest)));
        let Some(rest) = rest else {
            account.section.set(head, leaf);
            continue;
        };
        let mut row = syncready::facts::Section::default();
        row.set(rest, leaf);
        let mut rows = account.section.get(head).cloned().unwrap_or_else(|| serde_json::json!([]));
        rows.as_array_mut().expect("a list").push(row.facts.into());
        account.section.set(head, rows);
    }
    document.accounts.push(account);
    document
}

#[test]
fn whatever_stands_at_any_fact_is_redacted() {
    for canary in [
        "zofia.wisniewska@unlikely-canary.com",
        "7e57ca4a-1111-4222-8333-944455566677",
        "203.0.113.77",
        "filesrv07.unlikely-canary.com",
        "https://unlikely-canary.com/people/wisniewska?who=zofia",
        "CN=Zofia Wisniewska,OU=Unlikely,DC=unlikely-canary,DC=com",
        "UNLIKELY\\zofia.wisniewska",
    ] {
        let mut book = bundle::Book::new(false);
        let redacted = bundle::facts(&everywhere(canary), &mut book);
        let mut leaks = Vec::new();
        let text = serde_json::to_string_pretty(&redacted).expect("JSON").to_lowercase();
        for piece in ["wisniewska", "zofia", "unlikely", "7e57ca4a", "203.0.113", "filesrv07"] {
            leaks.extend(text.lines().filter(|line| line.contains(piece)).map(str::to_owned));
        }
        assert!(leaks.is_empty(), "{canary}: {leaks:#?}");
    }
}

#[test]
fn a_map_is_never_in_the_archive() {
    complain(|case| {
        let all: Vec<&str> = case.bundle.members.iter().map(|member| member.name.as_str()).collect();
        let known = [
            file::MANIFEST,
            file::REDACTION,
            file::FACTS,
            file::FINDINGS,
            file::SUMMARY,
            file::RUN_LOG,
            file::ENVIRONMENT,
            file::CONFIGURATION,
        ];
        all.into_iter().filter(|name| !known.contains(name)).map(str::to_owned).collect()
    });
}

/// A log of a product with everything that the facts tell, and more.
const LOG: &str = "\
2026-11-21 08:00:01 INFO  start, user svc-sync@contoso.com from 203.0.113.99 on EXSRV77.corp.unlikely-canary.local
2026-11-21 08:00:02 DEBUG {\"displayName\":\"Zofia Wisniewska\",\"mail\":\"zofia.wisniewska@unlikely-canary.com\"}
2026-11-21 08:00:03 ERROR AADSTS50076 for Wisniewska, Correlation ID: 7e57ca4a-1111-4222-8333-944455566677
2026-11-21 08:00:04 TRACE Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2cifQ.c2lnbmF0dXJlc2lnbmF0dXJl
2026-11-21 08:00:05 TRACE owner=em9maWEud2lzbmlld3NrYUB1bmxpa2VseS1jYW5hcnkuY29t password=canary-hunter2
2026-11-21 08:00:06 INFO  UNLIKELY-CANARY\\zofia.wisniewska C:\\Users\\zofia.wisniewska\\AppData \\\\exsrv77\\share
2026-11-21 08:00:07 INFO  GET /users/zofia.wisniewska%40unlikely-canary.com 403 ErrorAccessDenied
";

#[test]
fn logs_lose_names_and_secrets_and_keep_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sync.log");
    let wide: Vec<u8> = format!("\u{feff}{LOG}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, wide).expect("written");
    let mut document = Document::new("2026-11-21T08:00:00Z");
    document.tenants.insert("contoso.com".into(), syncready::facts::Tenant::default());
    document.accounts.push(syncready::facts::Account {
        address: "svc-sync@contoso.com".into(),
        tenant: "contoso.com".into(),
        profile: "generic-graph".into(),
        ..Default::default()
    });
    let made = trial::bundle(&document, "", vec![path]).expect("made");
    let bundle = bundle::open(made.archive.as_slice()).expect("opens");
    let log = text(&bundle, "logs/1.log");
    let all: String =
        bundle.members.iter().map(|member| String::from_utf8_lossy(&member.bytes).to_lowercase()).collect();
    for gone in [
        "zofia",
        "wisniewska",
        "unlikely",
        "exsrv77",
        "203.0.113",
        "eyjhb",
        "hunter2",
        "em9maw",
        "contoso",
        "svc-sync",
    ] {
        assert!(!all.contains(gone), "{gone}: {log}");
    }
    for kept in [
        "account-1@domain-1.example",
        "AADSTS50076",
        "7e57ca4a-1111-4222-8333-944455566677",
        "ErrorAccessDenied",
        "403",
        "2026-11-21 08:00:07",
    ] {
        assert!(log.contains(kept), "{kept}: {log}");
    }
}
