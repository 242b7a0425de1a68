//! The engine: an event in, the next step out.

use actix_web::web::Bytes;
use serde_json::Value;

use super::context::{TurnContext, WidgetContext};
use super::definition::{Flow, WidgetId};
use super::execution::{Execution, ExecutionFrame, ExecutionState, FlowWarning, TransitionRecord};
use super::failure::Failure;
use super::pending_call;
use super::step::{Event, Step};
use super::widget::{AfterReply, Next};
use crate::limits::{SAME_WIDGET_MAX, STEPS_MAX};
use crate::twiml::read::{DocumentLimits, check_document};

/// Takes an execution one step further.
///
/// A loop that calls it until it gives anything but [`Step::CallFunction`] or [`Step::SendRequest`]
/// ends after at most [`STEPS_MAX`] widgets.
pub fn advance(flow: &Flow, execution: &mut Execution, event: Event, turn: &TurnContext) -> Step {
    let mut context = WidgetContext::new(flow, execution, turn);
    let mut next = dispatch(&mut context, event);
    loop {
        next = match next {
            Ok(Next::Event(event)) => take_transition(&mut context, &event),
            Ok(Next::Subflow(frame)) => {
                context.execution.frames.push(*frame);
                context.widget().enter(&mut context)
            }
            Ok(Next::CallFunction(call)) => return Step::CallFunction(call),
            Ok(Next::SendRequest(send)) => return Step::SendRequest(send),
            Ok(Next::Reply { document, then: AfterReply::Wait(wait) }) => {
                context.execution.state = ExecutionState::Waiting(wait);
                return build_reply(&mut context, document);
            }
            Ok(Next::Reply { document, then: AfterReply::End }) => {
                context.execution.state = ExecutionState::Ended;
                return build_reply(&mut context, document);
            }
            Ok(Next::End) => match return_from_subflow(&mut context) {
                Some(next) => Ok(next),
                None => {
                    context.execution.state = ExecutionState::Ended;
                    return build_reply(&mut context, None);
                }
            },
            Err(failure) => match recover(&mut context, failure) {
                Ok(next) => Ok(next),
                Err(failure) => {
                    context.execution.state = ExecutionState::Ended;
                    return Step::Failed(failure);
                }
            },
        };
    }
}

/// Hands an event to the widget that it is for.
fn dispatch(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let pending = match std::mem::replace(&mut context.execution.state, ExecutionState::Running) {
        ExecutionState::Waiting(wait) => wait.pending,
        ExecutionState::Running | ExecutionState::Ended => None,
    };
    match (event, pending) {
        // Whatever ends the wait for a pending call asks for its outcome: the widget itself did
        // not wait for a webhook or a time.
        (Event::Webhook(_) | Event::Returned(_) | Event::Timeout, Some(pending)) => {
            pending_call::poll_again(context, pending)
        }
        (Event::Trigger, _) => context.widget().enter(context),
        (Event::Pending { call, document }, _) => {
            pending_call::wait_for_call(context, call, document.as_ref())
        }
        (Event::HangUp(params), _) => {
            // The carrier plays nothing that follows, but a flow may still write it down.
            let wired = context.widget().next("hangup").is_some();
            context.set_all(&params);
            if wired {
                return Ok(Next::event("hangup"));
            }
            // It ends the whole execution: a calling flow has no call to go on with.
            context.execution.frames.truncate(1);
            Ok(Next::End)
        }
        (event, _) => context.widget().resume(context, event),
    }
}

/// Goes along the transition of an event.
fn take_transition(context: &mut WidgetContext<'_>, event: &str) -> Result<Next, Failure> {
    let next = context.chosen.take().or_else(|| context.widget().next(event));
    if context.turn.records_transitions {
        record_transition(context, event, next);
    }
    match next {
        Some(id) => {
            enter(context, id)?;
            context.widget().enter(context)
        }
        None => Ok(Next::End),
    }
}

/// Records a transition for the list of steps, with what the widget has set by now: a later visit
/// may set something else.
fn record_transition(context: &mut WidgetContext<'_>, event: &str, next: Option<WidgetId>) {
    let widget = context.widget();
    let output = context.execution.frame().widgets.get(&widget.name).cloned();
    let to = next.map(|id| context.current_flow().widget(id).name.clone());
    let taken = TransitionRecord {
        event: event.to_owned(),
        from: widget.name.clone(),
        kind: widget.widget_type.name,
        to,
        output: output.unwrap_or(Value::Null),
        subflow: context.execution.frame().subflow,
    };
    context.execution.transitions.push(taken);
}

/// Moves to a widget, if the limits allow one more step.
fn enter(context: &mut WidgetContext<'_>, id: WidgetId) -> Result<(), Failure> {
    let execution = &mut *context.execution;
    let same = execution.frame().position == id;
    execution.in_a_row = if same { execution.in_a_row.saturating_add(1) } else { 1 };
    execution.steps = execution.steps.saturating_add(1);
    execution.frame_mut().position = id;
    if execution.steps > STEPS_MAX {
        Err(Failure::Steps)
    } else if execution.in_a_row > SAME_WIDGET_MAX {
        Err(Failure::SameWidget(context.widget().name.clone()))
    } else {
        Ok(())
    }
}

/// The running flow is over: the flow that called it goes on with what it has set. `None` where it
/// is no subflow.
fn return_from_subflow(context: &mut WidgetContext<'_>) -> Option<Next> {
    let frame = leave_subflow(context)?;
    let widget = context.widget().name.as_str();
    context.execution.frame_mut().output_mut(widget).extend(frame.variables);
    Some(Next::event("completed"))
}

fn leave_subflow(context: &mut WidgetContext<'_>) -> Option<ExecutionFrame> {
    // The last frame is the flow of the route, and stays: its variables can be read afterwards.
    if context.execution.frames.len() == 1 { None } else { context.execution.frames.pop() }
}

/// What follows a failure: the widget's own transition for it, else that of the calling flow; an
/// error where neither takes it.
fn recover(context: &mut WidgetContext<'_>, failure: Failure) -> Result<Next, Failure> {
    if failure.is_final() {
        return Err(failure);
    }
    let failure_event = context.widget().widget_type.failure;
    let event = match failure_event.filter(|event| context.widget().next(event).is_some()) {
        Some(event) => event,
        // Of a subflow that fails only the event remains, not what it has set.
        None if leave_subflow(context).is_some() => "failed",
        None => return Err(failure),
    };
    context.execution.warn(failure.to_string());
    Ok(Next::event(event))
}

/// The reply of a turn: a document that a function or a template gave goes out as it is; what the
/// widgets have written is checked as the carrier would.
fn build_reply(context: &mut WidgetContext<'_>, document: Option<Bytes>) -> Step {
    let written = context.execution.document.take();
    if let Some(document) = document {
        return Step::Reply(document);
    }
    let Some(writer) = written else { return Step::End };
    let document = writer.finish().into_string();
    match check_document(document.as_bytes(), context.execution.channel, &DocumentLimits::default())
    {
        Ok(read) => {
            context.execution.warnings.extend(read.findings.into_iter().map(FlowWarning::Finding));
            Step::Reply(document.into())
        }
        // What we write is well-formed; only its size is the flow's.
        Err(error) => {
            let widget = context.widget().name.clone();
            context.execution.state = ExecutionState::Ended;
            Step::Failed(Failure::Document { widget, error })
        }
    }
}
