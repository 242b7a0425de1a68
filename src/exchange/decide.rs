//! What a webhook means to the executions of its flow: pure, so that the whole table can be read, and
//! tested.
//!
//! [`conversation`] says which session a webhook belongs to, [`decide`] what it does to the execution
//! that is active there. No other file has a rule about the meaning of a webhook.

use std::sync::Arc;

use super::ExchangeError;
use super::load::LoadedExecution;
use crate::channel::Channel;
use crate::flow::{ConversationIdentity, Event, Execution, Flow, Persistence};
use crate::route::Route;
use crate::session::{StoredExecution, call_key, calls_key, contact_key};
use crate::webhook::{Params, StepToken, Webhook};

/// Where the execution of a webhook is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Conversation {
    /// Nowhere: the flow answers this webhook alone, and nothing is stored.
    Stateless,
    /// Under this session key.
    Session(String),
    /// Nowhere, although the flow stores its executions: the webhook names no call and no addresses.
    Unidentified,
}

/// What becomes of a webhook.
#[derive(Debug)]
pub(super) enum Plan {
    /// It begins an execution, in the place of the one that is active, if there is one.
    Begin {
        /// What ends by that.
        replaced: Option<StoredExecution>,
    },
    /// It is what an execution waits for.
    Resume {
        /// The execution.
        loaded: LoadedExecution,
        /// What it is told.
        event: Event,
    },
    /// It changes nothing, and gets an empty document.
    Ignore(&'static str),
    /// It must not get any further.
    Refuse(ExchangeError),
}

/// What a webhook means to an execution.
#[derive(Debug)]
enum Meaning {
    Begin,
    Resume(Event),
    Ignore(&'static str),
    Refuse(ExchangeError),
}

/// The session of a webhook: a call is one execution, and so is all that is written between two
/// addresses.
pub(super) fn conversation(webhook: &Webhook, route: &Route) -> Conversation {
    let flow = &*route.flow;
    let is_stored = match flow.persistence {
        Persistence::Always => true,
        Persistence::WhilePending => webhook.sid().is_some(),
        // A call may be pending from the time before `hold` was taken out of the configuration.
        Persistence::Never => webhook.sid().is_some() && StepToken::may_be_ours(webhook),
    };
    if !is_stored {
        return Conversation::Stateless;
    }
    let key = match (flow.identity, route.channel) {
        (ConversationIdentity::Webhook, _) => webhook.sid().map(|sid| call_key(&flow.name, sid)),
        (ConversationIdentity::CallOrContact, Channel::Voice) => {
            webhook.param("CallSid").map(|sid| call_key(&flow.name, sid))
        }
        (ConversationIdentity::Contact, Channel::Voice) => {
            // A callback of a call that we made names both ends the other way round.
            let is_outbound =
                webhook.param("Direction").is_some_and(|way| way.starts_with("outbound"));
            let (us, contact) = addresses(webhook, is_outbound);
            Some(calls_key(&flow.name, us, contact))
        }
        (_, Channel::Message) => {
            // The status of a message that we sent comes with our address in front.
            let (us, contact) = addresses(webhook, message_status(webhook).is_some());
            Some(contact_key(&flow.name, us, contact))
        }
    };
    key.map_or(Conversation::Unidentified, Conversation::Session)
}

/// Our address and that of the contact. `is_outbound`: the webhook is about something that we sent.
fn addresses(webhook: &Webhook, is_outbound: bool) -> (&str, &str) {
    let address = |name| webhook.param(name).unwrap_or_default();
    match is_outbound {
        true => (address("From"), address("To")),
        false => (address("To"), address("From")),
    }
}

/// What became of a message that we sent; `None` where the webhook brings a message.
fn message_status(webhook: &Webhook) -> Option<&str> {
    webhook.param("MessageStatus").filter(|status| *status != "received")
}

/// Says what a webhook does to the execution that is active in its session.
pub(super) fn decide(webhook: &Webhook, route: &Route, active: Option<LoadedExecution>) -> Plan {
    let execution = active.as_ref().map(|active| &active.execution);
    let meaning = if is_second_call(webhook, route, execution) {
        Meaning::Refuse(ExchangeError::Concurrent)
    } else if execution.is_none() && always_begins(webhook, &route.flow) {
        Meaning::Begin
    } else {
        meaning(webhook, route.channel, execution)
    };
    match (meaning, active) {
        (Meaning::Resume(event), Some(loaded)) => Plan::Resume { loaded, event },
        // Only what is there is resumed.
        (Meaning::Begin | Meaning::Resume(_), active) => {
            Plan::Begin { replaced: active.map(|active| active.stored) }
        }
        (Meaning::Ignore(why), _) => Plan::Ignore(why),
        (Meaning::Refuse(error), _) => Plan::Refuse(error),
    }
}

/// Whether a webhook without an active execution begins one whatever it tells, as each does on the
/// short form of a route. A step in our own form is the end of a pending call there, unless the
/// flow has none: then it is a parameter of the user's function.
fn always_begins(webhook: &Webhook, flow: &Flow) -> bool {
    let names_other_step =
        StepToken::named_by(webhook).is_some() && !StepToken::may_be_ours(webhook);
    match flow.persistence {
        Persistence::Never => true,
        Persistence::WhilePending => names_other_step,
        Persistence::Always => false,
    }
}

/// Whether the caller is in another call, where a flow allows only one.
fn is_second_call(webhook: &Webhook, route: &Route, active: Option<&Execution>) -> bool {
    let is_other = |execution: &Execution| {
        execution.call_sid.as_deref().is_some_and(|sid| webhook.param("CallSid") != Some(sid))
    };
    route.channel == Channel::Voice
        && route.flow.identity == ConversationIdentity::Contact
        && active.is_some_and(is_other)
}

fn meaning(webhook: &Webhook, channel: Channel, execution: Option<&Execution>) -> Meaning {
    if StepToken::is_return(webhook) {
        return match execution {
            Some(execution) if is_handed_over(execution) => {
                let params = StepToken::strip(&webhook.query).collect();
                Meaning::Resume(Event::Returned(Arc::new(params)))
            }
            Some(_) => Meaning::Refuse(ExchangeError::Step),
            None => Meaning::Begin,
        };
    }
    let params = || Arc::new(webhook.params.clone());
    match channel {
        Channel::Voice => meaning_for_call(webhook, execution, params),
        Channel::Message => meaning_for_message(webhook, execution, params),
    }
}

fn meaning_for_call(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Meaning {
    let status = webhook.param("CallStatus").unwrap_or_default();
    let over = matches!(status, "completed" | "busy" | "failed" | "no-answer" | "canceled");
    // Before the step: the caller of a pending call may hang up with its token in the URL.
    if over && execution.is_some_and(|execution| execution.pending_call().is_some()) {
        return Meaning::Resume(Event::HangUp(params()));
    }
    let callback = webhook.param("CallbackSource").is_some();
    let names_a_step = StepToken::named_by(webhook).is_some();
    let awaited =
        execution.and_then(Execution::wait).is_some_and(|wait| wait.token.is_named_by(webhook));
    if callback || (over && !names_a_step) {
        return match execution {
            // A call that the flow made and that was not answered: its widget gets the reason.
            Some(_) if awaited && over && status != "completed" => {
                Meaning::Resume(Event::Webhook(params()))
            }
            Some(_) if over => Meaning::Resume(Event::HangUp(params())),
            _ => Meaning::Ignore("a status callback that changes nothing"),
        };
    }
    match execution {
        Some(_) if awaited => Meaning::Resume(Event::Webhook(params())),
        Some(execution) if is_handed_over(execution) => Meaning::Resume(Event::Returned(params())),
        Some(_) if names_a_step => Meaning::Refuse(ExchangeError::Step),
        None if names_a_step => Meaning::Ignore("the execution of this step is over"),
        _ => Meaning::Begin,
    }
}

fn meaning_for_message(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Meaning {
    let wait = execution.and_then(Execution::wait);
    if let Some(status) = message_status(webhook) {
        let failed = matches!(status, "failed" | "undelivered");
        let awaited = wait.is_some_and(|wait| wait.token.is_named_by(webhook));
        return match failed && awaited {
            true => Meaning::Resume(Event::Webhook(params())),
            false => Meaning::Ignore("a status callback that changes nothing"),
        };
    }
    match wait {
        None => Meaning::Begin,
        // Studio's REST has asked for it, and its first turn is about to come.
        Some(_) if !execution.is_some_and(Execution::has_begun) => {
            Meaning::Ignore("the execution has not begun, so it takes no message (Twilio 81002)")
        }
        Some(wait) if wait.handed_over => {
            Meaning::Ignore("the execution cannot take a message now (Twilio 81002)")
        }
        Some(wait) if wait.pending.is_some() => Meaning::Ignore(
            "a function is at work, so the execution takes no message (Twilio 81002)",
        ),
        Some(_) => Meaning::Resume(Event::Webhook(params())),
    }
}

fn is_handed_over(execution: &Execution) -> bool {
    execution.wait().is_some_and(|wait| wait.handed_over)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flow::ExecutionState;

    #[test]
    fn a_piece_of_the_right_token_is_a_guess() {
        let sid = "FN1".to_owned();
        let mut execution =
            Execution::from_request(sid, "+15550100", "+15550199", Default::default());
        execution.begin_at(Duration::ZERO);
        if let ExecutionState::Waiting(wait) = &mut execution.state {
            wait.token = StepToken::new("0123456789abcdef".to_owned());
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
            meaning(&webhook, Channel::Voice, Some(&execution))
        };
        assert!(matches!(plan("0123456789abcdef"), Meaning::Resume(_)));
        for guess in ["", "0", "0123456789abcde", "0123456789abcdef0"] {
            assert!(matches!(plan(guess), Meaning::Refuse(ExchangeError::Step)), "{guess}");
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
        let mut execution =
            Execution::from_request(sid, "+15550100", "+15550199", Default::default());
        execution.begin_at(Duration::ZERO);
        let plan = |execution: &Execution| meaning(&webhook, Channel::Message, Some(execution));
        assert!(matches!(plan(&execution), Meaning::Ignore(_)));
        execution.steps = 1;
        assert!(matches!(plan(&execution), Meaning::Resume(_)));
    }
}
