//! Formatting of dates as Ruby's `strftime` does, with its flags and widths.

use std::fmt::Write as _;

use jiff::Zoned;

use super::super::error::ErrorCause;
use super::super::limits::RenderBudget;

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
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The greatest width of a field; a greater one is reduced to it.
const WIDTH_MAX: usize = 1024;

/// The flags of a directive: `%-d`, `%^a`, `%010Y`, `%::z`.
#[derive(Clone, Copy, Default)]
struct DirectiveFlags {
    /// The padding up to the width; `None` for that of the directive.
    padding: Option<Padding>,
    upper: bool,
    swap_case: bool,
    colons: usize,
    width: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    Space,
    Zero,
}

/// The value of a directive, before padding.
enum DateField {
    /// A number with its default width and padding.
    Number(i64, usize, Padding),
    Text(String),
    /// The format that the directive abbreviates.
    Format(&'static str),
    /// No directive: copied as it is written.
    Literal,
}

/// Appends `moment` in `format`. Other text is copied.
pub(in super::super) fn format_into(
    out: &mut String,
    format: &str,
    moment: &Zoned,
    budget: &mut RenderBudget,
) -> Result<(), ErrorCause> {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (flags, length) = parse_flags(&rest[1..]);
        // A `%` at the end is text.
        let Some(directive) = rest[1 + length..].chars().next() else { break };
        let whole = 1 + length + directive.len_utf8();
        let before = out.len();
        match date_field(directive, flags, moment) {
            DateField::Number(number, width, padding) => {
                push_number(out, number, width, padding, flags)
            }
            DateField::Text(text) => push_text(out, text, flags),
            DateField::Format(format) => {
                let mut text = String::new();
                format_into(&mut text, format, moment, budget)?;
                push_text(out, text, flags);
            }
            DateField::Literal => out.push_str(&rest[..whole]),
        }
        // After the field, whose width is limited: one step cannot cost more than 1,024 bytes.
        budget.charge_steps(1)?;
        budget.charge_bytes(out.len() - before)?;
        rest = &rest[whole..];
    }
    out.push_str(rest);
    Ok(())
}

/// The flags at the start of `text`, and their length in bytes.
fn parse_flags(text: &str) -> (DirectiveFlags, usize) {
    let mut flags = DirectiveFlags::default();
    let mut length = 0;
    for byte in text.bytes() {
        match byte {
            b'-' => flags.padding = Some(Padding::None),
            b'_' => flags.padding = Some(Padding::Space),
            b'0' if flags.width.is_none() => flags.padding = Some(Padding::Zero),
            b'^' => flags.upper = true,
            b'#' => flags.swap_case = true,
            b':' => flags.colons += 1,
            b'0'..=b'9' => {
                let width = flags.width.unwrap_or(0) * 10 + usize::from(byte - b'0');
                flags.width = Some(width.min(WIDTH_MAX));
            }
            // Locale modifiers, without effect in the only locale.
            b'E' | b'O' => {}
            _ => break,
        }
        length += 1;
    }
    (flags, length)
}

fn date_field(directive: char, flags: DirectiveFlags, moment: &Zoned) -> DateField {
    use Padding::{None as Bare, Space, Zero};
    let number = |number: i64, width: usize, padding| DateField::Number(number, width, padding);
    let hour = i64::from(moment.hour());
    // Midnight and noon are 12.
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let year = i64::from(moment.year());
    match directive {
        'Y' => number(year, if year < 0 { 5 } else { 4 }, Zero),
        'C' => number(year.div_euclid(100), 2, Zero),
        'y' => number(year.rem_euclid(100), 2, Zero),
        'm' => number(moment.month().into(), 2, Zero),
        'd' => number(moment.day().into(), 2, Zero),
        'e' => number(moment.day().into(), 2, Space),
        'j' => number(moment.day_of_year().into(), 3, Zero),
        'H' => number(hour, 2, Zero),
        'k' => number(hour, 2, Space),
        'I' => number(hour12, 2, Zero),
        'l' => number(hour12, 2, Space),
        'M' => number(moment.minute().into(), 2, Zero),
        'S' => number(moment.second().into(), 2, Zero),
        's' => number(moment.timestamp().as_second(), 1, Bare),
        'u' => number(moment.weekday().to_monday_one_offset().into(), 1, Bare),
        'w' => number(moment.weekday().to_sunday_zero_offset().into(), 1, Bare),
        'G' => number(moment.date().iso_week_date().year().into(), 4, Zero),
        'g' => number(i64::from(moment.date().iso_week_date().year()).rem_euclid(100), 2, Zero),
        'V' => number(moment.date().iso_week_date().week().into(), 2, Zero),
        'U' => number(week_number(moment, moment.weekday().to_sunday_zero_offset()), 2, Zero),
        'W' => number(week_number(moment, moment.weekday().to_monday_zero_offset()), 2, Zero),
        // Abbreviations are formatted as a whole, so that their width counts for the whole.
        'c' => DateField::Format("%a %b %e %H:%M:%S %Y"),
        'D' | 'x' => DateField::Format("%m/%d/%y"),
        'F' => DateField::Format("%Y-%m-%d"),
        'R' => DateField::Format("%H:%M"),
        'r' => DateField::Format("%I:%M:%S %p"),
        'T' | 'X' => DateField::Format("%H:%M:%S"),
        'v' => DateField::Format("%e-%^b-%Y"),
        '+' => DateField::Format("%a %b %e %H:%M:%S %Z %Y"),
        _ => text_field(directive, flags, moment),
    }
}

fn text_field(directive: char, flags: DirectiveFlags, moment: &Zoned) -> DateField {
    let weekday = WEEKDAYS[moment.weekday().to_sunday_zero_offset() as usize % 7];
    let month = MONTHS[(moment.month() as usize + 11) % 12];
    let half = if moment.hour() < 12 { "AM" } else { "PM" };
    DateField::Text(match directive {
        'A' => apply_case(weekday, flags),
        'a' => apply_case(&weekday[..3], flags),
        'B' => apply_case(month, flags),
        'b' | 'h' => apply_case(&month[..3], flags),
        'p' if flags.swap_case => half.to_lowercase(),
        'p' => half.to_owned(),
        'P' => half.to_lowercase(),
        'Z' => zone_name(moment, flags),
        'z' => zone_offset(moment, flags),
        'N' | 'L' => {
            let digits = flags.width.unwrap_or(if directive == 'L' { 3 } else { 9 });
            // Digits are cut off, never rounded: a second must not become the next one.
            let nanos = format!("{:09}", moment.subsec_nanosecond());
            return DateField::Text(format!("{nanos:0<digits$}")[..digits].to_owned());
        }
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        _ => return DateField::Literal,
    })
}

/// The number of the week of the year, when a week begins `since` days ago.
fn week_number(moment: &Zoned, since: i8) -> i64 {
    (i64::from(moment.day_of_year()) + 6 - i64::from(since)) / 7
}

fn apply_case(name: &str, flags: DirectiveFlags) -> String {
    if flags.swap_case { name.to_uppercase() } else { name.to_owned() }
}

/// The short name of the zone; Ruby has none for an offset other than UTC.
fn zone_name(moment: &Zoned, flags: DirectiveFlags) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let name = info.abbreviation();
    let name = match name.bytes().next() {
        Some(b'+' | b'-') => "",
        _ => name,
    };
    if flags.swap_case { name.to_lowercase() } else { name.to_owned() }
}

fn zone_offset(moment: &Zoned, flags: DirectiveFlags) -> String {
    let seconds = moment.offset().seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    match flags.colons {
        0 => format!("{sign}{hours:02}{minutes:02}"),
        1 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{:02}", seconds.abs() % 60),
    }
}

fn push_number(
    out: &mut String,
    number: i64,
    width: usize,
    padding: Padding,
    flags: DirectiveFlags,
) {
    let padding = flags.padding.unwrap_or(padding);
    let width = flags.width.unwrap_or(width);
    // Writing to a string cannot fail.
    let _ = match padding {
        Padding::None if flags.width.is_none() => write!(out, "{number}"),
        Padding::None | Padding::Zero => write!(out, "{number:0width$}"),
        Padding::Space => write!(out, "{number:width$}"),
    };
}

fn push_text(out: &mut String, text: String, flags: DirectiveFlags) {
    let text = if flags.upper { text.to_uppercase() } else { text };
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    let fill = if flags.padding == Some(Padding::Zero) { "0" } else { " " };
    if flags.padding != Some(Padding::None) {
        out.push_str(&fill.repeat(missing));
    }
    out.push_str(&text);
}
