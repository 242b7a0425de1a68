//! The user's JavaScript: a project of Twilio Functions, run in supervised Node processes.
//!
//! `project` reads the folder: which file is a function or an asset, and on which path. `program`
//! finds Node. [`NodePool`] makes calls: its `supervisor` owns the processes on a thread of its own
//! and gives each one call at a time, `process` is one of them, `frame` is the protocol. A process
//! begins as `launcher`, which is this program again and locks itself into the `sandbox` before it
//! becomes Node. Its parent is a `monitor`, this program too, which ends all that it has started.
//! The far end of the protocol is the script in `runtime/`. `check` lets Node parse
//! the files without running them. `watch` notices that they changed.
//!
//! Invariants: a call whose time is over is not sent. Whatever a function does costs its own call
//! at most. A process gets the variables of its project, and nothing else of the gateway: neither
//! its environment nor its files. No process outlives the thread that started it. Nothing here
//! knows flows, sessions, templates or HTTP connections.

mod assets;
mod check;
mod console;
mod error;
mod frame;
pub(crate) mod launcher;
mod monitor;
mod output;
mod pool;
mod process;
mod program;
mod project;
mod sandbox;
mod supervisor;
mod watch;

pub(crate) use assets::asset_type;
pub(crate) use check::{CodeSource, check_project};
pub use console::{ConsoleLine, ConsoleSink};
pub use error::ProcessError;
pub(crate) use frame::{CallFrame, EventBody, ProcessReply};
pub use launcher::launch_with;
pub use pool::NodePool;
pub(crate) use pool::{CallLabel, PoolOptions};
pub(crate) use process::ProcessOptions;
pub(crate) use program::NodeProgram;
pub use project::{Access, ProjectAsset, ProjectFolder, ProjectFunction};
pub(crate) use watch::ProjectWatch;
