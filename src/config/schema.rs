//! The table of keys as a JSON Schema, so that editors complete and check `config.toml`.

use serde_json::{Map, Value, json};

use super::keys::{SECTIONS, SectionSpec};
use crate::diagnostics::toml_reader::{KeyDefault, KeyKind, KeySpec};

/// The schema of the whole file (JSON Schema, draft 2020-12).
pub(crate) fn config_schema() -> Value {
    let mut root = object_schema("the configuration of twimlgate", &[]);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    for section in SECTIONS {
        // `account.shared_key` is a property of `account`, `route.PATH` any property of `route`,
        // `route.PREFIX*` those that end in a star.
        let mut place = &mut root;
        let mut words = section.name.split('.').peekable();
        while let Some(word) = words.next() {
            let last = words.peek().is_none();
            let whole = if last { section_schema(section) } else { object_schema("", &[]) };
            let slot = if word.chars().all(|letter| letter.is_ascii_uppercase()) {
                &mut place["additionalProperties"]
            } else if word.ends_with('*') {
                &mut place["patternProperties"]["\\*$"]
            } else {
                &mut place["properties"][word]
            };
            // A section that was on the way to an earlier one is there already.
            if !slot.is_object() {
                *slot = whole;
            }
            // The properties of a repeated section belong to its items.
            place = if slot["items"].is_object() { &mut slot["items"] } else { slot };
        }
    }
    root
}

fn section_schema(section: &SectionSpec) -> Value {
    let table = object_schema(section.doc, section.keys);
    if section.repeated { json!({ "type": "array", "items": table }) } else { table }
}

fn object_schema(doc: &str, keys: &[KeySpec]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property_schema(key))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| key.default == KeyDefault::Required).map(|key| key.name).collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !doc.is_empty() {
        object["description"] = json!(doc);
    }
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property_schema(key: &KeySpec) -> Value {
    let mut property = match key.kind {
        KeyKind::Text | KeyKind::Path | KeyKind::Address => json!({ "type": "string" }),
        KeyKind::Bool => json!({ "type": "boolean" }),
        KeyKind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        KeyKind::Choice(words) => json!({ "type": "string", "enum": words }),
        KeyKind::List => json!({ "type": "array", "items": { "type": "string" } }),
        // The reader checks these values; the schema allows any.
        KeyKind::Other(_) => json!({}),
        KeyKind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    };
    property["description"] = json!(key.doc);
    // The defaults in the table are values that TOML and JSON write in the same way.
    if let KeyDefault::Toml(text) = key.default
        && let Ok(default) = serde_json::from_str::<Value>(text)
    {
        property["default"] = default;
    }
    property
}
