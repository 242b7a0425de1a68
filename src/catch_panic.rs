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

/// A bug of the gateway: where it happened, or its text, if that text is a constant of the sources.
#[derive(Debug, thiserror::Error)]
#[error("the gateway panicked, please report it: {0}")]
pub struct Panic(String);

/// From now on, standard error shows the place of a panic, and with `RUST_BACKTRACE` its backtrace,
/// but not its text. For a process that answers strangers.
pub(crate) fn hide_panic_texts() {
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

/// Turns a panic inside `future` into an error, so that it still has an outcome.
pub(crate) async fn catch_async<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Panic> {
    poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// The same for what is done at once. What `work` had begun to change must be given up, or be good
/// as it is.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Panic::of(panic.as_ref()))
}

// === impl Panic ===

impl Panic {
    fn of(panic: &(dyn Any + Send)) -> Panic {
        let words = || panic.downcast_ref::<&str>().copied().unwrap_or("its text is not shown");
        Panic(PLACE.take().unwrap_or_else(|| words().to_owned()))
    }
}
