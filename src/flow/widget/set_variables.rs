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

use super::{Needs, Next, Type, waits_for_nothing};
use crate::flow::failure::Failure;
use crate::flow::failure::check_length;
use crate::flow::properties::{Holds, Pair, Property};
use crate::flow::turn::Turn;

pub(super) const TYPE: Type = Type {
    name: "set-variables",
    events: &["next"],
    failure: None,
    properties: &[Property::required("variables", Holds::Variables)],
    needs: Needs::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    for pair in turn.widget().properties.pairs("variables") {
        let key = turn.render(&pair.key)?;
        let value = value(turn, &key, pair)?;
        turn.set(&key, value.clone());
        turn.execution.frame_mut().variables.insert(key, value);
    }
    Ok(Next::event("next"))
}

/// The value of a variable: JSON where the entry says so, else a text, or the number that it is.
pub(super) fn value(turn: &mut Turn<'_>, key: &str, pair: &Pair) -> Result<Value, Failure> {
    if pair.json {
        return json(turn, key, pair);
    }
    let text = check_length(&turn.widget().name, key, turn.render(&pair.value)?)?;
    Ok(number(&text).unwrap_or(Value::String(text)))
}

/// An object as it is, a text as the JSON in it.
fn json(turn: &mut Turn<'_>, key: &str, pair: &Pair) -> Result<Value, Failure> {
    let value = turn.evaluate(&pair.value)?;
    let Value::String(text) = value else { return Ok(value) };
    let text = check_length(&turn.widget().name, key, text)?;
    match serde_json::from_str(&text) {
        Ok(value) => Ok(value),
        Err(_) => {
            let widget = &turn.widget().name;
            turn.execution.remark(format!(
                "variable `{key}` of widget `{widget}` is not the JSON that its type says it is, \
                 so it is kept as a text (Twilio 81027)"
            ));
            Ok(Value::String(text))
        }
    }
}

/// Studio keeps what looks like a number as one. Only what prints as it was written: a telephone
/// number or an extension must keep its plus and its zeros.
fn number(text: &str) -> Option<Value> {
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then(|| number.into())
}
