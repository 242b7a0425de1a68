//! A part of a well-formed document that the carrier would warn about and leave out.

use std::fmt;
use std::ops::Range;

/// What a carrier would warn about. The document still runs, without the part in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The code under which Twilio's debugger reports it. `None` where Twilio says nothing and the
    /// document does all the same what its author can hardly have meant.
    pub code: Option<u32>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the document that it is about.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do; empty where the message says it.
    pub help: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.message)?;
        if !self.help.is_empty() {
            write!(formatter, "; {}", self.help)?;
        }
        match self.code {
            Some(code) => write!(formatter, " (Twilio {code})"),
            None => Ok(()),
        }
    }
}
