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
mod turn;
mod send;
mod step;
mod failure;
mod hold;
mod engine;

pub use condition::{Condition, TESTS, Test};
pub use definition::{ConversationIdentity, Flow, Persistence, Transition, Widget, WidgetId};
pub use engine::advance;
pub use execution::{Execution, Remark, State, Taken, Wait};
pub use failure::Failure;
pub use properties::{Callee, Holds, Pair, Properties, Property};
pub use scope::Scope;
pub use send::{Send, SendError, Service};
pub use short::{Short, from_short};
pub use step::{CallTarget, Event, FunctionCall, RenderedUrl, Step};
pub use trigger::{Incoming, Trigger};
pub use turn::{FlowUrls, Moment};
pub use widget::{Needs, TYPES, Type, type_of};
