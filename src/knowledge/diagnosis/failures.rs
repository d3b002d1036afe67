//! Failures that were seen so far: the same ones together, in bounded memory.

use std::collections::{HashMap, HashSet};

use crate::knowledge::Heals;

/// Most different failures that are kept.
const MOST: usize = 512;
/// Most lines of one failure that are kept.
const LINES: usize = 8;
/// Most names (addresses, hosts) of one failure that are kept.
const SUBJECTS: usize = 16;
/// Most names whose successes are remembered.
const HEALED: usize = 1 << 17;

/// A line that a failure rests on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// What stands there, without secrets and without what steers a terminal.
    pub text: String,
}

/// One kind of failure, however often it happened.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Places of what was recognized, sorted.
    pub evidence: Vec<usize>,
    /// How deep in a chain of errors each stands, from 0 (the deepest) up.
    pub depth: Vec<u8>,
    /// Circumstances in the same piece.
    pub contexts: Vec<usize>,
    /// Its first lines.
    pub lines: Vec<Line>,
    pub count: u64,
    pub first: Moment,
    pub last: Moment,
    /// Codes in it that nothing is known of.
    pub unknown: Vec<String>,
    subjects: HashSet<u64>,
}

/// Where something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Its line.
    pub line: u64,
    /// Its time, where the lines carry one.
    pub time: Option<i64>,
}

impl Moment {
    /// Whether it was before another: by their times, or else by their lines.
    pub fn before(&self, other: &Self) -> bool {
        match (self.time, other.time) {
            (Some(one), Some(two)) if one != two => one < two,
            _ => self.line < other.line,
        }
    }
}

/// What one piece of a log shows.
#[derive(Debug)]
pub(super) struct Sighting {
    pub evidence: Vec<usize>,
    pub depth: Vec<u8>,
    pub contexts: Vec<usize>,
    pub unknown: Vec<String>,
    pub line: Line,
    pub moment: Moment,
    pub subjects: Vec<u64>,
}

/// All failures so far, and what has gone well since.
#[derive(Debug, Default)]
pub(super) struct Failures {
    list: Vec<Failure>,
    places: HashMap<(Vec<usize>, Vec<String>), usize>,
    healed: HashMap<u64, (Heals, Moment)>,
    /// The last success of each sort that names nobody.
    anonymous: [Option<Moment>; 3],
    /// Failures beyond the number that is kept.
    pub more: u64,
}

impl Failures {
    /// Takes one in; gives its place.
    pub fn add(&mut self, sighting: Sighting) -> Option<usize> {
        let key = (sighting.evidence.clone(), sighting.unknown.clone());
        if let Some(place) = self.places.get(&key).copied() {
            let failure = &mut self.list[place];
            if failure.lines.len() < LINES {
                failure.lines.push(sighting.line);
            }
            for context in sighting.contexts {
                if !failure.contexts.contains(&context) {
                    failure.contexts.push(context);
                }
            }
            self.again(place, sighting.moment, &sighting.subjects);
            return Some(place);
        }
        if self.list.len() >= MOST {
            self.more += 1;
            return None;
        }
        self.places.insert(key, self.list.len());
        self.list.push(Failure {
            evidence: sighting.evidence,
            depth: sighting.depth,
            contexts: sighting.contexts,
            lines: vec![sighting.line],
            count: 1,
            first: sighting.moment,
            last: sighting.moment,
            unknown: sighting.unknown,
            subjects: sighting.subjects.into_iter().take(SUBJECTS).collect(),
        });
        Some(self.list.len() - 1)
    }

    /// Whether more lines of a failure are kept.
    pub fn wants_lines(&self, place: usize) -> bool {
        self.list[place].lines.len() < LINES
    }

    /// The same once more.
    pub fn again(&mut self, place: usize, moment: Moment, subjects: &[u64]) {
        let failure = &mut self.list[place];
        failure.count += 1;
        if moment.before(&failure.first) {
            failure.first = moment;
        }
        if failure.last.before(&moment) {
            failure.last = moment;
        }
        for subject in subjects {
            if failure.subjects.len() < SUBJECTS {
                failure.subjects.insert(*subject);
            }
        }
    }

    /// Something went well.
    pub fn succeeded(&mut self, heals: Heals, moment: Moment, subjects: &[u64]) {
        if subjects.is_empty() {
            let slot = &mut self.anonymous[heals as usize];
            if slot.is_none_or(|before| before.before(&moment)) {
                *slot = Some(moment);
            }
        }
        for subject in subjects {
            if self.healed.len() < HEALED || self.healed.contains_key(subject) {
                let known = self.healed.entry(*subject).or_insert((heals, moment));
                *known = (known.0.max(heals), moment);
            }
        }
    }

    /// Whether a failure is over: what failed has worked since, for everybody whom it named.
    pub fn is_over(&self, failure: &Failure, needs: Heals) -> bool {
        let after = |moment: &Moment| failure.last.before(moment);
        if failure.subjects.is_empty() {
            let strong = self.anonymous.iter().skip(needs as usize).flatten();
            let named = self.healed.values().filter(|(heals, _)| *heals >= needs).map(|(_, moment)| moment);
            return strong.chain(named).any(after);
        }
        failure.subjects.iter().all(|subject| {
            self.healed.get(subject).is_some_and(|(heals, moment)| *heals >= needs && after(moment))
        })
    }

    /// Everything that was seen.
    pub fn list(&self) -> &[Failure] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(line: u64) -> Moment {
        Moment { line, time: None }
    }

    fn sighting(evidence: usize, line: u64, subjects: &[u64]) -> Sighting {
        Sighting {
            evidence: vec![evidence],
            depth: vec![0],
            contexts: vec![],
            unknown: vec![],
            line: Line { number: line, text: "x".into() },
            moment: moment(line),
            subjects: subjects.to_vec(),
        }
    }

    #[test]
    fn the_same_failure_is_counted() {
        let mut failures = Failures::default();
        for line in 1..=20 {
            failures.add(sighting(1, line, &[]));
        }
        let failure = &failures.list()[0];
        assert_eq!((failure.count, failure.lines.len(), failure.last.line), (20, LINES, 20));
    }

    #[test]
    fn memory_is_bounded() {
        let mut failures = Failures::default();
        for number in 0..2 * MOST {
            failures.add(sighting(number, 1, &[]));
        }
        assert_eq!((failures.list().len(), failures.more), (MOST, MOST as u64));
    }

    #[test]
    fn only_a_later_success_of_the_same_name_ends_it() {
        let mut failures = Failures::default();
        failures.add(sighting(1, 5, &[7]));
        let over = |failures: &Failures| failures.is_over(&failures.list()[0], Heals::Passing);
        failures.succeeded(Heals::Passing, moment(6), &[8]);
        failures.succeeded(Heals::Passing, moment(4), &[7]);
        assert!(!over(&failures));
        failures.succeeded(Heals::Passing, moment(6), &[7]);
        assert!(over(&failures) && !failures.is_over(&failures.list()[0], Heals::Everything));
    }
}
