//! One paragraph about the first cause, to be pasted into a ticket: who, when, what was seen, what is
//! wanted from whom. Holds ids and times, and no secret: it is made of the report alone.

use std::collections::BTreeMap;

use super::causes;
use super::change::values;
use super::finding::{AccountReport, Finding, FirstCause, Settles};
use super::lately::ChangedLately;
use super::view::View;
use crate::facts::{Exchange, Run};

/// Most characters of a paragraph: more is not read, and some forms take no more.
const LONGEST: usize = 1200;

/// A sentence is not cut below this.
const SHORTEST: usize = 60;

/// Most characters of one of its sentences that may be cut.
const SENTENCE: usize = 260;

/// The paragraph.
pub(super) fn ticket(
    run: &Run,
    view: &View<'_>,
    report: &AccountReport,
    first: &FirstCause,
    evidence: &[&BTreeMap<String, Exchange>],
) -> String {
    let finding = report.findings.iter().find(|finding| finding.check == first.check);
    let exchange = finding.and_then(|finding| telling(finding, evidence));
    let seen = exchange.map_or(run.started_at.as_str(), |exchange| exchange.at.as_str());
    let meaning = causes::meaning(&first.cause).map(|meaning| format!(" ({meaning})")).unwrap_or_default();
    let mut sentences = vec![
        fixed(format!("{} is not ready for its sync product: {}{meaning}.", report.account, first.cause)),
        free(format!(
            "Seen {} UTC by syncready {}: {}",
            moment(seen),
            run.tool.version,
            ended(&first.message)
        )),
    ];
    if let (Some(expected), Some(actual)) = (&first.expected, &first.actual) {
        sentences.push(free(format!("Expected: {}; found: {}", cut(expected), ended(actual))));
    }
    sentences.push(fixed(format!("Ids: {}.", ids(view, report, finding, exchange).join(", "))));
    sentences.extend(first.outage.as_ref().map(|outage| fixed(format!("{}.", outage.text))));
    sentences.extend(first.changed_lately.first().map(|latest| free(changed(latest))));
    sentences.extend(wanted(first).map(free));
    if let Some(Settles { usual, max }) = &first.settles {
        let text = format!("It acts after {} as a rule, {} at the longest.", spelled(usual), spelled(max));
        sentences.push(fixed(text));
    }
    if let Some(verify) = first.fix.iter().find_map(|fix| fix.verify.as_deref()) {
        sentences.push(fixed(format!("To confirm: {verify}")));
    }
    fit(sentences)
}

/// A sentence, and whether it may be cut.
type Sentence = (String, bool);

fn fixed(text: String) -> Sentence {
    (text, false)
}

fn free(text: String) -> Sentence {
    (text, true)
}

/// `5m` as `5 minutes`; other texts as they are.
fn spelled(span: &str) -> String {
    let (number, unit) = span.split_at(span.len() - span.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        _ => return span.to_owned(),
    };
    match number.parse::<u32>() {
        Ok(1) => format!("1 {unit}"),
        Ok(number) => format!("{number} {unit}s"),
        Err(_) => span.to_owned(),
    }
}

fn changed(latest: &ChangedLately) -> String {
    format!("Changed lately: {} on {} UTC.", latest.text, moment(&latest.at))
}

/// The exchange that shows the trouble: the last one that was refused, else the last one with an id.
fn telling<'e>(finding: &Finding, evidence: &[&'e BTreeMap<String, Exchange>]) -> Option<&'e Exchange> {
    let named = || finding.evidence.iter().filter_map(|id| evidence.iter().find_map(|map| map.get(id))).rev();
    let refused = |exchange: &&Exchange| exchange.status.is_none_or(|status| status >= 400);
    named()
        .find(refused)
        .or_else(|| named().find(|exchange| exchange.request_id.is_some()))
        .or_else(|| named().next())
}

fn ids(
    view: &View<'_>,
    report: &AccountReport,
    finding: Option<&Finding>,
    exchange: Option<&Exchange>,
) -> Vec<String> {
    let mut ids = vec![format!("check {}", finding.map_or("", |finding| finding.check.as_str()))];
    match view.text("tenant.id") {
        Some(id) => ids.push(format!("tenant {} ({id})", report.tenant)),
        None => ids.push(format!("tenant {}", report.tenant)),
    }
    let mut add = |what: &str, id: Option<&str>| ids.extend(id.map(|id| format!("{what} {id}")));
    add("app", view.text("subject.client_id"));
    if let Some(exchange) = exchange {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let url = exchange.url.split(['?', ' ']).next().unwrap_or_default();
        add(&exchange.method, Some(&format!("{url}: {status}")));
        add("request-id", exchange.request_id.as_deref());
        add("client-request-id", exchange.client_request_id.as_deref());
        add("server", exchange.server.as_deref());
    }
    if finding.is_some_and(|finding| finding.facts.iter().any(|path| path.starts_with("sign_in."))) {
        let mut text = |what: &str, field: &str| {
            let id = view
                .group("sign_in")
                .and_then(|group| values(group, field).first().and_then(|id| id.as_str()));
            add(what, id.filter(|id| !id.is_empty()));
        };
        text("trace id", "trace_id");
        text("correlation id", "correlation_id");
    }
    ids
}

fn wanted(first: &FirstCause) -> Option<String> {
    let fix = first.fix.first()?;
    let steps: Vec<String> = fix.steps.iter().map(|step| ended(step)).collect();
    let by = match (&fix.who, &fix.role) {
        (Some(who), Some(role)) => format!("Wanted from the {who} (least role: {role})"),
        (Some(who), None) => format!("Wanted from the {who}"),
        (None, Some(role)) => format!("Wanted from somebody with the role {role}"),
        (None, None) => "Wanted".to_owned(),
    };
    Some(format!("{by}: {}", steps.join(" ")))
}

/// `2026-11-21 08:00:03`
fn moment(at: &str) -> String {
    at.trim_end_matches('Z').split('.').next().unwrap_or(at).replacen('T', " ", 1)
}

fn ended(text: &str) -> String {
    let text = cut(text);
    if text.ends_with(['.', '!', '?', '…']) { text } else { text + "." }
}

fn cut(text: &str) -> String {
    shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "), SENTENCE)
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let short: String = text.chars().take(most.saturating_sub(1)).collect();
    let whole = short.rsplit_once(' ').map_or(short.as_str(), |(whole, _)| whole);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.']))
}

/// One paragraph within the limit: the longest sentence that may be cut gives way first, ids and
/// commands never.
fn fit(mut sentences: Vec<Sentence>) -> String {
    let length =
        |sentences: &[Sentence]| sentences.iter().map(|(text, _)| text.chars().count() + 1).sum::<usize>();
    while length(&sentences) > LONGEST {
        let over = length(&sentences) - LONGEST;
        let free = sentences.iter_mut().filter(|(text, free)| *free && text.chars().count() > SHORTEST);
        let Some((longest, _)) = free.max_by_key(|(text, _)| text.chars().count()) else { break };
        let most = longest.chars().count();
        *longest = shortened(longest, most.saturating_sub(over.min(most / 2)).max(SHORTEST));
    }
    let text: Vec<String> = sentences.into_iter().map(|(text, _)| text).collect();
    let text = text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_paragraph_is_cut_where_it_is_longest() {
        let text = fit(vec![
            fixed("Who.".into()),
            free("word ".repeat(400)),
            fixed("Verify: syncready check".into()),
        ]);
        assert!(text.chars().count() <= LONGEST, "{}", text.len());
        assert!(text.starts_with("Who. word") && text.ends_with("Verify: syncready check"), "{text}");
    }

    #[test]
    fn times_are_written_for_people() {
        assert_eq!(moment("2026-11-21T08:00:03.123Z"), "2026-11-21 08:00:03");
    }
}
