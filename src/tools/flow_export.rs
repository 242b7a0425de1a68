//! A flow as text: Studio's JSON, or our TOML.
//!
//! Invariant: TOML is read back and compared after writing, so that a flow which the short form
//! cannot represent is written in the exact form, and nothing is lost.

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
    let written = format_flow(&flow);
    if read_back(&written).as_ref() == Some(&normalize_flow(&flow)) {
        return written;
    }
    // TOML has no notation for two widgets of one name, or a `null` in a list.
    format!("json = {}\n", quote(&format!("{flow:#}\n"), true))
}

fn read_back(written: &str) -> Option<Value> {
    let flow = toml::read(&Source::new("", written), &mut Problems::default())?;
    Some(normalize_flow(&flow.to_json()))
}

fn format_flow(flow: &Value) -> String {
    let mut out = String::new();
    let empty = Map::new();
    let members = flow.as_object().unwrap_or(&empty);
    let first = ["description", "initial_state", "flags"];
    let rest = members.iter().filter(|(key, _)| !first.contains(&key.as_str()) && *key != "states");
    let first = first.into_iter().filter_map(|key| Some((key, members.get(key)?)));
    for (name, value) in first.chain(rest.map(|(name, value)| (name.as_str(), value))) {
        push_line(&mut out, name, value);
    }
    for state in members.get("states").and_then(Value::as_array).into_iter().flatten() {
        let short = format_widget(state, true);
        let alone = read_back(&short);
        let alone = alone.as_ref().and_then(|flow| flow["states"].get(0));
        // Each widget decides for itself: one odd widget must not make the whole file verbose.
        let exact = alone != Some(&normalize_state(state));
        out += "\n";
        out += &if exact { format_widget(state, false) } else { short };
    }
    out
}

/// One `[widget.…]`.
fn format_widget(state: &Value, short: bool) -> String {
    let name = state["name"].as_str().unwrap_or_default();
    let mut out = format!("[widget.{}]\n", format_key(name));
    if let Some(kind) = state.get("type") {
        push_line(&mut out, "type", kind);
    }
    let properties = state["properties"].as_object();
    if !short {
        for (name, value) in state.as_object().into_iter().flatten() {
            if !matches!(name.as_str(), "name" | "type") {
                push_line(&mut out, name, &normalize_member(name, value));
            }
        }
        return out;
    }
    let properties: Vec<_> = properties.into_iter().flatten().collect();
    for (name, value) in &properties {
        if *name != "offset" {
            push_property(&mut out, name, value);
        }
    }
    let transitions = state["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_match = |transition: &&Value| transition["event"] == "match";
    let (cases, events): (Vec<&Value>, Vec<&Value>) = transitions.iter().partition(is_match);
    let cases: Vec<String> = cases.into_iter().map(format_case).collect();
    let cases =
        if cases.is_empty() { String::new() } else { format!("match = [\n{}]\n", cases.concat()) };
    let next = |one: &Value| quote(one["next"].as_str().unwrap_or_default(), false);
    let event = |one: &Value| format_key(one["event"].as_str().unwrap_or_default());
    let events: Vec<String> =
        events.into_iter().map(|one| format!("{} = {}", event(one), next(one))).collect();
    let on = match events.len() {
        0 => String::new(),
        _ => format!("on = {{ {} }}\n", events.join(", ")),
    };
    // The transitions stay in their order: Studio evaluates conditions in it.
    let cases_first = transitions.first().is_some_and(|first| first["event"] == "match");
    out += &if cases_first { cases + &on } else { on + &cases };
    for (name, value) in &properties {
        if *name == "offset" {
            push_property(&mut out, name, value);
        }
    }
    out
}

fn format_case(transition: &Value) -> String {
    let condition = &transition["conditions"][0];
    let of = |key: &str| condition[key].as_str().unwrap_or_default();
    let next = transition["next"].as_str().unwrap_or_default();
    let mut out =
        format!("  {{ {} = {}", format_key(of("type")), format_inline(&condition["value"]));
    out += &format!(", next = {}", quote(next, false));
    if of("friendly_name") != default_name(of("type"), of("value")) {
        out += &format!(", name = {}", quote(of("friendly_name"), false));
    }
    out + " },\n"
}

fn push_property(out: &mut String, name: &str, value: &Value) {
    let offset = match value.as_object() {
        Some(offset) if name == "offset" && offset.len() == 2 => {
            offset.get("x").zip(offset.get("y"))
        }
        _ => None,
    };
    if let Some((x, y)) = offset {
        *out += &format!("offset = [{}, {}]\n", format_inline(x), format_inline(y));
    } else if let Some(pairs) = pairs_as_table(name, value) {
        push_line(out, name, &pairs);
    } else {
        push_line(out, name, value);
    }
}

/// A list of `{key, value}` as a table.
fn pairs_as_table(name: &str, value: &Value) -> Option<Value> {
    let items = value.as_array().filter(|list| PAIRS.contains(&name) && !list.is_empty())?;
    let pair = |item: &Value| {
        let pair = item.as_object().filter(|pair| pair.len() == 2)?;
        Some((pair.get("key")?.as_str()?.to_owned(), pair.get("value")?.clone()))
    };
    let pairs: Vec<(String, Value)> = items.iter().map(pair).collect::<Option<_>>()?;
    let keys: HashSet<&String> = pairs.iter().map(|(key, _)| key).collect();
    (keys.len() == pairs.len()).then(|| Value::Object(pairs.into_iter().collect()))
}

fn push_line(out: &mut String, name: &str, value: &Value) {
    let written = match value {
        Value::Null => return,
        Value::String(value) => quote(value, true),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items: Vec<String> =
                items.iter().map(|item| format!("  {},\n", format_inline(item))).collect();
            format!("[\n{}]", items.concat())
        }
        value => format_inline(value),
    };
    *out += &format!("{} = {written}\n", format_key(name));
}

fn format_inline(value: &Value) -> String {
    match value {
        // Not TOML, so that reading it back fails and the flow stays JSON.
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(value) => quote(value, false),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(format_inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{} = {}", format_key(name), format_inline(value))
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

fn format_key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { quote(name, false) }
}

/// A text in quotes; with several lines as a block, if `block` allows it.
fn quote(value: &str, block: bool) -> String {
    let block = block && value.contains('\n');
    let control = |letter: char| letter.is_control() && !(block && letter == '\n');
    let plain = !value.contains(control);
    // A literal string needs no escapes, which keeps Liquid and JSON readable.
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
    // Three quotes would end the block, and so would one at its end.
    let mut escaped = escaped.replace("\"\"\"", "\"\"\\\"");
    if escaped.ends_with('"') {
        escaped.insert(escaped.len() - 1, '\\');
    }
    format!("\"\"\"\n{escaped}\"\"\"")
}

/// Removes members without a meaning: a `null`, a transition's empty `next`.
fn normalize_flow(flow: &Value) -> Value {
    let mut flow = without_nulls(flow);
    if let Some(Value::Array(states)) = flow.get_mut("states") {
        states.iter_mut().for_each(|state| *state = normalize_state(state));
    }
    flow
}

fn normalize_state(state: &Value) -> Value {
    let mut state = without_nulls(state);
    for (name, value) in state.as_object_mut().into_iter().flatten() {
        *value = normalize_member(name, value);
    }
    state
}

fn normalize_member(name: &str, value: &Value) -> Value {
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

/// Whether two flows are equal, apart from members without a meaning.
pub fn is_same_flow(one: &FlowNode, other: &FlowNode) -> bool {
    normalize_flow(&one.to_json()) == normalize_flow(&other.to_json())
}
