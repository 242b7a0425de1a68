//! The report of an expectation without a matching event.

use super::diff::diff_lines;
use super::events::TestEvent;
use super::pattern::TextPattern;
use super::step::Expectation;

/// An expectation without a matching event.
#[derive(Clone, Debug)]
pub(super) struct Mismatch {
    /// The mistake in one line.
    pub(super) message: String,
    /// The expected and the found text.
    pub(super) difference: Vec<String>,
    /// The line that would have matched; `None`: no line of this kind.
    pub(super) instead: Option<ExpectedLine>,
}

/// A line of a script: its word, and the text after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExpectedLine {
    pub(super) word: &'static str,
    pub(super) argument: String,
}

impl Mismatch {
    /// The mismatch of an expectation. `instead` is the event at its position, `is_elsewhere` is
    /// whether the expected event is at another one, `is_named` is whether `instead` has the
    /// expected name.
    pub(super) fn new(
        expectation: &Expectation,
        instead: Option<&TestEvent>,
        is_elsewhere: bool,
        is_named: bool,
    ) -> Mismatch {
        let wanted: Vec<&str> = match expectation {
            Expectation::Call(_, wanted) | Expectation::Sent(_, wanted) => {
                wanted.iter().map(|(name, _)| name.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let line = instead
            .map(|event| ExpectedLine { word: event.word(), argument: event.argument(&wanted) });
        let diff = |pattern: &TextPattern| diff_pattern(expectation.word(), pattern, line.as_ref());
        let (message, difference) = match expectation {
            Expectation::Hear(_)
            | Expectation::Play(_)
            | Expectation::Receive(_)
            | Expectation::Media(_)
                if is_elsewhere =>
            {
                ("this came before, not here".to_owned(), Vec::new())
            }
            Expectation::Hear(pattern) => ("this was not heard".to_owned(), diff(pattern)),
            Expectation::Play(pattern) => ("this was not played".to_owned(), diff(pattern)),
            Expectation::Receive(pattern) => {
                ("this message did not come".to_owned(), diff(pattern))
            }
            Expectation::Media(pattern) => ("nothing came with this".to_owned(), diff(pattern)),
            Expectation::Call(name, wanted) | Expectation::Sent(name, wanted) => {
                let message = match (is_named, expectation) {
                    (true, _) => format!("`{name}` was called with other parameters"),
                    (_, Expectation::Call(..)) => format!("`{name}` was not called"),
                    _ => format!("no request for `{name}` was sent to the carrier's API"),
                };
                (message, diff_parameters(wanted, instead.filter(|_| is_named)))
            }
            Expectation::Nothing => ("there was more".to_owned(), Vec::new()),
            Expectation::Warns(_) => ("the carrier has no such warning".to_owned(), Vec::new()),
            Expectation::Fails(_) => ("the carrier met no such error".to_owned(), Vec::new()),
            Expectation::Fallback(pattern) => {
                ("there was no fallback with this reason".to_owned(), diff(pattern))
            }
            Expectation::Twiml(_)
            | Expectation::Took(_)
            | Expectation::At(_)
            | Expectation::Ends(_) => Default::default(),
        };
        Mismatch { message, difference, instead: line }
    }
}

/// The difference between an expected text and the line at its position.
fn diff_pattern(word: &str, pattern: &TextPattern, line: Option<&ExpectedLine>) -> Vec<String> {
    match line {
        // The same word: the texts alone are compared, with marks under the difference.
        Some(line) if line.word == word => {
            diff_lines(&[pattern.to_string()], std::slice::from_ref(&line.argument))
        }
        Some(line) => {
            vec![format!("- {word} {pattern}"), format!("+ {} {}", line.word, line.argument)]
        }
        None => Vec::new(),
    }
}

/// The difference between the expected parameters and those of the event.
fn diff_parameters(wanted: &[(String, TextPattern)], event: Option<&TestEvent>) -> Vec<String> {
    let parameters = match event {
        Some(
            TestEvent::FunctionCall { parameters, .. } | TestEvent::ApiRequest { parameters, .. },
        ) => parameters,
        _ => return Vec::new(),
    };
    let mut lines = Vec::new();
    for (name, pattern) in wanted {
        let found = parameters.get(name);
        if found.is_some_and(|found| pattern.matches(found)) {
            continue;
        }
        // Only parameters that differ; a call may have dozens of others.
        lines.push(format!("- {name}={pattern}"));
        lines.push(match found {
            Some(found) => format!("+ {name}={found}"),
            None => {
                let names: Vec<&str> = parameters.iter().map(|(name, _)| name).collect();
                format!("+ no `{name}`; there are: {}", names.join(", "))
            }
        });
    }
    lines
}
