//! The exports of Studio before 2020, as those of today: other names of types, and widgets that
//! are told apart by sids.

use super::{Key, Node, Value};

/// The old names of types, and today's.
const TYPES: [(&str, &str); 11] = [
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

/// The tree in today's form; one that has it already is left as it is.
pub(super) fn normalised(mut root: Node) -> Node {
    let initial = root.get("states").and_then(Node::list).and_then(|states| {
        let begins = |state: &&Node| state.get("type").and_then(Node::text) == Some("InitialState");
        states.iter().find(begins)
    });
    let Some(initial) = initial.filter(|_| root.get("initial_state").is_none()) else {
        return root;
    };
    let name = initial.get("name").cloned();
    let names = names(&root);
    let Value::Table(members) = &mut root.value else { return root };
    for (key, node) in members.iter_mut() {
        if let ("states", Value::List(states)) = (key.name.as_str(), &mut node.value) {
            states.iter_mut().for_each(|node| state(node, &names));
        }
    }
    members.extend(name.map(|name| (Key::nowhere("initial_state"), name)));
    let concurrent = Node { value: Value::Bool(true), span: 0..0 };
    let flags = Value::Table(vec![(Key::nowhere("allow_concurrent_calls"), concurrent)]);
    members.push((Key::nowhere("flags"), Node { value: flags, span: 0..0 }));
    root
}

/// The widgets' sids and names.
fn names(root: &Node) -> Vec<(String, String)> {
    let states = root.get("states").and_then(Node::list).unwrap_or_default();
    let pair = |state: &Node| {
        let text = |key| state.get(key).and_then(Node::text).map(str::to_owned);
        text("sid").zip(text("name"))
    };
    states.iter().filter_map(pair).collect()
}

fn state(node: &mut Node, names: &[(String, String)]) {
    let Value::Table(members) = &mut node.value else { return };
    members.retain(|(key, _)| key.name != "sid");
    for (key, node) in members {
        match (key.name.as_str(), &mut node.value) {
            ("type", Value::Text(kind)) => {
                if let Some((_, today)) = TYPES.iter().find(|(old, _)| old == kind) {
                    *kind = (*today).to_owned();
                }
            }
            ("transitions", Value::List(transitions)) => {
                transitions.iter_mut().for_each(|node| transition(node, names));
            }
            ("properties", Value::Table(properties)) => {
                properties.retain(|(_, node)| !node.is_null());
            }
            _ => {}
        }
    }
}

fn transition(node: &mut Node, names: &[(String, String)]) {
    let Value::Table(members) = &mut node.value else { return };
    members.retain(|(key, node)| {
        let empty = node.is_null() || node.list().is_some_and(<[Node]>::is_empty);
        key.name != "uuid" && !empty
    });
    for (key, node) in members {
        if let ("next", Value::Text(next)) = (key.name.as_str(), &mut node.value)
            && let Some((_, name)) = names.iter().find(|(sid, _)| sid == next)
        {
            *next = name.clone();
        }
    }
}
