//! The check of transitions: their events, the widgets that follow, and widgets without a way to
//! them.

use super::{FlowImporter, WidgetNode};
use crate::diagnostics::suggest::did_you_mean;
use crate::flow::definition::{Transition, Widget, WidgetId};
use crate::flow::file::FlowNode;

impl FlowImporter<'_> {
    pub(super) fn read_transitions(
        &mut self,
        state: &WidgetNode<'_>,
        names: &[&str],
    ) -> Vec<Transition> {
        let Some(list) = state.node.get("transitions") else { return Vec::new() };
        let Some(nodes) = list.list() else {
            let message = format!("`transitions` of widget `{}` is {}", state.name, list.kind());
            self.fail(list, message, "a list", "");
            return Vec::new();
        };
        let mut transitions: Vec<Transition> = Vec::new();
        for node in nodes {
            let Some(transition) = self.read_transition(state, node, names) else { continue };
            let again = transitions.iter().any(|before| before.event == transition.event);
            // A split has one `match` for each of its cases.
            if again && transition.event != "match" {
                let message = format!("widget `{}` has `{}` twice", state.name, transition.event);
                self.warn(node, message, "never taken", "the first one counts");
            }
            transitions.push(transition);
        }
        transitions
    }

    fn read_transition(
        &mut self,
        state: &WidgetNode<'_>,
        node: &FlowNode,
        names: &[&str],
    ) -> Option<Transition> {
        let event = node.get("event");
        let Some((event, event_name)) = event.and_then(|event| Some((event, event.text()?))) else {
            let message = format!("a transition of widget `{}` has no `event`", state.name);
            self.fail(node, message, "`event`, a text", "");
            return None;
        };
        // A call may end during any widget, so every type has this event.
        if !state.widget_type.events.contains(&event_name) && event_name != "hangup" {
            let help = did_you_mean(event_name, state.widget_type.events.iter().copied())
                .unwrap_or_else(|| format!("its events: {}", state.widget_type.events.join(", ")));
            let message = format!(
                "widget `{}` has no event `{event_name}`: it is a `{}`",
                state.name, state.widget_type.name
            );
            self.fail(event, message, "no such event", &help);
        }
        let next = self.read_next(state, node, names);
        let conditions = self.read_conditions(state, node);
        let given = node.get("conditions").and_then(FlowNode::list);
        if event_name == "match" && given.is_none_or(<[FlowNode]>::is_empty) {
            let message = format!("a `match` of widget `{}` has no conditions", state.name);
            self.fail(node, message, "never holds", "add one, or remove it");
        }
        Some(Transition { event: event_name.to_owned(), next, conditions })
    }

    /// The widget that follows. A missing `next`, `null` and an empty name all mean the end.
    fn read_next(
        &mut self,
        state: &WidgetNode<'_>,
        node: &FlowNode,
        names: &[&str],
    ) -> Option<WidgetId> {
        let next = node.get("next").filter(|next| !next.is_null())?;
        let Some(name) = next.text() else {
            let message = format!("`next` of widget `{}` is {}", state.name, next.kind());
            self.fail(next, message, "the name of a widget", "");
            return None;
        };
        if name.is_empty() {
            return None;
        }
        // A widget of an unknown type is not in the list, and its type has a problem already.
        let found = names.iter().position(|known| *known == name);
        if found.is_none() && !self.unknown_widgets.iter().any(|known| known == name) {
            let message =
                format!("widget `{}` leads to `{name}`, which does not exist", state.name);
            let help = did_you_mean(name, names.iter().copied()).unwrap_or_default();
            self.fail(next, message, "no such widget", &help);
        }
        found.map(WidgetId)
    }

    /// Warns of widgets that no execution can reach.
    pub(super) fn warn_of_unreachable_widgets(
        &mut self,
        states: &[WidgetNode<'_>],
        widgets: &[Widget],
    ) {
        let mut reached = vec![false; widgets.len()];
        // A search from the trigger, which is the first widget. Widgets in a loop that nothing else
        // leads to are unreachable too.
        let mut open = if widgets.is_empty() { Vec::new() } else { vec![0] };
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut reached[index], true) {
                continue;
            }
            open.extend(widgets[index].transitions.iter().filter_map(|to| Some(to.next?.0)));
        }
        for (state, _) in states.iter().zip(reached).filter(|(_, reached)| !reached) {
            let message = format!("nothing leads to widget `{}`", state.name);
            let node = state.node.get("name").unwrap_or(state.node);
            self.warn(node, message, "never entered", "wire it, or remove it");
        }
    }
}
