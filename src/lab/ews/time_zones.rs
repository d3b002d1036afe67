//! `GetServerTimeZones`: the zones that the server knows, with the rule of this year.
//!
//! As MS-OXWSGTZ has it: zones that nobody knows are left out without an error, and everything is told
//! unless `ReturnFullTimeZoneData` is false.

use std::fmt::Write;

use jiff::{Timestamp, ToSpan, civil::DateTime, tz::TimeZone};
use roxmltree::Node;

use super::item::day_name;
use super::operations::{list, respond};
use super::xml::escape;
use crate::lab::store::{Day, windows_zones, zone};

/// Answers the operation.
pub(super) fn get(operation: Node) -> String {
    let full = !matches!(operation.attribute("ReturnFullTimeZoneData"), Some("false" | "0"));
    let ids: Vec<&str> = list(operation, "Ids").iter().filter_map(Node::text).map(str::trim).collect();
    let wanted = |name: &&str| ids.is_empty() || ids.iter().any(|id| id.eq_ignore_ascii_case(name));
    let year = Timestamp::now().to_zoned(TimeZone::UTC).year();
    let zones: String =
        windows_zones().filter(wanted).map(|name| definition(name, full.then_some(year))).collect();
    let zones = format!("<m:TimeZoneDefinitions>{zones}</m:TimeZoneDefinitions>");
    respond("GetServerTimeZones", [Ok(zones)])
}

/// One of the two times of a year.
struct Half {
    /// Minutes to add to local time for UTC.
    bias: i32,
    /// When it begins, by the clock before it; `None`: it is always so.
    begins: Option<DateTime>,
}

/// Standard time, and daylight time where the year has both.
fn halves(zone: &TimeZone, year: i16) -> (Half, Option<Half>) {
    let bias = |offset: jiff::tz::Offset| -offset.seconds() / 60;
    let begin = jiff::civil::date(year, 1, 1).to_zoned(zone.clone());
    let Ok(begin) = begin.map(|begin| begin.timestamp()) else {
        return (Half { bias: 0, begins: None }, None);
    };
    let within = |at: Timestamp| at.to_zoned(zone.clone()).year() == year;
    let mut before = zone.to_offset(begin);
    let mut found = Vec::new();
    for change in zone.following(begin).take_while(|change| within(change.timestamp())) {
        let begins = Some(before.to_datetime(change.timestamp()));
        before = change.offset();
        found.push((change.dst().is_dst(), Half { bias: bias(before), begins }));
    }
    match <[_; 2]>::try_from(found) {
        Ok([(true, daylight), (false, standard)] | [(false, standard), (true, daylight)]) => {
            (standard, Some(daylight))
        }
        _ => (Half { bias: bias(zone.to_offset(begin)), begins: None }, None),
    }
}

/// A zone as an element; without a year only its name.
fn definition(name: &str, year: Option<i16>) -> String {
    let zone = zone(name);
    let now = year.unwrap_or_else(|| Timestamp::now().to_zoned(TimeZone::UTC).year());
    let (standard, daylight) = halves(&zone, now);
    let head = format!(
        "<t:TimeZoneDefinition Id=\"{0}\" Name=\"{1}\"",
        escape(name),
        escape(&shown(name, standard.bias))
    );
    if year.is_none() {
        return head + "/>";
    }
    let id = |half: &str| escape(&format!("trule:Microsoft/Registry/{name}/{now}-{half}"));
    let (mut periods, mut changes) = (String::new(), String::new());
    for (half, word) in [(Some(&standard), "Standard"), (daylight.as_ref(), "Daylight")] {
        let Some(half) = half else { continue };
        let _ = write!(
            periods,
            "<t:Period Bias=\"{}\" Name=\"{word}\" Id=\"{}\"/>",
            minutes(half.bias),
            id(word)
        );
        changes += &change(half, &id(word));
    }
    format!(
        "{head}><t:Periods>{periods}</t:Periods><t:TransitionsGroups><t:TransitionsGroup Id=\"0\">{changes}\
         </t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind=\"Group\">0</t:To>\
         </t:Transition></t:Transitions></t:TimeZoneDefinition>"
    )
}

/// The name that people see. Assumed: Exchange names cities here, which no rule derives from the zone.
fn shown(name: &str, bias: i32) -> String {
    let sign = if bias > 0 { '-' } else { '+' };
    format!("(UTC{sign}{:02}:{:02}) {name}", bias.abs() / 60, bias.abs() % 60)
}

fn minutes(bias: i32) -> String {
    format!("{}PT{}M", if bias < 0 { "-" } else { "" }, bias.abs())
}

fn change(half: &Half, period: &str) -> String {
    let to = format!("<t:To Kind=\"Period\">{period}</t:To>");
    let Some(begins) = half.begins else { return format!("<t:Transition>{to}</t:Transition>") };
    let day = day_name(Day::of(begins.date()));
    let last = begins.date().saturating_add(7.days()).month() != begins.month();
    let place = if last { -1 } else { (begins.day() - 1) / 7 + 1 };
    format!(
        "<t:RecurringDayTransition>{to}<t:TimeOffset>PT{}M</t:TimeOffset><t:Month>{}</t:Month>\
         <t:DayOfWeek>{day}</t:DayOfWeek><t:Occurrence>{place}</t:Occurrence></t:RecurringDayTransition>",
        i32::from(begins.hour()) * 60 + i32::from(begins.minute()),
        begins.month()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> String {
        definition(name, Some(2026))
    }

    #[test]
    fn a_zone_with_two_times_a_year_tells_when_they_begin() {
        let berlin = told("W. Europe Standard Time");
        assert!(berlin.contains("Bias=\"-PT60M\" Name=\"Standard\""), "{berlin}");
        assert!(berlin.contains("Bias=\"-PT120M\" Name=\"Daylight\""), "{berlin}");
        let begins = |half: &str, rest: &str| format!("{half}</t:To>{rest}");
        let winter = "<t:TimeOffset>PT180M</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>\
                      <t:Occurrence>-1</t:Occurrence>";
        assert!(berlin.contains(&begins("Standard", winter)), "{berlin}");
        let summer = "<t:TimeOffset>PT120M</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>\
                      <t:Occurrence>2</t:Occurrence>";
        let pacific = told("Pacific Standard Time");
        assert!(pacific.contains("Bias=\"PT480M\" Name=\"Standard\""), "{pacific}");
        assert!(pacific.contains(&begins("Daylight", summer)), "{pacific}");
    }

    #[test]
    fn a_zone_with_one_time_has_one_period() {
        let tokyo = told("Tokyo Standard Time");
        assert_eq!(tokyo.matches("<t:Period ").count(), 1, "{tokyo}");
        assert!(tokyo.contains("Bias=\"-PT540M\"") && tokyo.contains("<t:Transition><t:To Kind=\"Period\">"));
        assert_eq!(definition("UTC", None), "<t:TimeZoneDefinition Id=\"UTC\" Name=\"(UTC+00:00) UTC\"/>");
    }

    #[test]
    fn in_the_south_the_year_begins_in_summer() {
        let sydney = told("AUS Eastern Standard Time");
        assert!(sydney.contains("Bias=\"-PT600M\" Name=\"Standard\""), "{sydney}");
        assert!(sydney.contains("Daylight</t:To><t:TimeOffset>PT120M</t:TimeOffset><t:Month>10</t:Month>"));
    }
}
