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

use super::{Next, Requirement, WidgetType, waits_for_nothing};
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::failure::check_length;
use crate::flow::properties::{Pair, Property, PropertyKind};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "set-variables",
    events: &["next"],
    failure: None,
    properties: &[Property::required("variables", PropertyKind::Variables)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    for pair in context.widget().properties.pairs("variables") {
        let key = context.render(&pair.key)?;
        let value = evaluate_pair(context, &key, pair)?;
        context.set(&key, value.clone());
        context.execution.frame_mut().variables.insert(key, value);
    }
    Ok(Next::event("next"))
}

/// The value of a variable: JSON where the entry says so, else a text, or the number that it is.
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

/// An object as it is, a text as the JSON in it.
fn evaluate_json(
    context: &mut WidgetContext<'_>,
    key: &str,
    pair: &Pair,
) -> Result<Value, Failure> {
    let value = context.evaluate(&pair.value)?;
    let Value::String(text) = value else { return Ok(value) };
    let text = check_length(&context.widget().name, key, text)?;
    match serde_json::from_str(&text) {
        Ok(value) => Ok(value),
        Err(_) => {
            let widget = &context.widget().name;
            context.execution.warn(format!(
                "variable `{key}` of widget `{widget}` is not the JSON that its type says it is, \
                 so it is kept as a text (Twilio 81027)"
            ));
            Ok(Value::String(text))
        }
    }
}

/// Studio keeps what looks like a number as one. Only what prints as it was written: a telephone
/// number or an extension must keep its plus and its zeros.
fn parse_number(text: &str) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then(|| number.into())
}
