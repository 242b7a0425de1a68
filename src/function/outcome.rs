//! The outcome of a call.

use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::answer::content_type;
use super::cookies::FunctionCookies;
use super::error::{CallError, FunctionError};
use super::transport::HttpResponse;

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The way that the flow takes.
    pub kind: OutcomeKind,
    /// The function's response, if there was one: `widgets.NAME.body` and so on.
    pub response: Option<FunctionResponse>,
    /// The cookies that the response sets, where the route passes them on.
    pub cookies: Option<Box<FunctionCookies>>,
    /// From the call to its outcome.
    pub duration: Duration,
    /// Requests sent: 0 if none was, more than 1 after redirects or a dead connection.
    pub attempts: u32,
    /// Whether the last request went over a reused connection.
    pub reused_connection: bool,
}

/// The way that a flow takes after a call.
#[derive(Clone, Debug, PartialEq)]
pub enum OutcomeKind {
    /// `success`; the variables if the body was a JSON object.
    Success {
        /// Merged over `widgets.NAME.parsed`.
        parsed: Option<Map<String, Value>>,
    },
    /// A document for the caller, not yet checked.
    Twiml(Bytes),
    /// `fail`
    Fail(FunctionError),
}

/// A function's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionResponse {
    /// The HTTP status.
    pub status_code: u16,
    /// The content type as sent, with its parameters.
    pub content_type: Option<String>,
    /// The body. Empty as well where a failure's body could not be read.
    pub body: Bytes,
}

impl Outcome {
    /// The outcome of a call whose URL must not be called; `name` is its scheme, host and port.
    pub fn unusable_url(name: &str) -> Outcome {
        Outcome {
            kind: OutcomeKind::fail(name, CallError::Unusable),
            response: None,
            cookies: None,
            duration: Duration::ZERO,
            // Nothing was sent.
            attempts: 0,
            reused_connection: false,
        }
    }
}

impl OutcomeKind {
    /// A failed call of the function with this name.
    pub(super) fn fail(name: &str, cause: CallError) -> OutcomeKind {
        OutcomeKind::Fail(FunctionError { function: name.to_owned(), cause })
    }
}

impl From<HttpResponse> for FunctionResponse {
    fn from(response: HttpResponse) -> FunctionResponse {
        // Contradictory content types are none.
        let content_type = content_type(response.headers()).ok().flatten().map(str::to_owned);
        FunctionResponse {
            status_code: response.status().as_u16(),
            content_type,
            body: response.body.unwrap_or_default(),
        }
    }
}
