//! `respond`: answers with a template. Ours; Studio has no such widget.
//!
//! ```json
//! {"name": "greet", "type": "respond",
//!  "transitions": [{"event": "failed", "next": "sorry"}],
//!  "properties": {"template": "message/reply.xml"}}
//! ```
//!
//! Where `next` is wired, the flow goes on when the carrier comes back: by an action URL that is
//! not given (`<Gather>` without `action`), or by `<Redirect/>`.

use super::{Next, Requirement, WidgetType};
use crate::flow::context::WidgetContext;
use crate::flow::execution::FlowWarning;
use crate::flow::failure::Failure;
use crate::flow::properties::{Property, PropertyKind};
use crate::flow::step::Event;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::write::splice;

pub(super) const TYPE: WidgetType = WidgetType {
    name: "respond",
    events: &["next", "failed"],
    failure: Some("failed"),
    properties: &[Property::required("template", PropertyKind::Document)],
    exactly_one_of: &[],
    requirement: Requirement::Nothing,
    enter,
    resume,
};

fn enter(context: &mut WidgetContext<'_>) -> Result<Next, Failure> {
    let template = context.widget().properties.text("template");
    let template =
        template.ok_or_else(|| context.property_error("template", "missing", "a template"))?;
    let document = context.render(template)?;
    // `raw` and a template's own text can break what escaping kept whole.
    let read =
        check_document(document.as_bytes(), context.execution.channel, &DocumentLimits::default());
    let read =
        read.map_err(|error| Failure::Document { widget: context.widget().name.clone(), error })?;
    context.execution.warnings.extend(read.findings.into_iter().map(FlowWarning::Finding));
    let document = match context.execution.document.take() {
        Some(before) => splice(before, document.as_bytes()),
        None => document.into(),
    };
    if context.widget().next("next").is_some() {
        return Ok(context.hand_over(Some(document), None));
    }
    Ok(Next::last(document))
}

fn resume(context: &mut WidgetContext<'_>, event: Event) -> Result<Next, Failure> {
    if let Event::Webhook(params) | Event::Returned(params) = event {
        context.set_all(&params);
    }
    Ok(Next::event("next"))
}
