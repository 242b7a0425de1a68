//! The engine: an event in, the next step out.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::definition::{Flow, WidgetId};
use super::execution::{Execution, Frame, Remark, State, Taken};
use super::failure::Failure;
use super::hold::{self, HeldCall};
use super::turn::{Moment, Turn};
use super::widget::{Next, Resumed};
use super::{Callee, Send, SendError};
use crate::function::Outcome;
use crate::limits::{SAME_WIDGET_MAX, STEPS_MAX, STRING_BYTES_MAX};
use crate::liquid::Template;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::webhook::Params;

/// What happened outside.
#[derive(Debug)]
pub enum Event {
    /// The webhook or request that begins the execution.
    Trigger,
    /// The function that the last step called came back.
    Answered(Outcome),
    /// It has not come back, and its caller is to be kept company.
    Slow {
        /// The call.
        call: Box<HeldCall>,
        /// What the caller hears meanwhile; `None`: silence.
        document: Option<Template>,
    },
    /// The carrier's API, which the last step asked, came back.
    Sent(Result<Map<String, Value>, SendError>),
    /// The carrier asks for what follows: the awaited webhook.
    Webhook(Arc<Params>),
    /// `FlowEvent=return`, or a default action URL: whoever had the call gives it back.
    Returned(Arc<Params>),
    /// Nothing came until the wait was over.
    Timeout,
    /// The call is over.
    HangUp(Arc<Params>),
}

/// What the outside must do next.
#[derive(Debug)]
pub enum Step {
    /// Call a function; its outcome is the next event.
    Call(FunctionCall),
    /// Ask the carrier's API; its answer is the next event.
    Send(Send),
    /// Answer the carrier with this document. The execution's state says whether it waits or has
    /// ended.
    Reply(Bytes),
    /// The execution waits or has ended, and there is nothing to say: an empty document.
    End,
    /// The execution has ended by a failure that no transition takes.
    Failed(Failure),
}

/// A function or URL to be called.
#[derive(Debug)]
pub struct FunctionCall {
    /// Which.
    pub callee: Callee,
    /// The parameters, rendered.
    pub parameters: Params,
    /// What is sent instead of a form of the parameters.
    pub body: Option<Body>,
    /// With the account's credentials, as `add_twilio_auth` says.
    pub with_credentials: bool,
    /// The call that this one is again: its outcome may be there, or it is made under its key.
    pub held: Option<Box<HeldCall>>,
}

/// A request body that is no form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its content type.
    pub content_type: String,
    /// The bytes.
    pub text: String,
}

/// Takes an execution one step further.
///
/// A loop that calls it until it gives anything but [`Step::Call`] or [`Step::Send`] ends after at
/// most [`STEPS_MAX`] widgets.
pub fn advance(flow: &Flow, execution: &mut Execution, event: Event, at: &Moment) -> Step {
    let mut turn = Turn::new(flow, execution, at);
    let mut next = begin(&mut turn, event);
    loop {
        next = match next {
            Ok(Next::Event(event)) => follow(&mut turn, &event),
            Ok(Next::Subflow(frame)) => {
                turn.execution.frames.push(*frame);
                turn.kind().enter(&mut turn)
            }
            Ok(Next::Call(call)) => return Step::Call(call),
            Ok(Next::Send(send)) => return Step::Send(send),
            Ok(Next::HandOver(document)) => {
                turn.execution.document = None;
                return Step::Reply(document);
            }
            Ok(Next::Wait(wait)) => {
                turn.execution.state = State::Waiting(wait);
                return said(&mut turn);
            }
            Ok(Next::End) => match ended(&mut turn, None) {
                Some(next) => next,
                None => return said(&mut turn),
            },
            Err(failure) => match failed(&mut turn, failure) {
                Ok(next) => next,
                Err(failure) => {
                    turn.execution.state = State::Ended;
                    return Step::Failed(failure);
                }
            },
        };
    }
}

/// Hands an event to the widget that it is for.
fn begin(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    let kind = turn.kind();
    let held = match std::mem::replace(&mut turn.execution.state, State::Running) {
        State::Waiting(wait) => wait.held,
        State::Running | State::Ended => None,
    };
    let resumed = match (event, held) {
        (Event::Webhook(_) | Event::Returned(_) | Event::Timeout, Some(held)) => {
            return hold::again(turn, held);
        }
        (event, _) => event,
    };
    let resumed = match resumed {
        Event::Trigger => return kind.enter(turn),
        Event::Slow { call, document } => return hold::hold(turn, call, document.as_ref()),
        Event::Answered(outcome) => Resumed::Outcome(outcome),
        Event::Sent(result) => Resumed::Sent(result),
        Event::Webhook(params) => Resumed::Webhook(params),
        Event::Returned(params) => Resumed::Returned(params),
        Event::Timeout => Resumed::Timeout,
        Event::HangUp(params) => {
            // Nobody hears what follows, but a flow may still write it down.
            let wired = turn.widget().next("hangup").is_some();
            turn.set_all(&params);
            if wired {
                return Ok(Next::event("hangup"));
            }
            // It ends the whole execution: a flow that called this one has nobody to go on with.
            turn.execution.frames.truncate(1);
            return Ok(Next::End);
        }
    };
    kind.resume(turn, resumed)
}

/// Goes along the transition of an event.
fn follow(turn: &mut Turn<'_>, event: &str) -> Result<Next, Failure> {
    let next = turn.chosen.take().or_else(|| turn.widget().next(event));
    note(turn, event, next);
    match next {
        Some(id) => {
            enter(turn, id)?;
            turn.kind().enter(turn)
        }
        None => Ok(Next::End),
    }
}

/// Notes a transition for the list of steps.
fn note(turn: &mut Turn<'_>, event: &str, next: Option<WidgetId>) {
    if turn.flow.is_short() && !turn.execution.traced {
        return;
    }
    let widget = turn.widget();
    let output = turn.execution.frame().widgets.get(&widget.name).cloned();
    let to = next.map(|id| turn.current().widget(id).name.clone());
    let taken = Taken {
        event: event.to_owned(),
        from: widget.name.clone(),
        kind: widget.kind.name(),
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

/// The running flow is over: the one that called it goes on, if there is one.
fn ended(turn: &mut Turn<'_>, failure: Option<&Failure>) -> Option<Result<Next, Failure>> {
    if turn.execution.frames.len() == 1 {
        turn.execution.state = State::Ended;
        return None;
    }
    let frame: Frame = turn.execution.frames.pop()?;
    if let Some(failure) = failure {
        turn.execution.remark(failure.to_string());
        return Some(Ok(Next::event("failed")));
    }
    let widget = turn.widget().name.as_str();
    turn.execution.frame_mut().output_mut(widget).extend(frame.variables);
    Some(Ok(Next::event("completed")))
}

/// What follows a failure: the widget's own transition for it, or the calling flow's, or the end.
fn failed(turn: &mut Turn<'_>, failure: Failure) -> Result<Result<Next, Failure>, Failure> {
    if failure.ends_all() {
        return Err(failure);
    }
    let event = turn.kind().failure().filter(|event| {
        // A widget that failed has its failure transition taken once, not in circles.
        turn.widget().next(event).is_some()
    });
    if let Some(event) = event {
        turn.execution.remark(failure.to_string());
        return Ok(Ok(Next::event(event)));
    }
    match ended(turn, Some(&failure)) {
        Some(next) => Ok(next),
        None => Err(failure),
    }
}

/// The document of a turn, checked as the carrier would.
fn said(turn: &mut Turn<'_>) -> Step {
    let Some(writer) = turn.execution.document.take() else { return Step::End };
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

/// Whether a text is short enough for a variable.
pub(super) fn bounded(widget: &str, name: &str, text: String) -> Result<String, Failure> {
    if text.len() > STRING_BYTES_MAX {
        return Err(Failure::TooLong {
            widget: widget.to_owned(),
            name: name.to_owned(),
            bytes: text.len(),
        });
    }
    Ok(text)
}
