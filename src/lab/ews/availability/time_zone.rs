//! The time zone that a request for free and busy times brings along: a bias and two transitions a year.

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use roxmltree::Node;

use super::{text_below, typed};
use crate::lab::ews::item::day_name;
use crate::lab::store::Day;

/// When standard or daylight time begins.
#[derive(Debug, Clone, Copy)]
struct Transition {
    /// Minutes added to the zone's bias.
    bias: i64,
    time: Time,
    /// Which of the days of the month; 5 is the last.
    order: i64,
    /// Month; 0: it never begins.
    month: i8,
    day: Day,
}

/// A time zone; minutes of bias are subtracted from UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone {
    bias: i64,
    standard: Transition,
    daylight: Transition,
}

impl Transition {
    fn read(node: Node) -> Option<Self> {
        Some(Self {
            bias: text_below(node, "Bias").parse().ok()?,
            time: text_below(node, "Time").get(..8)?.parse().ok()?,
            order: text_below(node, "DayOrder").parse().ok().filter(|order| (0..=5).contains(order))?,
            month: text_below(node, "Month").parse().ok().filter(|month| (0..=12).contains(month))?,
            day: Day::named(text_below(node, "DayOfWeek"))?,
        })
    }

    /// When it begins in a year, by the clock before it.
    fn begins(&self, year: i16) -> Option<DateTime> {
        let first = Date::new(year, self.month, 1).ok()?;
        let days = first.series(Span::new().days(1)).take_while(|day| day.month() == self.month);
        let fitting: Vec<Date> = days.filter(|day| Day::of(*day) == self.day).collect();
        let place = usize::try_from(self.order.max(1) - 1).ok()?;
        let day = fitting.get(place).or(fitting.last())?;
        Some(day.to_datetime(self.time))
    }
}

impl Zone {
    /// Reads a `TimeZone`.
    pub(super) fn read(node: Node) -> Option<Self> {
        let bias =
            typed(node, "Bias")?.text()?.trim().parse().ok().filter(|bias| (-1440..=1440).contains(bias))?;
        let (standard, daylight) = (typed(node, "StandardTime")?, typed(node, "DaylightTime")?);
        Some(Self { bias, standard: Transition::read(standard)?, daylight: Transition::read(daylight)? })
    }

    /// Minutes to subtract from UTC at a local time.
    fn bias_at(&self, local: DateTime) -> i64 {
        let year = local.year();
        let (standard, daylight) = (self.standard.begins(year), self.daylight.begins(year));
        let summer = match (daylight, standard) {
            (Some(summer), Some(winter)) if summer < winter => local >= summer && local < winter,
            (Some(summer), Some(winter)) => local >= summer || local < winter,
            _ => false,
        };
        self.bias + if summer { self.daylight.bias } else { self.standard.bias }
    }

    /// A time; without an offset it is local.
    pub(super) fn read_time(&self, text: &str) -> Option<Timestamp> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(time);
        }
        let local: DateTime = text.parse().ok()?;
        let utc = TimeZone::UTC.to_timestamp(local).ok()?;
        utc.checked_add(SignedDuration::from_mins(self.bias_at(local))).ok()
    }

    /// A time as the clock of the zone shows it.
    pub(super) fn write_time(&self, time: Timestamp) -> String {
        let utc = |time: Timestamp| time.to_zoned(TimeZone::UTC).datetime();
        let near = time.checked_sub(SignedDuration::from_mins(self.bias)).unwrap_or(time);
        let local = time.checked_sub(SignedDuration::from_mins(self.bias_at(utc(near)))).unwrap_or(time);
        utc(local).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    }

    /// Eight to five from Monday to Friday, in this zone.
    pub(super) fn working_hours(&self) -> String {
        let transition = |name: &str, own: &Transition| {
            format!(
                "<t:{name}><t:Bias>{}</t:Bias><t:Time>{}</t:Time><t:DayOrder>{}</t:DayOrder><t:Month>{}</t:Month>\
                 <t:DayOfWeek>{}</t:DayOfWeek></t:{name}>",
                own.bias,
                own.time.strftime("%H:%M:%S"),
                own.order,
                own.month,
                day_name(own.day)
            )
        };
        format!(
            "<t:WorkingHours><t:TimeZone><t:Bias>{}</t:Bias>{}{}</t:TimeZone><t:WorkingPeriodArray><t:WorkingPeriod>\
             <t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday</t:DayOfWeek>\
             <t:StartTimeInMinutes>480</t:StartTimeInMinutes><t:EndTimeInMinutes>1020</t:EndTimeInMinutes>\
             </t:WorkingPeriod></t:WorkingPeriodArray></t:WorkingHours>",
            self.bias,
            transition("StandardTime", &self.standard),
            transition("DaylightTime", &self.daylight)
        )
    }
}
