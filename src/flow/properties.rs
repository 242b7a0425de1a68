//! The properties of widgets: the table entries of a type, and the compiled values of one widget.

use std::sync::Arc;

use crate::config;
use crate::liquid::Template;

/// A property of a type of widget.
#[derive(Debug)]
pub struct Property {
    /// The name in Studio's JSON.
    pub name: &'static str,
    /// The kind of its value.
    pub kind: PropertyKind,
    /// Whether a widget without the property is an error.
    pub required: bool,
}

/// The kind of a property's value. Every value except a list may be Liquid; one without markup is
/// checked when the flow is loaded. As in Studio's exports, a number may be in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// A text.
    Text,
    /// A text that is spoken: speech markup of the author stays markup.
    Speech,
    /// A whole number within these bounds, both included.
    Integer(u32, u32),
    /// `true` or `false`.
    Flag,
    /// One of these values, in any case of letters.
    Choice(&'static [&'static str]),
    /// A list of `{key, value}`.
    Pairs,
    /// A list of `{key, value, type}`, where the type is `string` or `json_object`.
    Variables,
    /// Any JSON, compiled as its text.
    Json,
    /// A URL that the carrier is given. `[[rewrite]]` applies to it.
    Url,
    /// A sid with these letters in front, to which `[[rewrite]]` applies.
    Sid(&'static str),
    /// The name of something at the carrier, such as a queue. `[[rewrite]]` applies to it.
    Name,
    /// The URL that the widget calls.
    Callee,
    /// The name of a template file.
    Document,
    /// The sid of a flow that the widget runs as a subflow.
    Subflow,
    /// A value that only Studio's editor or Twilio's servers use.
    Ignored,
}

/// The compiled properties of one widget.
#[derive(Debug, Default)]
pub struct Properties {
    /// The properties with one text.
    pub texts: Vec<(&'static str, Template)>,
    /// Those of them with Liquid to whose rendered texts `[[rewrite]]` applies: URLs, sids, names.
    pub references: Vec<&'static str>,
    /// The properties with a list of keys and values.
    pub lists: Vec<(&'static str, Vec<Pair>)>,
    /// The spoken text as speech markup, in which values are escaped. `None` for one that can have
    /// no markup.
    pub speech: Option<Template>,
    /// The function or URL that the widget calls.
    pub callee: Option<Callee>,
}

/// One key of a list with its value.
#[derive(Debug)]
pub struct Pair {
    /// The name.
    pub key: Template,
    /// The value.
    pub value: Template,
    /// Whether the rendered value is parsed as JSON (Studio's type `json_object`).
    pub json: bool,
}

/// The target of a widget's calls.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A configured function.
    Function {
        /// The function.
        function: Arc<config::Function>,
        /// The URL in the flow that it replaces. `None` in the short form of a route.
        replaced: Option<ReplacedUrl>,
    },
    /// The URL of an imported flow, which is rendered and then rewritten by `[[rewrite]]`.
    Url {
        /// The URL.
        template: Template,
        /// Whether the operator has chosen its host: it has no Liquid, or a `[[rewrite]]` has
        /// replaced the Liquid of its host.
        is_constant: bool,
    },
}

/// The URL of a widget that a configured function replaces.
#[derive(Clone, Debug)]
pub struct ReplacedUrl {
    /// The URL as the flow has it.
    pub text: String,
    /// Whether it could be called without the function.
    pub is_callable: bool,
    /// The URL to render for its query and credentials, if it may have any: they are a part of
    /// what the widget sends.
    pub parameters: Option<Template>,
}

// === impl Property ===

impl Property {
    /// An optional property.
    pub(crate) const fn new(name: &'static str, kind: PropertyKind) -> Property {
        Property { name, kind, required: false }
    }

    /// A required property.
    pub(crate) const fn required(name: &'static str, kind: PropertyKind) -> Property {
        Property { name, kind, required: true }
    }
}

// === impl Properties ===

impl Properties {
    /// The template of a property with one text.
    pub fn text(&self, name: &str) -> Option<&Template> {
        // A widget has at most some fifteen properties: a list is faster to search than a map.
        self.texts.iter().find(|(known, _)| *known == name).map(|(_, template)| template)
    }

    /// The entries of a property with a list; none if it is not set.
    pub(crate) fn pairs(&self, name: &str) -> &[Pair] {
        let found = self.lists.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, pairs)| pairs.as_slice())
    }
}
