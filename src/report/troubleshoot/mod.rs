//! What a log says, for people and for programs: the likeliest cause with its reasons, lines and way
//! out, what to try next, and what else stands there.

mod account;
mod undecided;

use serde_json::{Value, json};

pub use account::{Case, Ending, Tried, tried};
use undecided::UNDECIDED;

use super::explain::waits;
use super::mark::Paint;
use super::page::count;
use super::sheet::Sheet;
use super::topic::{
    Finder, Road, Topic, finders, road_json, roads, settles_json, steps, usual_roads, way_out,
};
use crate::engine::{Catalogue, WORLDS};
use crate::knowledge::diagnosis::{Candidate, Diagnosis, Episode};
use crate::knowledge::{CauseEntry, Knowledge};

/// From this confidence on, a cause is called the likeliest; below, it is one of several.
const LIKELY: f64 = 0.5;
/// Most checks that are named to tell candidates apart.
const CHECKS: usize = 4;
/// Most failures that are listed for people.
const LISTED: usize = 8;

/// A candidate with what the checks know of its cause.
struct Told<'a> {
    candidate: &'a Candidate,
    meaning: &'a str,
    known: Option<CauseEntry>,
    finders: Vec<Finder<'a>>,
    roads: Vec<Road<'a>>,
}

impl<'a> Told<'a> {
    fn new(
        catalogue: &'a Catalogue,
        knowledge: &Knowledge,
        candidate: &'a Candidate,
        world: Option<&str>,
    ) -> Self {
        let finders = finders(catalogue, &candidate.cause);
        let roads = roads(&finders, &worlds(world));
        let meaning = catalogue.meaning(&candidate.cause).unwrap_or_default();
        Self { candidate, meaning, known: knowledge.cause(&candidate.cause), finders, roads }
    }
}

/// The worlds that a log may be from: `exchange-server` or `online`, as far as it shows.
fn worlds(shown: Option<&str>) -> Vec<&'static str> {
    let fits = |world: &&str| shown.is_none_or(|shown| world.starts_with(shown));
    WORLDS.into_iter().filter(fits).collect()
}

/// The diagnosis of a log; `name` says which.
pub fn topic(catalogue: &Catalogue, knowledge: &Knowledge, diagnosis: &Diagnosis, name: &str) -> Topic {
    let world = diagnosis.world.as_deref();
    let told: Vec<Told<'_>> = diagnosis
        .candidates
        .iter()
        .map(|candidate| Told::new(catalogue, knowledge, candidate, world))
        .collect();
    let mut sheet = Sheet::default();
    head(&mut sheet, diagnosis, &told, name);
    if let Some(additions) = knowledge.additions() {
        sheet.labelled("Own knowledge", &additions);
    }
    if is_undecided(&told) {
        undecided::show(&mut sheet, diagnosis, &told, name);
    } else if let Some((first, others)) = told.split_first() {
        first_cause(&mut sheet, diagnosis, first);
        next_step(&mut sheet, &told);
        other_causes(&mut sheet, first, others);
    }
    failures(&mut sheet, "What failed, in order", &diagnosis.failures);
    failures(&mut sheet, "What worked again later", &diagnosis.recovered);
    unknown(&mut sheet, diagnosis);
    secrets(&mut sheet, diagnosis);
    Topic::new(sheet, document(diagnosis, &told))
}

/// Causes fit, and the text decides for none.
fn is_undecided(told: &[Told<'_>]) -> bool {
    told.first().is_some_and(|first| first.candidate.confidence <= UNDECIDED)
}

fn head(sheet: &mut Sheet, diagnosis: &Diagnosis, told: &[Told<'_>], name: &str) {
    let undecided = is_undecided(told);
    sheet.title(&match told.first() {
        Some(_) if undecided => undecided::title(told.len()),
        Some(first) if first.candidate.confidence >= LIKELY => {
            format!("LIKELIEST CAUSE: {} ({})", first.candidate.cause, percent(first.candidate.confidence))
        }
        Some(first) => {
            format!("POSSIBLE CAUSE: {} ({})", first.candidate.cause, percent(first.candidate.confidence))
        }
        None if !diagnosis.failures.is_empty() => "UNKNOWN: nothing known fits".to_owned(),
        None if !diagnosis.recovered.is_empty() => "Everything that failed worked again later".to_owned(),
        None => "Nothing that is known as a failure".to_owned(),
    });
    if let Some(first) = told.first() {
        let meaning = if undecided { undecided::meaning(told.len()) } else { first.meaning };
        sheet.text(meaning, Paint::Plain);
    }
    sheet.gap();
    let cut = if diagnosis.cut { ", of which the rest was not read" } else { "" };
    let lines = count(usize::try_from(diagnosis.lines).unwrap_or(usize::MAX), "line");
    sheet.labelled("Read", &format!("{name}, {lines}{cut}"));
    match diagnosis.world.as_deref() {
        Some("exchange-server") => sheet.labelled("World", "Exchange Server"),
        Some(_) => sheet.labelled("World", "Exchange Online"),
        None => {}
    }
    if let Some(first) = told.first().filter(|_| !undecided) {
        sheet.labelled("Proven", "no: a log shows what is likely; `syncready troubleshoot ACCOUNT --log FILE` proves it on the account");
        if !first.candidate.proves.is_empty() {
            sheet.labelled("Also said", &first.candidate.proves.join("; "));
        }
    }
}

fn percent(confidence: f64) -> String {
    format!("{:.0} %", confidence * 100.0)
}

fn first_cause(sheet: &mut Sheet, diagnosis: &Diagnosis, first: &Told<'_>) {
    sheet.heading("Why");
    for reason in &first.candidate.because {
        sheet.point(reason);
    }
    rests_on(sheet, diagnosis, first.candidate);
    if !first.candidate.advice.is_empty() {
        sheet.heading("What to do");
        steps(sheet, &first.candidate.advice);
    }
    usual_ways(sheet, diagnosis.world.as_deref(), first);
    known_way(sheet, first);
}

/// The ways out that a text can recommend; the others wait for facts, and `explain` has them.
fn usual_ways(sheet: &mut Sheet, world: Option<&str>, told: &Told<'_>) {
    let usual = usual_roads(&told.roads, &worlds(world));
    let more = told.roads.len() - usual.len();
    way_out(sheet, usual);
    if more > 0 {
        let ways = format!("{}, by what the checks find:", count(more, "other way"));
        sheet.gap();
        sheet.text(&ways, Paint::Dim);
        sheet.command(&format!("syncready explain {}", told.candidate.cause));
    }
}

fn rests_on(sheet: &mut Sheet, diagnosis: &Diagnosis, candidate: &Candidate) {
    let rests = |line: &u64| candidate.lines.contains(line);
    let lines =
        diagnosis.failures.iter().flat_map(|failure| &failure.lines).filter(|line| rests(&line.number));
    sheet.heading("The lines that it rests on");
    for line in lines.take(LISTED) {
        sheet.labelled(&format!("line {}", line.number), &line.text);
    }
}

/// The way out of a cause for which no check holds one.
fn known_way(sheet: &mut Sheet, told: &Told<'_>) {
    if let Some(known) = told.known.as_ref().filter(|known| told.roads.is_empty() && !known.steps.is_empty())
    {
        sheet.heading("The way out");
        steps(sheet, &known.steps);
        if let Some([usual, longest]) = &known.waits {
            sheet.labelled("Acts after", &waits(usual, longest));
        }
    }
}

fn next_step(sheet: &mut Sheet, told: &[Told<'_>]) {
    let words = next(told, 0);
    sheet.heading("What to do next");
    sheet.text(&words, Paint::Plain);
    let checks = deciding(told, 0);
    if !checks.is_empty() {
        sheet.command(&format!("syncready check ACCOUNT --only {}", checks.join(",")));
    }
}

/// The checks that confirm one candidate or rule it out, then those of its rivals.
fn deciding<'a>(told: &[Told<'a>], place: usize) -> Vec<&'a str> {
    let mut checks: Vec<&str> = Vec::new();
    let order = std::iter::once(&told[place]).chain(told.iter().take(3));
    for finder in order.flat_map(|told| told.finders.iter().take(2)) {
        if checks.len() < CHECKS && !checks.contains(&finder.check.id()) {
            checks.push(finder.check.id());
        }
    }
    checks
}

/// The next step that tells one candidate from the others.
fn next(told: &[Told<'_>], place: usize) -> String {
    let tells = told[place].candidate.tells.as_deref();
    match (tells, deciding(told, place).is_empty()) {
        (Some(tells), false) => format!("What tells the candidates apart: {tells} The check proves it:"),
        (Some(tells), true) => format!("What tells the candidates apart: {tells}"),
        (None, false) => "The check proves it, or rules it out:".to_owned(),
        (None, true) => {
            "No check proves it from outside; look at the lines above with their times.".to_owned()
        }
    }
}

/// Why a candidate is one, without what was said of the first one already.
fn own_reason<'a>(told: &Told<'a>, first: &Told<'_>) -> Option<&'a str> {
    let reason = told.candidate.because.first()?;
    let known = |said: &str| first.candidate.because.iter().any(|reason| reason.starts_with(said));
    match reason.split_once("; this one ") {
        Some((said, condition)) if known(said) => Some(condition),
        None if known(reason) => None,
        _ => Some(reason),
    }
}

fn other_causes(sheet: &mut Sheet, first: &Told<'_>, others: &[Told<'_>]) {
    if others.is_empty() {
        return;
    }
    sheet.heading("Other causes that it may have");
    for told in others {
        let because = own_reason(told, first).map(|reason| format!("; {reason}")).unwrap_or_default();
        sheet.entry(
            &format!("{} {}", told.candidate.cause, percent(told.candidate.confidence)),
            &format!("{}{because}", told.meaning),
        );
    }
    let command: Vec<String> =
        others.iter().take(2).map(|told| format!("syncready explain {}", told.candidate.cause)).collect();
    sheet.command(&command.join("\n"));
}

fn failures(sheet: &mut Sheet, title: &str, episodes: &[Episode]) {
    if episodes.is_empty()
        || title.starts_with("What failed") && episodes.len() == 1 && episodes[0].count == 1
    {
        return;
    }
    sheet.heading(title);
    for (number, episode) in episodes.iter().take(LISTED).enumerate() {
        let times = if episode.count == 1 {
            String::new()
        } else {
            format!(", {} times until line {}", episode.count, episode.last_line)
        };
        let echo = if episode.echo { "; an echo of the first cause" } else { "" };
        sheet.step(
            number + 1,
            &format!("line {}{times}: {}{echo}", episode.first_line, episode.says.join("; ")),
        );
    }
    if let Some(more) = episodes.len().checked_sub(LISTED).filter(|more| *more > 0) {
        sheet.text(&format!("and {more} more"), Paint::Dim);
    }
}

fn unknown(sheet: &mut Sheet, diagnosis: &Diagnosis) {
    if diagnosis.unknown_codes.is_empty() {
        return;
    }
    sheet.heading("Codes that nothing is known of");
    for code in &diagnosis.unknown_codes {
        sheet.entry(&code.code, &format!("line {}: {}", code.line.number, code.line.text));
    }
}

fn secrets(sheet: &mut Sheet, diagnosis: &Diagnosis) {
    if diagnosis.secrets.is_empty() {
        return;
    }
    sheet.heading("Secrets stand in this log");
    for secret in &diagnosis.secrets {
        let lines: Vec<String> = secret.lines.iter().map(u64::to_string).collect();
        let times = usize::try_from(secret.count).unwrap_or(usize::MAX);
        sheet.entry(&secret.kind, &format!("{} (line {})", count(times, "time"), lines.join(", ")));
    }
    sheet.text(
        "Whoever has read this log may have them: replace each of them (a new secret or password, sessions \
         revoked), delete the log or take them out of it, and let the product stop writing them.",
        Paint::Warn,
    );
}

fn document(diagnosis: &Diagnosis, told: &[Told<'_>]) -> Value {
    let causes: Vec<Value> = (0..told.len()).map(|place| cause(told, place)).collect();
    document_of(diagnosis, &causes)
}

fn document_of(diagnosis: &Diagnosis, causes: &[Value]) -> Value {
    json!({
        "format": 1,
        "causes": causes,
        "failures": diagnosis.failures,
        "recovered": diagnosis.recovered,
        "unknown_codes": diagnosis.unknown_codes,
        "secrets": diagnosis.secrets,
        "world": diagnosis.world,
        "read": { "lines": diagnosis.lines, "bytes": diagnosis.bytes, "cut": diagnosis.cut },
    })
}

fn cause(told: &[Told<'_>], place: usize) -> Value {
    let one = &told[place];
    let known = one.known.as_ref();
    json!({
        "cause": one.candidate.cause,
        "means": one.meaning,
        "confidence": one.candidate.confidence,
        "because": one.candidate.because,
        "lines": one.candidate.lines,
        "proves": one.candidate.proves,
        "advice": one.candidate.advice,
        "fix": one.roads.iter().map(road_json).collect::<Vec<_>>(),
        "steps": known.filter(|_| one.roads.is_empty()).map(|known| &known.steps),
        "settles": known.and_then(|known| known.waits.as_ref()).map(settles_json),
        "next": next(told, place).trim_end_matches(" The check proves it:").trim_end_matches(':'),
        "checks": deciding(told, place),
        "proven": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::diagnosis::Engine;
    use crate::report::Style;

    fn told(log: &str) -> (String, Value) {
        let knowledge = Knowledge::embedded();
        let diagnosis = Engine::new(knowledge).text(log);
        let topic = topic(Catalogue::embedded(), knowledge, &diagnosis, "a.log");
        (topic.text(&Style::default()), serde_json::from_str(&topic.json()).expect("JSON"))
    }

    #[test]
    fn a_cause_comes_with_reason_line_repair_and_check() {
        let (text, json) = told(
            "10:00:00 start\n10:00:01 AADSTS7000222: keys have ended\n10:00:02 AADSTS7000222: keys have ended\n",
        );
        for part in [
            "LIKELIEST CAUSE: app-secret-expired",
            "AADSTS7000222",
            "line 2",
            "syncready check ACCOUNT --only",
            "The way out",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let first = &json["causes"][0];
        assert_eq!(
            (first["cause"].as_str(), first["proven"].as_bool()),
            (Some("app-secret-expired"), Some(false))
        );
        assert!(
            first["lines"] == json!([2, 3]) && first["fix"].as_array().is_some_and(|fix| !fix.is_empty()),
            "{first}"
        );
    }

    #[test]
    fn one_way_out_for_each_world_is_shown_and_the_others_are_named() {
        let (text, json) = told("AADSTS65001: nobody has agreed to the app\n");
        let all = json["causes"][0]["fix"].as_array().map_or(0, Vec::len);
        let shown = text.matches("\n  From ").count();
        assert!((1..=WORLDS.len()).contains(&shown) && shown < all, "{shown} of {all}: {text}");
        assert!(text.contains(&format!("{} other ways", all - shown)), "{text}");
        assert!(text.contains("syncready explain consent-missing"), "{text}");
        assert!(!text.contains("Where      request."), "{text}");
    }

    #[test]
    fn what_decides_for_none_of_many_shows_no_repair_and_first_what_tells_them_apart() {
        let (text, json) = told("HTTP/1.1 403 Forbidden\n");
        let causes = json["causes"].as_array().expect("causes");
        assert!(causes[0]["confidence"].as_f64().is_some_and(|sure| sure <= UNDECIDED), "{causes:#?}");
        assert!(text.starts_with(&format!("UNDECIDED: {} causes fit\n", causes.len())), "{text}");
        for part in ["The way out\n", "Another way", "New-MgServicePrincipal", "POSSIBLE"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        let next = text.find("What to do next").expect("the next step");
        assert!(next < text.find("What it may be").expect("the causes"), "{text}");
        assert!(text.contains("syncready troubleshoot ACCOUNT --log a.log"), "{text}");
        for cause in causes {
            assert!(text.contains(cause["cause"].as_str().expect("a name")), "{cause}: {text}");
            assert!(cause["fix"].is_array() && cause["next"].is_string(), "{cause}");
        }
    }

    #[test]
    fn what_is_surer_than_the_bound_is_told_as_one_cause() {
        let (text, json) = told("HTTP/1.1 500 Internal Server Error\n");
        assert!(json["causes"][0]["confidence"].as_f64().is_some_and(|sure| sure > UNDECIDED), "{json}");
        assert!(!text.contains("UNDECIDED") && text.contains("server-error"), "{text}");
    }

    #[test]
    fn a_secret_is_named_and_not_shown() {
        let (text, json) = told("POST /token client_secret=abc8Q~0123456789 failed: AADSTS50126\n");
        assert!(text.contains("Secrets stand in this log") && !text.contains("0123456789"), "{text}");
        assert!(
            json["secrets"][0]["kind"] == "client secret" && !json.to_string().contains("0123456789"),
            "{json}"
        );
    }

    #[test]
    fn what_nobody_knows_has_no_cause() {
        let (text, json) = told("failed with AADSTS99887766\n");
        assert!(text.starts_with("UNKNOWN") && text.contains("AADSTS99887766"), "{text}");
        assert_eq!(json["causes"], json!([]));
    }

    #[test]
    fn a_log_steers_no_terminal() {
        let (text, _) = told("\u{1b}]0;owned\u{7}\u{1b}[2J AADSTS50126 \u{202e}evil\r\n");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
}
