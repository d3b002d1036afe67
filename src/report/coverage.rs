//! Coverage of many mailboxes: failures by cause, what to do about each, who lies outside.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Style;
use super::mark::{Paint, mark};
use super::page::{Page, count};
use super::topic;
use crate::engine::{Catalogue, Word, causes};
use crate::knowledge::Knowledge;

/// Examples that stand in the table.
const SHOWN: usize = 3;
/// Steps that stand in the table for one cause.
const STEPS: usize = 3;

/// What decides which mailboxes are asked, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// The account.
    pub account: String,
    /// App id of the product; null: none.
    pub app: Option<String>,
    /// World, as in `world.kind`; null: unknown.
    pub world: Option<String>,
    /// `ews` or `graph`.
    pub protocol: String,
    /// Where the mailboxes come from.
    pub source: String,
    /// Part of them, `I/N`; null: all.
    pub shard: Option<String>,
}

impl Options {
    /// The first thing that differs: its name, what stood there, what stands there now.
    pub fn difference(&self, now: &Self) -> Option<(&'static str, String, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let pairs = [
            ("account", self.account.to_lowercase(), now.account.to_lowercase()),
            ("app", text(&self.app), text(&now.app)),
            ("world", text(&self.world), text(&now.world)),
            ("protocol", self.protocol.clone(), now.protocol.clone()),
            ("source", self.source.clone(), now.source.clone()),
            ("shard", text(&self.shard), text(&now.shard)),
        ];
        pairs.into_iter().find(|(_, was, is)| was != is)
    }
}

/// The result of a run, its last line.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Always `syncready-coverage-summary`.
    pub kind: &'static str,
    /// Version of the document.
    pub format: u32,
    /// What was asked for.
    #[serde(flatten)]
    pub options: Options,
    /// What the directory says of the scope, in words.
    pub scope: Vec<String>,
    /// When the run began, RFC 3339, UTC.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// Mailboxes of which something was found out, earlier parts of a resumed run included.
    pub mailboxes: u64,
    /// Those that opened.
    pub open: u64,
    /// Those that do not.
    pub failed: u64,
    /// Those of which nothing is known.
    pub undetermined: u64,
    /// Refused, as the directory says they should be; they are neither open nor failed.
    pub refused_rightly: u64,
    /// Known from the earlier part of a resumed run.
    pub resumed: u64,
    /// Addresses that stand in the list more than once.
    pub repeated: u64,
    /// Addresses of other shards.
    pub of_other_shards: u64,
    /// Lines of the list that hold no address.
    pub malformed: u64,
    /// What failed or is unknown, by cause.
    pub groups: Vec<Group>,
    /// Wanted, and outside what the identity was granted; null: nobody said who is wanted.
    pub outside: Option<Counted>,
    /// Those of them that an earlier run does not name; null: there was none to compare with.
    pub new_outside: Option<Counted>,
    /// Mailboxes that open although they lie outside by declaration.
    pub unexpected: Counted,
    /// Test syncs of some that opened; null: none was asked for.
    pub sample: Option<Sample>,
    /// Why the run ended before its list did; null: it did not.
    pub early: Option<Early>,
    /// Requests sent.
    pub requests: u64,
    /// Requests that were refused for being too many.
    pub refused_for_rate: u64,
    /// Seconds that the run took.
    pub seconds: f64,
}

/// Test syncs of some mailboxes.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Sample {
    /// They wrote, into folders of their own; otherwise they only read.
    pub writes: bool,
    /// Mailboxes.
    pub mailboxes: u64,
    /// Those in which every step went as it should.
    pub ok: u64,
    /// Those in which one was refused or came out otherwise.
    pub failed: u64,
    /// Those in which the service failed or asked to back off.
    pub undetermined: u64,
    /// What went wrong, one row a mailbox.
    pub faults: Vec<SampleFault>,
}

/// What went wrong in one test sync.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SampleFault {
    /// Address of the mailbox.
    pub address: String,
    /// `fail` or `undetermined`.
    pub result: &'static str,
    /// The step that decides; null: something was left behind.
    pub step: Option<&'static str>,
    /// Its code; null: none was told.
    pub code: Option<String>,
    /// What was said.
    pub text: Option<String>,
}

/// Mailboxes with the same cause.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Group {
    /// `fail` or `undetermined`.
    pub result: &'static str,
    /// The likeliest cause; null: no code tells.
    pub cause: Option<String>,
    /// It in a few words.
    pub short: String,
    /// It in a sentence; null: it has no name.
    pub meaning: Option<String>,
    /// Codes that were answered.
    pub codes: Vec<String>,
    /// Mailboxes.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Example>,
    /// What to do.
    pub steps: Vec<String>,
    /// Who does it; null: not told.
    pub who: Option<String>,
    /// A command that shows the first cause and its fix for one of them; null: none is needed.
    pub look: Option<String>,
}

/// A number of mailboxes, and some of them.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// One mailbox.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Example {
    /// Its address.
    pub address: String,
    /// Address that the service names instead; null: none.
    pub suggested: Option<String>,
    /// An earlier run does not name it.
    pub new: bool,
}

/// Why a run ended before its list did.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Early {
    /// `refusals`, `credential`, `failing`, `wait`, `list`, `stopped`.
    pub because: &'static str,
    /// In words.
    pub text: String,
    /// What to do.
    pub advice: String,
}

impl Group {
    /// A group with what is known of its cause.
    pub fn of(
        fails: bool,
        cause: Option<String>,
        otherwise: Option<String>,
        (catalogue, knowledge): (&Catalogue, &Knowledge),
        world: Option<&str>,
    ) -> Self {
        let result = if fails { "fail" } else { "undetermined" };
        let Some(cause) = cause else {
            return Self { result, short: otherwise.unwrap_or_default(), ..Self::default() };
        };
        let known = knowledge.cause(&cause);
        let short = known.as_ref().and_then(|known| known.short.clone());
        let short = short.unwrap_or_else(|| cause.replace('-', " "));
        let way = topic::first_way(catalogue, knowledge, &cause, world);
        let (steps, who) = way.unwrap_or_default();
        let meaning = causes::meaning(&cause).map(str::to_owned);
        Self { result, cause: Some(cause), short, meaning, steps, who, ..Self::default() }
    }
}

impl Summary {
    /// The one line: `187 ok, 9 fail: 6 alias instead of primary address, 2 not provisioned, 1 EWS off`.
    pub fn line(&self) -> String {
        let mut text = format!("{} ok", self.open);
        for (result, word, number) in
            [("fail", "fail", self.failed), ("undetermined", "undetermined", self.undetermined)]
        {
            if number == 0 {
                continue;
            }
            let groups = self.groups.iter().filter(|group| group.result == result);
            let parts: Vec<String> = groups.map(|group| format!("{} {}", group.count, group.short)).collect();
            let join = if word == "fail" { ", " } else { "; " };
            let _ = write!(text, "{join}{number} {word}: {}", parts.join(", "));
        }
        text
    }
}

/// The table.
pub fn table(summary: &Summary, style: &Style) -> String {
    let mut page = Page::new(style);
    let shard = summary.options.shard.as_ref().map(|shard| format!(", part {shard}")).unwrap_or_default();
    page.heading(&format!("Coverage for {}: {}{shard}", summary.options.account, summary.options.source));
    let paint = if summary.failed > 0 {
        Paint::Bad
    } else if summary.undetermined > 0 || summary.early.is_some() || summary.mailboxes == 0 {
        Paint::Warn
    } else {
        Paint::Good
    };
    page.text(0, &format!("{}: {}", count_mailboxes(summary.mailboxes), summary.line()), paint);
    kept_back(&mut page, summary);
    if let Some(early) = &summary.early {
        page.blank();
        page.text(0, &format!("ENDED EARLY: {}", early.text), Paint::Alarm);
        page.text(2, &early.advice, Paint::Plain);
    }
    for group in &summary.groups {
        page.blank();
        self::group(&mut page, group);
    }
    outside(&mut page, summary);
    if let Some(sample) = &summary.sample {
        self::sample(&mut page, sample);
    }
    if !summary.scope.is_empty() {
        page.blank();
        page.text(0, "What the directory says", Paint::Bold);
        for note in &summary.scope {
            page.hang(2, "- ", note, Paint::Plain);
        }
    }
    page.blank();
    page.text(0, &pace(summary), Paint::Dim);
    page.finish()
}

fn count_mailboxes(number: u64) -> String {
    format!("{number} mailbox{}", if number == 1 { "" } else { "es" })
}

fn kept_back(page: &mut Page<'_>, summary: &Summary) {
    let pairs = [
        (summary.resumed, "known from the earlier part of the run"),
        (summary.refused_rightly, "refused, and outside the scope as they should be"),
        (summary.repeated, "repeated in the list"),
        (summary.of_other_shards, "of other shards"),
        (summary.malformed, "without an address"),
    ];
    let texts: Vec<String> = pairs
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if !texts.is_empty() {
        page.text(0, &format!("({})", texts.join("; ")), Paint::Dim);
    }
}

fn group(page: &mut Page<'_>, group: &Group) {
    let (word, paint) =
        if group.result == "fail" { (Word::Fail, Paint::Bad) } else { (Word::Unknown, Paint::Warn) };
    let lead = format!("{} ", mark(word, page.style()));
    let name = match (&group.cause, &group.meaning) {
        (Some(cause), Some(meaning)) => format!("{cause} ({meaning})"),
        (Some(cause), None) => cause.clone(),
        (None, _) => group.short.clone(),
    };
    page.hang(0, &lead, &format!("{} {name}", group.count), paint);
    if !group.codes.is_empty() && group.codes.iter().any(|code| *code != group.short) {
        page.labelled("Said", &group.codes.join(", "), Paint::Plain);
    }
    page.labelled("For", &examples(&group.examples, group.count), Paint::Plain);
    for (index, step) in group.steps.iter().take(STEPS).enumerate() {
        page.labelled(if index == 0 { "Do" } else { "" }, step, Paint::Plain);
    }
    if let Some(who) = &group.who {
        page.labelled("By", who, Paint::Plain);
    }
    if let Some(look) = &group.look {
        page.labelled_command("In full", look);
    }
}

fn examples(examples: &[Example], all: u64) -> String {
    let shown: Vec<String> = examples
        .iter()
        .take(SHOWN)
        .map(|example| match &example.suggested {
            Some(address) => format!("{} (its primary address is {address})", example.address),
            None => example.address.clone(),
        })
        .collect();
    let more = all.saturating_sub(shown.len() as u64);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

fn outside(page: &mut Page<'_>, summary: &Summary) {
    if let Some(outside) = summary.outside.as_ref().filter(|outside| outside.count > 0) {
        page.blank();
        let new = summary.new_outside.as_ref();
        let since = new.map(|new| format!(", {} of them new since the earlier run", new.count));
        let head = format!("Wanted, and outside the scope: {}{}", outside.count, since.unwrap_or_default());
        page.text(0, &head, Paint::Warn);
        page.text(2, &examples(&outside.examples, outside.count), Paint::Plain);
        if let Some(new) = new.filter(|new| new.count > 0) {
            page.labelled("New", &examples(&new.examples, new.count), Paint::Plain);
        }
    }
    if summary.unexpected.count > 0 {
        page.blank();
        let number = count_mailboxes(summary.unexpected.count);
        let text = format!("{number} opened although the directory says that they lie outside the scope");
        page.text(0, &text, Paint::Warn);
        page.text(2, &examples(&summary.unexpected.examples, summary.unexpected.count), Paint::Plain);
    }
}

fn sample(page: &mut Page<'_>, sample: &Sample) {
    let how = if sample.writes { "" } else { ", reading only" };
    let mut text = format!("Test sync in {}{how}: {} ok", count_mailboxes(sample.mailboxes), sample.ok);
    for (number, word) in [(sample.failed, "fail"), (sample.undetermined, "undetermined")] {
        if number > 0 {
            let _ = write!(text, ", {number} {word}");
        }
    }
    page.blank();
    let paint = if sample.failed > 0 { Paint::Bad } else { Paint::Plain };
    page.text(0, &text, paint);
    for fault in sample.faults.iter().take(SHOWN) {
        let step = fault.step.unwrap_or("clean-up");
        let said: Vec<&str> = [&fault.code, &fault.text].into_iter().flatten().map(String::as_str).collect();
        page.hang(2, "- ", &format!("{}: {step}: {}", fault.address, said.join(", ")), Paint::Plain);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time for people")]
fn pace(summary: &Summary) -> String {
    let requests = usize::try_from(summary.requests).unwrap_or(usize::MAX);
    let refused = match summary.refused_for_rate {
        0 => String::new(),
        number => format!(", {number} of them refused for being too many"),
    };
    format!("{}{refused}, in {}", count(requests, "request"), span(summary.seconds as u64))
}

/// A time in words: `12 s`, `3 min`, `2 h 5 min`.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(result: &'static str, count: u64, short: &str) -> Group {
        Group { result, count, short: short.into(), ..Group::default() }
    }

    #[test]
    fn one_line_says_it_all() {
        let groups = vec![
            group("fail", 6, "alias instead of primary address"),
            group("fail", 2, "not provisioned"),
            group("fail", 1, "EWS off"),
            group("undetermined", 3, "asked to back off"),
        ];
        let summary = Summary { open: 187, failed: 9, undetermined: 3, groups, ..Summary::default() };
        assert_eq!(
            summary.line(),
            "187 ok, 9 fail: 6 alias instead of primary address, 2 not provisioned, 1 EWS off; \
             3 undetermined: 3 asked to back off"
        );
    }

    #[test]
    fn times_are_told_in_words() {
        assert_eq!([5, 60, 3599, 7500].map(span), ["5 s", "1 min", "59 min", "2 h 5 min"]);
    }

    #[test]
    fn a_cause_brings_its_words_and_its_way_out() {
        let both = (Catalogue::embedded(), Knowledge::embedded());
        let found = Group::of(true, Some("address-not-primary".into()), None, both, Some("exchange-server"));
        assert_eq!(found.short, "alias instead of primary address");
        assert!(!found.steps.is_empty() && found.meaning.is_some(), "{found:?}");
    }
}
