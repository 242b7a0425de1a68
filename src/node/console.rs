//! What functions write: `console.log`, their standard output and their errors.

use std::fmt;
use std::sync::Arc;

/// One line that a function wrote.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleLine<'a> {
    /// `debug`, `log`, `info`, `warn`, `error` or `trace`.
    pub level: &'a str,
    /// The function that was called. Empty for what a process writes without a call.
    pub function: &'a str,
    /// The sid of the call or message that the function was called for. May be empty.
    pub sid: &'a str,
    /// The text. It is the user's own, so it may contain anything, line breaks included.
    pub text: &'a str,
}

/// Takes the lines. It must not block: it is called on the thread that supervises the processes.
#[derive(Clone)]
pub struct ConsoleSink(Arc<dyn Fn(ConsoleLine<'_>) + Send + Sync>);

impl ConsoleSink {
    /// A sink that calls a function for each line.
    pub fn new(write: impl Fn(ConsoleLine<'_>) + Send + Sync + 'static) -> ConsoleSink {
        ConsoleSink(Arc::new(write))
    }

    pub(super) fn write(&self, line: ConsoleLine<'_>) {
        (self.0)(line);
    }
}

impl fmt::Debug for ConsoleSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ConsoleSink")
    }
}
