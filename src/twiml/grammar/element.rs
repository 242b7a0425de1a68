//! The rule of one element: its text, its children, its attributes. The other files of this folder
//! fill these types with data.

use super::values::AttributeType;

/// The rule for an element of TwiML in its parent: `Sip` in `Dial` and `Sip` in `Refer` are two.
#[derive(Debug)]
pub struct ElementRule {
    /// The name as it is written in the document.
    pub tag: &'static str,
    /// The text that it holds.
    pub text: TextContent,
    /// The elements that it may contain, the usual ones first: they are searched in this order.
    pub children: &'static [&'static ElementRule],
    /// The attributes that it may have.
    pub attributes: &'static [AttributeRule],
}

/// The rule for an attribute.
#[derive(Debug)]
pub struct AttributeRule {
    /// The name as it is written in the document.
    pub name: &'static str,
    /// The values that it accepts.
    pub value: AttributeType,
}

/// The text in the content model of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextContent {
    /// None but white space.
    Forbidden,
    /// Any, or none.
    Optional,
    /// Any but none.
    Required,
    /// Any, or none, but no more than so many characters.
    UpTo(usize),
    /// A URL. An empty text is the current document (`Redirect`), or an attribute says what to play
    /// (`Play`).
    Url,
}

impl ElementRule {
    /// The rule for a child of this name.
    pub fn child(&self, tag: &str) -> Option<&'static ElementRule> {
        self.children.iter().copied().find(|child| child.tag == tag)
    }

    /// The rule for an attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&'static AttributeRule> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// Declares rules: `NAME "tag", text, [CHILDREN] { "attribute": value, … }`.
macro_rules! declare {
    ($($name:ident $tag:literal, $text:expr, [$($child:ident),*]
        { $($attribute:literal: $value:expr),* $(,)? })*) => {$(
        pub(super) static $name: super::element::ElementRule = super::element::ElementRule {
            tag: $tag,
            text: $text,
            children: &[$(&$child),*],
            attributes: &[$(super::element::AttributeRule { name: $attribute, value: $value }),*],
        };
    )*};
}
pub(super) use declare;
