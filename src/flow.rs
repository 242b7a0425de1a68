//! Stage 5: what happens next. No socket, no clock, no chance: time and ids come with the event.
//!
//! Invariant: nothing in `flow/` does I/O or reads the time, so that every flow can be tested,
//! simulated and replayed, and a crash between two steps has one meaning.

pub mod file;

pub mod import;

mod definition;
mod properties;
mod condition;
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

pub use carrier_request::{CarrierRequest, CarrierRequestError, CarrierService};
pub use condition::{CONDITION_TYPES, Condition, ConditionType};
pub use context::{FlowUrls, TurnContext};
pub use definition::{ConversationIdentity, Flow, Persistence, Transition, Widget, WidgetId};
pub use engine::advance;
pub use execution::{Execution, ExecutionState, FlowWarning, TransitionRecord, Wait};
pub use failure::Failure;
pub use properties::{Callee, Pair, Properties, Property, PropertyKind};
pub use scope::Scope;
pub use short::{ShortFlow, build_short_flow};
pub use step::{CallTarget, Event, FunctionCall, RenderedUrl, Step};
pub use trigger::{Trigger, TriggerKind};
pub use widget::{Requirement, WIDGET_TYPES, WidgetType, find_widget_type};
