//! The grammar of TwiML as static data: which element may stand where, with which attributes.
//!
//! It is the grammar of Twilio's own libraries: twilio-node 6.2, with what the Java, Python, Ruby
//! and Go libraries know besides, and a few words that only Twilio's examples have. A carrier does
//! not refuse what is outside of it: it warns (12200) and leaves that part out. So do we: that is
//! what a [`crate::twiml::Finding`] is.

mod codes;
mod connect;
mod dial;
mod message;
mod ssml;
mod values;
mod voice;

pub use codes::{nesting_code, value_code};
pub use values::Value;

use crate::channel::Channel;

/// An element of TwiML at its place: `Sip` in `Dial` and `Sip` in `Refer` are two.
#[derive(Debug)]
pub struct Element {
    /// The name as it is written in the document.
    pub tag: &'static str,
    /// What text it holds.
    pub text: Text,
    /// The elements that may stand in it, the usual ones first: they are searched in this order.
    pub children: &'static [&'static Element],
    /// The attributes that it may have.
    pub attributes: &'static [Attribute],
}

/// An attribute of an element.
#[derive(Debug)]
pub struct Attribute {
    /// The name as it is written in the document.
    pub name: &'static str,
    /// Which values it takes.
    pub value: Value,
}

/// What text an element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// None but white space.
    None,
    /// Any, or none.
    Some,
    /// Any but none.
    Required,
    /// Any, or none, but no more than so many characters.
    UpTo(usize),
    /// A URL. None means the current document (`Redirect`), or that an attribute says what is
    /// played (`Play`).
    Address,
}

impl Element {
    /// The element of this name that may stand in this one.
    pub fn child(&self, tag: &str) -> Option<&'static Element> {
        self.children.iter().copied().find(|child| child.tag == tag)
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// The `Response` of a channel, in which everything else stands.
pub fn root(channel: Channel) -> &'static Element {
    match channel {
        Channel::Voice => &voice::RESPONSE,
        Channel::Message => &message::RESPONSE,
    }
}

/// Every element of a channel, each once, `Response` first. It walks the whole grammar: for
/// messages about mistakes and for tests, not for the hot path.
pub fn elements(channel: Channel) -> Vec<&'static Element> {
    let mut found = vec![root(channel)];
    let mut next = 0;
    while let Some(element) = found.get(next).copied() {
        for child in element.children {
            if !found.iter().any(|known| std::ptr::eq(*known, *child)) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

/// Declares elements: `NAME "tag", text, [CHILDREN] { "attribute": value, … }`.
macro_rules! declare {
    ($($name:ident $tag:literal, $text:expr, [$($child:ident),*]
        { $($attribute:literal: $value:expr),* $(,)? })*) => {$(
        pub(super) static $name: super::Element = super::Element {
            tag: $tag,
            text: $text,
            children: &[$(&$child),*],
            attributes: &[$(super::Attribute { name: $attribute, value: $value }),*],
        };
    )*};
}
use declare;

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
