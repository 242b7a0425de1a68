//! Verbs that need no input: `Say`, `Play`, `Pause`, `Sms`, `Start`, `Stop`.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{PhoneCall, VerbFlow};
use crate::limits::PHONE_WAIT_MAX;
use crate::random;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::webhook_request::{CallbackAttributes, param_list};
use crate::tools::text::collapse_whitespace;
use crate::twiml::read::Element;
use crate::uri::resolve;

const SMS_STATUS: CallbackAttributes = CallbackAttributes { url: "statusCallback", method: "" };

/// `Say`, `Play` or `Pause`, on their own or as the prompt of another verb.
pub(super) fn enter(call: &mut PhoneCall, verb: &Element) {
    let event = match verb.name.as_str() {
        "Say" => say(verb),
        "Play" => match verb.attribute("digits") {
            Some(digits) => PhoneEvent::Tones(digits.to_owned()),
            None => PhoneEvent::Play(resolve(&call.document.url, verb.text().trim())),
        },
        "Pause" => {
            let seconds = verb.attribute("length").and_then(|length| length.parse().ok());
            // An application may ask for any length; simulated clocks have an end.
            let pause = Duration::from_secs(seconds.unwrap_or(1)).min(PHONE_WAIT_MAX);
            call.pause_total += pause;
            PhoneEvent::Pause(pause)
        }
        _ => return,
    };
    let is_empty = matches!(&event, PhoneEvent::Say { text, .. } if text.is_empty());
    call.events.push(if is_empty {
        PhoneEvent::Warning(CarrierAlert::new(13520, "`<Say>` is empty"))
    } else {
        event
    });
}

fn say(verb: &Element) -> PhoneEvent {
    let attribute = |name: &str| verb.attribute(name).map(str::to_owned);
    PhoneEvent::Say {
        text: collapse_whitespace(&verb.text()),
        language: attribute("language"),
        voice: attribute("voice"),
    }
}

/// A message within a call. With an `action`, its document is the next one.
pub(super) fn sms(call: &mut PhoneCall, verb: &Element) -> VerbFlow {
    let attribute = |name: &str| verb.attribute(name).map(str::to_owned);
    let body = verb.text().trim().to_owned();
    call.events.push(PhoneEvent::Message {
        from: attribute("from"),
        to: attribute("to"),
        body,
        media: Vec::new(),
    });
    let sid = random::sid("SM");
    let sent =
        |status: &str| param_list([("SmsSid", sid.clone()), ("SmsStatus", status.to_owned())]);
    call.post("Sms status callback", SMS_STATUS, verb, sent("sent"));
    match verb.attribute("action") {
        Some(action) => {
            call.request_document("Sms action", action, verb, sent("sent"));
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    }
}

/// Shows the nouns of a verb that runs beside the call.
pub(super) fn show_nouns(call: &mut PhoneCall, verb: &Element) {
    let name = if verb.name == "Start" { "Start" } else { "Stop" };
    for noun in verb.children() {
        call.push_step(name, describe_noun(noun));
    }
}

/// A noun in a few words: its name and its target.
pub(super) fn describe_noun(noun: &Element) -> String {
    let text = collapse_whitespace(&noun.text());
    let targets = ["url", "connectorName", "name", "sid"];
    let target = targets.iter().find_map(|name| noun.attribute(name));
    match (target, text.is_empty()) {
        (Some(target), _) => format!("{} {target}", noun.name),
        (None, false) => format!("{} {text}", noun.name),
        (None, true) => noun.name.clone(),
    }
}
