//! The finding for an element that its parent does not take.

use super::error::abbreviate;
use crate::channel::Channel;
use crate::diagnostics::suggest::did_you_mean;
use crate::twiml::finding::FindingText;
use crate::twiml::grammar::{ElementRule, elements, nesting_code, root};

/// A verb of calls in the answer to a message.
const WRONG_VERB: u32 = 14110;

/// What to report of `name`, which `parent` does not take.
pub(super) fn misplaced_element(channel: Channel, parent: &ElementRule, name: &str) -> FindingText {
    let name = &*abbreviate(name);
    if let Some(text) = element_of_other_channel(channel, parent, name) {
        return text;
    }
    let code = nesting_code(parent.tag);
    let parents = parents_of(channel, name);
    if !parents.is_empty() {
        let message = format!("`<{name}>` is not allowed in `<{}>`", parent.tag);
        return FindingText::new(code, message).with_help(format!("it belongs in {parents}"));
    }
    // A child of the same parent is the likelier intention, however near another name is.
    let help = did_you_mean(name, parent.children.iter().map(|child| child.tag))
        .or_else(|| did_you_mean(name, elements(channel).iter().map(|element| element.tag)));
    // A name that resembles none may be an element that the carrier has added.
    let is_mistake = help.is_some();
    FindingText::new(code, format!("`<{name}>` is not an element of TwiML"))
        .with_help(help.unwrap_or_default())
        .with_mistake(is_mistake)
}

/// What to report of an element that only the documents of the other channel have.
fn element_of_other_channel(
    channel: Channel,
    parent: &ElementRule,
    name: &str,
) -> Option<FindingText> {
    let knows = |channel| elements(channel).iter().any(|element| element.tag == name);
    let is_verb = std::ptr::eq(parent, root(channel));
    let (other, code) = match channel {
        // The former name of `Message`: Twilio still sends it, so this is advice without a code.
        Channel::Message if is_verb && name == "Sms" => {
            let text = FindingText::new(None, "`<Sms>` is the old name of `<Message>`");
            return Some(text.with_help("write `<Message>`"));
        }
        Channel::Message if is_verb => (Channel::Voice, WRONG_VERB),
        Channel::Message => (Channel::Voice, nesting_code(parent.tag)),
        Channel::Voice => (Channel::Message, nesting_code(parent.tag)),
    };
    // In its own channel, or in none, it is misplaced or mistyped.
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
    let text = FindingText::new(code, format!("`<{name}>` {message}"));
    Some(text.with_help(help).with_mistake(true))
}

/// The elements that take `name`, for a sentence; empty where there are none.
fn parents_of(channel: Channel, name: &str) -> String {
    /// Elements named in the message: nearly all elements of SSML take each other.
    const PARENTS_MAX: usize = 3;
    let mut text = String::new();
    let parents = elements(channel).into_iter().filter(|parent| parent.child(name).is_some());
    for parent in parents.take(PARENTS_MAX) {
        if !text.is_empty() {
            text.push_str(" or ");
        }
        text.push_str(&format!("`<{}>`", parent.tag));
    }
    text
}
