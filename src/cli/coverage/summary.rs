//! The end of a run: from counts to a summary, and where it goes.

use std::{collections::BTreeMap, path::Path, time::Instant};

use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde_json::json;

use super::args::{Coverage, Format};
use super::book::Book;
use super::desk::Desk;
use super::line::{FORMAT, Options, SUMMARY};
use super::list::Counts;
use super::tally::Decided;
use crate::cli::{exit, look, output::Sink, problem::Problem, trouble::Trouble};
use crate::collect::coverage::{Ending, Mailbox, Why};
use crate::engine::Catalogue;
use crate::facts::Absence;
use crate::knowledge::Knowledge;
use crate::report::coverage::{Early, Group, Summary, span, table};

/// Causes that the command shows in full by looking at one mailbox.
const LOOKED_AT: &str = "fail";

/// How a run went.
pub struct Course<'a> {
    /// What was asked for.
    pub options: Options,
    /// What the directory says of the scope.
    pub scope: Vec<String>,
    /// When it began.
    pub began: Timestamp,
    /// The same, for measuring.
    pub clock: Instant,
    /// Known from its earlier part.
    pub resumed: u64,
    /// Where its lines are.
    pub file: Option<&'a Path>,
    /// Every mailbox should be open to the product.
    pub wanted: bool,
}

impl Course<'_> {
    /// The summary.
    pub fn summary(
        &self,
        desk: &Desk<'_>,
        counts: &Counts,
        ending: &Ending,
        texts: (&Catalogue, &Knowledge),
    ) -> Summary {
        let tally = &desk.tally;
        let (failed, undetermined) = tally.bad();
        let (outside, new, unexpected) = tally.outside();
        let groups = tally.decided().into_iter().map(|group| self.group(group, texts)).collect();
        Summary {
            kind: SUMMARY,
            format: FORMAT,
            options: self.options.clone(),
            scope: self.scope.clone(),
            started_at: self.began.to_string(),
            ended_at: Timestamp::now().to_string(),
            mailboxes: tally.open() + failed + undetermined + tally.rightly(),
            open: tally.open(),
            failed,
            undetermined,
            refused_rightly: tally.rightly(),
            resumed: self.resumed,
            repeated: Counts::of(&counts.again),
            of_other_shards: Counts::of(&counts.elsewhere),
            malformed: Counts::of(&counts.malformed),
            groups,
            outside: self.wanted.then(|| outside.clone()),
            new_outside: (self.wanted && desk.since.is_some()).then(|| new.clone()),
            unexpected: unexpected.clone(),
            sample: None,
            early: ending.early.as_ref().map(|why| self.early(why, ending)),
            requests: ending.requests,
            refused_for_rate: ending.refused_for_rate,
            seconds: (self.clock.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }

    fn group(&self, decided: Decided, texts: (&Catalogue, &Knowledge)) -> Group {
        let world = self.options.world.as_deref();
        let mut group = Group::of(decided.fails, decided.cause, decided.otherwise, texts, world);
        if group.result == LOOKED_AT {
            let example = decided.examples.first();
            group.look = example
                .map(|example| format!("syncready check {} --as {}", self.options.account, example.address));
        } else if group.steps.is_empty() {
            group.steps = vec![self.again()];
        }
        Group { codes: decided.codes, count: decided.count, examples: decided.examples, ..group }
    }

    /// How to go on.
    fn again(&self) -> String {
        match self.file {
            Some(path) => format!(
                "`syncready coverage --resume {}` with the same options asks them again.",
                path.display()
            ),
            None => "Run it again; with `-o FILE` it could be resumed.".to_owned(),
        }
    }

    fn early(&self, why: &Why, ending: &Ending) -> Early {
        let said = |answer: &crate::collect::coverage::Answer| {
            let status =
                answer.status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
            let text = answer.text.as_deref().map(|text| format!(", {text}")).unwrap_or_default();
            format!("{status}{text}")
        };
        let again = self.again();
        let (because, text, advice) = match why {
            Why::Refusals(alarm) => {
                let text = format!("{} of the latest {} mailboxes were refused", alarm.refused, alarm.of);
                let advice = if alarm.some_opened {
                    format!(
                        "Others opened before: something changed meanwhile, or the list has come to mailboxes that \
                         lie outside the scope. Look at one of them first; then {again} `--stop-at 100` never stops."
                    )
                } else {
                    format!(
                        "None opened: the right as a whole is missing. `syncready check {}` names the cause. {again}",
                        self.options.account
                    )
                };
                ("refusals", text, advice)
            }
            Why::Unauthorized(answer) => (
                "credential",
                format!("the credential was refused ({}); it was not sent again", said(answer)),
                format!("`syncready check {}` names the cause; {again}", self.options.account),
            ),
            Why::Failing(answer) => {
                ("failing", format!("the service went on failing ({})", said(answer)), again)
            }
            Why::Wait(wait) => ("wait", format!("the service asks to wait {}", span(wait.as_secs())), again),
            Why::List(absence) => {
                let text = absence.text.clone().unwrap_or_else(|| absence.reason.as_str().to_owned());
                ("list", format!("the list could not be read to its end: {text}"), again)
            }
            Why::Stopped => {
                let text = match ending.left {
                    0 => "it was stopped".to_owned(),
                    left => format!("it was stopped with {left} mailboxes under way"),
                };
                ("stopped", text, again)
            }
        };
        Early { because, text, advice }
    }
}

/// Writes the summary where it belongs.
pub fn tell(args: &Coverage, summary: &Summary, book: &mut Book) -> Result<(), Problem> {
    book.put(summary)?;
    book.flush()?;
    let text = match args.format {
        Format::Jsonl => return Ok(()),
        Format::Json => {
            let value = serde_json::to_value(summary).unwrap_or_default();
            format!("{value:#}\n")
        }
        Format::Table => table(summary, &look::stdout(&args.look, false)),
    };
    Sink::Stdout.write(&text)
}

/// Says what a run would ask.
pub async fn plan(
    mut list: impl Stream<Item = Result<Mailbox, Absence>> + Unpin,
    args: &Coverage,
) -> Result<u8, Trouble> {
    let mut declared: BTreeMap<&'static str, u64> = BTreeMap::new();
    while let Some(mailbox) = list.next().await {
        let mailbox = mailbox.map_err(|absence| {
            let why = absence.text.unwrap_or_else(|| absence.reason.as_str().to_owned());
            Trouble::Undetermined(format!("the list could not be read to its end: {why}"))
        })?;
        *declared.entry(mailbox.declared.as_str()).or_default() += 1;
    }
    let all: u64 = declared.values().sum();
    let number = |name: &str| declared.get(name).copied().unwrap_or_default();
    let (inside, outside, unknown) = (number("inside"), number("outside"), number("unknown"));
    let text = match args.format {
        Format::Table => format!(
            "Would ask {all} mailboxes: {inside} declared inside the scope, {outside} outside, {unknown} unknown.\n"
        ),
        Format::Json | Format::Jsonl => {
            let plan = json!({
                "kind": "syncready-coverage-plan", "format": FORMAT, "mailboxes": all,
                "inside": inside, "outside": outside, "unknown": unknown,
            });
            format!("{plan}\n")
        }
    };
    Sink::Stdout.write(&text)?;
    Ok(if all == 0 { exit::NOTHING } else { exit::READY })
}
