//! A flow file as a tree of Studio's shape, in which each value knows its place in the text.
//!
//! Two notations, one tree: Studio's JSON (also as it was before 2020), and our TOML. What a flow
//! means is not decided here: the import does, and points at these places.

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
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum FlowValue {
    /// Nothing.
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

/// A key of a table, with its place.
#[derive(Clone, Debug)]
pub struct FlowKey {
    /// The key.
    pub name: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

impl FlowNode {
    /// The member of this name, where it is a table that has one.
    pub fn get(&self, key: &str) -> Option<&FlowNode> {
        self.table()?.iter().find(|(known, _)| known.name == key).map(|(_, node)| node)
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            FlowValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn list(&self) -> Option<&[FlowNode]> {
        match &self.value {
            FlowValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members, where it is a table.
    pub fn table(&self) -> Option<&[(FlowKey, FlowNode)]> {
        match &self.value {
            FlowValue::Table(members) => Some(members),
            _ => None,
        }
    }

    /// What it is, in words for a message.
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

    /// The value as JSON, without places.
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

    /// The tree of a JSON value, in which every place is the beginning of the text.
    pub fn from_json(json: &serde_json::Value) -> FlowNode {
        let value = match json {
            serde_json::Value::Null => FlowValue::Null,
            serde_json::Value::Bool(value) => FlowValue::Bool(*value),
            serde_json::Value::Number(number) => FlowValue::Number(number.clone()),
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

    /// `true` or `false`, also in quotes.
    pub fn flag(&self) -> Option<bool> {
        match &self.value {
            FlowValue::Bool(flag) => Some(*flag),
            FlowValue::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A text, or a number, `true` or `false` as the text that it is written as.
    pub fn plain(&self) -> Option<String> {
        match &self.value {
            FlowValue::Text(text) => Some(text.clone()),
            FlowValue::Number(number) => Some(number.to_string()),
            FlowValue::Bool(flag) => Some(flag.to_string()),
            FlowValue::Null | FlowValue::List(_) | FlowValue::Table(_) => None,
        }
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.value, FlowValue::Null)
    }
}

/// Reads a flow file: our TOML where the name ends in `.toml`, else Studio's JSON. Where it cannot
/// be read, the reason is among the problems.
pub fn read(source: &Source, problems: &mut Problems) -> Option<FlowNode> {
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
    let tree = json::read(source, problems)?;
    if tree.table().is_none() {
        let problem = source.error(tree.span.clone(), format!("the file holds {}", tree.kind()));
        problems.push(problem.expected("a flow: an object with `states`"));
        return None;
    }
    Some(legacy::upgrade(tree))
}
