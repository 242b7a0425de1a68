//! Waits that are over: nobody asks, so nothing is answered, and what there is to say goes over
//! the carrier's API.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::ExchangeError;
use super::run::Run;
use super::saved::{self, Kept};
use crate::catch_panic::unwinding;
use crate::channel::Channel;
use crate::clock;
use crate::config::Account;
use crate::flow::{Event, Execution, Flow, Moment, State};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::limits::TIMER_TURN_WITHIN;
use crate::random;
use crate::session::{Commit, StoreError, StoredExecution};
use crate::webhook::Params;

/// Takes one execution further whose wait is over by `now`, or whose function has come back. What
/// another webhook has moved on in the meantime is left alone.
pub async fn fire(
    gateway: &Gateway,
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
    record: &mut Record,
) -> Result<(), ExchangeError> {
    let fired = {
        let further = pin!(further(gateway, worker, due, now, record));
        unwinding(further).await
    };
    match fired {
        Ok(fired) => fired,
        Err(panicked) => {
            // It would be due again and again, and keep others from being looked at.
            record.note(&format!("{panicked}; it is over"));
            give_up(worker, due, now).await
        }
    }
}

async fn further(
    gateway: &Gateway,
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
    record: &mut Record,
) -> Result<(), ExchangeError> {
    let _turn = worker.sessions.lock(&due.session).await;
    let saved = worker.sessions.execution(&due.sid).await?;
    let Some(saved) = saved.filter(|saved| saved.active && saved.due.is_some()) else {
        return Ok(());
    };
    let overdue = saved.due.is_some_and(|at| at <= now);
    let mut execution = match saved::read(&saved) {
        Ok(execution) if overdue || execution.held().is_some() => execution,
        Err(unreadable) if overdue => {
            // It would be due again and again, and can never go on.
            record.note(&format!("{unreadable}; it is over"));
            return end(worker, saved, now).await;
        }
        _ => return Ok(()),
    };
    let flow = match flow(gateway, worker, &saved).await {
        Ok(flow) if execution.fits(&flow) => flow,
        // It would be due again and again, and could never go on.
        Ok(_) => {
            record.note(&format!("{}; it is over", StoreError::Corrupt(saved.sid.clone())));
            return end(worker, saved, now).await;
        }
        Err(error @ ExchangeError::Revision(_)) => {
            record.note(&error.to_string());
            return end(worker, saved, now).await;
        }
        Err(error) => return Err(error),
    };
    let urls = gateway.urls_of(&saved.flow, execution.route.as_deref());
    let key = format!("{}:{}", saved.sid, execution.steps);
    let run = Run {
        gateway,
        worker,
        flow: &flow,
        deadline: clock::now() + TIMER_TURN_WITHIN,
        at: Moment::unasked(now, random::sid(""), urls),
        account: account(gateway, &execution),
        params: &Params::default(),
        form: None,
        key: &key,
    };
    turn(&run, &saved.flow, &mut execution, record).await;
    let steps = saved::steps(&mut execution, now);
    let Saved { flow: name, session, created, .. } = saved;
    let kept = Kept { flow: name, session, created };
    let saved = saved::write(&execution, &flow, &kept, now);
    worker.keep_flow(&flow).await?;
    Ok(worker.sessions.commit(Commit::new(saved, steps, now)).await?)
}

/// One turn; what there is to say is sent.
async fn turn(run: &Run<'_>, name: &str, execution: &mut Execution, record: &mut Record) {
    let event = if execution.has_begun() { Event::Timeout } else { Event::Trigger };
    let held = execution.held().is_some();
    match run.until_said(execution, event, record).await {
        Ok(document) => run.deliver(execution, &document, record).await,
        Err(failure) => {
            record.note(&failure.to_string());
            execution.state = State::Ended;
            // Somebody wrote to us, and has had nothing but an empty answer.
            let preferred = execution.route.as_deref();
            let route = run.gateway.routes.of_flow(name, Channel::Message, preferred).cloned();
            if let Some(route) = route.filter(|_| held && execution.channel == Channel::Message) {
                run.deliver(execution, &route.fallback, record).await;
            }
        }
    }
}

/// The flow of an execution, in its revision.
async fn flow(
    gateway: &Gateway,
    worker: &Worker,
    saved: &StoredExecution,
) -> Result<Arc<Flow>, ExchangeError> {
    if saved.revision.is_empty() {
        let short = gateway.routes.at(&saved.flow).filter(|route| route.flow.is_short());
        let gone = || ExchangeError::Revision(format!("there is no route `{}`", saved.flow));
        return short.map(|route| Arc::clone(&route.flow)).ok_or_else(gone);
    }
    match gateway.flows.find(&saved.flow).filter(|flow| flow.revision == saved.revision) {
        Some(flow) => Ok(Arc::clone(flow)),
        None => gateway.kept_revision(&worker.sessions, saved).await,
    }
}

/// The account of an execution. Another account's credentials are never used in its place: one
/// that is not configured any more sends and signs nothing.
fn account<'a>(gateway: &'a Gateway, execution: &Execution) -> Option<&'a Arc<Account>> {
    match execution.account_sid() {
        Some(sid) => gateway.account(sid),
        // A program began it, in a version of the gateway that did not write down for whom.
        None => gateway.config.accounts.first(),
    }
}

/// Ends an execution whose wait is still over.
async fn give_up(
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
) -> Result<(), ExchangeError> {
    let _turn = worker.sessions.lock(&due.session).await;
    let saved = worker.sessions.execution(&due.sid).await?;
    match saved.filter(|saved| saved.active && saved.due.is_some_and(|at| at <= now)) {
        Some(saved) => end(worker, saved, now).await,
        None => Ok(()),
    }
}

/// Ends an execution that cannot go on.
async fn end(worker: &Worker, saved: StoredExecution, now: Duration) -> Result<(), ExchangeError> {
    let ended = Commit::new(saved::ended(saved, now), Vec::new(), now);
    Ok(worker.sessions.commit(ended).await?)
}
