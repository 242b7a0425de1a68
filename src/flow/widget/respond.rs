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

use super::{Needs, Next, Type};
use crate::flow::execution::Remark;
use crate::flow::failure::Failure;
use crate::flow::properties::{Holds, Property};
use crate::flow::step::Event;
use crate::flow::turn::Turn;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::twiml::write::splice;

pub(super) const TYPE: Type = Type {
    name: "respond",
    events: &["next", "failed"],
    failure: Some("failed"),
    properties: &[Property::required("template", Holds::Document)],
    needs: Needs::Nothing,
    enter,
    resume,
};

fn enter(turn: &mut Turn<'_>) -> Result<Next, Failure> {
    let template = turn.widget().properties.text("template");
    let template = template.ok_or_else(|| turn.wrong("template", "missing", "a template"))?;
    let document = turn.render(template)?;
    // `raw` and a template's own text can break what escaping kept whole.
    let read =
        check_document(document.as_bytes(), turn.execution.channel, &DocumentLimits::default());
    let read =
        read.map_err(|error| Failure::Document { widget: turn.widget().name.clone(), error })?;
    turn.execution.remarks.extend(read.findings.into_iter().map(Remark::Finding));
    let document = match turn.execution.document.take() {
        Some(before) => splice(before, document.as_bytes()),
        None => document.into(),
    };
    if turn.widget().next("next").is_some() {
        return Ok(turn.hand_over(Some(document), None));
    }
    Ok(Next::last(document))
}

fn resume(turn: &mut Turn<'_>, event: Event) -> Result<Next, Failure> {
    if let Event::Webhook(params) | Event::Returned(params) = event {
        turn.set_all(&params);
    }
    Ok(Next::event("next"))
}
