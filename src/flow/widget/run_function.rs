//! `run-function`: calls the user's code; the one place that says what its answer means.
//!
//! ```json
//! {"name": "lookup", "type": "run-function",
//!  "transitions": [{"event": "success", "next": "greet"}, {"event": "fail", "next": "sorry"}],
//!  "properties": {"url": "http://127.0.0.1:9000/lookup",
//!    "parameters": [{"key": "caller", "value": "{{trigger.message.From}}"}]}}
//! ```

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::Next;
use crate::config;
use crate::flow::engine::{Failure, FunctionCall, Step};
use crate::flow::execution::Remark;
use crate::flow::{Execution, Flow, Scope};
use crate::function::{Answer, Outcome, OutcomeKind};
use crate::liquid::Template;
use crate::twiml::read::{Bounds, read};
use crate::webhook::Params;

/// The `run-function` widget.
#[derive(Debug)]
pub struct RunFunction {
    /// What to call.
    pub function: Arc<config::Function>,
    /// Names and templates, in the order of the file.
    pub parameters: Vec<(String, Template)>,
}

impl RunFunction {
    pub(super) fn enter(&self, flow: &Flow, execution: &mut Execution, now: Duration) -> Next {
        match self.render(flow, execution, now) {
            Ok(parameters) => {
                let function = Arc::clone(&self.function);
                Next::Step(Step::Call(FunctionCall { function, parameters }))
            }
            Err(error) => {
                let widget = flow.widget(execution.position).name.clone();
                Next::Failed("fail", Failure::Template { widget, error })
            }
        }
    }

    pub(super) fn answered(&self, execution: &mut Execution, outcome: Outcome) -> Next {
        let (parsed, next) = match outcome.result {
            OutcomeKind::Success { parsed } => (parsed, Next::Event("success")),
            OutcomeKind::Twiml(document) => (None, self.pass_on(execution, document)),
            OutcomeKind::Fail(error) => (None, Next::Failed("fail", error.into())),
        };
        // Nobody reads variables after the last word.
        if !matches!(next, Next::Step(Step::Reply(_))) {
            let output = execution.output_mut(execution.position);
            outcome.answer.iter().for_each(|answer| remember(output, answer));
            merge(output, parsed);
        }
        next
    }

    fn render(
        &self,
        flow: &Flow,
        execution: &Execution,
        now: Duration,
    ) -> Result<Params, crate::liquid::Error> {
        let scope = Scope::new(flow, execution);
        let mut parameters = Params::default();
        for (name, template) in &self.parameters {
            parameters.push(name, &template.render(&scope, now.as_secs() as i64)?);
        }
        Ok(parameters)
    }

    /// The function took the call over: its document goes to the caller byte for byte, if a
    /// carrier can read it.
    fn pass_on(&self, execution: &mut Execution, document: Bytes) -> Next {
        let function = || self.function.name.clone();
        match read(&document, execution.trigger.channel, &Bounds::default()) {
            Err(error) => Next::Failed("fail", Failure::Twiml { function: function(), error }),
            Ok(read) => {
                // A finding without a code is our own advice, at which no carrier would balk.
                let warned = read.findings.iter().any(|finding| finding.code.is_some());
                let refused = self.function.strict && warned;
                execution.remarks.extend(read.findings.into_iter().map(Remark::Finding));
                if refused {
                    Next::Failed("fail", Failure::Strict { function: function() })
                } else {
                    Next::Step(Step::Reply(document))
                }
            }
        }
    }
}

/// `body`, `status_code` and `content_type` are set by every answer.
fn remember(output: &mut Map<String, Value>, answer: &Answer) {
    output.insert("status_code".to_owned(), answer.status_code.into());
    output.insert(
        "content_type".to_owned(),
        answer.content_type.as_deref().unwrap_or_default().into(),
    );
    output.insert("body".to_owned(), String::from_utf8_lossy(&answer.body).into());
}

/// `parsed` is merged over what a former run of the widget has left, key by key on the top level:
/// Studio documents that it merges, not how deep.
fn merge(output: &mut Map<String, Value>, parsed: Option<Map<String, Value>>) {
    let Some(parsed) = parsed else { return };
    match output.get_mut("parsed") {
        Some(Value::Object(former)) => former.extend(parsed),
        _ => {
            output.insert("parsed".to_owned(), Value::Object(parsed));
        }
    }
}
