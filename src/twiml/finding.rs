//! A part of a well-formed document that the carrier would warn about and leave out.

use std::fmt;
use std::ops::Range;

use crate::diagnostics::excerpt::line_column;

/// What a carrier would warn about. The document still runs, without the part in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The code under which Twilio's debugger reports it. `None` where Twilio reports nothing and
    /// the document still does what its author can hardly have meant.
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
    /// Whether it can only be a mistake: a verb of the other channel, or a misspelt element. Other
    /// findings may be about something that the carrier has added.
    pub is_mistake: bool,
}

/// The code, message and help of a finding, before its place is known.
#[derive(Debug)]
pub(super) struct FindingText {
    code: Option<u32>,
    message: String,
    help: String,
    is_mistake: bool,
}

// === impl Finding ===

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

// === impl FindingText ===

impl FindingText {
    pub(super) fn new(code: impl Into<Option<u32>>, message: impl Into<String>) -> FindingText {
        let (code, message) = (code.into(), message.into());
        FindingText { code, message, help: String::new(), is_mistake: false }
    }

    /// Adds what to do.
    pub(super) fn with_help(mut self, help: impl Into<String>) -> FindingText {
        self.help = help.into();
        self
    }

    /// Says whether it can only be a mistake.
    pub(super) fn with_mistake(mut self, is_mistake: bool) -> FindingText {
        self.is_mistake = is_mistake;
        self
    }

    /// The finding at these bytes of `document`.
    pub(super) fn into_finding(self, document: &str, span: Range<usize>) -> Finding {
        let FindingText { code, message, help, is_mistake } = self;
        let (line, column) = line_column(document, span.start);
        Finding { code, line, column, span, message, help, is_mistake }
    }
}
