//! The widgets of Studio, one file for each type.
//!
//! Each file documents its widget with an example in JSON, then has its [`WidgetType`], `enter`,
//! and `resume` if the widget waits. Invariant: a widget changes the execution only through its
//! [`WidgetContext`], and ends with a [`Next`]; it never moves the execution itself. A widget knows
//! its properties and TwiML, and neither the engine's loop nor how a call or request is made.

mod add_twiml_redirect;
mod answer_with_text;
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

// The short form of a route consists of these types, and the import checks for a trigger.
pub(super) const TRIGGER: &WidgetType = &trigger::TYPE;
pub(super) const RUN_FUNCTION: &WidgetType = &run_function::TYPE;
pub(super) const RESPOND: &WidgetType = &respond::TYPE;
pub(super) const ANSWER_WITH_TEXT: &WidgetType = &answer_with_text::TYPE;

/// All types of widgets that a flow file may have, in the order of Studio's documentation.
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
    /// The name in Studio's JSON.
    pub name: &'static str,
    /// The events of its transitions, the usual one first.
    pub events: &'static [&'static str],
    /// The event after a failure. If it is not wired, the execution ends as failed, so that a
    /// caller hears the fallback and not silence. In a subflow it ends the subflow.
    pub failure: Option<&'static str>,
    /// The properties that a widget of this type may have.
    pub properties: &'static [Property],
    /// The properties of which a widget has exactly one; empty where the type has no such rule.
    pub exactly_one_of: &'static [&'static str],
    /// The requirement beyond TwiML.
    pub requirement: Requirement,
    pub(super) enter: fn(&mut WidgetContext<'_>) -> Result<Next, Failure>,
    pub(super) resume: fn(&mut WidgetContext<'_>, Event) -> Result<Next, Failure>,
}

/// A requirement of a type of widget beyond TwiML. A flow whose triggers cause it needs an account
/// with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// No requirement: TwiML or a function is enough.
    Nothing,
    /// The carrier's API, unless the turn answers a message.
    CarrierOutsideOfMessages,
    /// The carrier's API, unless the turn answers a call.
    CarrierOutsideOfCalls,
    /// The carrier's API.
    Carrier,
}

/// The result of a widget: what the engine does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Take the transition of this event. If none is wired, the execution ends.
    Event(String),
    /// Run a subflow, and then resume with its event.
    Subflow(Box<ExecutionFrame>),
    /// Call a function or a URL, and then resume with its outcome.
    CallFunction(FunctionCall),
    /// Send a request to the carrier's API, and then resume with its answer.
    SendRequest(CarrierRequest),
    /// Reply with a document, or with what the widgets of the turn have written.
    Reply {
        /// A complete document of a function or a template, which replaces the written one.
        document: Option<Bytes>,
        /// The state of the execution after the reply.
        then: AfterReply,
    },
    /// End the running flow. After a subflow the calling flow continues; otherwise the execution
    /// ends, and what the widgets have written is the last reply.
    End,
}

/// The state of an execution after a reply.
#[derive(Debug)]
pub(super) enum AfterReply {
    /// The execution waits.
    Wait(Wait),
    /// The execution ends, even if a subflow runs.
    End,
}

// === impl Widget ===

impl Widget {
    /// Begins the work of the widget.
    pub(super) fn enter(&self, context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
        (self.widget_type.enter)(context)
    }

    /// Continues the work of the widget with the event that it waits for.
    pub(super) fn resume(
        &self,
        context: &mut WidgetContext<'_>,
        event: Event,
    ) -> Result<Next, Failure> {
        (self.widget_type.resume)(context, event)
    }
}

/// The type of a name in Studio's JSON.
pub fn find_widget_type(name: &str) -> Option<&'static WidgetType> {
    WIDGET_TYPES.into_iter().find(|known| known.name == name)
}

// === impl Next ===

impl Next {
    /// Takes the transition of an event.
    pub(super) fn event(event: &str) -> Next {
        Next::Event(event.to_owned())
    }

    /// Replies with the written document, and waits.
    pub(super) fn wait(wait: Wait) -> Next {
        Next::Reply { document: None, then: AfterReply::Wait(wait) }
    }

    /// Replies with this document, and ends the execution.
    pub(super) fn last(document: Bytes) -> Next {
        Next::Reply { document: Some(document), then: AfterReply::End }
    }
}

/// The `resume` of widgets that never wait.
fn never_resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    // No event finds its way here: the position of a wait is that of the widget that began it. A
    // damaged record in a store could still do it, and must not cause a panic in production.
    debug_assert!(false, "`{}` does not wait, and got {event:?}", context.widget().name);
    Ok(Next::End)
}
