//! What a call or a chat waits for, and so what a person can do now.

use std::fmt;
use std::time::Duration;

/// What can happen next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// `Gather`: keys or words.
    Input {
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
    /// A chat: the next message.
    Text,
    /// It is over.
    Nothing,
}

impl fmt::Display for Awaits {
    /// What a person can do now, as a sentence.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Awaits::Input { keys: true, speech: true, .. } => {
                formatter.write_str("it listens to keys and speech: `press`, `say`, `wait`")
            }
            Awaits::Input { speech: true, .. } => {
                formatter.write_str("it listens to speech: `say`, `wait`")
            }
            Awaits::Input { .. } => formatter.write_str("it listens to keys: `press`, `wait`"),
            Awaits::Recording { .. } => {
                formatter.write_str("it records: `say`, `press`, `wait`, `hang up`")
            }
            Awaits::Outcome { verb, words } => {
                let words = words.join(", ");
                write!(formatter, "<{verb}> goes on; how does it end? `outcome` {words}")
            }
            Awaits::Text => formatter.write_str("it takes messages: `text`, `media`, `wait`"),
            Awaits::Nothing => formatter.write_str("it is over"),
        }
    }
}
