//! Waits that end without a webhook: looked for in the store, so that a restart loses none.

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

/// Looks for waits that are over, until it is aborted.
pub(super) fn start(shared: Arc<Shared>) -> JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut tick = interval(TIMER_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steady = SteadyClock::new(clock::now(), clock::wall());
        loop {
            let looking = pin!(look(&shared, &mut tick, &mut steady));
            // It goes on with the next tick: without it no wait would ever end, and nobody notice.
            let Err(panicked) = catch_async(looking).await;
            let message = format!("waits that are over are looked for again: {panicked}");
            shared.journal.log.note(LogLevel::Error, &message);
        }
    })
}

/// Looks at each tick, or earlier when it is woken.
async fn look(shared: &Arc<Shared>, tick: &mut Interval, steady: &mut SteadyClock) -> Infallible {
    let mut worker: Option<(Arc<Gateway>, Rc<Worker>)> = None;
    let mut expired = None;
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shared.wake.notified() => {}
            () = shared.pending.announcement() => {}
        }
        let gateway = Arc::clone(&shared.gateway.read());
        let (gateway, worker) = match worker.take() {
            Some((of, worker_of)) if Arc::ptr_eq(&of, &gateway) => worker.insert((of, worker_of)),
            _ => {
                let made = Rc::new(gateway.worker(shared.sessions.clone(), shared.pending.clone()));
                worker.insert((gateway, made))
            }
        };
        let (monotonic, wall) = (clock::now(), clock::wall());
        let now = steady.never_early(monotonic, wall);
        resume_all(shared, gateway, worker, now).await;
        let due = expired.is_none_or(|at| monotonic.duration_since(at) >= EXPIRE_EVERY);
        if due && steady.believes(monotonic, wall) {
            expired = Some(monotonic);
            expire(shared, gateway, wall).await;
        }
    }
}

/// Ends the waits that are over by `now`, all at the same time: one whose carrier or function is
/// slow does not keep the others.
async fn resume_all(
    shared: &Arc<Shared>,
    gateway: &Arc<Gateway>,
    worker: &Rc<Worker>,
    now: Duration,
) {
    let due = match shared.sessions.due(now, TIMERS_AT_ONCE).await {
        Ok(due) => due,
        Err(error) => {
            let message = format!("waits that are over cannot be looked for: {error}");
            shared.journal.log.note(LogLevel::Error, &message);
            return;
        }
    };
    let mut due = due;
    for sid in shared.pending.take_announced() {
        // One that is not kept yet, or cannot be read now, is due in a while anyway.
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
    for turn in resumed.collect::<Vec<_>>() {
        // One that panicked is found again by the next look.
        let _ = turn.await;
    }
}

/// Drops what nobody asks for any more, and adopts what a turn under the former configuration wrote
/// after it was replaced.
async fn expire(shared: &Shared, gateway: &Gateway, now: Duration) {
    shared.journal.log_adoption(adopt(gateway, &shared.sessions).await);
    let current: Vec<String> = gateway.flows.iter().map(|flow| flow.revision.clone()).collect();
    if let Err(error) = shared.sessions.expire(now, &current).await {
        let message = format!("the store cannot be tidied up: {error}");
        shared.journal.log.note(LogLevel::Error, &message);
    }
}
