//! Recurring appointments, and when they occur.

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, Weekday},
};
use serde::{Deserialize, Serialize};

use super::{Appointment, zone};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Day {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

impl Day {
    /// All of them, Sunday first.
    pub const ALL: [Self; 7] = [
        Self::Sunday,
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
    ];

    /// The English name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sunday => "sunday",
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
        }
    }

    /// The day of that English name, whatever the case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.name().eq_ignore_ascii_case(name))
    }

    /// The day of the week of a date.
    pub fn of(date: Date) -> Self {
        match date.weekday() {
            Weekday::Sunday => Self::Sunday,
            Weekday::Monday => Self::Monday,
            Weekday::Tuesday => Self::Tuesday,
            Weekday::Wednesday => Self::Wednesday,
            Weekday::Thursday => Self::Thursday,
            Weekday::Friday => Self::Friday,
            Weekday::Saturday => Self::Saturday,
        }
    }
}

/// Which of the fitting days of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Index {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

/// On which days it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Every so many days.
    Daily {
        /// Days.
        interval: u32,
    },
    /// On days of every so many weeks.
    Weekly {
        /// Weeks.
        interval: u32,
        /// Days.
        days: Vec<Day>,
        /// With which day a week begins.
        first: Day,
    },
    /// On a day of every so many months; the last one of a shorter month.
    Monthly {
        /// Months.
        interval: u32,
        /// Day of the month.
        day: i8,
    },
    /// On the first, … last of the listed days in every so many months.
    MonthlyByDay {
        /// Months.
        interval: u32,
        /// Days.
        days: Vec<Day>,
        /// Which of them.
        index: Index,
    },
    /// On a day of the year.
    Yearly {
        /// Years; EWS knows only 1.
        interval: u32,
        /// Month, from 1.
        month: i8,
        /// Day of the month.
        day: i8,
    },
    /// On the first, … last of the listed days in a month of the year.
    YearlyByDay {
        /// Years; EWS knows only 1.
        interval: u32,
        /// Month, from 1.
        month: i8,
        /// Days.
        days: Vec<Day>,
        /// Which of them.
        index: Index,
    },
}

/// How long it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// For good.
    Never,
    /// Until that day, which counts.
    Until(Date),
    /// So many times.
    Count(u32),
}

/// How an appointment recurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurrence {
    /// On which days.
    pub pattern: Pattern,
    /// From which day on.
    pub start: Date,
    /// How long.
    pub end: End,
}

/// One time that an appointment takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The day, in the appointment's zone.
    pub day: Date,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
}

/// Days that are looked at before a search for occurrences ends.
const HORIZON: usize = 20_000;

impl Recurrence {
    /// The days on which it occurs, from the first on.
    pub fn days(&self) -> impl Iterator<Item = Date> + '_ {
        let (until, most) = match self.end {
            End::Never => (Date::MAX, usize::MAX),
            End::Until(date) => (date, usize::MAX),
            End::Count(count) => (Date::MAX, count as usize),
        };
        let mut next = Some(self.start);
        let all = std::iter::from_fn(move || {
            let day = next?;
            next = day.tomorrow().ok();
            Some(day)
        });
        let near = all.take(HORIZON).take_while(move |day| *day <= until);
        near.filter(|day| self.falls_on(*day)).take(most)
    }

    fn falls_on(&self, day: Date) -> bool {
        match &self.pattern {
            Pattern::Daily { interval } => days_between(self.start, day) % i64::from((*interval).max(1)) == 0,
            Pattern::Weekly { interval, days, first } => {
                let weeks = days_between(week_of(self.start, *first), week_of(day, *first)) / 7;
                weeks % i64::from((*interval).max(1)) == 0 && days.contains(&Day::of(day))
            }
            Pattern::Monthly { interval, day: wanted } => {
                self.month_fits(day, *interval) && day.day() == (*wanted).min(day.days_in_month())
            }
            Pattern::MonthlyByDay { interval, days, index } => {
                self.month_fits(day, *interval) && is_nth(day, days, *index)
            }
            Pattern::Yearly { interval, month, day: wanted } => {
                self.year_fits(day, *interval)
                    && day.month() == *month
                    && day.day() == (*wanted).min(day.days_in_month())
            }
            Pattern::YearlyByDay { interval, month, days, index } => {
                self.year_fits(day, *interval) && day.month() == *month && is_nth(day, days, *index)
            }
        }
    }

    fn month_fits(&self, day: Date, interval: u32) -> bool {
        let months = |date: Date| i64::from(date.year()) * 12 + i64::from(date.month());
        (months(day) - months(self.start)) % i64::from(interval.max(1)) == 0
    }

    fn year_fits(&self, day: Date, interval: u32) -> bool {
        (i64::from(day.year()) - i64::from(self.start.year())) % i64::from(interval.max(1)) == 0
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// The day with which the week of a day begins.
fn week_of(date: Date, first: Day) -> Date {
    let back = (Day::of(date) as i64 - first as i64).rem_euclid(7);
    date.checked_sub(Span::new().days(back)).unwrap_or(date)
}

/// Whether a day is the first, … last of the listed ones in its month.
fn is_nth(date: Date, days: &[Day], index: Index) -> bool {
    let (first, last) = (date.first_of_month(), date.last_of_month());
    let fitting = |from: Date, to: Date| {
        from.series(Span::new().days(1))
            .take_while(move |day| *day <= to)
            .filter(|day| days.contains(&Day::of(*day)))
    };
    if !days.contains(&Day::of(date)) {
        return false;
    }
    let place = fitting(first, date).count();
    match index {
        Index::First => place == 1,
        Index::Second => place == 2,
        Index::Third => place == 3,
        Index::Fourth => place == 4,
        Index::Last => fitting(date, last).count() == 1,
    }
}

impl Appointment {
    /// Its occurrences that overlap a span of time, at most so many; deleted ones are left out.
    pub fn occurrences(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Occurrence> {
        let overlap = |found: &Occurrence| found.start < to && (found.end > from || found.start >= from);
        let zone = zone(&self.start_zone);
        let Some(recurrence) = &self.recurrence else {
            let day = self.start.to_zoned(zone).date();
            let once = Occurrence { day, start: self.start, end: self.end };
            return Some(once).filter(overlap).into_iter().collect();
        };
        let clock = self.start.to_zoned(zone.clone()).time();
        let lasts: SignedDuration = self.end.duration_since(self.start);
        let days = recurrence.days().filter(|day| !self.deleted.contains(day));
        let all = days.filter_map(|day| {
            let start = zone.to_ambiguous_zoned(day.to_datetime(clock)).compatible().ok()?.timestamp();
            Some(Occurrence { day, start, end: start.checked_add(lasts).ok()? })
        });
        all.take_while(|found| found.start < to).filter(overlap).take(most).collect()
    }

    /// The first and the last occurrence that are left; a series without end has no last one.
    pub fn ends(&self) -> (Option<Occurrence>, Option<Occurrence>) {
        let endless = self.recurrence.as_ref().is_none_or(|recurrence| recurrence.end == End::Never);
        let first = self.occurrences(Timestamp::MIN, Timestamp::MAX, 1).into_iter().next();
        let last = if endless {
            None
        } else {
            self.occurrences(Timestamp::MIN, Timestamp::MAX, usize::MAX).into_iter().next_back()
        };
        (first, last)
    }
}
