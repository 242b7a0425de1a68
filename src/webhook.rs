//! Stage 1: what came over the wire, and what it means once it is proven to be the carrier's.
//!
//! Invariant: nothing but `verify.rs` makes a [`Webhook`]; nothing after it accepts a [`Received`].

pub(crate) mod as_form;
mod params;
mod payload;
mod receive_error;
mod status_report;
mod step_token;

pub(crate) use params::encode_pairs;
pub use params::{FormError, Params};
pub use payload::WebhookPayload;
pub use receive_error::ReceiveError;
pub(crate) use step_token::RETURN;
pub use step_token::StepToken;

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{AsHeaderName, HeaderMap};
use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::config::Account;

/// One HTTP request as it arrived, bounded in size, believed in nothing.
#[derive(Debug)]
pub struct Received {
    /// `POST` or `GET`; other methods never get this far (405).
    pub method: Method,
    /// The request target, path and query, byte for byte as sent: the signature covers these very
    /// bytes, so they are never decoded and encoded again.
    pub target: String,
    /// The header fields that a stage asks for, repeated ones included.
    pub headers: HeaderMap,
    /// The other end of the connection: a proxy's address where there is one.
    pub peer: Option<IpAddr>,
    /// The whole body, at most `limits::WEBHOOK_BODY_BYTES_MAX`.
    pub body: Bytes,
}

impl Received {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The raw query, without the question mark; empty where there is none.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of a header that came exactly once and is visible ASCII.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name);
        let value = values.next()?;
        // A header that came twice has no single value.
        if values.next().is_some() { None } else { value.to_str().ok() }
    }
}

/// The query parameter with the digest of a body that is not a form, which the carrier adds.
pub(crate) const BODY_HASH: &str = "bodySHA256";

/// A request that the carrier sent, read once: its parameters are what every later stage borrows.
#[derive(Debug)]
pub struct Webhook {
    /// The account whose key fitted. Where none had to (`report`, `off`): the one that the request
    /// names, else the first configured one; `None` where none is configured.
    pub account: Option<Arc<Account>>,
    /// The request target's path, as sent.
    pub path: String,
    /// The query's parameters, decoded. `step` and `FlowEvent` are read from here.
    pub query: Params,
    /// The carrier's parameters: the form body of a POST, the query of a GET, the members of a JSON
    /// body. In wire order. Empty where the body has no names.
    pub params: Params,
    /// The body as sent. That of a GET is dropped: no signature covers it.
    pub body: Bytes,
    /// The body that is not a form; `None` for forms, for a GET and without a body.
    pub payload: Option<Box<WebhookPayload>>,
    /// The `I-Twilio-Idempotency-Token` header: the same on a retry of the same request. It is not
    /// signed, so by itself it may only make us do less.
    pub idempotency_token: Option<String>,
    /// The `Cookie` header, whose cookies a function has set. It is not signed either.
    pub cookies: String,
}

impl Webhook {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name)
    }

    /// Adds the parameters of the URL's query that the carrier's parameters do not have, as Twilio
    /// Functions do for an event. Ours (`step`, `FlowEvent`) and the carrier's digest of the body
    /// are left out.
    ///
    /// Returns the parameters as the carrier encoded them, if they are a form and nothing was
    /// added.
    pub(crate) fn merge_query(&mut self) -> Option<Bytes> {
        let is_form = self.payload.is_none() && !self.params.is_empty() && !self.body.is_empty();
        let added: Params = StepToken::strip(&self.query)
            .filter(|(name, _)| self.params.get(name).is_none())
            .collect();
        added.iter().for_each(|(name, value)| self.params.push(name, value));
        (is_form && added.is_empty()).then(|| self.body.clone())
    }

    /// Whether its call has not been answered. The first verb that speaks answers it, so every
    /// request after that says `in-progress` or an end.
    pub(crate) fn is_before_answer(&self) -> bool {
        matches!(self.param("CallStatus"), Some("ringing" | "queued" | "initiated"))
    }

    /// What it is about, by the identifier that it carries; `None` for events of other kinds.
    pub fn channel(&self) -> Option<Channel> {
        let has = |name| self.param(name).is_some_and(|sid| !sid.is_empty());
        match (has("CallSid"), has("MessageSid") || has("SmsSid")) {
            // A call first: a message within a call carries both.
            (true, _) => Some(Channel::Voice),
            (false, true) => Some(Channel::Message),
            (false, false) => None,
        }
    }

    /// The call's or the message's identifier, see [`Params::sid`].
    pub(crate) fn sid(&self) -> Option<&str> {
        self.params.sid()
    }
}
