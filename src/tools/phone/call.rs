//! A call, as the carrier goes through it: documents in, what the caller notices and the next
//! webhook out. Pure: no network, no clock. One file for each kind of verb that waits.

mod gather;
mod outcome;
mod prompt;
mod record;

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::http::Method;

use super::alert::CarrierAlert;
use super::caller::{Caller, PhoneNumber, call_ended};
use super::event::{CallEnd, PhoneEvent};
use super::expected_input::{ActionNotAccepted, ExpectedInput};
use super::twiml_document::TwimlDocument;
use super::webhook_request::{FetchResult, WebhookRequest, method};
use super::{ConversationState, PhoneAction};
use crate::channel::Channel;
use crate::limits::PHONE_DOCUMENTS_MAX;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// One call.
#[derive(Clone, Debug)]
pub struct PhoneCall {
    number: PhoneNumber,
    caller: Caller,
    sid: String,
    /// `CallStatus` of the webhooks from now on.
    status: &'static str,
    /// When it began, and what time it is: since 1970.
    began: Duration,
    now: Duration,
    state: CallState,
    /// Webhooks whose answers nobody reads. They are sent before anything else.
    told: VecDeque<WebhookRequest>,
    document: TwimlDocument,
    /// The verb of the document that is next.
    at: usize,
    /// Documents since the caller last did something.
    documents: usize,
    /// The URL that is asked is the number's fallback already.
    on_fallback: bool,
    heard: Vec<PhoneEvent>,
    /// The pauses since [`PhoneCall::pauses`] was last asked.
    paused: Duration,
}

#[derive(Clone, Debug)]
enum CallState {
    /// A document is wanted.
    Requesting(WebhookRequest),
    /// A verb waits for the caller, or for something to end.
    Waiting(ExpectedInput, Element),
    Over,
}

/// Whether a document goes on after a verb.
enum Going {
    /// With the next verb.
    On,
    /// Something else is awaited now.
    Stops,
}

/// What a caller hears when an application cannot be used.
const SORRY: &str = "We are sorry. An application error has occurred. Goodbye.";

impl PhoneCall {
    /// Somebody dials a number. `now` is the wall clock.
    pub fn dial(number: PhoneNumber, caller: Caller, sid: String, now: Duration) -> PhoneCall {
        let request = WebhookRequest::first("call", &number, caller.of_call(&sid));
        PhoneCall {
            document: TwimlDocument { url: number.url.clone(), verbs: Vec::new() },
            number,
            caller,
            sid,
            status: "ringing",
            began: now,
            now,
            state: CallState::Requesting(request),
            told: VecDeque::new(),
            at: 0,
            documents: 0,
            on_fallback: false,
            heard: Vec::new(),
            paused: Duration::ZERO,
        }
    }

    /// A call that was taken already, as it is when a document comes.
    pub fn taken(number: PhoneNumber, caller: Caller, sid: String, now: Duration) -> PhoneCall {
        PhoneCall { status: "in-progress", ..PhoneCall::dial(number, caller, sid, now) }
    }

    /// What is to be done now.
    pub fn next(&self) -> ConversationState<'_> {
        match (self.told.front(), &self.state) {
            (Some(told), _) => ConversationState::Request(told),
            (None, CallState::Requesting(request)) => ConversationState::Request(request),
            (None, CallState::Waiting(..)) => ConversationState::Input,
            (None, CallState::Over) => ConversationState::Over,
        }
    }

    /// What a person can do now.
    pub fn awaits(&self) -> ExpectedInput {
        match &self.state {
            CallState::Waiting(awaits, _) => awaits.clone(),
            CallState::Requesting(_) | CallState::Over => ExpectedInput::Nothing,
        }
    }

    /// What was noticed since this was last asked.
    pub fn heard(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.heard)
    }

    /// Notes something that happened outside.
    pub(super) fn notice(&mut self, heard: PhoneEvent) {
        self.heard.push(heard);
    }

    /// How long the caller has listened to nothing since this was last asked.
    pub(super) fn pauses(&mut self) -> Duration {
        std::mem::take(&mut self.paused)
    }

    /// What came of the request that [`PhoneCall::next`] gave.
    pub fn answered(&mut self, answer: FetchResult, now: Duration) {
        self.now = now;
        if let Some(told) = self.told.pop_front() {
            let fault = told.complaint(answer).map(|found| CarrierAlert::new(15003, found));
            return self.heard.extend(fault.map(PhoneEvent::Warning));
        }
        let CallState::Requesting(request) = &self.state else { return };
        let url = request.url.clone();
        match answer.and_then(|fetched| TwimlDocument::of(&fetched, Channel::Voice)) {
            Ok((document, warnings)) => {
                self.status = "in-progress";
                self.on_fallback = false;
                self.heard.extend(warnings.into_iter().map(PhoneEvent::Warning));
                (self.document, self.at) = (document, 0);
                self.documents += 1;
                self.go_on();
            }
            Err(fault) => self.failed(fault, &url),
        }
    }

    /// The person does something.
    ///
    /// # Errors
    /// Where nobody takes notice of it; nothing has changed then.
    pub fn act(&mut self, act: &PhoneAction, now: Duration) -> Result<(), ActionNotAccepted> {
        self.now = now;
        let (awaits, verb) = match (&self.state, act) {
            (CallState::Waiting(awaits, verb), _) => (awaits.clone(), verb.clone()),
            (CallState::Requesting(_), PhoneAction::HangUp) => {
                // Nobody waits for the answer any more.
                self.status = "completed";
                self.end(CallEnd::HungUp);
                return Ok(());
            }
            (CallState::Requesting(_) | CallState::Over, _) => {
                return Err(ActionNotAccepted::new(act, &self.awaits()));
            }
        };
        match (&awaits, act) {
            (_, PhoneAction::HangUp) => self.hang_up(&awaits, &verb),
            (ExpectedInput::Gather { .. }, _) => gather::act(self, &verb, act)?,
            (ExpectedInput::Recording { .. }, _) => record::act(self, &verb, act)?,
            (ExpectedInput::Outcome { .. }, _) => outcome::act(self, &verb, act)?,
            (ExpectedInput::Listen, PhoneAction::Wait(_)) => self.go_on(),
            _ => return Err(ActionNotAccepted::new(act, &awaits)),
        }
        self.documents = 0;
        Ok(())
    }

    /// How much time passes before what a person does has its effect.
    pub fn passes(&self, act: &PhoneAction) -> Duration {
        match (act, &self.state) {
            (PhoneAction::Wait(Some(time)), _) => *time,
            (PhoneAction::Wait(None), CallState::Waiting(awaits, _)) => awaits.timeout(),
            (PhoneAction::Press(keys), CallState::Waiting(awaits, _))
                if !awaits.ends_with(keys) =>
            {
                awaits.timeout()
            }
            _ => Duration::ZERO,
        }
    }

    /// Goes through the document until something is awaited.
    fn go_on(&mut self) {
        loop {
            let Some(verb) = self.document.verbs.get(self.at).cloned() else {
                return self.end(CallEnd::Completed);
            };
            self.at += 1;
            if let Going::Stops = self.carry_out(&verb) {
                return;
            }
        }
    }

    /// Carries out one verb. The document says what is known about any that is not here.
    fn carry_out(&mut self, verb: &Element) -> Going {
        match verb.name.as_str() {
            "Say" | "Play" | "Pause" => prompt::enter(self, verb),
            "Gather" => return gather::enter(self, verb),
            "Record" => return record::enter(self, verb),
            "Sms" => return prompt::sms(self, verb),
            "Redirect" => {
                if self.documents >= PHONE_DOCUMENTS_MAX {
                    self.documents = 0;
                    self.at -= 1;
                    return self.wait(ExpectedInput::Listen, verb);
                }
                let reference = verb.text();
                return self.ask("Redirect", reference.trim(), verb, Vec::new());
            }
            "Hangup" => {
                self.does("Hangup", String::new());
                self.end(CallEnd::Completed);
                return Going::Stops;
            }
            "Reject" => {
                let busy = verb.attribute("reason") == Some("busy");
                self.does("Reject", if busy { "busy" } else { "rejected" }.to_owned());
                self.end(if busy { CallEnd::Busy } else { CallEnd::Rejected });
                return Going::Stops;
            }
            "Start" | "Stop" => prompt::shown(self, verb),
            "Leave" => self.does("Leave", "the queue".to_owned()),
            "Echo" => {
                self.does("Echo", "the caller hears himself".to_owned());
                return self.wait(ExpectedInput::Listen, verb);
            }
            _ => return outcome::enter(self, verb),
        }
        Going::On
    }

    fn does(&mut self, verb: &'static str, what: String) {
        self.heard.push(PhoneEvent::CarrierStep { verb, what });
    }

    fn wait(&mut self, awaits: ExpectedInput, verb: &Element) -> Going {
        self.state = CallState::Waiting(awaits, verb.clone());
        Going::Stops
    }

    /// Asks a URL of a verb for what follows.
    fn ask(
        &mut self,
        purpose: &str,
        reference: &str,
        verb: &Element,
        own: Vec<(String, String)>,
    ) -> Going {
        self.state =
            CallState::Requesting(self.request(purpose, reference, "method", verb).with(own));
        Going::Stops
    }

    /// Tells a URL of a verb something; what it answers is not read.
    fn tell(&mut self, purpose: &str, (url, method): (&str, &str), verb: &Element, own: ParamList) {
        if let Some(reference) = verb.attribute(url).filter(|url| !url.is_empty()) {
            let request = self.request(purpose, reference, method, verb);
            self.told.push_back(request.with(own).told());
        }
    }

    fn request(&self, purpose: &str, reference: &str, by: &str, verb: &Element) -> WebhookRequest {
        let url = resolve(&self.document.url, reference);
        let mut fields = self.caller.of_call(&self.sid);
        fields.set("CallStatus", self.status);
        WebhookRequest::new(purpose, &url, method(verb.attribute(by)), fields)
    }

    /// Goes on at the `action` of a verb, or without one with what follows in the document.
    fn action(&mut self, verb: &Element, own: ParamList) {
        let purpose = format!("{} action", verb.name);
        match verb.attribute("action") {
            Some(action) => {
                self.ask(&purpose, action, verb, own);
            }
            None => self.go_on(),
        }
    }

    /// The same for a verb whose `action` is the document itself where it names none.
    fn own_action(&mut self, verb: &Element, own: ParamList) {
        let purpose = format!("{} action", verb.name);
        let action = verb.attribute("action").unwrap_or_default();
        self.ask(&purpose, action, verb, own);
    }

    fn hang_up(&mut self, awaits: &ExpectedInput, verb: &Element) {
        self.status = "completed";
        match awaits {
            ExpectedInput::Recording { .. } => record::hung_up(self, verb),
            ExpectedInput::Outcome { .. } => outcome::hung_up(self, verb),
            ExpectedInput::Gather { .. }
            | ExpectedInput::Listen
            | ExpectedInput::Message
            | ExpectedInput::Nothing => {}
        }
        self.end(CallEnd::HungUp);
    }

    /// An application that cannot be used: its fallback is asked, or the caller is told.
    fn failed(&mut self, fault: CarrierAlert, url: &str) {
        let mut fields = self.caller.of_call(&self.sid);
        fields.set("CallStatus", self.status);
        let fallback = WebhookRequest::fallback(&self.number, &fault, url, fields);
        self.heard.push(PhoneEvent::Error(fault));
        match fallback.filter(|_| !self.on_fallback) {
            Some(fallback) => {
                self.on_fallback = true;
                self.state = CallState::Requesting(fallback);
            }
            None => {
                let text = SORRY.to_owned();
                self.heard.push(PhoneEvent::Say { text, language: None, voice: None });
                self.end(CallEnd::Failed);
            }
        }
    }

    fn end(&mut self, ended: CallEnd) {
        self.state = CallState::Over;
        self.heard.push(PhoneEvent::End(ended));
        if let Some(url) = self.number.status_callback.clone() {
            let status = match ended {
                CallEnd::Completed | CallEnd::HungUp | CallEnd::Failed => "completed",
                CallEnd::Rejected => "no-answer",
                CallEnd::Busy => "busy",
            };
            let took = self.now.saturating_sub(self.began);
            let fields = self.caller.of_call(&self.sid);
            let request = WebhookRequest::new("status callback", &url, Method::POST, fields);
            self.told.push_back(request.with(call_ended(status, took, self.now)).told());
        }
    }
}

/// Parameters of one webhook.
type ParamList = Vec<(String, String)>;

/// Parameters from what is written in code.
fn fields<const N: usize>(pairs: [(&str, String); N]) -> ParamList {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
