//! The upgrade of Studio's format from before 2020: types have other names, `initial_state` is
//! missing, and transitions lead to ids instead of names.
//!
//! Flows exist in between as well: former types whose transitions lead to names, and current types
//! with ids. Each part is upgraded by itself.

use std::collections::HashMap;

use super::{FlowKey, FlowNode, FlowValue};

/// A former name of a type.
struct FormerType {
    /// The former name. The comparison ignores the case of letters.
    former: &'static str,
    /// The event that a widget of this type has, if the name alone does not determine the type.
    event: Option<&'static str>,
    /// The current name, also of a type that Twilio has discontinued: the import says so.
    current: &'static str,
}

/// All former names. Of several entries with one name, the first whose event the widget has counts.
///
/// Exports are known with `InitialState`, `Message`, `MessagePrompt`, `Branch`, `SetVariables`,
/// `Function`, `Webhook`, `Gather`, `SayPlay`, `ConnectCaller`, `DialV2`, `EnqueueCall` and
/// `SendToFlex`. The other names follow the same pattern: the verb that the widget becomes, or its
/// title in the editor.
const FORMER_TYPES: [FormerType; 48] = [
    former("InitialState", "trigger"),
    former("Message", "send-message"),
    former("SendMessage", "send-message"),
    former("MessagePrompt", "send-and-wait-for-reply"),
    former("SendAndWaitForReply", "send-and-wait-for-reply"),
    former("Branch", "split-based-on"),
    former("SplitBasedOn", "split-based-on"),
    former("SetVariables", "set-variables"),
    former("Function", "run-function"),
    former("RunFunction", "run-function"),
    former("Webhook", "make-http-request"),
    former("HttpRequest", "make-http-request"),
    former("MakeHttpRequest", "make-http-request"),
    former("Gather", "gather-input-on-call"),
    former("GatherInputOnCall", "gather-input-on-call"),
    former("SayPlay", "say-play"),
    former("ConnectCaller", "connect-call-to"),
    former("ConnectCallTo", "connect-call-to"),
    former_with("Dial", "callCompleted", "connect-call-to"),
    former("Dial", "make-outgoing-call-v1"),
    former("DialV1", "make-outgoing-call-v1"),
    former("DialV2", "make-outgoing-call-v2"),
    former("MakeOutgoingCall", "make-outgoing-call-v1"),
    // The verb `<Record>`, unless the events are those of a recording of the whole call.
    former_with("Record", "success", "record-call"),
    former_with("Record", "failed", "record-call"),
    former("Record", "record-voicemail"),
    former("Voicemail", "record-voicemail"),
    former("RecordVoicemail", "record-voicemail"),
    former("RecordCall", "record-call"),
    former("EnqueueCall", "enqueue-call"),
    former("SendToFlex", "send-to-flex"),
    former("Redirect", "add-twiml-redirect"),
    former("TwimlRedirect", "add-twiml-redirect"),
    former("AddTwimlRedirect", "add-twiml-redirect"),
    former("Pay", "capture-payments"),
    former("CapturePayments", "capture-payments"),
    former("ForkStream", "fork-stream"),
    former("RunSubflow", "run-subflow"),
    former("VirtualAgent", "connect-virtual-agent"),
    former("ConnectVirtualAgent", "connect-virtual-agent"),
    former("ConnectVirtualAgentV2", "connect-virtual-agent-v2"),
    former("Autopilot", "send-to-auto-pilot"),
    former("SendToAutopilot", "send-to-auto-pilot"),
    former("Understand", "understand"),
    former("CreateTask", "create-task"),
    former("UpdateSyncObject", "update-sync-object"),
    former("CreateChatChannel", "create-chat-channel"),
    former("AddMemberToChatChannel", "add-member-to-chat-channel"),
];

const fn former(former: &'static str, current: &'static str) -> FormerType {
    FormerType { former, event: None, current }
}

const fn former_with(
    former: &'static str,
    event: &'static str,
    current: &'static str,
) -> FormerType {
    FormerType { former, event: Some(event), current }
}

/// The current name of a widget's type; `None` if its type is not a former one.
fn find_current_type(widget: &FlowNode) -> Option<&'static str> {
    let name = widget.get("type").and_then(FlowNode::text)?;
    // Former names begin with a capital letter. A mistyped current name is not one of them.
    if !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return None;
    }
    let transitions = widget.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let has = |event: &str| {
        transitions.iter().any(|one| one.get("event").and_then(FlowNode::text) == Some(event))
    };
    let fits = |known: &&FormerType| {
        known.former.eq_ignore_ascii_case(name) && known.event.is_none_or(has)
    };
    FORMER_TYPES.iter().find(fits).map(|known| known.current)
}

/// Upgrades a flow to the current format. A flow in the current format stays as it is.
pub(super) fn upgrade(mut flow: FlowNode) -> FlowNode {
    let states = flow.get("states").and_then(FlowNode::list).unwrap_or_default();
    let text =
        |state: &FlowNode, key: &str| state.get(key).and_then(FlowNode::text).map(str::to_owned);
    // Every former name of a type exists in the old format alone, and so do the ids of widgets.
    let names: HashMap<String, String> = states
        .iter()
        .filter_map(|state| Some((text(state, "sid")?, text(state, "name")?)))
        .collect();
    if names.is_empty() && !states.iter().any(|state| find_current_type(state).is_some()) {
        return flow;
    }
    let is_first = |state: &&FlowNode| {
        find_current_type(state).or(state.get("type").and_then(FlowNode::text)) == Some("trigger")
    };
    // What the upgrade adds gets the place of the trigger: every node needs one.
    let first = states.iter().find(is_first);
    let name = first.and_then(|first| first.get("name")).cloned();
    let place = first.and_then(|first| first.get("type")).unwrap_or(&flow).span.clone();

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
    // Before the members change: the name of a type may need the events.
    let current_type = find_current_type(state);
    let FlowValue::Table(members) = &mut state.value else { return };
    members.retain(|(key, _)| key.name != "sid" && key.name != "uuid");
    for (key, node) in members {
        match (key.name.as_str(), &mut node.value) {
            // A type without a new name remains, and the import reports it.
            ("type", FlowValue::Text(name)) => {
                if let Some(current) = current_type {
                    *name = current.to_owned();
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

    /// The type of a widget after the upgrade.
    fn upgraded_type(name: &str, event: &str) -> String {
        let text = serde_json::json!({"states": [
            {"name": "w", "type": name, "transitions": [{"event": event}]}]});
        let mut problems = Problems::default();
        let flow =
            read(&Source::new("old.json", &text.to_string()), &mut problems).expect("a flow");
        let states = flow.to_json()["states"].clone();
        states[0]["type"].as_str().expect("a type").to_owned()
    }

    #[test]
    fn every_former_type_has_a_current_one() {
        let page = include_str!("../../../docs/studio.md");
        for known in &super::FORMER_TYPES {
            assert!(page.contains(&format!("`{}`", known.former)), "{}", known.former);
            let event = known.event.unwrap_or("other");
            assert_eq!(upgraded_type(known.former, event), known.current, "{}", known.former);
        }
        for (name, event, current) in [
            ("SENDTOFLEX", "callComplete", "send-to-flex"),
            ("Record", "recordingComplete", "record-voicemail"),
            ("Record", "success", "record-call"),
            ("Dial", "answeredByMachine", "make-outgoing-call-v1"),
            ("Dial", "callCompleted", "connect-call-to"),
            // A mistake in a current name remains for the import to report.
            ("sendmessage", "sent", "sendmessage"),
            ("send_message", "sent", "send_message"),
            ("Hologram", "beamed", "Hologram"),
        ] {
            assert_eq!(upgraded_type(name, event), current, "{name}");
        }
    }

    #[test]
    fn former_types_and_former_ids_are_upgraded_by_themselves() {
        // Former types with names in `next`, as Flex creates them, and current ones with ids.
        for text in [
            r#"{"initial_state": "Trigger", "flags": {"allow_concurrent_calls": true}, "states": [
                {"type": "InitialState", "name": "Trigger", "properties": {}, "transitions": [
                    {"event": "incomingMessage", "next": "agent"}]},
                {"type": "SendToFlex", "name": "agent", "properties": {"timeout": null,
                    "workflow": "WW1", "channel": "TC1"}, "transitions": [
                    {"event": "callComplete", "next": null}]}]}"#,
            r#"{"initial_state": "Trigger", "flags": {"allow_concurrent_calls": true}, "states": [
                {"type": "trigger", "name": "Trigger", "properties": {}, "sid": "FF1",
                    "transitions": [{"event": "incomingMessage", "next": "FF2", "uuid": "1"}]},
                {"type": "send-to-flex", "name": "agent", "sid": "FF2", "properties": {
                    "workflow": "WW1", "channel": "TC1"}, "transitions": [
                    {"event": "callComplete", "conditions": []}]}]}"#,
        ] {
            let mut problems = Problems::default();
            let flow = read(&Source::new("old.json", text), &mut problems).expect("a flow");
            let current = serde_json::json!({"initial_state": "Trigger",
                "flags": {"allow_concurrent_calls": true}, "states": [
                {"type": "trigger", "name": "Trigger", "properties": {}, "transitions": [
                    {"event": "incomingMessage", "next": "agent"}]},
                {"type": "send-to-flex", "name": "agent",
                    "properties": {"workflow": "WW1", "channel": "TC1"},
                    "transitions": [{"event": "callComplete"}]}]});
            assert_eq!(flow.to_json(), current);
        }
    }
}
