//! The two kinds of traffic of a phone number, calls and messages, and the addresses in both.
//!
//! Invariant: two spellings of one address have one canonical form, and two addresses never share
//! one. This folder knows no webhooks and no flows.

mod address;

pub(crate) use address::canonical_pair;

use serde::{Deserialize, Serialize};

/// Which kind of answer the carrier waits for. The documents differ: a `<Say>` in the answer to a
/// message is an error (14110), and so is a `<Message>` in the answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// A call: the caller hears the answer.
    Voice,
    /// A message (SMS, MMS, WhatsApp, …): the answer is zero or more replies.
    Message,
}

impl Channel {
    /// The channel of a word, as [`Channel::name`] has it.
    pub(crate) fn from_name(word: &str) -> Option<Channel> {
        [Channel::Voice, Channel::Message].into_iter().find(|channel| channel.name() == word)
    }

    /// The word used in `config.toml`, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Voice => "voice",
            Channel::Message => "message",
        }
    }
}
