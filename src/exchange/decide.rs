//! What a webhook means to an execution: pure, so that the whole table can be read, and tested.

use std::sync::Arc;

use super::ExchangeError;
use crate::channel::Channel;
use crate::flow::{Event, Execution};
use crate::webhook::{Params, Webhook};

/// What becomes of a webhook.
#[derive(Debug)]
pub(super) enum Plan {
    /// It begins an execution. One that was there before is over.
    Begin,
    /// It is what the execution waits for.
    Resume(Event),
    /// It changes nothing, and gets an empty document.
    Ignore(&'static str),
    /// It must not get any further.
    Refuse(ExchangeError),
}

/// Says what a webhook means, to the execution that is active for it.
pub(super) fn decide(webhook: &Webhook, channel: Channel, execution: Option<&Execution>) -> Plan {
    let params = || Arc::new(webhook.params.clone());
    if webhook.query.get("FlowEvent") == Some("return") {
        return match execution {
            Some(execution) if is_handed_over(execution) => {
                Plan::Resume(Event::Returned(Arc::new(returned(webhook))))
            }
            Some(_) => Plan::Refuse(ExchangeError::Step),
            None => Plan::Begin,
        };
    }
    match channel {
        Channel::Voice => call(webhook, execution, params),
        Channel::Message => message(webhook, execution, params),
    }
}

fn call(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Plan {
    let status = webhook.param("CallStatus").unwrap_or_default();
    let over = matches!(status, "completed" | "busy" | "failed" | "no-answer" | "canceled");
    if over && execution.is_some_and(|execution| execution.held().is_some()) {
        return Plan::Resume(Event::HangUp(params()));
    }
    let callback = webhook.param("CallbackSource").is_some();
    let step = webhook.query.get("step");
    let awaited = execution
        .and_then(Execution::wait)
        .is_some_and(|wait| step.is_some_and(|step| step == wait.token));
    if callback || (over && step.is_none()) {
        return match execution {
            // A call of ours that nobody took: its widget is told why.
            Some(_) if awaited && over && status != "completed" => {
                Plan::Resume(Event::Webhook(params()))
            }
            Some(_) if over => Plan::Resume(Event::HangUp(params())),
            _ => Plan::Ignore("a status callback that changes nothing"),
        };
    }
    match (execution, step) {
        (Some(_), Some(_)) if awaited => Plan::Resume(Event::Webhook(params())),
        (Some(execution), _) if is_handed_over(execution) => {
            Plan::Resume(Event::Returned(params()))
        }
        (Some(_), Some(_)) => Plan::Refuse(ExchangeError::Step),
        (None, Some(_)) => Plan::Ignore("the execution of this step is over"),
        (_, None) => Plan::Begin,
    }
}

fn message(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Plan {
    let wait = execution.and_then(Execution::wait);
    if webhook.param("MessageStatus").is_some_and(|status| status != "received") {
        let failed = matches!(webhook.param("MessageStatus"), Some("failed" | "undelivered"));
        let step = webhook.query.get("step");
        let awaited = wait.is_some_and(|wait| step == Some(&wait.token));
        return match failed && awaited {
            true => Plan::Resume(Event::Webhook(params())),
            false => Plan::Ignore("a status callback that changes nothing"),
        };
    }
    match wait {
        None => Plan::Begin,
        // Studio's REST has asked for it, and its first turn is about to come.
        Some(_) if !execution.is_some_and(Execution::has_begun) => {
            Plan::Ignore("the execution has not begun, so it takes no message (Twilio 81002)")
        }
        Some(wait) if wait.handed_over => {
            Plan::Ignore("the execution cannot take a message now (Twilio 81002)")
        }
        Some(wait) if wait.held.is_some() => {
            Plan::Ignore("a function is at work, so the execution takes no message (Twilio 81002)")
        }
        Some(_) => Plan::Resume(Event::Webhook(params())),
    }
}

fn is_handed_over(execution: &Execution) -> bool {
    execution.wait().is_some_and(|wait| wait.handed_over)
}

/// What another application gives back: the parameters of the URL that it redirected to.
fn returned(webhook: &Webhook) -> Params {
    let ours = |name: &str| matches!(name, "FlowEvent" | "step");
    webhook.query.iter().filter(|(name, _)| !ours(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flow::State;

    #[test]
    fn a_piece_of_the_right_token_is_a_guess() {
        let sid = "FN1".to_owned();
        let mut execution = Execution::requested(sid, "+15550100", "+15550199", Default::default());
        execution.begin_at(Duration::ZERO);
        if let State::Waiting(wait) = &mut execution.state {
            wait.token = "0123456789abcdef".to_owned();
        }
        let plan = |step: &str| {
            let params = [("CallSid", "CA1"), ("CallStatus", "in-progress")];
            let webhook = Webhook {
                account: None,
                path: "/voice".to_owned(),
                query: [("step", step)].into_iter().collect(),
                params: params.into_iter().collect(),
                body: Default::default(),
                idempotency_token: None,
            };
            decide(&webhook, Channel::Voice, Some(&execution))
        };
        assert!(matches!(plan("0123456789abcdef"), Plan::Resume(_)));
        for guess in ["", "0", "0123456789abcde", "0123456789abcdef0"] {
            assert!(matches!(plan(guess), Plan::Refuse(ExchangeError::Step)), "{guess}");
        }
    }

    #[test]
    fn a_message_does_not_resume_what_has_not_begun() {
        let params = [("MessageSid", "SM1"), ("From", "+15550100"), ("Body", "hi")];
        let webhook = Webhook {
            account: None,
            path: "/sms".to_owned(),
            query: Params::default(),
            params: params.into_iter().collect(),
            body: Default::default(),
            idempotency_token: None,
        };
        let sid = "FN1".to_owned();
        let mut execution = Execution::requested(sid, "+15550100", "+15550199", Default::default());
        execution.begin_at(Duration::ZERO);
        let plan = |execution: &Execution| decide(&webhook, Channel::Message, Some(execution));
        assert!(matches!(plan(&execution), Plan::Ignore(_)));
        execution.steps = 1;
        assert!(matches!(plan(&execution), Plan::Resume(_)));
    }
}
