//! The codes under which Twilio's debugger reports findings.
//!
//! Where Twilio has no code of its own for an attribute, it is 12200, the schema's warning.

/// The schema's warning: an element, attribute or text that the grammar does not have.
pub(in crate::twiml) const SCHEMA_WARNING: u32 = 12200;

/// The code for an element that is not allowed in `parent`.
pub(in crate::twiml) fn nesting_code(parent: &str) -> u32 {
    match parent {
        "Dial" => 13215,
        "Gather" => 13320,
        "Start" => 14300,
        _ => SCHEMA_WARNING,
    }
}

/// The code for a bad value of an attribute. An empty attribute name means the text.
pub(in crate::twiml) fn value_code(element: &str, attribute: &str) -> u32 {
    let codes: &[(&str, u32)] = match element {
        "Conference" => CONFERENCE,
        "Dial" => DIAL,
        "Enqueue" => ENQUEUE,
        "Gather" => GATHER,
        "Message" => MESSAGE,
        "Number" => &[("", 13223), ("method", 13221), ("sendDigits", 13222)],
        "Pause" => &[("length", 13910)],
        "Play" => &[("", 11100), ("digits", 13430), ("loop", 13410)],
        "Queue" => &[("", 14212), ("method", 14210), ("url", 14211)],
        "Record" => RECORD,
        "Redirect" => &[("", 11100), ("method", 13710)],
        "Reject" => &[("reason", 13810)],
        "Say" => &[("loop", 13510), ("voice", 13511)],
        "Sms" => &[("", 14103), ("method", 14104), ("statusCallback", 14105)],
        "Sip" => &[("", 13243), ("method", 13241)],
        "Body" => &[("", 21617)],
        "Media" => &[("", 11100)],
        _ => &[],
    };
    // A linear search: at most a dozen entries, and only for findings.
    codes.iter().find(|(name, _)| *name == attribute).map_or(SCHEMA_WARNING, |(_, code)| *code)
}

const CONFERENCE: &[(&str, u32)] = &[
    ("", 13237),
    ("beep", 13235),
    ("endConferenceOnExit", 13231),
    ("muted", 13230),
    ("startConferenceOnEnter", 13232),
    ("trim", 13239),
    ("waitMethod", 13234),
    ("waitUrl", 13233),
];

const DIAL: &[(&str, u32)] = &[
    ("answerOnBridge", 13219),
    ("hangupOnStar", 13213),
    ("method", 13210),
    ("record", 13217),
    ("recordingStatusCallback", 13256),
    ("sequential", 13218),
    ("timeLimit", 13216),
    ("timeout", 13212),
];

const ENQUEUE: &[(&str, u32)] = &[
    ("", 14205),
    ("action", 14203),
    ("method", 14201),
    ("waitUrl", 14202),
    ("waitUrlMethod", 14206),
];

const GATHER: &[(&str, u32)] = &[
    ("actionOnEmptyResult", 13338),
    ("bargeIn", 13332),
    ("finishOnKey", 13310),
    ("input", 13326),
    ("maxSpeechTime", 13328),
    ("method", 13312),
    ("numDigits", 13314),
    ("partialResultCallbackMethod", 13329),
    ("profanityFilter", 13333),
    ("speechTimeout", 13327),
    ("timeout", 13313),
];

const MESSAGE: &[(&str, u32)] = &[("", 21617), ("method", 14104), ("statusCallback", 14105)];

const RECORD: &[(&str, u32)] = &[
    ("maxLength", 13612),
    ("method", 13610),
    ("playBeep", 13616),
    ("recordingStatusCallbackEvent", 13621),
    ("timeout", 13611),
    ("transcribe", 13614),
    ("transcribeCallback", 13257),
    ("trim", 13699),
];
