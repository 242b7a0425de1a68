//! The state machine of a chat: a message out, replies in. Like a call, it does no I/O.

use std::collections::VecDeque;

use actix_web::http::Method;

use super::alert::CarrierAlert;
use super::caller::{Caller, PhoneNumber, WebhookFields};
use super::carrier_document::CarrierDocument;
use super::event::PhoneEvent;
use super::expected_input::{ActionNotAccepted, ExpectedInput};
use super::webhook_request::{FetchResult, WebhookRequest, parse_method};
use super::{ConversationState, PhoneAction};
use crate::channel::Channel;
use crate::limits::{MESSAGES_PER_REPLY_MAX, PHONE_DOCUMENTS_MAX};
use crate::random;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// The messages between one person and one number.
#[derive(Clone, Debug)]
pub struct PhoneChat {
    number: PhoneNumber,
    caller: Caller,
    /// The parameters of the person's last message.
    message: WebhookFields,
    /// The request for the next document, if one is needed.
    pending: Option<WebhookRequest>,
    /// Webhooks whose responses are ignored. They are sent before the next document.
    callbacks: VecDeque<WebhookRequest>,
    documents: usize,
    /// The current request goes to the number's fallback URL.
    on_fallback: bool,
    events: Vec<PhoneEvent>,
}

/// Characters of one message; the carrier refuses longer ones (21617).
const BODY_MAX: usize = 1_600;

/// Warnings of the document's check that running it reports again, with more detail.
const REPORTED_LATER: [u32; 3] = [14_103, 14_109, 21_617];

impl PhoneChat {
    /// A chat before its first message.
    pub fn new(number: PhoneNumber, caller: Caller) -> PhoneChat {
        PhoneChat {
            number,
            caller,
            message: WebhookFields::default(),
            pending: None,
            callbacks: VecDeque::new(),
            documents: 0,
            on_fallback: false,
            events: Vec::new(),
        }
    }

    /// What the chat needs now.
    pub fn state(&self) -> ConversationState<'_> {
        let callback = self.callbacks.front();
        callback
            .or(self.pending.as_ref())
            .map_or(ConversationState::Input, ConversationState::Request)
    }

    /// Removes and returns the events since the last call of this method.
    pub fn take_events(&mut self) -> Vec<PhoneEvent> {
        std::mem::take(&mut self.events)
    }

    /// Adds an event from outside of the chat.
    pub(super) fn push_event(&mut self, event: PhoneEvent) {
        self.events.push(event);
    }

    /// Performs an action of the person.
    ///
    /// # Errors
    /// If it is not a message.
    pub fn perform(&mut self, action: &PhoneAction) -> Result<(), ActionNotAccepted> {
        let PhoneAction::Text { body, media } = action else {
            return Err(ActionNotAccepted::new(action, &ExpectedInput::Message));
        };
        self.message = self.caller.message_fields(body, media);
        // The parameters that differ from message to message are shown; the others are the same.
        let own = ["MessageSid", "Body", "NumMedia", "MediaUrl0"];
        let own = self.message.0.iter().filter(|(name, _)| own.contains(&name.as_str()));
        let own = own.cloned().collect();
        let request = WebhookRequest::initial("message", &self.number, self.message.clone());
        self.pending = Some(request.with_params(own));
        self.documents = 0;
        Ok(())
    }

    /// Takes the result of the request that [`PhoneChat::state`] returned.
    pub fn handle_response(&mut self, result: FetchResult) {
        if let Some(callback) = self.callbacks.pop_front() {
            let alert = callback.callback_problem(result);
            let alert = alert.map(|found| CarrierAlert::new(11200, found));
            return self.events.extend(alert.map(PhoneEvent::Warning));
        }
        let Some(request) = self.pending.take() else { return };
        let document =
            result.and_then(|response| CarrierDocument::from_response(&response, Channel::Message));
        match document {
            Ok((document, warnings)) => {
                self.on_fallback = false;
                let is_new = |warning: &CarrierAlert| {
                    !warning.code.is_some_and(|it| REPORTED_LATER.contains(&it))
                };
                self.events.extend(warnings.into_iter().filter(is_new).map(PhoneEvent::Warning));
                self.documents += 1;
                self.run_document(&document);
            }
            Err(alert) => self.use_fallback(alert, &request.url),
        }
    }

    fn run_document(&mut self, document: &CarrierDocument) {
        let mut replies = 0;
        for verb in &document.verbs {
            match verb.name.as_str() {
                "Message" | "Sms" => {
                    replies += 1;
                    // The carrier drops further messages of one document, and warns.
                    if replies > MESSAGES_PER_REPLY_MAX {
                        let found =
                            format!("at most {MESSAGES_PER_REPLY_MAX}; the rest is not sent");
                        let alert = CarrierAlert::new(14109, found);
                        return self.events.push(PhoneEvent::Warning(alert));
                    }
                    let sent = self.reply(verb);
                    if let (Some(action), Some(sid)) = (verb.attribute("action"), sent) {
                        let status = self.status(&sid, "sent");
                        let request = self.build_request("Message action", document, action, verb);
                        // The document of the action replaces the rest of this one.
                        return self.pending = Some(request.with_params(status));
                    }
                }
                "Redirect" if self.documents >= PHONE_DOCUMENTS_MAX => {
                    let found = format!("{PHONE_DOCUMENTS_MAX} documents for one message");
                    return self.events.push(PhoneEvent::Error(CarrierAlert::new(14106, found)));
                }
                "Redirect" => {
                    let text = verb.text();
                    let request = self.build_request("Redirect", document, text.trim(), verb);
                    return self.pending = Some(request);
                }
                // The check of the document has reported all other verbs.
                _ => {}
            }
        }
    }

    /// Sends one reply. Returns its sid, or `None` if the carrier would not send it.
    fn reply(&mut self, verb: &Element) -> Option<String> {
        let (body, media) = verb.message();
        if body.is_empty() && media.is_empty() {
            let alert = CarrierAlert::new(14103, "a message without text and media");
            self.events.push(PhoneEvent::Warning(alert));
            return None;
        }
        let letters = body.chars().count();
        if letters > BODY_MAX {
            let alert = CarrierAlert::new(21617, format!("it has {letters}"));
            self.events.push(PhoneEvent::Error(alert));
            return None;
        }
        // The usual numbers are not shown with each reply.
        let other = |name: &str, usual: &str| {
            verb.attribute(name).filter(|number| *number != usual).map(str::to_owned)
        };
        self.events.push(PhoneEvent::Message {
            from: other("from", &self.caller.to),
            to: other("to", &self.caller.from),
            body,
            media,
        });
        let sid = random::sid("SM");
        if let Some(callback) = verb.attribute("statusCallback") {
            // The two statuses of a message without problems, in this order.
            for status in ["sent", "delivered"] {
                let url = resolve(&self.number.url, callback);
                let fields = self.message.clone();
                let request = WebhookRequest::new("message status", &url, Method::POST, fields);
                let request = request.with_params(self.status(&sid, status));
                self.callbacks.push_back(request.into_callback());
            }
        }
        Some(sid)
    }

    /// The status parameters of a reply, whose direction is that of the application.
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

    fn build_request(
        &self,
        purpose: &str,
        document: &CarrierDocument,
        to: &str,
        verb: &Element,
    ) -> WebhookRequest {
        let url = resolve(&document.url, to);
        let method = parse_method(verb.attribute("method"));
        WebhookRequest::new(purpose, &url, method, self.message.clone())
    }

    /// Requests the fallback URL after an error. If it was the fallback that failed, the message
    /// stays without a reply.
    fn use_fallback(&mut self, alert: CarrierAlert, url: &str) {
        // Only once: a fallback that fails has no fallback.
        if !self.on_fallback {
            let fields = self.message.clone();
            self.pending = WebhookRequest::fallback(&self.number, &alert, url, fields);
            self.on_fallback = self.pending.is_some();
        }
        self.events.push(PhoneEvent::Error(alert));
    }
}
