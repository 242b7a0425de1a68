//! The reader of Studio's JSON: strict, and with the place of every value and every error.

use std::ops::Range;

use jsonc_parser::ast::{ObjectPropName, Value as Parsed};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{FlowKey, FlowNode, FlowValue};
use crate::diagnostics::problem::{Problems, Source};
use crate::limits::FLOW_NESTING_MAX;

/// RFC 8259 alone, without the extensions that the parser offers.
const STRICT: ParseOptions = ParseOptions {
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

/// Reads a text as JSON. `None` if it has an error, which `problems` then has.
pub(super) fn read(source: &Source, problems: &mut Problems) -> Option<FlowNode> {
    let text = &source.text;
    // The parser recurses for each level: a file of brackets alone would overflow the stack.
    if let Some(offset) = find_excess_nesting(text) {
        let message = format!("more than {FLOW_NESTING_MAX} nested lists and objects");
        problems.push(source.error(offset..offset + 1, message));
        return None;
    }
    let not_json = |place: Range<usize>, message: &str| {
        let message = message.strip_suffix('.').unwrap_or(message);
        // The parser's messages begin with a capital letter, ours do not.
        let mut letters = message.chars();
        let first = letters.next().map(|letter| letter.to_lowercase().to_string());
        let message = first.unwrap_or_default() + letters.as_str();
        source.error(place, format!("not JSON: {message}"))
    };
    let parsed = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            let range = error.range();
            problems.push(not_json(range.start..range.end, &error.kind().to_string()));
            return None;
        }
    };
    let Some(parsed) = parsed else {
        let message = "the file is empty";
        problems.push(source.error(0..0, message).expected("a flow as Studio exports it"));
        return None;
    };
    // The parser with places accepts some texts that are not JSON, such as a line break in a
    // string.
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let start = byte_offset(text, error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        problems.push(not_json(start..start + 1, message));
        return None;
    }
    let mut reader = JsonFlowReader { source, problems, is_valid: true };
    let node = reader.convert_value(parsed);
    reader.is_valid.then_some(node)
}

/// The offset where the nesting exceeds its limit.
fn find_excess_nesting(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > FLOW_NESTING_MAX {
            return Some(offset);
        }
    }
    None
}

/// The offset of a line and a column, both counted from 1.
fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (before + column.saturating_sub(1)).min(text.len());
    // serde_json counts columns in bytes, so one may be inside a character.
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

struct JsonFlowReader<'a> {
    source: &'a Source,
    problems: &'a mut Problems,
    is_valid: bool,
}

impl JsonFlowReader<'_> {
    fn convert_value(&mut self, parsed: Parsed<'_>) -> FlowNode {
        let range = parsed.range();
        let span = range.start..range.end;
        let value = match parsed {
            Parsed::NullKeyword(_) => FlowValue::Null,
            Parsed::BooleanLit(literal) => FlowValue::Bool(literal.value),
            Parsed::StringLit(literal) => FlowValue::Text(literal.value.into_owned()),
            Parsed::NumberLit(literal) => self.convert_number(literal.value, &span),
            Parsed::Array(array) => FlowValue::List(
                array.elements.into_iter().map(|item| self.convert_value(item)).collect(),
            ),
            Parsed::Object(object) => {
                let mut members: Vec<(FlowKey, FlowNode)> = Vec::new();
                // JSON parsers differ in which of two equal keys they use: neither is safe to
                // assume.
                let mut known = std::collections::HashSet::new();
                for property in object.properties {
                    let range = property.name.range();
                    let name = match property.name {
                        ObjectPropName::String(name) => name.value.into_owned(),
                        ObjectPropName::Word(name) => name.value.to_owned(),
                    };
                    let key = FlowKey { name, span: range.start..range.end };
                    if !known.insert(key.name.clone()) {
                        let message = format!("`{}` appears twice", key.name);
                        self.fail(key.span.clone(), message, "each key once");
                    }
                    members.push((key, self.convert_value(property.value)));
                }
                FlowValue::Table(members)
            }
        };
        FlowNode { value, span }
    }

    fn convert_number(&mut self, text: &str, span: &Range<usize>) -> FlowValue {
        match FlowValue::from_number(text) {
            Some(number) => number,
            None => {
                let message = format!("`{text}` is too large a number");
                self.fail(span.clone(), message, "a number of at most 64 bits");
                FlowValue::Null
            }
        }
    }

    fn fail(&mut self, span: Range<usize>, message: String, expected: &str) {
        self.problems.push(self.source.error(span, message).expected(expected));
        self.is_valid = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let mut problems = Problems::default();
        let node = read(&Source::new("flow.json", text), &mut problems);
        assert!(node.is_none(), "{text}: {node:?}");
        problems.to_string()
    }

    #[test]
    fn keeps_values_and_places() {
        let text = r#"{"a\u00e4": ["x\ud83d\ude00\n", 1.5, -3, null, true], "b": {}}"#;
        let mut problems = Problems::default();
        let node = read(&Source::new("flow.json", text), &mut problems).expect("JSON");
        assert_eq!(node.to_json(), serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
        let item = &node.get("aä").and_then(FlowNode::list).expect("a list")[0];
        assert_eq!(&text[item.span.clone()], r#""x\ud83d\ude00\n""#);
        assert_eq!(&text[node.table().expect("a table")[1].0.span.clone()], "\"b\"");
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "[1 2]",
            "// x\n{}",
            "{a: 1}",
            "['a']",
            "{} {}",
            "[01]",
            "[+1]",
            "[.5]",
            "[1.]",
            "[0x1]",
            "[NaN]",
            "\"a\nb\"",
            "[\"\\x41\"]",
            "[\"\\ud800\"]",
            "[1e999]",
            "nul",
            "{\"a\" 1}",
            "{\"a\":}",
            "[",
            "]",
            "\"",
            "\"\\",
        ] {
            message(text);
        }
    }

    #[test]
    fn refuses_deep_nesting_and_a_key_twice() {
        assert!(message(&"[".repeat(100_000)).contains("more than 64"));
        let report = message("{\"states\": [],\n \"states\": []}");
        assert!(report.contains("`states` appears twice\n --> flow.json:2:2"), "{report}");
    }
}
