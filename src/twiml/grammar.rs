//! The grammar of TwiML as static data: the content model and the attributes of each element.
//!
//! It is the grammar of Twilio's own libraries: twilio-node 6.2, with what the Java, Python, Ruby
//! and Go libraries add, and a few words that only Twilio's examples have. A carrier does not
//! refuse what is outside of it: it warns (12200) and leaves that part out. So does the gateway: it
//! reports a [`Finding`](crate::twiml::Finding).
//!
//! `element` and `values` hold the types, `codes` Twilio's numbers, the other files are data only.
//! Nothing here reads a document.

mod codes;
mod connect;
mod dial;
mod element;
mod message;
mod ssml;
mod values;
mod voice;

pub(super) use codes::{SCHEMA_WARNING, nesting_code, value_code};
pub use element::{AttributeRule, ElementRule, TextContent};
pub use values::AttributeType;

use crate::channel::Channel;

/// The rule of a channel's `Response`, the root of its documents.
pub fn root(channel: Channel) -> &'static ElementRule {
    match channel {
        Channel::Voice => &voice::RESPONSE,
        Channel::Message => &message::RESPONSE,
    }
}

/// The rules of all elements of a channel, each once, `Response` first. Walks the whole grammar:
/// for messages about mistakes and for tests, not for the hot path.
pub fn elements(channel: Channel) -> Vec<&'static ElementRule> {
    let mut found = vec![root(channel)];
    let mut next = 0;
    while let Some(element) = found.get(next).copied() {
        for child in element.children {
            // By address, since two elements may have one name; a rule may contain itself.
            if !found.iter().any(|known| std::ptr::eq(*known, *child)) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_nested() {
        let gather = root(Channel::Voice).child("Gather").unwrap();
        assert!(gather.child("Say").unwrap().child("say-as").is_some());
        assert!(gather.child("Dial").is_none() && gather.attribute("numDigits").is_some());
        assert_eq!(elements(Channel::Voice).len(), 60);
        assert_eq!(elements(Channel::Message).len(), 5);
    }
}
