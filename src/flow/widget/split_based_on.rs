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

use super::{Next, Requirement, WidgetType, waits_for_nothing};
use crate::flow::condition::Condition;
use crate::flow::context::WidgetContext;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};

pub(super) const TYPE: WidgetType = WidgetType {
    name: "split-based-on",
    events: &["match", "noMatch"],
    failure: None,
    properties: &[Property::required("input", PropertyKind::Text)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume: waits_for_nothing,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    for transition in &context.widget().transitions {
        // Of several conditions all must hold: Studio's editor makes only one.
        let mut held = !transition.conditions.is_empty();
        for condition in &transition.conditions {
            held = held && holds(context, condition)?;
        }
        if held {
            context.chosen = transition.next;
            // A match that is wired to nothing ends the execution, like `noMatch` there.
            return Ok(if context.chosen.is_some() { Next::event("match") } else { Next::End });
        }
    }
    Ok(Next::event("noMatch"))
}

fn holds(context: &WidgetContext<'_>, condition: &Condition) -> Result<bool, Failure> {
    let argument =
        condition.argument.as_ref().or_else(|| context.widget().properties.text("input"));
    let subject =
        argument.map(|template| context.render(template)).transpose()?.unwrap_or_default();
    let value = context.render(&condition.value)?;
    Ok(condition.test.holds(&subject, &value, condition.pattern.as_ref()))
}
