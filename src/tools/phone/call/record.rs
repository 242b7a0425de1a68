//! `Record`: records the caller, then posts the URL of the recording to the `action`.

use std::time::Duration;

use super::{PhoneCall, VerbFlow};
use crate::random;
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::tools::phone::webhook_request::{CallbackAttributes, ParamList, param_list};
use crate::twiml::read::Element;

/// Words per second of an average speaker, for the length of a recording.
const WORDS_PER_SECOND: usize = 2;

const RECORDING_STATUS: CallbackAttributes =
    CallbackAttributes { url: "recordingStatusCallback", method: "recordingStatusCallbackMethod" };

const TRANSCRIPTION: CallbackAttributes =
    CallbackAttributes { url: "transcribeCallback", method: "" };

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> VerbFlow {
    let number = |name: &str| verb.attribute(name).and_then(|text| text.parse::<u64>().ok());
    let longest = number("maxLength").unwrap_or(3_600);
    call.push_step("Record", format!("at most {longest} s"));
    let expected = ExpectedInput::Recording {
        finish_on_key: verb.attribute("finishOnKey").unwrap_or("1234567890*#").to_owned(),
        timeout: Duration::from_secs(number("timeout").unwrap_or(5)),
    };
    call.wait(expected, verb)
}

pub(super) fn perform(
    call: &mut PhoneCall,
    verb: &Element,
    action: &PhoneAction,
) -> Result<(), ActionNotAccepted> {
    let expected = call.expected_input();
    match (&expected, action) {
        (_, PhoneAction::Say(words)) => {
            let seconds = words.split_whitespace().count().div_ceil(WORDS_PER_SECOND);
            // Before the action: the carrier posts the status as soon as the recording ends.
            let recording = recording_params(call, verb, seconds, "");
            post_transcription(call, verb, &recording, words);
            call.request_action_or_document(verb, recording);
        }
        (ExpectedInput::Recording { finish_on_key, .. }, PhoneAction::Press(keys)) => {
            let Some(key) = keys.chars().find(|key| finish_on_key.contains(*key)) else {
                return Err(ActionNotAccepted::new(action, &expected));
            };
            let recording = recording_params(call, verb, 1, &key.to_string());
            call.request_action_or_document(verb, recording);
        }
        (ExpectedInput::Recording { timeout, .. }, PhoneAction::Wait(Some(time)))
            // The carrier still records: a shorter wait changes nothing.
            if time < timeout => {}
        // The carrier discards an empty recording: the next verb follows.
        (_, PhoneAction::Wait(_)) => call.continue_document(),
        _ => return Err(ActionNotAccepted::new(action, &expected)),
    }
    Ok(())
}

/// Posts the recording to the `action` after a hang-up. The carrier ignores the response.
pub(super) fn on_hang_up(call: &mut PhoneCall, verb: &Element) {
    let recording = recording_params(call, verb, 1, "hangup");
    let action = verb.attribute("action").unwrap_or_default();
    let request = call.build_request("Record action", action, "method", verb);
    call.callbacks.push_back(request.with_params(recording).into_callback());
}

/// The parameters of a recording. Also posts its status, if the verb has a callback for it.
fn recording_params(
    call: &mut PhoneCall,
    verb: &Element,
    seconds: usize,
    digits: &str,
) -> ParamList {
    let sid = random::sid("RE");
    let account = &call.caller.account;
    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{sid}");
    let identity = [("RecordingSid", sid), ("RecordingUrl", url)];
    let status = identity.clone().into_iter().chain([
        ("RecordingStatus", "completed".to_owned()),
        ("RecordingDuration", seconds.to_string()),
        ("RecordingChannels", "1".to_owned()),
        ("RecordingSource", "RecordVerb".to_owned()),
        ("ErrorCode", "0".to_owned()),
    ]);
    let status = status.map(|(name, value)| (name.to_owned(), value)).collect();
    call.post("recording status callback", RECORDING_STATUS, verb, status);
    let more = [("RecordingDuration", seconds.to_string()), ("Digits", digits.to_owned())];
    identity.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Posts the transcription, if the verb has a callback for it.
fn post_transcription(call: &mut PhoneCall, verb: &Element, recording: &ParamList, words: &str) {
    let mut params = param_list([
        ("TranscriptionSid", random::sid("TR")),
        ("TranscriptionText", words.to_owned()),
        ("TranscriptionStatus", "completed".to_owned()),
    ]);
    // Only what identifies the recording, without its length and its keys.
    params.extend(recording.iter().filter(|(name, _)| name.starts_with("RecordingS")).cloned());
    params.extend(recording.iter().filter(|(name, _)| name == "RecordingUrl").cloned());
    call.post("transcription callback", TRANSCRIPTION, verb, params);
}
