//! The steps of a script: actions of a person, and expectations on the application.

use std::ops::Range;

use super::pattern::{TextPattern, document_matches};
use crate::diagnostics::problem::{Problem, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::tools::phone::{
    ActionParseError, CallEnd, PHONE_ACTIONS, PhoneAction, parse_params, unescape_line,
};

/// One step of a script: a line, or the several lines of a document.
#[derive(Clone, Debug)]
pub(crate) struct ScriptStep {
    /// The action or the expectation.
    pub(crate) kind: StepKind,
    /// The bytes of the step in the file, without the space around it.
    pub(super) span: Range<usize>,
    /// The bytes after its word.
    pub(super) argument: Range<usize>,
}

/// The kind of a step.
#[derive(Clone, Debug)]
pub(crate) enum StepKind {
    /// An action of the person.
    Act(PhoneAction),
    /// An expectation on the events since the last action.
    Expect(Expectation),
}

/// One expectation. The variants have the names of the script's words.
#[derive(Clone, Debug)]
pub(crate) enum Expectation {
    /// Spoken text.
    Hear(TextPattern),
    /// A played sound: its URL.
    Play(TextPattern),
    /// A message.
    Receive(TextPattern),
    /// A media attachment of a message: its URL.
    Media(TextPattern),
    /// No further speech, sound or message.
    Nothing,
    /// The last document, completely.
    Twiml(String),
    /// A function call: the function's name or URL or the widget, and some parameters.
    Call(String, Vec<(String, TextPattern)>),
    /// A request to the carrier's API: a part of the path, and some parameters.
    Sent(String, Vec<(String, TextPattern)>),
    /// These widgets were entered, one after the other.
    Took(Vec<String>),
    /// The flow is at this widget.
    At(String),
    /// A warning of the carrier with this code, or with any.
    Warns(Option<u32>),
    /// An error of the carrier with this code, or with any.
    Fails(Option<u32>),
    /// A fallback of the gateway with this reason.
    Fallback(TextPattern),
    /// The call is over.
    Ends(CallEnd),
}

/// The first word of each expectation, the text after it, and its meaning.
pub const EXPECTATIONS: [(&str, &str, &str); 14] = [
    ("hear", "TEXT", "this was spoken"),
    ("play", "URL", "this was played"),
    ("receive", "TEXT", "this message came; a line end in it is `\\n`"),
    ("receive media", "URL", "a message came with this"),
    ("nothing", "", "nothing more was heard, and no message came"),
    (
        "twiml",
        "<Response>…</Response>",
        "the last document, whole; it may take several lines, and `…` in a text or a value is any",
    ),
    (
        "call",
        "NAME [PARAMETER=VALUE …]",
        "this function or widget was called, with at least these parameters",
    ),
    (
        "sent",
        "WORD [PARAMETER=VALUE …]",
        "a request was sent to the carrier's API, with this part in its path, like `Messages`",
    ),
    (
        "took",
        "WIDGET > WIDGET …",
        "these widgets were entered, none between, since the last `took`",
    ),
    ("at", "WIDGET", "where the flow is now, or where it ended"),
    ("warns", "[CODE]", "the carrier warned"),
    ("fails", "[CODE]", "the carrier met an error; one that is not expected fails the case"),
    (
        "fallback",
        "[REASON]",
        "the gateway answered with a fallback; one that is not expected fails the case",
    ),
    ("ends", "completed | hung up | rejected | busy | failed", "the call is over"),
];

// === impl ScriptStep ===

impl ScriptStep {
    /// The expectation, if the step is one.
    pub(super) fn expectation(&self) -> Option<&Expectation> {
        match &self.kind {
            StepKind::Expect(expectation) => Some(expectation),
            StepKind::Act(_) => None,
        }
    }
}

// === impl Expectation ===

impl Expectation {
    /// The first word of a line with this expectation.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Expectation::Hear(_) => "hear",
            Expectation::Play(_) => "play",
            Expectation::Receive(_) => "receive",
            Expectation::Media(_) => "receive media",
            Expectation::Nothing => "nothing",
            Expectation::Twiml(_) => "twiml",
            Expectation::Call(..) => "call",
            Expectation::Sent(..) => "sent",
            Expectation::Took(_) => "took",
            Expectation::At(_) => "at",
            Expectation::Warns(_) => "warns",
            Expectation::Fails(_) => "fails",
            Expectation::Fallback(_) => "fallback",
            Expectation::Ends(_) => "ends",
        }
    }
}

/// The error for a line that is not a step.
struct StepError {
    /// The bytes of the file with the mistake.
    span: Range<usize>,
    message: String,
    help: String,
}

/// Reads the steps in a range of a file. Empty lines and lines that begin with `#` are skipped.
pub(super) fn parse_steps(source: &Source, range: Range<usize>) -> (Vec<ScriptStep>, Vec<Problem>) {
    let (mut steps, mut problems) = (Vec::new(), Vec::new());
    let mut rest = range;
    while let Some(span) = next_step(&source.text, &mut rest) {
        let text = &source.text[span.clone()];
        let (word, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let argument = argument.trim_start();
        let argument = span.end - argument.len()..span.end;
        let line = StepLine { word, span: span.clone(), argument: argument.clone() };
        match parse_kind(source, line) {
            Ok(kind) => steps.push(ScriptStep { kind, span, argument }),
            Err(StepError { span, message, help }) => {
                problems.push(source.error(span, message).help(help));
            }
        }
    }
    (steps, problems)
}

/// A step before its word is known.
struct StepLine<'a> {
    word: &'a str,
    span: Range<usize>,
    /// The bytes after the word.
    argument: Range<usize>,
}

/// The bytes of the next step. A document continues to its end tag.
fn next_step(text: &str, rest: &mut Range<usize>) -> Option<Range<usize>> {
    while rest.start < rest.end {
        let line = text[rest.clone()].split_inclusive('\n').next()?;
        let start = rest.start + line.len() - line.trim_start().len();
        let (mut end, trimmed) = (rest.start + line.len(), line.trim());
        let document = trimmed.strip_prefix("twiml").filter(|rest| rest.contains("<Response"));
        if document.is_some_and(|rest| !is_complete_document(rest)) {
            let behind = &text[start..rest.end];
            // Without an end tag only the line is read, so that the other lines are checked.
            end = behind.find("</Response>").map_or(end, |at| {
                let at = start + at;
                at + text[at..rest.end].find('\n').unwrap_or(rest.end - at)
            });
        }
        rest.start = end;
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            return Some(start..start + text[start..end].trim_end().len());
        }
    }
    None
}

fn is_complete_document(document: &str) -> bool {
    document.contains("</Response>")
        || document.trim_end().ends_with("/>") && !document.contains("><")
}

/// Reads the action or the expectation of a line.
fn parse_kind(source: &Source, line: StepLine<'_>) -> Result<StepKind, StepError> {
    let StepLine { word, span, argument } = line;
    let act = PHONE_ACTIONS.iter().any(|(act, _)| act.split(' ').next() == Some(word));
    if act {
        let step_error = |error: ActionParseError| {
            let at = span.start + error.span.start..span.start + error.span.end;
            StepError { span: at, message: error.message, help: error.help }
        };
        return PhoneAction::parse(&source.text[span.clone()])
            .map(StepKind::Act)
            .map_err(step_error);
    }
    let Some((_, form, _)) = EXPECTATIONS.iter().find(|(known, ..)| *known == word) else {
        let at = span.start..span.start + word.len();
        let message = format!("`{word}` is not a word of a script");
        return Err(StepError { span: at, message, help: suggest_word(word) });
    };
    let text = &source.text[argument.clone()];
    if form.is_empty() && !text.is_empty() {
        let message = format!("`{word}` takes no argument");
        return Err(StepError { span: argument, message, help: String::new() });
    }
    // The table of words is the grammar: `[…]` marks an optional argument.
    let optional = form.is_empty() || form.starts_with('[');
    if text.is_empty() && !optional {
        let message = format!("`{word}` needs an argument");
        return Err(StepError { span, message, help: format!("`{word} {form}`") });
    }
    parse_expectation(word, text, argument).map(StepKind::Expect)
}

/// The word that is probably meant, or all words.
fn suggest_word(word: &str) -> String {
    let actions = PHONE_ACTIONS.iter().map(|(action, _)| *action);
    let words: Vec<&str> = actions.chain(EXPECTATIONS.iter().map(|(word, ..)| *word)).collect();
    did_you_mean(word, words.iter().copied())
        .unwrap_or_else(|| format!("one of {}", words.join(", ")))
}

fn parse_expectation(word: &str, text: &str, at: Range<usize>) -> Result<Expectation, StepError> {
    let pattern = |text: &str| {
        TextPattern::parse(text).map_err(|error| {
            let help = "`/…/` is a regular expression of the `regex` crate".to_owned();
            let message = format!("this is not a regular expression: {error}");
            StepError { span: at.clone(), message, help }
        })
    };
    Ok(match word {
        "hear" => Expectation::Hear(pattern(text)?),
        "play" => Expectation::Play(pattern(text)?),
        "receive" => match text.strip_prefix("media ").map(str::trim) {
            // `receive media …` may also be a message that begins with this word.
            Some(url) if url.contains("://") || url.contains('…') => {
                Expectation::Media(pattern(url)?)
            }
            _ => Expectation::Receive(pattern(&unescape_line(text))?),
        },
        "nothing" => Expectation::Nothing,
        // A document matches itself if it can be read at all.
        "twiml" => match document_matches(text, text) {
            Ok(_) => Expectation::Twiml(text.to_owned()),
            Err(error) => {
                let help = "`twiml <Response>…</Response>`".to_owned();
                let message = format!("this is not TwiML: {error}");
                return Err(StepError { span: at, message, help });
            }
        },
        "call" | "sent" => {
            let (name, parameters) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let parameters =
                parse_params(parameters, at.end - parameters.len()).map_err(|error| StepError {
                    span: error.span,
                    message: error.message,
                    help: error.help,
                })?;
            let read = |(name, value): (String, String)| Ok((name, pattern(&value)?));
            let parameters = parameters.into_iter().map(read).collect::<Result<_, StepError>>()?;
            match word {
                "call" => Expectation::Call(name.to_owned(), parameters),
                _ => Expectation::Sent(name.to_owned(), parameters),
            }
        }
        "took" => {
            let widgets: Vec<String> = text.split('>').map(|it| it.trim().to_owned()).collect();
            // `took a > > b` would never match, and is a typing mistake.
            if widgets.iter().any(String::is_empty) {
                let help = "`took welcome > menu`".to_owned();
                let message = "a widget is missing".to_owned();
                return Err(StepError { span: at, message, help });
            }
            Expectation::Took(widgets)
        }
        "at" => Expectation::At(text.to_owned()),
        "warns" => Expectation::Warns(parse_code(text, at)?),
        "fails" => Expectation::Fails(parse_code(text, at)?),
        // Without a reason, any reason matches.
        "fallback" => Expectation::Fallback(pattern(if text.is_empty() { "…" } else { text })?),
        _ => Expectation::Ends(parse_end(text, at)?),
    })
}

fn parse_code(text: &str, at: Range<usize>) -> Result<Option<u32>, StepError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let help = "codes are those of the carrier's debugger, like `11200`".to_owned();
        StepError { span: at, message: format!("`{text}` is not a code"), help }
    })
}

fn parse_end(text: &str, at: Range<usize>) -> Result<CallEnd, StepError> {
    let end = CallEnd::ALL.into_iter().find(|end| end.name() == text);
    end.ok_or_else(|| {
        let names: Vec<String> = CallEnd::ALL.iter().map(|it| format!("`{}`", it.name())).collect();
        let help = format!("one of {}", names.join(", "));
        StepError { span: at, message: format!("no call ends `{text}`"), help }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &str) -> (Vec<ScriptStep>, Vec<String>) {
        let source = Source::new("t", script);
        let (steps, problems) = parse_steps(&source, 0..script.len());
        (steps, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_line_is_an_action_or_an_expectation() {
        let script = "\n  # silence\n hear  Hello…\r\n\npress 1\ntwiml <Response>\n  <Hangup/>\n\
                      </Response>\nends hung up\ntwiml <Response/>\nat a b";
        let (steps, problems) = read(script);
        assert_eq!(problems, [""; 0]);
        let lines: Vec<&str> = steps.iter().map(|step| &script[step.span.clone()]).collect();
        let document = "twiml <Response>\n  <Hangup/>\n</Response>";
        let expected = ["hear  Hello…", "press 1", document, "ends hung up", "twiml <Response/>"];
        assert_eq!(lines[..5], expected);
        assert!(matches!(steps[1].kind, StepKind::Act(PhoneAction::Press(_))));
        assert_eq!(&script[steps[0].argument.clone()], "Hello…");
        assert!(
            matches!(&steps[5].kind, StepKind::Expect(Expectation::At(widget)) if widget == "a b")
        );
    }

    #[test]
    fn every_mistake_is_reported_at_its_position() {
        let (steps, problems) = read("heer Hello\npress a\nends well\nhear /(/\nat\ntook a > > b");
        assert!(steps.is_empty());
        let begins = [
            "error: `heer` is not a word of a script\n --> t:1:1",
            "error: `a` is not a telephone key\n --> t:2:7",
            "error: no call ends `well`\n --> t:3:6",
            "error: this is not a regular expression: unclosed group\n --> t:4:6",
            "error: `at` needs an argument\n --> t:5:1",
            "error: a widget is missing\n --> t:6:6",
        ];
        for (problem, begins) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begins), "{problem}");
        }
        assert!(problems[0].ends_with("= help: did you mean `hear`?"), "{}", problems[0]);
    }
}
