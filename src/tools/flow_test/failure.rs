//! What a person is told of a case that failed.

use std::ops::Range;

use super::check::Mismatch;
use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::step::ScriptStep;
use crate::diagnostics::problem::{Problem, Source};

/// One thing that is not as the test says.
#[derive(Clone, Debug)]
pub struct TestFailure {
    /// What is wrong, and which line of the test says otherwise.
    pub problem: Problem,
    /// What was expected and what came.
    pub difference: Vec<String>,
    /// Where the flow was, and what happened.
    pub notes: Vec<String>,
    /// What would make the line right.
    pub edit: Option<LineEdit>,
}

/// A change of the test's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineEdit {
    /// The bytes that are replaced.
    pub span: Range<usize>,
    /// What stands there then; `None` takes the whole line away.
    pub text: Option<String>,
}

/// What is known about the moment at which something failed.
pub struct FailureContext<'a> {
    /// The test.
    pub source: &'a Source,
    /// What the person did last; `None` at the beginning.
    pub act: Option<&'a ScriptStep>,
    /// What happened since.
    pub happened: &'a TurnEvents,
    /// The widgets entered.
    pub walk: &'a WidgetPath,
    /// How many of them were entered before.
    pub before: usize,
}

impl TestFailure {
    /// One that is nothing but a message at a place.
    pub fn plain(problem: Problem) -> TestFailure {
        TestFailure { problem, difference: Vec::new(), notes: Vec::new(), edit: None }
    }

    /// An expectation that was not met.
    pub fn missed(step: &ScriptStep, miss: Mismatch, moment: &FailureContext<'_>) -> TestFailure {
        let message = format!("{}{}", miss.message, moment.place());
        let problem = moment.source.error(step.span.clone(), message);
        let edit = Some(edit(&moment.source.text, step, miss.instead));
        TestFailure { problem, difference: miss.difference, notes: moment.notes(), edit }
    }

    /// An act that cannot be done now.
    pub fn not_now(problem: Problem, moment: &FailureContext<'_>) -> TestFailure {
        let notes = moment.notes();
        TestFailure { problem, difference: Vec::new(), notes, edit: None }
    }

    /// An error that no step expects.
    pub fn unexpected(what: &str, span: Range<usize>, moment: &FailureContext<'_>) -> TestFailure {
        let message = format!("an error that no step expects{}: {what}", moment.place());
        let word = what.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let word = if word.starts_with("fails") { word } else { "fallback".to_owned() };
        let problem = moment.source.error(span, message).help(format!("if it is meant: `{word}`"));
        TestFailure { problem, difference: Vec::new(), notes: moment.notes(), edit: None }
    }
}

// === impl Moment ===

impl FailureContext<'_> {
    /// The widget at which the flow is.
    fn place(&self) -> String {
        match self.walk.at() {
            Some(widget) => format!(", at widget `{widget}`"),
            None => String::new(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let from = self.before.saturating_sub(1);
        let way = self.walk.entered.get(from..).unwrap_or_default();
        if way.len() > 1 {
            let end = if self.walk.ended { " > the end" } else { "" };
            notes.push(format!("the flow went {}{end}", way.join(" > ")));
        }
        let since = match self.act {
            Some(act) => format!("after `{}`", &self.source.text[act.span.clone()]),
            None => "at the beginning".to_owned(),
        };
        let mut items: Vec<String> = self.happened.items().map(TestEvent::to_string).collect();
        items.extend(self.happened.ended.map(|ended| format!("ends {ended}")));
        match items.is_empty() {
            true => notes.push(format!("{since} nothing happened")),
            false => notes.push(format!("{since} this happened:")),
        }
        notes.extend(items.into_iter().map(|item| format!("    {item}")));
        notes
    }
}

/// What would make a line right: another argument, another word, or no line at all.
fn edit(text: &str, step: &ScriptStep, instead: Option<(&'static str, String)>) -> LineEdit {
    let Some((word, argument)) = instead else {
        return LineEdit { span: step.span.clone(), text: None };
    };
    let (word, argument) = match word.split_once(' ') {
        Some((word, kind)) => (word, format!("{kind} {argument}")),
        None => (word, argument),
    };
    let before = &text[step.span.start..step.argument.start];
    let start = text[..step.span.start].rfind('\n').map_or(0, |at| at + 1);
    let column = text[start..step.argument.start].chars().count();
    let lines: Vec<String> = argument.lines().map(written).collect();
    // A document takes several lines, which stand below each other.
    let argument = lines.join(&format!("\n{}", " ".repeat(column)));
    if before.trim_end() == word && !step.argument.is_empty() {
        return LineEdit { span: step.argument.clone(), text: Some(argument) };
    }
    let line = format!("{word:<width$}", width = before.len().max(word.len() + 1));
    LineEdit { span: step.span.clone(), text: Some((line + &argument).trim_end().to_owned()) }
}

/// A text as it can stand in a script: what would end the script, or be read as an expression, is
/// left open.
pub(super) fn written(text: &str) -> String {
    let text: String =
        text.chars().map(|letter| if letter.is_control() { '…' } else { letter }).collect();
    let text = text.replace("'''", "…");
    match text.len() > 1 && text.starts_with('/') && text.ends_with('/') {
        true => format!("{}…", &text[..text.len() - 1]),
        false => text,
    }
}
