//! `split-based-on`: takes the first transition whose conditions are true, otherwise `noMatch`.
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

use super::{Next, Requirement, WidgetType, never_resume};
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
    resume: never_resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    for transition in &context.widget().transitions {
        // All of several conditions must be true. Studio's editor writes one for each transition.
        let mut matches = !transition.conditions.is_empty();
        for condition in &transition.conditions {
            matches = matches && is_true(context, condition)?;
        }
        if matches {
            // All cases have the event `match`, so the event alone does not give the next widget.
            // A case that leads nowhere ends the flow, and does not fall through to `noMatch`.
            context.chosen = Some(transition);
            return Ok(Next::event("match"));
        }
    }
    Ok(Next::event("noMatch"))
}

fn is_true(context: &WidgetContext<'_>, condition: &Condition) -> Result<bool, Failure> {
    let argument =
        condition.argument.as_ref().or_else(|| context.widget().properties.text("input"));
    let subject =
        argument.map(|template| context.render(template)).transpose()?.unwrap_or_default();
    let value = context.render(&condition.value)?;
    let result = condition.test.holds(&subject, &value, condition.pattern.as_ref());
    Ok(result.unwrap_or_else(|error| {
        // The pattern or the text comes from a caller, who must not end the flow by it.
        context.report(format!(
            "a pattern of widget `{}` matches nothing: {error}",
            context.widget().name
        ));
        false
    }))
}
