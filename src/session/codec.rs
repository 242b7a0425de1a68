//! Executions as records, and back.

use std::time::Duration;

use serde_json::json;

use super::conversation_key::{call_key, calls_key, contact_key, with_flow_name};
use super::{StepRecord, StoreError, StoredExecution};
use crate::flow::{ConversationIdentity, Execution, ExecutionState, Flow, TransitionRecord};
use crate::random;

/// The version of an execution's state, which is its first byte. It is increased with a change of
/// the stored form of [`Execution`] after which an earlier record cannot be read correctly.
pub const STATE_VERSION: u8 = 1;

/// What is known of an execution beside its state.
#[derive(Clone, Debug)]
pub(crate) struct ExecutionContext<'a> {
    /// The name of its flow, which may be another one than that of its revision.
    pub flow: &'a str,
    /// The key of its session.
    pub session: String,
    /// When it began, since 1970.
    pub created: Duration,
    /// The version of the record that this turn has read; 0 for a new execution.
    pub read_version: u64,
}

impl ExecutionContext<'_> {
    /// The record of an execution. `revision` is the flow that it runs.
    pub(crate) fn encode(
        self,
        execution: &Execution,
        revision: &Flow,
        now: Duration,
    ) -> StoredExecution {
        // A call that the flow made itself is looked for as a call from then on, whatever began it.
        let session = match (&execution.call_sid, revision.identity) {
            (None, _) => self.session,
            (Some(_), ConversationIdentity::Contact) => {
                calls_key(self.flow, &execution.address, &execution.contact)
            }
            (Some(sid), _) => call_key(self.flow, sid),
        };
        StoredExecution {
            sid: execution.sid.clone(),
            session,
            flow: self.flow.to_owned(),
            revision: revision.revision.clone(),
            version: self.read_version + 1,
            active: execution.state != ExecutionState::Ended,
            created: self.created,
            updated: now,
            due: execution.wait().and_then(|wait| wait.due),
            state: encode_state(execution),
        }
    }
}

/// Reads an execution back.
///
/// # Errors
/// [`StoreError::Corrupt`] where the record is damaged, or another version's.
pub fn decode_execution(stored: &StoredExecution) -> Result<Execution, StoreError> {
    let execution = match stored.state.split_first() {
        Some((&STATE_VERSION, state)) => serde_json::from_slice(state).ok(),
        _ => None,
    };
    let whole = execution.filter(Execution::has_frames);
    whole.ok_or_else(|| StoreError::Corrupt(stored.sid.clone()))
}

/// The bytes of an execution's state: [`STATE_VERSION`], then JSON.
fn encode_state(execution: &Execution) -> Vec<u8> {
    let mut state = vec![STATE_VERSION];
    // All of its keys are texts, so it is always JSON.
    if serde_json::to_writer(&mut state, execution).is_err() {
        state.truncate(1);
    }
    state
}

/// Takes the transitions of a turn out of an execution, as records of its steps.
pub(crate) fn take_steps(execution: &mut Execution, now: Duration) -> Vec<StepRecord> {
    let sid = execution.sid.clone();
    let step = |taken: TransitionRecord| {
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
    std::mem::take(&mut execution.transitions).into_iter().map(step).collect()
}

/// The record of an execution that a client of Studio's REST API creates: due at once, so that it
/// begins even after a crash.
pub(crate) fn request_execution(
    mut execution: Execution,
    flow: &Flow,
    now: Duration,
) -> StoredExecution {
    execution.begin_at(now);
    let session = contact_key(&flow.name, &execution.address, &execution.contact);
    let context = ExecutionContext { flow: &flow.name, session, created: now, read_version: 0 };
    context.encode(&execution, flow, now)
}

/// The next record of an execution, under another name of its flow.
pub(crate) fn rename_flow(stored: StoredExecution, name: &str) -> StoredExecution {
    let session = with_flow_name(&stored.session, &stored.flow, name);
    let session = session.unwrap_or(stored.session);
    let version = stored.version + 1;
    StoredExecution { flow: name.to_owned(), session, version, ..stored }
}

/// The next record of an execution, ended from outside. The state of one that cannot be read stays
/// as it is.
pub(crate) fn end_execution(mut stored: StoredExecution, now: Duration) -> StoredExecution {
    if let Ok(mut execution) = decode_execution(&stored) {
        execution.state = ExecutionState::Ended;
        stored.state = encode_state(&execution);
    }
    let version = stored.version + 1;
    StoredExecution { version, active: false, due: None, updated: now, ..stored }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn what_is_nowhere_is_damaged_and_can_be_ended() {
        let execution = Execution::from_request("FN1".to_owned(), "+1", "+2", Map::new());
        let mut state = serde_json::to_value(&execution).unwrap();
        state["frames"] = json!([]);
        let saved = StoredExecution {
            sid: "FN1".to_owned(),
            session: String::new(),
            flow: String::new(),
            revision: String::new(),
            version: 1,
            active: true,
            created: Duration::ZERO,
            updated: Duration::ZERO,
            due: Some(Duration::ZERO),
            state: [&[STATE_VERSION], state.to_string().as_bytes()].concat(),
        };
        assert_eq!(decode_execution(&saved).unwrap_err(), StoreError::Corrupt("FN1".to_owned()));
        let ended = end_execution(saved.clone(), Duration::from_secs(1));
        assert!(!ended.active && ended.due.is_none() && ended.state == saved.state);
    }
}
