//! The reply to the carrier for every error: one exhaustive match, in which nothing can fail.
//!
//! Invariant: no text of an error reaches the carrier, and a reply needs no store, template,
//! network or configuration. This module knows errors and routes, and nothing of how they came
//! about.

use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::exchange_error::ExchangeError;
use crate::route::{Route, RouteError};
use crate::webhook::ReceiveError;

/// The reply to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReply {
    /// 200 with a document, or a refusal without a body.
    pub status: u16,
    /// TwiML; empty for a refusal.
    pub document: Bytes,
    /// The values of `Set-Cookie` headers: the cookies of a function.
    pub cookies: Vec<String>,
}

/// The reply to a call whose route has no `fallback`, or is not known. The bytes are part of the
/// program, and a test reads them as the carrier would.
pub(crate) const VOICE: &[u8] = include_bytes!("../templates/fallback/voice.xml");

/// The reply to a message in the same case. It has no voice verb: the carrier would discard the
/// whole document.
pub(crate) const MESSAGE: &[u8] = include_bytes!("../templates/fallback/message.xml");

/// The reply for an error. `route` is the route of the webhook, where it is known.
///
/// The match has no wildcard arm: a new error does not compile until it has a reply.
pub(crate) fn reply_to(error: &ExchangeError, route: Option<&Route>) -> WebhookReply {
    match error {
        ExchangeError::Receive(error) => WebhookReply::refusal(match error {
            ReceiveError::Method => 405,
            ReceiveError::TooLarge => 413,
            ReceiveError::TooSlow => 408,
            ReceiveError::Unreadable | ReceiveError::Pipelined => 400,
        }),
        // 400 for what cannot be parsed, 403 for what is not signed: a proxy in front can tell a
        // broken client from a forged webhook.
        ExchangeError::Verify(error) if error.is_unreadable() => WebhookReply::refusal(400),
        ExchangeError::Verify(_) => WebhookReply::refusal(403),
        ExchangeError::Route(RouteError::Unknown) => WebhookReply::refusal(404),
        // The carrier is owed an answer, although the number is configured wrongly. The fallback
        // of the route is for the other channel.
        ExchangeError::Route(RouteError::WrongChannel { found, .. }) => {
            WebhookReply::document(built_in(*found))
        }
        ExchangeError::Abandoned
        | ExchangeError::Flow(_)
        | ExchangeError::Deadline
        | ExchangeError::Step
        | ExchangeError::Concurrent
        | ExchangeError::Revision(_)
        | ExchangeError::Store(_)
        | ExchangeError::Panic(_) => WebhookReply::document(match route {
            Some(route) => route.fallback.clone(),
            // Only a panic before the route was found comes here without one.
            None => crate::twiml::EMPTY,
        }),
    }
}

/// The built-in document of a channel.
pub(crate) fn built_in(channel: Channel) -> Bytes {
    Bytes::from_static(match channel {
        Channel::Voice => VOICE,
        Channel::Message => MESSAGE,
    })
}

// === impl WebhookReply ===

impl WebhookReply {
    /// 200 with a document.
    pub(crate) fn document(document: Bytes) -> WebhookReply {
        WebhookReply { status: 200, document, cookies: Vec::new() }
    }

    fn refusal(status: u16) -> WebhookReply {
        WebhookReply { status, document: Bytes::new(), cookies: Vec::new() }
    }
}
