//! Ends waits whose time is over, without a webhook. They are stored, so that a restart loses none.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Shared;
use crate::catch_panic::catch_async;
use crate::clock::{self, SteadyClock};
use crate::exchange::{adopt, resume_due};
use crate::gateway::{Gateway, Worker};
use crate::journal::{ExchangeLog, LogLevel};
use crate::limits::{EXPIRE_EVERY, TIMER_EVERY, TIMERS_AT_ONCE};

/// Starts the task that ends waits. It runs until it is aborted.
pub(super) fn start(shared: Arc<Shared>) -> JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut tick = interval(TIMER_EVERY);
        // After a slow round the next one comes a full interval later: catching up would repeat the
        // same query.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steady = SteadyClock::new(clock::now(), clock::wall());
        loop {
            let task = pin!(end_waits(&shared, &mut tick, &mut steady));
            // After a panic the task starts again: otherwise no wait would ever end, and no error
            // would show it.
            let Err(panicked) = catch_async(task).await;
            let message = format!("the search for ended waits starts again: {panicked}");
            shared.journal.log.note(LogLevel::Error, &message);
        }
    })
}

/// Ends waits at each tick, or earlier when it is woken.
async fn end_waits(
    shared: &Arc<Shared>,
    tick: &mut Interval,
    steady: &mut SteadyClock,
) -> Infallible {
    let mut worker: Option<(Arc<Gateway>, Rc<Worker>)> = None;
    let mut expired = None;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shared.wake.notified() => {}
            () = shared.pending.announcement() => {}
        }
        let gateway = Arc::clone(&shared.gateway.read());
        // A worker serves one gateway: after a reload there is a new one.
        let (gateway, worker) = match worker.take() {
            Some(current) if Arc::ptr_eq(&current.0, &gateway) => worker.insert(current),
            _ => {
                let new = Rc::new(shared.worker(&gateway));
                worker.insert((gateway, new))
            }
        };
        let (monotonic, wall) = (clock::now(), clock::wall());
        let now = steady.never_early(monotonic, wall);
        resume_all(shared, gateway, worker, now).await;
        // A deletion cannot be undone, so it needs a clock that is believed; the end of a wait only
        // needs one that is not early.
        let due = expired.is_none_or(|at| monotonic.duration_since(at) >= EXPIRE_EVERY);
        if due && steady.believes(monotonic, wall) {
            expired = Some(monotonic);
            expire(shared, gateway, wall).await;
        }
    }
}

/// Ends the waits that are due by `now`. They run concurrently, so that a slow function or carrier
/// does not delay the others.
async fn resume_all(
    shared: &Arc<Shared>,
    gateway: &Arc<Gateway>,
    worker: &Rc<Worker>,
    now: Duration,
) {
    let mut due = match shared.sessions.due(now, TIMERS_AT_ONCE).await {
        Ok(due) => due,
        Err(error) => {
            let message = format!("the search for ended waits failed: {error}");
            shared.journal.log.note(LogLevel::Error, &message);
            return;
        }
    };
    for sid in shared.pending.take_announced() {
        // One that is not stored yet, or cannot be read now, becomes due by its time anyway.
        let stored = shared.sessions.execution(&sid).await.ok().flatten();
        due.extend(stored.filter(|stored| !due.iter().any(|due| due.sid == stored.sid)));
    }
    let resumed = due.into_iter().map(|stored| {
        let (shared, gateway, worker) =
            (Arc::clone(shared), Arc::clone(gateway), Rc::clone(worker));
        actix_web::rt::spawn(async move {
            let mut log = ExchangeLog::begin(&shared.journal, clock::now());
            log.begin_timer(&stored.sid);
            if let Err(error) = resume_due(&gateway, &worker, &stored, now, &mut log).await {
                log.record_failure(&error);
            }
        })
    });
    // Collected first: each is a task, and all of them start before the first is awaited.
    for turn in resumed.collect::<Vec<_>>() {
        // A turn that panicked is still due, and the next round finds it.
        let _ = turn.await;
    }
}

/// Removes expired rows, and gives executions the current names of their flows: a turn with the
/// former configuration may have stored an old name after the reload.
async fn expire(shared: &Shared, gateway: &Gateway, now: Duration) {
    shared.journal.log_adoption(adopt(gateway, &shared.sessions).await);
    // The current revisions are needed even if no execution uses them now.
    let current: Vec<String> = gateway.flows.iter().map(|flow| flow.revision.clone()).collect();
    if let Err(error) = shared.sessions.expire(now, &current).await {
        let message = format!("expired rows cannot be removed from the store: {error}");
        shared.journal.log.note(LogLevel::Error, &message);
    }
}
