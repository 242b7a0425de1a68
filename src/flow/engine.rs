//! The engine: an event in, the next step out.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use super::definition::{Flow, WidgetId};
use super::execution::Execution;
use super::widget::Next;
use crate::config::Function;
use crate::function::{FunctionError, Outcome};
use crate::limits::{SAME_WIDGET_MAX, STEPS_MAX};
use crate::liquid;
use crate::twiml::read::TwimlError;
use crate::webhook::Params;

/// What happened outside, and when.
#[derive(Debug)]
pub enum Event {
    /// The webhook that begins the execution.
    Trigger,
    /// The function that the last step called came back.
    Answered(Outcome),
}

/// What the outside must do next.
#[derive(Debug)]
pub enum Step {
    /// Call a function; its outcome is the next event.
    Call(FunctionCall),
    /// Answer the carrier with this document; the execution has ended.
    Reply(Bytes),
    /// The execution has ended with nothing to say: an empty document.
    End,
    /// The execution has ended by a failure that no transition takes.
    Failed(Failure),
}

/// A function to be called.
#[derive(Debug)]
pub struct FunctionCall {
    /// Which.
    pub function: Arc<Function>,
    /// The configured parameters, rendered.
    pub parameters: Params,
}

/// Why an execution ended before its flow did.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The function failed, and nothing is wired to `fail`.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// The function's TwiML is not fit for a carrier.
    #[error("the TwiML of function `{function}` is not well-formed: {error}")]
    Twiml {
        /// The function's name.
        function: String,
        /// What is wrong with it.
        error: TwimlError,
    },
    /// The function is `strict`, and its TwiML has findings.
    #[error("the TwiML of function `{function}` has findings, and the function is `strict`")]
    Strict {
        /// The function's name.
        function: String,
    },
    /// A template went over a bound, or failed on its data.
    #[error("a template of widget `{widget}` failed: {error}")]
    Template {
        /// The widget's name.
        widget: String,
        /// What the engine says; it quotes no data.
        error: liquid::Error,
    },
    /// A template gave something that is not TwiML.
    #[error("the document of widget `{widget}` is not well-formed: {error}")]
    Document {
        /// The widget's name.
        widget: String,
        /// What is wrong with it.
        error: TwimlError,
    },
    /// The execution took too many steps.
    #[error("the execution took {STEPS_MAX} steps, the most that one may take (Twilio's 81000)")]
    Steps,
    /// It came back to one widget again and again.
    #[error(
        "widget `{0}` was entered {SAME_WIDGET_MAX} times in a row, the most allowed \
         (Twilio's 81001)"
    )]
    SameWidget(String),
}

/// Takes an execution one step further. `now` is the time since 1970, for templates that print it.
///
/// A loop that calls it until it gives anything but [`Step::Call`] ends after at most
/// [`STEPS_MAX`] widgets.
pub fn advance(flow: &Flow, execution: &mut Execution, event: Event, now: Duration) -> Step {
    let widget = flow.widget(execution.position);
    let mut next = match event {
        Event::Trigger => widget.kind.enter(flow, execution, now),
        Event::Answered(outcome) => widget.kind.answered(flow, execution, outcome),
    };
    loop {
        next = match next {
            Next::Step(step) => return step,
            Next::Event(event) => match flow.widget(execution.position).next(event) {
                Some(id) => match enter(flow, execution, id) {
                    Ok(()) => flow.widget(id).kind.enter(flow, execution, now),
                    Err(failure) => return Step::Failed(failure),
                },
                None => return Step::End,
            },
            Next::Failed(event, failure) => match flow.widget(execution.position).next(event) {
                Some(_) => {
                    execution.remark(failure.to_string());
                    Next::Event(event)
                }
                None => return Step::Failed(failure),
            },
        };
    }
}

/// Moves to a widget, if the limits allow one more step.
fn enter(flow: &Flow, execution: &mut Execution, id: WidgetId) -> Result<(), Failure> {
    execution.in_a_row = if execution.position == id { execution.in_a_row + 1 } else { 1 };
    execution.steps += 1;
    execution.position = id;
    if execution.steps > STEPS_MAX {
        Err(Failure::Steps)
    } else if execution.in_a_row > SAME_WIDGET_MAX {
        Err(Failure::SameWidget(flow.widget(id).name.clone()))
    } else {
        Ok(())
    }
}
