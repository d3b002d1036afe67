//! Times at the beginning of lines, in the forms of many programs.

use jiff::civil::DateTime;

/// How far into a line a time is looked for that does not begin it.
const INSIDE: usize = 160;

/// How far into a line of JSON its time is looked for.
const DEEP: usize = 2048;

/// Names under which JSON carries its time.
const NAMES: &[&str] = &[
    "\"@timestamp\"",
    "\"timestamp\"",
    "\"time\"",
    "\"ts\"",
    "\"date\"",
    "\"datetime\"",
    "\"startedDateTime\"",
    "\"eventTime\"",
    "\"createdDateTime\"",
    "\"TimeGenerated\"",
];

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The time of a line, in milliseconds of some calendar; comparable within one log.
pub(super) fn of_line(line: &[u8]) -> Option<i64> {
    let line = &line[..line.len().min(DEEP)];
    let lead = line.iter().take(12).take_while(|byte| b" \t[(<>\"'#*|".contains(byte)).count();
    at_start(&line[lead..]).or_else(|| in_json(line)).or_else(|| inside(line))
}

/// A date with a clock not far into a line: behind a level, a host, or a name.
fn inside(line: &[u8]) -> Option<i64> {
    let line = &line[..line.len().min(INSIDE)];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    let open = |at: &usize| line[*at].is_ascii_digit() && b" [(\"',;|>=\t".contains(&line[*at - 1]);
    (1..line.len()).filter(open).find_map(|at| dated(&line[at..]))
}

/// Levels and names behind which a line's time may stand.
const LEADS: &[&str] = &[
    "error",
    "warning",
    "warn",
    "info",
    "information",
    "debug",
    "trace",
    "fatal",
    "critical",
    "verbose",
    "time=",
    "timestamp=",
    "ts=",
    "date=",
];

/// What stands before the time of a line that begins something: a level, a name, a priority of syslog.
fn lead(line: &[u8]) -> usize {
    let signs =
        |line: &[u8]| line.iter().take(12).take_while(|byte| b" \t[(<>\"'#*|,;:".contains(byte)).count();
    let mut at = signs(line);
    if line.starts_with(b"<") {
        let priority = line[1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if line.get(1 + priority) == Some(&b'>') && priority > 0 {
            at = priority + 2;
            at += if line[at..].starts_with(b"1 ") { 2 } else { 0 };
        }
    }
    let rest = &line[at..];
    if !rest.first().is_some_and(u8::is_ascii_alphabetic) {
        return at;
    }
    let word = LEADS
        .iter()
        .find(|lead| rest.len() > lead.len() && rest[..lead.len()].eq_ignore_ascii_case(lead.as_bytes()));
    let Some(word) = word else { return at };
    let behind = at + word.len();
    behind + line[behind..].iter().take(12).take_while(|byte| b"] \t[(\"'|,;:".contains(byte)).count()
}

/// Whether a line begins with a time: it begins something new.
pub(super) fn begins(line: &[u8]) -> bool {
    is_usual(line) || begins_otherwise(line)
}

/// Whether a line begins with a time in the form that is the most usual: most lines of long logs do.
fn is_usual(line: &[u8]) -> bool {
    let Some(head) = line.first_chunk::<19>() else { return false };
    let fits = head.iter().zip(b"0000-00-00 00:00:00").all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        form => byte == form,
    });
    let number = |at: usize| (head[at] - b'0') * 10 + head[at + 1] - b'0';
    fits && (1..=12).contains(&number(5))
        && (1..=28).contains(&number(8))
        && number(11) < 24
        && number(14) < 60
        && number(17) < 60
}

fn begins_otherwise(line: &[u8]) -> bool {
    let lead = lead(&line[..line.len().min(64)]);
    // Deep indents belong to what stands above.
    let indent = line.iter().take_while(|byte| b" \t".contains(byte)).count();
    indent < 4 && at_start(&line[lead..line.len().min(lead + 64)]).is_some()
}

fn in_json(line: &[u8]) -> Option<i64> {
    if !line.trim_ascii_start().starts_with(b"{") && !line.trim_ascii_start().starts_with(b"\"") {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    NAMES.iter().find_map(|name| {
        let value = text.split_once(name)?.1.trim_start_matches([':', ' ', '"']);
        at_start(value.as_bytes()).or_else(|| epoch(value))
    })
}

/// Seconds or milliseconds since 1970.
fn epoch(value: &str) -> Option<i64> {
    let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
    match digits.len() {
        10 => Some(digits.parse::<i64>().ok()? * 1000),
        13 => digits.parse().ok(),
        _ => None,
    }
}

/// Reads numbers and signs from the front of a line.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn number(&mut self, least: usize, most: usize) -> Option<i16> {
        let digits = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let number = self.0[..digits].iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0'));
        self.0 = &self.0[digits..];
        Some(number)
    }

    fn one_of(&mut self, signs: &[u8]) -> Option<u8> {
        let sign = *self.0.first().filter(|byte| signs.contains(byte))?;
        self.0 = &self.0[1..];
        Some(sign)
    }

    fn month(&mut self) -> Option<i16> {
        let name = self.0.get(..3)?.to_ascii_lowercase();
        let month = MONTHS.iter().position(|month| month.as_bytes() == name)?;
        self.0 = &self.0[3..];
        i16::try_from(month + 1).ok()
    }

    fn spaces(&mut self) {
        let count = self.0.iter().take_while(|byte| b" ,T".contains(byte)).count();
        self.0 = &self.0[count..];
    }
}

fn at_start(line: &[u8]) -> Option<i64> {
    dated(line).or_else(|| clock(&mut Cursor(line), 2000, 1, 1))
}

/// A date and a clock.
fn dated(line: &[u8]) -> Option<i64> {
    let readers = [year_first, day_first, month_first];
    readers.iter().find_map(|read| {
        let mut cursor = Cursor(line);
        let (year, month, day) = read(&mut cursor)?;
        cursor.spaces();
        // Web servers write a colon before the clock.
        let _ = cursor.one_of(b":;");
        clock(&mut cursor, year, month, day)
    })
}

/// `2024-05-31` or `2024/05/31`.
fn year_first(cursor: &mut Cursor<'_>) -> Option<(i16, i16, i16)> {
    let year = cursor.number(4, 4)?;
    let sign = cursor.one_of(b"-/.")?;
    let month = cursor.number(1, 2)?;
    cursor.one_of(&[sign])?;
    Some((year, month, cursor.number(1, 2)?))
}

/// `31.05.2024`, `05/31/2024`, `31-May-2024`: a number above twelve is the day.
fn day_first(cursor: &mut Cursor<'_>) -> Option<(i16, i16, i16)> {
    let first = cursor.number(1, 2)?;
    let sign = cursor.one_of(b"./- ")?;
    let named = cursor.month();
    let second = named.map_or_else(|| cursor.number(1, 2), Some)?;
    cursor.one_of(&[sign])?;
    let year = cursor.number(4, 4)?;
    let american = named.is_none() && (second > 12 || sign == b'/' && first <= 12);
    Some(if american { (year, first, second) } else { (year, second, first) })
}

/// `May 31 10:00:00` of syslog, perhaps with the weekday before it.
fn month_first(cursor: &mut Cursor<'_>) -> Option<(i16, i16, i16)> {
    let named = cursor.month().or_else(|| {
        cursor.0 = cursor.0.get(3..)?;
        cursor.spaces();
        cursor.month()
    });
    cursor.spaces();
    Some((2000, named?, cursor.number(1, 2)?))
}

fn clock(cursor: &mut Cursor<'_>, year: i16, month: i16, day: i16) -> Option<i64> {
    let mut hour = cursor.number(1, 2)?;
    cursor.one_of(b":.")?;
    let minute = cursor.number(2, 2)?;
    cursor.one_of(b":.")?;
    let second = cursor.number(2, 2)?;
    let fraction = cursor.one_of(b".,:").map(|_| {
        let digits = cursor.0.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
        let place = |at: usize| cursor.0[..digits].get(at).map_or(0, |digit| i64::from(digit - b'0'));
        let thousandths = place(0) * 100 + place(1) * 10 + place(2);
        cursor.0 = &cursor.0[digits..];
        thousandths
    });
    match half(cursor) {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    let small = |number: i16| i8::try_from(number).ok();
    // A leap second is the second before it.
    let time = [hour, minute, second.min(59)].map(small);
    let date = DateTime::new(year, small(month)?, small(day)?, time[0]?, time[1]?, time[2]?, 0).ok()?;
    let [hour, minute, second] = [hour, minute, second].map(i64::from);
    let stamp = ((days(date) * 24 + hour) * 60 + minute) * 60 + second;
    Some(stamp * 1000 + fraction.unwrap_or_default() - offset(cursor))
}

/// `AM` or `PM` behind a clock: whether it is the second half of the day.
fn half(cursor: &mut Cursor<'_>) -> Option<bool> {
    let rest = cursor.0.strip_prefix(b" ").unwrap_or(cursor.0);
    let word = rest.get(..2)?.to_ascii_lowercase();
    let ends = rest.get(2).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let second = match word.as_slice() {
        b"am" if ends => false,
        b"pm" if ends => true,
        _ => return None,
    };
    cursor.0 = &rest[2..];
    Some(second)
}

/// Names of zones behind a clock, in minutes east of Greenwich.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("MEZ", 60),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

/// The zone of a name, in milliseconds.
fn named_zone(rest: &[u8]) -> Option<i64> {
    let rest = rest.strip_prefix(b" ")?;
    let length = rest.iter().take(5).take_while(|byte| byte.is_ascii_uppercase()).count();
    let found = ZONES.iter().find(|(name, _)| name.as_bytes() == &rest[..length])?;
    Some(found.1 * 60_000)
}

/// Days since 1970, in the Gregorian calendar: years begin in March, so that leap days come last.
fn days(date: DateTime) -> i64 {
    let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `+02:00` or `CEST` behind a clock, in milliseconds.
fn offset(cursor: &mut Cursor<'_>) -> i64 {
    if let Some(zone) = named_zone(cursor.0) {
        return zone;
    }
    if let Some(rest) = cursor.0.strip_prefix(b" ").filter(|rest| {
        rest.len() >= 5 && b"+-".contains(&rest[0]) && rest[1..5].iter().all(u8::is_ascii_digit)
    }) {
        cursor.0 = rest;
    }
    let Some(sign) = cursor.one_of(b"+-") else { return 0 };
    let Some(hours) = cursor.number(2, 2) else { return 0 };
    let _ = cursor.one_of(b":");
    let minutes = cursor.number(2, 2).unwrap_or_default();
    let span = (i64::from(hours) * 60 + i64::from(minutes)) * 60_000;
    if sign == b'-' { -span } else { span }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let wanted = of_line(b"2024-05-31T10:00:00Z x");
        assert!(wanted.is_some());
        for line in [
            "2024-05-31 10:00:00,000 - x",
            "[2024/05/31 10:00:00] x",
            "31.05.2024 10:00:00 x",
            "05/31/2024 10:00:00 x",
            "31-May-2024 10:00:00 x",
            "31 May 2024 10:00:00 x",
            "2024-05-31T12:00:00.000+02:00 x",
            "{\"level\":\"info\",\"time\":\"2024-05-31T10:00:00Z\"}",
            "{\"ts\":1717149600}",
            "5/31/2024 10:00:00 AM x",
            "ERROR 2024-05-31 10:00:00 x",
            "[WARN] [2024-05-31T12:00:00+0200] x",
            "time=\"2024-05-31T10:00:00Z\" level=error",
            "<134>1 2024-05-31T10:00:00Z host app - - x",
            "10.0.0.1 - - [31/May/2024:12:00:00 +0200] \"GET /\"",
            "2024-05-31 12:00:00 CEST x",
            "2024-05-31 05:00:00.000 CDT x",
            "<Event><System><TimeCreated SystemTime='2024-05-31T10:00:00Z'/>",
            "<Trace Tag=\"EwsResponse\" Tid=\"4\" Time=\"2024-05-31 10:00:00Z\">",
            "\"5/31/2024 10:00:00 AM\",\"Error\",\"x\"",
            "> 2024-05-31 10:00:00 x",
            "{\"ts\": 1717149600000}",
        ] {
            assert_eq!(of_line(line.as_bytes()), wanted, "{line}");
        }
    }

    #[test]
    fn syslog_and_bare_clocks_are_comparable() {
        let read = |line: &str| of_line(line.as_bytes()).expect("a time");
        assert!(read("May 31 10:00:00 host x") < read("Jun  1 09:00:00 host x"));
        assert!(read("Fri May 31 10:00:00 2024 x") < read("Sat Jun 1 09:00:00 2024"));
        assert!(read("10:00:00.5 x") < read("10:00:01 x"));
    }

    #[test]
    fn what_begins_something_begins_with_its_time() {
        for line in [
            "ERROR 2024-05-31 10:00:00 x",
            "[INFO ] 10:00:00 x",
            "time=\"2024-05-31T10:00:00Z\" x",
            "<34>Oct 11 22:14:15 h x",
        ] {
            assert!(begins(line.as_bytes()), "{line}");
        }
        for line in
            ["2024-05-28 23:59:59 x", "2024-12-01T00:00:00Z", "2024-02-30 10:00:00", "2024-05-31 24:00:00"]
        {
            assert_eq!(begins(line.as_bytes()), begins_otherwise(line.as_bytes()), "{line}");
        }
        assert!(is_usual(b"2024-05-28 23:59:59 x") && !is_usual(b"2024-13-28 23:59:59 x"));
        for line in
            ["Timestamp: 2024-05-31 10:00:00Z", "    2024-05-31 10:00:00 x", "error 5", "info", "trace 1.2.3"]
        {
            assert!(!begins(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn prose_and_impossible_days_are_no_time() {
        for line in [
            "error 10",
            "2024-13-41 10:00:00",
            "12 errors",
            "{\"time\":\"soon\"}",
            "",
            "  at System.Net",
            "1.2.3.4:443",
        ] {
            assert_eq!(of_line(line.as_bytes()), None, "{line}");
        }
    }
}
