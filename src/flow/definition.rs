//! A flow: widgets with named transitions. Every kind of route becomes one of these.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::properties::Callee;
use super::widget::Kind;
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
    /// One caller may be in several calls at once.
    pub concurrent_calls: bool,
    /// The widgets; the first one is the trigger, where an execution begins.
    pub widgets: Vec<Widget>,
    /// The flows that `run-subflow` widgets run.
    pub subflows: Vec<Arc<Flow>>,
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
    pub kind: Kind,
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
    /// Whether it is the short form of a route, which never waits: nobody keeps it, and nobody
    /// keeps its executions.
    pub fn is_short(&self) -> bool {
        self.definition.is_empty()
    }

    /// Whether one of its widgets, or of its subflows', calls a configured function.
    pub fn calls(&self, function: &str) -> bool {
        let named = |called: &config::Function| called.name == function;
        self.functions().any(named) || self.subflows.iter().any(|flow| flow.calls(function))
    }

    /// Whether one of its widgets, or of its subflows', makes a call over the carrier's API.
    pub fn makes_calls(&self) -> bool {
        let makes = |widget: &Widget| widget.kind.name().starts_with("make-outgoing-call");
        self.widgets.iter().any(makes) || self.subflows.iter().any(|flow| flow.makes_calls())
    }

    /// Whether a widget of it calls a function whose callers are kept company.
    pub fn holds(&self) -> bool {
        self.functions().any(|function| function.hold.is_some())
    }

    /// The configured functions that its widgets call.
    fn functions(&self) -> impl Iterator<Item = &config::Function> {
        self.widgets.iter().filter_map(|widget| match &widget.kind.properties.callee {
            Some(Callee::Function(function)) => Some(function.as_ref()),
            _ => None,
        })
    }

    /// The widget at a place of this flow.
    pub fn widget(&self, id: WidgetId) -> &Widget {
        &self.widgets[id.0]
    }
}

impl Widget {
    /// Where an event leads; `None` where nothing is wired to it.
    pub fn next(&self, event: &str) -> Option<WidgetId> {
        self.transitions.iter().find(|wired| wired.event == event).and_then(|wired| wired.next)
    }
}
