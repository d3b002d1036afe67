//! Counts: what became of the mailboxes, grouped by what may stand behind it. Takes the same room whether
//! there are ten of them or a million.

use std::collections::BTreeMap;

use super::verdict::{Causes, OUTSIDE};
use crate::collect::coverage::{Answer, Declared, Standing};
use crate::report::coverage::{Counted, Example};

/// Most examples of one group.
const EXAMPLES: usize = 20;
/// Most groups: a hostile server could make up codes without end.
const GROUPS: usize = 200;
/// Most codes named in one group.
const CODES: usize = 8;

/// What tells groups apart before everything is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    fails: bool,
    causes: Causes,
    /// Where there is no cause, what the answer was.
    otherwise: Option<String>,
}

#[derive(Debug, Default)]
struct Group {
    count: u64,
    codes: Vec<String>,
    examples: Vec<Example>,
}

/// A group with its cause decided.
#[derive(Debug)]
pub struct Decided {
    /// Whether the mailboxes fail; otherwise nothing is known of them.
    pub fails: bool,
    /// The likeliest cause; `None`: no code tells.
    pub cause: Option<String>,
    /// Where there is no cause, what the answer was.
    pub otherwise: Option<String>,
    /// Mailboxes.
    pub count: u64,
    /// Codes that were answered.
    pub codes: Vec<String>,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// One mailbox, as far as counting goes.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its address.
    pub address: &'a str,
    /// What the directory says.
    pub declared: Declared,
    /// What it answered.
    pub answer: &'a Answer,
    /// What may stand behind it.
    pub causes: Causes,
    /// The earlier run does not name it.
    pub new: bool,
}

/// The counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Every one of the mailboxes should be open to the product.
    wanted: bool,
    open: u64,
    groups: BTreeMap<Kind, Group>,
    /// Refused, and outside by declaration, where nobody wants it otherwise.
    rightly: u64,
    outside: Counted,
    new_outside: Counted,
    unexpected: Counted,
}

impl Tally {
    /// No counts yet; `wanted`: the mailboxes are those that the product should serve.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Some mailbox opened.
    pub fn some_open(&self) -> bool {
        self.open > 0
    }

    /// Takes note of one mailbox.
    pub fn take(&mut self, seen: &Seen<'_>) {
        let example = || Example {
            address: seen.address.to_owned(),
            suggested: seen.answer.suggested.as_deref().map(str::to_owned),
            new: seen.new,
        };
        let outside = seen.declared == Declared::Outside;
        match seen.answer.standing {
            Standing::Open => {
                self.open += 1;
                if outside {
                    count(&mut self.unexpected, example);
                }
                return;
            }
            Standing::Denied if outside && !self.wanted => {
                self.rightly += 1;
                return;
            }
            _ => {}
        }
        let by_cause = seen.causes.open.as_deref().is_some_and(|cause| OUTSIDE.contains(&cause));
        if outside || (seen.answer.standing == Standing::Denied && by_cause) {
            count(&mut self.outside, example);
            if seen.new {
                count(&mut self.new_outside, example);
            }
        }
        let group = self.group(seen);
        group.count += 1;
        if let Some(code) = seen.answer.code.as_deref()
            && group.codes.len() < CODES
            && !group.codes.iter().any(|known| known == code)
        {
            group.codes.push(code.to_owned());
        }
        if group.examples.len() < EXAMPLES {
            group.examples.push(example());
        }
    }

    fn group(&mut self, seen: &Seen<'_>) -> &mut Group {
        let answer = seen.answer;
        let fails = answer.standing.is_definite();
        let otherwise = match (answer.standing, seen.causes == Causes::default()) {
            (Standing::Throttled, _) => Some("the service went on asking to back off".to_owned()),
            (_, false) => None,
            (_, true) => Some(words(answer)),
        };
        let causes =
            if answer.standing == Standing::Throttled { Causes::default() } else { seen.causes.clone() };
        let mut kind = Kind { fails, causes, otherwise };
        if self.groups.len() >= GROUPS && !self.groups.contains_key(&kind) {
            kind = Kind { fails, causes: Causes::default(), otherwise: Some("other answers".into()) };
        }
        self.groups.entry(kind).or_default()
    }

    /// The groups with their causes, the largest failing one first.
    pub fn decided(&self) -> Vec<Decided> {
        let some_open = self.some_open();
        let mut all: Vec<Decided> = Vec::new();
        for (kind, group) in &self.groups {
            let cause = kind.causes.decided(some_open);
            let same = |known: &&mut Decided| {
                known.fails == kind.fails
                    && known.cause.as_deref() == cause
                    && (cause.is_some() || known.otherwise == kind.otherwise)
            };
            match all.iter_mut().find(same) {
                Some(known) => {
                    known.count += group.count;
                    known.codes.extend(group.codes.iter().cloned());
                    known.codes.truncate(CODES);
                    known.examples.extend(group.examples.iter().cloned());
                    known.examples.truncate(EXAMPLES);
                }
                None => all.push(Decided {
                    fails: kind.fails,
                    cause: cause.map(str::to_owned),
                    otherwise: kind.otherwise.clone(),
                    count: group.count,
                    codes: group.codes.clone(),
                    examples: group.examples.clone(),
                }),
            }
        }
        all.sort_by_key(|group| (!group.fails, std::cmp::Reverse(group.count)));
        all
    }

    /// Mailboxes that opened.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Mailboxes that fail, and those of which nothing is known.
    pub fn bad(&self) -> (u64, u64) {
        let sum = |fails: bool| {
            self.groups.iter().filter(|(kind, _)| kind.fails == fails).map(|(_, group)| group.count).sum()
        };
        (sum(true), sum(false))
    }

    /// Refused, as the directory says they should be.
    pub fn rightly(&self) -> u64 {
        self.rightly
    }

    /// Wanted, and outside; those of them that are new; those that open although they lie outside.
    pub fn outside(&self) -> (&Counted, &Counted, &Counted) {
        (&self.outside, &self.new_outside, &self.unexpected)
    }
}

fn count(counted: &mut Counted, example: impl Fn() -> Example) {
    counted.count += 1;
    if counted.examples.len() < EXAMPLES {
        counted.examples.push(example());
    }
}

/// What an answer was, where no code tells a cause.
fn words(answer: &Answer) -> String {
    match (&answer.code, answer.status, &answer.text) {
        (Some(code), ..) => code.to_string(),
        (None, Some(status), _) => format!("HTTP {status}"),
        (None, None, Some(text)) => text.chars().take(100).collect(),
        (None, None, None) => "no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(open: &str, closed: &str) -> Causes {
        Causes { open: Some(open.into()), closed: Some(closed.into()) }
    }

    fn take(tally: &mut Tally, standing: Standing, declared: Declared, causes: Causes) {
        let answer = Answer::new(standing);
        tally.take(&Seen { address: "a@x.y", declared, answer: &answer, causes, new: true });
    }

    #[test]
    fn a_cause_may_change_with_the_first_that_opens() {
        let mut tally = Tally::new(true);
        let both = causes("impersonation-scope", "impersonation-role-missing");
        take(&mut tally, Standing::Denied, Declared::Unknown, both.clone());
        let decided = |tally: &Tally| tally.decided()[0].cause.clone().expect("a cause");
        assert_eq!(decided(&tally), "impersonation-role-missing");
        take(&mut tally, Standing::Open, Declared::Unknown, Causes::default());
        assert_eq!(decided(&tally), "impersonation-scope");
    }

    #[test]
    fn equal_causes_of_different_answers_are_one_group() {
        let mut tally = Tally::new(true);
        for closed in ["a", "b"] {
            take(&mut tally, Standing::Faulty, Declared::Unknown, causes("mailbox-missing", closed));
        }
        take(&mut tally, Standing::Open, Declared::Unknown, Causes::default());
        take(&mut tally, Standing::Throttled, Declared::Unknown, Causes::default());
        let groups: Vec<(bool, u64)> =
            tally.decided().iter().map(|group| (group.fails, group.count)).collect();
        assert_eq!(groups, [(true, 2), (false, 1)]);
        assert_eq!((tally.open(), tally.bad()), (1, (2, 1)));
    }

    #[test]
    fn whoever_is_outside_is_a_fail_only_where_he_is_wanted() {
        for (wanted, bad, rightly) in [(true, 1, 0), (false, 0, 1)] {
            let mut tally = Tally::new(wanted);
            take(&mut tally, Standing::Denied, Declared::Outside, causes("app-access-policy", "x"));
            assert_eq!((tally.bad().0, tally.rightly()), (bad, rightly));
            assert_eq!(tally.outside().0.count, bad);
        }
    }

    #[test]
    fn one_that_opens_although_it_lies_outside_is_told() {
        let mut tally = Tally::new(true);
        take(&mut tally, Standing::Open, Declared::Outside, Causes::default());
        assert_eq!((tally.open(), tally.outside().2.count), (1, 1));
    }

    #[test]
    fn made_up_codes_take_no_more_room() {
        let mut tally = Tally::new(true);
        for at in 0..5000 {
            let answer = Answer { code: Some(format!("E{at}").into()), ..Answer::new(Standing::Faulty) };
            let seen = Seen {
                address: "a@x.y",
                declared: Declared::Unknown,
                answer: &answer,
                causes: Causes::default(),
                new: false,
            };
            tally.take(&seen);
        }
        assert_eq!((tally.groups.len(), tally.bad()), (GROUPS + 1, (5000, 0)));
    }
}
