//! Every error and what the caller hears: one match, nothing in it can fail.

use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::exchange::{Answer, ExchangeError};
use crate::route::{Route, RouteError};

/// The answer to a call that nothing better is known for. No store, template, network or memory is
/// needed: the bytes are part of the program, and a test reads them as the carrier would.
pub const VOICE: &[u8] = include_bytes!("../templates/fallback/voice.xml");

/// The same for a message. Never a voice verb: the carrier would send nothing at all.
pub const MESSAGE: &[u8] = include_bytes!("../templates/fallback/message.xml");

/// What a carrier gets for an error. `route` is the webhook's, where it is known.
///
/// There is no arm for "everything else": a new kind of error must not compile until it has its
/// answer. No text of an error is part of an answer.
pub fn answer(error: &ExchangeError, route: Option<&Route>) -> Answer {
    match error {
        ExchangeError::Verify(error) if error.is_unreadable() => refused(400),
        ExchangeError::Verify(_) => refused(403),
        ExchangeError::Route(RouteError::Unknown) => refused(404),
        ExchangeError::Route(RouteError::WrongChannel { found, .. }) => spoken(built_in(*found)),
        ExchangeError::Abandoned
        | ExchangeError::Flow(_)
        | ExchangeError::Deadline
        | ExchangeError::Step
        | ExchangeError::Concurrent
        | ExchangeError::Revision(_)
        | ExchangeError::Store(_)
        | ExchangeError::Panic(_) => match route {
            Some(route) => spoken(route.fallback.clone()),
            None => spoken(crate::twiml::EMPTY),
        },
    }
}

/// The built-in document of a channel.
pub fn built_in(channel: Channel) -> Bytes {
    Bytes::from_static(match channel {
        Channel::Voice => VOICE,
        Channel::Message => MESSAGE,
    })
}

fn refused(status: u16) -> Answer {
    Answer { status, document: Bytes::new() }
}

fn spoken(document: Bytes) -> Answer {
    Answer { status: 200, document }
}
