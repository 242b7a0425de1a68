//! The engine: takes an execution from an event to the next step.

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
    let step = run_widgets(&mut context, event);
    for finding in context.findings.take() {
        execution.warn(finding);
    }
    step
}

/// Runs widgets until the flow needs I/O, replies or ends.
fn run_widgets(context: &mut WidgetContext<'_>, event: Event) -> Step {
    // A widget asks for one thing at a time. What the flow can do by itself happens in this loop;
    // what needs I/O leaves it as a step, and comes back as the next event.
    let mut next = dispatch(context, event);
    loop {
        next = match next {
            Ok(Next::Event(event)) => take_transition(context, &event),
            Ok(Next::Subflow(frame)) => {
                context.execution.frames.push(*frame);
                context.widget().enter(context)
            }
            Ok(Next::CallFunction(call)) => return Step::CallFunction(call),
            Ok(Next::SendRequest(send)) => return Step::SendRequest(send),
            Ok(Next::Reply { document, then: AfterReply::Wait(wait) }) => {
                context.execution.state = ExecutionState::Waiting(wait);
                return build_reply(context, document);
            }
            Ok(Next::Reply { document, then: AfterReply::End }) => {
                // No transition is taken, even if one is wired: the document ends the execution.
                let usual = context.widget().widget_type.events[0];
                record_transition(context, usual, None);
                context.execution.state = ExecutionState::Ended;
                return build_reply(context, document);
            }
            Ok(Next::End) => match return_from_subflow(context) {
                Some(next) => Ok(next),
                None => {
                    context.execution.state = ExecutionState::Ended;
                    return build_reply(context, None);
                }
            },
            Err(failure) => match recover(context, failure) {
                Ok(next) => Ok(next),
                Err(failure) => {
                    context.execution.state = ExecutionState::Ended;
                    return Step::Failed(failure);
                }
            },
        };
    }
}

/// Passes an event to the widget that it is for.
fn dispatch(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    let pending = match std::mem::replace(&mut context.execution.state, ExecutionState::Running) {
        ExecutionState::Waiting(wait) => wait.pending,
        ExecutionState::Running | ExecutionState::Ended => None,
    };
    match (event, pending) {
        // The widget itself waits for a function. Every other event that ends this wait only asks
        // for the outcome again.
        (Event::Webhook(_) | Event::Returned(_) | Event::Timeout, Some(pending)) => {
            pending_call::poll_again(context, pending)
        }
        (Event::Trigger, _) => context.widget().enter(context),
        (Event::Pending { call, document }, _) => {
            pending_call::wait_for_call(context, call, document.as_ref())
        }
        (Event::HangUp(params), _) => {
            // The carrier plays nothing after a hang-up, but the flow may still record it.
            let wired = context.widget().next("hangup").is_some();
            context.set_all(&params);
            if wired {
                return Ok(Next::event("hangup"));
            }
            // Studio's list of steps has the event that ended the execution, wired or not.
            record_transition(context, "hangup", None);
            // The whole execution ends: the flow that called this subflow has no call either.
            context.execution.frames.truncate(1);
            Ok(Next::End)
        }
        (event, _) => context.widget().resume(context, event),
    }
}

/// Takes the transition of an event, and enters the widget that follows.
fn take_transition(context: &mut WidgetContext<'_>, event: &str) -> Result<Next, Failure> {
    let next = match context.chosen.take() {
        Some(transition) => transition.next,
        None => context.widget().next(event),
    };
    // Before the move, while the position is still the widget that has finished.
    record_transition(context, event, next);
    match next {
        Some(id) => {
            enter(context, id)?;
            context.widget().enter(context)
        }
        None => Ok(Next::End),
    }
}

/// Records a transition for the list of steps, if the turn does so, with a copy of the widget's
/// variables: a later visit may replace them.
fn record_transition(context: &mut WidgetContext<'_>, event: &str, next: Option<WidgetId>) {
    if !context.turn.records_transitions {
        return;
    }
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

/// Moves the execution to a widget, unless it has reached a limit of steps.
fn enter(context: &mut WidgetContext<'_>, id: WidgetId) -> Result<(), Failure> {
    let execution = &mut *context.execution;
    let same = execution.frame().position == id;
    execution.in_a_row = if same { execution.in_a_row.saturating_add(1) } else { 1 };
    execution.steps = execution.steps.saturating_add(1);
    // Moves even if a limit is reached, so that the failure names the widget.
    execution.frame_mut().position = id;
    if execution.steps > STEPS_MAX {
        Err(Failure::Steps)
    } else if execution.in_a_row > SAME_WIDGET_MAX {
        Err(Failure::SameWidget(context.widget().name.clone()))
    } else {
        Ok(())
    }
}

/// Ends a subflow: the calling flow continues with the subflow's variables. `None` if the running
/// flow is not a subflow.
fn return_from_subflow(context: &mut WidgetContext<'_>) -> Option<Next> {
    let frame = leave_subflow(context)?;
    let widget = context.widget().name.as_str();
    context.execution.frame_mut().output_mut(widget).extend(frame.variables);
    Some(Next::event("completed"))
}

fn leave_subflow(context: &mut WidgetContext<'_>) -> Option<ExecutionFrame> {
    // The frame of the route's own flow remains: Studio's REST reads its variables afterwards.
    if context.execution.frames.len() == 1 { None } else { context.execution.frames.pop() }
}

/// Continues after a failure, with the widget's own failure event or with that of the calling flow.
/// If neither takes it, the failure ends the execution.
fn recover(context: &mut WidgetContext<'_>, failure: Failure) -> Result<Next, Failure> {
    let widget = context.widget();
    let event = widget.widget_type.failure;
    let in_subflow = context.execution.frames.len() > 1;
    // A limit of steps that a transition could take would not end a loop.
    if !failure.is_final() {
        // In a subflow an unwired event is an end like any other, as in Studio: the calling flow
        // decides how to continue. The flow of the route ends with the fallback instead, so that a
        // caller does not hear silence.
        let takes = |event: &&str| in_subflow || widget.next(event).is_some();
        if let Some(event) = event.filter(takes) {
            let text = failure.to_string();
            context.execution.warnings.push(match failure.is_defect() {
                true => FlowWarning::Defect(text),
                false => FlowWarning::Failure(text),
            });
            return Ok(Next::event(event));
        }
    }
    // No transition takes it, but the list of steps has the event that ended the execution.
    record_transition(context, event.unwrap_or("failed"), None);
    // A widget without a failure event makes its subflow fail. The calling widget takes `failed`,
    // without the variables of the subflow.
    if !failure.is_final() && leave_subflow(context).is_some() {
        return recover(context, failure);
    }
    Err(failure)
}

/// Builds the reply of a turn. A document of a function or a template is sent as it is, because its
/// widget has checked it; a document that the widgets have written is checked here.
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
        // The writer makes well-formed XML, so this is a limit: the flow has written too much.
        Err(error) => {
            let widget = context.widget().name.clone();
            // Unless it would have waited, the execution has the step that ended it.
            if context.execution.wait().is_some() {
                record_transition(context, "failed", None);
            }
            context.execution.state = ExecutionState::Ended;
            Step::Failed(Failure::Document { widget, error })
        }
    }
}
