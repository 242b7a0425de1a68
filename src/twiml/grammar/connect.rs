//! The elements in `Connect`, `Start` and `Stop`, and parameters. Data only.

use super::element::TextContent::{Forbidden, Required};
use super::element::declare;
use super::values::AttributeType::{ListOf, OneOf};
use super::values::*;

declare! {
    CONVERSATION_RELAY "ConversationRelay", Forbidden, [PARAMETER, LANGUAGE] {
        "backgroundnoisereduction": TEXT, "debug": TEXT, "deepgramsmartformat": TEXT,
        "dtmfDetection": BOOL, "elevenlabsTextNormalization": TEXT, "events": TEXT,
        "hints": TEXT, "ignorebackchannel": TEXT, "intelligenceService": TEXT,
        "interruptSensitivity": TEXT, "interruptible": TEXT, "language": TEXT,
        "partialPrompts": BOOL, "preemptible": BOOL, "profanityFilter": BOOL,
        "reportInputDuringAgentSpeech": BOOL, "speechModel": TEXT, "speechtimeout": TEXT,
        "transcriptionLanguage": TEXT, "transcriptionProvider": TEXT, "ttsLanguage": TEXT,
        "ttsProvider": TEXT, "url": SOCKET_URL, "voice": TEXT, "welcomeGreeting": TEXT,
        "welcomeGreetingInterruptible": TEXT, "backgroundNoiseReduction": TEXT,
        "speechTimeout": TEXT, "deepgramSmartFormat": TEXT, "ignoreBackchannel": TEXT,
        "partialPromptOnHangup": TEXT, "eagerEotThreshold": TEXT, "asrSmartFormat": TEXT,
        "ttsTextNormalization": TEXT, "ttsLanguageTextNormalization": TEXT,
        "elevenlabsLanguageTextNormalization": TEXT, "includeInPrompt": TEXT,
        "customerName": TEXT, "applicationReconnect": TEXT, "echoPromptFiltering": TEXT,
        "turnDetection": TEXT,
    }

    LANGUAGE "Language", Forbidden, [] {
        "code": TEXT, "speechModel": TEXT, "transcriptionProvider": TEXT, "ttsProvider": TEXT,
        "voice": TEXT, "hints": TEXT, "asrSmartFormat": TEXT, "ttsTextNormalization": TEXT,
        "ttsLanguageTextNormalization": TEXT,
    }

    ASSISTANT "Assistant", Forbidden, [PARAMETER, LANGUAGE] {
        "id": TEXT, "language": TEXT, "ttsLanguage": TEXT, "transcriptionLanguage": TEXT,
        "ttsProvider": TEXT, "voice": TEXT, "transcriptionProvider": TEXT, "speechModel": TEXT,
        "profanityFilter": BOOL, "dtmfDetection": BOOL, "welcomeGreeting": TEXT,
        "partialPrompts": BOOL, "welcomeGreetingInterruptible": TEXT, "interruptible": TEXT,
        "preemptible": BOOL, "hints": TEXT, "intelligenceService": TEXT,
        "reportInputDuringAgentSpeech": BOOL, "elevenlabsTextNormalization": TEXT,
        "interruptSensitivity": TEXT, "debug": TEXT,
    }

    AI_SESSION "AiSession", Forbidden, [] {
        "aiConnector": TEXT, "aiSessionConfiguration": TEXT,
    }

    AUTOPILOT "Autopilot", Required, [] {}

    CONVERSATION "Conversation", Forbidden, [] {
        "inboundAutocreation": BOOL, "inboundTimeout": INT, "method": METHOD,
        "record": OneOf(DIAL_RECORD), "recordingStatusCallback": URL,
        "recordingStatusCallbackEvent": ListOf(RECORDING_EVENTS),
        "recordingStatusCallbackMethod": METHOD, "routingAssignmentTimeout": INT,
        "serviceInstanceSid": TEXT, "statusCallback": URL,
        "statusCallbackEvent": ListOf(CONVERSATION_EVENT), "statusCallbackMethod": METHOD,
        "trim": OneOf(TRIM), "url": URL,
    }

    CONVERSATION_RELAY_SESSION "ConversationRelaySession", Forbidden, [] {
        "connector": TEXT, "sessionConfiguration": TEXT,
    }

    ROOM "Room", Required, [] {
        "participantIdentity": TEXT, "statusCallback": URL, "mediaRegion": TEXT,
    }

    VIRTUAL_AGENT "VirtualAgent", Forbidden, [PARAMETER, CONFIG] {
        "connectorName": TEXT, "language": TEXT, "sentimentAnalysis": BOOL,
        "statusCallback": URL, "statusCallbackMethod": METHOD,
    }

    STREAM "Stream", Forbidden, [PARAMETER] {
        "audioFormat": TEXT, "connectorName": TEXT, "name": TEXT, "sampleRate": TEXT,
        "statusCallback": URL, "statusCallbackMethod": METHOD, "track": OneOf(TRACKS),
        "url": SOCKET_URL,
    }

    SIPREC "Siprec", Forbidden, [PARAMETER] {
        "connectorName": TEXT, "name": TEXT, "statusCallback": URL,
        "statusCallbackMethod": METHOD, "track": OneOf(TRACKS),
    }

    RECORDING "Recording", Forbidden, [] {
        "channels": OneOf(RECORDING_CHANNELS), "recordingConfigurationId": TEXT,
        "recordingStatusCallback": URL, "recordingStatusCallbackEvent": ListOf(RECORDING_EVENTS),
        "recordingStatusCallbackMethod": METHOD, "track": OneOf(RECORDING_TRACKS),
        "trim": OneOf(TRIM),
    }

    TRANSCRIPTION "Transcription", Forbidden, [PARAMETER, CONFIG] {
        "enableAutomaticPunctuation": BOOL, "hints": TEXT, "inboundTrackLabel": TEXT,
        "intelligenceService": TEXT, "languageCode": TEXT, "name": TEXT,
        "outboundTrackLabel": TEXT, "partialResults": BOOL, "profanityFilter": BOOL,
        "speechModel": TEXT, "statusCallbackMethod": METHOD, "statusCallbackUrl": URL,
        "track": OneOf(TRACKS), "transcriptionEngine": TEXT,
    }

    CONFIG "Config", Forbidden, [] {
        "name": TEXT, "value": TEXT,
    }

    PARAMETER "Parameter", Forbidden, [] {
        "name": TEXT, "value": TEXT,
    }
}
