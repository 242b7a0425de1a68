//! A panic as an error like any other: what it happened in ends, and the process goes on.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// A bug of ours. Where it happened stands on standard error, as for every panic.
#[derive(Debug, thiserror::Error)]
#[error("the gateway panicked, please report it: {0}")]
pub struct Panicked(String);

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
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Panicked(text.unwrap_or("without a word").to_owned())
    }
}
