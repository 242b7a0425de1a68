//! The upgrade of Studio's format from before 2020: types have other names, `initial_state` is
//! missing, and transitions lead to ids instead of names.

use std::collections::HashMap;

use super::{FlowKey, FlowNode, FlowValue};

/// The renamed types: the former name, and the current one.
const RENAMED_TYPES: [(&str, &str); 11] = [
    ("InitialState", "trigger"),
    ("Message", "send-message"),
    ("MessagePrompt", "send-and-wait-for-reply"),
    ("Branch", "split-based-on"),
    ("SetVariables", "set-variables"),
    ("Function", "run-function"),
    ("Webhook", "make-http-request"),
    ("Gather", "gather-input-on-call"),
    ("SayPlay", "say-play"),
    ("DialV2", "make-outgoing-call-v2"),
    ("EnqueueCall", "enqueue-call"),
];

/// Upgrades a flow to the current format. A flow in the current format stays as it is.
pub(super) fn upgrade(mut flow: FlowNode) -> FlowNode {
    let states = flow.get("states").and_then(FlowNode::list).unwrap_or_default();
    let text =
        |state: &FlowNode, key: &str| state.get(key).and_then(FlowNode::text).map(str::to_owned);
    let is_first = |state: &&FlowNode| text(state, "type").as_deref() == Some("InitialState");
    // `InitialState` exists in the old format alone, and every old flow has one.
    let Some(first) = states.iter().find(is_first) else { return flow };
    // What the upgrade adds gets the place of the trigger: every node needs one.
    let name = first.get("name").cloned();
    let place = first.get("type").map_or(first.span.clone(), |node| node.span.clone());
    let names: HashMap<String, String> = states
        .iter()
        .filter_map(|state| Some((text(state, "sid")?, text(state, "name")?)))
        .collect();

    let has = |key| flow.get(key).is_some();
    let (has_first, has_flags) = (has("initial_state"), has("flags"));
    let FlowValue::Table(members) = &mut flow.value else { return flow };
    for (key, node) in members.iter_mut() {
        if let ("states", FlowValue::List(states)) = (key.name.as_str(), &mut node.value) {
            states.iter_mut().for_each(|widget| upgrade_widget(widget, &names));
        }
    }
    let key = |name: &str| FlowKey { name: name.to_owned(), span: place.clone() };
    let node = |value| FlowNode { value, span: place.clone() };
    if let (false, Some(name)) = (has_first, name) {
        members.push((key("initial_state"), name));
    }
    if !has_flags {
        // The old format has no flags: concurrent calls are allowed, as by default.
        let calls = (key("allow_concurrent_calls"), node(FlowValue::Bool(true)));
        members.push((key("flags"), node(FlowValue::Table(vec![calls]))));
    }
    flow
}

fn upgrade_widget(state: &mut FlowNode, names: &HashMap<String, String>) {
    let FlowValue::Table(members) = &mut state.value else { return };
    members.retain(|(key, _)| key.name != "sid" && key.name != "uuid");
    for (key, node) in members {
        match (key.name.as_str(), &mut node.value) {
            // A type without a new name remains, and the import reports it.
            ("type", FlowValue::Text(name)) => {
                if let Some((_, current)) = RENAMED_TYPES.iter().find(|(former, _)| former == name)
                {
                    *name = (*current).to_owned();
                }
            }
            // The old format writes every property; `null` is one that is not set.
            ("properties", FlowValue::Table(properties)) => {
                properties.retain(|(_, node)| !node.is_null());
            }
            ("transitions", FlowValue::List(transitions)) => {
                transitions.iter_mut().for_each(|one| upgrade_transition(one, names));
            }
            _ => {}
        }
    }
}

fn upgrade_transition(transition: &mut FlowNode, names: &HashMap<String, String>) {
    let FlowValue::Table(members) = &mut transition.value else { return };
    members.retain(|(key, node)| match key.name.as_str() {
        "sid" | "uuid" => false,
        "next" => !node.is_null(),
        "conditions" => !node.is_null() && node.list().is_none_or(|list| !list.is_empty()),
        _ => true,
    });
    for (key, node) in members {
        match (key.name.as_str(), &mut node.value) {
            ("next", FlowValue::Text(next)) => {
                if let Some(name) = names.get(next) {
                    next.clone_from(name);
                }
            }
            ("conditions", FlowValue::List(conditions)) => {
                for condition in conditions {
                    if let FlowValue::Table(members) = &mut condition.value {
                        members.retain(|(key, _)| key.name != "uuid" && key.name != "sid");
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::diagnostics::problem::{Problems, Source};

    #[test]
    fn old_flows_become_new_ones() {
        let text = r#"{"description": "Old", "states": [
            {"type": "InitialState", "name": "Trigger", "properties": {}, "sid": "FF1",
             "transitions": [{"event": "incomingMessage", "conditions": [], "next": "FF2",
                              "uuid": "1"},
                             {"event": "incomingCall", "conditions": [], "next": null}]},
            {"type": "Branch", "name": "which", "properties": {"input": "x", "offset": null},
             "sid": "FF2", "transitions": [
                {"event": "match", "next": "FF3", "uuid": "2", "conditions": [
                    {"friendly_name": "n", "arguments": ["x"], "type": "equal_to", "value": "1",
                     "uuid": "3"}]}]},
            {"type": "Mystery", "name": "odd", "properties": {}, "sid": "FF3", "transitions": []}
        ]}"#;
        let mut problems = Problems::default();
        let flow = read(&Source::new("old.json", text), &mut problems).expect("a flow");
        let current = serde_json::json!({"description": "Old", "states": [
            {"type": "trigger", "name": "Trigger", "properties": {},
             "transitions": [{"event": "incomingMessage", "next": "which"},
                             {"event": "incomingCall"}]},
            {"type": "split-based-on", "name": "which", "properties": {"input": "x"},
             "transitions": [{"event": "match", "next": "odd", "conditions": [
                {"friendly_name": "n", "arguments": ["x"], "type": "equal_to", "value": "1"}]}]},
            {"type": "Mystery", "name": "odd", "properties": {}, "transitions": []}
        ], "initial_state": "Trigger", "flags": {"allow_concurrent_calls": true}});
        assert_eq!(flow.to_json(), current);
        let first = flow.get("initial_state").expect("the first widget");
        assert_eq!(&text[first.span.clone()], "\"Trigger\"");
    }
}
