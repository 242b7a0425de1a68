//! A panic as an error like any other: what it happened in ends, and the process goes on.
//!
//! The text of a panic may quote what somebody said or wrote, as that of a slice within a character
//! does, so that it is shown nowhere: only where it happened.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

thread_local! {
    /// Where the last panic of this thread happened.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// A bug of ours: where it happened, or what it says, if those words stand in our sources.
#[derive(Debug, thiserror::Error)]
#[error("the gateway panicked, please report it: {0}")]
pub struct Panicked(String);

/// From now on, standard error tells of a panic where it happened, and with `RUST_BACKTRACE` how it
/// came to that, but not its text. For a process that works for others.
pub(crate) fn without_texts() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "nowhere".to_owned(), ToString::to_string);
        eprintln!("error: the gateway panicked, please report it: {place}");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            eprintln!("{backtrace}");
        }
        PLACE.set(Some(place));
    }));
}

/// Turns a panic inside `future` into an error, so that whoever waits still hears something.
pub(crate) async fn unwinding<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Panicked> {
    poll_fn(|context| match caught(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// The same for what is done at once. What `work` had begun to change must be given up, or be good
/// as it is.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panicked::of(panic.as_ref()))
}

// === impl Panicked ===

impl Panicked {
    fn of(panic: &(dyn Any + Send)) -> Panicked {
        let words = || panic.downcast_ref::<&str>().copied().unwrap_or("its text is not shown");
        Panicked(PLACE.take().unwrap_or_else(|| words().to_owned()))
    }
}
