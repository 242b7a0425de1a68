//! What to say about an element that may not stand where it stands.

use super::error::shown;
use crate::channel::Channel;
use crate::diagnostics::suggest::did_you_mean;
use crate::twiml::grammar::{Element, elements, nesting_code, root};

/// A verb of calls in the answer to a message.
const WRONG_VERB: u32 = 14110;

/// A code, if Twilio has one, with the message and the help.
type Told = (Option<u32>, (String, String));

/// What to say of `name`, which `parent` does not take.
pub(super) fn told(channel: Channel, parent: &Element, name: &str) -> Told {
    let name = &*shown(name);
    if let Some(told) = of_other_channel(channel, parent, name) {
        return told;
    }
    let homes = homes(channel, name);
    if !homes.is_empty() {
        let message = format!("`<{name}>` may not stand in `<{}>`", parent.tag);
        return (Some(nesting_code(parent.tag)), (message, format!("it belongs in {homes}")));
    }
    let message = format!("`<{name}>` is no element of TwiML");
    // An element that fits here is likelier than a nearer one that belongs elsewhere.
    let help = did_you_mean(name, parent.children.iter().map(|child| child.tag))
        .or_else(|| did_you_mean(name, elements(channel).iter().map(|element| element.tag)));
    (Some(nesting_code(parent.tag)), (message, help.unwrap_or_default()))
}

/// What to say of an element that only the documents of the other channel have.
fn of_other_channel(channel: Channel, parent: &Element, name: &str) -> Option<Told> {
    let knows = |channel| elements(channel).iter().any(|element| element.tag == name);
    let is_verb = std::ptr::eq(parent, root(channel));
    let (other, code) = match channel {
        // What `Message` was called once; answers from then are still about, and still sent.
        Channel::Message if is_verb && name == "Sms" => {
            let message = "`<Sms>` is the old name of `<Message>`".to_owned();
            return Some((None, (message, "write `<Message>`".to_owned())));
        }
        Channel::Message if is_verb => (Channel::Voice, WRONG_VERB),
        Channel::Message => (Channel::Voice, nesting_code(parent.tag)),
        Channel::Voice => (Channel::Message, nesting_code(parent.tag)),
    };
    if knows(channel) || !knows(other) {
        return None;
    }
    let (message, help) = match channel {
        Channel::Message => {
            ("is for calls, and this answers a message", "to reply, use `<Message>`")
        }
        Channel::Voice => {
            ("is for replies to messages, and this is a call", "to send one, use `<Sms>`")
        }
    };
    Some((Some(code), (format!("`<{name}>` {message}"), help.to_owned())))
}

/// The elements in which `name` may stand, for a sentence; empty where there are none.
fn homes(channel: Channel, name: &str) -> String {
    /// So many tell where it belongs; SSML may stand in nearly all of its own.
    const NAMED: usize = 3;
    let mut homes = String::new();
    let parents = elements(channel).into_iter().filter(|parent| parent.child(name).is_some());
    for parent in parents.take(NAMED) {
        if !homes.is_empty() {
            homes.push_str(" or ");
        }
        homes.push_str(&format!("`<{}>`", parent.tag));
    }
    homes
}
