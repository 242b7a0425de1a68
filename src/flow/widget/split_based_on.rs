//! `split-based-on`: the first transition whose conditions hold, else `noMatch`.
//!
//! ```json
//! {"name": "which", "type": "split-based-on",
//!  "transitions": [
//!    {"event": "noMatch", "next": "menu"},
//!    {"event": "match", "next": "sales", "conditions": [
//!      {"friendly_name": "If value equal_to 1", "arguments": ["{{widgets.menu.Digits}}"],
//!       "type": "equal_to", "value": "1"}]}],
//!  "properties": {"input": "{{widgets.menu.Digits}}"}}
//! ```

use super::{Needs, Next, Type, waits_for_nothing};
use crate::flow::condition::Condition;
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::turn::Turn;

pub(super) const TYPE: Type = Type {
    name: "split-based-on",
    events: &["match", "noMatch"],
    failure: None,
    properties: &[Property::required("input", Holds::Text)],
    needs: Needs::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    for transition in &turn.widget().transitions {
        // Of several conditions all must hold: Studio's editor makes only one.
        let mut held = !transition.conditions.is_empty();
        for condition in &transition.conditions {
            held = held && holds(turn, condition)?;
        }
        if held {
            turn.chosen = transition.next;
            // A match that is wired to nothing ends the execution, like `noMatch` there.
            return Ok(if turn.chosen.is_some() { Next::event("match") } else { Next::End });
        }
    }
    Ok(Next::event("noMatch"))
}

fn holds(turn: &Turn<'_>, condition: &Condition) -> Result<bool, Failure> {
    let argument = condition.argument.as_ref().or_else(|| turn.widget().properties.text("input"));
    let subject = argument.map(|template| turn.render(template)).transpose()?.unwrap_or_default();
    let value = turn.render(&condition.value)?;
    Ok(condition.test.holds(&subject, &value, condition.pattern.as_ref()))
}
