//! The verbs and nouns that the gateway writes itself, as typed structs of one shape.
//!
//! A field that is `None` (or `Default`) is not written, so that the carrier's default applies. The
//! structs have the names of TwiML's elements; each attribute is one of the grammar (tested below).

use std::borrow::Cow;

use crate::twiml::write::{StartTag, Verb, XmlName, name};

/// The Rust type of an attribute's value.
trait ToAttributeValue {
    /// The value as it is written in the document.
    fn to_attribute_value(&self) -> Cow<'_, str>;
}

impl ToAttributeValue for &str {
    fn to_attribute_value(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ToAttributeValue for u32 {
    fn to_attribute_value(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

impl ToAttributeValue for bool {
    fn to_attribute_value(&self) -> Cow<'_, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }
}

/// Declares elements: `Struct<'a> "StartTag" (text: &'a str) { field: type = "attribute", … }`.
macro_rules! verbs {
    ($($(#[$about:meta])* $verb:ident $(<$life:lifetime>)? $tag:literal
        $(($text:ident: $text_kind:ty))?
        { $($field:ident: $kind:ty = $attribute:literal),* $(,)? })*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $verb $(<$life>)? {
            $(
                #[doc = concat!("The text of `", $tag, "`, unescaped.")]
                pub $text: $text_kind,
            )?
            $(
                #[doc = concat!("The attribute `", $attribute, "`.")]
                pub $field: Option<$kind>,
            )*
        }

        #[cfg(test)]
        impl $(<$life>)? $verb $(<$life>)? {
            /// The name of the element and those of its attributes.
            const NAMES: (&'static str, &'static [&'static str]) = ($tag, &[$($attribute),*]);
        }

        impl $(<$life>)? Verb for $verb $(<$life>)? {
            fn name(&self) -> XmlName {
                name!($tag)
            }

            fn text(&self) -> Option<&str> {
                None$(.or(Some(self.$text)))?
            }

            fn write_attributes<'w>(&self, tag: StartTag<'w>) -> StartTag<'w> {
                $(
                    let tag = match &self.$field {
                        Some(value) => {
                            tag.attribute(name!($attribute), &value.to_attribute_value())
                        }
                        None => tag,
                    };
                )*
                tag
            }
        }
    )*};
}

// Prompts.
verbs! {
    /// Speaks a text.
    Say<'a> "Say" (text: &'a str) {
        voice: &'a str = "voice", language: &'a str = "language", times: u32 = "loop",
    }

    /// Plays a sound file, or the keys in `digits`.
    Play<'a> "Play" (url: &'a str) { digits: &'a str = "digits", times: u32 = "loop" }

    /// Waits; as the first verb, it delays answering the call.
    Pause "Pause" { seconds: u32 = "length" }
}

// Input of the caller.
verbs! {
    /// Collects digits or speech; takes `Say`, `Play` and `Pause` as prompts.
    Gather<'a> "Gather" {
        input: &'a str = "input", action: &'a str = "action", method: &'a str = "method",
        timeout_seconds: u32 = "timeout", finish_on_key: &'a str = "finishOnKey",
        digits: u32 = "numDigits", action_on_empty_result: bool = "actionOnEmptyResult",
        speech_timeout: &'a str = "speechTimeout", speech_model: &'a str = "speechModel",
        max_speech_seconds: u32 = "maxSpeechTime", language: &'a str = "language",
        hints: &'a str = "hints", profanity_filter: bool = "profanityFilter",
        barge_in: bool = "bargeIn", enhanced: bool = "enhanced", debug: bool = "debug",
        partial_result_callback: &'a str = "partialResultCallback",
        partial_result_callback_method: &'a str = "partialResultCallbackMethod",
    }

    /// Records the caller.
    Record<'a> "Record" {
        action: &'a str = "action", method: &'a str = "method", timeout_seconds: u32 = "timeout",
        finish_on_key: &'a str = "finishOnKey", max_length_seconds: u32 = "maxLength",
        play_beep: bool = "playBeep", trim: &'a str = "trim", transcribe: bool = "transcribe",
        transcribe_callback: &'a str = "transcribeCallback",
        recording_status_callback: &'a str = "recordingStatusCallback",
        recording_status_callback_event: &'a str = "recordingStatusCallbackEvent",
        recording_status_callback_method: &'a str = "recordingStatusCallbackMethod",
    }

    /// Collects a payment card. Takes `Parameter`.
    Pay<'a> "Pay" {
        action: &'a str = "action", input: &'a str = "input", language: &'a str = "language",
        charge_amount: &'a str = "chargeAmount", currency: &'a str = "currency",
        description: &'a str = "description", max_attempts: u32 = "maxAttempts",
        min_postal_code_length: u32 = "minPostalCodeLength",
        payment_connector: &'a str = "paymentConnector", payment_method: &'a str = "paymentMethod",
        bank_account_type: &'a str = "bankAccountType", postal_code: &'a str = "postalCode",
        security_code: bool = "securityCode", status_callback: &'a str = "statusCallback",
        timeout_seconds: u32 = "timeout", token_type: &'a str = "tokenType",
        valid_card_types: &'a str = "validCardTypes",
    }
}

// Control of the call.
verbs! {
    /// Continues with another document; an empty URL is the current one.
    Redirect<'a> "Redirect" (url: &'a str) { method: &'a str = "method" }

    /// Ends the call.
    Hangup "Hangup" {}

    /// Refuses the call; as the first verb, without answering it.
    Reject<'a> "Reject" { reason: &'a str = "reason" }

    /// Leaves a queue and continues behind its `Enqueue`.
    Leave "Leave" {}

    /// Transfers a SIP call. Takes `Sip`.
    Refer<'a> "Refer" { action: &'a str = "action", method: &'a str = "method" }

    /// Adds the caller to a queue, or with `workflow_sid` to TaskRouter. Takes `Task`.
    Enqueue<'a> "Enqueue" (queue: &'a str) {
        action: &'a str = "action", method: &'a str = "method", wait_url: &'a str = "waitUrl",
        wait_url_method: &'a str = "waitUrlMethod", workflow_sid: &'a str = "workflowSid",
        max_queue_size: u32 = "maxQueueSize",
    }

    /// The attributes of a task, as JSON.
    Task<'a> "Task" (attributes: &'a str) {
        priority: u32 = "priority", timeout_seconds: u32 = "timeout",
    }
}

// Connections to other parties and programs.
verbs! {
    /// Calls another party. Takes `Number`, `Client`, `Conference`, `Sip`, `Sim` and `Queue`.
    Dial<'a> "Dial" {
        action: &'a str = "action", method: &'a str = "method", timeout_seconds: u32 = "timeout",
        time_limit_seconds: u32 = "timeLimit", caller_id: &'a str = "callerId",
        record: &'a str = "record", trim: &'a str = "trim", ring_tone: &'a str = "ringTone",
        answer_on_bridge: bool = "answerOnBridge", hangup_on_star: bool = "hangupOnStar",
        sequential: bool = "sequential",
        recording_status_callback: &'a str = "recordingStatusCallback",
        recording_status_callback_event: &'a str = "recordingStatusCallbackEvent",
        recording_status_callback_method: &'a str = "recordingStatusCallbackMethod",
    }

    /// A telephone number.
    Number<'a> "Number" (number: &'a str) {
        url: &'a str = "url", method: &'a str = "method", send_digits: &'a str = "sendDigits",
        status_callback: &'a str = "statusCallback",
        status_callback_event: &'a str = "statusCallbackEvent",
        status_callback_method: &'a str = "statusCallbackMethod",
    }

    /// A client of the Voice SDK.
    Client<'a> "Client" (identity: &'a str) { url: &'a str = "url", method: &'a str = "method" }

    /// A conference.
    Conference<'a> "Conference" (room: &'a str) {
        muted: bool = "muted", beep: &'a str = "beep", wait_url: &'a str = "waitUrl",
        wait_method: &'a str = "waitMethod", record: &'a str = "record",
        start_on_enter: bool = "startConferenceOnEnter", end_on_exit: bool = "endConferenceOnExit",
        max_participants: u32 = "maxParticipants", status_callback: &'a str = "statusCallback",
        status_callback_event: &'a str = "statusCallbackEvent",
    }

    /// A SIP address.
    Sip<'a> "Sip" (uri: &'a str) {
        username: &'a str = "username", password: &'a str = "password", url: &'a str = "url",
        method: &'a str = "method",
    }

    /// A SIM card.
    Sim<'a> "Sim" (sid: &'a str) {}

    /// The first caller of a queue.
    Queue<'a> "Queue" (name: &'a str) { url: &'a str = "url", method: &'a str = "method" }

    /// Connects the call to a program. Takes `Stream`, `VirtualAgent` and `ConversationRelay`.
    Connect<'a> "Connect" { action: &'a str = "action", method: &'a str = "method" }

    /// Starts a stream beside the call. Takes `Stream` and `Siprec`.
    Start<'a> "Start" { action: &'a str = "action", method: &'a str = "method" }

    /// Stops what `Start` started. Takes `Stream` and `Siprec`.
    Stop "Stop" {}

    /// The audio of the call over a WebSocket. Takes `Parameter`.
    Stream<'a> "Stream" {
        name: &'a str = "name", url: &'a str = "url", track: &'a str = "track",
        connector_name: &'a str = "connectorName", status_callback: &'a str = "statusCallback",
        status_callback_method: &'a str = "statusCallbackMethod",
    }

    /// A conversational agent. Takes `Config` and `Parameter`.
    VirtualAgent<'a> "VirtualAgent" {
        connector_name: &'a str = "connectorName", language: &'a str = "language",
        sentiment_analysis: bool = "sentimentAnalysis", status_callback: &'a str = "statusCallback",
        status_callback_method: &'a str = "statusCallbackMethod",
    }

    /// The audio of the call over SIPREC. Takes `Parameter`.
    Siprec<'a> "Siprec" {
        name: &'a str = "name", connector_name: &'a str = "connectorName",
        track: &'a str = "track", status_callback: &'a str = "statusCallback",
        status_callback_method: &'a str = "statusCallbackMethod",
    }

    /// A program that speaks and listens over a WebSocket. Takes `Parameter`.
    ConversationRelay<'a> "ConversationRelay" {
        url: &'a str = "url", welcome_greeting: &'a str = "welcomeGreeting",
        language: &'a str = "language", tts_language: &'a str = "ttsLanguage",
        tts_provider: &'a str = "ttsProvider", voice: &'a str = "voice",
        transcription_language: &'a str = "transcriptionLanguage",
        transcription_provider: &'a str = "transcriptionProvider",
        speech_model: &'a str = "speechModel", dtmf_detection: bool = "dtmfDetection",
        interruptible: &'a str = "interruptible",
    }

    /// A setting of a conversational agent.
    Config<'a> "Config" { name: &'a str = "name", value: &'a str = "value" }

    /// A parameter of its parent.
    Parameter<'a> "Parameter" { name: &'a str = "name", value: &'a str = "value" }
}

// Messages.
verbs! {
    /// A reply to a message; takes `Body` and `Media`, or else its text alone.
    Message<'a> "Message" (text: &'a str) {
        to: &'a str = "to", from: &'a str = "from", action: &'a str = "action",
        method: &'a str = "method", status_callback: &'a str = "statusCallback",
    }

    /// The text of a reply with media.
    Body<'a> "Body" (text: &'a str) {}

    /// The URL of a picture or other file.
    Media<'a> "Media" (url: &'a str) {}

    /// A message sent during a call.
    Sms<'a> "Sms" (text: &'a str) {
        to: &'a str = "to", from: &'a str = "from", action: &'a str = "action",
        method: &'a str = "method", status_callback: &'a str = "statusCallback",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use crate::twiml::grammar::elements;
    use crate::twiml::write::TwimlWriter;

    #[test]
    fn the_grammar_has_all_that_is_written() {
        let written = [
            Say::NAMES,
            Play::NAMES,
            Pause::NAMES,
            Gather::NAMES,
            Record::NAMES,
            Pay::NAMES,
            Redirect::NAMES,
            Hangup::NAMES,
            Reject::NAMES,
            Leave::NAMES,
            Refer::NAMES,
            Enqueue::NAMES,
            Task::NAMES,
            Dial::NAMES,
            Number::NAMES,
            Client::NAMES,
            Conference::NAMES,
            Sip::NAMES,
            Sim::NAMES,
            Queue::NAMES,
            Connect::NAMES,
            Start::NAMES,
            Stop::NAMES,
            Stream::NAMES,
            VirtualAgent::NAMES,
            Siprec::NAMES,
            ConversationRelay::NAMES,
            Config::NAMES,
            Parameter::NAMES,
            Message::NAMES,
            Body::NAMES,
            Media::NAMES,
            Sms::NAMES,
        ];
        let mut known = elements(Channel::Voice);
        known.extend(elements(Channel::Message));
        for (tag, attributes) in written {
            let fits = known.iter().any(|element| {
                element.tag == tag
                    && attributes.iter().all(|name| element.attribute(name).is_some())
            });
            assert!(fits, "{tag}");
        }
    }

    #[test]
    fn writes_attributes_text_and_children() {
        let mut writer = TwimlWriter::response();
        let gather = Gather { digits: Some(1), barge_in: Some(true), ..Gather::default() };
        writer.nest(&gather, |inside| {
            inside.add(&Say { text: "1 & 2", voice: Some("\"alice\""), ..Say::default() });
        });
        writer.add(&Hangup {});
        assert_eq!(
            writer.finish().into_string(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>\
             <Gather numDigits=\"1\" bargeIn=\"true\">\
             <Say voice=\"&quot;alice&quot;\">1 &amp; 2</Say></Gather><Hangup/></Response>"
        );
    }
}
