//! The widgets: what each does when a flow enters it, and when what it waits for comes.
//!
//! One file per type, all of one shape: what the widget is with a JSON example, its [`WidgetType`], then
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

use actix_web::web::Bytes;

use super::carrier_request::CarrierRequest;
use super::context::WidgetContext;
use super::definition::Widget;
use super::execution::{ExecutionFrame, Wait};
use super::failure::Failure;
use super::properties::Property;
use super::step::Event;
use super::step::FunctionCall;

/// The types that the short form of a route is made of.
pub(super) const TRIGGER: &WidgetType = &trigger::TYPE;
pub(super) const RUN_FUNCTION: &WidgetType = &run_function::TYPE;
pub(super) const RESPOND: &WidgetType = &respond::TYPE;

/// All types of widgets, in the order of Studio's own page.
pub const WIDGET_TYPES: [&WidgetType; 26] = [
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
pub struct WidgetType {
    /// As in Studio's JSON.
    pub name: &'static str,
    /// The events that its transitions can name, the usual one first.
    pub events: &'static [&'static str],
    /// Which of them is taken when the widget cannot do its work. Where it is not wired, the
    /// execution ends as failed, so that the caller hears the fallback and not silence.
    pub failure: Option<&'static str>,
    /// What it can be told.
    pub properties: &'static [Property],
    /// The properties of which a widget has exactly one; empty where the type has no such rule.
    pub exactly_one_of: &'static [&'static str],
    /// What it needs that TwiML does not have.
    pub requirement: Requirement,
    pub(super) enter: fn(&mut WidgetContext<'_>) -> Result<Next, Failure>,
    pub(super) resume: fn(&mut WidgetContext<'_>, Event) -> Result<Next, Failure>,
}

/// What a type of widget needs beside a webhook that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing.
    Nothing,
    /// The carrier's API, unless a message is being answered.
    CarrierOutsideOfMessages,
    /// The carrier's API, unless a call is being answered.
    CarrierOutsideOfCalls,
    /// The carrier's API.
    Carrier,
}

/// What a widget wants.
#[derive(Debug)]
pub(super) enum Next {
    /// To go on along the transition of this event. Where none is wired, the execution ends.
    Event(String),
    /// A subflow to run first.
    Subflow(Box<ExecutionFrame>),
    /// A function's or a server's answer.
    CallFunction(FunctionCall),
    /// The carrier's API.
    SendRequest(CarrierRequest),
    /// To answer: with this document as it is, else with what the widgets of the turn have written.
    Reply {
        /// A whole document, of a function or a template.
        document: Option<Bytes>,
        /// What becomes of the execution.
        then: AfterReply,
    },
    /// The flow to be over. A flow that called it as a subflow goes on; else what the widgets have
    /// written is the last answer.
    End,
}

/// What becomes of an execution behind an answer.
#[derive(Debug)]
pub(super) enum AfterReply {
    /// It waits.
    Wait(Wait),
    /// It is over, also where a subflow runs.
    End,
}

// === impl Widget ===

impl Widget {
    /// The flow came to this widget.
    pub(super) fn enter(&self, context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
        (self.widget_type.enter)(context)
    }

    /// What it waited for has come.
    pub(super) fn resume(
        &self,
        context: &mut WidgetContext<'_>,
        event: Event,
    ) -> Result<Next, Failure> {
        (self.widget_type.resume)(context, event)
    }
}

/// The type of that name.
pub fn find_widget_type(name: &str) -> Option<&'static WidgetType> {
    WIDGET_TYPES.into_iter().find(|known| known.name == name)
}

// === impl Next ===

impl Next {
    pub(super) fn event(event: &str) -> Next {
        Next::Event(event.to_owned())
    }

    /// To answer with what was written, and to wait.
    pub(super) fn wait(wait: Wait) -> Next {
        Next::Reply { document: None, then: AfterReply::Wait(wait) }
    }

    /// To answer with this document as the last one.
    pub(super) fn last(document: Bytes) -> Next {
        Next::Reply { document: Some(document), then: AfterReply::End }
    }
}

/// For widgets that wait for nothing: only a record of another revision could bring them something.
fn waits_for_nothing(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    debug_assert!(false, "`{}` waited for nothing, and got {event:?}", context.widget().name);
    Ok(Next::End)
}
