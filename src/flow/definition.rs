//! A flow: widgets with named transitions. Every kind of route becomes one of these.

use super::widget::Kind;

/// A flow, checked: every transition leads to a widget that is there.
#[derive(Debug)]
pub struct Flow {
    /// The route's path or the file's name, for people.
    pub name: String,
    /// The widgets; the first one is the trigger, where an execution begins.
    pub widgets: Vec<Widget>,
}

/// The place of a widget in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub event: &'static str,
    /// The widget that follows.
    pub next: WidgetId,
}

impl Flow {
    /// The widget at a place of this flow.
    pub fn widget(&self, id: WidgetId) -> &Widget {
        &self.widgets[id.0]
    }
}

impl Widget {
    /// Where an event leads; `None` where nothing is wired to it.
    pub fn next(&self, event: &str) -> Option<WidgetId> {
        self.transitions.iter().find(|wired| wired.event == event).map(|wired| wired.next)
    }
}
