//! A flow file as a tree with places (stand-in while the reader is being merged).

use std::ops::Range;

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
    /// A member of a table.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.table()?.iter().find(|(known, _)| known.name == key).map(|(_, node)| node)
    }
    /// A text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
    /// A list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
    /// A table.
    pub fn table(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Table(members) => Some(members),
            _ => None,
        }
    }
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        "something else"
    }
    /// As JSON.
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
    /// From JSON, without places.
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
}

impl Node {
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

use crate::problem::{Problems, Source};

/// Reads a flow file.
pub fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    match serde_json::from_str::<serde_json::Value>(&source.text) {
        Ok(json) => Some(Node::from_json(&json)),
        Err(error) => {
            problems.push(source.error(0..0, error.to_string()));
            None
        }
    }
}
