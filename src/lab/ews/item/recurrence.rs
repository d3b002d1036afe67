//! Recurrence patterns on the wire.

use roxmltree::Node;

use super::child_text;
use crate::lab::ews::times;
use crate::lab::store::{Day, End, Index, Pattern, Recurrence};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const INDICES: [(&str, Index); 5] = [
    ("First", Index::First),
    ("Second", Index::Second),
    ("Third", Index::Third),
    ("Fourth", Index::Fourth),
    ("Last", Index::Last),
];
const WORKDAYS: [Day; 5] = [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday];
const WEEKEND: [Day; 2] = [Day::Sunday, Day::Saturday];

/// Reads a `Recurrence`: a pattern, then a range.
pub(super) fn read(node: Node) -> Option<Recurrence> {
    let mut parts = node.children().filter(Node::is_element);
    let (pattern, range) = (parts.next()?, parts.next()?);
    let start = times::date(child_text(range, "StartDate"))?;
    let end = match range.tag_name().name() {
        "NoEndRecurrence" => End::Never,
        "EndDateRecurrence" => End::Until(times::date(child_text(range, "EndDate"))?),
        "NumberedRecurrence" => End::Count(child_text(range, "NumberOfOccurrences").trim().parse().ok()?),
        _ => return None,
    };
    Some(Recurrence { pattern: read_pattern(pattern)?, start, end })
}

fn read_pattern(node: Node) -> Option<Pattern> {
    let text = |name| child_text(node, name).trim();
    let interval = || text("Interval").parse().ok();
    let month = || {
        let place = MONTHS.iter().position(|month| *month == text("Month"))?;
        i8::try_from(place + 1).ok()
    };
    let index = || INDICES.iter().find(|(name, _)| *name == text("DayOfWeekIndex")).map(|(_, index)| *index);
    let day = || text("DayOfMonth").parse().ok().filter(|day| (1..=31).contains(day));
    let days = || read_days(text("DaysOfWeek"));
    Some(match node.tag_name().name() {
        "DailyRecurrence" => Pattern::Daily { interval: interval()? },
        "WeeklyRecurrence" => Pattern::Weekly {
            interval: interval()?,
            days: days()?,
            first: Day::named(text("FirstDayOfWeek")).unwrap_or(Day::Sunday),
        },
        "AbsoluteMonthlyRecurrence" => Pattern::Monthly { interval: interval()?, day: day()? },
        "RelativeMonthlyRecurrence" => {
            Pattern::MonthlyByDay { interval: interval()?, days: days()?, index: index()? }
        }
        "AbsoluteYearlyRecurrence" => Pattern::Yearly { interval: 1, month: month()?, day: day()? },
        "RelativeYearlyRecurrence" => {
            Pattern::YearlyByDay { interval: 1, month: month()?, days: days()?, index: index()? }
        }
        _ => return None,
    })
}

fn read_days(text: &str) -> Option<Vec<Day>> {
    let mut days = Vec::new();
    for word in text.split_whitespace() {
        match word {
            "Day" => days.extend(Day::ALL),
            "Weekday" => days.extend(WORKDAYS),
            "WeekendDay" => days.extend(WEEKEND),
            _ => days.push(Day::named(word)?),
        }
    }
    days.sort_unstable();
    days.dedup();
    (!days.is_empty()).then_some(days)
}

fn write_days(days: &[Day], one: bool) -> String {
    if one && days.len() == 7 {
        return "Day".to_owned();
    }
    if one && days == WORKDAYS {
        return "Weekday".to_owned();
    }
    if one && days == WEEKEND {
        return "WeekendDay".to_owned();
    }
    days.iter().map(|day| day_name(*day)).collect::<Vec<_>>().join(" ")
}

/// The name of a day as EWS writes it.
pub(in crate::lab::ews) fn day_name(day: Day) -> String {
    let (first, rest) = day.name().split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// A recurrence as an element.
pub(super) fn write(recurrence: &Recurrence) -> String {
    let month = |month: i8| {
        usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("January")
    };
    let index =
        |wanted: Index| INDICES.iter().find(|(_, index)| *index == wanted).map_or("First", |(name, _)| *name);
    let every = |interval: u32| format!("<t:Interval>{interval}</t:Interval>");
    let (name, inner) = match &recurrence.pattern {
        Pattern::Daily { interval } => ("DailyRecurrence", every(*interval)),
        Pattern::Weekly { interval, days, first } => {
            let (days, first) = (write_days(days, false), day_name(*first));
            let week =
                format!("<t:DaysOfWeek>{days}</t:DaysOfWeek><t:FirstDayOfWeek>{first}</t:FirstDayOfWeek>");
            ("WeeklyRecurrence", every(*interval) + &week)
        }
        Pattern::Monthly { interval, day } => {
            ("AbsoluteMonthlyRecurrence", format!("{}<t:DayOfMonth>{day}</t:DayOfMonth>", every(*interval)))
        }
        Pattern::MonthlyByDay { interval, days, index: which } => (
            "RelativeMonthlyRecurrence",
            format!(
                "{}<t:DaysOfWeek>{}</t:DaysOfWeek><t:DayOfWeekIndex>{}</t:DayOfWeekIndex>",
                every(*interval),
                write_days(days, true),
                index(*which)
            ),
        ),
        Pattern::Yearly { month: number, day, .. } => (
            "AbsoluteYearlyRecurrence",
            format!("<t:DayOfMonth>{day}</t:DayOfMonth><t:Month>{}</t:Month>", month(*number)),
        ),
        Pattern::YearlyByDay { month: number, days, index: which, .. } => (
            "RelativeYearlyRecurrence",
            format!(
                "<t:DaysOfWeek>{}</t:DaysOfWeek><t:DayOfWeekIndex>{}</t:DayOfWeekIndex><t:Month>{}</t:Month>",
                write_days(days, true),
                index(*which),
                month(*number)
            ),
        ),
    };
    let start = format!("<t:StartDate>{}</t:StartDate>", recurrence.start);
    let (range, end) = match recurrence.end {
        End::Never => ("NoEndRecurrence", String::new()),
        End::Until(date) => ("EndDateRecurrence", format!("<t:EndDate>{date}</t:EndDate>")),
        End::Count(count) => {
            ("NumberedRecurrence", format!("<t:NumberOfOccurrences>{count}</t:NumberOfOccurrences>"))
        }
    };
    format!("<t:Recurrence><t:{name}>{inner}</t:{name}><t:{range}>{start}{end}</t:{range}></t:Recurrence>")
}
