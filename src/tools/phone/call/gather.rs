//! `Gather`: keys or words of the caller, and then its `action`.

use std::time::Duration;

use super::{Going, ParamList, PhoneCall, fields, prompt};
use crate::tools::phone::action::PhoneAction;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::expected_input::{ActionNotAccepted, ExpectedInput};
use crate::twiml::read::Element;

/// What speech recognition says how sure it is.
const CONFIDENCE: &str = "0.9";

pub(super) fn enter(call: &mut PhoneCall, verb: &Element) -> Going {
    for prompt in verb.children() {
        prompt::enter(call, prompt);
    }
    let input = verb.attribute("input").unwrap_or("dtmf");
    let number = |name: &str| verb.attribute(name).and_then(|text| text.parse::<u64>().ok());
    let awaits = ExpectedInput::Gather {
        keys: input.contains("dtmf"),
        speech: input.contains("speech"),
        num_digits: number("numDigits").map(|digits| digits as usize),
        finish_on_key: verb.attribute("finishOnKey").unwrap_or("#").chars().next(),
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
        (
            ExpectedInput::Gather { keys: true, num_digits, finish_on_key, .. },
            PhoneAction::Press(keys),
        ) => {
            let (digits, finished, rest) = pressed(keys, *num_digits, *finish_on_key);
            if !rest.is_empty() {
                let message = format!("`{rest}` was pressed when nobody listened any more");
                call.heard.push(PhoneEvent::Warning(CarrierAlert::uncoded(message)));
            }
            let finished = finished.map(String::from).unwrap_or_default();
            input(call, verb, fields([("Digits", digits), ("FinishedOnKey", finished)]));
        }
        (ExpectedInput::Gather { speech: true, .. }, PhoneAction::Say(words)) => {
            let partial = ("partialResultCallback", "partialResultCallbackMethod");
            let unstable = fields([
                ("UnstableSpeechResult", words.clone()),
                ("SequenceNumber", "0".to_owned()),
            ]);
            call.tell("Gather partial result", partial, verb, unstable);
            let result =
                fields([("SpeechResult", words.clone()), ("Confidence", CONFIDENCE.to_owned())]);
            input(call, verb, result);
        }
        (ExpectedInput::Gather { timeout, .. }, PhoneAction::Wait(Some(time)))
            if time < timeout => {}
        (ExpectedInput::Gather { keys, .. }, PhoneAction::Wait(_)) => {
            let name = if *keys { "Digits" } else { "SpeechResult" };
            input(call, verb, fields([(name, String::new())]));
        }
        _ => return Err(ActionNotAccepted::new(act, &awaits)),
    }
    Ok(())
}

/// Goes on with what was put in. Nothing at all falls through to the next verb, unless
/// `actionOnEmptyResult` says otherwise.
fn input(call: &mut PhoneCall, verb: &Element, input: ParamList) {
    let empty = input.first().is_none_or(|(_, value)| value.is_empty());
    let asks = verb.attribute("actionOnEmptyResult") == Some("true");
    match empty && !asks {
        true => call.go_on(),
        false => call.own_action(verb, input),
    }
}

/// The digits of what was pressed, the key that ended them, and what was pressed after the end.
fn pressed(
    keys: &str,
    num_digits: Option<usize>,
    finish_on_key: Option<char>,
) -> (String, Option<char>, &str) {
    let mut digits = String::new();
    for (at, key) in keys.char_indices() {
        let rest = &keys[at + key.len_utf8()..];
        if Some(key) == finish_on_key {
            return (digits, Some(key), rest);
        }
        digits.push(key);
        if Some(digits.len()) == num_digits {
            return (digits, None, rest);
        }
    }
    (digits, None, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_where_they_should() {
        let digits = |text: &str| text.to_owned();
        assert_eq!(pressed("12#3", None, Some('#')), (digits("12"), Some('#'), "3"));
        assert_eq!(pressed("123", Some(2), Some('#')), (digits("12"), None, "3"));
        assert_eq!(pressed("1*", None, Some('*')), (digits("1"), Some('*'), ""));
        assert_eq!(pressed("1#", Some(5), None), (digits("1#"), None, ""));
        assert_eq!(pressed("#", None, Some('#')), (digits(""), Some('#'), ""));
    }
}
