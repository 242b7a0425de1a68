//! The table of keys as a JSON Schema, with which editors complete and check `config.toml`.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, SECTIONS, Section};

/// The schema of the whole file (JSON Schema, draft 2020-12).
pub fn schema() -> Value {
    let mut root = object("the configuration of twimlgate", &[]);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    for section in SECTIONS {
        let mut place = &mut root;
        let mut words = section.name.split('.').peekable();
        while let Some(word) = words.next() {
            let last = words.peek().is_none();
            let whole = if last { whole(section) } else { object("", &[]) };
            let slot = if word.chars().all(|letter| letter.is_ascii_uppercase()) {
                &mut place["additionalProperties"]
            } else {
                &mut place["properties"][word]
            };
            if !slot.is_object() {
                *slot = whole;
            }
            place = if slot["items"].is_object() { &mut slot["items"] } else { slot };
        }
    }
    root
}

fn whole(section: &Section) -> Value {
    let table = object(section.doc, section.keys);
    if section.repeated { json!({ "type": "array", "items": table }) } else { table }
}

fn object(doc: &str, keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| key.default.is_none()).map(|key| key.name).collect();
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

fn property(key: &Key) -> Value {
    let mut property = match key.kind {
        Kind::Text | Kind::Path | Kind::Address => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
    };
    property["description"] = json!(key.doc);
    // The defaults of the table are of the kinds that TOML and JSON write alike.
    if let Some(Ok(default)) = key.default.map(serde_json::from_str::<Value>) {
        property["default"] = default;
    }
    property
}
