//! What Studio's REST API and the carrier's command-line interface return for a flow: an object
//! that has the flow in `definition`, or a list of one such object.

use super::{FlowNode, FlowValue, json};
use crate::diagnostics::problem::{Problems, Source};

/// The flow in a tree. A tree of another form stays as it is.
pub(super) fn unwrap(
    mut tree: FlowNode,
    source: &Source,
    problems: &mut Problems,
) -> Option<FlowNode> {
    if let FlowValue::List(items) = &mut tree.value {
        if items.len() != 1 {
            let message = format!("the file holds a list of {} items", items.len());
            let problem = source.error(tree.span.clone(), message);
            let help = "write each flow to a file of its own";
            problems.push(problem.expected("one flow: an object with `states`").help(help));
            return None;
        }
        tree = items.remove(0);
    }
    if tree.get("states").is_some() {
        return Some(tree);
    }
    let Some(definition) = tree.get("definition") else { return Some(tree) };
    match definition.text() {
        None => Some(definition.clone()),
        // Some exports have the definition as a text with JSON in it.
        Some(text) => {
            let inner = Source::new(&source.name, text);
            let Some(mut flow) = json::read(&inner, &mut Problems::default()) else {
                let problem = source.error(definition.span.clone(), "`definition` is not JSON");
                problems.push(problem.expected("a flow, as an object or as a text of JSON"));
                return None;
            };
            // Escapes move the places inside the text, so all get that of the text.
            flow.set_spans(&definition.span.clone());
            Some(flow)
        }
    }
}
