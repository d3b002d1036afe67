//! Causes, codes, areas and exit codes explained: what they mean, how they show, and the way out. The
//! repairs stand in the checks that find a cause; here they are brought together.

use serde_json::{Value, json};

use super::explain::{fix_json, is_in_words, one_fix, waits};
use super::mark::Paint;
use super::sheet::Sheet;
use super::{Style, json as document};
use crate::engine::{Catalogue, Check, FixFile, Outcome, Reach, WORLDS, Word, looks_for_few};
use crate::knowledge::{Entry, Knowledge};

/// From this share on, a code stands for its first cause, whose repair is shown with it.
const CLEAR: u8 = 70;

/// Something explained, in three forms.
pub struct Topic {
    sheet: Sheet,
    json: Value,
}

impl Topic {
    /// Pieces and data of one thing.
    pub(super) fn new(sheet: Sheet, json: Value) -> Self {
        Self { sheet, json }
    }

    /// For a terminal.
    pub fn text(&self, style: &Style) -> String {
        self.sheet.on_terminal(style)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        self.sheet.as_markdown()
    }

    /// As one JSON document.
    pub fn json(&self) -> String {
        document::pretty(&self.json)
    }
}

/// A check that finds a cause, with the rows that name it.
pub(super) struct Finder<'a> {
    pub check: &'a Check,
    /// Its rows that name the cause, with their place among all.
    rows: Vec<(usize, &'a Outcome)>,
}

impl Finder<'_> {
    /// Those that look for the cause come before those that report what a server answered, and both before
    /// those that only warn of it.
    fn rank(&self) -> u8 {
        let fails = self.rows.iter().any(|(_, row)| *row.result.get_ref() == Word::Fail);
        match (fails, looks_for_few(self.check)) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    }
}

/// The checks that find a cause, the most telling first.
pub(super) fn finders<'a>(catalogue: &'a Catalogue, cause: &str) -> Vec<Finder<'a>> {
    let naming = catalogue.checks().iter().filter(|check| check.mentions(cause));
    let finders = naming.map(|check| {
        let rows = check.file().outcome.iter().enumerate();
        Finder { check, rows: rows.filter(|(_, row)| row.cause.as_deref() == Some(cause)).collect() }
    });
    let mut finders: Vec<Finder<'a>> = finders.filter(|finder| !finder.rows.is_empty()).collect();
    finders.sort_by_key(Finder::rank);
    finders
}

/// One way to repair, and the checks that offer it.
pub(super) struct Road<'a> {
    pub fix: &'a FixFile,
    checks: Vec<&'a str>,
    settles: Option<&'a [String; 2]>,
    /// Where it can be the repair.
    worlds: Vec<&'a str>,
}

/// Every repair of a cause that is possible in one of the worlds, equal ones together.
pub(super) fn roads<'a>(finders: &[Finder<'a>], worlds: &[&'a str]) -> Vec<Road<'a>> {
    let mut roads: Vec<Road<'a>> = Vec::new();
    for finder in finders {
        let reach: Vec<_> = worlds.iter().map(|world| (*world, Reach::of(finder.check, world))).collect();
        for (place, row) in &finder.rows {
            for (index, fix) in row.fix.iter().enumerate() {
                let fits = reach.iter().filter(|(_, reach)| reach.fix(*place, index));
                let worlds: Vec<&str> = fits.map(|(world, _)| *world).collect();
                if !worlds.is_empty() {
                    let checks = vec![finder.check.id()];
                    join(&mut roads, Road { fix, checks, settles: row.settles.as_ref(), worlds });
                }
            }
        }
    }
    roads
}

/// Adds a road, or what is new in it to the equal one that is there.
fn join<'a>(roads: &mut Vec<Road<'a>>, new: Road<'a>) {
    let Some(road) = roads.iter_mut().find(|road| same(road.fix, new.fix)) else {
        return roads.push(new);
    };
    for (known, more) in [(&mut road.checks, new.checks), (&mut road.worlds, new.worlds)] {
        let more: Vec<&str> = more.into_iter().filter(|name| !known.contains(name)).collect();
        known.extend(more);
    }
}

/// In words, where worlds are not all there are.
fn place(worlds: &[&str]) -> Option<String> {
    let is_server = |world: &&str| *world == "exchange-server";
    let told = match (worlds.iter().any(is_server), worlds.len()) {
        (_, all) if all == WORLDS.len() => return None,
        (true, 1) => "Exchange Server".to_owned(),
        (false, 3) => "Exchange Online".to_owned(),
        _ => worlds.join(", "),
    };
    Some(told)
}

fn same(one: &FixFile, other: &FixFile) -> bool {
    let text = |fix: &FixFile| {
        let steps: Vec<String> = fix.steps.iter().map(ToString::to_string).collect();
        let part = |text: &Option<crate::engine::Text>| text.as_ref().map(ToString::to_string);
        (steps, part(&fix.when), part(&fix.command))
    };
    text(one) == text(other)
}

/// Steps of the first way out of a cause that hold whatever the facts are, and who takes them; `None`:
/// every way depends on facts.
pub(super) fn first_way(
    catalogue: &Catalogue,
    knowledge: &Knowledge,
    cause: &str,
    world: Option<&str>,
) -> Option<(Vec<String>, Option<String>)> {
    let finders = finders(catalogue, cause);
    let general = |fix: &FixFile| {
        let steps: Vec<String> = fix.steps.iter().map(|step| uncommanded(&step.to_string())).collect();
        let fixed = steps.iter().all(|step| !step.contains("{{"));
        fixed.then(|| (steps, fix.who.clone()))
    };
    let mut roads = roads(&finders, world.as_ref().map_or(&WORLDS, std::slice::from_ref));
    roads.retain(|road| world.is_some() || road.worlds.len() == WORLDS.len());
    let way = roads.iter().find_map(|road| general(road.fix));
    way.or_else(|| {
        let steps = knowledge.cause(cause)?.steps;
        (!steps.is_empty()).then_some((steps, None))
    })
}

/// A step without what it says of the command beside it, as `(command, Exchange Management Shell)`.
fn uncommanded(step: &str) -> String {
    match step.split_once(" (command") {
        Some((before, rest)) => {
            format!("{before}{}", rest.split_once(')').map_or("", |(_, after)| after))
        }
        None => step.to_owned(),
    }
}

/// A cause.
pub fn cause(catalogue: &Catalogue, knowledge: &Knowledge, name: &str) -> Option<Topic> {
    let meaning = catalogue.meaning(name)?;
    let known = knowledge.cause(name);
    let finders = finders(catalogue, name);
    let roads = roads(&finders, &WORLDS);
    let codes = knowledge.leading_to(name);
    let mut sheet = Sheet::default();
    sheet.title(name);
    sheet.text(meaning, Paint::Plain);
    if let Some(known) = &known {
        sheet.heading("How it shows");
        sheet.text(&known.shows, Paint::Plain);
    }
    if !finders.is_empty() {
        sheet.heading("Checks that find it");
        for finder in &finders {
            sheet.entry(finder.check.id(), finder.check.title());
        }
    }
    if !codes.is_empty() {
        sheet.heading("Codes that point to it");
        sheet.text(&codes.join(", "), Paint::Plain);
    }
    way_out(&mut sheet, &roads);
    let mut source = None;
    if let Some(known) = &known {
        if roads.is_empty() && !known.steps.is_empty() {
            sheet.heading("The way out");
            steps(&mut sheet, &known.steps);
            if let Some([usual, longest]) = &known.waits {
                sheet.labelled("Acts after", &waits(usual, longest));
            }
        }
        source.clone_from(&known.source);
    }
    sources(&mut sheet, &finders, source.as_deref());
    let json = json!({
        "format": 1,
        "cause": name,
        "means": meaning,
        "shows": known.as_ref().map(|known| &known.shows),
        "checks": finders.iter().map(finder_json).collect::<Vec<_>>(),
        "codes": codes,
        "steps": known.as_ref().filter(|_| roads.is_empty()).map(|known| &known.steps),
        "settles": known.as_ref().and_then(|known| known.waits.as_ref()).map(settles_json),
        "fix": roads.iter().map(road_json).collect::<Vec<_>>(),
        "source": source,
    });
    Some(Topic { sheet, json })
}

pub(super) fn steps(sheet: &mut Sheet, steps: &[String]) {
    for (index, step) in steps.iter().enumerate() {
        sheet.step(index + 1, step);
    }
}

/// The first road of each world that depends on nothing else, or on something that people can tell: what a
/// text alone can recommend. The rest depends on facts that it does not show.
pub(super) fn usual_roads<'r, 'a>(roads: &'r [Road<'a>], worlds: &[&str]) -> Vec<&'r Road<'a>> {
    let mut usual: Vec<&Road<'a>> = Vec::new();
    for world in worlds {
        let here = || roads.iter().filter(|road| road.worlds.contains(world));
        let plain = here().find(|road| road.fix.when.is_none());
        let told = || here().find(|road| road.fix.when.as_deref().is_some_and(is_in_words));
        let Some(road) = plain.or_else(told).or_else(|| here().next()) else { continue };
        if !usual.iter().any(|known| std::ptr::eq(*known, road)) {
            usual.push(road);
        }
    }
    usual
}

pub(super) fn way_out<'r, 'a: 'r>(sheet: &mut Sheet, roads: impl IntoIterator<Item = &'r Road<'a>>) {
    for (index, road) in roads.into_iter().enumerate() {
        if index == 0 {
            sheet.heading("The way out");
        } else {
            sheet.gap();
            sheet.text("Another way", Paint::Bold);
        }
        if let Some(place) = place(&road.worlds).filter(|_| road.fix.when.is_none()) {
            sheet.labelled("For", &place);
        }
        sheet.labelled("From", &road.checks.join(", "));
        one_fix(sheet, road.fix);
        if let Some([usual, longest]) = road.settles {
            sheet.labelled("Acts after", &waits(usual, longest));
        }
    }
}

fn sources(sheet: &mut Sheet, finders: &[Finder<'_>], own: Option<&str>) {
    let mut links: Vec<(&str, &str)> = Vec::new();
    for finder in finders {
        for reference in &finder.check.file().reference {
            if !links.iter().any(|(_, url)| *url == reference.url) {
                links.push((&reference.title, &reference.url));
            }
        }
    }
    links.extend(own.map(|url| ("Documentation", url)));
    if !links.is_empty() {
        sheet.heading("References");
    }
    for (title, url) in links {
        sheet.link(title, url);
    }
}

fn finder_json(finder: &Finder<'_>) -> Value {
    let mut results: Vec<Value> = Vec::new();
    for (_, row) in &finder.rows {
        let result = json!(row.result.get_ref());
        if !results.contains(&result) {
            results.push(result);
        }
    }
    json!({ "check": finder.check.id(), "title": finder.check.title(), "results": results })
}

pub(super) fn road_json(road: &Road<'_>) -> Value {
    let mut fix = fix_json(road.fix);
    fix["checks"] = json!(road.checks);
    fix["worlds"] = json!(road.worlds);
    fix["settles"] = road.settles.map_or(Value::Null, settles_json);
    fix
}

pub(super) fn settles_json([usual, max]: &[String; 2]) -> Value {
    json!({ "usual": usual, "max": max })
}

/// A code; `others` are further codes of the same pasted text.
pub fn code(catalogue: &Catalogue, entry: &Entry, others: &[&str]) -> Topic {
    let mut sheet = Sheet::default();
    sheet.title(&entry.code);
    sheet.text(&entry.means, Paint::Plain);
    sheet.gap();
    sheet.labelled("Said by", &entry.origin.title);
    if let Some(brought) = &entry.brought {
        sheet.labelled("From", &brought.words());
    }
    if !entry.also.is_empty() {
        sheet.labelled("Same as", &entry.also.join(", "));
    }
    if !entry.documented {
        sheet.labelled("Known", "from the field; Microsoft does not document it");
    }
    if !others.is_empty() {
        sheet.labelled("Also there", &others.join(", "));
    }
    let found: Vec<Vec<Finder<'_>>> =
        entry.causes.iter().map(|likely| finders(catalogue, &likely.cause)).collect();
    likely(&mut sheet, catalogue, entry, &found);
    if !entry.proves.is_empty() {
        sheet.heading("What it proves");
        for proof in &entry.proves {
            sheet.point(proof);
        }
    }
    if let Some(tells) = &entry.tells {
        sheet.heading("What tells them apart");
        sheet.text(tells, Paint::Plain);
    }
    let clear = entry.causes.first().is_some_and(|first| first.weight >= CLEAR);
    let roads = found.first().filter(|_| clear).map(|finders| roads(finders, &WORLDS)).unwrap_or_default();
    advice(&mut sheet, entry, &roads);
    if !entry.source().is_empty() {
        sheet.heading("References");
        sheet.link(&entry.origin.title, entry.source());
    }
    let json = code_json(catalogue, entry, others, (&found, &roads));
    Topic { sheet, json }
}

/// An HTTP status: what may stand behind it, and what tells that apart.
pub fn status(catalogue: &Catalogue, entry: &Entry, status: u16) -> Topic {
    let mut sheet = Sheet::default();
    sheet.title(&format!("HTTP {status}"));
    sheet.text(&entry.means, Paint::Plain);
    let found: Vec<Vec<Finder<'_>>> =
        entry.causes.iter().map(|likely| finders(catalogue, &likely.cause)).collect();
    if entry.apart.is_empty() {
        likely(&mut sheet, catalogue, entry, &found);
    } else {
        sheet.heading("What may refuse, and how it shows");
        for (number, one) in entry.apart.iter().enumerate() {
            let checks = one.checks.join(", ");
            let text = format!("{} Cause {}. Proven by {checks}", one.shows, one.cause);
            sheet.entry(&format!("{} {}", number + 1, one.what), &text);
        }
    }
    if let Some(tells) = &entry.tells {
        sheet.heading("Where to look first");
        sheet.text(tells, Paint::Plain);
    }
    advice(&mut sheet, entry, &[]);
    if !entry.source().is_empty() {
        sheet.heading("References");
        sheet.link(&entry.origin.title, entry.source());
    }
    let mut json = code_json(catalogue, entry, &[], (&found, &[]));
    json["status"] = status.into();
    json["apart"] = json!(entry.apart);
    Topic { sheet, json }
}

fn likely(sheet: &mut Sheet, catalogue: &Catalogue, entry: &Entry, found: &[Vec<Finder<'_>>]) {
    if entry.causes.is_empty() {
        return;
    }
    sheet.heading("What may stand behind it");
    for (likely, finders) in entry.causes.iter().zip(found) {
        let meaning = catalogue.meaning(&likely.cause).unwrap_or_default();
        let when = likely.when.as_ref().map(|when| format!(" ({when})")).unwrap_or_default();
        let checks: Vec<&str> = finders.iter().map(|finder| finder.check.id()).collect();
        let checks =
            if checks.is_empty() { String::new() } else { format!(". Found by {}", checks.join(", ")) };
        sheet.entry(&format!("{} {}%", likely.cause, likely.weight), &format!("{meaning}{when}{checks}"));
    }
}

fn advice(sheet: &mut Sheet, entry: &Entry, roads: &[Road<'_>]) {
    if !entry.advice.is_empty() {
        sheet.heading("What to do");
        steps(sheet, &entry.advice);
    }
    way_out(sheet, roads);
    let more: Vec<String> = match (roads.is_empty(), entry.causes.as_slice()) {
        (true, causes) => causes.iter().map(|likely| format!("syncready explain {}", likely.cause)).collect(),
        (false, _) => Vec::new(),
    };
    if !more.is_empty() {
        sheet.heading("The way out of each");
        sheet.command(&more.join("\n"));
    }
}

fn code_json(
    catalogue: &Catalogue,
    entry: &Entry,
    others: &[&str],
    (found, roads): (&[Vec<Finder<'_>>], &[Road<'_>]),
) -> Value {
    let causes: Vec<Value> = entry
        .causes
        .iter()
        .zip(found)
        .map(|(likely, finders)| {
            let checks: Vec<&str> = finders.iter().map(|finder| finder.check.id()).collect();
            json!({
                "cause": likely.cause, "means": catalogue.meaning(&likely.cause), "weight": likely.weight,
                "when": likely.when, "checks": checks,
            })
        })
        .collect();
    json!({
        "format": 1,
        "code": entry.code,
        "also": entry.also,
        "means": entry.means,
        "said_by": entry.origin.title,
        "documented": entry.documented,
        "brought": entry.brought,
        "causes": causes,
        "proves": entry.proves,
        "tells": entry.tells,
        "advice": entry.advice,
        "fix": roads.iter().map(road_json).collect::<Vec<_>>(),
        "source": entry.source(),
        "others": others,
    })
}

/// An area.
pub fn area(catalogue: &Catalogue, name: &str) -> Option<Topic> {
    let area = catalogue.areas().iter().find(|area| area.id == name)?;
    let checks: Vec<&Check> = catalogue.checks().iter().filter(|check| check.area() == name).collect();
    let mut sheet = Sheet::default();
    sheet.title(&area.id);
    sheet.text(&area.title, Paint::Plain);
    sheet.heading("Its checks");
    for check in &checks {
        sheet.entry(check.id(), check.title());
    }
    sheet.heading("More");
    sheet.command(&format!("syncready check --only {name}"));
    let checks: Vec<Value> =
        checks.iter().map(|check| json!({ "check": check.id(), "title": check.title() })).collect();
    let json = json!({ "format": 1, "area": area.id, "title": area.title, "checks": checks });
    Some(Topic { sheet, json })
}

/// An exit code.
pub fn exit_code(code: u8, meaning: &str) -> Topic {
    let mut sheet = Sheet::default();
    sheet.title(&format!("Exit code {code}"));
    sheet.text(meaning, Paint::Plain);
    Topic { sheet, json: json!({ "format": 1, "exit_code": code, "means": meaning }) }
}
