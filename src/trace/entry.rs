//! One exchange of a trace, as it is stored.

use serde::{Deserialize, Serialize};

/// Everything that one webhook, or the end of one wait, caused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceEntry {
    /// When it began, in microseconds since 1970.
    pub at: i64,
    /// The time until the answer, in microseconds.
    pub took: i64,
    /// `webhook` or `timer`.
    pub kind: String,
    /// The sid of the execution; empty if none was involved.
    pub execution: String,
    /// The sid of the call or the message; empty without a webhook.
    pub carrier_sid: String,
    /// The path of the route.
    pub route: String,
    /// The name of the flow.
    pub flow: String,
    /// The address of the contact.
    pub contact: String,
    /// The address of the flow.
    pub address: String,
    /// The outcome of the exchange, as in the log: `answered`, `fallback`, …
    pub outcome: String,
    /// The outcome of the conversation, if this exchange changed it.
    pub conversation: Option<ConversationOutcome>,
    /// The HTTP status of the answer; 0 without one.
    pub status: u16,
    /// The cause of a failure.
    pub reason: Option<String>,
    /// What an operator should know.
    pub findings: Vec<String>,
    /// The parameters of the webhook.
    pub parameters: Vec<(String, String)>,
    /// The document that the carrier got.
    pub document: String,
    /// The transitions through the flow.
    pub transitions: Vec<TraceTransition>,
    /// The calls of functions and URLs.
    pub calls: Vec<TraceCall>,
    /// The function that was still running when the document left.
    pub pending_function: Option<String>,
    /// The requests to the carrier's API.
    pub carrier_requests: Vec<TraceCarrierRequest>,
}

/// The outcome of a conversation, in one word that can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationOutcome {
    /// It goes on.
    Active,
    /// The flow came to its end.
    Completed,
    /// The caller hung up, or the call ended otherwise.
    HungUp,
    /// A caller got a fallback.
    Failed,
    /// Somebody ended the execution over Studio's REST.
    Stopped,
    /// Another execution took its place.
    Replaced,
}

/// A transition that the flow took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceTransition {
    /// The widget that finished.
    pub from: String,
    /// Its event.
    pub event: String,
    /// The widget that followed; `None` at the end of the flow.
    pub to: Option<String>,
    /// The name of the subflow that the widget belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subflow: Option<String>,
    /// What the widget set, `widgets.NAME`.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub output: serde_json::Value,
}

/// A call of a function or a URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceCall {
    /// The name of the function, or the scheme and host of the URL.
    pub name: String,
    /// The widget that made the call.
    pub widget: String,
    /// The parameters that the flow sent.
    pub parameters: Vec<(String, String)>,
    /// The HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The content type of the answer.
    pub content_type: Option<String>,
    /// The body of the answer.
    pub body: String,
    /// The time until the answer, in microseconds.
    pub took: i64,
    /// The requests that were sent.
    pub attempts: u32,
    /// The cause of a failure.
    pub failure: Option<String>,
}

/// A request to the carrier's API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceCarrierRequest {
    /// The path, with `{account}` in place of the account's sid.
    pub path: String,
    /// The parameters.
    pub parameters: Vec<(String, String)>,
    /// The sid of what was created, or the cause of the failure.
    pub result: Result<String, String>,
}

// === impl ConversationOutcome ===

impl ConversationOutcome {
    /// All outcomes.
    pub const ALL: [ConversationOutcome; 6] = [
        ConversationOutcome::Active,
        ConversationOutcome::Completed,
        ConversationOutcome::HungUp,
        ConversationOutcome::Failed,
        ConversationOutcome::Stopped,
        ConversationOutcome::Replaced,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            ConversationOutcome::Active => "active",
            ConversationOutcome::Completed => "completed",
            ConversationOutcome::HungUp => "hung-up",
            ConversationOutcome::Failed => "failed",
            ConversationOutcome::Stopped => "stopped",
            ConversationOutcome::Replaced => "replaced",
        }
    }

    /// The outcome with this name.
    pub fn from_name(name: &str) -> Option<ConversationOutcome> {
        ConversationOutcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl TraceEntry {
    /// The path through the flow; empty if no widget has finished.
    pub fn path(&self) -> String {
        format_path(self.transitions.iter().map(|transition| WidgetStep {
            from: &transition.from,
            event: &transition.event,
            to: transition.to.as_deref(),
        }))
    }
}

/// A transition, for the text of a path.
pub(crate) struct WidgetStep<'a> {
    pub(crate) from: &'a str,
    pub(crate) event: &'a str,
    pub(crate) to: Option<&'a str>,
}

/// The path through the flow, up to its current widget; empty if no widget has finished.
pub(crate) fn format_path<'a>(steps: impl Iterator<Item = WidgetStep<'a>>) -> String {
    let mut path = String::new();
    let mut current = None;
    for WidgetStep { from, event, to } in steps {
        // Another execution, or a subflow, begins at a widget of its own.
        if current != Some(from) {
            path.push_str(if path.is_empty() { "" } else { "; " });
            path.push_str(from);
        }
        current = to;
        path.push_str(&format!(" ─{event}→ {}", to.unwrap_or("the end")));
    }
    path
}
