//! A flow file as a tree of Studio's shape, in which each value knows its place in the text.
//!
//! Two notations, one tree: Studio's JSON (also as it was before 2020), and our TOML. What a flow
//! means is not asked here; that is the checker's, which points at the places that are kept.

mod json;
mod legacy;
pub(crate) mod toml;

use std::ops::Range;

use crate::diagnostics::problem::{Level, Problem, Problems, Source};
use crate::limits::FLOW_BYTES_MAX;

/// A value of a flow file, with its place in the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<(Key, Node)>),
}

/// A key of a table, with its place.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

impl Node {
    /// The member of this name, where it is a table that has one.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.table()?.iter().find(|(known, _)| known.name == key).map(|(_, node)| node)
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members, where it is a table.
    pub fn table(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Table(members) => Some(members),
            _ => None,
        }
    }

    /// What it is, in words for a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as JSON, without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Table(members) => serde_json::Value::Object(
                members.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect(),
            ),
        }
    }

    /// The tree of a JSON value, in which every place is the beginning of the text.
    pub fn from_json(json: &serde_json::Value) -> Node {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => Value::Number(number.clone()),
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Node::from_json).collect())
            }
            serde_json::Value::Object(members) => Value::Table(
                members
                    .iter()
                    .map(|(name, value)| {
                        (Key { name: name.clone(), span: 0..0 }, Node::from_json(value))
                    })
                    .collect(),
            ),
        };
        Node { value, span: 0..0 }
    }

    /// `true` or `false`, also in quotes.
    pub fn flag(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A text, or a number, `true` or `false` as the text that it is written as.
    pub fn plain(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::List(_) | Value::Table(_) => None,
        }
    }

    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

/// Reads a flow file: our TOML where the name ends in `.toml`, else Studio's JSON. Where it cannot
/// be read, the reason is among the problems.
pub fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    if source.text.len() as u64 > FLOW_BYTES_MAX {
        let size = source.text.len();
        let message = format!("`{}` has {size} bytes or more", source.name);
        let problem = Problem::new(Level::Error, message);
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
    Some(legacy::current(tree))
}
