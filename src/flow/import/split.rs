//! The check of the conditions of a `match`, and their compilation.

use super::{FlowImporter, WidgetNode};
use crate::diagnostics::suggest::did_you_mean;
use crate::flow::condition::{CONDITION_TYPES, Condition, ConditionType};
use crate::flow::file::FlowNode;
use crate::flow::pattern::Pattern;

impl FlowImporter<'_> {
    pub(super) fn read_conditions(
        &mut self,
        state: &WidgetNode<'_>,
        node: &FlowNode,
    ) -> Vec<Condition> {
        let conditions = node.get("conditions").filter(|conditions| !conditions.is_null());
        let Some(conditions) = conditions else { return Vec::new() };
        let Some(list) = conditions.list() else {
            let message =
                format!("`conditions` of widget `{}` is {}", state.name, conditions.kind());
            self.fail(conditions, message, "a list", "");
            return Vec::new();
        };
        list.iter().filter_map(|node| self.read_condition(state, node)).collect()
    }

    fn read_condition(&mut self, state: &WidgetNode<'_>, node: &FlowNode) -> Option<Condition> {
        let type_node = node.get("type");
        let type_name = type_node.and_then(FlowNode::text).unwrap_or_default();
        let Some((_, test)) = CONDITION_TYPES.iter().find(|(name, _)| *name == type_name) else {
            let help = did_you_mean(type_name, CONDITION_TYPES.iter().map(|(name, _)| *name));
            let names: Vec<&str> = CONDITION_TYPES.iter().map(|(name, _)| *name).collect();
            let help = help.unwrap_or_else(|| format!("there are: {}", names.join(", ")));
            let message =
                format!("a condition of widget `{}` is of type `{type_name}`", state.name);
            self.fail(type_node.unwrap_or(node), message, "no such condition", &help);
            return None;
        };
        // Studio's format has a list, of which its editor fills the first item alone.
        let argument = node.get("arguments").and_then(FlowNode::list).and_then(<[FlowNode]>::first);
        let argument = match argument.and_then(|node| Some((node, node.plain()?))) {
            Some((node, text)) => Some(self.compile_template(node, &text)?),
            None => None,
        };
        let given = node.get("value").filter(|value| !value.is_null());
        if given.is_none() && test.takes_value() {
            let message = format!("`{type_name}` of widget `{}` has no `value`", state.name);
            self.fail(node, message, "`value`, a text", "");
            return None;
        }
        let place = given.unwrap_or(node);
        let Some(text) = given.map_or(Some(String::new()), FlowNode::plain) else {
            let message = format!("`value` of widget `{}` is {}", state.name, place.kind());
            self.fail(place, message, "a text", "");
            return None;
        };
        let value = self.compile_template(place, &text)?;
        // Compiled once here, so that a turn costs no compilation and `check` finds a wrong
        // pattern.
        let pattern = match (test, value.constant_text()) {
            (ConditionType::Regex, Some(constant)) => {
                self.compile_pattern(state, place, constant.trim())
            }
            _ => None,
        };
        Some(Condition { argument, test: *test, value, pattern })
    }

    fn compile_pattern(
        &mut self,
        state: &WidgetNode<'_>,
        node: &FlowNode,
        text: &str,
    ) -> Option<Pattern> {
        let error = match Pattern::compile(text) {
            Ok(pattern) => return Some(pattern),
            Err(error) => error,
        };
        let message = format!("the pattern of widget `{}` cannot be used: {error}", state.name);
        let span = self.locate(node, text, error.place);
        self.failed = true;
        let help = "patterns are Java's, as in Studio; they match the whole text, and ignore the \
                    case of letters";
        let problem = self.source.error(span, message);
        self.push(problem, "a regular expression", help);
        None
    }
}
