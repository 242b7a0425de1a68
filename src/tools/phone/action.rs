//! The actions of a person at a phone, and their notation on the command line and in flow tests.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::limits::PHONE_WAIT_MAX;

/// One action of a person. [`PhoneAction::parse`] reads it, [`fmt::Display`] writes the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneAction {
    /// `press 12#`: keys of a telephone, `0-9*#`, in this order.
    Press(String),
    /// `say I have a question`: the result of the speech recognition.
    Say(String),
    /// `wait`: silence until the end of the current input. `wait 2h`: silence of this length.
    Wait(Option<Duration>),
    /// `hang up`
    HangUp,
    /// `text Hello there`: a message. `media https://…`: a picture message.
    Text {
        /// The text; may be empty if there are pictures.
        body: String,
        /// Links to the attached media.
        media: Vec<String>,
    },
    /// `outcome busy DialCallDuration=0`: the outcome of a verb that ends without the person: of a
    /// `Dial`, a queue, a payment.
    Outcome {
        /// One of the carrier's words: `completed`, `busy`, `queue-full`, …
        word: String,
        /// Parameters that replace the usual ones.
        parameters: Vec<(String, String)>,
    },
}

/// The error for a line that is not an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ActionParseError {
    /// The mistake, and the expected text.
    pub message: String,
    /// The bytes of the line with the mistake.
    pub span: Range<usize>,
    /// The advice; empty if the message has it.
    pub help: String,
}

/// The first word of each action, and the text after it.
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
    /// If it is not an action. The error names the word and the expected text.
    pub fn parse(line: &str) -> Result<PhoneAction, ActionParseError> {
        let start = line.len() - line.trim_start().len();
        let text = line.trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let at = start + text.len() - rest.len()..start + text.len();
        let incomplete = |what: &str| {
            let help = format!("`{word} {what}`");
            ActionParseError {
                message: format!("`{word}` needs an argument"),
                span: at.clone(),
                help,
            }
        };
        // `hang up` is the only action of two words, so its first one is enough to find it.
        match word {
            "press" if rest.is_empty() => Err(incomplete("1")),
            "press" => parse_keys(rest, at.start),
            "say" if rest.is_empty() => Err(incomplete("I have a question")),
            "say" => Ok(PhoneAction::Say(rest.to_owned())),
            "text" => Ok(PhoneAction::Text { body: unescape_line(rest), media: Vec::new() }),
            "media" if rest.is_empty() => Err(incomplete("https://example.com/cat.jpg")),
            "media" => {
                let media = rest.split_whitespace().map(str::to_owned).collect();
                Ok(PhoneAction::Text { body: String::new(), media })
            }
            "wait" if rest.is_empty() => Ok(PhoneAction::Wait(None)),
            "wait" => parse_duration(rest, at).map(|time| PhoneAction::Wait(Some(time))),
            "outcome" if rest.is_empty() => Err(incomplete("busy")),
            "outcome" => parse_outcome(rest, at.start),
            "hang" if rest == "up" => Ok(PhoneAction::HangUp),
            _ => Err(ActionParseError {
                message: format!("`{word}` is not an action"),
                span: start..start + word.len(),
                help: format!("one of {}", list_words()),
            }),
        }
    }
}

/// The words of [`PHONE_ACTIONS`], quoted.
fn list_words() -> String {
    let words: Vec<String> = PHONE_ACTIONS.iter().map(|(word, _)| format!("`{word}`")).collect();
    words.join(", ")
}

fn parse_keys(keys: &str, start: usize) -> Result<PhoneAction, ActionParseError> {
    let key = |key: char| key.is_ascii_digit() || matches!(key, '*' | '#');
    match keys.char_indices().find(|(_, it)| !key(*it) && *it != ' ') {
        // Spaces make long inputs readable; a phone has no such key.
        None => Ok(PhoneAction::Press(keys.replace(' ', ""))),
        Some((at, wrong)) => Err(ActionParseError {
            message: format!("`{wrong}` is not a telephone key"),
            span: start + at..start + at + wrong.len_utf8(),
            help: "keys are `0` to `9`, `*` and `#`; words are spoken with `say`".to_owned(),
        }),
    }
}

/// Reads a duration: a whole number and `s`, `m`, `h` or `d`. `span` is its position in the line.
///
/// # Errors
/// If it is not a duration, or longer than [`PHONE_WAIT_MAX`].
pub(crate) fn parse_duration(text: &str, span: Range<usize>) -> Result<Duration, ActionParseError> {
    let (number, unit) = text.split_at(text.len() - usize::from(text.ends_with(is_unit)));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 24 * 3_600,
        _ => 0,
    };
    let number: Option<u64> = number.trim().parse().ok();
    // `checked_mul`: a person may type any number.
    let total = number.filter(|_| seconds > 0).and_then(|number| number.checked_mul(seconds));
    let total = total.map(Duration::from_secs).filter(|time| *time <= PHONE_WAIT_MAX);
    total.ok_or_else(|| ActionParseError {
        message: format!("`{text}` is not a duration"),
        span,
        help: "a whole number and a unit: `90s`, `5m`, `2h`, `1d`; at most 400 days".to_owned(),
    })
}

fn is_unit(letter: char) -> bool {
    matches!(letter, 's' | 'm' | 'h' | 'd')
}

/// Reads `busy DialCallDuration=0 Name="a b"`.
fn parse_outcome(text: &str, start: usize) -> Result<PhoneAction, ActionParseError> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let begins = start + text.len() - rest.len();
    let parameters = parse_params(rest, begins)?;
    Ok(PhoneAction::Outcome { word: word.to_owned(), parameters })
}

/// Reads `NAME=VALUE NAME="A VALUE"`. Values with spaces are in quotes, where `\"` and `\\` are
/// escapes. `start` is the position of the text in its line.
///
/// # Errors
/// If a parameter has no `=`, or a quote is not closed.
pub(crate) fn parse_params(
    text: &str,
    start: usize,
) -> Result<Vec<(String, String)>, ActionParseError> {
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
        // Quotes around the value only: a parameter's name has no spaces.
        let (value, length) = match value.strip_prefix('"') {
            Some(quoted) => {
                let end = find_closing_quote(quoted);
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

/// The position of the closing quote, in the text after the opening one.
fn find_closing_quote(quoted: &str) -> Option<usize> {
    let mut escape_line = false;
    quoted.char_indices().find_map(|(at, letter)| {
        let ends = letter == '"' && !escape_line;
        escape_line = letter == '\\' && !escape_line;
        ends.then_some(at)
    })
}

/// Writes `NAME=VALUE` in the notation of [`parse_params`].
pub(crate) fn format_param(name: &str, value: &str) -> String {
    // An empty value needs its quotes, or the next word would look like it.
    let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"');
    if plain {
        format!("{name}={value}")
    } else {
        format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Writes a text in one line, with `\n` for its line ends.
pub(crate) fn escape_line(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Reads the notation of [`escape_line`].
pub(crate) fn unescape_line(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some('n')) => {
                text.push('\n');
                letters.next();
            }
            // An unknown escape stays as it is: people type single backslashes in messages.
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
                // The largest unit without a remainder, so that reading gives the same duration.
                let unit = units.iter().find(|(of, _)| seconds > 0 && seconds.is_multiple_of(*of));
                let (of, letter) = unit.unwrap_or(&(1, 's'));
                write!(formatter, "wait {}{letter}", seconds / of)
            }
            PhoneAction::HangUp => formatter.write_str("hang up"),
            PhoneAction::Text { body, media } if media.is_empty() => {
                write!(formatter, "text {}", escape_line(body))
            }
            PhoneAction::Text { media, .. } => write!(formatter, "media {}", media.join(" ")),
            PhoneAction::Outcome { word, parameters } => {
                write!(formatter, "outcome {word}")?;
                for (name, value) in parameters {
                    write!(formatter, " {}", format_param(name, value))?;
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
    fn actions_are_written_as_they_are_read() {
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
    fn a_mistake_is_reported_with_its_position() {
        for (line, part, message) in [
            ("  pres 1", "pres", "`pres` is not an action"),
            ("press 1a2", "a", "`a` is not a telephone key"),
            ("press é", "é", "`é` is not a telephone key"),
            ("wait 5 years", "5 years", "`5 years` is not a duration"),
            ("wait 999999d", "999999d", "`999999d` is not a duration"),
            ("outcome busy a b=1", "a", "a parameter without a value"),
            ("outcome busy a=\"1", "a=\"1", "a quote that is not closed"),
            ("say", "", "`say` needs an argument"),
        ] {
            let error = PhoneAction::parse(line).unwrap_err();
            assert_eq!((&line[error.span.clone()], error.message.as_str()), (part, message));
        }
    }
}
