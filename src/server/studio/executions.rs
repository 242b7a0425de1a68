//! `/Executions`

use std::time::Duration;

use serde_json::{Map, Value};

use super::paging::{Paging, wrong};
use super::{RestError, RestRequest, RestResponse};
use crate::clock;
use crate::flow::Execution;
use crate::limits::STUDIO_ADDRESSES_BYTES_MAX;
use crate::random;
use crate::session::{
    Commit, ExecutionQuery, SessionGuard, StoreError, StoredExecution, contact_key,
    decode_execution, end_execution, request_execution,
};

/// POST: begins one.
pub(super) async fn create(call: &RestRequest<'_>) -> Result<RestResponse, RestError> {
    let required = |name: &str| match call.form.get(name).map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(RestError::new(400, 21604, &format!("A '{name}' address is required"))),
    };
    let (to, from) = (required("To")?, required("From")?);
    if to.len() + from.len() > STUDIO_ADDRESSES_BYTES_MAX {
        let most = STUDIO_ADDRESSES_BYTES_MAX;
        let message = format!("'To' and 'From' together have more than {most} bytes");
        return Err(RestError::new(400, 81023, &message));
    }
    let parameters = parameters(call.form.get("Parameters").unwrap_or_default())?;
    let sessions = call.sessions();
    let now = clock::wall();
    sessions.store_flow(&call.flow.revision, &call.flow.definition).await?;
    let _turn = sessions.lock(&contact_key(&call.flow.name, from, to)).await;
    let sid = random::sid_in_order("FN", now);
    let mut execution = Execution::from_request(sid, to, from, parameters);
    execution.route = call.route.clone();
    execution.account = Some(call.account.clone());
    let saved = request_execution(execution, call.flow, now);
    sessions.commit(Commit::new(saved.clone(), Vec::new(), now)).await?;
    call.shared.wake.notify_one();
    Ok(RestResponse::Made(shown(call, &saved)?))
}

/// GET: all of the flow, newest first.
pub(super) async fn list(call: &RestRequest<'_>) -> Result<RestResponse, RestError> {
    let paging = Paging::read(&call.query)?;
    let (from, until) = (date(call, "DateCreatedFrom")?, date(call, "DateCreatedTo")?);
    let fetch = async |after, limit| {
        let flow = call.flow.name.clone();
        call.sessions().executions(ExecutionQuery { flow, from, until, after, limit }).await
    };
    let place = |saved: &StoredExecution| (saved.created, saved.sid.clone());
    let (found, next) = paging.fill(fetch, place).await?;
    // A damaged one must not hide the others.
    let shown = found.iter().filter_map(|saved| shown(call, saved).ok()).collect();
    let page = paging.page(call, (&call.urls.executions, "executions"), shown, next);
    Ok(RestResponse::Found(page))
}

/// GET: one.
pub(super) async fn fetch(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(shown(call, &call.execution(sid).await?)?))
}

/// GET: its variables.
pub(super) async fn context(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    let saved = call.execution(sid).await?;
    Ok(RestResponse::Found(call.urls.context(&decode_execution(&saved)?)))
}

/// POST: ends it.
pub(super) async fn update(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    if call.form.get("Status") != Some("ended") {
        return Err(wrong("Status", "`ended`"));
    }
    let (saved, _turn) = alone(call, sid).await?;
    if !saved.active {
        return Ok(RestResponse::Found(shown(call, &saved)?));
    }
    let now = clock::wall();
    let saved = end_execution(saved, now);
    call.sessions().commit(Commit::new(saved.clone(), Vec::new(), now)).await?;
    Ok(RestResponse::Found(shown(call, &saved)?))
}

/// DELETE: it and its history.
pub(super) async fn delete(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    let (saved, _turn) = alone(call, sid).await?;
    match call.sessions().delete(&saved.sid).await? {
        true => Ok(RestResponse::Gone),
        false => Err(call.missing(&format!("/Executions/{sid}"))),
    }
}

/// An execution that nobody else works on while the turn is held.
async fn alone(
    call: &RestRequest<'_>,
    sid: &str,
) -> Result<(StoredExecution, SessionGuard), RestError> {
    let mut saved = call.execution(sid).await?;
    loop {
        let turn = call.sessions().lock(&saved.session).await;
        let session = saved.session;
        saved = call.execution(sid).await?;
        // One that makes a call is looked for by that call from then on.
        if saved.session == session {
            return Ok((saved, turn));
        }
    }
}

fn shown(call: &RestRequest<'_>, saved: &StoredExecution) -> Result<Value, StoreError> {
    Ok(call.urls.execution(saved, &decode_execution(saved)?))
}

fn parameters(text: &str) -> Result<Map<String, Value>, RestError> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|_| wrong("Parameters", "a JSON object"))
}

/// A moment or a day of the query.
fn date(call: &RestRequest<'_>, name: &str) -> Result<Option<Duration>, RestError> {
    let Some(text) = call.query.get(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let day = || {
        let day = jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?;
        day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
    };
    let moment: Option<jiff::Timestamp> = text.parse().ok().or_else(day);
    let moment = moment.ok_or_else(|| wrong(name, "an ISO 8601 date"))?;
    // Nothing is older than 1970.
    Ok(Some(Duration::try_from(moment.as_duration()).unwrap_or_default()))
}
