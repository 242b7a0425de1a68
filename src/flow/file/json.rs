//! JSON with places, as strictly as RFC 8259.

use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{Key, Node, Value};
use crate::problem::{Problems, Source};

/// Reads a JSON text. `None` where it is none.
pub(super) fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &strict);
    let value = match parsed {
        Ok(parsed) => parsed.value,
        Err(error) => {
            let range = error.range();
            let end = source.text.len();
            let span = range.start.min(end)..range.end.min(end);
            let problem = source.error(span, format!("not JSON: {}", error.kind()));
            problems.push(problem.expected("JSON, as Studio exports it"));
            return None;
        }
    };
    let Some(value) = value else {
        let problem = source.error(0..0, "the file is empty");
        problems.push(problem.expected("JSON, as Studio exports it"));
        return None;
    };
    let mut reader = Reader { source, problems, failed: false };
    let node = reader.node(&value);
    (!reader.failed).then_some(node)
}

struct Reader<'a> {
    source: &'a Source,
    problems: &'a mut Problems,
    failed: bool,
}

impl Reader<'_> {
    fn node(&mut self, value: &ast::Value<'_>) -> Node {
        let (value, range) = match value {
            ast::Value::StringLit(text) => (Value::Text(text.value.to_string()), text.range),
            ast::Value::NumberLit(number) => (self.number(number), number.range),
            ast::Value::BooleanLit(flag) => (Value::Bool(flag.value), flag.range),
            ast::Value::NullKeyword(null) => (Value::Null, null.range),
            ast::Value::Array(array) => {
                let items = array.elements.iter().map(|item| self.node(item)).collect();
                (Value::List(items), array.range)
            }
            ast::Value::Object(object) => (self.table(object), object.range),
        };
        Node { value, span: range.start..range.end }
    }

    fn number(&mut self, number: &ast::NumberLit<'_>) -> Value {
        match serde_json::from_str(number.value) {
            Ok(number) => Value::Number(number),
            Err(_) => {
                let span = number.range.start..number.range.end;
                self.error(span, format!("`{}` is not a number", number.value), "a number");
                Value::Null
            }
        }
    }

    fn table(&mut self, object: &ast::Object<'_>) -> Value {
        let mut members: Vec<(Key, Node)> = Vec::with_capacity(object.properties.len());
        for property in &object.properties {
            let (name, range) = match &property.name {
                ast::ObjectPropName::String(text) => (text.value.to_string(), text.range),
                ast::ObjectPropName::Word(word) => (word.value.to_owned(), word.range),
            };
            let span = range.start..range.end;
            if members.iter().any(|(known, _)| known.name == name) {
                let message = format!("the key `{name}` stands twice in one object");
                self.error(span.clone(), message, "one of them");
            }
            let node = self.node(&property.value);
            members.push((Key { name, span }, node));
        }
        Value::Table(members)
    }

    fn error(&mut self, span: std::ops::Range<usize>, message: String, expected: &str) {
        self.failed = true;
        self.problems.push(self.source.error(span, message).expected(expected));
    }
}
