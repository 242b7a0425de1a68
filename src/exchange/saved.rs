//! An execution as the store keeps it, and back.

use std::time::Duration;

use serde_json::json;

use crate::channel::Channel;
use crate::flow::{Execution, Flow, State, Taken};
use crate::random;
use crate::session::{StepRecord, StoreError, StoredExecution};
use crate::webhook::Webhook;

/// The form of an execution's state, its first byte. Whoever changes what `Execution` is stored as,
/// so that a former one would be read wrongly or not at all, counts it up.
pub const FORM: u8 = 1;

/// What is known of an execution beside its state.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The name of its flow, which may be another one than that of its revision.
    pub(super) flow: String,
    /// Where it goes on being looked for.
    pub(super) session: String,
    /// When it began.
    pub(super) created: Duration,
}

/// The session of a webhook: a call is one execution, and so is all that is written between two
/// addresses. Lengths stand in front, so that no address can look like two.
pub(super) fn session(webhook: &Webhook, channel: Channel, flow: &Flow) -> Option<String> {
    let param = |name| webhook.param(name).unwrap_or_default();
    match channel {
        // A short route answers each message by itself, as it does each call.
        _ if flow.is_short() => webhook.sid().map(|sid| call(&flow.name, sid)),
        Channel::Voice if flow.concurrent_calls => {
            webhook.param("CallSid").map(|sid| call(&flow.name, sid))
        }
        Channel::Voice => {
            // A callback of a call of ours names both ends the other way round.
            let ours = param("Direction").starts_with("outbound");
            let (contact, us) = if ours { ("To", "From") } else { ("From", "To") };
            Some(calls(&flow.name, param(us), param(contact)))
        }
        Channel::Message => {
            // What became of a message of ours is told with our address in front.
            let status = webhook.param("MessageStatus").is_some_and(|s| s != "received");
            let (contact, us) = if status { ("To", "From") } else { ("From", "To") };
            Some(pair(&flow.name, param(us), param(contact)))
        }
    }
}

/// The session of all that is written between two addresses in a flow.
pub fn pair(flow: &str, us: &str, contact: &str) -> String {
    format!("pair:{}:{flow}{}:{us}{contact}", flow.len(), us.len())
}

/// The session of all calls between two addresses, in a flow that takes one at a time.
fn calls(flow: &str, us: &str, contact: &str) -> String {
    format!("calls:{}", pair(flow, us, contact))
}

/// The session of a call in a flow: another flow of ours may have the same call in between.
fn call(flow: &str, sid: &str) -> String {
    format!("call:{}:{flow}{sid}", flow.len())
}

/// Reads what was kept.
///
/// # Errors
/// [`StoreError::Corrupt`] where the record is damaged, or another version's.
pub fn read(saved: &StoredExecution) -> Result<Execution, StoreError> {
    let state = match saved.state.split_first() {
        Some((&FORM, state)) => serde_json::from_slice(state).ok(),
        _ => None,
    };
    let whole = state.filter(Execution::is_somewhere);
    whole.ok_or_else(|| StoreError::Corrupt(saved.sid.clone()))
}

/// The bytes of an execution's state: [`FORM`], then JSON.
fn state(execution: &Execution) -> Vec<u8> {
    let mut state = vec![FORM];
    // All of its keys are texts, so it is always JSON.
    if serde_json::to_writer(&mut state, execution).is_err() {
        state.truncate(1);
    }
    state
}

/// Writes an execution down.
pub(super) fn write(execution: &Execution, flow: &Flow, kept: &Kept, now: Duration) -> StoredExecution {
    // A call that the flow made itself is looked for as a call from then on, whatever began it.
    let session = match (&execution.call_sid, flow.concurrent_calls) {
        (Some(sid), true) => call(&kept.flow, sid),
        (Some(_), false) => calls(&kept.flow, &execution.address, &execution.contact),
        (None, _) => kept.session.clone(),
    };
    StoredExecution {
        sid: execution.sid.clone(),
        session,
        flow: kept.flow.clone(),
        revision: flow.revision.clone(),
        active: execution.state != State::Ended,
        created: kept.created,
        updated: now,
        due: execution.wait().and_then(|wait| wait.due),
        state: state(execution),
    }
}

/// The history of a turn.
pub(super) fn steps(execution: &mut Execution, now: Duration) -> Vec<StepRecord> {
    let sid = execution.sid.clone();
    let step = |taken: Taken| {
        let context = json!({"widgets": {(taken.from.as_str()): taken.output}});
        StepRecord {
            sid: random::sid("FT"),
            execution: sid.clone(),
            name: taken.event,
            from: taken.from,
            to: taken.to.unwrap_or_else(|| "Ended".to_owned()),
            kind: taken.kind.to_owned(),
            at: now,
            context: context.to_string().into_bytes(),
        }
    };
    std::mem::take(&mut execution.taken).into_iter().map(step).collect()
}

/// An execution that Studio's REST asks for: kept as due, so that it begins at once, and also after
/// a crash.
pub fn requested(mut execution: Execution, flow: &Flow, now: Duration) -> StoredExecution {
    execution.begin_at(now);
    let session = pair(&flow.name, &execution.address, &execution.contact);
    write(&execution, flow, &Kept { flow: flow.name.clone(), session, created: now }, now)
}

/// The same execution under another name of its flow.
pub(super) fn renamed(saved: Saved, name: &str) -> Saved {
    let former = format!("{}:{}", saved.flow.len(), saved.flow);
    let today = format!("{}:{name}", name.len());
    let session = ["pair:", "calls:pair:", "call:"].into_iter().find_map(|kind| {
        let rest = saved.session.strip_prefix(kind)?.strip_prefix(&former)?;
        Some(format!("{kind}{today}{rest}"))
    });
    let session = session.unwrap_or(saved.session);
    Saved { flow: name.to_owned(), session, ..saved }
}

/// The same execution, ended from outside. The state of one that cannot be read stays as it is.
pub fn ended(mut saved: StoredExecution, now: Duration) -> StoredExecution {
    if let Ok(mut execution) = read(&saved) {
        execution.state = State::Ended;
        saved.state = state(&execution);
    }
    StoredExecution { active: false, due: None, updated: now, ..saved }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn two_pairs_of_addresses_never_look_the_same() {
        assert_ne!(pair("f", "+12", "3"), pair("f", "+1", "23"));
        assert_ne!(pair("f1", "+2", "3"), pair("f", "1+2", "3"));
        assert_ne!(pair("a:b", "", "c"), pair("a", "", "b:c"));
    }

    #[test]
    fn what_is_nowhere_is_damaged_and_can_be_ended() {
        let execution = Execution::requested("FN1".to_owned(), "+1", "+2", Map::new());
        let mut state = serde_json::to_value(&execution).unwrap();
        state["frames"] = json!([]);
        let saved = StoredExecution {
            sid: "FN1".to_owned(),
            session: String::new(),
            flow: String::new(),
            revision: String::new(),
            active: true,
            created: Duration::ZERO,
            updated: Duration::ZERO,
            due: Some(Duration::ZERO),
            state: [&[FORM], state.to_string().as_bytes()].concat(),
        };
        assert_eq!(read(&saved).unwrap_err(), StoreError::Corrupt("FN1".to_owned()));
        let ended = ended(saved.clone(), Duration::from_secs(1));
        assert!(!ended.active && ended.due.is_none() && ended.state == saved.state);
    }
}
