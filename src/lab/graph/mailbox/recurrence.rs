//! How events recur, between the store and its form in Graph.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::change::{word_of, wrong};
use crate::lab::graph::error::Refusal;
use crate::lab::store::{Appointment, Day, End, Index, Pattern, Recurrence};

const INDEXES: &[(&str, Index)] = &[
    ("first", Index::First),
    ("second", Index::Second),
    ("third", Index::Third),
    ("fourth", Index::Fourth),
    ("last", Index::Last),
];

fn invalid() -> Refusal {
    Refusal::new(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")
}

/// The recurrence in a body.
pub(super) fn read(value: &Value) -> Result<Option<Recurrence>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    let (pattern, range) = (&value["pattern"], &value["range"]);
    let date =
        |name: &str| range[name].as_str().and_then(|text| text.parse::<Date>().ok()).ok_or_else(invalid);
    let end = match range["type"].as_str() {
        Some("noEnd") => End::Never,
        Some("endDate") => End::Until(date("endDate")?),
        Some("numbered") => {
            let count = range["numberOfOccurrences"].as_u64().and_then(|count| u32::try_from(count).ok());
            End::Count(count.filter(|count| *count > 0).ok_or_else(invalid)?)
        }
        _ => return Err(wrong("recurrence")),
    };
    Ok(Some(Recurrence { pattern: read_pattern(pattern)?, start: date("startDate")?, end }))
}

fn read_pattern(pattern: &Value) -> Result<Pattern, Refusal> {
    let number = |name: &str| pattern[name].as_i64();
    let interval = match pattern["interval"].as_u64() {
        Some(interval) if interval > 0 => u32::try_from(interval).map_err(|_| invalid())?,
        _ => return Err(invalid()),
    };
    let small = |name: &str, most: i64| {
        let found = number(name).filter(|number| (1..=most).contains(number));
        found.and_then(|number| i8::try_from(number).ok()).ok_or_else(invalid)
    };
    let listed = || {
        let names = pattern["daysOfWeek"].as_array().into_iter().flatten();
        let days: Option<Vec<Day>> = names.map(|name| Day::named(name.as_str()?)).collect();
        days.filter(|days| !days.is_empty()).ok_or_else(invalid)
    };
    let index = || {
        let wanted = pattern["index"].as_str().unwrap_or("first");
        INDEXES.iter().find(|(name, _)| *name == wanted).map(|(_, index)| *index).ok_or_else(invalid)
    };
    Ok(match pattern["type"].as_str() {
        Some("daily") => Pattern::Daily { interval },
        Some("weekly") => {
            let first = pattern["firstDayOfWeek"].as_str().map_or(Some(Day::Sunday), Day::named);
            Pattern::Weekly { interval, days: listed()?, first: first.ok_or_else(invalid)? }
        }
        Some("absoluteMonthly") => Pattern::Monthly { interval, day: small("dayOfMonth", 31)? },
        Some("relativeMonthly") => Pattern::MonthlyByDay { interval, days: listed()?, index: index()? },
        Some("absoluteYearly") => {
            Pattern::Yearly { interval, month: small("month", 12)?, day: small("dayOfMonth", 31)? }
        }
        Some("relativeYearly") => {
            Pattern::YearlyByDay { interval, month: small("month", 12)?, days: listed()?, index: index()? }
        }
        _ => return Err(wrong("recurrence")),
    })
}

/// The recurrence of a series, as a row.
pub(super) fn row(series: &Appointment, recurrence: &Recurrence) -> Value {
    let names = |days: &[Day]| days.iter().map(|day| day.name()).collect::<Vec<_>>();
    let mut pattern = json!({ "month": 0, "dayOfMonth": 0, "firstDayOfWeek": "sunday", "index": "first" });
    let (kind, interval) = match &recurrence.pattern {
        Pattern::Daily { interval } => ("daily", interval),
        Pattern::Weekly { interval, days, first } => {
            (pattern["daysOfWeek"], pattern["firstDayOfWeek"]) = (json!(names(days)), first.name().into());
            ("weekly", interval)
        }
        Pattern::Monthly { interval, day } => {
            pattern["dayOfMonth"] = (*day).into();
            ("absoluteMonthly", interval)
        }
        Pattern::MonthlyByDay { interval, days, index } => {
            (pattern["daysOfWeek"], pattern["index"]) = (json!(names(days)), word_of(INDEXES, *index).into());
            ("relativeMonthly", interval)
        }
        Pattern::Yearly { interval, month, day } => {
            (pattern["month"], pattern["dayOfMonth"]) = ((*month).into(), (*day).into());
            ("absoluteYearly", interval)
        }
        Pattern::YearlyByDay { interval, month, days, index } => {
            (pattern["month"], pattern["daysOfWeek"]) = ((*month).into(), json!(names(days)));
            pattern["index"] = word_of(INDEXES, *index).into();
            ("relativeYearly", interval)
        }
    };
    (pattern["type"], pattern["interval"]) = (kind.into(), (*interval).into());
    let (kind, until, count) = match recurrence.end {
        End::Never => ("noEnd", None, 0),
        End::Until(date) => ("endDate", Some(date), 0),
        End::Count(count) => ("numbered", None, count),
    };
    let until = until.map_or("0001-01-01".to_owned(), |date| date.to_string());
    json!({ "pattern": pattern, "range": { "type": kind, "startDate": recurrence.start.to_string(), "endDate": until,
        "recurrenceTimeZone": series.start_zone, "numberOfOccurrences": count } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_survives_being_written_and_read() {
        for pattern in [
            json!({"type": "daily", "interval": 2}),
            json!({"type": "weekly", "interval": 1, "daysOfWeek": ["monday", "friday"], "firstDayOfWeek": "monday"}),
            json!({"type": "absoluteMonthly", "interval": 3, "dayOfMonth": 31}),
            json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"], "index": "last"}),
            json!({"type": "absoluteYearly", "interval": 1, "month": 2, "dayOfMonth": 29}),
            json!({"type": "relativeYearly", "interval": 1, "month": 11, "daysOfWeek": ["thursday"], "index": "fourth"}),
        ] {
            for range in [
                json!({"type": "noEnd", "startDate": "2026-12-01"}),
                json!({"type": "endDate", "startDate": "2026-12-01", "endDate": "2027-01-01"}),
                json!({"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 4}),
            ] {
                let recurrence =
                    read(&json!({"pattern": pattern, "range": range})).expect("valid").expect("one");
                let written = row(&Appointment::default(), &recurrence);
                for (part, sent) in [("pattern", &pattern), ("range", &range)] {
                    for (name, value) in sent.as_object().expect("an object") {
                        assert_eq!(&written[part][name], value, "{pattern} {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pattern_without_what_its_type_needs_is_refused() {
        let range = json!({"type": "noEnd", "startDate": "2026-12-01"});
        for pattern in [
            json!({"type": "weekly", "interval": 1}),
            json!({"type": "daily", "interval": 0}),
            json!({"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 32}),
            json!({"type": "hourly", "interval": 1}),
        ] {
            assert!(read(&json!({"pattern": pattern, "range": range})).is_err(), "{pattern}");
        }
    }
}
