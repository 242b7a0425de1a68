//! Webhooks that report an event and ask for no document.
//!
//! The carrier discards the answer to such a webhook: a status callback of a call or a message, a
//! delivery receipt, a callback about a recording, a transcription, a conference or a stream. They
//! may arrive at the URL of a route, because that is the URL that the owner has at hand.

use super::{Params, Webhook};

impl Webhook {
    /// Whether the webhook reports an event, and asks for no document.
    pub(crate) fn is_status_report(&self) -> bool {
        self.params.is_status_report()
    }
}

impl Params {
    /// Whether their webhook reports an event, and asks for no document.
    ///
    /// A carrier that asks for a document of a call sends the parameters of the call with it, and
    /// no sequence number: events are numbered because they may arrive in another order.
    pub(crate) fn is_status_report(&self) -> bool {
        if self.get("CallSid").is_none() {
            return self.message_status().is_some();
        }
        let mut signs = CallSigns::default();
        // One pass: nearly every webhook is no report, and has some twenty parameters.
        for (name, _) in self.iter().filter(|(_, value)| !value.is_empty()) {
            signs.see(name);
        }
        let never_answered =
            matches!(self.get("CallStatus"), Some("busy" | "failed" | "no-answer" | "canceled"));
        signs.is_report() || never_answered
    }

    /// The status of a message of ours: `sent`, `delivered`, `failed` and so on. `None` if the
    /// parameters are those of an incoming message, whose `SmsStatus` is `received`.
    pub(crate) fn message_status(&self) -> Option<&str> {
        match self.get("MessageStatus").or_else(|| self.get("SmsStatus")) {
            Some(status) => {
                Some(status).filter(|status| !matches!(*status, "" | "received" | "receiving"))
            }
            // Conversations name the receipt by the event.
            None if self.get("EventType") == Some("onDeliveryUpdated") => {
                self.get("Status").or(Some("updated"))
            }
            None => None,
        }
    }

    /// The event of a Conversations webhook, such as `onMessageAdded`.
    pub(crate) fn conversation_event(&self) -> Option<&str> {
        self.get("ConversationSid").and(self.get("EventType"))
    }
}

/// The parameters of a call's webhook that distinguish a report from a request for a document.
#[derive(Default)]
struct CallSigns {
    /// A parameter that only reports have.
    reports: bool,
    /// A parameter that reports have, and requests for a document as well.
    is_about_part: bool,
    has_call_status: bool,
    has_stream_event: bool,
    has_timestamp: bool,
    /// What a verb has come to, as the action of `<Dial>` and `<Record>` says.
    has_verb_result: bool,
    has_duration: bool,
}

impl CallSigns {
    fn see(&mut self, name: &str) {
        match name {
            "CallbackSource"
            | "SequenceNumber"
            | "RecordingStatus"
            | "TranscriptionStatus"
            | "TranscriptionEvent"
            | "StatusCallbackEvent"
            | "SiprecEvent"
            | "StableSpeechResult"
            | "UnstableSpeechResult" => self.reports = true,
            "AnsweredBy" | "ConferenceSid" | "StreamSid" => self.is_about_part = true,
            "RecordingSid" => {
                self.is_about_part = true;
                self.has_verb_result = true;
            }
            "DialCallStatus" | "Digits" | "QueueResult" | "SpeechResult" => {
                self.has_verb_result = true;
            }
            "CallStatus" => self.has_call_status = true,
            "StreamEvent" => self.has_stream_event = true,
            "Timestamp" => self.has_timestamp = true,
            "CallDuration" => self.has_duration = true,
            _ => {}
        }
    }

    fn is_report(&self) -> bool {
        self.reports
            // Without the parameters of the call there is no call that a document could go to.
            || (self.is_about_part && !self.has_call_status)
            // The action of `<Stream>` has the event too, and no time.
            || (self.has_stream_event && self.has_timestamp)
            // The action of a verb after a hang-up is a request, although nothing is played.
            || (self.has_duration && !self.has_verb_result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(params: &[(&str, &str)]) -> Webhook {
        Webhook {
            account: None,
            path: "/voice".to_owned(),
            query: Params::default(),
            params: params.iter().copied().collect(),
            body: Default::default(),
            payload: None,
            idempotency_token: None,
            cookies: String::new(),
        }
    }

    #[test]
    fn reports_of_calls() {
        let reports: [&[(&str, &str)]; 12] = [
            &[("CallStatus", "completed"), ("CallbackSource", "call-progress-events")],
            &[("CallStatus", "in-progress"), ("SequenceNumber", "1")],
            &[("RecordingSid", "RE1"), ("RecordingStatus", "completed")],
            &[("RecordingSid", "RE1"), ("RecordingUrl", "https://example.com/RE1")],
            &[("TranscriptionSid", "TR1"), ("TranscriptionStatus", "completed")],
            &[("AnsweredBy", "human"), ("MachineDetectionDuration", "2300")],
            &[("ConferenceSid", "CF1"), ("StatusCallbackEvent", "participant-join")],
            &[("StreamSid", "MZ1"), ("StreamEvent", "stream-started"), ("Timestamp", "t")],
            &[("CallStatus", "in-progress"), ("UnstableSpeechResult", "hel")],
            &[("CallStatus", "completed"), ("CallDuration", "12")],
            &[("CallStatus", "no-answer")],
            &[("CallStatus", "busy")],
        ];
        for report in reports {
            let params = [&[("CallSid", "CA1")], report].concat();
            assert!(webhook(&params).is_status_report(), "{report:?}");
        }
    }

    #[test]
    fn requests_for_a_document() {
        let requests: [&[(&str, &str)]; 11] = [
            &[("CallStatus", "completed"), ("CallDuration", "9"), ("DialCallStatus", "completed")],
            &[("CallStatus", "ringing")],
            &[("CallStatus", "in-progress"), ("Digits", "1")],
            &[("CallStatus", "in-progress"), ("DialCallStatus", "no-answer")],
            &[("CallStatus", "in-progress"), ("RecordingSid", "RE1"), ("RecordingUrl", "u")],
            &[("CallStatus", "completed"), ("RecordingSid", "RE1"), ("Digits", "hangup")],
            &[("CallStatus", "in-progress"), ("AnsweredBy", "human")],
            &[("CallStatus", "in-progress"), ("ConferenceSid", "CF1")],
            &[("CallStatus", "in-progress"), ("StreamSid", "MZ1"), ("StreamEvent", "stopped")],
            &[("CallStatus", "in-progress"), ("SequenceNumber", "")],
            &[],
        ];
        for request in requests {
            let params = [&[("CallSid", "CA1")], request].concat();
            assert!(!webhook(&params).is_status_report(), "{request:?}");
        }
    }

    #[test]
    fn the_status_of_a_message_has_two_names() {
        let status = |params: &[(&str, &str)]| {
            let params = [&[("MessageSid", "SM1")], params].concat();
            webhook(&params).params.message_status().map(str::to_owned)
        };
        assert_eq!(status(&[("MessageStatus", "delivered")]).as_deref(), Some("delivered"));
        assert_eq!(status(&[("SmsStatus", "failed")]).as_deref(), Some("failed"));
        let receipt = [("EventType", "onDeliveryUpdated"), ("Status", "read")];
        assert_eq!(status(&receipt).as_deref(), Some("read"));
        for incoming in [&[][..], &[("SmsStatus", "received")], &[("EventType", "onMessageAdded")]]
        {
            assert_eq!(status(incoming), None, "{incoming:?}");
        }
    }
}
