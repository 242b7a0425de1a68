//! What begins an execution: a webhook, Studio's REST, or another flow.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::channel::Channel;
use crate::webhook::{Params, as_form};

/// What begins an execution; templates say `trigger.*`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Trigger {
    /// A webhook: `trigger.call.*`, `trigger.message.*` or `trigger.conversation.*`.
    Form {
        /// The member of `trigger`.
        kind: TriggerKind,
        /// The carrier's parameters.
        #[serde(with = "as_form")]
        params: Arc<Params>,
        /// Those of them that hold JSON, as what they hold.
        parsed: Map<String, Value>,
    },
    /// Studio's REST: `trigger.request.*`. A subflow's caller: `trigger.parent.*`.
    Json {
        /// `request` or `parent`.
        kind: TriggerKind,
        /// What is below it.
        values: Map<String, Value>,
    },
}

/// The ways into a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TriggerKind {
    /// Somebody calls.
    Call,
    /// Somebody writes.
    Message,
    /// Somebody writes in a conversation.
    Conversation,
    /// Studio's REST began it.
    Request,
    /// Another flow called it.
    Parent,
}

/// Parameters that carriers fill with JSON; templates read what is in them.
const JSON_PARAMETERS: [&str; 3] = ["AddOns", "ChannelAttributes", "ChannelMetadata"];

// === impl Trigger ===

impl Trigger {
    pub(super) fn from_webhook(channel: Channel, params: Arc<Params>) -> Trigger {
        let kind = match channel {
            Channel::Voice => TriggerKind::Call,
            Channel::Message if params.get("ConversationSid").is_some() => {
                TriggerKind::Conversation
            }
            Channel::Message => TriggerKind::Message,
        };
        let parse = |name: &&str| {
            let value = serde_json::from_str(params.get(name)?).ok()?;
            Some(((*name).to_owned(), value))
        };
        let parsed = JSON_PARAMETERS.iter().filter_map(parse).collect();
        Trigger::Form { kind, params, parsed }
    }

    /// What is below its one member.
    pub(super) fn values(&self) -> Value {
        match self {
            Trigger::Form { params, parsed, .. } => {
                let mut values = Map::new();
                // The first one of a name counts, and what is read in the JSON of some.
                for (name, value) in params.iter().filter(|(name, _)| !parsed.contains_key(*name)) {
                    values.entry(name).or_insert_with(|| value.into());
                }
                values.extend(parsed.clone());
                Value::Object(values)
            }
            Trigger::Json { values, .. } => Value::Object(values.clone()),
        }
    }

    /// The way in.
    pub fn kind(&self) -> TriggerKind {
        match self {
            Trigger::Form { kind, .. } | Trigger::Json { kind, .. } => *kind,
        }
    }
}

// === impl Incoming ===

impl TriggerKind {
    /// All of them.
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
