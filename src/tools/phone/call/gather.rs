//! `Gather`: reads keys or speech of the caller, then requests its `action`.

use std::time::Duration;

use super::{PhoneCall, VerbFlow, prompt};
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::tools::phone::webhook_request::{CallbackAttributes, ParamList, param_list};
use crate::twiml::read::Element;

/// The callback for the first guess of the speech recognition.
const PARTIAL_RESULT: CallbackAttributes =
    CallbackAttributes { url: "partialResultCallback", method: "partialResultCallbackMethod" };

/// `Confidence` of the simulated speech recognition.
const CONFIDENCE: &str = "0.9";

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> VerbFlow {
    // The prompts are heard whole: the simulated caller never interrupts them.
    for prompt in verb.children() {
        prompt::enter(call, prompt);
    }
    let input = verb.attribute("input").unwrap_or("dtmf");
    let number = |name: &str| verb.attribute(name).and_then(|text| text.parse::<u64>().ok());
    let expected = ExpectedInput::Gather {
        keys: input.contains("dtmf"),
        speech: input.contains("speech"),
        num_digits: number("numDigits").map(|digits| digits as usize),
        // An empty attribute means that no key ends the input.
        finish_on_key: verb.attribute("finishOnKey").unwrap_or("#").chars().next(),
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
        (
            ExpectedInput::Gather { keys: true, num_digits, finish_on_key, .. },
            PhoneAction::Press(keys),
        ) => {
            let PressedKeys { digits, finished_on, rest } =
                split_keys(keys, *num_digits, *finish_on_key);
            if !rest.is_empty() {
                let message = format!("`{rest}` was pressed after the end of the input");
                call.events.push(PhoneEvent::Warning(CarrierAlert::without_code(message)));
            }
            let key = finished_on.map(String::from).unwrap_or_default();
            finish_input(call, verb, param_list([("Digits", digits), ("FinishedOnKey", key)]));
        }
        (ExpectedInput::Gather { speech: true, .. }, PhoneAction::Say(words)) => {
            let unstable = param_list([
                ("UnstableSpeechResult", words.clone()),
                ("SequenceNumber", "0".to_owned()),
            ]);
            call.post("Gather partial result", PARTIAL_RESULT, verb, unstable);
            let result = param_list([
                ("SpeechResult", words.clone()),
                ("Confidence", CONFIDENCE.to_owned()),
            ]);
            finish_input(call, verb, result);
        }
        // The carrier still listens: a shorter wait changes nothing.
        (ExpectedInput::Gather { timeout, .. }, PhoneAction::Wait(Some(time)))
            if time < timeout => {}
        (ExpectedInput::Gather { keys, .. }, PhoneAction::Wait(_)) => {
            // An empty result has the parameter of one kind of input: keys, if both are possible.
            let name = if *keys { "Digits" } else { "SpeechResult" };
            finish_input(call, verb, param_list([(name, String::new())]));
        }
        _ => return Err(ActionNotAccepted::new(action, &expected)),
    }
    Ok(())
}

/// Requests the `action` with an input. An empty input continues with the next verb, unless
/// `actionOnEmptyResult` is set.
fn finish_input(call: &mut PhoneCall, verb: &Element, input: ParamList) {
    let empty = input.first().is_none_or(|(_, value)| value.is_empty());
    let acts_on_empty = verb.attribute("actionOnEmptyResult") == Some("true");
    if empty && !acts_on_empty {
        call.continue_document();
    } else {
        call.request_action_or_document(verb, input);
    }
}

/// The keys of one `press`, split at the end of the input.
#[derive(Debug, PartialEq, Eq)]
struct PressedKeys<'a> {
    digits: String,
    /// The key that ended the input, if one did.
    finished_on: Option<char>,
    /// The keys after the end. The carrier ignores them.
    rest: &'a str,
}

fn split_keys(
    keys: &str,
    num_digits: Option<usize>,
    finish_on_key: Option<char>,
) -> PressedKeys<'_> {
    let mut digits = String::new();
    for (at, key) in keys.char_indices() {
        let rest = &keys[at + key.len_utf8()..];
        if Some(key) == finish_on_key {
            return PressedKeys { digits, finished_on: Some(key), rest };
        }
        digits.push(key);
        if Some(digits.len()) == num_digits {
            return PressedKeys { digits, finished_on: None, rest };
        }
    }
    PressedKeys { digits, finished_on: None, rest: "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_where_they_should() {
        let split = |digits: &str, finished_on, rest| PressedKeys {
            digits: digits.to_owned(),
            finished_on,
            rest,
        };
        assert_eq!(split_keys("12#3", None, Some('#')), split("12", Some('#'), "3"));
        assert_eq!(split_keys("123", Some(2), Some('#')), split("12", None, "3"));
        assert_eq!(split_keys("1*", None, Some('*')), split("1", Some('*'), ""));
        assert_eq!(split_keys("1#", Some(5), None), split("1#", None, ""));
        assert_eq!(split_keys("#", None, Some('#')), split("", Some('#'), ""));
    }
}
