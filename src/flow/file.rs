//! A flow file as a tree with places: what it says, and where it says it.
//!
//! Whatever form a file has, the tree is that of Studio's current export.

mod json;
mod legacy;

use std::ops::Range;

use crate::limits::{FLOW_BYTES_MAX, FLOW_NESTING_MAX};
use crate::problem::{Problems, Source};

/// A value of a flow file, with its place in the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its bytes in the text, quotes and brackets included.
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

/// Reads a flow file: Studio's JSON, of today or of before 2020. `None` where it cannot be read at
/// all; what is wrong with it is among the problems.
pub fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    if source.text.len() as u64 > FLOW_BYTES_MAX {
        let message = format!("a flow file may have {FLOW_BYTES_MAX} bytes");
        problems.push(source.error(0..0, message).expected("a smaller file"));
        return None;
    }
    if let Some(at) = too_deep(&source.text) {
        let message = format!("more than {FLOW_NESTING_MAX} brackets are open inside one another");
        problems.push(source.error(at..at + 1, message).expected("a flow, which has about eight"));
        return None;
    }
    json::read(source, problems).map(legacy::normalised)
}

/// Where brackets are nested too deep for a reader that recurses.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    text.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > FLOW_NESTING_MAX
    })
}

// === impl Node ===

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

    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "`true` or `false`",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "an object",
        }
    }

    /// The same as JSON, without places.
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

    /// The tree of JSON that is in no file; all places are the beginning.
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
                    .map(|(name, value)| (Key::nowhere(name), Node::from_json(value)))
                    .collect(),
            ),
        };
        Node { value, span: 0..0 }
    }
}

// === impl Key ===

impl Key {
    fn nowhere(name: &str) -> Key {
        Key { name: name.to_owned(), span: 0..0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Option<Node>, String) {
        let mut problems = Problems::default();
        let node = read(&Source::new("flow.json", text), &mut problems);
        (node, problems.to_string())
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "{\"states\": [{\"name\": \"a \\\"b\\\"\", \"n\": -1.5, \"t\": true}]}";
        let node = read_text(text).0.unwrap();
        let state = &node.get("states").unwrap().list().unwrap()[0];
        assert_eq!(state.get("name").unwrap().text(), Some("a \"b\""));
        assert_eq!(&text[state.get("name").unwrap().span.clone()], "\"a \\\"b\\\"\"");
        assert_eq!(&text[state.get("n").unwrap().span.clone()], "-1.5");
        assert_eq!(state.get("t").unwrap().flag(), Some(true));
        assert_eq!(node.to_json(), serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for text in [
            "",
            "{",
            "{\"a\": 1,}",
            "{'a': 1}",
            "{a: 1}",
            "{\"a\" 1}",
            "// x\n{}",
            "[1 2]",
            "{} {}",
        ] {
            let (node, problems) = read_text(text);
            assert!(node.is_none() && problems.contains("flow.json:1:"), "{text}: {problems}");
        }
        let (_, problems) = read_text("{\"a\": 1,\n \"a\": 2}");
        assert!(problems.contains("flow.json:2:2"), "{problems}");
        let (node, problems) = read_text(&"[".repeat(100_000));
        assert!(node.is_none() && problems.contains("brackets"), "{problems}");
    }
}
