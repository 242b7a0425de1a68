//! The carrier's side, simulated: whoever sits at a desk can call an application, write to it, and
//! notice what a caller would.
//!
//! ```text
//! person ──Act──> Call ──Request──> Line ──a signed webhook──> application
//!        <─Heard─ Chat <──Fetched──      <────────TwiML───────
//! ```
//!
//! [`PhoneCall`] and [`PhoneChat`] are pure: they know TwiML and what the carrier does with it, and neither
//! the network nor the clock. The [`WebhookClient`] knows HTTP as the carrier speaks it. [`Phone`] joins
//! them; a [`InProcessGateway`] is our own gateway at the other end, in this process.

mod action;
mod expected_input;
mod call;
mod caller;
mod chat;
mod in_process;
mod twiml_document;
mod alert;
mod event;
mod webhook_client;
mod webhook_request;

pub use action::{
    ActionParseError, PHONE_ACTIONS, PhoneAction, escaped, pair, pairs, time, unescaped,
};
pub use alert::CarrierAlert;
pub use call::PhoneCall;
pub use caller::{Caller, PhoneNumber};
pub use chat::PhoneChat;
pub use event::{CallEnd, PhoneEvent, PhoneTurn, WebhookExchange};
pub use expected_input::{ActionNotAccepted, ExpectedInput};
pub use in_process::InProcessGateway;
pub use webhook_client::WebhookClient;
pub use webhook_request::{AppResponse, WebhookRequest};

use std::time::Duration;

use tokio::time::sleep;

use crate::channel::Channel;
use crate::clock;
use crate::journal::{ExchangeTrace, TracedCarrierRequest};
use crate::limits::PHONE_REAL_WAIT_MAX;
use crate::random;

/// What a call or a chat needs to go on.
#[derive(Clone, Copy, Debug)]
pub enum ConversationState<'a> {
    /// An application's answer to this.
    Request(&'a WebhookRequest),
    /// The person.
    Input,
    /// Nothing: it is over.
    Over,
}

/// One conversation with an application.
pub struct Phone {
    line: WebhookClient,
    side: CallOrChat,
    /// What was noticed in this turn so far.
    heard: Vec<PhoneEvent>,
    watch: Option<EventObserver>,
}

/// Whoever is told of each thing that is noticed.
type EventObserver = Box<dyn FnMut(&PhoneEvent)>;

/// What the conversation is.
enum CallOrChat {
    Call(Box<PhoneCall>),
    Chat(Box<PhoneChat>),
}

// === impl Phone ===

impl Phone {
    /// A call, which [`Phone::begin`] dials.
    pub fn call(line: WebhookClient, number: PhoneNumber, caller: Caller) -> Phone {
        let call = PhoneCall::dial(number, caller, random::sid("CA"), clock::wall());
        Phone::new(line, CallOrChat::Call(Box::new(call)))
    }

    /// A chat, which the first message begins.
    pub fn chat(line: WebhookClient, number: PhoneNumber, caller: Caller) -> Phone {
        Phone::new(line, CallOrChat::Chat(Box::new(PhoneChat::new(number, caller))))
    }

    fn new(line: WebhookClient, side: CallOrChat) -> Phone {
        Phone { line, side, heard: Vec::new(), watch: None }
    }

    /// The same, with somebody who is told of each thing as soon as it is noticed. A turn may take
    /// many webhooks, and each of them fifteen seconds.
    pub fn watched(self, watch: impl FnMut(&PhoneEvent) + 'static) -> Phone {
        Phone { watch: Some(Box::new(watch)), ..self }
    }

    /// A call or a chat, as the channel says.
    pub fn of(channel: Channel, line: WebhookClient, number: PhoneNumber, caller: Caller) -> Phone {
        match channel {
            Channel::Voice => Phone::call(line, number, caller),
            Channel::Message => Phone::chat(line, number, caller),
        }
    }

    /// Dials, and goes on until something is awaited. A chat has nothing to begin with.
    pub async fn begin(&mut self) -> Vec<PhoneEvent> {
        self.go_on().await;
        std::mem::take(&mut self.heard)
    }

    /// Lets the person do something, and goes on until something is awaited again. In a call,
    /// time passes only where it is pretended ([`clock::pretend`]).
    ///
    /// A turn that is given up in the middle, by dropping its future, can be followed by a hang-up,
    /// which then also gives what that turn had noticed.
    ///
    /// # Errors
    /// Where nobody takes notice of it; nothing has happened then.
    pub async fn act(&mut self, act: &PhoneAction) -> Result<Vec<PhoneEvent>, ActionNotAccepted> {
        match (&mut self.side, act) {
            (CallOrChat::Chat(_), PhoneAction::Wait(time)) => {
                self.wait(act, *time).await?;
                self.noticed();
                return Ok(std::mem::take(&mut self.heard));
            }
            (CallOrChat::Chat(chat), _) => chat.act(act)?,
            (CallOrChat::Call(call), _) => {
                let passes = call.passes(act);
                call.act(act, clock::wall() + passes)?;
                self.pass(passes).await;
            }
        }
        self.go_on().await;
        Ok(std::mem::take(&mut self.heard))
    }

    /// What a person can do now.
    pub fn awaits(&self) -> ExpectedInput {
        match &self.side {
            CallOrChat::Call(call) => call.awaits(),
            CallOrChat::Chat(_) => ExpectedInput::Message,
        }
    }

    async fn go_on(&mut self) {
        loop {
            self.noticed();
            let request = match self.side.next() {
                ConversationState::Request(request) => request.clone(),
                ConversationState::Input | ConversationState::Over => return,
            };
            let (asked, answer) = self.line.ask(&request).await;
            let sent = asked.trace.as_ref().map_or(Vec::new(), messages);
            self.side.notice(PhoneEvent::Webhook(Box::new(asked)));
            sent.into_iter().for_each(|message| self.side.notice(message));
            match &mut self.side {
                CallOrChat::Call(call) => call.answered(answer, clock::wall()),
                CallOrChat::Chat(chat) => chat.answered(answer),
            }
            let pauses = self.side.pauses();
            self.pass(pauses).await;
        }
    }

    /// Passes on what the call or the chat has noted.
    fn noticed(&mut self) {
        let heard = self.side.heard();
        if let Some(watch) = &mut self.watch {
            heard.iter().for_each(watch);
        }
        self.heard.extend(heard);
    }

    /// Somebody who writes messages waits: a gateway on the desk may have something to say then.
    async fn wait(
        &mut self,
        act: &PhoneAction,
        time: Option<Duration>,
    ) -> Result<(), ActionNotAccepted> {
        let Some(desk) = self.line.of_desk().cloned() else {
            let time = time.filter(|time| *time <= PHONE_REAL_WAIT_MAX);
            sleep(time.ok_or_else(|| ActionNotAccepted::of_real_time(act))?).await;
            return Ok(());
        };
        let traces = desk.wait(time).await.unwrap_or_default();
        for trace in traces {
            let sent = messages(&trace);
            self.side.notice(PhoneEvent::Webhook(Box::new(WebhookExchange {
                purpose: "a wait is over".to_owned(),
                method: String::new(),
                target: String::new(),
                parameters: Vec::new(),
                status: None,
                took: Duration::ZERO,
                document: None,
                trace: Some(trace),
            })));
            sent.into_iter().for_each(|message| self.side.notice(message));
        }
        Ok(())
    }

    async fn pass(&self, time: Duration) {
        if let Some(desk) = self.line.of_desk() {
            desk.pass(time).await;
        }
    }
}

/// The messages that a gateway has sent over the carrier's API.
fn messages(trace: &ExchangeTrace) -> Vec<PhoneEvent> {
    trace.sent.iter().filter_map(message).collect()
}

fn message(sent: &TracedCarrierRequest) -> Option<PhoneEvent> {
    sent.result.as_ref().ok()?;
    let field = |name: &str| sent.form.get(name).map(str::to_owned);
    if !sent.path.trim_end_matches(".json").ends_with("/Messages") {
        let told: Vec<String> = sent.form.iter().map(|(name, value)| pair(name, value)).collect();
        let what = format!("{} {}", sent.path, told.join(" "));
        return Some(PhoneEvent::CarrierStep { verb: "API", what });
    }
    let media = sent.form.iter().filter(|(name, _)| *name == "MediaUrl");
    Some(PhoneEvent::Message {
        from: None,
        to: None,
        body: field("Body").unwrap_or_default(),
        media: media.map(|(_, url)| url.to_owned()).collect(),
    })
}

// === impl Side ===

impl CallOrChat {
    fn next(&self) -> ConversationState<'_> {
        match self {
            CallOrChat::Call(call) => call.next(),
            CallOrChat::Chat(chat) => chat.next(),
        }
    }

    fn heard(&mut self) -> Vec<PhoneEvent> {
        match self {
            CallOrChat::Call(call) => call.heard(),
            CallOrChat::Chat(chat) => chat.heard(),
        }
    }

    fn notice(&mut self, heard: PhoneEvent) {
        match self {
            CallOrChat::Call(call) => call.notice(heard),
            CallOrChat::Chat(chat) => chat.notice(heard),
        }
    }

    /// How long the caller has been listening to nothing since this was last asked.
    fn pauses(&mut self) -> Duration {
        match self {
            CallOrChat::Call(call) => call.pauses(),
            CallOrChat::Chat(_) => Duration::ZERO,
        }
    }
}
