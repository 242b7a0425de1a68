//! `/Executions`: the executions of a flow.

use std::time::Duration;

use serde_json::{Map, Value};

use super::paging::{ListResource, Paging, invalid};
use super::{RestError, RestRequest, RestResponse};
use crate::channel::canonical_pair;
use crate::clock;
use crate::flow::Execution;
use crate::json::parse_json;
use crate::limits::STUDIO_ADDRESSES_BYTES_MAX;
use crate::random;
use crate::session::{
    Commit, ExecutionQuery, SessionGuard, StoreError, StoredExecution, contact_key,
    decode_execution, end_execution, request_execution,
};
use crate::trace::ConversationOutcome;

/// How long a request waits for an execution that another gateway is working on.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// POST: creates an execution.
pub(super) async fn create(call: &RestRequest<'_>) -> Result<RestResponse, RestError> {
    let address = |name: &str| match call.form.get(name) {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => Err(RestError::new(400, 21604, &format!("A '{name}' address is required"))),
    };
    let (to, from) = (address("To")?, address("From")?);
    // The flow sends to these addresses, so it gets them as the carrier writes them.
    let (from, to) = canonical_pair(from, to);
    if to.len() + from.len() > STUDIO_ADDRESSES_BYTES_MAX {
        let most = STUDIO_ADDRESSES_BYTES_MAX;
        let message = format!("'To' and 'From' together have more than {most} bytes");
        return Err(RestError::new(400, 81023, &message));
    }
    let parameters = read_parameters(call.form.get("Parameters").unwrap_or_default())?;
    let sessions = call.sessions();
    let now = clock::wall();
    // First the flow: an execution in the store always has its definition there.
    sessions.store_flow(&call.flow.revision, &call.flow.definition).await?;
    // The lock of the contact: two requests at the same time must not create two executions.
    let lock = sessions.lock(&contact_key(&call.flow.name, &from, &to)).await;
    let sid = random::sid_in_order("FN", now);
    let mut execution = Execution::from_request(sid, &to, &from, parameters);
    execution.route = call.route.clone();
    execution.account = Some(call.account.clone());
    // Stored as due: the answer does not wait for the first turn, and a restart does not lose it.
    let stored = request_execution(execution, call.flow, now);
    sessions.commit(Commit::new(stored.clone(), Vec::new(), now).under(lock)).await?;
    call.shared.wake.notify_one();
    Ok(RestResponse::Created(resource(call, &stored)?))
}

/// GET: a page of the flow's executions, newest first.
pub(super) async fn list(call: &RestRequest<'_>) -> Result<RestResponse, RestError> {
    let paging = Paging::read(&call.query)?;
    let (from, until) = (read_date(call, "DateCreatedFrom")?, read_date(call, "DateCreatedTo")?);
    let fetch = async |after, limit| {
        let flow = call.flow.name.clone();
        call.sessions().executions(ExecutionQuery { flow, from, until, after, limit }).await
    };
    let position = |stored: &StoredExecution| (stored.created, stored.sid.clone());
    let (found, next) = paging.fill(fetch, position).await?;
    // A damaged one must not hide the others.
    let items = found.iter().filter_map(|stored| resource(call, stored).ok()).collect();
    let list = ListResource { url: &call.urls.executions, key: "executions" };
    Ok(RestResponse::Found(paging.page(call, list, items, next)))
}

/// GET: one execution.
pub(super) async fn fetch(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(resource(call, &call.execution(sid).await?)?))
}

/// GET: the variables of an execution.
pub(super) async fn context(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    let stored = call.execution(sid).await?;
    Ok(RestResponse::Found(call.urls.context(&decode_execution(&stored)?)))
}

/// POST: ends an execution.
pub(super) async fn update(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    if call.form.get("Status") != Some("ended") {
        return Err(invalid("Status", "`ended`"));
    }
    let (stored, lock) = lock_execution(call, sid).await?;
    // Ending is idempotent: a client may repeat a request whose answer was lost.
    if !stored.active {
        return Ok(RestResponse::Found(resource(call, &stored)?));
    }
    let now = clock::wall();
    let stored = end_execution(stored, now);
    let ended = Commit::new(stored.clone(), Vec::new(), now).under(lock);
    call.sessions().commit(ended).await?;
    call.shared.journal.traces.end(&stored.sid, ConversationOutcome::Stopped);
    Ok(RestResponse::Found(resource(call, &stored)?))
}

/// DELETE: removes an execution and its steps.
pub(super) async fn delete(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    let (stored, _lock) = lock_execution(call, sid).await?;
    if call.sessions().delete(&stored.sid).await? {
        Ok(RestResponse::Deleted)
    } else {
        Err(call.unknown_resource(&format!("/Executions/{sid}")))
    }
}

/// Locks the session of an execution, so that no turn changes it meanwhile.
async fn lock_execution(
    call: &RestRequest<'_>,
    sid: &str,
) -> Result<(StoredExecution, SessionGuard), RestError> {
    let found = call.execution(sid).await?;
    let opened = call.sessions().open_execution(&found, LOCK_WITHIN).await?;
    let opened = opened.filter(|(stored, _)| stored.flow == call.flow.name);
    opened.ok_or_else(|| call.unknown_resource(&format!("/Executions/{sid}")))
}

/// The JSON of an execution.
fn resource(call: &RestRequest<'_>, stored: &StoredExecution) -> Result<Value, StoreError> {
    Ok(call.urls.execution(stored, &decode_execution(stored)?))
}

fn read_parameters(text: &str) -> Result<Map<String, Value>, RestError> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    match parse_json(text.as_bytes()) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        _ => Err(invalid("Parameters", "a JSON object")),
    }
}

/// Reads a moment or a day of the query.
fn read_date(call: &RestRequest<'_>, name: &str) -> Result<Option<Duration>, RestError> {
    let Some(text) = call.query.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = || {
        let day = jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?;
        day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
    };
    let moment: Option<jiff::Timestamp> = text.parse().ok().or_else(day);
    let moment = moment.ok_or_else(|| invalid(name, "an ISO 8601 date"))?;
    // A date before 1970 becomes zero: no execution is older.
    Ok(Some(Duration::try_from(moment.as_duration()).unwrap_or_default()))
}
