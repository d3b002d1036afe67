//! From failures to causes: the first one, what only echoes it, and what was over before the end.

use std::collections::HashSet;

use super::failures::{Failure, Line};
use super::matcher::{Known, Matcher};
use super::reader::Reader;
use super::weigh::{Piece, SUREST, weigh};
use super::{Candidate, Diagnosis, Episode, Secret, UnknownCode};
use crate::knowledge::{Heals, Likely};

/// From this share of the best on, a failure counts as clear, too.
const CLEAR: f64 = 0.75;
/// Below this share of the leading one, a failure is its echo.
const ECHO: f64 = 0.6;
/// What a cause keeps that only echoes name, that a second failure names, and the first beside a second.
const KEEPS: (f64, f64, f64) = (0.1, 0.6, 0.88);
/// What the same cause gains by being named twice.
const TWICE: f64 = 0.3;
/// Below this, a cause is not worth a line.
const LEAST: f64 = 0.02;
/// Most causes that are named.
const MOST: usize = 10;
/// How much an outer link of a chain of errors counts beside the next inner one.
const OUTER: f64 = 0.85;
/// Below this share of the strongest, a piece of evidence is not told.
const TOLD: f64 = 0.6;
/// Below this strength, a text says nothing beside a code that nobody knows.
const VAGUE: f64 = 0.6;
/// A failure so many times rarer than another does not lead.
const RARE: u64 = 50;

/// Causes that come and go by themselves.
const PASSING: &[&str] = &[
    "concurrency-limit",
    "connection-refused",
    "dns-failure",
    "mailbox-moved",
    "network-timeout",
    "no-network",
    "proxy",
    "server-busy",
    "server-error",
    "sync-state-invalid",
    "throttled",
    "item-not-found",
    "wrong-endpoint",
    "propagation-pending",
];

/// One failure, judged.
struct Judged<'a> {
    failure: &'a Failure,
    causes: Vec<(&'a str, f64)>,
    /// Those pieces of evidence that count.
    evidence: Vec<(&'a Known, &'a [Likely])>,
    /// The weaker ones, told only of causes that nothing else names.
    weaker: Vec<(&'a Known, &'a [Likely])>,
}

impl Judged<'_> {
    fn best(&self) -> f64 {
        self.causes.first().map_or(0.0, |(_, confidence)| *confidence)
    }
}

/// What a log comes to.
pub(super) fn conclude(matcher: &Matcher, reader: &Reader<'_>, bytes: u64, cut: bool) -> Diagnosis {
    let mut judged: Vec<Judged<'_>> =
        reader.failures.list().iter().map(|failure| judge(matcher, failure, &reader.contexts)).collect();
    judged.sort_by_key(|judged| (judged.failure.first.time, judged.failure.first.line));
    let (over, open): (Vec<_>, Vec<_>) = judged.into_iter().partition(|judged| is_over(reader, judged));
    let lead = lead(&open);
    let candidates = candidates(&open, lead);
    let unknown = unknown(open.iter().chain(&over));
    Diagnosis {
        candidates,
        failures: open
            .iter()
            .enumerate()
            .map(|(place, judged)| episode(judged, lead.is_some_and(|lead| is_echo(&open, lead, place))))
            .collect(),
        recovered: over.iter().map(|judged| episode(judged, false)).collect(),
        unknown_codes: unknown,
        secrets: reader
            .secrets
            .iter()
            .map(|(kind, found)| Secret {
                kind: (*kind).to_owned(),
                count: found.count,
                lines: found.lines.clone(),
            })
            .collect(),
        world: world(matcher, &reader.contexts),
        lines: reader.lines,
        bytes,
        cut,
        more: reader.failures.more,
    }
}

fn judge<'a>(matcher: &'a Matcher, failure: &'a Failure, around: &HashSet<usize>) -> Judged<'a> {
    let there: HashSet<usize> =
        failure.evidence.iter().chain(&failure.contexts).chain(around).copied().collect();
    let mut found: Vec<(f64, &Known, &[Likely])> = Vec::new();
    for (place, depth) in failure.evidence.iter().zip(&failure.depth) {
        let known = matcher.known(*place);
        let strength = known.strength() * OUTER.powi(i32::from((*depth).min(4)));
        if failure.unknown.is_empty() || strength >= VAGUE {
            found.push((strength, known, matcher.spread(known, &there)));
        }
    }
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    let strongest = found.first().map_or(0.0, |(strength, ..)| *strength);
    let pieces: Vec<Piece<'_>> =
        found.iter().map(|(strength, _, spread)| Piece { strength: *strength, spread }).collect();
    let causes = weigh(&pieces);
    let told = found.partition_point(|(strength, ..)| *strength >= strongest * TOLD);
    let mut evidence: Vec<_> = found.into_iter().map(|(_, known, spread)| (known, spread)).collect();
    let weaker = evidence.split_off(told);
    Judged { failure, causes, evidence, weaker }
}

/// What failed has worked since. Only what comes and goes by itself is healed by any success.
fn is_over(reader: &Reader<'_>, judged: &Judged<'_>) -> bool {
    let Some((cause, _)) = judged.causes.first() else { return false };
    let needs = if PASSING.contains(cause) { Heals::Passing } else { Heals::SignIn };
    reader.failures.is_over(judged.failure, needs)
}

/// The first of those that are clear, and not a rare one beside a frequent one.
fn lead(open: &[Judged<'_>]) -> Option<usize> {
    let best = open.iter().map(Judged::best).fold(0.0, f64::max);
    let clear = |judged: &&Judged<'_>| judged.best() >= best * CLEAR && best > 0.0;
    let most = open.iter().filter(clear).map(|judged| judged.failure.count).max()?;
    open.iter().position(|judged| clear(&judged) && judged.failure.count * RARE >= most)
}

fn is_echo(open: &[Judged<'_>], lead: usize, place: usize) -> bool {
    place != lead && open[place].best() < ECHO * open[lead].best()
}

fn candidates(open: &[Judged<'_>], lead: Option<usize>) -> Vec<Candidate> {
    let Some(lead) = lead else { return Vec::new() };
    let first = open[lead].causes.first().map(|(cause, _)| *cause);
    let rival = |place: usize| {
        place != lead
            && !is_echo(open, lead, place)
            && open[place].causes.first().map(|(cause, _)| *cause) != first
    };
    let rivals = (0..open.len()).any(rival);
    let keeps = |place: usize| match place {
        _ if place == lead => {
            if rivals {
                KEEPS.2
            } else {
                1.0
            }
        }
        _ if is_echo(open, lead, place) => KEEPS.0,
        _ => KEEPS.1,
    };
    let mut names: Vec<&str> =
        open.iter().flat_map(|judged| &judged.causes).map(|(cause, _)| *cause).collect();
    names.sort_unstable();
    names.dedup();
    let mut found: Vec<Candidate> = names
        .into_iter()
        .map(|cause| {
            let shares = open.iter().enumerate().map(|(place, judged)| {
                judged
                    .causes
                    .iter()
                    .find(|(name, _)| *name == cause)
                    .map_or(0.0, |(_, confidence)| confidence * keeps(place))
            });
            let shares: Vec<f64> = shares.collect();
            let most = shares.iter().copied().fold(0.0, f64::max);
            let any = 1.0 - shares.iter().map(|share| 1.0 - share).product::<f64>();
            candidate(open, cause, (most + TWICE * (any - most)).min(SUREST.max(most)))
        })
        .filter(|candidate| candidate.confidence >= LEAST && !candidate.because.is_empty())
        .collect();
    found.sort_by(|one, other| {
        other.confidence.total_cmp(&one.confidence).then_with(|| one.cause.cmp(&other.cause))
    });
    found.truncate(MOST);
    found
}

fn candidate(open: &[Judged<'_>], cause: &str, confidence: f64) -> Candidate {
    let mut candidate = Candidate {
        cause: cause.to_owned(),
        confidence: (confidence * 100.0).round() / 100.0,
        ..Candidate::default()
    };
    let supports = |(_, spread): &&(&Known, &[Likely])| spread.iter().any(|likely| likely.cause == cause);
    let told = open.iter().any(|judged| judged.evidence.iter().any(|piece| supports(&piece)));
    for judged in open {
        let mut says = false;
        let evidence = if told { &judged.evidence } else { &judged.weaker };
        for (known, spread) in evidence.iter().filter(supports) {
            says = true;
            let likely = spread.iter().find(|likely| likely.cause == cause);
            push(&mut candidate.because, reason(known, likely.and_then(|likely| likely.when.as_deref())));
            candidate.proves.extend(
                known
                    .entry
                    .proves
                    .iter()
                    .filter(|proof| !candidate.proves.contains(proof))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            candidate.tells = candidate.tells.take().or_else(|| known.entry.tells.clone());
            for advice in &known.entry.advice {
                push(&mut candidate.advice, advice.clone());
            }
        }
        if says {
            candidate.lines.extend(judged.failure.lines.iter().map(|line| line.number));
        }
    }
    candidate.lines.sort_unstable();
    candidate.lines.dedup();
    candidate
}

fn push(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) && list.len() < 6 {
        list.push(text);
    }
}

fn reason(known: &Known, when: Option<&str>) -> String {
    let means = known.entry.means.trim_end_matches('.');
    let said = if known.is_code { format!("{}: {means}", known.entry.code) } else { means.to_owned() };
    let said = match &known.entry.brought {
        Some(brought) => format!("{said} ({})", brought.file),
        None => said,
    };
    when.map_or_else(|| said.clone(), |when| format!("{said}; this one {}", condition(when)))
}

/// The condition of a cause, behind "this one".
fn condition(when: &str) -> String {
    if when.starts_with("if ") || when.starts_with("when ") {
        when.to_owned()
    } else {
        format!("when: {when}")
    }
}

fn episode(judged: &Judged<'_>, echo: bool) -> Episode {
    let failure = judged.failure;
    let span = failure.first.time.zip(failure.last.time).map(|(first, last)| last.saturating_sub(first));
    Episode {
        causes: judged.causes.iter().take(3).map(|(cause, _)| (*cause).to_owned()).collect(),
        says: judged
            .evidence
            .iter()
            .map(|(known, _)| {
                if known.is_code {
                    known.entry.code.clone()
                } else {
                    known.entry.means.trim_end_matches('.').to_owned()
                }
            })
            .chain(failure.unknown.iter().cloned())
            .collect(),
        count: failure.count,
        first_line: failure.first.line,
        last_line: failure.last.line,
        span_ms: span,
        lines: failure.lines.clone(),
        echo,
    }
}

fn unknown<'a>(judged: impl Iterator<Item = &'a Judged<'a>>) -> Vec<UnknownCode> {
    let mut found: Vec<UnknownCode> = Vec::new();
    for judged in judged {
        for code in &judged.failure.unknown {
            match found.iter_mut().find(|known| known.code == *code) {
                Some(known) => known.count += judged.failure.count,
                None => found.push(UnknownCode {
                    code: code.clone(),
                    count: judged.failure.count,
                    line: judged
                        .failure
                        .lines
                        .first()
                        .cloned()
                        .unwrap_or(Line { number: 0, text: String::new() }),
                }),
            }
        }
    }
    found
}

/// The one world that the circumstances show.
fn world(matcher: &Matcher, contexts: &HashSet<usize>) -> Option<String> {
    let mut worlds: Vec<&String> =
        contexts.iter().filter_map(|place| matcher.known(*place).entry.world.as_ref()).collect();
    worlds.sort_unstable();
    worlds.dedup();
    match worlds[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}
