//! Twilio's JSON for executions and steps.

use serde_json::{Value, json};

use super::date;
use crate::flow::Execution;
use crate::session::{StepRecord, StoredExecution};

/// The URLs and sids that everything below one flow has.
pub(super) struct RestUrls {
    account: String,
    pub(super) flow: String,
    pub(super) executions: String,
}

// === impl Urls ===

impl RestUrls {
    pub(super) fn new(host: &str, account: &str, flow: &str) -> RestUrls {
        let executions = format!("http://{host}/v2/Flows/{flow}/Executions");
        RestUrls { account: account.to_owned(), flow: flow.to_owned(), executions }
    }

    pub(super) fn execution(&self, saved: &StoredExecution, execution: &Execution) -> Value {
        let url = format!("{}/{}", self.executions, saved.sid);
        json!({
            "sid": saved.sid,
            "account_sid": execution.account_sid().unwrap_or(&self.account),
            "flow_sid": self.flow,
            "contact_sid": null,
            "contact_channel_address": execution.contact,
            "context": {},
            "status": if saved.active { "active" } else { "ended" },
            "initiated_by": execution.initiated_by(),
            "flow_version": null,
            "date_created": date(saved.created),
            "date_updated": date(saved.updated),
            "url": url,
            "links": {
                "steps": format!("{url}/Steps"),
                "execution_context": format!("{url}/Context"),
            },
        })
    }

    pub(super) fn context(&self, execution: &Execution) -> Value {
        json!({
            "account_sid": execution.account_sid().unwrap_or(&self.account),
            "context": execution.context(&self.flow),
            "flow_sid": self.flow,
            "execution_sid": execution.sid,
            "url": format!("{}/{}/Context", self.executions, execution.sid),
        })
    }

    pub(super) fn step(&self, step: &StepRecord) -> Value {
        let url = self.step_url(step);
        json!({
            "sid": step.sid,
            "account_sid": self.account,
            "flow_sid": self.flow,
            "execution_sid": step.execution,
            "parent_step_sid": null,
            "name": step.name,
            "type": step.kind,
            "context": variables(step),
            "transitioned_from": step.from,
            "transitioned_to": step.to,
            "date_created": date(step.at),
            "date_updated": null,
            "url": url,
            "links": {"step_context": format!("{url}/Context")},
        })
    }

    pub(super) fn step_context(&self, step: &StepRecord) -> Value {
        json!({
            "account_sid": self.account,
            "context": variables(step),
            "execution_sid": step.execution,
            "flow_sid": self.flow,
            "step_sid": step.sid,
            "url": format!("{}/Context", self.step_url(step)),
        })
    }

    fn step_url(&self, step: &StepRecord) -> String {
        format!("{}/{}/Steps/{}", self.executions, step.execution, step.sid)
    }
}

fn variables(step: &StepRecord) -> Value {
    serde_json::from_slice(&step.context).unwrap_or_else(|_| json!({}))
}
