//! Advances executions without a webhook: a wait has timed out, or a pending call has its outcome.
//! Replies are sent over the carrier's API.

use std::pin::pin;
use std::time::Duration;

use super::load::LoadedExecution;
use super::turn_runner::TurnRunner;
use super::{ExchangeContext, ExchangeError};
use crate::catch_panic::catch_async;
use crate::channel::Channel;
use crate::clock;
use crate::flow::{Event, Execution, ExecutionState, TurnContext};
use crate::gateway::{Gateway, Worker};
use crate::journal::ExchangeLog;
use crate::limits::TIMER_TURN_WITHIN;
use crate::random;
use crate::session::{
    Commit, ExecutionContext, SessionGuard, StoredExecution, end_execution, take_steps,
};
use crate::webhook::{Params, StepToken};

/// Advances one execution whose wait is over by `now`, or whose pending call has its outcome. An
/// execution that a webhook has advanced in the meantime is left as it is.
///
/// # Errors
/// If the store fails. The execution stays due, and the next call finds it again.
pub async fn resume_due(
    gateway: &Gateway,
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
    log: &mut ExchangeLog,
) -> Result<(), ExchangeError> {
    let resumed = {
        let resume = pin!(resume(gateway, worker, due, now, log));
        catch_async(resume).await
    };
    match resumed {
        Ok(resumed) => resumed,
        Err(panic) => {
            // It would panic on every tick, and delay the executions that are due after it.
            log.note(&format!("{panic}; it is over"));
            end_overdue(worker, due, now).await
        }
    }
}

async fn resume(
    gateway: &Gateway,
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
    log: &mut ExchangeLog,
) -> Result<(), ExchangeError> {
    // Read again under the lock: a webhook may have ended the wait since it was found due.
    let opened = worker.sessions.open_execution(due, Duration::ZERO).await?;
    let Some((stored, lock)) = opened.filter(|(stored, _)| stored.active && stored.due.is_some())
    else {
        return Ok(());
    };
    let overdue = stored.due.is_some_and(|at| at <= now);
    let mut loaded = match LoadedExecution::read(stored) {
        Ok(loaded) if overdue || loaded.execution.pending_call().is_some() => loaded,
        Err((stored, unreadable)) if overdue => {
            log.note(&format!("{unreadable}; it is over"));
            return end(worker, stored, lock, now).await;
        }
        _ => return Ok(()),
    };
    let current = gateway.current_flow(&loaded.stored);
    let flow = match loaded.flow(gateway, &worker.sessions, current).await? {
        Ok(flow) => flow,
        Err(unusable) => {
            log.note(&format!("{unusable}; it is over"));
            return end(worker, loaded.stored, lock, now).await;
        }
    };
    let LoadedExecution { stored, execution } = &mut loaded;
    let urls = gateway.urls_of(&stored.flow, execution.route.as_deref());
    let records = flow.persistence.is_always() || worker.records_transitions;
    let token = StepToken::new(random::sid(""));
    let key = format!("{}:{}", stored.sid, execution.steps);
    // No carrier waits for a reply, so the time begins when the session is locked.
    let deadline = clock::now() + TIMER_TURN_WITHIN;
    let runner = TurnRunner {
        context: ExchangeContext { gateway, worker, deadline },
        flow: &flow,
        turn: TurnContext::without_webhook(now, token, urls).recording_transitions(records),
        account: match execution.account_sid() {
            // Never the credentials of another account. For an account that is not configured any
            // more, nothing is sent or signed.
            Some(sid) => gateway.account(sid),
            // A former version stored no account for an execution of Studio's REST.
            None => gateway.config.accounts.first(),
        },
        params: &Params::default(),
        form: None,
        payload: None,
        // No response to the carrier follows.
        cookies: None,
        key: &key,
    };
    run(&runner, &stored.flow, execution, log).await;
    worker.store_flow(&flow).await?;
    let LoadedExecution { stored, mut execution } = loaded;
    let steps = take_steps(&mut execution, now);
    let StoredExecution { flow: name, session, created, version: read_version, .. } = stored;
    let context = ExecutionContext { flow: &name, session, created, read_version };
    let record = context.encode(&execution, &flow, now);
    Ok(worker.sessions.commit(Commit::new(record, steps, now).under(lock)).await?)
}

/// Runs one turn, and sends its replies.
async fn run(
    runner: &TurnRunner<'_>,
    flow: &str,
    execution: &mut Execution,
    log: &mut ExchangeLog,
) {
    let event = if execution.has_begun() { Event::Timeout } else { Event::Trigger };
    let was_pending = execution.pending_call().is_some();
    match runner.run(execution, event, &mut Vec::new(), log).await {
        Ok(document) => runner.send_replies(execution, &document, log).await,
        Err(failure) => {
            log.note(&failure.to_string());
            execution.state = ExecutionState::Ended;
            // The webhook of a message was answered while its function was pending. Without the
            // fallback its sender would get no reply at all.
            let routes = &runner.context.gateway.routes;
            let route = routes.of_flow(flow, Channel::Message, execution.route.as_deref());
            let awaits_reply = was_pending && execution.channel == Channel::Message;
            if let Some(route) = route.filter(|_| awaits_reply) {
                runner.send_replies(execution, &route.fallback, log).await;
            }
        }
    }
}

/// Ends an execution after a panic, unless a webhook has advanced it since.
async fn end_overdue(
    worker: &Worker,
    due: &StoredExecution,
    now: Duration,
) -> Result<(), ExchangeError> {
    let is_overdue =
        |stored: &StoredExecution| stored.active && stored.due.is_some_and(|at| at <= now);
    match worker.sessions.open_execution(due, Duration::ZERO).await? {
        Some((stored, lock)) if is_overdue(&stored) => end(worker, stored, lock, now).await,
        _ => Ok(()),
    }
}

/// Ends an execution that can never continue, and would be due on every tick.
async fn end(
    worker: &Worker,
    stored: StoredExecution,
    lock: SessionGuard,
    now: Duration,
) -> Result<(), ExchangeError> {
    let ended = Commit::new(end_execution(stored, now), Vec::new(), now);
    Ok(worker.sessions.commit(ended.under(lock)).await?)
}
