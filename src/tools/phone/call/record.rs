//! `Record`: what the caller says is kept, and the `action` is told where.

use std::time::Duration;

use super::{Going, ParamList, PhoneCall, fields};
use crate::random;
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::twiml::read::Element;

/// Words that a person speaks in a second, about.
const WORDS_PER_SECOND: usize = 2;

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> Going {
    let number = |name: &str| verb.attribute(name).and_then(|text| text.parse::<u64>().ok());
    let longest = number("maxLength").unwrap_or(3_600);
    call.does("Record", format!("at most {longest} s"));
    let awaits = ExpectedInput::Recording {
        finish_on_key: verb.attribute("finishOnKey").unwrap_or("1234567890*#").to_owned(),
        timeout: Duration::from_secs(number("timeout").unwrap_or(5)),
    };
    call.wait(awaits, verb)
}

pub(super) fn act(
    call: &mut PhoneCall,
    verb: &Element,
    act: &PhoneAction,
) -> Result<(), ActionNotAccepted> {
    let awaits = call.awaits();
    match (&awaits, act) {
        (_, PhoneAction::Say(words)) => {
            let seconds = words.split_whitespace().count().div_ceil(WORDS_PER_SECOND);
            let recording = recorded(call, verb, seconds, "");
            transcribed(call, verb, &recording, words);
            call.own_action(verb, recording);
        }
        (ExpectedInput::Recording { finish_on_key, .. }, PhoneAction::Press(keys)) => {
            let Some(key) = keys.chars().find(|key| finish_on_key.contains(*key)) else {
                return Err(ActionNotAccepted::new(act, &awaits));
            };
            let recording = recorded(call, verb, 1, &key.to_string());
            call.own_action(verb, recording);
        }
        (ExpectedInput::Recording { timeout, .. }, PhoneAction::Wait(Some(time)))
            if time < timeout => {}
        // An empty recording is none: the next verb follows.
        (_, PhoneAction::Wait(_)) => call.go_on(),
        _ => return Err(ActionNotAccepted::new(act, &awaits)),
    }
    Ok(())
}

/// The caller hung up: that ends a recording, and the action is told; what it answers is not
/// carried out.
pub(super) fn hung_up(call: &mut PhoneCall, verb: &Element) {
    let recording = recorded(call, verb, 1, "hangup");
    let action = verb.attribute("action").unwrap_or_default();
    let request = call.request("Record action", action, "method", verb);
    call.told.push_back(request.with(recording).told());
}

/// The parameters of a recording; whoever wants to know of it is told.
fn recorded(call: &mut PhoneCall, verb: &Element, seconds: usize, digits: &str) -> ParamList {
    let sid = random::sid("RE");
    let account = &call.caller.account;
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{sid}");
    let made = [("RecordingSid", sid), ("RecordingUrl", url)];
    let told = made.clone().into_iter().chain([
        ("RecordingStatus", "completed".to_owned()),
        ("RecordingDuration", seconds.to_string()),
        ("RecordingChannels", "1".to_owned()),
        ("RecordingSource", "RecordVerb".to_owned()),
        ("ErrorCode", "0".to_owned()),
    ]);
    let told = told.map(|(name, value)| (name.to_owned(), value)).collect();
    let callback = ("recordingStatusCallback", "recordingStatusCallbackMethod");
    call.tell("recording status callback", callback, verb, told);
    let more = [("RecordingDuration", seconds.to_string()), ("Digits", digits.to_owned())];
    made.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Tells the transcription, where one is wanted.
fn transcribed(call: &mut PhoneCall, verb: &Element, recording: &ParamList, words: &str) {
    let mut told = fields([
        ("TranscriptionSid", random::sid("TR")),
        ("TranscriptionText", words.to_owned()),
        ("TranscriptionStatus", "completed".to_owned()),
    ]);
    told.extend(recording.iter().filter(|(name, _)| name.starts_with("RecordingS")).cloned());
    told.extend(recording.iter().filter(|(name, _)| name == "RecordingUrl").cloned());
    call.tell("transcription callback", ("transcribeCallback", ""), verb, told);
}
