//! A flow as text: Studio's JSON, or our TOML.
//!
//! Invariant: what is written as TOML is read back and compared, so that a flow which the short
//! form cannot hold takes the exact one, and nothing is ever lost.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::diagnostics::problem::{Problems, Source};
use crate::flow::file::FlowNode;
use crate::flow::file::toml::{self, PAIRS, default_name};

/// The flow as Studio imports it.
pub fn write_json(flow: &FlowNode) -> String {
    format!("{:#}\n", flow.to_json())
}

/// The flow in our TOML form.
pub fn write_toml(flow: &FlowNode) -> String {
    let flow = flow.to_json();
    let written = written(&flow);
    if read_back(&written).as_ref() == Some(&plain_flow(&flow)) {
        return written;
    }
    // Two widgets of one name, nothing in a list: what no TOML holds.
    format!("json = {}\n", text(&format!("{flow:#}\n"), true))
}

fn read_back(written: &str) -> Option<Value> {
    let flow = toml::read(&Source::new("", written), &mut Problems::default())?;
    Some(plain_flow(&flow.to_json()))
}

fn written(flow: &Value) -> String {
    let mut out = String::new();
    let empty = Map::new();
    let members = flow.as_object().unwrap_or(&empty);
    let first = ["description", "initial_state", "flags"];
    let rest = members.iter().filter(|(key, _)| !first.contains(&key.as_str()) && *key != "states");
    let first = first.into_iter().filter_map(|key| Some((key, members.get(key)?)));
    for (name, value) in first.chain(rest.map(|(name, value)| (name.as_str(), value))) {
        line(&mut out, name, value);
    }
    for state in members.get("states").and_then(Value::as_array).into_iter().flatten() {
        let short = widget(state, true);
        let alone = read_back(&short);
        let alone = alone.as_ref().and_then(|flow| flow["states"].get(0));
        let exact = alone != Some(&plain_state(state));
        out += "\n";
        out += &if exact { widget(state, false) } else { short };
    }
    out
}

/// One `[widget.…]`.
fn widget(state: &Value, short: bool) -> String {
    let name = state["name"].as_str().unwrap_or_default();
    let mut out = format!("[widget.{}]\n", key(name));
    if let Some(kind) = state.get("type") {
        line(&mut out, "type", kind);
    }
    let properties = state["properties"].as_object();
    if !short {
        for (name, value) in state.as_object().into_iter().flatten() {
            if !matches!(name.as_str(), "name" | "type") {
                line(&mut out, name, &plain_member(name, value));
            }
        }
        return out;
    }
    let properties: Vec<_> = properties.into_iter().flatten().collect();
    for (name, value) in &properties {
        if *name != "offset" {
            property(&mut out, name, value);
        }
    }
    let transitions = state["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_match = |transition: &&Value| transition["event"] == "match";
    let (cases, events): (Vec<&Value>, Vec<&Value>) = transitions.iter().partition(is_match);
    let cases: Vec<String> = cases.into_iter().map(case).collect();
    let cases =
        if cases.is_empty() { String::new() } else { format!("match = [\n{}]\n", cases.concat()) };
    let next = |one: &Value| text(one["next"].as_str().unwrap_or_default(), false);
    let event = |one: &Value| key(one["event"].as_str().unwrap_or_default());
    let events: Vec<String> =
        events.into_iter().map(|one| format!("{} = {}", event(one), next(one))).collect();
    let on = match events.len() {
        0 => String::new(),
        _ => format!("on = {{ {} }}\n", events.join(", ")),
    };
    let cases_first = transitions.first().is_some_and(|first| first["event"] == "match");
    out += &if cases_first { cases + &on } else { on + &cases };
    for (name, value) in &properties {
        if *name == "offset" {
            property(&mut out, name, value);
        }
    }
    out
}

fn case(transition: &Value) -> String {
    let condition = &transition["conditions"][0];
    let of = |key: &str| condition[key].as_str().unwrap_or_default();
    let next = transition["next"].as_str().unwrap_or_default();
    let mut out = format!("  {{ {} = {}", key(of("type")), inline(&condition["value"]));
    out += &format!(", next = {}", text(next, false));
    if of("friendly_name") != default_name(of("type"), of("value")) {
        out += &format!(", name = {}", text(of("friendly_name"), false));
    }
    out + " },\n"
}

fn property(out: &mut String, name: &str, value: &Value) {
    let offset = match value.as_object() {
        Some(offset) if name == "offset" && offset.len() == 2 => {
            offset.get("x").zip(offset.get("y"))
        }
        _ => None,
    };
    if let Some((x, y)) = offset {
        *out += &format!("offset = [{}, {}]\n", inline(x), inline(y));
    } else if let Some(pairs) = pairs(name, value) {
        line(out, name, &pairs);
    } else {
        line(out, name, value);
    }
}

/// A list of `{key, value}` as a table.
fn pairs(name: &str, value: &Value) -> Option<Value> {
    let items = value.as_array().filter(|list| PAIRS.contains(&name) && !list.is_empty())?;
    let pair = |item: &Value| {
        let pair = item.as_object().filter(|pair| pair.len() == 2)?;
        Some((pair.get("key")?.as_str()?.to_owned(), pair.get("value")?.clone()))
    };
    let pairs: Vec<(String, Value)> = items.iter().map(pair).collect::<Option<_>>()?;
    let keys: HashSet<&String> = pairs.iter().map(|(key, _)| key).collect();
    (keys.len() == pairs.len()).then(|| Value::Object(pairs.into_iter().collect()))
}

fn line(out: &mut String, name: &str, value: &Value) {
    let written = match value {
        Value::Null => return,
        Value::String(value) => text(value, true),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items: Vec<String> =
                items.iter().map(|item| format!("  {},\n", inline(item))).collect();
            format!("[\n{}]", items.concat())
        }
        value => inline(value),
    };
    *out += &format!("{} = {written}\n", key(name));
}

fn inline(value: &Value) -> String {
    match value {
        // Not TOML, so that reading it back fails and the flow stays JSON.
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(value) => text(value, false),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let member =
                |(name, value): (&String, &Value)| format!("{} = {}", key(name), inline(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { text(name, false) }
}

/// A text in quotes; as a block where it has lines and `block` allows it.
fn text(value: &str, block: bool) -> String {
    let block = block && value.contains('\n');
    let control = |letter: char| letter.is_control() && !(block && letter == '\n');
    let plain = !value.contains(control);
    if plain && !block && value.contains(['"', '\\']) && !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut escaped = String::with_capacity(value.len() + 8);
    for letter in value.chars() {
        match letter {
            '\\' => escaped += "\\\\",
            '"' if !block => escaped += "\\\"",
            '\n' if !block => escaped += "\\n",
            '\t' => escaped += "\\t",
            '\r' => escaped += "\\r",
            letter if control(letter) => escaped += &format!("\\u{:04X}", u32::from(letter)),
            letter => escaped.push(letter),
        }
    }
    if !block {
        return format!("\"{escaped}\"");
    }
    let mut escaped = escaped.replace("\"\"\"", "\"\"\\\"");
    if escaped.ends_with('"') {
        escaped.insert(escaped.len() - 1, '\\');
    }
    format!("\"\"\"\n{escaped}\"\"\"")
}

/// Without what means nothing: members that are nothing, a `next` to nowhere.
pub(super) fn plain_flow(flow: &Value) -> Value {
    let mut flow = without_nulls(flow);
    if let Some(Value::Array(states)) = flow.get_mut("states") {
        states.iter_mut().for_each(|state| *state = plain_state(state));
    }
    flow
}

fn plain_state(state: &Value) -> Value {
    let mut state = without_nulls(state);
    for (name, value) in state.as_object_mut().into_iter().flatten() {
        *value = plain_member(name, value);
    }
    state
}

fn plain_member(name: &str, value: &Value) -> Value {
    match value {
        Value::Array(transitions) if name == "transitions" => {
            let plain = |transition: &Value| {
                let mut transition = without_nulls(transition);
                if transition.get("next").is_some_and(|next| next == "") {
                    transition.as_object_mut().map(|members| members.shift_remove("next"));
                }
                transition
            };
            Value::Array(transitions.iter().map(plain).collect())
        }
        value if name == "properties" => without_nulls(value),
        value => value.clone(),
    }
}

fn without_nulls(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// Whether two flows are the same but for what means nothing.
pub fn same(one: &FlowNode, other: &FlowNode) -> bool {
    plain_flow(&one.to_json()) == plain_flow(&other.to_json())
}
