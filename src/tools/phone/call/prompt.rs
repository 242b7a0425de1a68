//! What is said, played and shown, and goes on by itself: `Say`, `Play`, `Pause`, `Sms`, `Start`,
//! `Stop`.

use std::time::Duration;

use super::{Going, PhoneCall, fields};
use crate::limits::PHONE_WAIT_MAX;
use crate::random;
use crate::tools::phone::alert::CarrierAlert;
use crate::tools::phone::event::PhoneEvent;
use crate::tools::phone::twiml_document::spoken;
use crate::twiml::read::Element;
use crate::uri::resolve;

/// `Say`, `Play` or `Pause`, on their own or as the prompt of another verb.
pub(super) fn enter(call: &mut PhoneCall, verb: &Element) {
    let heard = match verb.name.as_str() {
        "Say" => say(verb),
        "Play" => match verb.attribute("digits") {
            Some(digits) => PhoneEvent::Tones(digits.to_owned()),
            None => PhoneEvent::Play(resolve(&call.document.url, verb.text().trim())),
        },
        "Pause" => {
            let seconds = verb.attribute("length").and_then(|length| length.parse().ok());
            let pause = Duration::from_secs(seconds.unwrap_or(1)).min(PHONE_WAIT_MAX);
            call.paused += pause;
            PhoneEvent::Pause(pause)
        }
        _ => return,
    };
    let nothing = matches!(&heard, PhoneEvent::Say { text, .. } if text.is_empty());
    call.heard.push(match nothing {
        true => PhoneEvent::Warning(CarrierAlert::new(13520, "`<Say>` says nothing")),
        false => heard,
    });
}

fn say(verb: &Element) -> PhoneEvent {
    let attribute = |name: &str| verb.attribute(name).map(str::to_owned);
    PhoneEvent::Say {
        text: spoken(&verb.text()),
        language: attribute("language"),
        voice: attribute("voice"),
    }
}

/// A message in the middle of a call. With an `action`, what that answers follows.
pub(super) fn sms(call: &mut PhoneCall, verb: &Element) -> Going {
    let attribute = |name: &str| verb.attribute(name).map(str::to_owned);
    let body = verb.text().trim().to_owned();
    call.heard.push(PhoneEvent::Message {
        from: attribute("from"),
        to: attribute("to"),
        body,
        media: Vec::new(),
    });
    let sid = random::sid("SM");
    let sent = |status: &str| fields([("SmsSid", sid.clone()), ("SmsStatus", status.to_owned())]);
    call.tell("Sms status callback", ("statusCallback", ""), verb, sent("sent"));
    match verb.attribute("action") {
        Some(action) => call.ask("Sms action", action, verb, sent("sent")),
        None => Going::On,
    }
}

/// Something that runs beside the call: it is shown, and the call goes on.
pub(super) fn shown(call: &mut PhoneCall, verb: &Element) {
    let name = if verb.name == "Start" { "Start" } else { "Stop" };
    for noun in verb.children() {
        call.does(name, described(noun));
    }
}

/// A noun in a few words: its name, and where it leads.
pub(super) fn described(noun: &Element) -> String {
    let text = spoken(&noun.text());
    let known = ["url", "connectorName", "name", "sid"];
    let place = known.iter().find_map(|name| noun.attribute(name));
    match (place, text.is_empty()) {
        (Some(place), _) => format!("{} {place}", noun.name),
        (None, false) => format!("{} {text}", noun.name),
        (None, true) => noun.name.clone(),
    }
}
