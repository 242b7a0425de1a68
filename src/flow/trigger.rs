//! Triggers: the webhook, the request to Studio's REST, or the flow that begins an execution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::channel::Channel;
use crate::json::parse_json;
use crate::webhook::{Params, as_form};

/// The data that begins an execution; templates say `trigger.*`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Trigger {
    /// A webhook: `trigger.call.*`, `trigger.message.*` or `trigger.conversation.*`.
    Form {
        /// The member of `trigger`.
        kind: TriggerKind,
        /// The carrier's parameters.
        #[serde(with = "as_form")]
        params: Arc<Params>,
        /// The parsed values of those parameters that hold JSON, or that came in a JSON body.
        parsed: Map<String, Value>,
    },
    /// A request to Studio's REST (`trigger.request.*`), or the flow that calls a subflow
    /// (`trigger.parent.*`).
    Json {
        /// `request` or `parent`.
        kind: TriggerKind,
        /// The members of this member.
        values: Map<String, Value>,
    },
}

/// The kind of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriggerKind {
    /// An incoming call.
    Call,
    /// An incoming message.
    Message,
    /// An incoming message of a conversation.
    Conversation,
    /// A request to Studio's REST.
    Request,
    /// A call by another flow.
    Parent,
}

/// The parameters that hold JSON, whose members templates read.
const JSON_PARAMETERS: [&str; 3] = ["AddOns", "ChannelAttributes", "ChannelMetadata"];

// === impl Trigger ===

impl Trigger {
    pub(super) fn from_webhook(channel: Channel, params: Arc<Params>) -> Trigger {
        // Conversations use the message route: only this parameter distinguishes their webhooks.
        let is_conversation =
            channel == Channel::Message && params.get("ConversationSid").is_some();
        let kind = if is_conversation {
            TriggerKind::Conversation
        } else {
            TriggerKind::from_channel(channel)
        };
        let parse = |name: &&str| {
            // A value that is not JSON remains readable as text.
            let value = parse_json(params.get(name)?.as_bytes()).ok()?;
            Some(((*name).to_owned(), value))
        };
        let parsed = JSON_PARAMETERS.iter().filter_map(parse).collect();
        Trigger::Form { kind, params, parsed }
    }

    /// The members of its one member, such as those of `trigger.call`.
    pub(super) fn values(&self) -> Value {
        match self {
            Trigger::Form { params, parsed, .. } => {
                let mut values = Map::new();
                // Of several parameters of one name, templates read the first.
                for (name, value) in params.iter().filter(|(name, _)| !parsed.contains_key(*name)) {
                    values.entry(name).or_insert_with(|| value.into());
                }
                values.extend(parsed.clone());
                Value::Object(values)
            }
            Trigger::Json { values, .. } => Value::Object(values.clone()),
        }
    }

    /// Whether the webhook reports an event, and asks for no document.
    pub(super) fn is_status_report(&self) -> bool {
        match self {
            Trigger::Form { params, .. } => params.is_status_report(),
            Trigger::Json { .. } => false,
        }
    }

    /// Whether the webhook is of neither a call nor a message of a number, so that the carrier
    /// takes JSON for an answer: an assignment of TaskRouter, an event of Conversations.
    pub(super) fn takes_json(&self) -> bool {
        match self {
            Trigger::Form { params, .. } => {
                params.sid().is_none() || params.conversation_event().is_some()
            }
            Trigger::Json { values, .. } => {
                ["CallSid", "MessageSid", "SmsSid"].iter().all(|name| !values.contains_key(*name))
            }
        }
    }

    /// The kind of the trigger.
    pub(crate) fn kind(&self) -> TriggerKind {
        match self {
            Trigger::Form { kind, .. } | Trigger::Json { kind, .. } => *kind,
        }
    }
}

// === impl TriggerKind ===

impl TriggerKind {
    /// The kind of the calls or the messages of a route.
    pub(crate) fn from_channel(channel: Channel) -> TriggerKind {
        match channel {
            Channel::Voice => TriggerKind::Call,
            Channel::Message => TriggerKind::Message,
        }
    }

    /// All kinds, in the order of Studio's events.
    pub const ALL: [TriggerKind; 5] = [
        TriggerKind::Call,
        TriggerKind::Message,
        TriggerKind::Conversation,
        TriggerKind::Request,
        TriggerKind::Parent,
    ];

    /// The member of `trigger`.
    pub fn name(self) -> &'static str {
        match self {
            TriggerKind::Call => "call",
            TriggerKind::Message => "message",
            TriggerKind::Conversation => "conversation",
            TriggerKind::Request => "request",
            TriggerKind::Parent => "parent",
        }
    }

    /// The event of the trigger widget.
    pub fn event(self) -> &'static str {
        match self {
            TriggerKind::Call => "incomingCall",
            TriggerKind::Message => "incomingMessage",
            TriggerKind::Conversation => "incomingConversationMessage",
            TriggerKind::Request => "incomingRequest",
            TriggerKind::Parent => "incomingParent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_emoji_leaves_a_parameter_json() {
        let add_ons = r#"{"name": "Party \ud83c", "status": "successful"}"#;
        let params = [("AddOns", add_ons), ("ChannelMetadata", "{")].into_iter().collect();
        let values = Trigger::from_webhook(Channel::Message, Arc::new(params)).values();
        assert_eq!(values["AddOns"]["name"], "Party \u{fffd}");
        assert_eq!(values["ChannelMetadata"], "{");
    }
}
