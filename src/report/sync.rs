//! The test sync, for a person at a terminal: its steps with their times, what it leaves behind for
//! good, and the plan of a dry run. Reads the facts of its group, which may come from a file.

use serde_json::Value;

use super::Style;
use super::mark::{Paint, mark};
use super::page::{Page, count};
use super::wrap::{plain, width};
use crate::engine::Word;

/// Columns of a step's name, of what it was done with, and of a time.
const STEP: usize = 15;
const SUBJECT: usize = 11;
/// Most columns that paths of public folders may take.
const WIDE_SUBJECT: usize = 28;
const TIME: usize = 9;

/// The steps, mailbox by mailbox.
pub(super) fn steps(page: &mut Page, sync: &Value) {
    page.blank();
    page.text(0, "TEST SYNC", Paint::Bold);
    page.labelled("By", &by(sync), Paint::Plain);
    page.labelled("Run", text(sync, "run_id"), Paint::Plain);
    page.labelled("Took", &took(sync), Paint::Plain);
    let mailboxes = rows(sync, "mailboxes");
    for mailbox in mailboxes {
        let address = text(mailbox, "address");
        let own: Vec<&Value> =
            rows(sync, "steps").iter().filter(|step| text(step, "mailbox") == address).collect();
        if own.is_empty() {
            continue;
        }
        page.blank();
        if mailboxes.len() > 1 {
            page.text(0, &format!("{address} ({})", about(mailbox)), Paint::Plain);
        }
        each(page, &own);
    }
    notes(page, sync);
}

/// What nobody can undo.
pub(super) fn traces(page: &mut Page, sync: &Value) {
    let traces = rows(sync, "traces");
    if traces.is_empty() {
        return;
    }
    page.blank();
    page.text(0, "WHAT CANNOT BE UNDONE", Paint::Bold);
    for trace in traces.iter().filter_map(Value::as_str) {
        page.hang(2, "- ", trace, Paint::Plain);
    }
}

fn by(sync: &Value) -> String {
    let right = match text(sync, "access") {
        "impersonation" => "impersonation",
        "delegate" => "the account's own permissions",
        "graph-app" => "application permissions",
        "graph-delegated" => "the signed-in account's permissions",
        other => other,
    };
    let protocol = if text(sync, "protocol") == "graph" { "Microsoft Graph" } else { "EWS" };
    format!("{protocol}, {right}")
}

fn took(sync: &Value) -> String {
    let waited = match number(sync, "waited_ms") {
        0 => String::new(),
        ms => format!(", {} of it waited because the server asked to", time(ms)),
    };
    let requests = usize::try_from(number(sync, "requests")).unwrap_or_default();
    format!("{}, {}{waited}", time(number(sync, "ms")), count(requests, "request"))
}

fn about(mailbox: &Value) -> String {
    let role = match text(mailbox, "role") {
        "account" => "the account",
        "other" => "another mailbox",
        "shared" => "a shared mailbox",
        "outside" => return "must be refused".to_owned(),
        other => other,
    };
    if mailbox["read_only"].is_null() { role.to_owned() } else { format!("{role}, read only") }
}

/// One line a step; below them what was skipped, each reason once.
fn each(page: &mut Page, steps: &[&Value]) {
    let is_skipped = |step: &&&Value| text(step, "result") == "skipped";
    let (idle, done): (Vec<&Value>, Vec<&Value>) = steps.iter().partition(is_skipped);
    let longest = done.iter().map(|step| width(&plain(text(step, "subject")))).max().unwrap_or_default();
    for step in done {
        line(page, step, longest.clamp(SUBJECT, WIDE_SUBJECT - 1) + 1);
    }
    reasons(page, &idle);
}

/// Steps that are skipped, by their reasons in the order in which these come up.
fn reasons(page: &mut Page, steps: &[&Value]) {
    let reason = |step: &Value| (text(step, "code").to_owned(), text(step, "text").to_owned());
    let mut groups: Vec<((String, String), Vec<&Value>)> = Vec::new();
    for step in steps {
        match groups.iter_mut().find(|(known, _)| *known == reason(step)) {
            Some((_, group)) => group.push(step),
            None => groups.push((reason(step), vec![step])),
        }
    }
    for ((code, why), group) in groups {
        skipped(page, &group, &code, &why);
    }
}

fn line(page: &mut Page, step: &Value, subjects: usize) {
    let (word, paint, said) = verdict(step);
    let style = page.style();
    let (name, subject) = (plain(text(step, "step")), plain(text(step, "subject")));
    let gap = STEP.saturating_sub(width(&name)).max(1);
    let room = subjects.saturating_sub(width(&subject)).max(1);
    let took = format!("{:>TIME$}", time(number(step, "ms")));
    let start = format!("{name}{:gap$}{subject}{:room$}{took}", "", "");
    let waited = match number(step, "waited_ms") {
        0 => String::new(),
        ms => format!("waited {}", time(ms)),
    };
    let tail: Vec<&str> =
        [said.as_str(), waited.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    let tail = plain(&tail.join(", "));
    let mark = paint.on(mark(word, style), style);
    let fits = 4 + width(&start) + 2 + width(&tail) <= page.width();
    if 4 + width(&start) > page.width() {
        page.hang(2, &format!("{mark} "), &start, Paint::Plain);
    } else if fits {
        page.raw(&format!("  {mark} {start}  {}", paint.on(&tail, style)));
    } else {
        page.raw(&format!("  {mark} {start}"));
    }
    if !fits && !tail.is_empty() {
        page.text(6, &tail, paint);
    }
    details(page, step, word);
}

/// How a step is shown: a mailbox that must be refused is in order when it is.
fn verdict(step: &Value) -> (Word, Paint, String) {
    let result = text(step, "result");
    let code = step["code"].as_str().map(str::to_owned);
    let status = step["status"].as_u64().filter(|status| *status >= 300);
    let status = status.map(|status| format!("HTTP {status}"));
    let why = code.or(status).map_or_else(|| result.to_owned(), |why| format!("{result}: {why}"));
    match (result, text(step, "role") == "outside") {
        ("ok", false) => (Word::Pass, Paint::Good, String::new()),
        ("ok", true) => (Word::Fail, Paint::Bad, "answered".to_owned()),
        ("refused", true) => (Word::Pass, Paint::Good, why),
        ("throttled", _) => (Word::Unknown, Paint::Warn, why),
        ("unavailable", _) => (Word::Skipped, Paint::Dim, why),
        // What a server does not tell of its limits keeps nobody from working.
        ("refused", _) if text(step, "step") == "quota" => (Word::Skipped, Paint::Dim, why),
        ("differs", _) if ["conflict", "quota"].contains(&text(step, "step")) => {
            (Word::Warn, Paint::Warn, why)
        }
        _ => (Word::Fail, Paint::Bad, why),
    }
}

fn details(page: &mut Page, step: &Value, word: Word) {
    let differences: Vec<_> = rows(step, "differences").iter().filter_map(Value::as_str).collect();
    for (place, difference) in differences.iter().enumerate() {
        if !differences[..place].contains(difference) {
            page.text(6, difference, Paint::Plain);
        }
    }
    let said = text(step, "text");
    if differences.is_empty() && word != Word::Pass && !said.is_empty() && said != text(step, "code") {
        page.text(6, said, Paint::Plain);
    }
}

/// Steps that are skipped for one reason; a word stands for all that writes, and a number for steps that
/// are only done with several things.
fn skipped(page: &mut Page, steps: &[&Value], code: &str, why: &str) {
    let names = if code == "read-only" { "everything that writes".to_owned() } else { folded(steps) };
    let lead = format!("{} ", mark(Word::Skipped, page.style()));
    page.hang(2, &lead, &format!("{} skipped: {names}", count(steps.len(), "step")), Paint::Dim);
    if !why.is_empty() {
        page.text(6, why, Paint::Dim);
    }
}

/// The names of steps; of those that stand there several times only how often.
fn folded(steps: &[&Value]) -> String {
    let mut names: Vec<(&str, Vec<&str>)> = Vec::new();
    for step in steps {
        let (name, subject) = (text(step, "step"), text(step, "subject"));
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, subjects)) => subjects.push(subject),
            None => names.push((name, vec![subject])),
        }
    }
    let shown = |(name, subjects): &(&str, Vec<&str>)| match subjects[..] {
        [only] => format!("{name} {only}").trim_end().to_owned(),
        _ => format!("{name} ({})", subjects.len()),
    };
    names.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn notes(page: &mut Page, sync: &Value) {
    let mut notes = Vec::new();
    if sync["self_only"] == true && sync["only_sweep"] != true {
        notes.push(
            "Only the account's own mailbox was opened, by itself: that proves the calls, not the right over others \
             (`--as MAILBOX` tries one)."
                .to_owned(),
        );
    }
    match text(sync, "ended") {
        "stopped" => notes.push("It was stopped before its end and has cleaned up.".to_owned()),
        "out-of-time" => {
            notes.push("Its time was over before its end (`--timeout` sets another).".to_owned());
        }
        _ => {}
    }
    notes.extend(analyzer(sync));
    for note in notes {
        page.blank();
        page.text(0, &note, Paint::Plain);
    }
}

/// Which tests of Microsoft's analyzer look at the same steps.
fn analyzer(sync: &Value) -> Option<String> {
    let mut tests: Vec<(&str, Vec<&str>)> = Vec::new();
    for step in rows(sync, "steps") {
        let Some(test) = step["rca_test"].as_str() else { continue };
        let name = text(step, "step");
        match tests.iter_mut().find(|(known, _)| *known == test) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => tests.push((test, vec![name])),
        }
    }
    let listed: Vec<_> =
        tests.iter().map(|(test, names)| format!("\"{test}\" ({})", names.join(", "))).collect();
    (!listed.is_empty()).then(|| {
        format!("Microsoft's Remote Connectivity Analyzer has tests for the same: {}.", listed.join("; "))
    })
}

/// The plan of a dry run.
pub fn plan(document: &Value, style: &Style) -> String {
    let mut page = Page::new(style);
    for account in rows(document, "accounts") {
        page.blank();
        account_plan(&mut page, account);
    }
    let limit = time(number(document, "limit_seconds").saturating_mul(1000));
    page.blank();
    page.text(
        0,
        &format!("Nothing was sent. The run would end after {limit} at the latest, cleaned up."),
        Paint::Bold,
    );
    page.finish()
}

fn account_plan(page: &mut Page, account: &Value) {
    page.text(0, &format!("PLAN OF A TEST SYNC FOR {}", text(account, "account")), Paint::Bold);
    page.labelled("By", &by(account), Paint::Plain);
    let marker = &account["marker"];
    let set =
        format!("{} {}, with the run's id as value", text(marker, "property_set"), text(marker, "name"));
    page.labelled("Marker", &set, Paint::Plain);
    for mailbox in rows(account, "mailboxes") {
        let address = text(mailbox, "address");
        page.heading(&format!("{address} ({})", about(mailbox)));
        for made in rows(account, "creates").iter().filter(|made| text(made, "mailbox") == address) {
            page.hang(2, "makes and removes: ", text(made, "what"), Paint::Plain);
        }
        let steps = rows(account, "steps").iter().filter(|step| text(step, "mailbox") == address);
        let (meant, left_out): (Vec<&Value>, Vec<&Value>) = steps.partition(|step| step["skipped"].is_null());
        for step in meant {
            planned(page, step);
        }
        // A plan keeps the reason in a field of its own.
        let mut reasons: Vec<&Value> = left_out.iter().map(|step| &step["skipped"]).collect();
        reasons.dedup();
        let mut told: Vec<&Value> = Vec::new();
        for why in reasons {
            if told.contains(&why) {
                continue;
            }
            told.push(why);
            let group: Vec<&Value> =
                left_out.iter().filter(|step| step["skipped"] == *why).copied().collect();
            skipped(page, &group, text(why, "code"), text(why, "text"));
        }
    }
    traces(page, account);
}

fn planned(page: &mut Page, step: &Value) {
    let (name, subject) = (text(step, "step"), text(step, "subject"));
    let gap = STEP.saturating_sub(width(name)).max(1);
    let room = (SUBJECT + 1).saturating_sub(width(subject)).max(1);
    let writes = if step["writes"] == true { "writes" } else { "reads " };
    let lead = format!("{writes} {name}{:gap$}{subject}{:room$}", "", "");
    page.hang(2, &lead, text(step, "requests"), Paint::Plain);
}

fn rows<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

/// Milliseconds as a person reads them.
fn time(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{ms} ms"),
        10_000..120_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(step: &str, result: &str) -> Value {
        json!({
            "step": step, "mailbox": "a@contoso.com", "role": "account", "subject": "contact", "result": result,
            "status": 200, "code": null, "text": null, "differences": [], "ms": 12, "waited_ms": 0, "rca_test": null,
        })
    }

    fn shown(steps: &[Value], width: usize) -> String {
        let style = Style { width, color: false, unicode: false };
        let mut page = Page::new(&style);
        let sync = json!({
            "protocol": "ews", "access": "impersonation", "run_id": "x", "ms": 12345, "requests": 3, "waited_ms": 0,
            "mailboxes": [{ "address": "a@contoso.com", "role": "account", "read_only": null }], "steps": steps,
            "ended": "whole", "self_only": false, "traces": [],
        });
        super::steps(&mut page, &sync);
        page.finish()
    }

    #[test]
    fn a_refusal_shows_its_code_and_its_words() {
        let mut refused = step("create", "refused");
        refused["code"] = "ErrorAccessDenied".into();
        refused["text"] = "Access is denied.".into();
        let text = shown(&[step("open", "ok"), refused], 80);
        assert!(text.contains("  + open           contact         12 ms\n"), "{text}");
        assert!(
            text.contains("  x create         contact         12 ms  refused: ErrorAccessDenied\n"),
            "{text}"
        );
        assert!(text.contains("      Access is denied.\n"), "{text}");
    }

    #[test]
    fn what_was_skipped_for_one_reason_stands_together() {
        let mut skipped = [step("read", "skipped"), step("update", "skipped")];
        for step in &mut skipped {
            step["text"] = "nothing was made".into();
        }
        let text = shown(&skipped, 80);
        assert!(
            text.contains("  - 2 steps skipped: read contact, update contact\n      nothing was made\n"),
            "{text}"
        );
    }

    #[test]
    fn a_reason_stands_once_however_many_steps_lie_between() {
        let skip = |name: &str, subject: &str, why: &str| {
            let mut step = step(name, "skipped");
            (step["subject"], step["text"]) = (subject.into(), why.into());
            step
        };
        let (folder, feed) = ("the folder was not made", "the feed did not answer");
        let steps = [
            skip("create", "contact", folder),
            step("create", "ok"),
            skip("create", "note", folder),
            skip("feed-created", "contacts", feed),
            skip("read", "contact", folder),
            step("read", "ok"),
            skip("read", "note", folder),
            skip("delete", "contact", folder),
        ];
        for columns in [50, 80] {
            let text = shown(&steps, columns);
            assert!(text.contains("- 5 steps skipped: create (2), read (2), delete"), "{text}");
            assert!(text.contains("- 1 step skipped: feed-created contacts"), "{text}");
            assert_eq!((text.matches(folder).count(), text.matches(feed).count()), (1, 1), "{text}");
            assert!(text.lines().all(|line| width(line) <= columns), "{text}");
        }
    }

    #[test]
    fn lines_stay_within_the_width() {
        let mut refused = step("create-folder", "refused");
        refused["code"] = "ErrorCreateItemAccessDenied".into();
        refused["waited_ms"] = 1500.into();
        let text = shown(&[refused], 44);
        assert!(text.lines().all(|line| width(line) <= 44), "{text}");
    }

    #[test]
    fn an_outsider_that_answers_is_no_success() {
        let mut outside = step("open", "ok");
        outside["role"] = "outside".into();
        assert!(shown(&[outside], 80).contains("x open"));
    }

    #[test]
    fn times_are_short() {
        assert_eq!([time(0), time(12_345), time(125_000)], ["0 ms", "12.3 s", "2 min 5 s"]);
    }
}
