//! `[function.NAME]`: the user's code.

use std::fmt;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};

use super::{ConfigText, FunctionTarget};

/// `[function.NAME]`
#[derive(Clone)]
pub struct Function {
    /// The NAME of the section, which is also the name of the widget of a short route.
    pub name: String,
    /// Where its code is.
    pub target: FunctionTarget,
    /// `POST` or `GET`.
    pub method: Method,
    /// The form of the parameters in a POST.
    pub body: FunctionBody,
    /// Headers of each request. Their values may be secrets, and are marked as such.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The time for the whole answer, redirects and body included. `None`: 5 s in the short form of
    /// a route, 10 s in a flow.
    pub timeout: Option<Duration>,
    /// The largest body; a larger one is `fail`.
    pub max_body_bytes: usize,
    /// Whether the carrier's parameters are sent too. The configured ones have precedence.
    pub forward_webhook: bool,
    /// Whether findings in returned TwiML are `fail`.
    pub strict: bool,
    /// Whether a call may be repeated after a lost connection although the function may have
    /// received it.
    pub idempotent: bool,
    /// Whether the request is HTTP/1.0, for servers that end an answer by closing the connection.
    pub http_1_0: bool,
    /// The maximum of connections to this function, per worker.
    pub connections: usize,
    /// What callers hear until the function has answered. `None`: it answers in time, or fails.
    pub hold: Option<HoldSettings>,
    /// The widgets whose URLs the function replaces, `FLOW/WIDGET` or `WIDGET`. Empty: those with
    /// its name, in every flow.
    pub widgets: Vec<ConfigText>,
    /// The name, with its place in the file.
    pub title: ConfigText,
}

/// `body` of a `[function.NAME]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionBody {
    /// A form; what the carrier sent if the webhook is not a form.
    Auto,
    /// A form, also of a webhook in JSON.
    Form,
    /// A JSON object.
    Json,
}

/// `hold` and `hold_after_ms` of a `[function.NAME]`.
#[derive(Clone, Debug)]
pub struct HoldSettings {
    /// The hold document, a file under `templates/`.
    pub document: ConfigText,
    /// The time before the caller hears the document, and before each repetition.
    pub after: Duration,
}

// === impl Function ===

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the URL, which may contain a user and a password.
        formatter.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}
