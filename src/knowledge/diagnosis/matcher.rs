//! One automaton over every code and text that is known: linear time, whatever the text.

use std::collections::{HashMap, HashSet};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

use super::status;
use crate::knowledge::{Case, Entry, Knowledge, Likely};

/// Strength of a code where its entry names none.
const CODE: u8 = 95;
/// Strength of a text where its entry names none.
const TEXT: u8 = 70;
/// From this strength on, free words beside a code or a text say no more.
const DECIDES: f64 = 0.8;
/// How far apart the texts of one entry may stand, in bytes, where it does not say so.
const NEAR: usize = 600;
/// Most places of one entry in one text that are looked at.
const PLACES: usize = 48;
/// The circumstance that goes without saying in a short text.
const FAILURE: &str = "a-failure";

/// An entry, and how many rows of texts it wants.
#[derive(Debug)]
pub(super) struct Known {
    pub entry: Entry,
    pub is_code: bool,
    rows: u32,
    /// Places of the names that it wants to see, or not to see.
    seen: Vec<usize>,
    unless: Vec<usize>,
}

impl Known {
    /// How much it decides, of one.
    pub fn strength(&self) -> f64 {
        f64::from(self.entry.strength.unwrap_or(if self.is_code { CODE } else { TEXT })) / 100.0
    }

    /// It points to causes, and is no mere circumstance.
    pub fn is_evidence(&self) -> bool {
        !self.entry.causes.is_empty()
    }
}

/// What a pattern belongs to.
#[derive(Debug, Clone, Copy)]
struct Owner {
    known: usize,
    row: u8,
    border: Border,
}

/// Where a pattern must not touch a letter or digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Border {
    Nowhere,
    /// Before it: free words may end as their language wants, and begin where a word begins.
    Before,
    Around,
}

/// Something known that stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its place among the entries.
    pub known: usize,
    /// Where it stands first, in bytes.
    pub at: usize,
}

/// Everything that is known, ready to be found.
#[derive(Debug)]
pub(super) struct Matcher {
    known: Vec<Known>,
    names: HashMap<String, usize>,
    owners: Vec<Owner>,
    patterns: Vec<String>,
    automaton: AhoCorasick,
}

impl Matcher {
    /// Reads all of it.
    pub fn new(knowledge: &Knowledge) -> Result<Self, BuildError> {
        let mut known: Vec<Known> = knowledge.entries().into_iter().map(into_known).collect();
        let mut names = HashMap::new();
        for (place, known) in known.iter().enumerate() {
            for name in std::iter::once(&known.entry.code).chain(&known.entry.also) {
                names.entry(name.to_ascii_lowercase()).or_insert(place);
            }
        }
        let places = |list: &[String]| -> Vec<usize> {
            list.iter().filter_map(|name| names.get(&name.to_ascii_lowercase()).copied()).collect()
        };
        for known in &mut known {
            (known.seen, known.unless) = (places(&known.entry.seen), places(&known.entry.unless));
        }
        let (mut owners, mut patterns) = (Vec::new(), Vec::new());
        for (place, known) in known.iter().enumerate() {
            patterns_of(known, |text, row, border| {
                // A name that another entry took over says what that one says.
                let taken = names.get(&text.to_ascii_lowercase()).is_some_and(|owner| *owner != place);
                if known.is_code && row == 0 && taken {
                    return;
                }
                patterns.push(text);
                owners.push(Owner { known: place, row, border });
            });
        }
        let automaton = build(&patterns, AhoCorasickKind::ContiguousNFA)?;
        Ok(Self { known, names, owners, patterns, automaton })
    }

    /// An entry by its place.
    pub fn known(&self, place: usize) -> &Known {
        &self.known[place]
    }

    /// The place of a name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.get(&name.to_ascii_lowercase()).copied()
    }

    /// For a quick look at long logs: the patterns of one row of each wanted entry, the one that is least
    /// likely to stand in a line, each with whether it is all that its entry wants.
    pub fn triggers(&self, wanted: impl Fn(&Known) -> bool) -> impl Iterator<Item = (&str, bool)> {
        let mut shortest: HashMap<(usize, u8), usize> = HashMap::new();
        for (owner, pattern) in self.owners.iter().zip(&self.patterns) {
            let length = shortest.entry((owner.known, owner.row)).or_insert(usize::MAX);
            *length = pattern.len().min(*length);
        }
        let mut rarest: HashMap<usize, (usize, u8)> = HashMap::new();
        for ((known, row), length) in shortest {
            let best = rarest.entry(known).or_insert((length, row));
            *best = (*best).max((length, row));
        }
        let owners = self.owners.iter().zip(&self.patterns);
        owners.filter_map(move |(owner, pattern)| {
            let known = &self.known[owner.known];
            let is_rarest = rarest.get(&owner.known).is_some_and(|(_, row)| *row == owner.row);
            (is_rarest && wanted(known)).then_some((pattern.as_str(), known.rows.is_power_of_two()))
        })
    }

    /// The patterns of every wanted entry that wants several rows, each with the place of its entry and the
    /// bits of its row and of all rows.
    pub fn rows(&self, wanted: impl Fn(&Known) -> bool) -> impl Iterator<Item = (&str, usize, [u32; 2])> {
        self.owners.iter().zip(&self.patterns).filter_map(move |(owner, pattern)| {
            let known = &self.known[owner.known];
            let several = known.rows.count_ones() > 1 && wanted(known);
            several.then_some((pattern.as_str(), owner.known, [1 << owner.row.min(31), known.rows]))
        })
    }

    /// Every pattern, with whether it needs borders.
    pub fn every_pattern(&self) -> impl Iterator<Item = (&str, bool)> {
        self.owners
            .iter()
            .zip(&self.patterns)
            .map(|(owner, pattern)| (pattern.as_str(), owner.border == Border::Around))
    }

    /// Whether a text is a pattern of something known.
    pub fn knows(&self, text: &str) -> bool {
        let text = text.as_bytes();
        self.automaton
            .find_overlapping_iter(text)
            .any(|found| found.start() == 0 && found.end() == text.len())
    }

    /// Everything known that stands in a text, by place. `paste`: the text is short and about a failure.
    pub fn find(&self, text: &str, paste: bool) -> Vec<Seen> {
        self.find_spaced(text, paste).0
    }

    /// The same, and whether it counts how far apart the texts of an entry stand.
    pub fn find_spaced(&self, text: &str, paste: bool) -> (Vec<Seen>, bool) {
        let mut places: HashMap<usize, Vec<(u8, usize)>> = HashMap::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let owner = self.owners[found.pattern().as_usize()];
            let fits = match owner.border {
                Border::Nowhere => true,
                Border::Before => begins_a_word(text.as_bytes(), found.start()),
                Border::Around => is_whole(text.as_bytes(), found.start(), found.end()),
            };
            if !fits {
                continue;
            }
            let places = places.entry(owner.known).or_default();
            if places.len() < PLACES {
                places.push((owner.row, found.start()));
            }
        }
        let mut spaced = false;
        let complete = places.into_iter().filter_map(|(known, places)| {
            let known_here = &self.known[known];
            let there = places.iter().fold(0, |rows, (row, _)| rows | 1_u32 << row.min(&31));
            let several = known_here.rows.count_ones() > 1;
            spaced |= several && (there & known_here.rows == known_here.rows || places.len() == PLACES);
            let near = known_here.entry.near.map_or(NEAR, usize::from);
            let at = together(&places, known_here.rows, near)?;
            Some(Seen { known, at })
        });
        let mut seen: Vec<Seen> = complete.collect();
        let given = if paste { self.place(FAILURE) } else { None };
        self.keep_wanted(&mut seen, given);
        seen.sort_unstable_by_key(|seen| (seen.at, seen.known));
        (seen, spaced)
    }

    /// How an entry spreads over causes in this company.
    pub fn spread<'k>(&self, known: &'k Known, there: &HashSet<usize>) -> &'k [Likely] {
        let fits = |case: &&Case| {
            case.seen.iter().all(|name| self.place(name).is_some_and(|place| there.contains(&place)))
        };
        known.entry.cases.iter().find(fits).map_or(&known.entry.causes, |case| &case.causes)
    }

    /// Drops what others explain, and free words where something else decides.
    pub fn silence(&self, seen: &mut Vec<Seen>) {
        let silenced: HashSet<usize> = seen
            .iter()
            .flat_map(|seen| &self.known[seen.known].entry.silences)
            .filter_map(|name| self.place(name))
            .collect();
        seen.retain(|seen| !silenced.contains(&seen.known));
        let decides = |seen: &Seen| {
            let known = &self.known[seen.known];
            !known.entry.free && known.is_evidence() && known.strength() >= DECIDES
        };
        if seen.iter().any(decides) {
            seen.retain(|seen| !self.known[seen.known].entry.free);
        }
    }

    /// Drops what misses its company, until nothing changes.
    fn keep_wanted(&self, seen: &mut Vec<Seen>, given: Option<usize>) {
        loop {
            let there: HashSet<usize> = seen.iter().map(|seen| seen.known).chain(given).collect();
            let before = seen.len();
            seen.retain(|seen| {
                let known = &self.known[seen.known];
                let wanted =
                    known.entry.seen.is_empty() || known.seen.iter().any(|place| there.contains(place));
                wanted && !known.unless.iter().any(|place| there.contains(place))
            });
            if seen.len() == before {
                return;
            }
        }
    }
}

/// An automaton for these patterns, whatever their letters' case.
pub(super) fn build<P: AsRef<[u8]>>(
    patterns: impl IntoIterator<Item = P>,
    kind: AhoCorasickKind,
) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(patterns)
}

fn into_known((entry, is_code): (Entry, bool)) -> Known {
    let first = is_code || !(entry.any.is_empty() && entry.words.is_empty() && entry.status.is_empty());
    let mut rows = u32::from(first);
    for row in 0..entry.all.len().min(31) {
        rows |= 2 << row;
    }
    Known { entry, is_code, rows, seen: Vec::new(), unless: Vec::new() }
}

fn patterns_of(known: &Known, mut put: impl FnMut(String, u8, Border)) {
    let entry = &known.entry;
    if known.is_code {
        put(entry.code.clone(), 0, Border::Around);
        entry.also.iter().for_each(|name| put(name.clone(), 0, Border::Around));
    }
    let border = if entry.free { Border::Before } else { Border::Nowhere };
    entry.any.iter().for_each(|text| put(text.clone(), 0, border));
    entry.words.iter().for_each(|text| put(text.clone(), 0, Border::Around));
    for status in &entry.status {
        status::forms(*status).for_each(|form| put(form, 0, Border::Around));
    }
    for (row, texts) in (1..).zip(&entry.all) {
        for text in texts {
            put(text.clone(), row, border);
        }
    }
}

/// Whether a word begins at a place: after a sign, or where small letters end and a capital follows.
pub(super) fn begins_a_word(text: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1).map(|place| text[place]) else { return true };
    !(before.is_ascii_alphanumeric() && text[start].is_ascii_alphanumeric())
        || before.is_ascii_lowercase() && text[start].is_ascii_uppercase()
}

/// Whether nothing of a word stands before or behind. Signs at the pattern's own ends need no border.
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let before = start > 0 && part(text[start]) && part(text[start - 1]);
    let after = end < text.len() && part(text[end - 1]) && part(text[end]);
    !before && !after
}

/// Where all rows stand near each other: the first place of such a window.
fn together(places: &[(u8, usize)], rows: u32, near: usize) -> Option<usize> {
    let mut sorted: Vec<(usize, u8)> = places.iter().map(|(row, at)| (*at, *row)).collect();
    sorted.sort_unstable();
    sorted.iter().enumerate().find_map(|(index, (start, _))| {
        let mut found = 0;
        for (at, row) in sorted[index..].iter().take_while(|(at, _)| at - start <= near) {
            let _ = at;
            found |= 1_u32 << row.min(&31);
        }
        (rows != 0 && found & rows == rows).then_some(*start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(text: &str) -> Matcher {
        let files = [("texts/t".to_owned(), text.to_owned())];
        Matcher::new(&Knowledge::load(files).expect("loads")).expect("builds")
    }

    fn names(matcher: &Matcher, text: &str) -> Vec<String> {
        matcher
            .find(text, false)
            .into_iter()
            .map(|seen| matcher.known(seen.known).entry.code.clone())
            .collect()
    }

    #[test]
    fn words_need_borders_and_parts_do_not() {
        let matcher =
            matcher("[a]\nmeans = 'm'\nwords = ['E12']\n\n[b]\nmeans = 'm'\nany = ['cannot conn']\n");
        assert_eq!(names(&matcher, "it Cannot Connect: E123"), ["b"]);
        assert_eq!(names(&matcher, "(e12)"), ["a"]);
    }

    #[test]
    fn free_words_begin_where_a_word_begins() {
        let matcher = matcher("[a]\nmeans = 'm'\nfree = true\nall = [['event', 'lack'], ['not found']]\n");
        for text in [
            "events were not found",
            "an Event: not found",
            "CalendarEvent not found",
            "(event_id) not found",
        ] {
            assert_eq!(names(&matcher, text), ["a"], "{text}");
        }
        for text in ["to prevent it: not found", "on a blacklist, not found"] {
            assert!(names(&matcher, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn rows_must_stand_near_each_other() {
        let matcher = matcher("[a]\nmeans = 'm'\nall = [['only', 'just'], ['own mailbox']]\n");
        assert_eq!(names(&matcher, "just my own mailbox"), ["a"]);
        assert!(names(&matcher, &format!("only{}own mailbox", " ".repeat(NEAR))).is_empty());
    }

    #[test]
    fn company_counts() {
        let file = "[a]\nmeans = 'm'\nany = ['x1']\nseen = ['b']\n\n[b]\nmeans = 'm'\nany = ['y1']\nunless = ['c']\n\n\
                    [c]\nmeans = 'm'\nany = ['z1']\n";
        let matcher = matcher(file);
        assert_eq!(names(&matcher, "x1"), Vec::<String>::new());
        assert_eq!(names(&matcher, "x1 y1"), ["a", "b"]);
        assert_eq!(names(&matcher, "x1 y1 z1"), ["c"]);
    }

    #[test]
    fn a_status_is_found_in_the_forms_of_many_programs() {
        let matcher = matcher("[a]\nmeans = 'm'\nstatus = [403]\n");
        for text in [
            "HTTP/1.1 403 Forbidden",
            "error: (403) Forbidden.",
            "\"status\": 403,",
            "status code 403",
            "HTTP 403",
        ] {
            assert_eq!(names(&matcher, text), ["a"], "{text}");
        }
        assert!(names(&matcher, "status 4031, took 403 ms").is_empty());
    }
}
