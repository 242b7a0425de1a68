//! The input that a call or a chat waits for, and the error for any other action.

use std::fmt;
use std::time::Duration;

use super::action::PhoneAction;
use crate::limits::PHONE_REAL_WAIT_MAX;

/// The input that a conversation waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedInput {
    /// `Gather`: keys or words.
    Gather {
        /// The carrier listens to keys.
        keys: bool,
        /// The carrier listens to speech.
        speech: bool,
        /// The number of keys after which the input is complete.
        num_digits: Option<usize>,
        /// The key that ends the input, if there is one.
        finish_on_key: Option<char>,
        /// The length of silence that ends the input.
        timeout: Duration,
    },
    /// `Record`: speech, which a key, silence or a hang-up ends.
    Recording {
        /// The keys that end the recording.
        finish_on_key: String,
        /// The length of silence that ends the recording.
        timeout: Duration,
    },
    /// The outcome of a verb that ends without the caller.
    Outcome {
        /// The verb: `Dial`, `Enqueue`, `Pay`, `Connect`, `Refer`.
        verb: &'static str,
        /// The carrier's words for the outcomes, the usual one first.
        words: &'static [&'static str],
    },
    /// The decision to listen on: the application sends documents without an end.
    Listen,
    /// The next message of a chat.
    Message,
    /// None: the conversation is over.
    Nothing,
}

/// The error for an action that has no effect now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{action}` has no effect now: {expected}")]
pub struct ActionNotAccepted {
    /// The action.
    pub action: String,
    /// The input that is expected.
    pub expected: String,
}

impl ActionNotAccepted {
    pub(super) fn new(action: &PhoneAction, expected: &ExpectedInput) -> ActionNotAccepted {
        ActionNotAccepted { action: action.to_string(), expected: expected.to_string() }
    }

    /// A wait that is too long for an application in real time.
    pub(super) fn in_real_time(action: &PhoneAction) -> ActionNotAccepted {
        let most = PHONE_REAL_WAIT_MAX.as_secs();
        let expected = format!("time is the real one there; say how long, at most {most}s");
        ActionNotAccepted { action: action.to_string(), expected }
    }
}

impl ExpectedInput {
    /// The length of silence that ends the input; zero if silence does not.
    pub(crate) fn timeout(&self) -> Duration {
        match self {
            ExpectedInput::Gather { timeout, .. } | ExpectedInput::Recording { timeout, .. } => {
                *timeout
            }
            _ => Duration::ZERO,
        }
    }

    /// Whether these keys complete the input without a silence after them.
    pub(super) fn is_complete_with(&self, keys: &str) -> bool {
        match self {
            // Two ways to complete an input; otherwise the timeout does.
            ExpectedInput::Gather { num_digits, finish_on_key, .. } => {
                let finished = finish_on_key.is_some_and(|key| keys.contains(key));
                finished || num_digits.is_some_and(|most| keys.len() >= most)
            }
            // Other inputs end with any key, so nothing is waited for.
            _ => true,
        }
    }
}

impl fmt::Display for ExpectedInput {
    /// The possible actions, as a sentence.
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
                write!(formatter, "<{verb}> is in progress; how does it end? `outcome` {words}")
            }
            ExpectedInput::Listen => formatter
                .write_str("it continues without an end: `wait` to listen on, or `hang up`"),
            ExpectedInput::Message => {
                formatter.write_str("it takes messages: `text`, `media`, `wait`")
            }
            ExpectedInput::Nothing => formatter.write_str("it is over"),
        }
    }
}
