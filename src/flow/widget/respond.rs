//! `respond`: replies with a template file. This widget is an extension; Studio does not have it.
//!
//! ```json
//! {"name": "greet", "type": "respond",
//!  "transitions": [{"event": "failed", "next": "sorry"}],
//!  "properties": {"template": "message/reply.xml"}}
//! ```
//!
//! If `next` is wired, the flow continues with the carrier's next webhook. The document causes it
//! by a verb with the default action URL (`<Gather>` without `action`) or by `<Redirect/>`.

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
    let document = context.render_document(template)?;
    // Escaping alone does not make a document valid: the template's own text and `raw` can break
    // it.
    let read =
        check_document(document.as_bytes(), context.execution.channel, &DocumentLimits::default());
    let read =
        read.map_err(|error| Failure::Document { widget: context.widget().name.clone(), error })?;
    context.execution.warnings.extend(read.findings.into_iter().map(FlowWarning::Finding));
    let document = match context.execution.document.take() {
        Some(before) => splice(before, document.as_bytes()),
        None => document.into(),
    };
    // The document is a person's own, so its next webhook may have no token: the call is handed
    // over.
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
