//! The failures of a case, with the context that a person needs to understand them.

use std::ops::Range;

use super::events::{TestEvent, TurnEvents, WidgetPath};
use super::mismatch::{ExpectedLine, Mismatch};
use super::step::ScriptStep;
use crate::diagnostics::problem::{Problem, Source};

/// One difference between a test and the application.
#[derive(Clone, Debug)]
pub(crate) struct TestFailure {
    /// The mistake, at the line of the test.
    pub(crate) problem: Problem,
    /// The expected and the found text.
    pub(super) difference: Vec<String>,
    /// The path through the flow, and the events.
    pub(super) notes: Vec<String>,
    /// The edit that would make the line right.
    pub(super) edit: Option<LineEdit>,
}

/// An edit of a test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineEdit {
    /// The bytes to replace.
    pub(super) span: Range<usize>,
    /// The new text; `None` removes the whole line.
    pub(super) text: Option<String>,
}

/// The circumstances of a failure.
pub(super) struct FailureContext<'a> {
    pub(super) source: &'a Source,
    /// The last action; `None` at the beginning.
    pub(super) action: Option<&'a ScriptStep>,
    /// The events since then.
    pub(super) events: &'a TurnEvents,
    pub(super) path: &'a WidgetPath,
    /// The number of widgets that were entered before the action.
    pub(super) widgets_before: usize,
}

impl TestFailure {
    /// A failure without difference and context.
    pub(super) fn from_problem(problem: Problem) -> TestFailure {
        TestFailure { problem, difference: Vec::new(), notes: Vec::new(), edit: None }
    }

    /// An expectation without a matching event.
    pub(super) fn from_mismatch(
        step: &ScriptStep,
        mismatch: Mismatch,
        context: &FailureContext<'_>,
    ) -> TestFailure {
        let message = format!("{}{}", mismatch.message, context.describe_widget());
        let problem = context.source.error(step.span.clone(), message);
        let edit = Some(build_edit(&context.source.text, step, mismatch.instead));
        TestFailure { problem, difference: mismatch.difference, notes: context.notes(), edit }
    }

    /// An action that has no effect.
    pub(super) fn from_rejected_action(
        problem: Problem,
        context: &FailureContext<'_>,
    ) -> TestFailure {
        let notes = context.notes();
        TestFailure { problem, difference: Vec::new(), notes, edit: None }
    }

    /// An error without an expectation.
    pub(super) fn from_unexpected_error(
        error: &str,
        span: Range<usize>,
        context: &FailureContext<'_>,
    ) -> TestFailure {
        let widget = context.describe_widget();
        let message = format!("an error that no step expects{widget}: {error}");
        let word = error.split(' ').take(2).collect::<Vec<_>>().join(" ");
        // A fallback has a reason of many words, which would make a brittle expectation.
        let word = if word.starts_with("fails") { word } else { "fallback".to_owned() };
        let problem = context.source.error(span, message).help(format!("if it is meant: `{word}`"));
        TestFailure { problem, difference: Vec::new(), notes: context.notes(), edit: None }
    }
}

// === impl FailureContext ===

impl FailureContext<'_> {
    /// `, at widget NAME`; empty before the first widget.
    fn describe_widget(&self) -> String {
        match self.path.current_widget() {
            Some(widget) => format!(", at widget `{widget}`"),
            None => String::new(),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        // The path starts at the widget where the flow was before the action.
        let from = self.widgets_before.saturating_sub(1);
        let path = self.path.widgets.get(from..).unwrap_or_default();
        if path.len() > 1 {
            let end = if self.path.has_ended { " > the end" } else { "" };
            notes.push(format!("the flow went {}{end}", path.join(" > ")));
        }
        let since = match self.action {
            Some(action) => format!("after `{}`", &self.source.text[action.span.clone()]),
            None => "at the beginning".to_owned(),
        };
        let mut events: Vec<String> = self.events.iter().map(TestEvent::to_string).collect();
        events.extend(self.events.end.map(|end| format!("ends {end}")));
        notes.push(if events.is_empty() {
            format!("{since} nothing happened")
        } else {
            format!("{since} this happened:")
        });
        notes.extend(events.into_iter().map(|event| format!("    {event}")));
        notes
    }
}

/// The edit that would make a line right: another argument, another word, or no line at all.
fn build_edit(text: &str, step: &ScriptStep, instead: Option<ExpectedLine>) -> LineEdit {
    let Some(ExpectedLine { word, argument }) = instead else {
        return LineEdit { span: step.span.clone(), text: None };
    };
    let (word, argument) = match word.split_once(' ') {
        Some((word, kind)) => (word, format!("{kind} {argument}")),
        None => (word, argument),
    };
    let before = &text[step.span.start..step.argument.start];
    let start = text[..step.span.start].rfind('\n').map_or(0, |at| at + 1);
    let column = text[start..step.argument.start].chars().count();
    let lines: Vec<String> = argument.lines().map(escape_for_script).collect();
    // The lines of a document are aligned.
    let argument = lines.join(&format!("\n{}", " ".repeat(column)));
    // The same word: only its argument is replaced, and the column stays.
    if before.trim_end() == word && !step.argument.is_empty() {
        return LineEdit { span: step.argument.clone(), text: Some(argument) };
    }
    let line = format!("{word:<width$}", width = before.len().max(word.len() + 1));
    LineEdit { span: step.span.clone(), text: Some((line + &argument).trim_end().to_owned()) }
}

/// Escapes a text for a script: `…` replaces the characters that would end the script or would be
/// read as a regular expression.
pub(super) fn escape_for_script(text: &str) -> String {
    let text: String =
        text.chars().map(|letter| if letter.is_control() { '…' } else { letter }).collect();
    let text = text.replace("'''", "…");
    if text.len() > 1 && text.starts_with('/') && text.ends_with('/') {
        format!("{}…", &text[..text.len() - 1])
    } else {
        text
    }
}
