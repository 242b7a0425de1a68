//! Standard output and standard error of the commands.
//!
//! A reader that has gone, like `head`, is not a failure: the command ends with the exit code that
//! it would have had. `println!` panics there.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};

/// Writes to standard output. If that fails for another reason than a reader that has gone, the
/// command ends with code 2: a text that is cut must not look complete.
pub(super) fn write_out(text: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let result = out.write_fmt(text).and_then(|()| out.flush());
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            write_error(format_args!("error: cannot write standard output: {error}\n"));
            std::process::exit(2);
        }
        _ => {}
    }
}

/// Writes to standard error, where nothing can be done about a failure.
pub(super) fn write_error(text: fmt::Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}
