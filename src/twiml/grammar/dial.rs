//! The elements in `Dial`, `Enqueue` and `Refer`. Data only.

use super::connect::PARAMETER;
use super::element::TextContent::{Forbidden, Optional, Required};
use super::element::declare;
use super::values::AttributeType::{ListOf, OneOf};
use super::values::*;

declare! {
    APPLICATION_SID "ApplicationSid", Required, [] {}

    APPLICATION "Application", Optional, [PARAMETER, APPLICATION_SID] {
        "copyParentTo": BOOL, "customerId": TEXT, "method": METHOD, "statusCallback": URL,
        "statusCallbackEvent": ListOf(CALL_EVENTS), "statusCallbackMethod": METHOD, "url": URL,
    }

    IDENTITY "Identity", Required, [] {}

    CLIENT "Client", Optional, [PARAMETER, IDENTITY] {
        "method": METHOD, "statusCallback": URL, "statusCallbackEvent": ListOf(CALL_EVENTS),
        "statusCallbackMethod": METHOD, "url": URL,
    }

    CONFERENCE "Conference", Required, [] {
        "beep": OneOf(CONFERENCE_BEEP), "coach": TEXT, "endConferenceOnExit": BOOL,
        "eventCallbackUrl": URL, "jitterBufferSize": OneOf(CONFERENCE_JITTER_BUFFER_SIZE),
        "maxParticipants": within(0, 250), "muted": BOOL, "participantLabel": up_to(128),
        "record": OneOf(CONFERENCE_RECORD), "recordingConfigurationId": TEXT,
        "recordingStatusCallback": URL, "recordingStatusCallbackEvent": ListOf(RECORDING_EVENTS),
        "recordingStatusCallbackMethod": METHOD, "region": OPEN, "startConferenceOnEnter": BOOL,
        "statusCallback": URL, "statusCallbackEvent": ListOf(CONFERENCE_EVENT),
        "statusCallbackMethod": METHOD, "trim": OneOf(TRIM), "waitMethod": METHOD, "waitUrl": URL,
    }

    NUMBER "Number", Required, [] {
        "amdStatusCallback": URL, "amdStatusCallbackMethod": METHOD, "byoc": TEXT,
        "machineDetection": TEXT, "machineDetectionSilenceTimeout": within(2000, 10000),
        "machineDetectionSpeechEndThreshold": within(500, 5000),
        "machineDetectionSpeechThreshold": within(1000, 6000),
        "machineDetectionTimeout": within(3, 60), "method": METHOD, "sendDigits": TONES,
        "statusCallback": URL, "statusCallbackEvent": ListOf(CALL_EVENTS),
        "statusCallbackMethod": METHOD, "url": URL,
    }

    SIM "Sim", Required, [] {}

    SIP "Sip", Optional, [HEADERS, SIP_URI] {
        "amdStatusCallback": URL, "amdStatusCallbackMethod": METHOD, "machineDetection": TEXT,
        "machineDetectionSilenceTimeout": INT, "machineDetectionSpeechEndThreshold": INT,
        "machineDetectionSpeechThreshold": INT, "machineDetectionTimeout": INT, "method": METHOD,
        "password": TEXT, "statusCallback": URL, "statusCallbackEvent": ListOf(CALL_EVENTS),
        "statusCallbackMethod": METHOD, "url": URL, "username": TEXT,
    }

    WHATS_APP "WhatsApp", Required, [] {
        "method": METHOD, "statusCallback": URL, "statusCallbackEvent": ListOf(CALL_EVENTS),
        "statusCallbackMethod": METHOD, "url": URL,
    }

    TASK "Task", Required, [] {
        "priority": INT, "timeout": INT,
    }

    HEADER "Header", Forbidden, [] {
        "name": TEXT, "value": TEXT,
    }

    HEADERS "Headers", Forbidden, [HEADER] {}

    REFER_SIP "Sip", Required, [] {}

    SIP_URI "Uri", Optional, [] {
        "password": TEXT, "priority": TEXT, "username": TEXT, "weight": TEXT,
    }
}
