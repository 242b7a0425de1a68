//! A load of many simulated callers at once, each of which runs a script of a flow test.
//!
//! `arrivals` decides when a caller begins, `scripts` prepares the scripts, `hosts` decides which
//! servers may be loaded, `counters` counts while the callers run, and `report` is the result.
//! Invariant: callers of all threads share nothing but the counters, so that counting does not
//! limit the load. Nothing here reads arguments or writes to the terminal.

mod arrivals;
mod hosts;
mod report;
mod scripts;
mod counters;

pub use arrivals::Arrivals;
pub use counters::LoadCounters;
pub use hosts::allowed_hosts;
pub use report::LoadReport;
pub use scripts::{infer_channel, without_internal_steps};

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::channel::Channel;
use crate::clock;
use crate::diagnostics::problem::Source;
use crate::limits::LOAD_STOP_LOOK_EVERY;
use crate::secret::Secret;
use crate::tools::flow_test::{TestCase, run_script};
use crate::tools::phone::{Caller, Phone, PhoneNumber, WebhookClient};

/// The plan of a load.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The number that is called or written to.
    pub number: PhoneNumber,
    /// Calls or messages.
    pub channel: Channel,
    /// `AccountSid` of the webhooks; `None` for that of the sample account.
    pub account: Option<String>,
    /// The token that signs the webhooks; without one they are not signed.
    pub token: Option<Secret>,
    /// The only hosts that requests may go to. An application cannot lead them elsewhere.
    pub hosts: Vec<String>,
    /// The file of the scripts.
    pub source: Source,
    /// The scripts. The callers use them in turn.
    pub cases: Vec<TestCase>,
    /// The arrivals of the callers.
    pub arrivals: Arrivals,
    /// The time within which callers arrive.
    pub duration: Duration,
    /// The most callers in total.
    pub calls_max: usize,
    /// The most callers at the same time, if they arrive at a rate.
    pub at_once_max: usize,
    /// The number of threads for the callers.
    pub threads: usize,
}

/// Runs a load. It ends when all callers that arrived in time have finished. After `stop` is set,
/// no more callers arrive.
pub fn run_load(plan: &LoadPlan, counters: &Arc<LoadCounters>, stop: &AtomicBool) -> LoadReport {
    let began = clock::now();
    thread::scope(|scope| {
        for thread in 0..plan.threads {
            scope.spawn(move || {
                let callers = CallerThread { plan, counters, stop, thread };
                actix_web::rt::System::new().block_on(callers.run(began));
            });
        }
    });
    LoadReport::new(plan, counters, clock::now().duration_since(began))
}

/// The callers of one thread.
struct CallerThread<'a> {
    plan: &'a LoadPlan,
    counters: &'a Arc<LoadCounters>,
    stop: &'a AtomicBool,
    /// The index of the thread.
    thread: usize,
}

impl CallerThread<'_> {
    async fn run(self, began: Instant) {
        let client = WebhookClient::for_network(self.plan.token.as_ref());
        let client = Rc::new(client.restrict_to(&self.plan.hosts));
        let plan = Rc::new(self.plan.clone());
        let share = self.plan.arrivals.share(self.thread, self.plan.threads);
        let until = began + self.plan.duration;
        let mut callers = tokio::task::JoinSet::new();
        let mut number = 0;
        loop {
            let next = share.arrival(began, number);
            self.wait_until(next.min(until)).await;
            // Callers that have finished make room for the next one.
            while callers.try_join_next().is_some() {}
            if share.waits_for_room() {
                while callers.len() >= share.callers_max(plan.at_once_max) {
                    callers.join_next().await;
                }
            }
            if self.stop.load(Ordering::Relaxed) || clock::now() >= until {
                break;
            }
            // The number among the callers of all threads.
            let caller = number * self.plan.threads + self.thread;
            number += 1;
            // By the number over all threads, so that the threads need no shared counter.
            if caller >= self.plan.calls_max {
                break;
            }
            // At a rate, a full thread drops the caller: waiting would lower the rate.
            if callers.len() >= share.callers_max(plan.at_once_max) {
                self.counters.count_no_room();
                continue;
            }
            let (plan, client) = (Rc::clone(&plan), client.for_another_caller());
            callers.spawn_local(run_caller(plan, client, caller, Arc::clone(self.counters)));
        }
        while callers.join_next().await.is_some() {}
    }

    /// Waits until a time, or until the load is stopped.
    async fn wait_until(&self, time: Instant) {
        while !self.stop.load(Ordering::Relaxed) {
            // In short sleeps, since an atomic flag cannot be awaited.
            let soon = clock::now() + LOAD_STOP_LOOK_EVERY;
            sleep_until(time.min(soon)).await;
            if clock::now() >= time {
                return;
            }
        }
    }
}

/// Runs one caller.
async fn run_caller(
    plan: Rc<LoadPlan>,
    client: WebhookClient,
    number: usize,
    counters: Arc<LoadCounters>,
) {
    let case = &plan.cases[number % plan.cases.len()];
    let mut caller = Caller::new(&caller_number(&case.from, number), &case.to);
    caller.parameters.clone_from(&case.params);
    if let Some(account) = &plan.account {
        account.clone_into(&mut caller.account);
    }
    let mut phone = Phone::new(plan.channel, client, plan.number.clone(), caller);
    counters.count_begun();
    let outcome = run_script(&mut phone, &plan.source, case).await;
    counters.count_outcome(plan.channel, &outcome);
}

/// The address of a caller: each has its own, with a counter in the last seven digits.
fn caller_number(from: &str, number: usize) -> String {
    let digits = from.chars().rev().take_while(char::is_ascii_digit).count().min(7);
    let prefix = &from[..from.len() - digits];
    format!("{prefix}{:07}", number % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_number() {
        assert_eq!(caller_number("+15550100", 42), "+10000042");
        assert_eq!(caller_number("+491701234567", 1), "+491700000001");
        assert_eq!(caller_number("client:ann", 7), "client:ann0000007");
    }
}
