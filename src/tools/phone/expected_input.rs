//! What a call or a chat waits for, and so what a person can do now.

use std::fmt;
use std::time::Duration;

use super::action::PhoneAction;
use crate::limits::PHONE_REAL_WAIT_MAX;

/// What can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedInput {
    /// `Gather`: keys or words.
    Gather {
        /// Keys are listened to.
        keys: bool,
        /// Speech is listened to.
        speech: bool,
        /// As soon as so many keys were pressed, it goes on.
        num_digits: Option<usize>,
        /// The key that ends the input, where there is one.
        finish_on_key: Option<char>,
        /// How long silence is waited through.
        timeout: Duration,
    },
    /// `Record`: the caller speaks, and ends it with a key, by silence, or by hanging up.
    Recording {
        /// The keys that end it.
        finish_on_key: String,
        /// How long silence is waited through.
        timeout: Duration,
    },
    /// Something that ends without the caller: one of these words.
    Outcome {
        /// The verb: `Dial`, `Enqueue`, `Pay`, `Connect`, `Refer`.
        verb: &'static str,
        /// The carrier's words for how it may end, the usual one first.
        words: &'static [&'static str],
    },
    /// The application goes on by itself and never comes to an end: whether to listen on.
    Listen,
    /// A chat: the next message.
    Message,
    /// It is over.
    Nothing,
}

/// Something that a person does and nobody takes notice of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{act}` has no effect now: {awaits}")]
pub struct ActionNotAccepted {
    /// What was tried.
    pub act: String,
    /// What would be taken notice of.
    pub awaits: String,
}

impl ActionNotAccepted {
    pub(super) fn new(act: &PhoneAction, awaits: &ExpectedInput) -> ActionNotAccepted {
        ActionNotAccepted { act: act.to_string(), awaits: awaits.to_string() }
    }

    /// A wait whose time cannot be made to pass, for it is somebody else's.
    pub(super) fn of_real_time(act: &PhoneAction) -> ActionNotAccepted {
        let most = PHONE_REAL_WAIT_MAX.as_secs();
        let awaits = format!("time is the real one there; say how long, at most {most}s");
        ActionNotAccepted { act: act.to_string(), awaits }
    }
}

impl ExpectedInput {
    /// How long silence is waited through.
    pub fn timeout(&self) -> Duration {
        match self {
            ExpectedInput::Gather { timeout, .. } | ExpectedInput::Recording { timeout, .. } => {
                *timeout
            }
            _ => Duration::ZERO,
        }
    }

    /// Whether keys end the input by themselves, so that no silence need follow.
    pub(super) fn ends_with(&self, keys: &str) -> bool {
        match self {
            ExpectedInput::Gather { num_digits, finish_on_key, .. } => {
                let finished = finish_on_key.is_some_and(|key| keys.contains(key));
                finished || num_digits.is_some_and(|most| keys.len() >= most)
            }
            _ => true,
        }
    }
}

impl fmt::Display for ExpectedInput {
    /// What a person can do now, as a sentence.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedInput::Gather { keys: true, speech: true, .. } => {
                formatter.write_str("it listens to keys and speech: `press`, `say`, `wait`")
            }
            ExpectedInput::Gather { speech: true, .. } => {
                formatter.write_str("it listens to speech: `say`, `wait`")
            }
            ExpectedInput::Gather { .. } => {
                formatter.write_str("it listens to keys: `press`, `wait`")
            }
            ExpectedInput::Recording { .. } => {
                formatter.write_str("it records: `say`, `press`, `wait`, `hang up`")
            }
            ExpectedInput::Outcome { verb, words } => {
                let words = words.join(", ");
                write!(formatter, "<{verb}> goes on; how does it end? `outcome` {words}")
            }
            ExpectedInput::Listen => {
                formatter.write_str("it goes on and on: `wait` to listen on, or `hang up`")
            }
            ExpectedInput::Message => {
                formatter.write_str("it takes messages: `text`, `media`, `wait`")
            }
            ExpectedInput::Nothing => formatter.write_str("it is over"),
        }
    }
}
