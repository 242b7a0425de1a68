//! A call, as the carrier goes through it: documents in, what the caller notices and the next
//! webhook out. Pure: no network, no clock. One file for each kind of verb that waits.

mod gather;
mod outcome;
mod prompt;
mod record;

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::http::Method;

use super::alert::Fault;
use super::caller::{Caller, Number, call_ended};
use super::event::{Ended, Heard};
use super::expected_input::{Awaits, NotNow};
use super::twiml_document::Document;
use super::webhook_request::{Answer, Request, method};
use super::{Act, Next};
use crate::channel::Channel;
use crate::limits::PHONE_DOCUMENTS_MAX;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    number: Number,
    caller: Caller,
    sid: String,
    /// `CallStatus` of the webhooks from now on.
    status: &'static str,
    /// When it began, and what time it is: since 1970.
    began: Duration,
    now: Duration,
    state: State,
    /// Webhooks whose answers nobody reads. They are sent before anything else.
    told: VecDeque<Request>,
    document: Document,
    /// The verb of the document that is next.
    at: usize,
    /// Documents since the caller last did something.
    documents: usize,
    /// The URL that is asked is the number's fallback already.
    on_fallback: bool,
    heard: Vec<Heard>,
    /// The pauses since [`Call::pauses`] was last asked.
    paused: Duration,
}

#[derive(Clone, Debug)]
enum State {
    /// A document is wanted.
    Asking(Request),
    /// A verb waits for the caller, or for something to end.
    Waiting(Awaits, Element),
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

impl Call {
    /// Somebody dials a number. `now` is the wall clock.
    pub fn dial(number: Number, caller: Caller, sid: String, now: Duration) -> Call {
        let request = Request::first("call", &number, caller.of_call(&sid));
        Call {
            document: Document { url: number.url.clone(), verbs: Vec::new() },
            number,
            caller,
            sid,
            status: "ringing",
            began: now,
            now,
            state: State::Asking(request),
            told: VecDeque::new(),
            at: 0,
            documents: 0,
            on_fallback: false,
            heard: Vec::new(),
            paused: Duration::ZERO,
        }
    }

    /// A call that was taken already, as it is when a document comes.
    pub fn taken(number: Number, caller: Caller, sid: String, now: Duration) -> Call {
        Call { status: "in-progress", ..Call::dial(number, caller, sid, now) }
    }

    /// What is to be done now.
    pub fn next(&self) -> Next<'_> {
        match (self.told.front(), &self.state) {
            (Some(told), _) => Next::Ask(told),
            (None, State::Asking(request)) => Next::Ask(request),
            (None, State::Waiting(..)) => Next::Await,
            (None, State::Over) => Next::Over,
        }
    }

    /// What a person can do now.
    pub fn awaits(&self) -> Awaits {
        match &self.state {
            State::Waiting(awaits, _) => awaits.clone(),
            State::Asking(_) | State::Over => Awaits::Nothing,
        }
    }

    /// What was noticed since this was last asked.
    pub fn heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// Notes something that happened outside.
    pub(super) fn notice(&mut self, heard: Heard) {
        self.heard.push(heard);
    }

    /// How long the caller has listened to nothing since this was last asked.
    pub(super) fn pauses(&mut self) -> Duration {
        std::mem::take(&mut self.paused)
    }

    /// What came of the request that [`Call::next`] gave.
    pub fn answered(&mut self, answer: Answer, now: Duration) {
        self.now = now;
        if let Some(told) = self.told.pop_front() {
            let fault = told.complaint(answer).map(|found| Fault::new(15003, found));
            return self.heard.extend(fault.map(Heard::Warning));
        }
        let State::Asking(request) = &self.state else { return };
        let url = request.url.clone();
        match answer.and_then(|fetched| Document::of(&fetched, Channel::Voice)) {
            Ok((document, warnings)) => {
                self.status = "in-progress";
                self.on_fallback = false;
                self.heard.extend(warnings.into_iter().map(Heard::Warning));
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
    pub fn act(&mut self, act: &Act, now: Duration) -> Result<(), NotNow> {
        self.now = now;
        let (awaits, verb) = match (&self.state, act) {
            (State::Waiting(awaits, verb), _) => (awaits.clone(), verb.clone()),
            (State::Asking(_), Act::HangUp) => {
                // Nobody waits for the answer any more.
                self.status = "completed";
                self.end(Ended::HungUp);
                return Ok(());
            }
            (State::Asking(_) | State::Over, _) => {
                return Err(NotNow::new(act, &self.awaits()));
            }
        };
        match (&awaits, act) {
            (_, Act::HangUp) => self.hang_up(&awaits, &verb),
            (Awaits::Input { .. }, _) => gather::act(self, &verb, act)?,
            (Awaits::Recording { .. }, _) => record::act(self, &verb, act)?,
            (Awaits::Outcome { .. }, _) => outcome::act(self, &verb, act)?,
            (Awaits::Patience, Act::Wait(_)) => self.go_on(),
            _ => return Err(NotNow::new(act, &awaits)),
        }
        self.documents = 0;
        Ok(())
    }

    /// How much time passes before what a person does has its effect.
    pub fn passes(&self, act: &Act) -> Duration {
        match (act, &self.state) {
            (Act::Wait(Some(time)), _) => *time,
            (Act::Wait(None), State::Waiting(awaits, _)) => awaits.timeout(),
            (Act::Press(keys), State::Waiting(awaits, _)) if !awaits.ends_with(keys) => {
                awaits.timeout()
            }
            _ => Duration::ZERO,
        }
    }

    /// Goes through the document until something is awaited.
    fn go_on(&mut self) {
        loop {
            let Some(verb) = self.document.verbs.get(self.at).cloned() else {
                return self.end(Ended::Completed);
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
                    return self.wait(Awaits::Patience, verb);
                }
                let reference = verb.text();
                return self.ask("Redirect", reference.trim(), verb, Vec::new());
            }
            "Hangup" => {
                self.does("Hangup", String::new());
                self.end(Ended::Completed);
                return Going::Stops;
            }
            "Reject" => {
                let busy = verb.attribute("reason") == Some("busy");
                self.does("Reject", if busy { "busy" } else { "rejected" }.to_owned());
                self.end(if busy { Ended::Busy } else { Ended::Rejected });
                return Going::Stops;
            }
            "Start" | "Stop" => prompt::shown(self, verb),
            "Leave" => self.does("Leave", "the queue".to_owned()),
            "Echo" => {
                self.does("Echo", "the caller hears himself".to_owned());
                return self.wait(Awaits::Patience, verb);
            }
            _ => return outcome::enter(self, verb),
        }
        Going::On
    }

    fn does(&mut self, verb: &'static str, what: String) {
        self.heard.push(Heard::Does { verb, what });
    }

    fn wait(&mut self, awaits: Awaits, verb: &Element) -> Going {
        self.state = State::Waiting(awaits, verb.clone());
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
        self.state = State::Asking(self.request(purpose, reference, "method", verb).with(own));
        Going::Stops
    }

    /// Tells a URL of a verb something; what it answers is not read.
    fn tell(&mut self, purpose: &str, (url, method): (&str, &str), verb: &Element, own: Fields) {
        if let Some(reference) = verb.attribute(url).filter(|url| !url.is_empty()) {
            let request = self.request(purpose, reference, method, verb);
            self.told.push_back(request.with(own).told());
        }
    }

    fn request(&self, purpose: &str, reference: &str, by: &str, verb: &Element) -> Request {
        let url = resolve(&self.document.url, reference);
        let mut fields = self.caller.of_call(&self.sid);
        fields.set("CallStatus", self.status);
        Request::new(purpose, &url, method(verb.attribute(by)), fields)
    }

    /// Goes on at the `action` of a verb, or without one with what follows in the document.
    fn action(&mut self, verb: &Element, own: Fields) {
        let purpose = format!("{} action", verb.name);
        match verb.attribute("action") {
            Some(action) => {
                self.ask(&purpose, action, verb, own);
            }
            None => self.go_on(),
        }
    }

    /// The same for a verb whose `action` is the document itself where it names none.
    fn own_action(&mut self, verb: &Element, own: Fields) {
        let purpose = format!("{} action", verb.name);
        let action = verb.attribute("action").unwrap_or_default();
        self.ask(&purpose, action, verb, own);
    }

    fn hang_up(&mut self, awaits: &Awaits, verb: &Element) {
        self.status = "completed";
        match awaits {
            Awaits::Recording { .. } => record::hung_up(self, verb),
            Awaits::Outcome { .. } => outcome::hung_up(self, verb),
            Awaits::Input { .. } | Awaits::Patience | Awaits::Text | Awaits::Nothing => {}
        }
        self.end(Ended::HungUp);
    }

    /// An application that cannot be used: its fallback is asked, or the caller is told.
    fn failed(&mut self, fault: Fault, url: &str) {
        let mut fields = self.caller.of_call(&self.sid);
        fields.set("CallStatus", self.status);
        let fallback = Request::fallback(&self.number, &fault, url, fields);
        self.heard.push(Heard::Error(fault));
        match fallback.filter(|_| !self.on_fallback) {
            Some(fallback) => {
                self.on_fallback = true;
                self.state = State::Asking(fallback);
            }
            None => {
                let text = SORRY.to_owned();
                self.heard.push(Heard::Say { text, language: None, voice: None });
                self.end(Ended::Failed);
            }
        }
    }

    fn end(&mut self, ended: Ended) {
        self.state = State::Over;
        self.heard.push(Heard::Ended(ended));
        if let Some(url) = self.number.status_callback.clone() {
            let status = match ended {
                Ended::Completed | Ended::HungUp | Ended::Failed => "completed",
                Ended::Rejected => "no-answer",
                Ended::Busy => "busy",
            };
            let took = self.now.saturating_sub(self.began);
            let fields = self.caller.of_call(&self.sid);
            let request = Request::new("status callback", &url, Method::POST, fields);
            self.told.push_back(request.with(call_ended(status, took, self.now)).told());
        }
    }
}

/// Parameters of one webhook.
type Fields = Vec<(String, String)>;

/// Parameters from what is written in code.
fn fields<const N: usize>(pairs: [(&str, String); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
