//! The state machine of a call: documents in; events and the next webhook out.
//!
//! One file for each kind of verb that waits for an input: `gather`, `record`, `outcome`; `prompt`
//! has those that continue on their own. Invariant: a verb either pushes events and continues, or
//! sets the state and stops. None of them does I/O or reads the clock.

mod gather;
mod outcome;
mod prompt;
mod record;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

use actix_web::http::Method;

use super::alert::CarrierAlert;
use super::caller::{Caller, PhoneNumber, completion_params};
use super::carrier_document::CarrierDocument;
use super::event::{CallEnd, PhoneEvent};
use super::expected_input::{ActionNotAccepted, ExpectedInput};
use super::webhook_request::{
    CallbackAttributes, FetchResult, ParamList, WebhookRequest, parse_method,
};
use super::{ConversationState, PhoneAction};
use crate::channel::Channel;
use crate::limits::PHONE_DOCUMENTS_MAX;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// One call to an application.
#[derive(Clone, Debug)]
pub struct PhoneCall {
    number: PhoneNumber,
    caller: Caller,
    sid: String,
    /// `CallStatus` of the webhooks from now on.
    status: &'static str,
    /// The time of the beginning, and the current time: since 1970.
    began: Duration,
    now: Duration,
    state: CallState,
    /// Webhooks whose responses are ignored. They are sent before the next document.
    callbacks: VecDeque<WebhookRequest>,
    document: CarrierDocument,
    /// The index of the document's next verb.
    verb_index: usize,
    /// Documents since the caller's last action.
    documents: usize,
    /// The current request goes to the number's fallback URL.
    on_fallback: bool,
    events: Vec<PhoneEvent>,
    /// The length of all pauses since the last [`PhoneCall::take_pauses`].
    pause_total: Duration,
}

#[derive(Clone, Debug)]
enum CallState {
    /// A document is requested.
    Requesting(WebhookRequest),
    /// A verb waits for the caller, or for an outcome.
    Waiting(ExpectedInput, Element),
    Over,
}

/// Whether the document continues with its next verb, or the state has changed.
type VerbFlow = ControlFlow<()>;

/// The announcement of the carrier if the application cannot be used.
const SORRY: &str = "We are sorry. An application error has occurred. Goodbye.";

impl PhoneCall {
    /// A new call. `now` is the wall clock, as the time since 1970.
    pub fn dial(number: PhoneNumber, caller: Caller, sid: String, now: Duration) -> PhoneCall {
        let request = WebhookRequest::initial("call", &number, caller.call_fields(&sid));
        PhoneCall {
            document: CarrierDocument { url: number.url.clone(), verbs: Vec::new() },
            number,
            caller,
            sid,
            status: "ringing",
            began: now,
            now,
            state: CallState::Requesting(request),
            callbacks: VecDeque::new(),
            verb_index: 0,
            documents: 0,
            on_fallback: false,
            events: Vec::new(),
            pause_total: Duration::ZERO,
        }
    }

    /// A call that was answered, which is its state when a document arrives.
    pub fn in_progress(
        number: PhoneNumber,
        caller: Caller,
        sid: String,
        now: Duration,
    ) -> PhoneCall {
        PhoneCall { status: "in-progress", ..PhoneCall::dial(number, caller, sid, now) }
    }

    /// What the call needs now.
    pub fn state(&self) -> ConversationState<'_> {
        match (self.callbacks.front(), &self.state) {
            (Some(callback), _) => ConversationState::Request(callback),
            (None, CallState::Requesting(request)) => ConversationState::Request(request),
            (None, CallState::Waiting(..)) => ConversationState::Input,
            (None, CallState::Over) => ConversationState::Over,
        }
    }

    /// The input that the call expects now.
    pub fn expected_input(&self) -> ExpectedInput {
        match &self.state {
            CallState::Waiting(expected, _) => expected.clone(),
            CallState::Requesting(_) | CallState::Over => ExpectedInput::Nothing,
        }
    }

    /// Removes and returns the events since the last call of this method.
    pub fn take_events(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.events)
    }

    /// Adds an event from outside of the call.
    pub(super) fn push_event(&mut self, event: PhoneEvent) {
        self.events.push(event);
    }

    /// Removes and returns the length of the pauses since the last call of this method.
    pub(super) fn take_pauses(&mut self) -> Duration {
        std::mem::take(&mut self.pause_total)
    }

    /// Takes the result of the request that [`PhoneCall::state`] returned.
    pub fn handle_response(&mut self, result: FetchResult, now: Duration) {
        self.now = now;
        // In the order of `state`: a result belongs to the callback in front, if there is one.
        if let Some(callback) = self.callbacks.pop_front() {
            let alert = callback.callback_problem(result);
            let alert = alert.map(|found| CarrierAlert::new(15003, found));
            return self.events.extend(alert.map(PhoneEvent::Warning));
        }
        let CallState::Requesting(request) = &self.state else { return };
        let url = request.url.clone();
        let document =
            result.and_then(|response| CarrierDocument::from_response(&response, Channel::Voice));
        match document {
            Ok((document, warnings)) => {
                // A document that works makes the fallback available again.
                self.on_fallback = false;
                self.events.extend(warnings.into_iter().map(PhoneEvent::Warning));
                (self.document, self.verb_index) = (document, 0);
                self.documents += 1;
                self.continue_document();
            }
            Err(alert) => self.use_fallback(alert, &url),
        }
    }

    /// Performs an action of the caller.
    ///
    /// # Errors
    /// If the action has no effect now. The state is unchanged then.
    pub fn perform(
        &mut self,
        action: &PhoneAction,
        now: Duration,
    ) -> Result<(), ActionNotAccepted> {
        self.now = now;
        let (expected, verb) = match (&self.state, action) {
            (CallState::Waiting(expected, verb), _) => (expected.clone(), verb.clone()),
            (CallState::Requesting(_), PhoneAction::HangUp) => {
                // The response to the pending request no longer matters.
                self.status = "completed";
                self.end(CallEnd::HungUp);
                return Ok(());
            }
            (CallState::Requesting(_) | CallState::Over, _) => {
                return Err(ActionNotAccepted::new(action, &self.expected_input()));
            }
        };
        // A hang-up comes first: it is possible whatever the call waits for.
        match (&expected, action) {
            (_, PhoneAction::HangUp) => self.hang_up(&expected, &verb),
            (ExpectedInput::Gather { .. }, _) => gather::perform(self, &verb, action)?,
            (ExpectedInput::Recording { .. }, _) => record::perform(self, &verb, action)?,
            (ExpectedInput::Outcome { .. }, _) => outcome::perform(self, &verb, action)?,
            (ExpectedInput::Listen, PhoneAction::Wait(_)) => self.continue_document(),
            _ => return Err(ActionNotAccepted::new(action, &expected)),
        }
        // The caller is there: the application may send documents again.
        self.documents = 0;
        Ok(())
    }

    /// The time that passes before an action has its effect.
    pub(super) fn delay_before(&self, action: &PhoneAction) -> Duration {
        match (action, &self.state) {
            (PhoneAction::Wait(Some(time)), _) => *time,
            (PhoneAction::Wait(None), CallState::Waiting(expected, _)) => expected.timeout(),
            (PhoneAction::Press(keys), CallState::Waiting(expected, _))
                if !expected.is_complete_with(keys) =>
            {
                expected.timeout()
            }
            _ => Duration::ZERO,
        }
    }

    /// Runs the verbs of the document up to one that waits.
    fn continue_document(&mut self) {
        loop {
            let Some(verb) = self.document.verbs.get(self.verb_index).cloned() else {
                return self.end(CallEnd::Completed);
            };
            self.verb_index += 1;
            if verb.answers_call() {
                self.status = "in-progress";
            }
            if self.run_verb(&verb).is_break() {
                return;
            }
        }
    }

    /// Runs one verb. The check of the document has reported unknown ones.
    fn run_verb(&mut self, verb: &Element) -> VerbFlow {
        match verb.name.as_str() {
            "Say" | "Play" | "Pause" => prompt::enter(self, verb),
            "Gather" => return gather::enter(self, verb),
            "Record" => return record::enter(self, verb),
            "Sms" => return prompt::sms(self, verb),
            // The carrier follows redirects without an end; a simulation must not.
            "Redirect" => {
                if self.documents >= PHONE_DOCUMENTS_MAX {
                    // The same verb again once the caller has decided to listen on.
                    self.documents = 0;
                    self.verb_index -= 1;
                    return self.wait(ExpectedInput::Listen, verb);
                }
                let reference = verb.text();
                self.request_document("Redirect", reference.trim(), verb, Vec::new());
                return ControlFlow::Break(());
            }
            "Hangup" => {
                self.push_step("Hangup", String::new());
                self.end(CallEnd::Completed);
                return ControlFlow::Break(());
            }
            "Reject" => {
                let busy = verb.attribute("reason") == Some("busy");
                self.push_step("Reject", if busy { "busy" } else { "rejected" }.to_owned());
                self.end(if busy { CallEnd::Busy } else { CallEnd::Rejected });
                return ControlFlow::Break(());
            }
            "Start" | "Stop" => prompt::show_nouns(self, verb),
            "Leave" => self.push_step("Leave", "the queue".to_owned()),
            "Echo" => {
                self.push_step("Echo", "the caller's own voice".to_owned());
                return self.wait(ExpectedInput::Listen, verb);
            }
            _ => return outcome::enter(self, verb),
        }
        ControlFlow::Continue(())
    }

    fn push_step(&mut self, verb: &'static str, detail: String) {
        self.events.push(PhoneEvent::CarrierStep { verb, detail });
    }

    fn wait(&mut self, expected: ExpectedInput, verb: &Element) -> VerbFlow {
        self.state = CallState::Waiting(expected, verb.clone());
        ControlFlow::Break(())
    }

    /// Requests the next document from a URL of a verb.
    fn request_document(&mut self, purpose: &str, reference: &str, verb: &Element, own: ParamList) {
        let request = self.build_request(purpose, reference, "method", verb).with_params(own);
        self.state = CallState::Requesting(request);
    }

    /// Queues a callback to a URL of a verb, if the verb names one. Its response is ignored.
    fn post(
        &mut self,
        purpose: &str,
        attributes: CallbackAttributes,
        verb: &Element,
        own: ParamList,
    ) {
        // An empty attribute is the same as none.
        let url = verb.attribute(attributes.url);
        if let Some(reference) = url.filter(|url| !url.is_empty()) {
            let request = self.build_request(purpose, reference, attributes.method, verb);
            self.callbacks.push_back(request.with_params(own).into_callback());
        }
    }

    fn build_request(
        &self,
        purpose: &str,
        reference: &str,
        method_attribute: &str,
        verb: &Element,
    ) -> WebhookRequest {
        // Relative to the current document, not to the number's URL.
        let url = resolve(&self.document.url, reference);
        let mut fields = self.caller.call_fields(&self.sid);
        fields.set("CallStatus", self.status);
        WebhookRequest::new(purpose, &url, parse_method(verb.attribute(method_attribute)), fields)
    }

    /// Requests the `action` of a verb; without one, the document continues.
    fn request_action(&mut self, verb: &Element, own: ParamList) {
        let purpose = format!("{} action", verb.name);
        match verb.attribute("action") {
            Some(action) => {
                self.request_document(&purpose, action, verb, own);
            }
            None => self.continue_document(),
        }
    }

    /// Requests the `action` of a verb whose default is the URL of the document itself.
    fn request_action_or_document(&mut self, verb: &Element, own: ParamList) {
        let purpose = format!("{} action", verb.name);
        let action = verb.attribute("action").unwrap_or_default();
        self.request_document(&purpose, action, verb, own);
    }

    fn hang_up(&mut self, expected: &ExpectedInput, verb: &Element) {
        self.status = "completed";
        match expected {
            ExpectedInput::Recording { .. } => record::on_hang_up(self, verb),
            ExpectedInput::Outcome { .. } => outcome::on_hang_up(self, verb),
            ExpectedInput::Gather { .. }
            | ExpectedInput::Listen
            | ExpectedInput::Message
            | ExpectedInput::Nothing => {}
        }
        self.end(CallEnd::HungUp);
    }

    /// Requests the fallback URL after an error. Without one, or if it was the fallback that
    /// failed, the carrier plays its announcement and hangs up.
    fn use_fallback(&mut self, alert: CarrierAlert, url: &str) {
        let mut fields = self.caller.call_fields(&self.sid);
        fields.set("CallStatus", self.status);
        let fallback = WebhookRequest::fallback(&self.number, &alert, url, fields);
        self.events.push(PhoneEvent::Error(alert));
        // Only once: a fallback that fails has no fallback.
        match fallback.filter(|_| !self.on_fallback) {
            Some(fallback) => {
                self.on_fallback = true;
                self.state = CallState::Requesting(fallback);
            }
            None => {
                let text = SORRY.to_owned();
                self.events.push(PhoneEvent::Say { text, language: None, voice: None });
                self.end(CallEnd::Failed);
            }
        }
    }

    fn end(&mut self, end: CallEnd) {
        self.state = CallState::Over;
        self.events.push(PhoneEvent::End(end));
        // The callback is sent although the call is over: `state` returns callbacks first.
        if let Some(url) = self.number.status_callback.clone() {
            let status = match end {
                CallEnd::Completed | CallEnd::HungUp | CallEnd::Failed => "completed",
                CallEnd::Rejected => "no-answer",
                CallEnd::Busy => "busy",
            };
            let duration = self.now.saturating_sub(self.began);
            let fields = self.caller.call_fields(&self.sid);
            let request = WebhookRequest::new("status callback", &url, Method::POST, fields);
            self.callbacks.push_back(
                request.with_params(completion_params(status, duration, self.now)).into_callback(),
            );
        }
    }
}
