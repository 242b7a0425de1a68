//! The meaning of a webhook: which session it belongs to, and what it does to the active execution.
//!
//! All functions are pure, so that each rule can be read and tested by itself. [`conversation`]
//! finds the session, [`decide`] the plan. No other file has a rule about the meaning of a webhook.

use std::sync::Arc;

use super::ExchangeError;
use super::load::LoadedExecution;
use crate::channel::Channel;
use crate::flow::{ConversationIdentity, Event, Execution, Persistence};
use crate::route::Route;
use crate::session::{StoredExecution, call_key, calls_key, contact_key, conversation_key};
use crate::webhook::{Params, RETURN, StepToken, Webhook};

/// Where the execution of a webhook is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Conversation {
    /// Not at all: the flow answers this webhook, and nothing is stored.
    Stateless,
    /// Under these session keys.
    Session(SessionKeys),
    /// Nowhere: the webhook gets an empty document. The text says why, for the log.
    Ignore(&'static str),
}

/// The keys under which the execution of a webhook may be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SessionKeys {
    /// The key under which an execution begins.
    pub(super) key: String,
    /// The key of the same contact by the number itself, where `key` has its messaging service:
    /// an execution that a request to Studio's REST began names either.
    pub(super) by_number: Option<String>,
}

impl Conversation {
    /// The session that a turn locks first.
    pub(super) fn session(&self) -> Option<&str> {
        match self {
            Conversation::Session(keys) => Some(&keys.key),
            Conversation::Stateless | Conversation::Ignore(_) => None,
        }
    }
}

/// What to do with a webhook.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made and taken apart once for each webhook")]
pub(super) enum Plan {
    /// Begin an execution. One that is active ends.
    Begin {
        /// The execution that ends.
        replaced: Option<StoredExecution>,
    },
    /// Resume the execution that waits for it.
    Resume {
        /// The execution.
        loaded: LoadedExecution,
        /// The event for the flow.
        event: Event,
    },
    /// Answer with an empty document, and change nothing. The text says why, for the log.
    Ignore(&'static str),
    /// Answer with the fallback, and change nothing.
    Refuse(ExchangeError),
}

/// A [`Plan`] without the execution that it is about.
#[derive(Debug)]
enum Meaning {
    Begin,
    Resume(Event),
    Ignore(&'static str),
    Refuse(ExchangeError),
}

/// Finds the session of a webhook. The webhooks of one call share an execution, and so do those of
/// one conversation, and all messages between two addresses.
pub(super) fn conversation(webhook: &Webhook, route: &Route) -> Conversation {
    let is_stored = match route.flow.persistence {
        Persistence::Always => true,
        Persistence::WhilePending => webhook.sid().is_some(),
        // A call may still be pending from before a reload that removed `hold`.
        Persistence::Never => webhook.sid().is_some() && StepToken::may_be_ours(webhook),
    };
    if is_stored {
        let unidentified =
            Conversation::Ignore("it has no identifier, so it belongs to no execution");
        session_keys(webhook, route).map_or(unidentified, Conversation::Session)
    } else if is_unwanted_report(webhook, route) {
        Conversation::Ignore(if route.flow.function_widget().is_some() {
            "a status callback, which the route does not take: see `status_callbacks`"
        } else {
            "a status callback, and the document of the route is no answer to it"
        })
    } else {
        Conversation::Stateless
    }
}

/// Whether a webhook reports an event, and its route does not pass reports to the function.
fn is_unwanted_report(webhook: &Webhook, route: &Route) -> bool {
    !route.status_callbacks && webhook.is_status_report()
}

/// The session keys of a webhook. `None` if it has nothing to be identified by: a key of absent
/// parts would let strangers share an execution.
fn session_keys(webhook: &Webhook, route: &Route) -> Option<SessionKeys> {
    if route.channel == Channel::Message
        && route.flow.identity != ConversationIdentity::Webhook
        && let Some(service) = given(webhook, "MessagingServiceSid")
        && given(webhook, "ConversationSid").is_none()
    {
        return service_keys(webhook, &route.flow.name, service);
    }
    session_key(webhook, route).map(|key| SessionKeys { key, by_number: None })
}

/// The keys of a message that goes through a messaging service. As in Studio, the service is our
/// side of the conversation: the next message may come by another one of its numbers.
fn service_keys(webhook: &Webhook, flow: &str, service: &str) -> Option<SessionKeys> {
    // A message that was not sent yet has no number of ours, only the service.
    let is_outbound = webhook.params.message_status().is_some();
    let (us, contact) = if is_outbound { ("From", "To") } else { ("To", "From") };
    let contact = given(webhook, contact)?;
    let by_number = given(webhook, us).filter(|us| *us != service);
    Some(SessionKeys {
        key: contact_key(flow, service, contact),
        by_number: by_number.map(|us| contact_key(flow, us, contact)),
    })
}

/// The session key of a webhook without a messaging service.
fn session_key(webhook: &Webhook, route: &Route) -> Option<String> {
    let flow = route.flow.name.as_str();
    match (route.flow.identity, route.channel) {
        (ConversationIdentity::Webhook, _) => webhook.sid().map(|sid| call_key(flow, sid)),
        (ConversationIdentity::CallOrContact, Channel::Voice) => {
            given(webhook, "CallSid").map(|sid| call_key(flow, sid))
        }
        (ConversationIdentity::Contact, Channel::Voice) => {
            // A callback of a call that we made names both ends the other way round.
            let is_outbound =
                webhook.param("Direction").is_some_and(|way| way.starts_with("outbound"));
            let (us, contact) = addresses(webhook, is_outbound)?;
            Some(calls_key(flow, us, contact))
        }
        (_, Channel::Message) => {
            // The webhooks of a conversation have no addresses, only the sid.
            if let Some(sid) = given(webhook, "ConversationSid") {
                return Some(conversation_key(flow, sid));
            }
            // The status of a message that we sent comes with our address in front.
            let is_outbound = webhook.params.message_status().is_some();
            let (us, contact) = addresses(webhook, is_outbound)?;
            Some(contact_key(flow, us, contact))
        }
    }
}

/// Our address and the contact's; `None` if one is absent. `is_outbound`: the webhook is about a
/// call or message of ours.
fn addresses(webhook: &Webhook, is_outbound: bool) -> Option<(&str, &str)> {
    let (from, to) = (given(webhook, "From")?, given(webhook, "To")?);
    Some(if is_outbound { (from, to) } else { (to, from) })
}

/// A parameter that is not empty.
fn given<'a>(webhook: &'a Webhook, name: &str) -> Option<&'a str> {
    webhook.param(name).filter(|value| !value.is_empty())
}

/// Whether a webhook is for the execution `by_number` instead of that of the messaging service: it
/// names its step, or that execution has changed last, and so has asked last.
pub(super) fn is_for_number(
    webhook: &Webhook,
    by_service: Option<&LoadedExecution>,
    by_number: &LoadedExecution,
) -> bool {
    let Some(by_service) = by_service else { return true };
    let awaits = |loaded: &LoadedExecution| {
        loaded.execution.wait().is_some_and(|wait| wait.token.is_named_by(webhook))
    };
    match (awaits(by_service), awaits(by_number)) {
        (true, false) => false,
        (false, true) => true,
        _ => by_number.stored.updated > by_service.stored.updated,
    }
}

/// Plans what a webhook does to the active execution of its session.
pub(super) fn decide(webhook: &Webhook, route: &Route, active: Option<LoadedExecution>) -> Plan {
    let execution = active.as_ref().map(|active| &active.execution);
    let meaning = if is_second_call(webhook, route, execution) {
        Meaning::Refuse(ExchangeError::Concurrent)
    } else if execution.is_none() && always_begins(webhook, route) {
        Meaning::Begin
    } else {
        meaning(webhook, route.channel, execution)
    };
    match (meaning, active) {
        (Meaning::Resume(event), Some(loaded)) => Plan::Resume { loaded, event },
        // `Resume` without an execution comes from a step of one that is over: the flow begins.
        (Meaning::Begin | Meaning::Resume(_), active) => {
            Plan::Begin { replaced: active.map(|active| active.stored) }
        }
        (Meaning::Ignore(why), _) => Plan::Ignore(why),
        (Meaning::Refuse(error), _) => Plan::Refuse(error),
    }
}

/// Whether a webhook without an active execution begins one in every case. On the short form of a
/// route it does, with one exception: a step token of ours belongs to a pending call. A flow that
/// has no pending calls passes `step` to the user's function like any other parameter.
fn always_begins(webhook: &Webhook, route: &Route) -> bool {
    let names_other_step =
        StepToken::named_by(webhook).is_some() && !StepToken::may_be_ours(webhook);
    match route.flow.persistence {
        Persistence::Never => !is_unwanted_report(webhook, route),
        Persistence::WhilePending if webhook.is_status_report() => route.status_callbacks,
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

/// What a webhook means to an execution, by its channel.
fn meaning(webhook: &Webhook, channel: Channel, execution: Option<&Execution>) -> Meaning {
    // Before everything else: a TwiML Redirect comes back with the parameters of a running call.
    if let Some(event) = StepToken::flow_event(webhook) {
        match execution {
            Some(execution) if is_handed_over(execution) => {
                return Meaning::Resume(returned(webhook));
            }
            Some(_) if event == RETURN => return Meaning::Refuse(ExchangeError::Step),
            None if event == RETURN => return Meaning::Begin,
            // Another event has a meaning for foreign TwiML alone.
            Some(_) | None => {}
        }
    }
    let params = || Arc::new(webhook.params.clone());
    match channel {
        Channel::Voice => meaning_for_call(webhook, execution, params),
        Channel::Message => meaning_for_message(webhook, execution, params),
    }
}

/// The rules for calls.
fn meaning_for_call(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Meaning {
    let status = webhook.param("CallStatus").unwrap_or_default();
    let over = matches!(status, "completed" | "busy" | "failed" | "no-answer" | "canceled");
    // Before the step token: a caller who hangs up while a call is pending sends the token with it.
    if over && execution.is_some_and(|execution| execution.pending_call().is_some()) {
        return Meaning::Resume(Event::HangUp(params()));
    }
    let is_report = webhook.is_status_report();
    let names_a_step = StepToken::named_by(webhook).is_some();
    let awaited =
        execution.and_then(Execution::wait).is_some_and(|wait| wait.token.is_named_by(webhook));
    if is_report || (over && !names_a_step) {
        return match execution {
            // A call that the flow made and that was not answered: its widget gets the reason.
            Some(_) if awaited && over && status != "completed" => {
                Meaning::Resume(Event::Webhook(params()))
            }
            Some(_) if over => Meaning::Resume(Event::HangUp(params())),
            // A widget gave its callback the token of its wait. The progress of a call that it made
            // comes there too, and ends no wait.
            Some(_) if awaited && webhook.param("CallbackSource").is_none() => {
                Meaning::Resume(Event::Webhook(params()))
            }
            _ => Meaning::Ignore("a status callback that changes nothing"),
        };
    }
    match execution {
        Some(execution) if is_handed_over(execution) => Meaning::Resume(returned(webhook)),
        Some(_) if awaited => Meaning::Resume(Event::Webhook(params())),
        Some(_) if names_a_step => Meaning::Refuse(ExchangeError::Step),
        None if names_a_step => Meaning::Ignore("the execution of this step is over"),
        _ => Meaning::Begin,
    }
}

/// The rules for messages.
fn meaning_for_message(
    webhook: &Webhook,
    execution: Option<&Execution>,
    params: impl Fn() -> Arc<Params>,
) -> Meaning {
    let wait = execution.and_then(Execution::wait);
    if let Some(status) = webhook.params.message_status() {
        let failed = matches!(status, "failed" | "undelivered");
        let awaited = wait.is_some_and(|wait| wait.token.is_named_by(webhook));
        // Only a failure ends the wait: a flow waits for the reply, not for the receipt.
        return if failed && awaited {
            Meaning::Resume(Event::Webhook(params()))
        } else {
            Meaning::Ignore("a status callback that changes nothing")
        };
    }
    if webhook.params.conversation_event().is_some_and(|event| event != "onMessageAdded") {
        return Meaning::Ignore("an event of a conversation that brings no message");
    }
    match wait {
        None => Meaning::Begin,
        // Studio's REST has created it, and its first turn has not run.
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

/// The event of foreign TwiML that returns the call.
fn returned(webhook: &Webhook) -> Event {
    Event::Returned(Arc::new(StepToken::returned_params(webhook)))
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
                payload: None,
                idempotency_token: None,
                cookies: String::new(),
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
            payload: None,
            idempotency_token: None,
            cookies: String::new(),
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
