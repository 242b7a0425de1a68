//! The whole program with an allocator that counts: `benches/instructions/run` starts it.
//!
//! It takes the program's own arguments, and says on standard error how much was allocated when it
//! ends. What SQLite allocates in C is not counted, as it is not in the program's allocator either.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let code = twimlgate::tools::cli::run();
    let stats = ALLOCATOR.stats();
    // A reallocation counts as one allocation, whether it grows in place or moves.
    let count = stats.allocations + stats.reallocations;
    eprintln!("allocations {count}, bytes {}", stats.bytes_allocated);
    code
}
