//! Failures: the reasons why a widget could not do its work.

use crate::function::FunctionError;
use crate::limits::{HOLD_TIMES_MAX, SAME_WIDGET_MAX, STEPS_MAX, STRING_BYTES_MAX};
use crate::liquid;
use crate::twiml::read::TwimlError;

// Every text is for the log and for `check`: it names widgets and limits, and quotes no caller's
// data.
/// The reason why a widget failed. It ends the execution unless a transition takes the failure.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The call of a function failed.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// No carrier can read the function's TwiML.
    #[error("the TwiML of function `{function}` is not well-formed: {error}")]
    Twiml {
        /// The function's name.
        function: String,
        /// What is wrong with it.
        error: TwimlError,
    },
    /// The function is `strict`, and its TwiML has findings.
    #[error("the TwiML of function `{function}` has findings, and the function is `strict`")]
    Strict {
        /// The function's name.
        function: String,
    },
    /// A template exceeded a limit, or failed on its data.
    #[error("a template of widget `{widget}` failed: {error}")]
    Template {
        /// The widget's name.
        widget: String,
        /// The error of the template engine, which quotes no data.
        error: liquid::LiquidError,
    },
    /// A template rendered as something else than TwiML, or a document is too large.
    #[error("the document of widget `{widget}` is not well-formed: {error}")]
    Document {
        /// The widget's name.
        widget: String,
        /// What is wrong with it.
        error: TwimlError,
    },
    /// A property rendered as a text that the widget cannot use.
    #[error("`{property}` of widget `{widget}` is {found}, expected {expected}")]
    Property {
        /// The widget's name.
        widget: String,
        /// The property.
        property: &'static str,
        /// The kind of value that was found; never the value, which may be a caller's data.
        found: &'static str,
        /// The kind of value that the widget needs.
        expected: &'static str,
    },
    /// A widget makes a call, and the flow has no voice route for the webhooks of this call.
    #[error(
        "widget `{widget}` makes a call, and the carrier cannot be given a URL for it: set \
         `server.public_url`, and add a route with `channel = \"voice\"` for this flow"
    )]
    NoVoiceUrl {
        /// The widget's name.
        widget: String,
    },
    /// A rendered text is longer than a variable may be.
    #[error(
        "`{name}` of widget `{widget}` has {bytes} bytes, and a text may have {STRING_BYTES_MAX}"
    )]
    TooLong {
        /// The widget's name.
        widget: String,
        /// The property or variable.
        name: String,
        /// The length of the text.
        bytes: usize,
    },
    /// The widget needs a call, and the turn answers none.
    #[error("widget `{widget}` works in {expected} only, and this is {found}")]
    Channel {
        /// The widget's name.
        widget: String,
        /// The channel that the widget needs.
        expected: &'static str,
        /// The channel of the turn.
        found: &'static str,
    },
    /// A request to the carrier's API failed.
    #[error("widget `{widget}`: {error}")]
    Send {
        /// The widget's name.
        widget: String,
        /// The carrier's error, or the reason why no request was made.
        error: super::CarrierRequestError,
    },
    /// A function has not returned after the most polls that one call may have.
    #[error(
        "the function of widget `{widget}` has not returned after {HOLD_TIMES_MAX} polls, the most \
         allowed"
    )]
    PendingTooLong {
        /// The widget's name.
        widget: String,
    },
    /// The flow has no subflow of this sid, or is a subflow itself.
    #[error("widget `{widget}`: no `[flow.NAME]` has the sid that it calls")]
    Subflow {
        /// The widget's name.
        widget: String,
    },
    /// The execution entered more widgets than allowed.
    #[error("the execution took {STEPS_MAX} steps, the most that one may take (Twilio's 81000)")]
    Steps,
    /// The execution entered one widget too often in a row.
    #[error(
        "widget `{0}` was entered {SAME_WIDGET_MAX} times in a row, the most allowed \
         (Twilio's 81001)"
    )]
    SameWidget(String),
}

impl Failure {
    /// Whether a mistake in a template, a document or the flow is the cause, and nothing that a
    /// flow provides for, such as a function that fails. Those are counted by themselves.
    pub(crate) fn is_defect(&self) -> bool {
        match self {
            Failure::Twiml { .. }
            | Failure::Strict { .. }
            | Failure::Template { .. }
            | Failure::Document { .. }
            | Failure::NoVoiceUrl { .. }
            | Failure::Channel { .. }
            | Failure::Subflow { .. } => true,
            Failure::Function(_)
            | Failure::Property { .. }
            | Failure::TooLong { .. }
            | Failure::Send { .. }
            | Failure::PendingTooLong { .. }
            | Failure::Steps
            | Failure::SameWidget(_) => false,
        }
    }

    /// Whether no transition may take the failure.
    pub(crate) fn is_final(&self) -> bool {
        // These limits end loops: a transition that took one would continue the loop.
        matches!(self, Failure::Steps | Failure::SameWidget(_))
    }
}

/// Returns the text if it is short enough for a variable. `name` is that of the variable or
/// property.
pub(super) fn check_length(widget: &str, name: &str, text: String) -> Result<String, Failure> {
    // Studio's own limit. Without one, a loop could double the length of a variable in each round.
    if text.len() > STRING_BYTES_MAX {
        return Err(Failure::TooLong {
            widget: widget.to_owned(),
            name: name.to_owned(),
            bytes: text.len(),
        });
    }
    Ok(text)
}
