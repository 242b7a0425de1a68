//! The verbs of a call, and their `Response`. Data only.

use super::connect::*;
use super::dial::*;
use super::element::TextContent::{Forbidden, Optional, Required, UpTo, Url};
use super::element::declare;
use super::ssml::*;
use super::values::AttributeType::{ListOf, OneOf};
use super::values::*;

declare! {
    RESPONSE "Response", Forbidden, [SAY, GATHER, PLAY, PAUSE, REDIRECT, HANGUP, DIAL, RECORD,
        REJECT, ENQUEUE, CONNECT, START, STOP, PAY, LEAVE, REFER, PROMPT, QUEUE, ECHO, SMS] {}

    SAY "Say", Optional, [SSML_BREAK, SSML_EMPHASIS, SSML_LANG, SSML_P, SSML_PHONEME, SSML_PROSODY,
        SSML_S, SSML_SAY_AS, SSML_SUB, SSML_W] {
        "language": OPEN, "loop": INT, "voice": OPEN,
    }

    GATHER "Gather", Forbidden, [SAY, PLAY, PAUSE] {
        "action": URL, "actionOnEmptyResult": BOOL, "bargeIn": BOOL, "debug": BOOL,
        "enhanced": BOOL, "finishOnKey": KEY, "hints": TEXT, "input": ListOf(GATHER_INPUT),
        "language": OPEN, "maxSpeechTime": INT, "method": METHOD, "numDigits": from(1),
        "partialResultCallback": URL, "partialResultCallbackMethod": METHOD,
        "profanityFilter": BOOL, "speechModel": TEXT, "speechTimeout": INT_OR_AUTO,
        "timeout": INT,
    }

    PLAY "Play", Url, [] {
        "digits": TONES, "loop": INT,
    }

    PAUSE "Pause", Forbidden, [] {
        "length": from(1),
    }

    REDIRECT "Redirect", Url, [] {
        "method": METHOD,
    }

    HANGUP "Hangup", Forbidden, [PARAMETER] {}

    DIAL "Dial", Optional, [QUEUE, NUMBER, CLIENT, CONFERENCE, SIP, APPLICATION, WHATS_APP, SIM] {
        "action": URL, "answerOnBridge": BOOL, "callerId": TEXT, "events": OneOf(DIAL_EVENTS),
        "hangupOnStar": BOOL, "method": METHOD, "passports": TEXT, "record": OneOf(DIAL_RECORD),
        "recordingConfigurationId": TEXT, "recordingStatusCallback": URL,
        "recordingStatusCallbackEvent": ListOf(RECORDING_EVENTS),
        "recordingStatusCallbackMethod": METHOD, "recordingTrack": OneOf(RECORDING_TRACKS),
        "referMethod": METHOD, "referUrl": URL, "ringTone": OPEN, "sequential": BOOL,
        "timeLimit": INT, "timeout": INT, "trim": OneOf(TRIM), "callReason": up_to(50),
    }

    RECORD "Record", Forbidden, [] {
        "action": URL, "finishOnKey": TEXT, "maxLength": INT, "method": METHOD, "playBeep": BOOL,
        "recordingConfigurationId": TEXT, "recordingStatusCallback": URL,
        "recordingStatusCallbackEvent": ListOf(RECORDING_EVENTS),
        "recordingStatusCallbackMethod": METHOD, "timeout": INT, "transcribe": BOOL,
        "transcribeCallback": URL, "trim": OneOf(TRIM),
    }

    REJECT "Reject", Forbidden, [PARAMETER] {
        "reason": OneOf(REJECT_REASON),
    }

    ENQUEUE "Enqueue", UpTo(64), [TASK] {
        "action": URL, "maxQueueSize": INT, "method": METHOD, "waitUrl": URL,
        "waitUrlMethod": METHOD, "workflowSid": TEXT,
    }

    CONNECT "Connect", Forbidden, [STREAM, CONVERSATION_RELAY, AI_SESSION, ASSISTANT, AUTOPILOT,
        CONVERSATION, CONVERSATION_RELAY_SESSION, ROOM, VIRTUAL_AGENT] {
        "action": URL, "method": METHOD, "timeout": INT,
    }

    START "Start", Forbidden, [STREAM, RECORDING, SIPREC, TRANSCRIPTION] {
        "action": URL, "method": METHOD,
    }

    STOP "Stop", Forbidden, [STREAM, SIPREC, TRANSCRIPTION] {}

    PAY "Pay", Forbidden, [PROMPT, PARAMETER] {
        "action": URL, "bankAccountType": OneOf(PAY_BANK_ACCOUNT_TYPE), "chargeAmount": TEXT,
        "currency": TEXT, "description": TEXT, "input": OneOf(PAY_INPUT), "language": OPEN,
        "maxAttempts": INT, "minPostalCodeLength": INT, "paymentConnector": TEXT,
        "paymentMethod": OneOf(PAY_PAYMENT_METHOD), "postalCode": TEXT, "securityCode": BOOL,
        "statusCallback": URL, "statusCallbackMethod": METHOD, "timeout": INT,
        "tokenType": OneOf(PAY_TOKEN_TYPE), "validCardTypes": ListOf(CARD_TYPES),
    }

    LEAVE "Leave", Forbidden, [] {}

    REFER "Refer", Forbidden, [REFER_SIP] {
        "action": URL, "method": METHOD,
    }

    PROMPT "Prompt", Forbidden, [SAY, PLAY, PAUSE] {
        "attempt": INTS, "cardType": ListOf(CARD_TYPES), "errorType": ListOf(PROMPT_ERROR_TYPE),
        "for": OneOf(PROMPT_FOR), "requireMatchingInputs": BOOL,
    }

    QUEUE "Queue", Required, [] {
        "method": METHOD, "postWorkActivitySid": TEXT, "reservationSid": TEXT, "url": URL,
    }

    ECHO "Echo", Forbidden, [] {}

    SMS "Sms", Required, [] {
        "action": URL, "from": TEXT, "method": METHOD, "statusCallback": URL, "to": TEXT,
    }
}
