//! The `twimlgate` program: an allocator, and the commands of the library.

use std::process::ExitCode;

/// The system's allocator costs a tenth of a webhook; this one does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    twimlgate::tools::cli::run()
}
