//! `explain`: what a check, a cause, a profile, an error code, an area or an exit code means, and the way out.

use super::{
    args::{self, PageFormat},
    exit, look, meant,
    output::Sink,
    own,
    problem::Problem,
    trouble::Trouble,
};
use crate::{
    collect::{self, Access},
    engine::{Catalogue, Check},
    facts::overlaps,
    knowledge::{Entry, Knowledge, diagnosis::Engine},
    report::{
        explain::{self, Need},
        profile,
        topic::{self, Topic},
        troubleshoot,
    },
};

/// Explains one thing.
pub fn run(args: &args::Explain) -> Result<u8, Trouble> {
    let sink = Sink::open(args.output.output.as_deref())?;
    let asked = args.id.join(" ");
    let asked = asked.trim();
    let brought = own::find(&args.brings.checks, args.brings.config.as_deref())?;
    let (catalogue, style) = (brought.catalogue(), look::stdout(&args.look, !sink.is_stdout()));
    let text = if let Some(check) = catalogue.check(asked) {
        let needs = needs(check);
        match args.format {
            PageFormat::Json => explain::json(check, &needs),
            PageFormat::Markdown => explain::markdown(check, &needs),
            PageFormat::Text => explain::check_with(check, &needs, &style),
        }
    } else {
        let knowledge = brought.knowledge();
        let topic = find(catalogue, knowledge, asked).ok_or_else(|| unknown(catalogue, knowledge, asked))?;
        match args.format {
            PageFormat::Json => topic.json(),
            PageFormat::Markdown => topic.markdown(),
            PageFormat::Text => topic.text(&style),
        }
    };
    sink.write(&text)?;
    Ok(exit::READY)
}

/// What is meant, if it is no check.
fn find(catalogue: &Catalogue, knowledge: &Knowledge, asked: &str) -> Option<Topic> {
    let lower = asked.to_ascii_lowercase();
    topic::cause(catalogue, knowledge, &lower)
        .or_else(|| topic::area(catalogue, &lower))
        .or_else(|| catalogue.profile(&lower).map(|profile| profile::topic(catalogue, profile)))
        .or_else(|| exit_code(asked))
        .or_else(|| knowledge.code(asked).map(|entry| topic::code(catalogue, &entry, &[])))
        .or_else(|| status(catalogue, knowledge, &lower))
        .or_else(|| pasted(catalogue, knowledge, asked))
        .or_else(|| spoken(catalogue, knowledge, asked))
}

/// An HTTP status, as a number alone or as `HTTP 403 Forbidden`.
fn status(catalogue: &Catalogue, knowledge: &Knowledge, asked: &str) -> Option<Topic> {
    const AROUND: [&str; 8] =
        ["http", "http/1.1", "http/2", "status", "code", "error", "forbidden", "unauthorized"];
    let mut words =
        asked.split([' ', ':', '(', ')']).filter(|word| !word.is_empty() && !AROUND.contains(word));
    let number = words.next()?.parse().ok().filter(|_| words.next().is_none())?;
    knowledge.status(number).map(|entry| topic::status(catalogue, &entry, number))
}

fn exit_code(asked: &str) -> Option<Topic> {
    let number =
        asked.to_ascii_lowercase().replace("exit", "").replace("code", "").trim().parse::<u8>().ok()?;
    let (code, meaning) = exit::TABLE.iter().find(|(code, _)| *code == number)?;
    Some(topic::exit_code(*code, meaning))
}

/// The most telling code of a text that somebody pasted; the others are named beside it.
fn pasted(catalogue: &Catalogue, knowledge: &Knowledge, text: &str) -> Option<Topic> {
    let names = knowledge.codes_in(text);
    if sign_in_number(text).is_some() && !names.iter().any(|name| name.starts_with(SIGN_IN)) {
        return None; // What is said beside an unknown number is less than the number.
    }
    let clear = |entry: &Entry| entry.causes.first().map_or(0, |likely| likely.weight);
    let mut best: Option<Entry> = None;
    for entry in names.iter().filter_map(|name| knowledge.code(name)) {
        if best.as_ref().is_none_or(|best| clear(&entry) > clear(best)) {
            best = Some(entry);
        }
    }
    let entry = best?;
    let others: Vec<&str> = names.into_iter().filter(|name| *name != entry.code).collect();
    Some(topic::code(catalogue, &entry, &others))
}

/// What a pasted text without a known code may mean.
fn spoken(catalogue: &Catalogue, knowledge: &Knowledge, text: &str) -> Option<Topic> {
    if sign_in_number(text).is_some() || text.split_whitespace().count() < WORDS {
        return None;
    }
    let diagnosis = Engine::new(knowledge).text(text);
    (!diagnosis.candidates.is_empty())
        .then(|| troubleshoot::topic(catalogue, knowledge, &diagnosis, "the text"))
}

/// A text of fewer words is a name that nobody knows.
const WORDS: usize = 3;

/// What stands before the numbers of the sign-in service.
const SIGN_IN: &str = "AADSTS";

/// Longest part of a pasted text that is said again.
const SAID_AGAIN: usize = 60;

fn unknown(catalogue: &Catalogue, knowledge: &Knowledge, asked: &str) -> Problem {
    let checks = catalogue.checks().iter().map(Check::id);
    let areas = catalogue.areas().iter().map(|area| area.id.as_str());
    let profiles = catalogue.profiles().map(|profile| profile.name.as_str());
    let names = checks.chain(areas).chain(profiles).chain(catalogue.causes());
    let near = meant::nearest(asked, names.chain(knowledge.names()));
    let mut said: String = asked.chars().filter(|c| !c.is_control()).take(SAID_AGAIN).collect();
    if said.len() < asked.len() {
        said.push('…');
    }
    let problem = Problem::new(format!("nothing is known of `{said}`"));
    let problem = match near.as_slice() {
        [] => problem,
        [only] => problem.help(format!("did you mean `{only}`?")),
        [first, others @ ..] => {
            problem.help(format!("did you mean `{first}`? Also near: {}", others.join(", ")))
        }
    };
    let problem = problem
        .help("it may be a check, an area, a cause, a profile, an exit code, or a code such as AADSTS50076");
    match sign_in_number(asked) {
        Some(number) => problem
            .help(format!("what Microsoft says: https://login.microsoftonline.com/error?code={number}")),
        None => problem,
    }
}

/// The number of a sign-in code that stands in a text.
fn sign_in_number(text: &str) -> Option<&str> {
    let at = text.to_ascii_uppercase().find(SIGN_IN)? + SIGN_IN.len();
    let digits =
        text[at..].find(|c: char| !c.is_ascii_digit()).map_or(&text[at..], |end| &text[at..at + end]);
    (!digits.is_empty()).then_some(digits)
}

/// The reader's permissions behind the facts that a check reads.
fn needs(check: &Check) -> Vec<Need> {
    let reads = check.reads().unwrap_or_default();
    let mut needs: Vec<Need> = Vec::new();
    let queries = check.queries().map(|queries| queries.values().cloned().map(own::query).collect());
    let extra = collect::Extra::new(queries.unwrap_or_default(), Vec::new());
    for call in collect::calls().chain(extra.calls()) {
        let Access::Reader(grant) = call.access else { continue };
        let yields = |path: &&String| call.yields.iter().any(|yielded| overlaps(yielded, path));
        let facts: Vec<String> = reads.iter().filter(yields).cloned().collect();
        if facts.is_empty() {
            continue;
        }
        match needs.iter_mut().find(|need| need.permission == grant.permission) {
            Some(need) => need.facts.extend(facts),
            None => needs.push(Need { permission: grant.permission.to_owned(), facts }),
        }
    }
    for need in &mut needs {
        need.facts.sort();
        need.facts.dedup();
    }
    needs
}
