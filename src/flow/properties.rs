//! The properties of a widget: which there are, and what they are once a flow is loaded.

use std::sync::Arc;

use crate::config;
use crate::liquid::Template;

/// A property that a type of widget knows.
#[derive(Debug)]
pub struct Property {
    /// As in Studio's JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: PropertyKind,
    /// Whether a widget is nothing without it.
    pub required: bool,
}

/// What a property holds. All but lists may be Liquid; what has no markup is checked when the flow
/// is loaded. Studio's exports have numbers in quotes and without, and so may ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// A text.
    Text,
    /// A whole number within these bounds, both included.
    Integer(u32, u32),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of `{key, value}`.
    Pairs,
    /// A list of `{key, value, type}`, where the type is `string` or `json_object`.
    Variables,
    /// Any JSON, kept as its text.
    Json,
    /// The URL that the widget calls.
    Callee,
    /// The name of a template file.
    Document,
    /// The sid of a flow that the widget runs as a subflow.
    Subflow,
    /// Nothing that matters here.
    Ignored,
}

/// The properties of one widget, compiled.
#[derive(Debug, Default)]
pub struct Properties {
    /// Those that are one text.
    pub texts: Vec<(&'static str, Template)>,
    /// Those that are lists of keys and values.
    pub lists: Vec<(&'static str, Vec<Pair>)>,
    /// What the widget calls.
    pub callee: Option<Callee>,
}

/// One entry of a list.
#[derive(Debug)]
pub struct Pair {
    /// The name.
    pub key: Template,
    /// The value.
    pub value: Template,
    /// `json_object`: the value is read as JSON.
    pub json: bool,
}

/// What a widget calls.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A configured function.
    Function(Arc<config::Function>),
    /// The URL of an imported flow, to be rendered and then rewritten as `[[rewrite]]` says.
    Url(Template),
}

// === impl Property ===

impl Property {
    /// A property that may be left out.
    pub const fn new(name: &'static str, kind: PropertyKind) -> Property {
        Property { name, kind, required: false }
    }

    /// A property that may not.
    pub const fn required(name: &'static str, kind: PropertyKind) -> Property {
        Property { name, kind, required: true }
    }
}

// === impl Properties ===

impl Properties {
    /// A property that is one text.
    pub fn text(&self, name: &str) -> Option<&Template> {
        self.texts.iter().find(|(known, _)| *known == name).map(|(_, template)| template)
    }

    /// A property that is a list; an empty one where it is not set.
    pub fn pairs(&self, name: &str) -> &[Pair] {
        let found = self.lists.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, pairs)| pairs.as_slice())
    }
}
