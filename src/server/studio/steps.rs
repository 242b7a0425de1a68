//! `/Executions/{sid}/Steps`

use super::paging::Paging;
use super::{Answer, Call, Refusal};
use crate::limits::STUDIO_PAGE_SIZE_MAX;
use crate::session::{Page, StepRecord};

/// GET: what it has gone through, newest first.
pub(super) async fn list(call: &Call<'_>, sid: &str) -> Result<Answer, Refusal> {
    let saved = call.execution(sid).await?;
    let paging = Paging::read(&call.query)?;
    let (mut after, mut pass_over) = paging.start();
    let mut found = loop {
        let page = Page { after, limit: paging.size + 1 };
        let found = call.sessions().steps(&saved.sid, page).await?;
        if pass_over == 0 {
            break found;
        }
        if found.len() <= paging.size {
            break Vec::new();
        }
        pass_over -= 1;
        after = place(found.get(paging.size - 1));
    };
    let more = found.len() > paging.size;
    found.truncate(paging.size);
    let next = if more { place(found.last()) } else { None };
    let shown = found.iter().map(|step| call.urls.step(step)).collect();
    let path = format!("{}/{sid}/Steps", call.urls.executions);
    Ok(Answer::Found(paging.page(call, (&path, "steps"), shown, next)))
}

/// GET: one of them.
pub(super) async fn fetch(call: &Call<'_>, sids: (&str, &str)) -> Result<Answer, Refusal> {
    Ok(Answer::Found(call.urls.step(&step(call, sids).await?)))
}

/// GET: what it has set.
pub(super) async fn context(call: &Call<'_>, sids: (&str, &str)) -> Result<Answer, Refusal> {
    Ok(Answer::Found(call.urls.step_context(&step(call, sids).await?)))
}

async fn step(call: &Call<'_>, (sid, wanted): (&str, &str)) -> Result<StepRecord, Refusal> {
    let saved = call.execution(sid).await?;
    let mut after = None;
    loop {
        let page = Page { after, limit: STUDIO_PAGE_SIZE_MAX };
        let found = call.sessions().steps(&saved.sid, page).await?;
        let last = found.len() < STUDIO_PAGE_SIZE_MAX;
        after = place(found.last());
        match found.into_iter().find(|step| step.sid == wanted) {
            Some(step) => return Ok(step),
            None if last => {
                return Err(call.missing(&format!("/Executions/{sid}/Steps/{wanted}")));
            }
            None => {}
        }
    }
}

fn place(step: Option<&StepRecord>) -> super::paging::After {
    step.map(|step| (step.at, step.sid.clone()))
}
