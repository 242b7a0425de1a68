//! The widgets: what each does when a flow enters it, and when what it waits for comes.
//!
//! One file per type, all of one shape: what the widget is with a JSON example, its [`Type`], then
//! `enter`, then `resume` where it waits for something.

mod add_twiml_redirect;
mod capture_payments;
mod connect_call_to;
mod connect_virtual_agent;
mod connect_virtual_agent_v2;
mod enqueue_call;
mod fork_stream;
mod gather_input_on_call;
mod make_http_request;
mod make_outgoing_call_v1;
mod make_outgoing_call_v2;
mod record_call;
mod record_voicemail;
mod respond;
mod resume_conversation;
mod run_conversation_relay;
mod run_function;
mod run_subflow;
mod say_play;
mod send_and_wait_for_reply;
mod send_message;
mod send_to_flex;
mod set_variables;
mod split_based_on;
mod start_conversation;
mod trigger;

use std::sync::Arc;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::engine::FunctionCall;
use super::execution::{Frame, Wait};
use super::failure::Failure;
use super::properties::{Properties, Property};
use super::turn::Turn;
use super::{Send, SendError};
use crate::function::Outcome;
use crate::webhook::Params;

/// All types of widgets, in the order of Studio's own page.
pub const TYPES: [&Type; 26] = [
    &trigger::TYPE,
    &split_based_on::TYPE,
    &set_variables::TYPE,
    &run_function::TYPE,
    &make_http_request::TYPE,
    &say_play::TYPE,
    &gather_input_on_call::TYPE,
    &connect_call_to::TYPE,
    &record_voicemail::TYPE,
    &record_call::TYPE,
    &enqueue_call::TYPE,
    &send_to_flex::TYPE,
    &send_message::TYPE,
    &send_and_wait_for_reply::TYPE,
    &add_twiml_redirect::TYPE,
    &run_subflow::TYPE,
    &fork_stream::TYPE,
    &capture_payments::TYPE,
    &connect_virtual_agent::TYPE,
    &connect_virtual_agent_v2::TYPE,
    &make_outgoing_call_v1::TYPE,
    &make_outgoing_call_v2::TYPE,
    &run_conversation_relay::TYPE,
    &start_conversation::TYPE,
    &resume_conversation::TYPE,
    &respond::TYPE,
];

/// A type of widget.
#[derive(Debug)]
pub struct Type {
    /// As in Studio's JSON.
    pub name: &'static str,
    /// The events that its transitions can name, the usual one first.
    pub events: &'static [&'static str],
    /// Which of them is taken when the widget cannot do its work. Where it is not wired, the
    /// execution ends as failed, so that the caller hears the fallback and not silence.
    pub failure: Option<&'static str>,
    /// What it can be told.
    pub properties: &'static [Property],
    /// What it needs that TwiML does not have.
    pub needs: Needs,
    pub(super) enter: fn(&mut Turn<'_>) -> Result<Next, Failure>,
    pub(super) resume: fn(&mut Turn<'_>, Resumed) -> Result<Next, Failure>,
}

/// What a type of widget needs beside a webhook that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The carrier's API, unless a message is being answered.
    CarrierOutsideOfMessages,
    /// The carrier's API, unless a call is being answered.
    CarrierOutsideOfCalls,
    /// The carrier's API.
    Carrier,
}

/// What a widget is and what it is told.
#[derive(Debug)]
pub struct Kind {
    of: &'static Type,
    /// Its properties, compiled.
    pub properties: Properties,
}

/// What a widget wants.
#[derive(Debug)]
pub(super) enum Next {
    /// To go on along the transition of this event. Where none is wired, the execution ends.
    Event(String),
    /// A subflow to run first.
    Subflow(Box<Frame>),
    /// A function's or a server's answer.
    Call(FunctionCall),
    /// The carrier's API.
    Send(Send),
    /// This document to go out as it is.
    HandOver(Bytes),
    /// What was said to go out, and something to come back.
    Wait(Wait),
    /// What was said to go out as the last word.
    End,
}

/// What a widget waited for.
#[derive(Debug)]
pub(super) enum Resumed {
    /// The function that it called came back.
    Outcome(Outcome),
    /// The carrier's API came back.
    Sent(Result<Map<String, Value>, SendError>),
    /// The carrier asks for what follows.
    Webhook(Arc<Params>),
    /// Whoever had the call gives it back.
    Returned(Arc<Params>),
    /// Nothing came in time.
    Timeout,
}

// === impl Kind ===

impl Kind {
    /// A widget of a type that is one of [`TYPES`].
    ///
    /// # Panics
    /// If it is not.
    pub fn of(name: &str, properties: Properties) -> Kind {
        let of = type_of(name).expect("the type was looked up before");
        Kind { of, properties }
    }

    /// The type's name.
    pub fn name(&self) -> &'static str {
        self.of.name
    }

    /// The event of a failure of its own.
    pub(super) fn failure(&self) -> Option<&'static str> {
        self.of.failure
    }

    /// The flow came to this widget.
    pub(super) fn enter(&self, turn: &mut Turn<'_>) -> Result<Next, Failure> {
        (self.of.enter)(turn)
    }

    /// What it waited for has come.
    pub(super) fn resume(&self, turn: &mut Turn<'_>, resumed: Resumed) -> Result<Next, Failure> {
        (self.of.resume)(turn, resumed)
    }
}

/// The type of that name.
pub fn type_of(name: &str) -> Option<&'static Type> {
    TYPES.into_iter().find(|known| known.name == name)
}

// === impl Next ===

impl Next {
    pub(super) fn event(event: &str) -> Next {
        Next::Event(event.to_owned())
    }
}

/// For widgets that wait for nothing: only a record of another revision could bring them something.
fn waits_for_nothing(turn: &mut Turn<'_>, resumed: Resumed) -> Result<Next, Failure> {
    debug_assert!(false, "`{}` waited for nothing, and got {resumed:?}", turn.widget().name);
    Ok(Next::End)
}
