//! A flow for a person: an outline, or a diagram for Mermaid.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::diagnostics::shorten::shorten;
use crate::flow::file::FlowNode;

/// Letters of a property in the outline.
const LETTERS_MAX: usize = 60;

/// The properties that tell most about a widget, best first.
const TELLING: [&str; 14] = [
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

/// One widget as it is shown.
struct OutlineWidget<'a> {
    name: &'a str,
    kind: &'a str,
    telling: Option<(&'static str, String)>,
    /// When, and where to: nowhere is the end.
    transitions: Vec<(String, Option<&'a str>)>,
}

/// The flow as an outline: each widget from the first one on, in the order in which a caller can
/// meet them, and those that nobody can meet at the end.
pub fn outline(flow: &FlowNode) -> String {
    let widgets = widgets(flow);
    let (order, reached) = order(flow, &widgets);
    let known: HashSet<&str> = widgets.iter().map(|widget| widget.name).collect();
    let mut out = String::new();
    if let Some(description) = flow.get("description").and_then(FlowNode::text) {
        out += &format!("{}\n\n", one_line(description));
    }
    for (position, &index) in order.iter().enumerate() {
        let widget = &widgets[index];
        let mark = if position < reached { "" } else { "  (unreachable)" };
        let _ = writeln!(out, "{}  {}{mark}", one_line(widget.name), widget.kind);
        if let Some((property, text)) = &widget.telling {
            let _ = writeln!(out, "    {property}: {text}");
        }
        for (when, next) in &widget.transitions {
            let next = match next {
                None => "(unwired)".to_owned(),
                Some(next) if known.contains(next) => (*next).to_owned(),
                Some(next) => format!("{next} (no such widget)"),
            };
            let _ = writeln!(out, "    {when} -> {next}");
        }
        out += "\n";
    }
    // Nothing of a flow may steer the terminal.
    let line =
        |letter: char| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter };
    out.trim_end().chars().map(line).chain(['\n']).collect()
}

/// The flow as a Mermaid flowchart. Ids are numbers and labels are escaped, so that no name can
/// break the diagram.
pub fn mermaid(flow: &FlowNode) -> String {
    let widgets = widgets(flow);
    let (order, reached) = order(flow, &widgets);
    let numbers: HashMap<&str, usize> =
        order.iter().enumerate().map(|(number, &index)| (widgets[index].name, number)).collect();
    let mut out = "flowchart TD\n".to_owned();
    for (number, &index) in order.iter().enumerate() {
        let OutlineWidget { name, kind, .. } = &widgets[index];
        let label = format!("{}<br/>{}", escaped(name), escaped(kind));
        let (open, close) = match *kind {
            "trigger" => ("([", "])"),
            "split-based-on" => ("{", "}"),
            _ => ("[", "]"),
        };
        let _ = writeln!(out, "    w{number}{open}\"{label}\"{close}");
    }
    for (number, &index) in order.iter().enumerate() {
        for (when, next) in &widgets[index].transitions {
            if let Some(to) = next.and_then(|next| numbers.get(next)) {
                let _ = writeln!(out, "    w{number} -->|\"{}\"| w{to}", escaped(when));
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
    let telling = state.get("properties").and_then(|properties| {
        TELLING.iter().find_map(|name| {
            let value = properties.get(name).filter(|value| !value.is_null())?;
            let text = value.plain().unwrap_or_else(|| value.to_json().to_string());
            (!text.is_empty()).then(|| (*name, one_line(&text)))
        })
    });
    let transitions = state.get("transitions").and_then(FlowNode::list).unwrap_or_default();
    let transitions = transitions
        .iter()
        .map(|transition| {
            let next = transition.get("next").and_then(FlowNode::text);
            (when(transition), next.filter(|next| !next.is_empty()))
        })
        .collect();
    OutlineWidget { name: text("name"), kind: text("type"), telling, transitions }
}

/// The event of a transition, or its conditions in words.
fn when(transition: &FlowNode) -> String {
    let event = transition.get("event").and_then(FlowNode::text).unwrap_or("(no event)");
    let conditions = transition.get("conditions").and_then(FlowNode::list).unwrap_or_default();
    let words = |condition: &FlowNode| {
        let test = condition.get("type").and_then(FlowNode::text).unwrap_or_default();
        let value = condition.get("value").and_then(FlowNode::plain).unwrap_or_default();
        let test = test.replace('_', " ");
        if value.is_empty() { test } else { format!("{test} \"{}\"", one_line(&value)) }
    };
    if conditions.is_empty() {
        return event.to_owned();
    }
    format!("if {}", conditions.iter().map(words).collect::<Vec<_>>().join(" and "))
}

/// The widgets in the order of a walk from the first one, depth first, then the others; and how
/// many the walk reaches.
fn order(flow: &FlowNode, widgets: &[OutlineWidget<'_>]) -> (Vec<usize>, usize) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, widget) in widgets.iter().enumerate() {
        places.entry(widget.name).or_insert(index);
    }
    let first = flow.get("initial_state").and_then(FlowNode::text);
    let mut waiting: Vec<usize> =
        first.and_then(|name| places.get(name)).copied().into_iter().collect();
    let mut seen = vec![false; widgets.len()];
    let mut order = Vec::with_capacity(widgets.len());
    while let Some(index) = waiting.pop() {
        if std::mem::replace(&mut seen[index], true) {
            continue;
        }
        order.push(index);
        let next = |(_, next): &(String, Option<&str>)| places.get((*next)?).copied();
        waiting.extend(widgets[index].transitions.iter().rev().filter_map(next));
    }
    let reached = order.len();
    order.extend((0..widgets.len()).filter(|index| !seen[*index]));
    (order, reached)
}

/// One line of bounded length.
fn one_line(text: &str) -> String {
    shorten(&text.split_whitespace().collect::<Vec<_>>().join(" "), LETTERS_MAX)
}

/// For a label in quotes: Mermaid reads HTML and `#…;` in it.
fn escaped(text: &str) -> String {
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
