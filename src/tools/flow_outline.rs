//! A flow as text for a person: an outline, or a Mermaid diagram.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::diagnostics::shorten::shorten;
use crate::flow::file::FlowNode;
use crate::tools::text::{collapse_whitespace, replace_control_chars_in_lines};

/// Characters of a property in the outline.
const TEXT_MAX: usize = 60;

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

/// One widget of the outline.
struct OutlineWidget<'a> {
    name: &'a str,
    kind: &'a str,
    /// The main property: its name and its text.
    property: Option<(&'static str, String)>,
    transitions: Vec<OutlineTransition<'a>>,
}

/// A transition of the outline.
struct OutlineTransition<'a> {
    /// The event, or the conditions in words.
    when: String,
    /// The next widget; `None` if the transition is not wired.
    next: Option<&'a str>,
}

/// The flow as an outline: each widget in the order in which a caller can reach them, then the
/// unreachable ones.
pub fn outline(flow: &FlowNode) -> String {
    let widgets = widgets(flow);
    let WidgetOrder { order, reached } = order_widgets(flow, &widgets);
    let known: HashSet<&str> = widgets.iter().map(|widget| widget.name).collect();
    let mut out = String::new();
    if let Some(description) = flow.get("description").and_then(FlowNode::text) {
        out += &format!("{}\n\n", shorten_line(description));
    }
    for (position, &index) in order.iter().enumerate() {
        let widget = &widgets[index];
        let mark = if position < reached { "" } else { "  (unreachable)" };
        let _ = writeln!(out, "{}  {}{mark}", shorten_line(widget.name), widget.kind);
        if let Some((property, text)) = &widget.property {
            let _ = writeln!(out, "    {property}: {text}");
        }
        for OutlineTransition { when, next } in &widget.transitions {
            let next = match next {
                None => "(unwired)".to_owned(),
                Some(next) if known.contains(next) => (*next).to_owned(),
                Some(next) => format!("{next} (no such widget)"),
            };
            let _ = writeln!(out, "    {when} -> {next}");
        }
        out += "\n";
    }
    format!("{}\n", replace_control_chars_in_lines(out.trim_end()))
}

/// The flow as a Mermaid flowchart. Ids are numbers and labels are escaped, so that no name can
/// break the diagram.
pub fn mermaid(flow: &FlowNode) -> String {
    let widgets = widgets(flow);
    let WidgetOrder { order, reached } = order_widgets(flow, &widgets);
    let numbers: HashMap<&str, usize> =
        order.iter().enumerate().map(|(number, &index)| (widgets[index].name, number)).collect();
    let mut out = "flowchart TD\n".to_owned();
    for (number, &index) in order.iter().enumerate() {
        let OutlineWidget { name, kind, .. } = &widgets[index];
        let label = format!("{}<br/>{}", escape_label(name), escape_label(kind));
        let (open, close) = match *kind {
            "trigger" => ("([", "])"),
            "split-based-on" => ("{", "}"),
            _ => ("[", "]"),
        };
        let _ = writeln!(out, "    w{number}{open}\"{label}\"{close}");
    }
    for (number, &index) in order.iter().enumerate() {
        for OutlineTransition { when, next } in &widgets[index].transitions {
            // A transition to an unknown widget has no node to point at.
            if let Some(to) = next.and_then(|next| numbers.get(next)) {
                let _ = writeln!(out, "    w{number} -->|\"{}\"| w{to}", escape_label(when));
            }
        }
    }
    for number in reached..order.len() {
        let _ = writeln!(out, "    style w{number} stroke-dasharray: 5 5");
    }
    out
}

fn widgets(flow: &FlowNode) -> Vec<OutlineWidget<'_>> {
    let states = flow.get("states").and_then(FlowNode::list).unwrap_or_default();
    states.iter().map(widget).collect()
}

fn widget(state: &FlowNode) -> OutlineWidget<'_> {
    let text = |key| state.get(key).and_then(FlowNode::text).unwrap_or("(none)");
    let property = state.get("properties").and_then(|properties| {
        MAIN_PROPERTIES.iter().find_map(|name| {
            let value = properties.get(name).filter(|value| !value.is_null())?;
            let text = value.plain().unwrap_or_else(|| value.to_json().to_string());
            (!text.is_empty()).then(|| (*name, shorten_line(&text)))
        })
    });
    let transitions = state.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let transitions = transitions
        .iter()
        .map(|transition| {
            let next = transition.get("next").and_then(FlowNode::text);
            let next = next.filter(|next| !next.is_empty());
            OutlineTransition { when: describe_condition(transition), next }
        })
        .collect();
    OutlineWidget { name: text("name"), kind: text("type"), property, transitions }
}

/// The event of a transition, or its conditions in words.
fn describe_condition(transition: &FlowNode) -> String {
    let event = transition.get("event").and_then(FlowNode::text).unwrap_or("(no event)");
    let conditions = transition.get("conditions").and_then(FlowNode::list).unwrap_or_default();
    let words = |condition: &FlowNode| {
        let test = condition.get("type").and_then(FlowNode::text).unwrap_or_default();
        let value = condition.get("value").and_then(FlowNode::plain).unwrap_or_default();
        let test = test.replace('_', " ");
        if value.is_empty() { test } else { format!("{test} \"{}\"", shorten_line(&value)) }
    };
    if conditions.is_empty() {
        return event.to_owned();
    }
    format!("if {}", conditions.iter().map(words).collect::<Vec<_>>().join(" and "))
}

/// The order of the widgets: a depth-first walk from the first one, then the unreachable ones.
struct WidgetOrder {
    /// Indices of widgets.
    order: Vec<usize>,
    /// The number of reachable widgets.
    reached: usize,
}

fn order_widgets(flow: &FlowNode, widgets: &[OutlineWidget<'_>]) -> WidgetOrder {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, widget) in widgets.iter().enumerate() {
        // The first widget of a name is the one that transitions lead to.
        places.entry(widget.name).or_insert(index);
    }
    let first = match flow.get("initial_state").and_then(FlowNode::text) {
        Some(name) => places.get(name).copied(),
        // As the import does: an execution begins at the first trigger.
        None => widgets.iter().position(|widget| widget.kind == "trigger"),
    };
    let mut waiting: Vec<usize> = first.into_iter().collect();
    let mut seen = vec![false; widgets.len()];
    let mut order = Vec::with_capacity(widgets.len());
    while let Some(index) = waiting.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        order.push(index);
        let next = |transition: &OutlineTransition<'_>| places.get(transition.next?).copied();
        // Reversed, for the stack returns the last one first.
        waiting.extend(widgets[index].transitions.iter().rev().filter_map(next));
    }
    let reached = order.len();
    order.extend((0..widgets.len()).filter(|index| !seen[*index]));
    WidgetOrder { order, reached }
}

/// One line of at most [`TEXT_MAX`] characters.
fn shorten_line(text: &str) -> String {
    shorten(&collapse_whitespace(text), TEXT_MAX)
}

/// Escapes a label in quotes: Mermaid reads HTML and `#…;` in it.
fn escape_label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' => {
                out += &format!("#{};", u32::from(letter));
            }
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
