//! The book of tokens: which value has which token in this bundle.
//!
//! Tokens are numbered as values come up, so nothing of a value can be worked out from its token. The
//! same value has the same token in whatever letter case; how it was written (small, capital, mixed)
//! stays visible, because services tell some names apart by it.

mod kinds;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::words::{self, known};

/// Most values that get a token of their own.
const MOST: usize = 200_000;

/// Kinds of values that are told apart although they may be written alike.
const NAMED: &[&str] =
    &["account", "domain", "host", "id", "relative identifier", "security identifier", "user"];

/// A value for which running text is searched.
#[derive(Debug, Clone)]
pub struct Needle {
    /// The value as it was first seen.
    pub value: String,
    /// Its token in small letters.
    pub token: String,
    /// Only this letter case counts: it is made of everybody's words.
    pub exact: bool,
    /// It counts inside longer words too.
    pub inside: bool,
}

/// How often values of a kind were replaced in a file, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// File in the bundle.
    pub file: String,
    /// Kind of value.
    pub kind: String,
    /// What told it.
    pub rule: &'static str,
}

/// Values, tokens, and what was counted.
#[derive(Debug, Default)]
pub struct Book {
    /// Personal values stay; secrets go nevertheless.
    pub keep: bool,
    tokens: HashMap<(String, String), String>,
    counts: BTreeMap<String, usize>,
    issued: HashSet<String>,
    first: BTreeMap<String, String>,
    needles: Vec<Needle>,
    sought: HashSet<String>,
    requests: HashSet<String>,
    file: String,
    rule: &'static str,
    learning: bool,
    lines: BTreeMap<Line, u64>,
    kept: BTreeMap<&'static str, BTreeSet<String>>,
    full: bool,
    hosts: Option<fn(&str) -> bool>,
}

impl Book {
    /// An empty book; `keep`: personal values stay as they are.
    pub fn new(keep: bool) -> Self {
        Self { keep, ..Self::default() }
    }

    /// Hosts that stay, beside those of [`known`].
    #[must_use]
    pub fn keeping_hosts(mut self, hosts: fn(&str) -> bool) -> Self {
        self.hosts = Some(hosts);
        self
    }

    pub(in crate::bundle) fn is_kept_host(&self, host: &str) -> bool {
        self.hosts.is_some_and(|keeps| keeps(host))
    }

    /// From here on values stand in this file.
    pub fn open(&mut self, file: &str) {
        file.clone_into(&mut self.file);
    }

    /// From here on values are told by this rule; gives the rule before.
    pub fn by(&mut self, rule: &'static str) -> &'static str {
        std::mem::replace(&mut self.rule, rule)
    }

    /// From here on values get tokens, and are not counted.
    pub fn learn(&mut self, learning: bool) {
        self.learning = learning;
    }

    /// The same for this work alone.
    fn learning<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.learning, true);
        let done = work(self);
        self.learning = before;
        done
    }

    fn count(&mut self, kind: &str) {
        if !self.learning {
            let line = Line { file: self.file.clone(), kind: kind.to_owned(), rule: self.rule };
            *self.lines.entry(line).or_default() += 1;
        }
    }

    /// Counts a value that was found once more by its token.
    pub fn again(&mut self, token: &str) {
        let kind = token.rsplit_once('-').map_or(token, |(kind, _)| kind).to_owned();
        self.count(&kind);
    }

    /// Counts a secret that was removed.
    pub fn removed(&mut self, kind: &str) {
        let before = self.by("secret");
        self.count(kind);
        self.rule = before;
    }

    /// Notes a value that stays.
    pub fn keeps(&mut self, what: &'static str, value: &str) {
        let kept = self.kept.entry(what).or_default();
        if kept.len() < 1000 {
            kept.insert(value.to_lowercase());
        }
    }

    /// Whether this is a token of this book.
    pub fn is_token(&self, text: &str) -> bool {
        self.issued.contains(&text.to_lowercase())
    }

    /// An id by which a vendor finds a request: it stays wherever it stands.
    pub fn request(&mut self, id: &str) {
        if self.requests.len() < MOST {
            self.requests.insert(id.to_lowercase());
        }
    }

    /// Whether it is such an id.
    pub fn is_request(&self, id: &str) -> bool {
        self.requests.contains(&id.to_lowercase())
    }

    /// What was replaced, and how often.
    pub fn lines(&self) -> &BTreeMap<Line, u64> {
        &self.lines
    }

    /// What stayed on purpose, by kind.
    pub fn kept(&self) -> impl Iterator<Item = (&'static str, Vec<&str>)> {
        self.kept.iter().map(|(what, values)| (*what, values.iter().map(String::as_str).collect()))
    }

    /// Number of values by kind of token.
    pub fn values(&self) -> &BTreeMap<String, usize> {
        &self.counts
    }

    /// Token → value, as it was first seen.
    pub fn reverse(&self) -> &BTreeMap<String, String> {
        &self.first
    }

    /// What running text is searched for.
    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// There were more values than tokens.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The token of a value in a group of its own numbers; `make` writes a number down.
    fn token(&mut self, kind: &str, value: &str, make: impl Fn(usize) -> String) -> String {
        if self.keep {
            return value.to_owned();
        }
        self.count(kind);
        // A name is the same name whatever bears it: the group, the app, the line of a log.
        let space = if NAMED.contains(&kind) { kind } else { "" };
        let key = (space.to_owned(), value.to_lowercase());
        if let Some(token) = self.tokens.get(&key) {
            return token.clone();
        }
        if self.tokens.len() >= MOST {
            self.full = true;
            return make(0);
        }
        let number = self.counts.entry(kind.to_owned()).or_default();
        *number += 1;
        let token = make(*number);
        self.issued.insert(token.clone());
        self.first.insert(token.clone(), value.to_owned());
        self.tokens.insert(key, token.clone());
        token
    }

    /// A name: `group-3`. Running text is searched for it from now on.
    pub fn named(&mut self, kind: &str, value: &str) -> String {
        let value = value.trim();
        let token = self.token(kind, value, |number| format!("{kind}-{number}"));
        self.seek(value, &token, false);
        cased(&token, value)
    }

    /// Running text is searched for the value from now on, unless it is everybody's.
    fn seek(&mut self, value: &str, token: &str, inside: bool) {
        if self.keep {
            return;
        }
        let letters = value.chars().filter(|c| c.is_alphabetic()).count();
        let word = words::parts(value).count() <= 1 && known().is_word(value);
        if letters < 3 || value.len() > 400 || word || known().is_name(value) {
            return;
        }
        if self.sought.insert(value.to_lowercase()) {
            let exact = known().is_phrase(value);
            let inside = inside && letters >= 5 && !exact;
            self.needles.push(Needle { value: value.to_owned(), token: token.to_owned(), exact, inside });
        }
    }

    /// The other ways in which the name of a person is written: `Doe, Jane`, `jane.doe`, `jdoe`.
    fn spoken(&mut self, words: &[&str], token: &str) {
        let person = |word: &&str| word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '’');
        let [first, middle @ .., last] = words else { return };
        if middle.len() > 2 || !words.iter().all(person) || words.iter().all(|word| known().is_phrase(word)) {
            return;
        }
        let whole = [&[*first], middle].concat().join(" ");
        let mut ways = vec![format!("{last}, {whole}"), format!("{last} {whole}"), format!("{whole} {last}")];
        for (one, other) in [(first, last), (last, first)] {
            let initial: String = one.chars().take(1).collect();
            ways.extend([" ", ", ", ".", "_", "-"].map(|between| format!("{one}{between}{other}")));
            ways.extend(["", ".", ". "].map(|between| format!("{initial}{between}{other}")));
        }
        for way in ways.iter().filter(|way| way.chars().count() >= 4) {
            self.seek(way, token, false);
        }
    }

    /// The name that an address is made of: `jane.doe@…` is Jane Doe's.
    fn spelled(&mut self, local: &str) {
        if self.keep {
            return;
        }
        let words: Vec<&str> = local.split(['.', '_']).collect();
        let fits =
            |word: &&str| word.chars().count() >= 2 && word.chars().all(|c| c.is_alphabetic() || c == '-');
        if !(2..=3).contains(&words.len()) || !words.iter().all(fits) || known().is_phrase(local) {
            return;
        }
        let name = words.join(" ");
        let token = self.learning(|book| book.token("name", &name, |number| format!("name-{number}")));
        self.seek(&name, &token, false);
        let words: Vec<&str> = words.iter().flat_map(|word| word.split('-')).collect();
        self.spoken(&words, &token);
    }

    /// The words of a name: in running text they often stand alone.
    fn pieces(&mut self, value: &str) {
        let pieces: Vec<&str> = value.split(|c: char| !c.is_alphanumeric()).collect();
        if self.keep || !(2..=6).contains(&pieces.len()) {
            return;
        }
        for piece in pieces {
            let fits = piece.chars().count() >= 4
                && piece.chars().all(char::is_alphabetic)
                && !known().is_phrase(piece);
            if fits && !self.sought.contains(&piece.to_lowercase()) {
                let token =
                    self.learning(|book| book.token("name", piece, |number| format!("name-{number}")));
                self.seek(piece, &token, false);
            }
        }
    }
}

/// A token in the letters of what it stands for: small, capital, or mixed.
pub fn cased(token: &str, value: &str) -> String {
    let letters: Vec<char> = value.chars().filter(|c| c.is_alphabetic()).collect();
    let (small, capital) =
        (letters.iter().any(|c| c.is_lowercase()), letters.iter().any(|c| c.is_uppercase()));
    match (small, capital) {
        (false, true) => token.to_uppercase(),
        (true, true) => {
            let mut chars = token.chars();
            chars
                .next()
                .map(|first| first.to_uppercase().collect::<String>() + chars.as_str())
                .unwrap_or_default()
        }
        _ => token.to_owned(),
    }
}
