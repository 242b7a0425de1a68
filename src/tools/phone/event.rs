//! What the person at the other end notices, and what stands at the side of it.

use std::fmt;
use std::time::Duration;

use super::CarrierAlert;
use super::action::{PhoneAction, escaped};
use crate::journal::ExchangeTrace;

/// One thing that happened, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum PhoneEvent {
    /// Text is spoken.
    Say {
        /// The words, white space as a single space.
        text: String,
        /// `language`, where the document names one.
        language: Option<String>,
        /// `voice`, where the document names one.
        voice: Option<String>,
    },
    /// A sound is played: its absolute URL.
    Play(String),
    /// Tones are played.
    Tones(String),
    /// Nothing, for so long.
    Pause(Duration),
    /// A message arrives, as a reply or over the carrier's API.
    Message {
        /// Whom it is from, if that is not the number that was written to.
        from: Option<String>,
        /// Whom it is to, if that is not who wrote.
        to: Option<String>,
        /// What is written.
        body: String,
        /// Links to what came along.
        media: Vec<String>,
    },
    /// The carrier does something that cannot be heard: it dials, records, connects.
    CarrierStep {
        /// The verb: `Dial`, `Record`, `Enqueue`, …
        verb: &'static str,
        /// To whom, to where, for how long: for a person to read.
        what: String,
    },
    /// The application was asked.
    Webhook(Box<WebhookExchange>),
    /// The carrier's debugger would hold a warning; the rest goes on.
    Warning(CarrierAlert),
    /// The carrier's debugger would hold an error.
    Error(CarrierAlert),
    /// It is over.
    End(CallEnd),
}

/// One thing that a person did, and all that came of it. Several of them are a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneTurn {
    /// What the person did; `None` at the beginning of a call.
    pub act: Option<PhoneAction>,
    /// What was noticed, in order.
    pub heard: Vec<PhoneEvent>,
}

/// One webhook and what came back.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookExchange {
    /// What it was for: `voice`, `Gather action`, `status callback`, …
    pub purpose: String,
    /// `POST` or `GET`.
    pub method: String,
    /// The URL without its origin.
    pub target: String,
    /// The parameters of this very webhook, without those that all webhooks of a call have.
    pub parameters: Vec<(String, String)>,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// From the first byte to the last.
    pub took: Duration,
    /// The body, as text, where it was an answer that is carried out.
    pub document: Option<String>,
    /// What our own gateway did, where it is our own and in this process.
    pub trace: Option<ExchangeTrace>,
}

/// How a call ended. A chat has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The application hung up: by `Hangup`, or its document came to an end.
    Completed,
    /// The caller hung up.
    HungUp,
    /// The call was never taken: `Reject`.
    Rejected,
    /// The same with `reason="busy"`.
    Busy,
    /// An error: "We are sorry, an application error has occurred."
    Failed,
}

// === impl Heard ===

/// One line, in the words of flow tests; what those have no word for stands in brackets.
impl fmt::Display for PhoneEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhoneEvent::Say { text, .. } => write!(formatter, "hear {text}"),
            PhoneEvent::Play(url) => write!(formatter, "play {url}"),
            PhoneEvent::Tones(digits) => write!(formatter, "(tones {digits})"),
            PhoneEvent::Pause(time) => write!(formatter, "(pause {} s)", time.as_secs()),
            PhoneEvent::Message { to, body, media, .. } => {
                let words = [("receive", escaped(body))].into_iter();
                let media = media.iter().map(|url| ("receive media", url.clone()));
                let lines: Vec<String> = words
                    .chain(media)
                    .filter(|(_, text)| !text.is_empty())
                    .map(|(word, text)| format!("{word} {text}"))
                    .collect();
                let to = to.as_ref().map_or(String::new(), |to| format!(" (to {to})"));
                write!(formatter, "{}{to}", lines.join("\n"))
            }
            PhoneEvent::CarrierStep { verb, what } if what.is_empty() => {
                write!(formatter, "({verb})")
            }
            PhoneEvent::CarrierStep { verb, what } => write!(formatter, "({verb} {what})"),
            PhoneEvent::Webhook(asked) => write!(formatter, "({asked})"),
            PhoneEvent::Warning(fault) => write!(formatter, "warns {fault}"),
            PhoneEvent::Error(fault) => write!(formatter, "fails {fault}"),
            PhoneEvent::End(ended) => write!(formatter, "ends {ended}"),
        }
    }
}

// === impl Asked ===

impl fmt::Display for WebhookExchange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.purpose)?;
        if !self.method.is_empty() {
            write!(formatter, ": {} {}", self.method, self.target)?;
        }
        match self.status {
            Some(status) => write!(formatter, " {status}"),
            None if self.method.is_empty() => Ok(()),
            None => formatter.write_str(" no answer"),
        }
    }
}

// === impl Ended ===

impl CallEnd {
    /// All of them.
    pub const ALL: [CallEnd; 5] =
        [CallEnd::Completed, CallEnd::HungUp, CallEnd::Rejected, CallEnd::Busy, CallEnd::Failed];

    /// The word that flow tests have for it.
    pub fn name(self) -> &'static str {
        match self {
            CallEnd::Completed => "completed",
            CallEnd::HungUp => "hung up",
            CallEnd::Rejected => "rejected",
            CallEnd::Busy => "busy",
            CallEnd::Failed => "failed",
        }
    }
}

impl fmt::Display for CallEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
