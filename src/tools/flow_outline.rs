//! A flow as text for a person: an outline, or a Mermaid diagram.

use std::fmt::Write as _;

use crate::diagnostics::shorten::shorten;
use crate::flow::{FlowGraph, GraphCondition, GraphTarget, GraphTransition};
use crate::tools::text::{collapse_whitespace, replace_control_chars_in_lines};

/// Characters of a property in the outline.
const TEXT_MAX: usize = 60;

/// The flow as an outline: each widget in the order in which a caller can reach them, then the
/// unreachable ones.
pub fn outline(flow: &FlowGraph<'_>) -> String {
    let mut out = String::new();
    if let Some(description) = flow.description {
        out += &format!("{}\n\n", shorten_line(description));
    }
    for (index, widget) in flow.widgets.iter().enumerate() {
        let mark = if index < flow.reachable { "" } else { "  (unreachable)" };
        let _ = writeln!(out, "{}  {}{mark}", shorten_line(widget.name), widget.kind);
        if let Some((property, text)) = &widget.property {
            let _ = writeln!(out, "    {property}: {}", shorten_line(text));
        }
        for transition in &widget.transitions {
            let next = match transition.target {
                GraphTarget::None => "(unwired)".to_owned(),
                GraphTarget::Widget(next) => flow.widgets[next].name.to_owned(),
                GraphTarget::Unknown(name) => format!("{name} (no such widget)"),
            };
            let _ = writeln!(out, "    {} -> {next}", describe_transition(transition));
        }
        out += "\n";
    }
    format!("{}\n", replace_control_chars_in_lines(out.trim_end()))
}

/// The flow as a Mermaid flowchart. Ids are numbers and labels are escaped, so that no name can
/// break the diagram.
pub fn mermaid(flow: &FlowGraph<'_>) -> String {
    let mut out = "flowchart TD\n".to_owned();
    for (index, widget) in flow.widgets.iter().enumerate() {
        let label = format!("{}<br/>{}", escape_label(widget.name), escape_label(widget.kind));
        let (open, close) = match widget.kind {
            "trigger" => ("([", "])"),
            "split-based-on" => ("{", "}"),
            _ => ("[", "]"),
        };
        let _ = writeln!(out, "    w{index}{open}\"{label}\"{close}");
    }
    for (index, widget) in flow.widgets.iter().enumerate() {
        for transition in &widget.transitions {
            // A transition to an unknown widget has no node to point at.
            if let GraphTarget::Widget(to) = transition.target {
                let label = escape_label(&describe_transition(transition));
                let _ = writeln!(out, "    w{index} -->|\"{label}\"| w{to}");
            }
        }
    }
    for index in flow.reachable..flow.widgets.len() {
        let _ = writeln!(out, "    style w{index} stroke-dasharray: 5 5");
    }
    out
}

/// The event of a transition, or its conditions in words.
fn describe_transition(transition: &GraphTransition<'_>) -> String {
    let words = |condition: &GraphCondition<'_>| {
        let comparison = condition.comparison.replace('_', " ");
        if condition.value.is_empty() {
            comparison
        } else {
            format!("{comparison} \"{}\"", shorten_line(&condition.value))
        }
    };
    if transition.conditions.is_empty() {
        return transition.event.to_owned();
    }
    let conditions: Vec<String> = transition.conditions.iter().map(words).collect();
    format!("if {}", conditions.join(" and "))
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
