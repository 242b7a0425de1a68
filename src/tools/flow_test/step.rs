//! The lines of a script: what a person does, and what is expected of the application.

use std::ops::Range;

use super::pattern::{TextPattern, same_document};
use crate::diagnostics::problem::{Problem, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::tools::phone::{
    ActionParseError, CallEnd, PHONE_ACTIONS, PhoneAction, pairs, unescaped,
};

/// One line of a script; a document may take several.
#[derive(Clone, Debug)]
pub struct ScriptStep {
    /// What it says.
    pub what: StepKind,
    /// Where it stands in the file, without the space around it.
    pub span: Range<usize>,
    /// What stands behind its word.
    pub argument: Range<usize>,
}

/// What a line says.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// The person does something.
    Act(PhoneAction),
    /// Something is expected.
    Expect(Expectation),
}

/// What is expected to have happened since the person last did something.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// It is spoken.
    Hear(TextPattern),
    /// It is played: the URL.
    Play(TextPattern),
    /// A message came.
    Receive(TextPattern),
    /// A message came with this: the URL.
    Media(TextPattern),
    /// Nothing more was heard, nor came.
    Nothing,
    /// The last document, whole.
    Twiml(String),
    /// A function was asked: its name or URL or the widget, and some of the parameters.
    Call(String, Vec<(String, TextPattern)>),
    /// The carrier's API was asked: a word of the path, and some of the parameters.
    Sent(String, Vec<(String, TextPattern)>),
    /// These widgets were entered, one after the other.
    Took(Vec<String>),
    /// The flow is at this widget.
    At(String),
    /// The carrier would warn, under this code or any.
    Warns(Option<u32>),
    /// The carrier would tell an error, under this code or any.
    Fails(Option<u32>),
    /// The gateway answered with its fallback; why.
    Fallback(TextPattern),
    /// The call is over.
    Ends(CallEnd),
}

/// Every word that an expectation begins with, what comes after it, and what it means.
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
        "a function was asked, by its name or its widget, with these parameters at least",
    ),
    (
        "sent",
        "WORD [PARAMETER=VALUE …]",
        "the carrier's API was asked, where a part of the path is this, like `Messages`",
    ),
    (
        "took",
        "WIDGET > WIDGET …",
        "these widgets were entered, none between, since the last `took`",
    ),
    ("at", "WIDGET", "where the flow is now, or where it ended"),
    ("warns", "[CODE]", "the carrier warned"),
    ("fails", "[CODE]", "the carrier met an error; one that is not expected fails the case"),
    ("fallback", "[REASON]", "the gateway answered with a fallback; the same holds"),
    ("ends", "completed | hung up | rejected | busy | failed", "the call is over"),
];

// === impl Step ===

impl ScriptStep {
    /// What it expects, if it expects something.
    pub fn expectation(&self) -> Option<&Expectation> {
        match &self.what {
            StepKind::Expect(expect) => Some(expect),
            StepKind::Act(_) => None,
        }
    }
}

/// A line that is none, with the bytes of the file that are wrong.
type Wrong = (Range<usize>, String, String);

/// Reads the lines that stand at `range` of a file. Empty lines and those that begin with `#` say
/// nothing.
pub(super) fn steps(source: &Source, range: Range<usize>) -> (Vec<ScriptStep>, Vec<Problem>) {
    let (mut steps, mut problems) = (Vec::new(), Vec::new());
    let mut rest = range;
    while let Some(span) = next(&source.text, &mut rest) {
        let text = &source.text[span.clone()];
        let (word, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let argument = argument.trim_start();
        let argument = span.end - argument.len()..span.end;
        match what(source, word, (span.clone(), argument.clone())) {
            Ok(what) => steps.push(ScriptStep { what, span, argument }),
            Err((at, message, help)) => {
                let problem = source.error(at, message);
                problems.push(problem.help(help));
            }
        }
    }
    (steps, problems)
}

/// The next line that says something; a document goes on to its end.
fn next(text: &str, rest: &mut Range<usize>) -> Option<Range<usize>> {
    while rest.start < rest.end {
        let line = text[rest.clone()].split_inclusive('\n').next()?;
        let start = rest.start + line.len() - line.trim_start().len();
        let (mut end, said) = (rest.start + line.len(), line.trim());
        let document = said.strip_prefix("twiml").filter(|rest| rest.contains("<Response"));
        if document.is_some_and(|rest| !whole(rest)) {
            let behind = &text[start..rest.end];
            end = behind.find("</Response>").map_or(end, |at| {
                let at = start + at;
                at + text[at..rest.end].find('\n').unwrap_or(rest.end - at)
            });
        }
        rest.start = end;
        if !said.is_empty() && !said.starts_with('#') {
            return Some(start..start + text[start..end].trim_end().len());
        }
    }
    None
}

fn whole(document: &str) -> bool {
    document.contains("</Response>")
        || document.trim_end().ends_with("/>") && !document.contains("><")
}

/// What a line says: its word, where the line stands, and what is behind the word.
fn what(
    source: &Source,
    word: &str,
    (span, argument): (Range<usize>, Range<usize>),
) -> Result<StepKind, Wrong> {
    let act = PHONE_ACTIONS.iter().any(|(act, _)| act.split(' ').next() == Some(word));
    if act {
        let wrong = |ActionParseError { message, span: at, help }: ActionParseError| {
            (span.start + at.start..span.start + at.end, message, help)
        };
        return PhoneAction::parse(&source.text[span.clone()]).map(StepKind::Act).map_err(wrong);
    }
    let Some((_, form, _)) = EXPECTATIONS.iter().find(|(known, ..)| *known == word) else {
        let at = span.start..span.start + word.len();
        return Err((at, format!("`{word}` is no word of a script"), known(word)));
    };
    let text = &source.text[argument.clone()];
    if form.is_empty() && !text.is_empty() {
        return Err((argument, format!("`{word}` stands alone"), String::new()));
    }
    let optional = form.is_empty() || form.starts_with('[');
    if text.is_empty() && !optional {
        return Err((span, format!("`{word}` says nothing"), format!("`{word} {form}`")));
    }
    expect(word, text, argument).map(StepKind::Expect)
}

/// Which words there are, or the one that is meant.
fn known(word: &str) -> String {
    let acts = PHONE_ACTIONS.iter().map(|(act, _)| *act);
    let words: Vec<&str> = acts.chain(EXPECTATIONS.iter().map(|(word, ..)| *word)).collect();
    did_you_mean(word, words.iter().copied())
        .unwrap_or_else(|| format!("one of {}", words.join(", ")))
}

fn expect(word: &str, text: &str, at: Range<usize>) -> Result<Expectation, Wrong> {
    let pattern = |text: &str| {
        TextPattern::parse(text).map_err(|error| {
            let help = "`/…/` is a regular expression of the `regex` crate".to_owned();
            (at.clone(), format!("this is no regular expression: {error}"), help)
        })
    };
    Ok(match word {
        "hear" => Expectation::Hear(pattern(text)?),
        "play" => Expectation::Play(pattern(text)?),
        "receive" => match text.strip_prefix("media ").map(str::trim) {
            Some(url) if url.contains("://") || url.contains('…') => {
                Expectation::Media(pattern(url)?)
            }
            _ => Expectation::Receive(pattern(&unescaped(text))?),
        },
        "nothing" => Expectation::Nothing,
        "twiml" => match same_document(text, text) {
            Ok(_) => Expectation::Twiml(text.to_owned()),
            Err(error) => {
                let help = "`twiml <Response>…</Response>`".to_owned();
                return Err((at, format!("this is no TwiML: {error}"), help));
            }
        },
        "call" | "sent" => {
            let (name, parameters) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            let parameters = pairs(parameters, at.end - parameters.len())
                .map_err(|error| (error.span, error.message, error.help))?;
            let read = |(name, value): (String, String)| Ok((name, pattern(&value)?));
            let parameters = parameters.into_iter().map(read).collect::<Result<_, Wrong>>()?;
            match word {
                "call" => Expectation::Call(name.to_owned(), parameters),
                _ => Expectation::Sent(name.to_owned(), parameters),
            }
        }
        "took" => {
            let widgets: Vec<String> = text.split('>').map(|it| it.trim().to_owned()).collect();
            if widgets.iter().any(String::is_empty) {
                let help = "`took welcome > menu`".to_owned();
                return Err((at, "a widget is missing".to_owned(), help));
            }
            Expectation::Took(widgets)
        }
        "at" => Expectation::At(text.to_owned()),
        "warns" => Expectation::Warns(code(text, at)?),
        "fails" => Expectation::Fails(code(text, at)?),
        "fallback" => Expectation::Fallback(pattern(if text.is_empty() { "…" } else { text })?),
        _ => Expectation::Ends(ends(text, at)?),
    })
}

fn code(text: &str, at: Range<usize>) -> Result<Option<u32>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let help = "codes are those of the carrier's debugger, like `11200`".to_owned();
        (at, format!("`{text}` is no code"), help)
    })
}

fn ends(text: &str, at: Range<usize>) -> Result<CallEnd, Wrong> {
    let ended = CallEnd::ALL.into_iter().find(|ended| ended.name() == text);
    ended.ok_or_else(|| {
        let names: Vec<String> = CallEnd::ALL.iter().map(|it| format!("`{}`", it.name())).collect();
        (at, format!("no call ends `{text}`"), format!("one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &str) -> (Vec<ScriptStep>, Vec<String>) {
        let source = Source::new("t", script);
        let (steps, problems) = steps(&source, 0..script.len());
        (steps, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_line_is_an_act_or_an_expectation() {
        let script = "\n  # silence\n hear  Hello…\r\n\npress 1\ntwiml <Response>\n  <Hangup/>\n\
                      </Response>\nends hung up\ntwiml <Response/>\nat a b";
        let (steps, problems) = read(script);
        assert_eq!(problems, [""; 0]);
        let lines: Vec<&str> = steps.iter().map(|step| &script[step.span.clone()]).collect();
        let document = "twiml <Response>\n  <Hangup/>\n</Response>";
        let expected = ["hear  Hello…", "press 1", document, "ends hung up", "twiml <Response/>"];
        assert_eq!(lines[..5], expected);
        assert!(matches!(steps[1].what, StepKind::Act(PhoneAction::Press(_))));
        assert_eq!(&script[steps[0].argument.clone()], "Hello…");
        assert!(
            matches!(&steps[5].what, StepKind::Expect(Expectation::At(widget)) if widget == "a b")
        );
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let (steps, problems) = read("heer Hello\npress a\nends well\nhear /(/\nat\ntook a > > b");
        assert!(steps.is_empty());
        let begins = [
            "error: `heer` is no word of a script\n --> t:1:1",
            "error: `a` is no key of a telephone\n --> t:2:7",
            "error: no call ends `well`\n --> t:3:6",
            "error: this is no regular expression: unclosed group\n --> t:4:6",
            "error: `at` says nothing\n --> t:5:1",
            "error: a widget is missing\n --> t:6:6",
        ];
        for (problem, begins) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begins), "{problem}");
        }
        assert!(problems[0].ends_with("= help: did you mean `hear`?"), "{}", problems[0]);
    }
}
