//! The compiled form of a flow: widgets with named transitions. Every route has one.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::properties::{Callee, Properties, PropertyKind};
use super::widget::WidgetType;
use crate::config;
use crate::liquid::Template;

/// A checked flow: every transition leads to one of its widgets.
#[derive(Debug)]
pub struct Flow {
    /// The name in logs and in Studio's REST: that of its `[flow.NAME]` or of its route.
    pub name: String,
    /// `FW` and 32 hexadecimal digits; templates say `flow.flow_sid`.
    pub sid: String,
    /// The hash of the definition, its subflows included. An execution stays on the revision that
    /// it began with.
    pub revision: String,
    /// The text that a store needs to build the flow again; empty for the short form of a route,
    /// which the configuration holds.
    pub definition: String,
    /// The executions that a store preserves.
    pub persistence: Persistence,
    /// The key of the conversation that a webhook belongs to.
    pub identity: ConversationIdentity,
    /// The time for the answer of a URL, and of a function without `timeout_ms`.
    pub functions_within: Duration,
    /// The `[[rewrite]]` sections, for URLs and sids that have Liquid.
    pub rewrites: Vec<config::UrlRewrite>,
    /// The widgets. The first one is the trigger, where an execution begins.
    pub widgets: Vec<Widget>,
    /// The flows that `run-subflow` widgets run.
    pub subflows: Vec<Arc<Flow>>,
    /// Whether a widget fails if one of its texts cannot be rendered. If not, the text is empty, as
    /// in Studio.
    pub strict_liquid: bool,
    /// The names that templates of a route without a flow file have beside those of Studio. `None`
    /// for a flow file.
    pub short_names: Option<ShortNames>,
}

/// The names of variables in the templates of a route that the configuration itself answers: the
/// parameters of the webhook as in TwiML Bins, `{{From}}`, and `widgets.function`.
#[derive(Debug)]
pub struct ShortNames {
    /// The widget of the function, which `widgets.function` names too; `None` without a function.
    pub function: Option<WidgetId>,
}

/// The executions of a flow that a store preserves between two webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// None, because the flow never waits: the short form of a route.
    Never,
    /// Those that wait for a pending call: the short form of a route whose function has `hold`.
    WhilePending,
    /// All of them, with their steps.
    Always,
}

/// The key of the conversation that a webhook belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationIdentity {
    /// The sid of the call or message, so that each message is its own conversation.
    Webhook,
    /// The sid of a call, and the two addresses of a message.
    CallOrContact,
    /// The two addresses, for calls too, so that a contact is in one call at a time
    /// (`allow_concurrent_calls` is false).
    Contact,
}

/// The index of a widget in its flow. Stored executions hold it, which is why they stay on one
/// revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WidgetId(pub usize);

/// One state of a flow.
#[derive(Debug)]
pub struct Widget {
    /// Unique in the flow; templates say `widgets.NAME`.
    pub name: String,
    /// The type, which says how the widget works.
    pub widget_type: &'static WidgetType,
    /// The compiled properties.
    pub properties: Properties,
    /// The transitions of its events, in the order of the file.
    pub transitions: Vec<Transition>,
}

/// The way from a widget to the next one.
#[derive(Debug)]
pub struct Transition {
    /// The widget's event: `success`, `fail`, `incomingCall`, …
    pub event: String,
    /// The widget that follows; `None` ends the execution.
    pub next: Option<WidgetId>,
    /// The conditions of a `match`, all of which must be true.
    pub conditions: Vec<Condition>,
}

impl Flow {
    /// Whether a widget of the flow or of its subflows calls the configured function of this name.
    pub(crate) fn calls(&self, function: &str) -> bool {
        let has_name = |called: &config::Function| called.name == function;
        self.functions().any(has_name) || self.subflows.iter().any(|flow| flow.calls(function))
    }

    /// Whether a widget of the flow or of its subflows makes a call over the carrier's API.
    pub(crate) fn makes_calls(&self) -> bool {
        // Both versions of the widget, `-v1` and `-v2`.
        let makes = |widget: &Widget| widget.widget_type.name.starts_with("make-outgoing-call");
        self.widgets.iter().any(makes) || self.subflows.iter().any(|flow| flow.makes_calls())
    }

    /// Whether a widget of the flow or of its subflows waits for a message.
    pub(crate) fn awaits_messages(&self) -> bool {
        let awaits = |widget: &Widget| widget.widget_type.name == "send-and-wait-for-reply";
        self.widgets.iter().any(awaits) || self.subflows.iter().any(|flow| flow.awaits_messages())
    }

    /// The templates that its own widgets answer with.
    pub(crate) fn document_templates(&self) -> impl Iterator<Item = &Template> {
        self.widgets.iter().flat_map(|widget| {
            let properties = widget.widget_type.properties.iter();
            let documents = properties.filter(|known| known.kind == PropertyKind::Document);
            documents.filter_map(|known| widget.properties.text(known.name))
        })
    }

    /// The configured functions that its own widgets call.
    fn functions(&self) -> impl Iterator<Item = &config::Function> {
        self.widgets.iter().filter_map(|widget| match &widget.properties.callee {
            Some(Callee::Function { function, .. }) => Some(function.as_ref()),
            _ => None,
        })
    }

    /// The name of the widget that templates also call `widgets.function`.
    pub(crate) fn function_widget(&self) -> Option<&str> {
        let function = self.short_names.as_ref()?.function?;
        Some(self.widget(function).name.as_str())
    }

    /// The widget at an index of this flow.
    pub fn widget(&self, id: WidgetId) -> &Widget {
        // The import gives out indexes of this flow alone, and `Execution::fits` checks stored
        // ones.
        &self.widgets[id.0]
    }
}

impl Persistence {
    /// Whether a store preserves all executions.
    pub(crate) fn is_always(self) -> bool {
        self == Persistence::Always
    }
}

impl Widget {
    /// The widget that follows an event; `None` if nothing is wired to the event.
    pub fn next(&self, event: &str) -> Option<WidgetId> {
        // Of two transitions of one event Studio takes the first; the import warns of the second.
        self.transitions.iter().find(|wired| wired.event == event).and_then(|wired| wired.next)
    }
}
