//! `respond`: answers with a template. Ours; Studio has no such widget.
//!
//! ```json
//! {"name": "greet", "type": "respond",
//!  "transitions": [{"event": "failed", "next": "sorry"}],
//!  "properties": {"template": "message/reply.xml"}}
//! ```

use std::time::Duration;

use super::Next;
use crate::flow::engine::{Failure, Step};
use crate::flow::execution::Remark;
use crate::flow::{Execution, Flow, Scope};
use crate::liquid::Template;
use crate::twiml::read::{Bounds, read};

/// The `respond` widget.
#[derive(Debug)]
pub struct Respond {
    /// A document, escaped for XML.
    pub template: Template,
}

impl Respond {
    pub(super) fn enter(&self, flow: &Flow, execution: &mut Execution, now: Duration) -> Next {
        let widget = || flow.widget(execution.position).name.clone();
        let scope = Scope::new(flow, execution);
        let document = match self.template.render(&scope, now.as_secs() as i64) {
            Ok(document) => document,
            Err(error) => {
                return Next::Failed("failed", Failure::Template { widget: widget(), error });
            }
        };
        // `raw` and a template's own text can break what escaping kept whole.
        match read(document.as_bytes(), execution.trigger.channel, &Bounds::default()) {
            Ok(read) => {
                execution.remarks.extend(read.findings.into_iter().map(Remark::Finding));
                Next::Step(Step::Reply(document.into()))
            }
            Err(error) => Next::Failed("failed", Failure::Document { widget: widget(), error }),
        }
    }
}
