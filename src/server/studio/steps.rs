//! `/Executions/{sid}/Steps`

use std::time::Duration;

use super::paging::Paging;
use super::{RestError, RestRequest, RestResponse};
use crate::limits::STUDIO_PAGE_SIZE_MAX;
use crate::session::{StepQuery, StepRecord};

/// GET: what it has gone through, newest first.
pub(super) async fn list(call: &RestRequest<'_>, sid: &str) -> Result<RestResponse, RestError> {
    let saved = call.execution(sid).await?;
    let paging = Paging::read(&call.query)?;
    let fetch =
        async |after, limit| call.sessions().steps(&saved.sid, StepQuery { after, limit }).await;
    let (found, next) = paging.fill(fetch, place).await?;
    let shown = found.iter().map(|step| call.urls.step(step)).collect();
    let path = format!("{}/{sid}/Steps", call.urls.executions);
    Ok(RestResponse::Found(paging.page(call, (&path, "steps"), shown, next)))
}

/// GET: one of them.
pub(super) async fn fetch(
    call: &RestRequest<'_>,
    sids: (&str, &str),
) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(call.urls.step(&step(call, sids).await?)))
}

/// GET: what it has set.
pub(super) async fn context(
    call: &RestRequest<'_>,
    sids: (&str, &str),
) -> Result<RestResponse, RestError> {
    Ok(RestResponse::Found(call.urls.step_context(&step(call, sids).await?)))
}

async fn step(
    call: &RestRequest<'_>,
    (sid, wanted): (&str, &str),
) -> Result<StepRecord, RestError> {
    let saved = call.execution(sid).await?;
    let mut after = None;
    loop {
        let page = StepQuery { after, limit: STUDIO_PAGE_SIZE_MAX };
        let found = call.sessions().steps(&saved.sid, page).await?;
        let last = found.len() < STUDIO_PAGE_SIZE_MAX;
        after = found.last().map(place);
        match found.into_iter().find(|step| step.sid == wanted) {
            Some(step) => return Ok(step),
            None if last => {
                return Err(call.missing(&format!("/Executions/{sid}/Steps/{wanted}")));
            }
            None => {}
        }
    }
}

fn place(step: &StepRecord) -> (Duration, String) {
    (step.at, step.sid.clone())
}
