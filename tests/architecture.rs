//! Keeps the layers as they are: who may use whom, and who may touch the outside world.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Layer → layers that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("bundle", &["engine", "facts", "knowledge"]),
    ("cli", &["bundle", "collect", "engine", "facts", "knowledge", "lab", "report", "sync", "wire"]),
    ("collect", &["facts", "sync", "wire"]),
    ("engine", &["facts"]),
    ("facts", &[]),
    ("knowledge", &["facts"]),
    ("lab", &[]),
    ("report", &["engine", "facts", "knowledge"]),
    ("sync", &["facts", "wire"]),
    ("wire", &["facts"]),
];

/// What only these layers may name, outside their tests.
const DOORS: &[(&str, &[&str], &[&str])] = &[
    (
        "sockets",
        &[
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "TcpSocket",
            "reqwest::",
            "hickory_net::",
            "hickory_resolver::",
        ],
        &["wire", "lab"],
    ),
    (
        "the clock",
        &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "Utc::now"],
        &["wire", "lab", "collect", "cli", "sync"],
    ),
    ("files", &["std::fs", "tokio::fs", "fs::read", "fs::write", "File::open"], &["wire", "lab", "cli"]),
    ("the environment", &["std::env", "env::var"], &["wire", "cli", "lab"]),
    ("standard output", &["println!", "print!", "eprintln!", "io::stdout", "io::stderr"], &["cli"]),
];

struct Source {
    layer: String,
    path: PathBuf,
    code: String,
}

/// Every file below `src/`, without comments and without its tests.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inner = path.strip_prefix(&root).expect("below src").to_owned();
                let layer = inner.iter().next().expect("a first part").to_string_lossy().replace(".rs", "");
                let code = strip(&fs::read_to_string(&path).expect("readable"));
                found.push(Source { layer, path: inner, code });
            }
        }
    }
    found
}

/// Without comments, and without the test module at the file's foot.
fn strip(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The layers that a text names behind `crate::`, grouped imports included.
fn named_layers(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            named.extend(group_heads(group));
        } else {
            named.insert(head(rest));
        }
    }
    named
}

/// First segments of the items of `{a::b, c::{d, e}}`, without its opening brace.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (1, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (c == ',' && depth == 1) {
            heads.push(head(group[start..at].trim()));
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn head(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_top_level_holds_what_it_should() {
    let known = [
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "benches",
        "checks",
        "docs",
        "fuzz",
        "snapshots",
        "src",
        "target",
        "tests",
    ];
    let entries = fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the project is readable");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    let unknown: Vec<_> =
        names.filter(|name| !name.starts_with('.') && !known.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(layer, _)| *layer == source.layer) else { continue };
        for named in named_layers(&source.code) {
            let known = ALLOWED.iter().any(|(layer, _)| *layer == named);
            if known && named != source.layer && !allowed.contains(&named.as_str()) {
                wrong.push(format!("{} uses {named}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn wire_uses_nothing_of_facts_but_evidence() {
    let allowed = ["Exchange", "Timings"];
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.layer == "wire") {
        for (at, _) in source.code.match_indices("facts::") {
            let rest = &source.code[at + "facts::".len()..];
            let names = rest.strip_prefix('{').map_or_else(|| vec![head(rest)], group_heads);
            wrong.extend(
                names
                    .into_iter()
                    .filter(|name| !allowed.contains(&name.as_str()))
                    .map(|name| format!("{} uses facts::{name}", source.path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_layer_is_listed() {
    let layers: BTreeSet<_> = sources().into_iter().map(|source| source.layer).collect();
    let listed: BTreeSet<_> = ALLOWED.iter().map(|(layer, _)| (*layer).to_owned()).collect();
    let unlisted: Vec<_> =
        layers.difference(&listed).filter(|layer| !["main", "lib"].contains(&layer.as_str())).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}

#[test]
fn only_their_doors_lead_outside() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (what, names, doors) in DOORS {
            if doors.contains(&source.layer.as_str()) {
                continue;
            }
            let hits = names.iter().filter(|name| source.code.contains(**name));
            wrong.extend(hits.map(|name| format!("{} reaches for {what}: {name}", source.path.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn grouped_imports_are_seen() {
    let code = "use crate::{engine::{Report, Word}, wire};\nlet x = crate::facts::Tool::this();";
    assert_eq!(named_layers(code).into_iter().collect::<Vec<_>>(), ["engine", "facts", "wire"]);
}

#[test]
fn no_code_knows_a_check() {
    // The examples of `--help` are documentation.
    let help = Path::new("cli").join("args.rs");
    let mut wrong = Vec::new();
    for source in sources().into_iter().filter(|source| source.path != help) {
        for check in syncready::engine::Catalogue::embedded().checks() {
            if source.code.contains(&format!("\"{}\"", check.id())) {
                wrong.push(format!("{} names {}", source.path.display(), check.id()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
