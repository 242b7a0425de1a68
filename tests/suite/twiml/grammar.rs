//! The tables of the grammar against the facts they were made from.

use std::path::Path;

use serde_json::Value as Json;
use twimlgate::channel::Channel;
use twimlgate::twiml::grammar::{AttributeType, ElementRule, TextContent, elements, root};

#[test]
fn tables_equal_the_facts() {
    let Some(folder) = std::env::var_os("TWIMLGATE_FACTS") else {
        println!("skipped: TWIMLGATE_FACTS does not name a folder with twiml.json");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&folder).join("twiml.json")).unwrap();
    let facts: Json = serde_json::from_str(&text).unwrap();
    for (channel, name) in [(Channel::Voice, "voice"), (Channel::Message, "messaging")] {
        let document = &facts["documents"][name];
        let known = document["elements"].as_object().unwrap();
        compare(&facts, document, "Response", root(channel), &mut Vec::new());
        // `Assistant`, which only other libraries have, is on top.
        let extra = document["legacy_or_other_sdk_elements"].as_object().unwrap().len();
        assert_eq!(elements(channel).len(), known.len() + extra, "{name}");
    }
}

/// Attributes that only Twilio's examples have.
const FROM_EXAMPLES: &[&str] = &["Connect timeout", "Room statusCallback", "Room mediaRegion"];

/// Why the facts can be taken apart without a look.
const LAID_OUT: &str = "the facts are laid out as their legend says";

/// Compares an element and all below it. `id` is its name in the facts.
fn compare(facts: &Json, document: &Json, id: &str, ours: &ElementRule, seen: &mut Vec<String>) {
    if seen.iter().any(|done| done == id) {
        return;
    }
    seen.push(id.to_owned());
    let theirs = &document["elements"][id];
    assert_eq!(theirs["tag"], ours.tag);
    let attributes = theirs["attributes"].as_object().expect(LAID_OUT);
    for (name, attribute) in attributes {
        let known = ours.attribute(name).unwrap_or_else(|| panic!("{id} has no {name}"));
        assert!(fits(facts, attribute, known.value), "{id} {name}: {:?}", known.value);
    }
    let more = ["docs_only_attributes", "extra_attributes"].into_iter();
    let more: Vec<&String> =
        more.filter_map(|key| theirs[key].as_object()).flat_map(|set| set.keys()).collect();
    for attribute in ours.attributes {
        let known = FROM_EXAMPLES.contains(&format!("{id} {}", attribute.name).as_str())
            || attributes.contains_key(attribute.name)
            || more.iter().any(|name| *name == attribute.name);
        assert!(known, "{id} {} is not in the facts", attribute.name);
    }
    assert_eq!(theirs["text"] == "none", ours.text == TextContent::Forbidden, "the text of {id}");
    if theirs["text_type"] == "url" {
        assert_eq!(ours.text, TextContent::Url, "the text of {id}");
    }
    let children: Vec<&str> = theirs["children"]
        .as_array()
        .expect(LAID_OUT)
        .iter()
        .map(|child| child.as_str().expect(LAID_OUT))
        .collect();
    for child in &children {
        let tag = document["elements"][child]["tag"].as_str().expect(LAID_OUT);
        let known = ours.child(tag).unwrap_or_else(|| panic!("{id} takes no {child}"));
        compare(facts, document, child, known, seen);
    }
    let extra = theirs["extra_children"].as_object().map_or(0, |extra| extra.len());
    assert_eq!(ours.children.len(), children.len() + extra, "the children of {id}");
}

/// Whether our type of an attribute is the one of the facts.
fn fits(facts: &Json, attribute: &Json, ours: AttributeType) -> bool {
    let list = &facts["enums"][attribute["enum"].as_str().unwrap_or_default()];
    let docs = &attribute["docs"];
    let holds = |words: &[&str]| {
        list["values"]
            .as_array()
            .expect(LAID_OUT)
            .iter()
            .all(|word| words.contains(&word.as_str().expect(LAID_OUT)))
    };
    match (attribute["type"].as_str().expect(LAID_OUT), ours) {
        (
            "string",
            AttributeType::Any
            | AttributeType::Key
            | AttributeType::Tones
            | AttributeType::IntOrAuto,
        ) => true,
        ("string", AttributeType::UpTo(characters)) => docs["maxlen"] == characters,
        ("enum", AttributeType::Any) => list["open"] == true,
        ("enum", AttributeType::OneOf(words)) => list["open"] == false && holds(words),
        ("list", AttributeType::ListOf(words)) => list["open"] == false && holds(words),
        ("list", AttributeType::Ints) => attribute["item"] == "int",
        ("int", AttributeType::Int { min, max }) => {
            docs["min"].as_u64().unwrap_or(0) == u64::from(min)
                && docs["max"].as_u64().unwrap_or(u64::from(u32::MAX)) == u64::from(max)
        }
        ("url", AttributeType::Url) => attribute["scheme"].is_null(),
        ("url", AttributeType::SocketUrl) => attribute["scheme"] == "wss",
        ("method", AttributeType::Method) | ("bool", AttributeType::Bool) => true,
        _ => false,
    }
}
