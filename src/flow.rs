//! Stage 5: what happens next. No socket, no clock, no chance: time and ids come with the event.
//!
//! Invariant: nothing in `flow/` does I/O or reads the time, so that every flow can be tested,
//! simulated and replayed, and a crash between two steps has one meaning.

mod definition;
mod engine;
mod execution;
pub mod file;
mod scope;
mod short;
pub mod show;
mod widget;

pub use definition::{Flow, Transition, Widget, WidgetId};
pub use engine::{Event, Failure, FunctionCall, Step, advance};
pub use execution::{Execution, Remark, Trigger};
pub use scope::Scope;
pub use short::{Short, from_short};
pub use widget::{Kind, Respond, RunFunction, TriggerWidget};
