//! The token of one wait: what a webhook names as `step` in the query of its URL.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BODY_HASH, Params, Webhook};

/// 32 hexadecimal digits that cannot be guessed. An execution that waits holds one, the URL that
/// the carrier comes back to has the same, and it fits once.
///
/// The token of an execution that has not begun is empty, and fits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepToken(String);

/// The query parameter that names a step.
const STEP: &str = "step";

/// The query parameter by which another application gives the conversation back; Studio's word.
const FLOW_EVENT: &str = "FlowEvent";

/// The event that Studio documents for it.
pub(crate) const RETURN: &str = "return";

const DIGITS: usize = 32;

impl StepToken {
    /// A token of 32 random hexadecimal digits.
    pub fn new(digits: String) -> StepToken {
        StepToken(digits)
    }

    /// What a webhook names as its step. It may be a word of the user's own, see
    /// [`StepToken::may_be_ours`].
    pub(crate) fn named_by(webhook: &Webhook) -> Option<&str> {
        webhook.query.get(STEP)
    }

    /// Whether a webhook names a step that has the form of ours: on a route that keeps nothing,
    /// another value is a parameter of the user's.
    pub(crate) fn may_be_ours(webhook: &Webhook) -> bool {
        StepToken::named_by(webhook).is_some_and(has_form)
    }

    /// Whether a URL of a document names a step that has the form of ours.
    pub(crate) fn is_in_url(url: &str) -> bool {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        let steps = query.split('&').filter_map(|pair| pair.strip_prefix("step="));
        steps.into_iter().any(has_form)
    }

    /// The event by which another application gives the conversation back, nearly always `return`.
    pub(crate) fn flow_event(webhook: &Webhook) -> Option<&str> {
        webhook.query.get(FLOW_EVENT).filter(|event| !event.is_empty())
    }

    /// The parameters of an application that gives the conversation back: those of its URL, then
    /// those of the carrier, such as `Digits`, that the URL does not have. An event other than
    /// `return` is one of them, because nothing else tells it to the flow.
    pub(crate) fn returned_params(webhook: &Webhook) -> Params {
        let is_ours = |name: &str, value: &str| {
            matches!(name, STEP | BODY_HASH) || (name == FLOW_EVENT && value == RETURN)
        };
        let url = webhook.query.iter();
        let carrier = webhook.params.iter().filter(|(name, _)| webhook.query.get(name).is_none());
        url.chain(carrier).filter(|(name, value)| !is_ours(name, value)).collect()
    }

    /// Whether a webhook names this very step. The time does not depend on how much of it is right.
    pub(crate) fn is_named_by(&self, webhook: &Webhook) -> bool {
        let Some(step) = StepToken::named_by(webhook) else { return false };
        let differences = self.0.bytes().zip(step.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        !self.0.is_empty() && step.len() == self.0.len() && differences == 0
    }

    /// The parameters of a query that its owner wrote: neither ours nor the carrier's digest of a
    /// body.
    pub(crate) fn strip(query: &Params) -> impl Iterator<Item = (&str, &str)> {
        query.iter().filter(|(name, _)| !matches!(*name, STEP | FLOW_EVENT | BODY_HASH))
    }

    /// The query that brings the carrier to this step, behind what the URL had of the user's own.
    pub(crate) fn to_query<'a>(
        &'a self,
        others: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> String {
        let query: Params = others.chain([(STEP, self.0.as_str())]).collect();
        format!("?{}", query.encode())
    }
}

/// Whether a text has the form of a token.
fn has_form(step: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    step.len() == DIGITS && step.bytes().all(is_digit)
}

impl fmt::Display for StepToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
