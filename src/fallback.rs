//! Every error and what the carrier gets for it: one match, nothing in it can fail.

use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::exchange_error::ExchangeError;
use crate::route::{Route, RouteError};
use crate::webhook::ReceiveError;

/// What goes back to the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReply {
    /// 200 with a document, or a refusal without a body.
    pub status: u16,
    /// TwiML, or nothing.
    pub document: Bytes,
}

/// The answer to a call where nothing better is known. No store, template, network or memory is
/// needed: the bytes are part of the program, and a test reads them as the carrier would.
pub const VOICE: &[u8] = include_bytes!("../templates/fallback/voice.xml");

/// The same for a message. Never a voice verb: the carrier would send nothing at all.
pub const MESSAGE: &[u8] = include_bytes!("../templates/fallback/message.xml");

/// What the carrier gets for an error. `route` is the webhook's, where it is known.
///
/// There is no arm for "everything else": a new kind of error must not compile until it has its
/// answer. No text of an error is part of an answer.
pub fn reply_to(error: &ExchangeError, route: Option<&Route>) -> WebhookReply {
    match error {
        ExchangeError::Receive(error) => WebhookReply::refusal(match error {
            ReceiveError::Method => 405,
            ReceiveError::TooLarge => 413,
            ReceiveError::TooSlow => 408,
            ReceiveError::Unreadable | ReceiveError::Pipelined => 400,
        }),
        ExchangeError::Verify(error) if error.is_unreadable() => WebhookReply::refusal(400),
        ExchangeError::Verify(_) => WebhookReply::refusal(403),
        ExchangeError::Route(RouteError::Unknown) => WebhookReply::refusal(404),
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
            None => crate::twiml::EMPTY,
        }),
    }
}

/// The built-in document of a channel.
pub fn built_in(channel: Channel) -> Bytes {
    Bytes::from_static(match channel {
        Channel::Voice => VOICE,
        Channel::Message => MESSAGE,
    })
}

// === impl WebhookReply ===

impl WebhookReply {
    /// 200 with a document.
    pub fn document(document: Bytes) -> WebhookReply {
        WebhookReply { status: 200, document }
    }

    fn refusal(status: u16) -> WebhookReply {
        WebhookReply { status, document: Bytes::new() }
    }
}
