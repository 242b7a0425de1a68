//! Parsing of dates in the forms that people write, as Ruby's `Time.parse` does.

pub(super) mod strftime;

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Longer texts are no dates. With this limit the parser may scan the text repeatedly.
const BYTES_MAX: usize = 128;

/// The parts of a date that were found so far.
#[derive(Default)]
struct DateParts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<Time>,
    /// The zone, if one was written.
    offset: Option<Offset>,
}

/// The moment that `text` describes. Missing parts come from `now`: the date of a time without one,
/// the year of a day, and the zone; a missing time is midnight.
pub(super) fn parse(text: &str, now: &Zoned) -> Option<Zoned> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let mut parts = DateParts::default();
    let mut numbers = Vec::new();
    let words = split_words(text);
    let mut index = 0;
    while index < words.len() {
        index += parts.take_word(&words[index..], &mut numbers)?;
    }
    parts.place_numbers(&numbers)?;
    parts.into_moment(now)
}

/// The words of the text in lower case, separated by white space or commas.
fn split_words(text: &str) -> Vec<String> {
    // Commas separate, as in `14 March, 2016`; other signs belong to their word.
    let separated = text.to_ascii_lowercase().replace(',', " ");
    separated.split_whitespace().map(str::to_owned).collect()
}

// === impl DateParts ===

impl DateParts {
    /// Reads the first of the words; returns the number of words that were consumed.
    fn take_word(&mut self, words: &[String], numbers: &mut Vec<(i64, usize)>) -> Option<usize> {
        let word = words[0].as_str();
        let next = words.get(1).map(String::as_str);
        // ISO 8601 has a `T` between date and time, which months and weekdays have, too: digits on
        // both sides decide.
        if let Some((date, time)) = word.split_once('t')
            && date.ends_with(|last: char| last.is_ascii_digit())
            && time.starts_with(|first: char| first.is_ascii_digit())
        {
            self.read_date(date)?;
            self.read_time(time, None)?;
        } else if word.contains(':') && word.starts_with(|first: char| first.is_ascii_digit()) {
            let meridian = next.filter(|next| parse_meridian(next).is_some());
            self.read_time(word, meridian)?;
            return Some(1 + usize::from(meridian.is_some()));
        } else if let Some(month) = parse_month(word) {
            self.month = Some(month);
        } else if is_weekday(word) || word == "at" || word == "of" {
            // Adds nothing to the date; Ruby's `Time.parse` does not check it either.
        } else if let Some(offset) = parse_zone(word) {
            self.offset = Some(offset);
        } else if let Some((hour, pm)) = parse_hour(word, next) {
            self.time = Some(Time::new(to_24_hours(hour, pm)?, 0, 0, 0).ok()?);
            return Some(1 + usize::from(!word.ends_with('m')));
        } else if word.contains(['-', '/', '.']) {
            self.read_date(word)?;
        } else {
            let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            // Ordinals, and the `Z` of a date without a time.
            let suffix = &word[digits.len()..];
            if !matches!(suffix, "" | "st" | "nd" | "rd" | "th" | "z") {
                return None;
            }
            self.read_number(digits, numbers)?;
        }
        Some(1)
    }

    /// Reads a bare number: the day, the year, or `20160314` and `20160314123000`.
    fn read_number(&mut self, digits: &str, numbers: &mut Vec<(i64, usize)>) -> Option<()> {
        let number: i64 = digits.parse().ok()?;
        match digits.len() {
            8 | 14 => {
                self.set_date(
                    parse_digits(digits, 0, 4)?,
                    parse_digits(digits, 4, 6)?,
                    parse_digits(digits, 6, 8)?,
                )?;
                if digits.len() == 14 {
                    let at = |start| parse_digits(digits, start, start + 2);
                    self.time =
                        Some(Time::new(to_i8(at(8)?)?, to_i8(at(10)?)?, to_i8(at(12)?)?, 0).ok()?);
                }
            }
            length => numbers.push((number, length)),
        }
        Some(())
    }

    /// Reads a date whose parts are joined: `2016-03-14`, `14-Mar-2016`, `2016/3/14`, `14.3.2016`.
    fn read_date(&mut self, word: &str) -> Option<()> {
        let pieces: Vec<&str> = word.split(['-', '/', '.']).collect();
        if let [only] = pieces[..] {
            return self.read_number(only, &mut Vec::new());
        }
        let number = |piece: &str| piece.parse::<i64>().ok();
        match pieces[..] {
            // `14-Mar-2016` and `2016-Mar-14`: the longer number is the year.
            [day, name, year] if parse_month(name).is_some() => {
                self.month = parse_month(name);
                let (day, year) = if day.len() > 2 {
                    (number(year)?, number(day)?)
                } else {
                    (number(day)?, parse_year(year)?)
                };
                self.day = Some(to_i8(day)?);
                self.year = Some(i16::try_from(year).ok()?);
                Some(())
            }
            [year, month, day] if year.len() > 2 => {
                self.set_date(number(year)?, number(month)?, number(day)?)
            }
            // `14.3.2016` and `14-3-2016`: the day comes first where the year comes last.
            [day, month, year] if word.contains(['.', '-']) && year.len() > 2 => {
                self.set_date(number(year)?, number(month)?, number(day)?)
            }
            [year, month, day] => self.set_date(parse_year(year)?, number(month)?, number(day)?),
            [year, month] if year.len() == 4 => self.set_date(number(year)?, number(month)?, 1),
            [month, day] => {
                self.month = Some(to_i8(number(month)?)?);
                self.day = Some(to_i8(number(day)?)?);
                Some(())
            }
            _ => None,
        }
    }

    fn set_date(&mut self, year: i64, month: i64, day: i64) -> Option<()> {
        self.year = Some(i16::try_from(year).ok()?);
        self.month = Some(to_i8(month)?);
        self.day = Some(to_i8(day)?);
        Some(())
    }

    /// Reads a time of day, with its zone attached as in `12:30:15.250+02:00`.
    fn read_time(&mut self, word: &str, next: Option<&str>) -> Option<()> {
        let end = word.find(['+', '-', 'z', 'a', 'p', 'u', 'g']).unwrap_or(word.len());
        let (clock, rest) = word.split_at(end);
        let pm = parse_meridian(rest).or_else(|| next.and_then(parse_meridian));
        if parse_meridian(rest).is_none() && !rest.is_empty() {
            self.offset = Some(parse_zone(rest)?);
        }
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut pieces = clock.split(':').map(|piece| piece.parse::<i8>().ok());
        // Minutes and seconds may be missing.
        let mut piece = || pieces.next().unwrap_or(Some(0));
        let (hour, minute, second) = (piece()?, piece()?, piece()?);
        let hour = pm.map_or(Some(hour), |pm| to_24_hours(hour, pm))?;
        // Digits beyond nanoseconds are dropped.
        let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        // A leap second becomes the 59th: the calendar has no 60th.
        self.time = Some(Time::new(hour, minute, second.min(59), nanos).ok()?);
        Some(())
    }

    /// Uses the bare numbers as day and year, in the order in which they were written.
    fn place_numbers(&mut self, numbers: &[(i64, usize)]) -> Option<()> {
        for (number, length) in numbers {
            // Two digits are a day as long as there is none, then a year.
            if *length <= 2 && self.day.is_none() {
                self.day = Some(to_i8(*number)?);
            } else if self.year.is_none() {
                let year = if *length <= 2 { expand_year(*number) } else { *number };
                self.year = Some(i16::try_from(year).ok()?);
            } else {
                return None;
            }
        }
        Some(())
    }

    fn into_moment(self, now: &Zoned) -> Option<Zoned> {
        let has_date = self.year.is_some() || self.month.is_some() || self.day.is_some();
        if !has_date && self.time.is_none() {
            return None;
        }
        let date = if has_date {
            Date::new(
                self.year.unwrap_or(now.year()),
                // A year alone is its first of January, a day alone one of this month.
                self.month.unwrap_or(if self.year.is_some() { 1 } else { now.month() }),
                self.day.unwrap_or(1),
            )
            .ok()?
        } else {
            now.date()
        };
        let time = self.time.unwrap_or_default();
        let zone = self.offset.map_or_else(|| now.time_zone().clone(), TimeZone::fixed);
        DateTime::from_parts(date, time).to_zoned(zone).ok()
    }
}

fn parse_month(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.');
    let index = MONTHS.iter().position(|month| word.len() >= 3 && word.starts_with(month))?;
    word.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some(index as i8 + 1)
}

fn is_weekday(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    word.len() >= 3
        && WEEKDAYS.iter().any(|day| word.starts_with(day))
        && parse_month(word).is_none()
}

/// Whether the word means afternoon; `None` for any other word.
fn parse_meridian(word: &str) -> Option<bool> {
    match word {
        "am" | "a.m." => Some(false),
        "pm" | "p.m." => Some(true),
        _ => None,
    }
}

/// `3pm`, or `3` before `pm`.
fn parse_hour(word: &str, next: Option<&str>) -> Option<(i8, bool)> {
    let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let suffix = &word[digits.len()..];
    let pm = if suffix.is_empty() { next.and_then(parse_meridian) } else { parse_meridian(suffix) };
    Some((digits.parse().ok()?, pm?))
}

fn to_24_hours(hour: i8, pm: bool) -> Option<i8> {
    (1..=12).contains(&hour).then_some(hour % 12 + if pm { 12 } else { 0 })
}

/// A zone by its offset, or by one of the names that mail headers use.
fn parse_zone(word: &str) -> Option<Offset> {
    let hours = match word {
        "z" | "utc" | "gmt" | "ut" => 0,
        "est" => -5,
        "edt" => -4,
        "cst" => -6,
        "cdt" => -5,
        "mst" => -7,
        "mdt" => -6,
        "pst" => -8,
        "pdt" => -7,
        "cet" | "bst" => 1,
        "cest" => 2,
        _ => return parse_numeric_zone(word),
    };
    Some(jiff::tz::offset(hours))
}

fn parse_numeric_zone(word: &str) -> Option<Offset> {
    let word = word.strip_prefix("utc").or_else(|| word.strip_prefix("gmt")).unwrap_or(word);
    let sign = match word.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = word[1..].chars().filter(|letter| *letter != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        4 => (parse_digits(&digits, 0, 2)?, parse_digits(&digits, 2, 4)?),
        _ => return None,
    };
    // `Offset` refuses what no zone has.
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Offset::from_seconds(sign * seconds).ok()
}

fn parse_digits(digits: &str, start: usize, end: usize) -> Option<i64> {
    digits.get(start..end)?.parse().ok()
}

fn to_i8(number: i64) -> Option<i8> {
    i8::try_from(number).ok()
}

/// A year that may be written with two digits.
fn parse_year(text: &str) -> Option<i64> {
    let year = text.parse().ok()?;
    Some(if text.len() <= 2 { expand_year(year) } else { year })
}

/// The year of two digits: 69 to 99 are of the last century, as in POSIX.
fn expand_year(year: i64) -> i64 {
    if year >= 69 { year + 1900 } else { year + 2000 }
}
