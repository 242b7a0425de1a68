//! A simulated carrier with its phones: it calls an application or writes to it, and reports what
//! a caller would notice.
//!
//! ```text
//! person ──PhoneAction──> PhoneCall ──WebhookRequest──> WebhookClient ──webhook──> application
//!        <─PhoneEvent──── PhoneChat <───AppResponse────               <──TwiML───
//! ```
//!
//! [`PhoneCall`] and [`PhoneChat`] are state machines: they know TwiML and what the carrier does
//! with it. The [`WebhookClient`] knows HTTP as the carrier speaks it. An [`InProcessGateway`]
//! answers webhooks without a socket. [`Phone`] joins them.
//!
//! Invariant: a call and a chat do no I/O and read no clock, so that a walk over all branches of a
//! flow can clone them. Nothing here knows the terminal, the scripts of flow tests, or load.

mod action;
mod alert;
mod call;
mod caller;
mod chat;
mod event;
mod expected_input;
mod in_process;
mod carrier_document;
mod webhook_client;
mod webhook_request;

pub use action::{ActionParseError, PHONE_ACTIONS, PhoneAction};
pub(crate) use action::{escape_line, format_param, parse_duration, parse_params, unescape_line};
pub use alert::CarrierAlert;
pub use call::PhoneCall;
pub(crate) use caller::explain_refusal;
pub use caller::{Caller, PhoneNumber};
pub use chat::PhoneChat;
pub use event::{CallEnd, PhoneEvent, PhoneTurn, WebhookExchange};
pub use expected_input::{ActionNotAccepted, ExpectedInput};
pub use in_process::InProcessGateway;
pub(crate) use webhook_client::OutsideRequests;
pub use webhook_client::WebhookClient;
use webhook_request::FetchResult;
pub use webhook_request::{AppResponse, WebhookRequest};

use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::sleep;

use crate::channel::Channel;
use crate::clock;
use crate::journal::{ExchangeTrace, TracedCarrierRequest};
use crate::limits::PHONE_REAL_WAIT_MAX;
use crate::random;

/// What a call or a chat needs in order to continue.
#[derive(Clone, Copy, Debug)]
pub enum ConversationState<'a> {
    /// The application's response to this request.
    Request(&'a WebhookRequest),
    /// An action of the person.
    Input,
    /// Nothing: the conversation is over.
    Over,
}

/// One conversation with an application.
pub struct Phone {
    client: WebhookClient,
    conversation: CallOrChat,
    /// The events of the current turn so far.
    events: Vec<PhoneEvent>,
    observer: Option<EventObserver>,
}

/// A callback that gets each event as soon as it happens.
type EventObserver = Box<dyn FnMut(&PhoneEvent)>;

/// The state machine of a conversation.
enum CallOrChat {
    Call(Box<PhoneCall>),
    Chat(Box<PhoneChat>),
}

// === impl Phone ===

impl Phone {
    /// A call, which [`Phone::begin`] dials.
    pub fn for_call(client: WebhookClient, number: PhoneNumber, caller: Caller) -> Phone {
        let call = PhoneCall::dial(number, caller, random::sid("CA"), clock::wall());
        Phone::from_conversation(client, CallOrChat::Call(Box::new(call)))
    }

    /// A chat, which the first message begins.
    pub fn for_chat(client: WebhookClient, number: PhoneNumber, caller: Caller) -> Phone {
        let chat = PhoneChat::new(number, caller);
        Phone::from_conversation(client, CallOrChat::Chat(Box::new(chat)))
    }

    /// A call or a chat, depending on the channel.
    pub fn new(
        channel: Channel,
        client: WebhookClient,
        number: PhoneNumber,
        caller: Caller,
    ) -> Phone {
        match channel {
            Channel::Voice => Phone::for_call(client, number, caller),
            Channel::Message => Phone::for_chat(client, number, caller),
        }
    }

    fn from_conversation(client: WebhookClient, conversation: CallOrChat) -> Phone {
        Phone { client, conversation, events: Vec::new(), observer: None }
    }

    /// Adds an observer that gets each event as soon as it happens. A turn may take many webhooks,
    /// and each of them up to fifteen seconds.
    pub fn with_observer(self, observer: impl FnMut(&PhoneEvent) + 'static) -> Phone {
        Phone { observer: Some(Box::new(observer)), ..self }
    }

    /// Dials, and continues until an input is expected. A chat starts with the first message, so
    /// nothing happens there.
    pub async fn begin(&mut self) -> Vec<PhoneEvent> {
        self.advance().await;
        std::mem::take(&mut self.events)
    }

    /// Performs an action, and continues until an input is expected again. In a call, time passes
    /// only where it is simulated ([`clock::pretend`]).
    ///
    /// A turn that is cancelled by dropping its future can be followed by a hang-up, which then
    /// also returns the events of the cancelled turn.
    ///
    /// # Errors
    /// If the action has no effect now. The state is unchanged then.
    pub async fn perform(
        &mut self,
        action: &PhoneAction,
    ) -> Result<Vec<PhoneEvent>, ActionNotAccepted> {
        match (&mut self.conversation, action) {
            (CallOrChat::Chat(_), PhoneAction::Wait(time)) => {
                self.wait(action, *time).await?;
                self.flush_events();
                return Ok(std::mem::take(&mut self.events));
            }
            (CallOrChat::Chat(chat), _) => chat.perform(action)?,
            (CallOrChat::Call(call), _) => {
                let delay = call.delay_before(action);
                // First, since it may refuse the action; then no time has passed.
                call.perform(action, clock::wall() + delay)?;
                self.pass_time(delay).await;
            }
        }
        self.advance().await;
        Ok(std::mem::take(&mut self.events))
    }

    /// The input that the conversation expects now.
    pub fn expected_input(&self) -> ExpectedInput {
        match &self.conversation {
            CallOrChat::Call(call) => call.expected_input(),
            CallOrChat::Chat(_) => ExpectedInput::Message,
        }
    }

    /// Sends webhooks until the conversation needs an input or is over.
    async fn advance(&mut self) {
        loop {
            // Before the request, not after it: an observer shows what led to it at once.
            self.flush_events();
            let request = match self.conversation.state() {
                ConversationState::Request(request) => request.clone(),
                ConversationState::Input | ConversationState::Over => return,
            };
            let result = if self.client.holds_back(&request.url, !request.wants_document) {
                self.hold_back(&request)
            } else {
                self.send(&request).await
            };
            match &mut self.conversation {
                CallOrChat::Call(call) => call.handle_response(result, clock::wall()),
                CallOrChat::Chat(chat) => chat.handle_response(result),
            }
            let pauses = self.conversation.take_pauses();
            self.pass_time(pauses).await;
        }
    }

    /// Sends a request, with the events that it causes.
    async fn send(&mut self, request: &WebhookRequest) -> FetchResult {
        let (exchange, result) = self.client.send(request).await;
        let messages = exchange.trace.as_ref().map_or(Vec::new(), api_events);
        self.conversation.push_event(PhoneEvent::Webhook(Box::new(exchange)));
        messages.into_iter().for_each(|message| self.conversation.push_event(message));
        result
    }

    /// The result of a request that is not sent: a callback counts as answered, but a call cannot
    /// continue without its document.
    fn hold_back(&mut self, request: &WebhookRequest) -> FetchResult {
        let WebhookRequest { purpose, url, wants_document, .. } = request;
        if *wants_document {
            return Err(OutsideRequests::alert(&format!("the {purpose}"), url));
        }
        let detail = OutsideRequests::note(purpose, url);
        self.conversation.push_event(PhoneEvent::CarrierStep { verb: "Not sent:", detail });
        Ok(AppResponse { url: url.clone(), status: 200, content_type: None, body: Bytes::new() })
    }

    /// Moves the events of the conversation to this turn, and shows them to the observer.
    fn flush_events(&mut self) {
        let events = self.conversation.take_events();
        if let Some(observer) = &mut self.observer {
            events.iter().for_each(observer);
        }
        self.events.extend(events);
    }

    /// Waits in a chat. An in-process gateway may have waits of its own that end meanwhile, and
    /// send messages.
    async fn wait(
        &mut self,
        action: &PhoneAction,
        time: Option<Duration>,
    ) -> Result<(), ActionNotAccepted> {
        // Another server has a clock of its own, so the wait is a real one.
        let Some(gateway) = self.client.gateway().cloned() else {
            let time = time.filter(|time| *time <= PHONE_REAL_WAIT_MAX);
            sleep(time.ok_or_else(|| ActionNotAccepted::in_real_time(action))?).await;
            return Ok(());
        };
        let traces = gateway.wait(time).await.unwrap_or_default();
        for trace in traces {
            let messages = api_events(&trace);
            self.conversation.push_event(PhoneEvent::Webhook(Box::new(WebhookExchange {
                purpose: "a wait is over".to_owned(),
                method: String::new(),
                target: String::new(),
                parameters: Vec::new(),
                status: None,
                duration: Duration::ZERO,
                document: None,
                trace: Some(trace),
            })));
            messages.into_iter().for_each(|message| self.conversation.push_event(message));
        }
        Ok(())
    }

    async fn pass_time(&self, time: Duration) {
        if let Some(gateway) = self.client.gateway() {
            gateway.pass_time(time).await;
        }
    }
}

/// The requests that a gateway sent to the carrier's API, as events.
fn api_events(trace: &ExchangeTrace) -> Vec<PhoneEvent> {
    trace.carrier_requests.iter().filter_map(api_event).collect()
}

fn api_event(sent: &TracedCarrierRequest) -> Option<PhoneEvent> {
    sent.result.as_ref().ok()?;
    let field = |name: &str| sent.form.get(name).map(str::to_owned);
    // Only a message reaches the person; anything else is an action of the carrier.
    if !sent.path.trim_end_matches(".json").ends_with("/Messages") {
        let params = sent.form.iter().map(|(name, value)| format_param(name, value));
        let detail = format!("{} {}", sent.path, params.collect::<Vec<_>>().join(" "));
        return Some(PhoneEvent::CarrierStep { verb: "API", detail });
    }
    let media = sent.form.iter().filter(|(name, _)| *name == "MediaUrl");
    Some(PhoneEvent::Message {
        from: None,
        to: None,
        body: field("Body").unwrap_or_default(),
        media: media.map(|(_, url)| url.to_owned()).collect(),
    })
}

// === impl CallOrChat ===

impl CallOrChat {
    fn state(&self) -> ConversationState<'_> {
        match self {
            CallOrChat::Call(call) => call.state(),
            CallOrChat::Chat(chat) => chat.state(),
        }
    }

    fn take_events(&mut self) -> Vec<PhoneEvent> {
        match self {
            CallOrChat::Call(call) => call.take_events(),
            CallOrChat::Chat(chat) => chat.take_events(),
        }
    }

    fn push_event(&mut self, event: PhoneEvent) {
        match self {
            CallOrChat::Call(call) => call.push_event(event),
            CallOrChat::Chat(chat) => chat.push_event(event),
        }
    }

    /// The length of the pauses that the caller heard since the last call of this method.
    fn take_pauses(&mut self) -> Duration {
        match self {
            CallOrChat::Call(call) => call.take_pauses(),
            CallOrChat::Chat(_) => Duration::ZERO,
        }
    }
}
