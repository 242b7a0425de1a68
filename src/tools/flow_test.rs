//! Flow tests: a script that the phone follows, and what is expected of the application meanwhile.
//!
//! ```text
//! *.test.toml ──> File ──> Case ──> Step ─┬─ an Act ────> phone ──Heard──> Happened
//!                  │        │ given       └─ an Expect ─> check <──────────────┘
//!               Subject   CaseMocks                         │
//!               a gateway answers                        Failure ──> tree, junit, updated
//! ```
//!
//! [`follow`](follow()) needs nothing but a phone, whatever is at the other end of it;
//! [`run`](run()) puts our own gateway there, with functions that are played and time that is
//! pretended.

mod case_mocks;
mod check;
mod diff;
mod coverage;
mod failure;
mod file;
mod script;
mod mocks;
mod events;
mod junit_report;
mod keys;
mod pattern;
mod recording;
mod runner;
mod step;
mod target;
mod console_report;
mod edits;

pub use case_mocks::CaseMocks;
pub use console_report::tree;
pub use edits::updated;
pub use failure::TestFailure;
pub use file::{FlowTestFile, TestCase, TestTarget};
pub use junit_report::junit;
pub use keys::TABLES;
pub use mocks::{FunctionMock, MockAnswer, MockFailure};
pub use pattern::TextPattern;
pub use recording::{RecordedTarget, SessionRecording};
pub use runner::{CaseReport, ENDING, FileReport, TestReport, find, run};
pub use script::{ScriptOutcome, follow};
pub use step::{EXPECTATIONS, Expectation, ScriptStep, StepKind};
pub use target::LoadedTarget;
