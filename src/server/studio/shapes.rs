//! Twilio's JSON for executions and steps.

use serde_json::{Value, json};

use super::format_date;
use crate::flow::Execution;
use crate::session::{StepRecord, StoredExecution};

/// The URLs and sids that the resources of one flow have in common.
pub(super) struct RestUrls {
    /// The account of the request, for executions that have none of their own.
    account: String,
    pub(super) flow: String,
    pub(super) executions: String,
}

// === impl RestUrls ===

impl RestUrls {
    pub(super) fn new(host: &str, account: &str, flow: &str) -> RestUrls {
        // Without TLS: the admin listener has none.
        let executions = format!("http://{host}/v2/Flows/{flow}/Executions");
        RestUrls { account: account.to_owned(), flow: flow.to_owned(), executions }
    }

    pub(super) fn execution(&self, stored: &StoredExecution, execution: &Execution) -> Value {
        let url = format!("{}/{}", self.executions, stored.sid);
        json!({
            "sid": stored.sid,
            "account_sid": execution.account_sid().unwrap_or(&self.account),
            "flow_sid": self.flow,
            // Twilio's clients require the key; there are no contacts as resources.
            "contact_sid": null,
            "contact_channel_address": execution.contact,
            "context": {},
            "status": if stored.active { "active" } else { "ended" },
            "initiated_by": execution.initiated_by(),
            "flow_version": null,
            "date_created": format_date(stored.created),
            "date_updated": format_date(stored.updated),
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
            // Steps have no parents in the store.
            "parent_step_sid": null,
            "name": step.name,
            "type": step.kind,
            "context": variables(step),
            "transitioned_from": step.from,
            "transitioned_to": step.to,
            "date_created": format_date(step.at),
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

/// The variables of a step.
fn variables(step: &StepRecord) -> Value {
    // A damaged row must not hide the other steps of a list.
    serde_json::from_slice(&step.context).unwrap_or_else(|_| json!({}))
}
