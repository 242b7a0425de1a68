//! The count of requests that are being answered, so that a drain waits for the last one.

use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

/// The requests that are being answered, on all workers.
pub(super) struct InFlight {
    count: AtomicUsize,
    idle: Notify,
    /// The same count for `/metrics`. Nothing waits for it: a gauge cannot wake anything.
    gauge: Gauge,
}

/// Counts one request until it is dropped, which also happens when its client goes away.
pub(super) struct InFlightGuard<'a>(&'a InFlight);

// === impl InFlight ===

impl InFlight {
    pub(super) fn new(gauge: Gauge) -> InFlight {
        InFlight { count: AtomicUsize::new(0), idle: Notify::new(), gauge }
    }

    /// Counts a request as long as the guard lives.
    pub(super) fn begin(&self) -> InFlightGuard<'_> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.gauge.inc();
        InFlightGuard(self)
    }

    /// Waits until no request is being answered.
    pub(super) async fn wait_until_idle(&self) {
        loop {
            // Created before the count is read: `notify_waiters` reaches every `Notified` that
            // exists, polled or not. The other way round, the last request could end in between,
            // and its notification would be lost.
            let idle = self.idle.notified();
            if self.count.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
            // Once more: an open connection may have brought another request meanwhile.
        }
    }
}

// === impl InFlightGuard ===

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.gauge.dec();
        // The count falls before the notification, so that a waiter that wakes up sees it.
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[actix_web::test]
    async fn waits_for_the_last_request() {
        let in_flight = InFlight::new(Gauge::default());
        in_flight.wait_until_idle().await;
        let (first, last) = (in_flight.begin(), in_flight.begin());
        drop(first);
        // No time passes: the future is polled once.
        assert!(timeout(Duration::ZERO, in_flight.wait_until_idle()).await.is_err());
        let (waited, ()) =
            tokio::join!(timeout(Duration::from_secs(5), in_flight.wait_until_idle()), async {
                drop(last)
            });
        assert!(waited.is_ok());
        assert_eq!(in_flight.gauge.get(), 0);
    }
}
