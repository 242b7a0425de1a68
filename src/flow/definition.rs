//! A flow: widgets with named transitions. Every kind of route becomes one of these.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::properties::{Callee, Properties};
use super::widget::WidgetType;
use crate::config;

/// A flow, checked: every transition leads to a widget that is there.
#[derive(Debug)]
pub struct Flow {
    /// The route's path or the file's name without its ending, for people and for Studio's REST.
    pub name: String,
    /// `FW` and 32 hexadecimal digits; templates say `flow.flow_sid`.
    pub sid: String,
    /// What tells this text of the flow, its subflows included, from any other. An execution stays
    /// on the revision that it began with.
    pub revision: String,
    /// The text that it was made from, for the store; empty for the short form of a route, which
    /// never waits.
    pub definition: String,
    /// Which of its executions a store keeps.
    pub persistence: Persistence,
    /// What identifies the conversation that a webhook belongs to.
    pub identity: ConversationIdentity,
    /// The widgets; the first one is the trigger, where an execution begins.
    pub widgets: Vec<Widget>,
    /// The flows that `run-subflow` widgets run.
    pub subflows: Vec<Arc<Flow>>,
}

/// Which executions of a flow a store keeps between two webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// None: it never waits. The short form of a route.
    Never,
    /// Those that wait for a pending call of a function. The short form of a route whose function
    /// has `hold`.
    WhilePending,
    /// All, with their steps.
    Always,
}

/// What identifies the conversation that a webhook belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationIdentity {
    /// The webhook's own call or message: each message is a conversation of its own.
    Webhook,
    /// A call by its sid, messages by the two addresses.
    CallOrContact,
    /// Calls and messages by the two addresses: a contact is in one call at a time
    /// (`allow_concurrent_calls` is false).
    Contact,
}

/// The place of a widget in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WidgetId(pub usize);

/// One state of a flow.
#[derive(Debug)]
pub struct Widget {
    /// Unique in the flow; templates say `widgets.NAME`.
    pub name: String,
    /// What it does.
    pub widget_type: &'static WidgetType,
    /// What it does it with.
    pub properties: Properties,
    /// Where its events lead.
    pub transitions: Vec<Transition>,
}

/// What follows when a widget is through.
#[derive(Debug)]
pub struct Transition {
    /// The widget's event: `success`, `fail`, `incomingCall`, …
    pub event: String,
    /// The widget that follows; `None` ends the execution.
    pub next: Option<WidgetId>,
    /// When it is taken, for `match`: all of them must hold.
    pub conditions: Vec<Condition>,
}

impl Flow {
    /// Whether one of its widgets, or of its subflows', calls a configured function.
    pub fn calls(&self, function: &str) -> bool {
        let named = |called: &config::Function| called.name == function;
        self.functions().any(named) || self.subflows.iter().any(|flow| flow.calls(function))
    }

    /// Whether one of its widgets, or of its subflows', makes a call over the carrier's API.
    pub fn makes_calls(&self) -> bool {
        let makes = |widget: &Widget| widget.widget_type.name.starts_with("make-outgoing-call");
        self.widgets.iter().any(makes) || self.subflows.iter().any(|flow| flow.makes_calls())
    }

    /// The configured functions that its widgets call.
    fn functions(&self) -> impl Iterator<Item = &config::Function> {
        self.widgets.iter().filter_map(|widget| match &widget.properties.callee {
            Some(Callee::Function(function)) => Some(function.as_ref()),
            _ => None,
        })
    }

    /// The widget at a place of this flow.
    pub fn widget(&self, id: WidgetId) -> &Widget {
        &self.widgets[id.0]
    }
}

impl Persistence {
    /// Whether all executions are kept.
    pub fn is_always(self) -> bool {
        self == Persistence::Always
    }
}

impl Widget {
    /// Where an event leads; `None` where nothing is wired to it.
    pub fn next(&self, event: &str) -> Option<WidgetId> {
        self.transitions.iter().find(|wired| wired.event == event).and_then(|wired| wired.next)
    }
}
