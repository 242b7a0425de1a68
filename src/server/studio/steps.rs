//! `/Executions/{sid}/Steps`: the steps of an execution.

use std::time::Duration;

use super::paging::{ListResource, Paging};
use super::{RestError, RestRequest, RestResponse};
use crate::limits::STUDIO_PAGE_SIZE_MAX;
use crate::session::{StepQuery, StepRecord};

/// GET: a page of the steps, newest first.
pub(super) async fn list(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    // First the execution: a wrong sid is 404, and not an empty list.
    let stored = call.execution(sid).await?;
    let paging = Paging::read(&call.query)?;
    let fetch =
        async |after, limit| call.sessions().steps(&stored.sid, StepQuery { after, limit }).await;
    let (found, next) = paging.fill(fetch, position).await?;
    let items = found.iter().map(|step| call.urls.step(step)).collect();
    let list = ListResource { url: &format!("{}/{sid}/Steps", call.urls.executions), key: "steps" };
    Ok(RestResponse::Found(paging.page(call, list, items, next)))
}

/// GET: one step.
pub(super) async fn fetch(
    call: &RestRequest<'_>,
    sid: &str,
    step: &str,
) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(call.urls.step(&find_step(call, sid, step).await?)))
}

/// GET: the variables of one step.
pub(super) async fn context(
    call: &RestRequest<'_>,
    sid: &str,
    step: &str,
) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(call.urls.step_context(&find_step(call, sid, step).await?)))
}

/// Finds a step of an execution by their sids.
async fn find_step(
    call: &RestRequest<'_>,
    sid: &str,
    step_sid: &str,
) -> Result<StepRecord, RestError> {
    let stored = call.execution(sid).await?;
    // Page by page: the store finds steps by their execution, which has at most a thousand.
    let mut after = None;
    loop {
        let page = StepQuery { after, limit: STUDIO_PAGE_SIZE_MAX };
        let found = call.sessions().steps(&stored.sid, page).await?;
        let is_last_page = found.len() < STUDIO_PAGE_SIZE_MAX;
        after = found.last().map(position);
        match found.into_iter().find(|step| step.sid == step_sid) {
            Some(step) => return Ok(step),
            None if is_last_page => {
                return Err(call.unknown_resource(&format!("/Executions/{sid}/Steps/{step_sid}")));
            }
            None => {}
        }
    }
}

/// The position of a step in its list: its time, and its sid among those of one time.
fn position(step: &StepRecord) -> (Duration, String) {
    (step.at, step.sid.clone())
}
