//! Flow tests: scripts that a phone follows, with expectations on the application.
//!
//! ```text
//! *.test.toml ─> FlowTestFile ─> TestCase ─> ScriptStep ┬ action ─> phone ─> TurnEvents
//!                 │              │ mocks                └ expectation ─> check <─┘
//!             LoadedTarget     CaseMocks                                  │
//!             a gateway        answers                     TestFailure ─> reports, edits
//! ```
//!
//! `file`, `step`, `mocks` and `keys` read a test; `target` builds the gateway for it;
//! `script` runs it on a phone (`run_script`), whatever application that is connected to;
//! `runner` does so with a gateway in this process, mocked functions and simulated time
//! ([`run_tests`]);
//! `events`, `check` and `mismatch` compare; `failure`, `console_report`, `junit_report`,
//! `coverage` and `edits` report. `recording` goes the other way, from a conversation to a file.
//!
//! Invariant: a position in a test is a range of bytes of its file, from reading to `--update`, so
//! that a report points at the line and an edit changes only that. Nothing here reads arguments or
//! writes to the terminal.

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
mod mismatch;
mod pattern;
mod recording;
mod runner;
mod step;
mod target;
mod console_report;
mod edits;

pub use case_mocks::CaseMocks;
pub use console_report::render_tree;
pub(crate) use coverage::{CoveragePicture, CoverageReport};
pub(crate) use edits::apply_edits;
pub use file::{FlowTestFile, TestCase};
pub(crate) use junit_report::write_junit;
pub use keys::TABLES;
pub use recording::{RecordedTarget, SessionRecording};
pub(crate) use runner::FileReport;
pub use runner::{TestCounts, TestReport, find_tests, run_tests};
pub(crate) use script::{ScriptOutcome, run_script};
pub use step::EXPECTATIONS;
pub(crate) use step::{Expectation, StepKind};
pub use target::LoadedTarget;
