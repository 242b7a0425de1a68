//! The widgets: what each does when a flow enters it, and when its function comes back.
//!
//! One file per type, all of one shape: the struct with its properties, then `enter`, then what
//! takes up the event that it waits for.

mod respond;
mod run_function;
mod trigger;

pub use respond::Respond;
pub use run_function::RunFunction;
pub use trigger::TriggerWidget;

use std::time::Duration;

use super::definition::Flow;
use super::engine::{Failure, Step};
use super::execution::Execution;
use crate::function::Outcome;

/// What a widget does.
#[derive(Debug)]
pub enum Kind {
    /// `trigger`: where an execution begins.
    Trigger(TriggerWidget),
    /// `run-function`: calls the user's code.
    RunFunction(RunFunction),
    /// `respond`: answers with a template.
    Respond(Respond),
}

/// What a widget wants.
#[derive(Debug)]
pub(super) enum Next {
    /// To go on along the transition of this event. Where none is wired, the execution ends.
    Event(&'static str),
    /// The same for an event that tells of a failure. Where none is wired, the execution ends as
    /// failed, so that the caller hears the fallback and not silence.
    Failed(&'static str, Failure),
    /// Something from the outside.
    Step(Step),
}

impl Kind {
    /// The flow came to this widget.
    pub(super) fn enter(&self, flow: &Flow, execution: &mut Execution, now: Duration) -> Next {
        match self {
            Kind::Trigger(widget) => widget.enter(execution),
            Kind::RunFunction(widget) => widget.enter(flow, execution, now),
            Kind::Respond(widget) => widget.enter(flow, execution, now),
        }
    }

    /// The function that this widget called came back.
    pub(super) fn answered(
        &self,
        flow: &Flow,
        execution: &mut Execution,
        outcome: Outcome,
    ) -> Next {
        match self {
            Kind::RunFunction(widget) => widget.answered(execution, outcome),
            // Only a widget that calls is ever told of an answer; an execution that was taken from
            // a store of another revision could stand elsewhere, and then it has ended.
            Kind::Trigger(_) | Kind::Respond(_) => {
                debug_assert!(false, "`{}` called nothing", flow.widget(execution.position).name);
                Next::Step(Step::End)
            }
        }
    }
}
