//! `set-variables`: sets `flow.variables.*`.
//!
//! ```json
//! {"name": "count", "type": "set-variables",
//!  "transitions": [{"event": "next", "next": "ask"}],
//!  "properties": {"variables": [
//!    {"key": "tries", "value": "{{flow.variables.tries | plus: 1}}"},
//!    {"key": "whole", "type": "json_object", "value": "{{widgets.lookup.parsed}}"}]}}
//! ```

use serde_json::Value;

use super::{Next, Requirement, WidgetType, never_resume};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::failure::check_length;
use crate::flow::properties::{Pair, Property, PropertyKind};
use crate::json::parse_json;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "set-variables",
    events: &["next"],
    failure: None,
    properties: &[Property::required("variables", PropertyKind::Variables)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: never_resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    // In order, so that a value may read a variable that the same widget has set before.
    for pair in context.widget().properties.pairs("variables") {
        let key = context.render(&pair.key)?;
        let value = evaluate_pair(context, &key, pair)?;
        context.set(&key, value.clone());
        context.execution.frame_mut().variables.insert(key, value);
    }
    Ok(Next::event("next"))
}

/// Evaluates one entry: as JSON if its type says so, otherwise as a number or a text.
pub(super) fn evaluate_pair(
    context: &mut WidgetContext<'_>,
    key: &str,
    pair: &Pair,
) -> Result<Value, Failure> {
    if pair.json {
        return evaluate_json(context, key, pair);
    }
    let text = check_length(&context.widget().name, key, context.render(&pair.value)?)?;
    Ok(parse_number(&text).unwrap_or(Value::String(text)))
}

/// Evaluates a value as JSON. A text is parsed, any other value stays as it is.
fn evaluate_json(
    context: &mut WidgetContext<'_>,
    key: &str,
    pair: &Pair,
) -> Result<Value, Failure> {
    let value = context.evaluate(&pair.value)?;
    let Value::String(text) = value else { return Ok(value) };
    let text = check_length(&context.widget().name, key, text)?;
    match parse_json(text.as_bytes()) {
        Ok(value) => Ok(value),
        // The flow continues with the text. The warning quotes no value, which may be a caller's
        // data.
        Err(_) => {
            let widget = &context.widget().name;
            context.execution.warn(format!(
                "variable `{key}` of widget `{widget}` is not the JSON that its type says it is, \
                 so it is used as a text (Twilio 81027)"
            ));
            Ok(Value::String(text))
        }
    }
}

/// The number that a text is, as in Studio. `None` for a text that the number would change.
fn parse_number(text: &str) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    // A telephone number or an extension must not lose its plus or its leading zeros.
    (number.to_string() == text).then(|| number.into())
}
