//! A chat, as the carrier goes through it: a message out, replies in. Pure, like a call.

use std::collections::VecDeque;

use actix_web::http::Method;

use super::alert::CarrierAlert;
use super::caller::{Caller, PhoneNumber, WebhookFields};
use super::event::PhoneEvent;
use super::expected_input::{ActionNotAccepted, ExpectedInput};
use super::twiml_document::TwimlDocument;
use super::webhook_request::{FetchResult, WebhookRequest, method};
use super::{ConversationState, PhoneAction};
use crate::channel::Channel;
use crate::limits::{MESSAGES_PER_REPLY_MAX, PHONE_DOCUMENTS_MAX};
use crate::random;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// One person's messages to one number.
#[derive(Clone, Debug)]
pub struct PhoneChat {
    number: PhoneNumber,
    caller: Caller,
    /// The parameters of the message that is answered.
    message: WebhookFields,
    /// A document is wanted.
    asking: Option<WebhookRequest>,
    /// Webhooks whose answers nobody reads. They are sent before anything else.
    told: VecDeque<WebhookRequest>,
    documents: usize,
    /// The URL that is asked is the number's fallback already.
    on_fallback: bool,
    heard: Vec<PhoneEvent>,
}

/// Letters of one message (21617).
const BODY_MAX: usize = 1_600;

/// What the check of a document warns about, and is met again where it is carried out.
const MET: [u32; 3] = [14_103, 14_109, 21_617];

impl PhoneChat {
    /// Nothing has been written yet.
    pub fn new(number: PhoneNumber, caller: Caller) -> PhoneChat {
        PhoneChat {
            number,
            caller,
            message: WebhookFields::default(),
            asking: None,
            told: VecDeque::new(),
            documents: 0,
            on_fallback: false,
            heard: Vec::new(),
        }
    }

    /// What is to be done now.
    pub fn next(&self) -> ConversationState<'_> {
        let told = self.told.front();
        told.or(self.asking.as_ref()).map_or(ConversationState::Input, ConversationState::Request)
    }

    /// What was noticed since this was last asked.
    pub fn heard(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.heard)
    }

    /// Notes something that happened outside.
    pub(super) fn notice(&mut self, heard: PhoneEvent) {
        self.heard.push(heard);
    }

    /// The person does something.
    ///
    /// # Errors
    /// Where nobody takes notice of it.
    pub fn act(&mut self, act: &PhoneAction) -> Result<(), ActionNotAccepted> {
        let PhoneAction::Text { body, media } = act else {
            return Err(ActionNotAccepted::new(act, &ExpectedInput::Message));
        };
        self.message = self.caller.of_message(body, media);
        let own = ["MessageSid", "Body", "NumMedia", "MediaUrl0"];
        let own = self.message.0.iter().filter(|(name, _)| own.contains(&name.as_str()));
        let own = own.cloned().collect();
        let request = WebhookRequest::first("message", &self.number, self.message.clone());
        self.asking = Some(request.with(own));
        self.documents = 0;
        Ok(())
    }

    /// What came of the request that [`PhoneChat::next`] gave.
    pub fn answered(&mut self, answer: FetchResult) {
        if let Some(told) = self.told.pop_front() {
            let fault = told.complaint(answer).map(|found| CarrierAlert::new(11200, found));
            return self.heard.extend(fault.map(PhoneEvent::Warning));
        }
        let Some(request) = self.asking.take() else { return };
        match answer.and_then(|fetched| TwimlDocument::of(&fetched, Channel::Message)) {
            Ok((document, warnings)) => {
                self.on_fallback = false;
                let known =
                    |warning: &CarrierAlert| !warning.code.is_some_and(|it| MET.contains(&it));
                self.heard.extend(warnings.into_iter().filter(known).map(PhoneEvent::Warning));
                self.documents += 1;
                self.carry_out(&document);
            }
            Err(fault) => self.failed(fault, &request.url),
        }
    }

    fn carry_out(&mut self, document: &TwimlDocument) {
        let mut replies = 0;
        for verb in &document.verbs {
            match verb.name.as_str() {
                "Message" | "Sms" => {
                    replies += 1;
                    if replies > MESSAGES_PER_REPLY_MAX {
                        let found =
                            format!("at most {MESSAGES_PER_REPLY_MAX}; the rest is not sent");
                        return self
                            .heard
                            .push(PhoneEvent::Warning(CarrierAlert::new(14109, found)));
                    }
                    let sent = self.reply(verb);
                    if let (Some(action), Some(sid)) = (verb.attribute("action"), sent) {
                        let status = self.status(&sid, "sent");
                        let request = self.request("Message action", document, action, verb);
                        return self.asking = Some(request.with(status));
                    }
                }
                "Redirect" if self.documents >= PHONE_DOCUMENTS_MAX => {
                    let found = format!("{PHONE_DOCUMENTS_MAX} documents for one message");
                    return self.heard.push(PhoneEvent::Error(CarrierAlert::new(14106, found)));
                }
                "Redirect" => {
                    let text = verb.text();
                    let request = self.request("Redirect", document, text.trim(), verb);
                    return self.asking = Some(request);
                }
                // The check of the document has told of everything else.
                _ => {}
            }
        }
    }

    /// One reply; its sid, if it can be sent.
    fn reply(&mut self, verb: &Element) -> Option<String> {
        let (body, media) = verb.message();
        if body.is_empty() && media.is_empty() {
            self.heard
                .push(PhoneEvent::Warning(CarrierAlert::new(14103, "a message that says nothing")));
            return None;
        }
        let letters = body.chars().count();
        if letters > BODY_MAX {
            self.heard
                .push(PhoneEvent::Error(CarrierAlert::new(21617, format!("it has {letters}"))));
            return None;
        }
        let other = |name: &str, usual: &str| {
            verb.attribute(name).filter(|number| *number != usual).map(str::to_owned)
        };
        self.heard.push(PhoneEvent::Message {
            from: other("from", &self.caller.to),
            to: other("to", &self.caller.from),
            body,
            media,
        });
        let sid = random::sid("SM");
        if let Some(callback) = verb.attribute("statusCallback") {
            for status in ["sent", "delivered"] {
                let url = resolve(&self.number.url, callback);
                let fields = self.message.clone();
                let request = WebhookRequest::new("message status", &url, Method::POST, fields);
                self.told.push_back(request.with(self.status(&sid, status)).told());
            }
        }
        Some(sid)
    }

    /// What is told of a message of the application's: it goes the other way round.
    fn status(&self, sid: &str, status: &str) -> Vec<(String, String)> {
        let pairs = [
            ("MessageSid", sid),
            ("SmsSid", sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("From", &self.caller.to),
            ("To", &self.caller.from),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn request(
        &self,
        purpose: &str,
        document: &TwimlDocument,
        to: &str,
        verb: &Element,
    ) -> WebhookRequest {
        let url = resolve(&document.url, to);
        WebhookRequest::new(purpose, &url, method(verb.attribute("method")), self.message.clone())
    }

    /// An application that cannot be used: its fallback is asked, or nobody gets an answer.
    fn failed(&mut self, fault: CarrierAlert, url: &str) {
        if !self.on_fallback {
            let fields = self.message.clone();
            self.asking = WebhookRequest::fallback(&self.number, &fault, url, fields);
            self.on_fallback = self.asking.is_some();
        }
        self.heard.push(PhoneEvent::Error(fault));
    }
}
