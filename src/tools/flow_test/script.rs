//! The run of one script on a phone, whatever application that is connected to.

use super::check::{CheckResult, check};
use super::events::{TurnEvents, WidgetPath};
use super::failure::{FailureContext, TestFailure};
use super::file::TestCase;
use super::step::{Expectation, ScriptStep, StepKind};
use crate::diagnostics::problem::Source;
use crate::tools::phone::{Phone, PhoneEvent};

/// The outcome of a script.
#[derive(Debug, Default)]
pub(crate) struct ScriptOutcome {
    /// The differences from the script, in its order.
    pub(crate) failures: Vec<TestFailure>,
    /// All events.
    pub(crate) events: Vec<PhoneEvent>,
}

/// A script while it runs.
struct ScriptRun<'a> {
    source: &'a Source,
    case: &'a TestCase,
    path: WidgetPath,
}

/// One turn of a script: an action, and the expectations after it.
#[derive(Clone, Copy)]
struct ScriptTurn<'a> {
    /// `None` at the beginning.
    action: Option<&'a ScriptStep>,
    expectations: &'a [ScriptStep],
    events: &'a TurnEvents,
    /// The number of widgets that were entered before the turn.
    widgets_before: usize,
}

/// Runs the script of a case to its end, or up to an action that has no effect.
pub(crate) async fn run_script(
    phone: &mut Phone,
    source: &Source,
    case: &TestCase,
) -> ScriptOutcome {
    let mut outcome = ScriptOutcome::default();
    let mut run = ScriptRun { source, case, path: WidgetPath::default() };
    let mut new_events = phone.begin().await;
    let mut action: Option<&ScriptStep> = None;
    let mut steps = case.steps.as_slice();
    loop {
        let count = steps.iter().take_while(|step| step.expectation().is_some()).count();
        let (expectations, rest) = steps.split_at(count);
        let widgets_before = run.path.widgets.len();
        // After `widgets_before` is read: this extends the path.
        let events = TurnEvents::new(&new_events, &mut run.path);
        outcome.events.append(&mut new_events);
        let turn = ScriptTurn { action, expectations, events: &events, widgets_before };
        outcome.failures.extend(run.check_turn(turn));
        let Some((next, rest)) = rest.split_first() else { break };
        let StepKind::Act(next_action) = &next.kind else { break };
        match phone.perform(next_action).await {
            Ok(events) => new_events = events,
            Err(error) => {
                let problem = source.error(next.span.clone(), error.to_string());
                outcome
                    .failures
                    .push(TestFailure::from_rejected_action(problem, &run.context(turn)));
                break;
            }
        }
        (action, steps) = (Some(next), rest);
    }
    outcome
}

impl ScriptRun<'_> {
    /// The failures of one turn.
    fn check_turn(&mut self, turn: ScriptTurn<'_>) -> Vec<TestFailure> {
        let expected: Vec<&Expectation> =
            turn.expectations.iter().filter_map(ScriptStep::expectation).collect();
        let CheckResult { mismatches, unexpected } = check(&expected, turn.events, &mut self.path);
        let context = self.context(turn);
        let span = turn.action.map_or_else(|| self.case.span.clone(), |step| step.span.clone());
        let mut failures: Vec<TestFailure> = unexpected
            .iter()
            .map(|error| TestFailure::from_unexpected_error(error, span.clone(), &context))
            .collect();
        let mismatches = turn.expectations.iter().zip(mismatches);
        failures.extend(mismatches.filter_map(|(step, mismatch)| {
            mismatch.map(|mismatch| TestFailure::from_mismatch(step, mismatch, &context))
        }));
        // The notes are the same for the whole turn: the first failure has them.
        failures.iter_mut().skip(1).for_each(|failure| failure.notes.clear());
        failures
    }

    fn context<'b>(&'b self, turn: ScriptTurn<'b>) -> FailureContext<'b> {
        FailureContext {
            source: self.source,
            action: turn.action,
            events: turn.events,
            path: &self.path,
            widgets_before: turn.widgets_before,
        }
    }
}
