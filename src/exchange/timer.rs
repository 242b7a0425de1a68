//! Waits that are over: nobody asks, so nothing is answered, and what there is to say goes over
//! the carrier's API.

use std::sync::Arc;
use std::time::Duration;

use super::ExchangeError;
use super::run::Run;
use super::saved::{self, Kept};
use crate::clock;
use crate::flow::{Event, Execution, Flow, Moment, State};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::limits::TIMER_TURN_WITHIN;
use crate::random;
use crate::session::{Commit, Saved, StoreError};
use crate::webhook::Params;

/// Takes one execution further whose wait is over by `now`. What another webhook has moved on in
/// the meantime is left alone.
pub async fn fire(
    gateway: &Gateway,
    worker: &Worker,
    due: &Saved,
    now: Duration,
    record: &mut Record,
) -> Result<(), ExchangeError> {
    let _turn = worker.sessions.enter(&due.session).await;
    let saved = worker.sessions.execution(&due.sid).await?;
    let Some(saved) = saved.filter(|saved| saved.active && saved.due.is_some_and(|at| at <= now))
    else {
        return Ok(());
    };
    let (mut execution, flow) = match read(gateway, worker, &saved).await {
        Ok(read) => read,
        // It would be due again and again, and could never go on.
        Err(error @ ExchangeError::Revision(_))
        | Err(error @ ExchangeError::Store(StoreError::Corrupt(_))) => {
            record.note(&error.to_string());
            return end(worker, saved, now).await;
        }
        Err(error) => return Err(error),
    };
    let event = if execution.has_begun() { Event::Timeout } else { Event::Trigger };
    let (token, url) = (random::sid(""), gateway.url_of(&flow));
    let key = format!("{}:{}", saved.sid, execution.steps);
    let run = Run {
        gateway,
        worker,
        flow: &flow,
        deadline: clock::now() + TIMER_TURN_WITHIN,
        at: Moment::unasked(now, token, url.as_deref()),
        account: gateway.config.accounts.first(),
        params: &Params::default(),
        form: None,
        key: &key,
    };
    if let Err(failure) = run.until_said(&mut execution, event, record).await {
        record.note(&failure.to_string());
        execution.state = State::Ended;
    }
    let steps = saved::steps(&mut execution, now);
    let kept = Kept { session: saved.session, created: saved.created };
    let saved = saved::write(&execution, &flow, &kept, now);
    worker.keep_flow(&flow).await?;
    Ok(worker.sessions.commit(Commit::of(saved, steps, now)).await?)
}

/// Ends an execution that cannot go on.
async fn end(worker: &Worker, saved: Saved, now: Duration) -> Result<(), ExchangeError> {
    let ended = Commit::of(saved::ended(saved, now), Vec::new(), now);
    Ok(worker.sessions.commit(ended).await?)
}

/// The execution, and the revision of the flow that it is on.
async fn read(
    gateway: &Gateway,
    worker: &Worker,
    saved: &Saved,
) -> Result<(Execution, Arc<Flow>), ExchangeError> {
    let execution = saved::read(saved)?;
    let current = gateway.flows.named(&saved.flow);
    let flow = match current.filter(|flow| flow.revision == saved.revision) {
        Some(flow) => Arc::clone(flow),
        None => gateway.kept_revision(&worker.sessions, saved).await?,
    };
    match execution.fits(&flow) {
        true => Ok((execution, flow)),
        false => Err(StoreError::Corrupt(saved.sid.clone()).into()),
    }
}
