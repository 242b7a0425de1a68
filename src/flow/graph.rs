//! The widgets of a flow file and the transitions between them, for outlines and pictures.
//!
//! A graph is read from any tree that has the form of a flow, also where the import would refuse
//! it: a person looks at a flow to find out what is wrong with it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::file::FlowNode;

/// The main properties of widgets. The first one that a widget has is shown.
const MAIN_PROPERTIES: [&str; 14] = [
    "say",
    "play",
    "body",
    "input",
    "url",
    "to",
    "noun",
    "queue_name",
    "workflow_sid",
    "flow_sid",
    "template",
    "variables",
    "function",
    "digits",
];

/// The widgets of a flow in the order in which a caller can reach them, depth first in the order
/// of the transitions; then the unreachable ones, in the order of the file.
#[derive(Debug)]
pub struct FlowGraph<'a> {
    /// The text with which the author describes the flow.
    pub description: Option<&'a str>,
    /// The widgets.
    pub widgets: Vec<GraphWidget<'a>>,
    /// The number of widgets that a caller can reach.
    pub reachable: usize,
}

/// A widget of a graph.
#[derive(Debug)]
pub struct GraphWidget<'a> {
    /// The name of the widget.
    pub name: &'a str,
    /// Studio's name of its type.
    pub kind: &'a str,
    /// The main property: its name and its text.
    pub property: Option<(&'static str, Cow<'a, str>)>,
    /// The transitions, in the order of the file.
    pub transitions: Vec<GraphTransition<'a>>,
}

/// A transition of a graph.
#[derive(Debug)]
pub struct GraphTransition<'a> {
    /// The event.
    pub event: &'a str,
    /// The conditions of the event `match`.
    pub conditions: Vec<GraphCondition<'a>>,
    /// The target.
    pub target: GraphTarget<'a>,
}

/// The target of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphTarget<'a> {
    /// The transition is not wired.
    None,
    /// The index of a widget in [`FlowGraph::widgets`].
    Widget(usize),
    /// The name of a widget that the flow does not have.
    Unknown(&'a str),
}

/// A condition of a transition.
#[derive(Debug)]
pub struct GraphCondition<'a> {
    /// Studio's name of the comparison, as in `equal_to`.
    pub comparison: &'a str,
    /// The value to compare with; empty if the comparison has none.
    pub value: String,
}

// === impl FlowGraph ===

impl<'a> FlowGraph<'a> {
    /// Reads the graph of a flow.
    pub fn new(flow: &'a FlowNode) -> FlowGraph<'a> {
        let states = flow.get("states").and_then(FlowNode::list).unwrap_or_default();
        let mut indices: HashMap<&str, usize> = HashMap::new();
        for (index, state) in states.iter().enumerate() {
            // The first widget of a name is the one that transitions lead to.
            indices.entry(text_of(state, "name")).or_insert(index);
        }
        let first = match flow.get("initial_state").and_then(FlowNode::text) {
            Some(name) => indices.get(name).copied(),
            // As the import does: an execution begins at the first trigger.
            None => states.iter().position(|state| text_of(state, "type") == "trigger"),
        };
        let (order, reachable) = order_widgets(states, &indices, first);
        let mut positions = vec![0; states.len()];
        for (position, &index) in order.iter().enumerate() {
            positions[index] = position;
        }
        let target = |transition: &'a FlowNode| match next_name(transition) {
            None => GraphTarget::None,
            Some(name) => indices
                .get(name)
                .map_or(GraphTarget::Unknown(name), |index| GraphTarget::Widget(positions[*index])),
        };
        let widgets = order.iter().map(|index| GraphWidget::new(&states[*index], target)).collect();
        let description = flow.get("description").and_then(FlowNode::text);
        FlowGraph { description, widgets, reachable }
    }
}

// === impl GraphWidget ===

impl<'a> GraphWidget<'a> {
    fn new(
        state: &'a FlowNode,
        target: impl Fn(&'a FlowNode) -> GraphTarget<'a>,
    ) -> GraphWidget<'a> {
        let property = state.get("properties").and_then(|properties| {
            MAIN_PROPERTIES.iter().find_map(|name| {
                let value = properties.get(name).filter(|value| !value.is_null())?;
                let text = match value.text() {
                    Some(text) => Cow::Borrowed(text),
                    None => value.plain().unwrap_or_else(|| value.to_json().to_string()).into(),
                };
                (!text.is_empty()).then_some((*name, text))
            })
        });
        let transitions = transitions_of(state).iter().map(|transition| GraphTransition {
            event: transition.get("event").and_then(FlowNode::text).unwrap_or("(no event)"),
            conditions: conditions_of(transition),
            target: target(transition),
        });
        GraphWidget {
            name: text_of(state, "name"),
            kind: text_of(state, "type"),
            property,
            transitions: transitions.collect(),
        }
    }
}

/// The indices of the widgets in the order of the graph, and the number of reachable ones.
fn order_widgets(
    states: &[FlowNode],
    indices: &HashMap<&str, usize>,
    first: Option<usize>,
) -> (Vec<usize>, usize) {
    let mut waiting: Vec<usize> = first.into_iter().collect();
    let mut seen = vec![false; states.len()];
    let mut order = Vec::with_capacity(states.len());
    while let Some(index) = waiting.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        order.push(index);
        let next = |transition: &FlowNode| indices.get(next_name(transition)?).copied();
        // Reversed, for the stack returns the last one first.
        waiting.extend(transitions_of(&states[index]).iter().rev().filter_map(next));
    }
    let reachable = order.len();
    order.extend((0..states.len()).filter(|index| !seen[*index]));
    (order, reachable)
}

fn text_of<'a>(state: &'a FlowNode, key: &str) -> &'a str {
    state.get(key).and_then(FlowNode::text).unwrap_or("(none)")
}

fn transitions_of(state: &FlowNode) -> &[FlowNode] {
    state.get("transitions").and_then(FlowNode::list).unwrap_or_default()
}

fn conditions_of(transition: &FlowNode) -> Vec<GraphCondition<'_>> {
    let conditions = transition.get("conditions").and_then(FlowNode::list).unwrap_or_default();
    let read = |condition| GraphCondition {
        comparison: FlowNode::get(condition, "type").and_then(FlowNode::text).unwrap_or_default(),
        value: condition.get("value").and_then(FlowNode::plain).unwrap_or_default(),
    };
    conditions.iter().map(read).collect()
}

fn next_name(transition: &FlowNode) -> Option<&str> {
    transition.get("next").and_then(FlowNode::text).filter(|next| !next.is_empty())
}
