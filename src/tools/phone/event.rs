//! The events of a conversation: what a person at the phone notices, and the webhooks behind it.

use std::fmt;
use std::time::Duration;

use super::CarrierAlert;
use super::action::{PhoneAction, escape_line};
use crate::journal::ExchangeTrace;

/// One event of a conversation, in the order in which a person would notice it.
#[derive(Clone, Debug, PartialEq)]
pub enum PhoneEvent {
    /// Text is spoken.
    Say {
        /// The words, white space as a single space.
        text: String,
        /// `language`, if the document names one.
        language: Option<String>,
        /// `voice`, if the document names one.
        voice: Option<String>,
    },
    /// A sound is played: its absolute URL.
    Play(String),
    /// Tones are played.
    Tones(String),
    /// Silence of this length.
    Pause(Duration),
    /// A message arrives, as a reply or over the carrier's API.
    Message {
        /// The sender, if it is not the number that was written to.
        from: Option<String>,
        /// The recipient, if it is not the person at the phone.
        to: Option<String>,
        /// The text.
        body: String,
        /// Links to the attached media.
        media: Vec<String>,
    },
    /// The carrier does something that cannot be heard: it dials, records, connects.
    CarrierStep {
        /// The verb: `Dial`, `Record`, `Enqueue`, …
        verb: &'static str,
        /// The recipient, the target or the length, as text for a person.
        detail: String,
    },
    /// A webhook was sent to the application.
    Webhook(Box<WebhookExchange>),
    /// The carrier's debugger would show a warning. The document continues.
    Warning(CarrierAlert),
    /// The carrier's debugger would show an error.
    Error(CarrierAlert),
    /// The call is over.
    End(CallEnd),
}

/// One action of a person and the events that followed. A list of turns is a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneTurn {
    /// The action; `None` at the beginning of a call.
    pub action: Option<PhoneAction>,
    /// The events, in order.
    pub events: Vec<PhoneEvent>,
}

/// One webhook and the response to it.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookExchange {
    /// The reason for the webhook: `voice`, `Gather action`, `status callback`, …
    pub purpose: String,
    /// `POST` or `GET`; empty for a wait of the gateway, which no webhook ends.
    pub method: String,
    /// The URL without its origin.
    pub target: String,
    /// The parameters of this webhook, without those that all webhooks of a call have.
    pub parameters: Vec<(String, String)>,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The time from the first byte of the request to the last byte of the response.
    pub duration: Duration,
    /// The body of the response as text, if the carrier runs it as a document.
    pub document: Option<String>,
    /// The trace of the gateway, if it runs in this process.
    pub trace: Option<ExchangeTrace>,
}

/// How a call ended. A chat has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The application hung up: by `Hangup`, or at the end of its document.
    Completed,
    /// The caller hung up.
    HungUp,
    /// The call was not answered: `Reject`.
    Rejected,
    /// The call was not answered: `Reject` with `reason="busy"`.
    Busy,
    /// An error: "We are sorry, an application error has occurred."
    Failed,
}

// === impl PhoneEvent ===

/// One line, in the words of flow tests; an event that has no word there is in brackets.
impl fmt::Display for PhoneEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhoneEvent::Say { text, .. } => write!(formatter, "hear {text}"),
            PhoneEvent::Play(url) => write!(formatter, "play {url}"),
            PhoneEvent::Tones(digits) => write!(formatter, "(tones {digits})"),
            PhoneEvent::Pause(time) => write!(formatter, "(pause {} s)", time.as_secs()),
            PhoneEvent::Message { to, body, media, .. } => {
                let words = [("receive", escape_line(body))].into_iter();
                let media = media.iter().map(|url| ("receive media", url.clone()));
                let lines: Vec<String> = words
                    .chain(media)
                    // A picture message has no text line.
                    .filter(|(_, text)| !text.is_empty())
                    .map(|(word, text)| format!("{word} {text}"))
                    .collect();
                let to = to.as_ref().map_or(String::new(), |to| format!(" (to {to})"));
                write!(formatter, "{}{to}", lines.join("\n"))
            }
            PhoneEvent::CarrierStep { verb, detail } if detail.is_empty() => {
                write!(formatter, "({verb})")
            }
            PhoneEvent::CarrierStep { verb, detail } => write!(formatter, "({verb} {detail})"),
            PhoneEvent::Webhook(exchange) => write!(formatter, "({exchange})"),
            PhoneEvent::Warning(alert) => write!(formatter, "warns {alert}"),
            PhoneEvent::Error(alert) => write!(formatter, "fails {alert}"),
            PhoneEvent::End(end) => write!(formatter, "ends {end}"),
        }
    }
}

// === impl WebhookExchange ===

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

// === impl CallEnd ===

impl CallEnd {
    /// All ends.
    pub const ALL: [CallEnd; 5] =
        [CallEnd::Completed, CallEnd::HungUp, CallEnd::Rejected, CallEnd::Busy, CallEnd::Failed];

    /// The word of flow tests for this end.
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
