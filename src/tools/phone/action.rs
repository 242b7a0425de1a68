//! What the person at the other end does: the words that are typed at a phone and stand in flow
//! tests.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::limits::PHONE_WAIT_MAX;

/// One thing that a person does. [`PhoneAction::parse`] reads it, [`fmt::Display`] writes the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneAction {
    /// `press 12#`: keys of a telephone, `0-9*#`, in this order.
    Press(String),
    /// `say I have a question`: what speech recognition would make of it.
    Say(String),
    /// `wait`: silence until whoever listens gives up. `wait 2h`: as long as that.
    Wait(Option<Duration>),
    /// `hang up`
    HangUp,
    /// `text Hello there`: a message. `media https://…`: one that is a picture.
    Text {
        /// What is written; may be empty where there are pictures.
        body: String,
        /// Links to what is sent along.
        media: Vec<String>,
    },
    /// `outcome busy DialCallDuration=0`: how something ended that is not the person's to decide:
    /// a `Dial`, a queue, a payment, somebody else's session.
    Outcome {
        /// One of the words that the carrier has for it: `completed`, `busy`, `queue-full`, …
        word: String,
        /// Parameters over the usual ones.
        parameters: Vec<(String, String)>,
    },
}

/// Why a line is nothing that a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionParseError {
    /// What is wrong, and what was expected.
    pub message: String,
    /// The bytes of the line that it is about.
    pub span: Range<usize>,
    /// What to do; empty where the message says it.
    pub help: String,
}

/// Every word that an act begins with, and what comes after it.
pub const PHONE_ACTIONS: [(&str, &str); 7] = [
    ("press", "KEYS: 0-9, * and #"),
    ("say", "WORDS that are spoken"),
    ("text", "WORDS of a message"),
    ("media", "URL of a picture to send"),
    ("wait", "[TIME]: say and do nothing; 90s, 5m, 2h, 1d"),
    ("outcome", "WORD [NAME=VALUE …]: how a Dial, a queue, a payment ended"),
    ("hang up", "the end"),
];

impl PhoneAction {
    /// Reads one line.
    ///
    /// # Errors
    /// Where it is no act; the error says which word, and what was expected.
    pub fn parse(line: &str) -> Result<PhoneAction, ActionParseError> {
        let start = line.len() - line.trim_start().len();
        let text = line.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let at = start + text.len() - rest.len()..start + text.len();
        let nothing = |what: &str| {
            let help = format!("`{word} {what}`");
            ActionParseError { message: format!("`{word}` says nothing"), span: at.clone(), help }
        };
        match word {
            "press" if rest.is_empty() => Err(nothing("1")),
            "press" => press(rest, at.start),
            "say" if rest.is_empty() => Err(nothing("I have a question")),
            "say" => Ok(PhoneAction::Say(rest.to_owned())),
            "text" => Ok(PhoneAction::Text { body: unescaped(rest), media: Vec::new() }),
            "media" if rest.is_empty() => Err(nothing("https://example.com/cat.jpg")),
            "media" => {
                let media = rest.split_whitespace().map(str::to_owned).collect();
                Ok(PhoneAction::Text { body: String::new(), media })
            }
            "wait" if rest.is_empty() => Ok(PhoneAction::Wait(None)),
            "wait" => time(rest, at).map(|time| PhoneAction::Wait(Some(time))),
            "outcome" if rest.is_empty() => Err(nothing("busy")),
            "outcome" => outcome(rest, at.start),
            "hang" if rest == "up" => Ok(PhoneAction::HangUp),
            _ => Err(ActionParseError {
                message: format!("`{word}` is nothing that a person can do"),
                span: start..start + word.len(),
                help: format!("one of {}", words()),
            }),
        }
    }
}

/// The words of [`PHONE_ACTIONS`], quoted.
fn words() -> String {
    let words: Vec<String> = PHONE_ACTIONS.iter().map(|(word, _)| format!("`{word}`")).collect();
    words.join(", ")
}

fn press(keys: &str, start: usize) -> Result<PhoneAction, ActionParseError> {
    let key = |key: char| key.is_ascii_digit() || matches!(key, '*' | '#');
    match keys.char_indices().find(|(_, it)| !key(*it) && *it != ' ') {
        None => Ok(PhoneAction::Press(keys.replace(' ', ""))),
        Some((at, wrong)) => Err(ActionParseError {
            message: format!("`{wrong}` is no key of a telephone"),
            span: start + at..start + at + wrong.len_utf8(),
            help: "keys are `0` to `9`, `*` and `#`; words are spoken with `say`".to_owned(),
        }),
    }
}

/// Reads a time: a whole number and `s`, `m`, `h` or `d`.
///
/// # Errors
/// Where it is none, and where it is longer than [`PHONE_WAIT_MAX`]; `span` is where it stands.
pub fn time(text: &str, span: Range<usize>) -> Result<Duration, ActionParseError> {
    let (number, unit) = text.split_at(text.len() - usize::from(text.ends_with(unit_of)));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 24 * 3_600,
        _ => 0,
    };
    let number: Option<u64> = number.trim().parse().ok();
    let total = number.filter(|_| seconds > 0).and_then(|number| number.checked_mul(seconds));
    let total = total.map(Duration::from_secs).filter(|time| *time <= PHONE_WAIT_MAX);
    total.ok_or_else(|| ActionParseError {
        message: format!("`{text}` is no time that can be waited"),
        span,
        help: "a whole number and a unit: `90s`, `5m`, `2h`, `1d`; at most 400 days".to_owned(),
    })
}

fn unit_of(letter: char) -> bool {
    matches!(letter, 's' | 'm' | 'h' | 'd')
}

/// Reads `busy DialCallDuration=0 Name="a b"`.
fn outcome(text: &str, start: usize) -> Result<PhoneAction, ActionParseError> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let begins = start + text.len() - rest.len();
    let parameters = pairs(rest, begins)?;
    Ok(PhoneAction::Outcome { word: word.to_owned(), parameters })
}

/// Reads `NAME=VALUE NAME="A VALUE"`: values with spaces stand in quotes, `\"` and `\\` are what
/// they are. `start` is where the text stands in its line.
///
/// # Errors
/// Where a pair has no `=`, and where a quote is not closed.
pub fn pairs(text: &str, start: usize) -> Result<Vec<(String, String)>, ActionParseError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = start + text.len() - rest.len();
        let wrong = |message: &str, length: usize| ActionParseError {
            message: message.to_owned(),
            span: at..at + length,
            help: "`NAME=VALUE`, or `NAME=\"A VALUE\"` where it has spaces".to_owned(),
        };
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let Some(equals) = rest[..word].find('=') else {
            return Err(wrong("a parameter without a value", word));
        };
        let (name, value) = (&rest[..equals], &rest[equals + 1..]);
        let (value, length) = match value.strip_prefix('"') {
            Some(quoted) => {
                let end = end_of_quote(quoted);
                let end = end.ok_or_else(|| wrong("a quote that is not closed", rest.len()))?;
                (quoted[..end].replace("\\\"", "\"").replace("\\\\", "\\"), end + 2)
            }
            None => (value[..word - equals - 1].to_owned(), word - equals - 1),
        };
        pairs.push((name.to_owned(), value));
        rest = rest[equals + 1 + length..].trim_start();
    }
    Ok(pairs)
}

/// Where a quoted text ends, after its first quote.
fn end_of_quote(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.char_indices().find_map(|(at, letter)| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// `NAME=VALUE`, as [`pairs`] reads it.
pub fn pair(name: &str, value: &str) -> String {
    let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"');
    match plain {
        true => format!("{name}={value}"),
        false => format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A text as it stands in one line: line ends are `\n`.
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// The text that [`escaped`] wrote.
pub fn unescaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some('n')) => {
                text.push('\n');
                letters.next();
            }
            ('\\', Some('\\')) => {
                text.push('\\');
                letters.next();
            }
            _ => text.push(letter),
        }
    }
    text
}

impl fmt::Display for PhoneAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhoneAction::Press(keys) => write!(formatter, "press {keys}"),
            PhoneAction::Say(words) => write!(formatter, "say {words}"),
            PhoneAction::Wait(None) => formatter.write_str("wait"),
            PhoneAction::Wait(Some(time)) => {
                let seconds = time.as_secs();
                let units = [(24 * 3_600, 'd'), (3_600, 'h'), (60, 'm')];
                let unit = units.iter().find(|(of, _)| seconds > 0 && seconds.is_multiple_of(*of));
                let (of, letter) = unit.unwrap_or(&(1, 's'));
                write!(formatter, "wait {}{letter}", seconds / of)
            }
            PhoneAction::HangUp => formatter.write_str("hang up"),
            PhoneAction::Text { body, media } if media.is_empty() => {
                write!(formatter, "text {}", escaped(body))
            }
            PhoneAction::Text { media, .. } => write!(formatter, "media {}", media.join(" ")),
            PhoneAction::Outcome { word, parameters } => {
                write!(formatter, "outcome {word}")?;
                for (name, value) in parameters {
                    write!(formatter, " {}", pair(name, value))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_written_as_they_are_read() {
        for line in [
            "press 12*#",
            "say I have a question",
            "wait",
            "wait 90s",
            "wait 2h",
            "wait 1d",
            "hang up",
            "text Hello,\\nyou \\\\ there",
            "media https://example.com/a.jpg https://example.com/b.jpg",
            "outcome busy DialCallDuration=0 Note=\"a \\\"b\\\" \\\\ c\" Empty=\"\"",
        ] {
            assert_eq!(PhoneAction::parse(line).unwrap().to_string(), line);
        }
    }

    #[test]
    fn what_is_no_act_is_pointed_at() {
        for (line, part, message) in [
            ("  pres 1", "pres", "`pres` is nothing that a person can do"),
            ("press 1a2", "a", "`a` is no key of a telephone"),
            ("press é", "é", "`é` is no key of a telephone"),
            ("wait 5 years", "5 years", "`5 years` is no time that can be waited"),
            ("wait 999999d", "999999d", "`999999d` is no time that can be waited"),
            ("outcome busy a b=1", "a", "a parameter without a value"),
            ("outcome busy a=\"1", "a=\"1", "a quote that is not closed"),
            ("say", "", "`say` says nothing"),
        ] {
            let error = PhoneAction::parse(line).unwrap_err();
            assert_eq!((&line[error.span.clone()], error.message.as_str()), (part, message));
        }
    }
}
