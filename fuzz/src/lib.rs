//! Fuzzing on stable Rust: inputs are grown from a corpus, targets judge them, findings are shrunk
//! and kept. `README.md` has the table of targets and the commands.
//!
//! ```text
//! corpus ──> grow ──> judge ──new──> pool ──> grow …
//!                       └──finding──> shrink ──> corpus/TARGET/found-…
//! ```

mod grow;
mod panics;
mod runner;
mod shrink;
mod targets;

pub use runner::{Summary, replay, run};

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts what each input allocates.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The names of all targets.
pub fn names() -> impl Iterator<Item = &'static str> {
    targets::TARGETS.iter().map(|target| target.name)
}

/// Tries one input as libFuzzer wants it: a finding is a panic.
///
/// # Panics
/// With a finding, and where there is no such target.
pub fn judge(name: &str, input: &[u8]) {
    let target = runner::named(name).unwrap_or_else(|| panic!("there is no target `{name}`"));
    if let Err(finding) = (target.judge)(input) {
        panic!("{name}: {finding}");
    }
}
