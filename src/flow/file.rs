//! Flow files, read into one tree that has Studio's structure and the place of each value.
//!
//! `json` reads what Studio exports, `definition` takes a flow out of what the REST API returns,
//! `legacy` upgrades the format of before 2020, and `toml` reads our own notation. Invariant: every
//! node of the tree has a place in the text, so that the import can point at it. These files know
//! notations alone: which widgets, properties and conditions exist is known to
//! [`import`](super::import).

mod definition;
mod json;
mod legacy;
pub(crate) mod toml;

use std::ops::Range;

use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::limits::FLOW_BYTES_MAX;

/// A value of a flow file, with its place in the text.
#[derive(Clone, Debug)]
pub struct FlowNode {
    /// The value.
    pub value: FlowValue,
    /// The bytes of the value in the text.
    pub span: Range<usize>,
}

/// The content of a node: JSON's types.
#[derive(Clone, Debug)]
pub enum FlowValue {
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<FlowNode>),
    /// A table, in the order of the file.
    Table(Vec<(FlowKey, FlowNode)>),
}

impl FlowValue {
    /// Reads a number of at most 64 bits. Equal numbers get one spelling, so that a flow is the
    /// same revision in JSON and in TOML. `None` if the number is too large.
    fn from_number(text: &str) -> Option<FlowValue> {
        let whole = text.parse::<i64>().map(serde_json::Number::from).ok();
        let whole = whole.or_else(|| text.parse::<u64>().map(serde_json::Number::from).ok());
        let float = || text.parse().ok().and_then(serde_json::Number::from_f64);
        whole.or_else(float).map(FlowValue::Number)
    }
}

/// A key of a table, with its place in the text.
#[derive(Clone, Debug)]
pub struct FlowKey {
    /// The key.
    pub name: String,
    /// The bytes of the key in the text.
    pub span: Range<usize>,
}

impl FlowNode {
    /// The member of this name, if the node is a table that has it.
    pub fn get(&self, key: &str) -> Option<&FlowNode> {
        // Tables of flows are small, and their order is needed: a search is cheaper than a map.
        self.table()?.iter().find(|(known, _)| known.name == key).map(|(_, node)| node)
    }

    /// The text of a text node.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            FlowValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<&[FlowNode]> {
        match &self.value {
            FlowValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members of a table.
    pub(crate) fn table(&self) -> Option<&[(FlowKey, FlowNode)]> {
        match &self.value {
            FlowValue::Table(members) => Some(members),
            _ => None,
        }
    }

    /// The name of the node's type in messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            FlowValue::Null => "nothing",
            FlowValue::Bool(_) => "true or false",
            FlowValue::Number(_) => "a number",
            FlowValue::Text(_) => "a text",
            FlowValue::List(_) => "a list",
            FlowValue::Table(_) => "a table",
        }
    }

    /// The node as JSON, without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            FlowValue::Null => serde_json::Value::Null,
            FlowValue::Bool(value) => (*value).into(),
            FlowValue::Number(number) => number.clone().into(),
            FlowValue::Text(text) => text.as_str().into(),
            FlowValue::List(items) => items.iter().map(FlowNode::to_json).collect(),
            FlowValue::Table(members) => serde_json::Value::Object(
                members.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect(),
            ),
        }
    }

    /// The tree of a JSON value without a file.
    pub(crate) fn from_json(json: &serde_json::Value) -> FlowNode {
        // A stored definition has no text to point at, so every place is the beginning of the text.
        let value = match json {
            serde_json::Value::Null => FlowValue::Null,
            serde_json::Value::Bool(value) => FlowValue::Bool(*value),
            serde_json::Value::Number(number) => {
                FlowValue::from_number(number.as_str()).unwrap_or(FlowValue::Null)
            }
            serde_json::Value::String(text) => FlowValue::Text(text.clone()),
            serde_json::Value::Array(items) => {
                FlowValue::List(items.iter().map(FlowNode::from_json).collect())
            }
            serde_json::Value::Object(members) => FlowValue::Table(
                members
                    .iter()
                    .map(|(name, value)| {
                        (FlowKey { name: name.clone(), span: 0..0 }, FlowNode::from_json(value))
                    })
                    .collect(),
            ),
        };
        FlowNode { value, span: 0..0 }
    }

    /// The node as `true` or `false`.
    pub(crate) fn flag(&self) -> Option<bool> {
        match &self.value {
            FlowValue::Bool(flag) => Some(*flag),
            // Studio's exports have flags with quotes and without.
            FlowValue::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The node as text, if it is a text, a number, `true` or `false`.
    pub(crate) fn plain(&self) -> Option<String> {
        match &self.value {
            FlowValue::Text(text) => Some(text.clone()),
            FlowValue::Number(number) => Some(number.to_string()),
            FlowValue::Bool(flag) => Some(flag.to_string()),
            FlowValue::Null | FlowValue::List(_) | FlowValue::Table(_) => None,
        }
    }

    /// Gives one place to the node and everything in it.
    fn set_spans(&mut self, span: &Range<usize>) {
        self.span = span.clone();
        match &mut self.value {
            FlowValue::List(items) => items.iter_mut().for_each(|item| item.set_spans(span)),
            FlowValue::Table(members) => members.iter_mut().for_each(|(key, node)| {
                key.span = span.clone();
                node.set_spans(span);
            }),
            _ => {}
        }
    }

    /// Whether the node is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, FlowValue::Null)
    }
}

/// Whether a tree has the form of a flow: a list of widgets, each with a name and a type. If not,
/// `problems` has the reason. The import checks more, and needs a configuration.
pub(crate) fn check_form(flow: &FlowNode, source: &Source, problems: &mut Problems) -> bool {
    let Some(states) = flow.get("states").and_then(FlowNode::list) else {
        let problem = source.error(flow.span.clone(), "it has no `states`");
        problems.push(problem.expected("an object with a list `states`").help(FORMAT_HELP));
        return false;
    };
    if states.is_empty() {
        let problem = source.error(flow.span.clone(), "it has no widgets");
        problems.push(problem.expected("at least one").help(FORMAT_HELP));
    }
    let text = |state: &FlowNode, key| state.get(key).and_then(FlowNode::text).is_some();
    let is_widget = |state: &&FlowNode| text(state, "name") && text(state, "type");
    let wrong = states.iter().find(|state| !is_widget(state));
    if let Some(wrong) = wrong {
        let problem = source.error(wrong.span.clone(), "this is not a widget");
        problems.push(problem.expected("a `name` and a `type`, both texts").help(FORMAT_HELP));
    }
    !states.is_empty() && wrong.is_none()
}

/// The advice for a file that does not look like a flow.
pub(super) const FORMAT_HELP: &str =
    "a flow is what Studio exports under Settings, Flow JSON; docs/flows.md has ours";

/// Reads a flow file: as our TOML if the name ends in `.toml`, otherwise as Studio's JSON. `None`
/// if the file cannot be read; the problems then have the reason.
pub fn read(source: &Source, problems: &mut Problems) -> Option<FlowNode> {
    // Before anything is parsed: the tree takes several times the memory of the text.
    if source.text.len() as u64 > FLOW_BYTES_MAX {
        let size = source.text.len();
        let message = format!("`{}` has {size} bytes or more", source.name);
        let problem = Problem::new(Severity::Error, message);
        problems.push(problem.expected(format!("at most {FLOW_BYTES_MAX} bytes")));
        return None;
    }
    if source.name.ends_with(".toml") {
        return toml::read(source, problems);
    }
    let tree = definition::unwrap(json::read(source, problems)?, source, problems)?;
    if tree.table().is_none() {
        let problem = source.error(tree.span.clone(), format!("the file holds {}", tree.kind()));
        problems.push(problem.expected("a flow: an object with `states`"));
        return None;
    }
    Some(legacy::upgrade(tree))
}
