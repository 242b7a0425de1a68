//! The engine: an event in, the next step out.

use actix_web::web::Bytes;
use serde_json::Value;

use super::definition::{Flow, WidgetId};
use super::execution::{Execution, Frame, Remark, State, Taken};
use super::failure::Failure;
use super::hold;
use super::step::{Event, Step};
use super::turn::{Moment, Turn};
use super::widget::{Next, Then};
use crate::limits::{SAME_WIDGET_MAX, STEPS_MAX};
use crate::twiml::read::{DocumentLimits, check_document};

/// Takes an execution one step further.
///
/// A loop that calls it until it gives anything but [`Step::Call`] or [`Step::Send`] ends after at
/// most [`STEPS_MAX`] widgets.
pub fn advance(flow: &Flow, execution: &mut Execution, event: Event, at: &Moment) -> Step {
    let mut turn = Turn::new(flow, execution, at);
    let mut next = dispatch(&mut turn, event);
    loop {
        next = match next {
            Ok(Next::Event(event)) => take_transition(&mut turn, &event),
            Ok(Next::Subflow(frame)) => {
                turn.execution.frames.push(*frame);
                turn.widget().enter(&mut turn)
            }
            Ok(Next::Call(call)) => return Step::Call(call),
            Ok(Next::Send(send)) => return Step::Send(send),
            Ok(Next::Reply { document, then: Then::Wait(wait) }) => {
                turn.execution.state = State::Waiting(wait);
                return reply(&mut turn, document);
            }
            Ok(Next::Reply { document, then: Then::End }) => {
                turn.execution.state = State::Ended;
                return reply(&mut turn, document);
            }
            Ok(Next::End) => match return_from_subflow(&mut turn) {
                Some(next) => Ok(next),
                None => {
                    turn.execution.state = State::Ended;
                    return reply(&mut turn, None);
                }
            },
            Err(failure) => match recover(&mut turn, failure) {
                Ok(next) => Ok(next),
                Err(failure) => {
                    turn.execution.state = State::Ended;
                    return Step::Failed(failure);
                }
            },
        };
    }
}

/// Hands an event to the widget that it is for.
fn dispatch(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let held = match std::mem::replace(&mut turn.execution.state, State::Running) {
        State::Waiting(wait) => wait.held,
        State::Running | State::Ended => None,
    };
    match (event, held) {
        // Whatever ends the wait for a pending call asks for its outcome: the widget itself did
        // not wait for a webhook or a time.
        (Event::Webhook(_) | Event::Returned(_) | Event::Timeout, Some(held)) => {
            hold::again(turn, held)
        }
        (Event::Trigger, _) => turn.widget().enter(turn),
        (Event::Slow { call, document }, _) => hold::hold(turn, call, document.as_ref()),
        (Event::HangUp(params), _) => {
            // The carrier plays nothing that follows, but a flow may still write it down.
            let wired = turn.widget().next("hangup").is_some();
            turn.set_all(&params);
            if wired {
                return Ok(Next::event("hangup"));
            }
            // It ends the whole execution: a calling flow has no call to go on with.
            turn.execution.frames.truncate(1);
            Ok(Next::End)
        }
        (event, _) => turn.widget().resume(turn, event),
    }
}

/// Goes along the transition of an event.
fn take_transition(turn: &mut Turn<'_>, event: &str) -> Result<Next, Failure> {
    let next = turn.chosen.take().or_else(|| turn.widget().next(event));
    if turn.at.records_transitions {
        record_transition(turn, event, next);
    }
    match next {
        Some(id) => {
            enter(turn, id)?;
            turn.widget().enter(turn)
        }
        None => Ok(Next::End),
    }
}

/// Records a transition for the list of steps, with what the widget has set by now: a later visit
/// may set something else.
fn record_transition(turn: &mut Turn<'_>, event: &str, next: Option<WidgetId>) {
    let widget = turn.widget();
    let output = turn.execution.frame().widgets.get(&widget.name).cloned();
    let to = next.map(|id| turn.current().widget(id).name.clone());
    let taken = Taken {
        event: event.to_owned(),
        from: widget.name.clone(),
        kind: widget.widget_type.name,
        to,
        output: output.unwrap_or(Value::Null),
        subflow: turn.execution.frame().subflow,
    };
    turn.execution.taken.push(taken);
}

/// Moves to a widget, if the limits allow one more step.
fn enter(turn: &mut Turn<'_>, id: WidgetId) -> Result<(), Failure> {
    let execution = &mut *turn.execution;
    let same = execution.frame().position == id;
    execution.in_a_row = if same { execution.in_a_row.saturating_add(1) } else { 1 };
    execution.steps = execution.steps.saturating_add(1);
    execution.frame_mut().position = id;
    if execution.steps > STEPS_MAX {
        Err(Failure::Steps)
    } else if execution.in_a_row > SAME_WIDGET_MAX {
        Err(Failure::SameWidget(turn.widget().name.clone()))
    } else {
        Ok(())
    }
}

/// The running flow is over: the flow that called it goes on with what it has set. `None` where it
/// is no subflow.
fn return_from_subflow(turn: &mut Turn<'_>) -> Option<Next> {
    let frame = leave_subflow(turn)?;
    let widget = turn.widget().name.as_str();
    turn.execution.frame_mut().output_mut(widget).extend(frame.variables);
    Some(Next::event("completed"))
}

fn leave_subflow(turn: &mut Turn<'_>) -> Option<Frame> {
    // The last frame is the flow of the route, and stays: its variables can be read afterwards.
    if turn.execution.frames.len() == 1 { None } else { turn.execution.frames.pop() }
}

/// What follows a failure: the widget's own transition for it, else that of the calling flow; an
/// error where neither takes it.
fn recover(turn: &mut Turn<'_>, failure: Failure) -> Result<Next, Failure> {
    if failure.ends_all() {
        return Err(failure);
    }
    let own = turn.widget().widget_type.failure;
    let event = match own.filter(|event| turn.widget().next(event).is_some()) {
        Some(event) => event,
        // Of a subflow that fails only the event remains, not what it has set.
        None if leave_subflow(turn).is_some() => "failed",
        None => return Err(failure),
    };
    turn.execution.remark(failure.to_string());
    Ok(Next::event(event))
}

/// The reply of a turn: a document that a function or a template gave goes out as it is; what the
/// widgets have written is checked as the carrier would.
fn reply(turn: &mut Turn<'_>, document: Option<Bytes>) -> Step {
    let written = turn.execution.document.take();
    if let Some(document) = document {
        return Step::Reply(document);
    }
    let Some(writer) = written else { return Step::End };
    let document = writer.finish().into_string();
    match check_document(document.as_bytes(), turn.execution.channel, &DocumentLimits::default()) {
        Ok(read) => {
            turn.execution.remarks.extend(read.findings.into_iter().map(Remark::Finding));
            Step::Reply(document.into())
        }
        // What we write is well-formed; only its size is the flow's.
        Err(error) => {
            let widget = turn.widget().name.clone();
            turn.execution.state = State::Ended;
            Step::Failed(Failure::Document { widget, error })
        }
    }
}
