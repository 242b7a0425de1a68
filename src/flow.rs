//! Stage 5: the engine that runs flows: [`Event`] in, [`Step`] out.
//!
//! `definition`, `properties`, `condition` and `pattern` are a compiled [`Flow`]. Three ways lead
//! to one: [`file`](mod@file) reads Studio's JSON or our TOML into a tree, [`import`](mod@import)
//! checks that tree and compiles it, and `short` builds the flow of a route that names a function.
//! `execution` and `trigger` are the state of one run, which a store keeps between two webhooks.
//! `engine` takes this state from widget to widget; `widget` has one file for each type, `context`
//! is what a widget works with, `scope` is what a template reads, and `pending_call` covers
//! functions that take longer than a webhook may wait. `step`, `carrier_request` and `failure` are
//! the types at the border. `graph` reads what an outline or a picture of a flow shows.
//!
//! Invariant: nothing in `flow/` does I/O, reads a clock or draws a random number. The time and a
//! new token come with the [`TurnContext`], so that a flow can be tested, simulated and replayed,
//! and a turn that a crash interrupts can run again with the same result. `flow/` does not know how
//! a webhook finds its flow, how sessions are locked and stored, how HTTP is spoken, or which
//! credentials the carrier accepts: it asks for a call or a request, and the caller of [`advance`]
//! makes it.

pub mod file;

pub mod import;

mod definition;
mod properties;
mod condition;
mod pattern;
mod widget;
mod short;
mod trigger;
mod execution;
mod scope;
mod context;
mod carrier_request;
mod step;
mod failure;
mod pending_call;
mod engine;
mod graph;

pub use carrier_request::{CarrierRequest, CarrierRequestError, CarrierService};
pub use condition::{CONDITION_TYPES, Condition, ConditionType};
pub use context::{FlowUrls, TurnContext};
pub use definition::{ConversationIdentity, Flow, Persistence, Transition, Widget, WidgetId};
pub use engine::advance;
pub use execution::{Execution, ExecutionState, FlowWarning, TransitionRecord, Wait};
pub use failure::Failure;
pub use graph::{FlowGraph, GraphCondition, GraphTarget, GraphTransition, GraphWidget};
pub use pattern::{Pattern, PatternError};
pub use properties::{Callee, Pair, Properties, Property, PropertyKind, ReplacedUrl};
pub(crate) use scope::Scope;
pub(crate) use short::{ShortFlow, build_document_flow, build_short_flow};
pub use step::{CallTarget, Event, FunctionCall, RenderedUrl, Step};
pub(crate) use trigger::Trigger;
pub use trigger::TriggerKind;
pub use widget::{Requirement, WIDGET_TYPES, WidgetType, find_widget_type};
