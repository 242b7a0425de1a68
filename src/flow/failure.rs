//! Why a flow could not go on where it stood.

use crate::function::FunctionError;
use crate::limits::{HOLD_TIMES_MAX, SAME_WIDGET_MAX, STEPS_MAX, STRING_BYTES_MAX};
use crate::liquid;
use crate::twiml::read::TwimlError;

/// Why an execution ended before its flow did.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The function failed, and nothing is wired to `fail`.
    #[error(transparent)]
    Function(#[from] FunctionError),
    /// The function's TwiML is not fit for a carrier.
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
    /// A template went over a bound, or failed on its data.
    #[error("a template of widget `{widget}` failed: {error}")]
    Template {
        /// The widget's name.
        widget: String,
        /// What the engine says; it quotes no data.
        error: liquid::LiquidError,
    },
    /// A template gave something that is not TwiML, or a document of a flow is too large.
    #[error("the document of widget `{widget}` is not well-formed: {error}")]
    Document {
        /// The widget's name.
        widget: String,
        /// What is wrong with it.
        error: TwimlError,
    },
    /// A property that must have a value rendered as nothing or as something unusable.
    #[error("`{property}` of widget `{widget}` is {found}, expected {expected}")]
    Property {
        /// The widget's name.
        widget: String,
        /// The property.
        property: &'static str,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A call is to be made, and no URL takes its webhooks.
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
        /// Its length.
        bytes: usize,
    },
    /// The widget is for calls and a message is answered, or the other way round.
    #[error("widget `{widget}` works in {expected} only, and this is {found}")]
    Channel {
        /// The widget's name.
        widget: String,
        /// Where it works.
        expected: &'static str,
        /// What this is.
        found: &'static str,
    },
    /// The carrier's API failed, and nothing is wired to it.
    #[error("widget `{widget}`: {error}")]
    Send {
        /// The widget's name.
        widget: String,
        /// What the carrier said, or why it could not be asked.
        error: super::CarrierRequestError,
    },
    /// A function was waited for too often, and its caller was held all the time.
    #[error(
        "the function of widget `{widget}` was waited for {HOLD_TIMES_MAX} times, the most allowed"
    )]
    PendingTooLong {
        /// The widget's name.
        widget: String,
    },
    /// A subflow that is not configured.
    #[error("widget `{widget}`: no `[flow.NAME]` has the sid that it calls")]
    Subflow {
        /// The widget's name.
        widget: String,
    },
    /// The execution took too many steps.
    #[error("the execution took {STEPS_MAX} steps, the most that one may take (Twilio's 81000)")]
    Steps,
    /// It came back to one widget again and again.
    #[error(
        "widget `{0}` was entered {SAME_WIDGET_MAX} times in a row, the most allowed \
         (Twilio's 81001)"
    )]
    SameWidget(String),
}

impl Failure {
    /// Whether no transition may take it: the limits that keep a flow from going on for ever.
    pub fn is_final(&self) -> bool {
        matches!(self, Failure::Steps | Failure::SameWidget(_))
    }
}

/// The text, if it is short enough for a variable of a widget; `name` is the variable's.
pub(super) fn check_length(widget: &str, name: &str, text: String) -> Result<String, Failure> {
    if text.len() > STRING_BYTES_MAX {
        return Err(Failure::TooLong {
            widget: widget.to_owned(),
            name: name.to_owned(),
            bytes: text.len(),
        });
    }
    Ok(text)
}
