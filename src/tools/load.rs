//! Many simulated callers at once, each following a script, and how an application bore it.

mod arrivals;
mod hosts;
mod report;
mod scripts;
mod counters;

pub use arrivals::Arrivals;
pub use counters::LoadCounters;
pub use hosts::may_load;
pub use report::LoadReport;
pub use scripts::{channel, from_outside};

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
use crate::tools::flow_test::{TestCase, follow};
use crate::tools::phone::{Caller, Phone, PhoneNumber, WebhookClient};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// What is called or written to.
    pub number: PhoneNumber,
    /// How.
    pub channel: Channel,
    /// The account that callers' webhooks name.
    pub account: Option<String>,
    /// What signs the webhooks; without it they are not signed.
    pub token: Option<Secret>,
    /// The only hosts that may be asked, whatever the application says.
    pub hosts: Vec<String>,
    /// Where the scripts stand.
    pub source: Source,
    /// The scripts: one caller follows the first, the next one the second, and so on.
    pub cases: Vec<TestCase>,
    /// How callers come.
    pub arrivals: Arrivals,
    /// For how long they come.
    pub duration: Duration,
    /// How many come at most.
    pub calls_max: usize,
    /// How many are there at the same time at most, where they come at a rate.
    pub at_once_max: usize,
    /// Threads that callers are spread over.
    pub threads: usize,
}

/// Carries a plan out. It ends when all callers are through who came within the time, or when
/// `stop` is set and those are through that are on the line then.
pub fn run(plan: &LoadPlan, tally: &Arc<LoadCounters>, stop: &AtomicBool) -> LoadReport {
    let began = clock::now();
    thread::scope(|scope| {
        for thread in 0..plan.threads {
            scope.spawn(move || {
                let callers = CallerThread { plan, tally, stop, thread };
                actix_web::rt::System::new().block_on(callers.come(began));
            });
        }
    });
    LoadReport::new(plan, tally, clock::now().duration_since(began))
}

/// The callers of one thread.
struct CallerThread<'a> {
    plan: &'a LoadPlan,
    tally: &'a Arc<LoadCounters>,
    stop: &'a AtomicBool,
    thread: usize,
}

impl CallerThread<'_> {
    async fn come(self, began: Instant) {
        let line = Rc::new(WebhookClient::network(self.plan.token.as_ref()).only(&self.plan.hosts));
        let plan = Rc::new(self.plan.clone());
        let share = self.plan.arrivals.share(self.thread, self.plan.threads);
        let until = began + self.plan.duration;
        let mut callers = tokio::task::JoinSet::new();
        let mut number = 0;
        loop {
            let next = share.next(began, number);
            self.until(next.min(until)).await;
            // Somebody who ended makes room for the next.
            while callers.try_join_next().is_some() {}
            if share.closed() {
                while callers.len() >= share.at_once(plan.at_once_max) {
                    callers.join_next().await;
                }
            }
            if self.stop.load(Ordering::Relaxed) || clock::now() >= until {
                break;
            }
            // Which caller it is, among those of all threads.
            let caller = number * self.plan.threads + self.thread;
            number += 1;
            if caller >= self.plan.calls_max {
                break;
            }
            if callers.len() >= share.at_once(plan.at_once_max) {
                self.tally.no_room();
                continue;
            }
            let (plan, line) = (Rc::clone(&plan), line.another());
            callers.spawn_local(talk(plan, line, caller, Arc::clone(self.tally)));
        }
        while callers.join_next().await.is_some() {}
    }

    /// Waits for a moment, or for being stopped.
    async fn until(&self, moment: Instant) {
        while !self.stop.load(Ordering::Relaxed) {
            let soon = clock::now() + LOAD_STOP_LOOK_EVERY;
            sleep_until(moment.min(soon)).await;
            if clock::now() >= moment {
                return;
            }
        }
    }
}

/// One caller, from the beginning to the end.
async fn talk(plan: Rc<LoadPlan>, line: WebhookClient, number: usize, tally: Arc<LoadCounters>) {
    let case = &plan.cases[number % plan.cases.len()];
    let mut caller = Caller::somebody(&numbered(&case.from, number), &case.to);
    caller.parameters.clone_from(&case.params);
    if let Some(account) = &plan.account {
        account.clone_into(&mut caller.account);
    }
    let mut phone = Phone::of(plan.channel, line, plan.number.clone(), caller);
    tally.begins();
    let followed = follow(&mut phone, &plan.source, case).await;
    tally.ended(plan.channel, &followed);
}

/// The number of a caller: the last seven digits are counted, so that everybody has his own.
fn numbered(from: &str, number: usize) -> String {
    let digits = from.chars().rev().take_while(char::is_ascii_digit).count().min(7);
    let kept = &from[..from.len() - digits];
    format!("{kept}{:07}", number % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_number() {
        assert_eq!(numbered("+15550100", 42), "+10000042");
        assert_eq!(numbered("+491701234567", 1), "+491700000001");
        assert_eq!(numbered("client:ann", 7), "client:ann0000007");
    }
}
