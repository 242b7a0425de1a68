//! Catches panics: the work that panicked ends with an error, and the process continues.
//!
//! The text of a panic may quote what a caller said or wrote (a slice within a character does), so
//! it is never shown. The place of the panic is.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

thread_local! {
    /// The place of the last panic of this thread, for the error that `catch` makes of it.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// A panic of the gateway. The text is its place, or its message if that is a constant of the
/// source.
#[derive(Debug, thiserror::Error)]
#[error("the gateway panicked, please report it: {0}")]
pub struct Panic(String);

/// Lets standard error show the place of a panic from now on, and with `RUST_BACKTRACE` its
/// backtrace, but not its text. For a process that answers webhooks.
pub(crate) fn hide_panic_texts() {
    std::panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        eprintln!("error: the gateway panicked, please report it: {place}");
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            eprintln!("{backtrace}");
        }
        PLACE.set(Some(place));
    }));
}

/// Polls a future to its end; a panic in it becomes an error. Like `FutureExt::catch_unwind`.
pub(crate) async fn catch_async<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Panic> {
    // Each poll is caught by itself: a future may panic after any of its awaits.
    poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Runs a closure; a panic in it becomes an error. State that `work` had begun to change must be
/// dropped by the caller, or be valid as it is.
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

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::pin::pin;

    use super::*;
    use crate::exchange_error::ExchangeError;
    use crate::fallback;

    /// P18: a panic becomes an error with a reply. A text that is made at run time may quote a
    /// caller, and is not in the error.
    #[actix_web::test]
    async fn a_panic_is_an_error_like_any_other() {
        let panics: [fn() -> u8; 3] = [
            || panic!("a text"),
            || panic!("a text of {}", black_box(2)),
            || std::panic::panic_any(7),
        ];
        for (panics, text) in panics.into_iter().zip(["a text", "not shown", "not shown"]) {
            let stage = pin!(async move {
                tokio::task::yield_now().await;
                panics()
            });
            let Err(panic) = catch_async(stage).await else { panic!("there is no error") };
            assert!(panic.to_string().ends_with(text), "{panic}");
            let reply = fallback::reply_to(&ExchangeError::from(panic), None);
            assert_eq!((reply.status, reply.document), (200, crate::twiml::EMPTY));
        }
        assert_eq!(catch_async(pin!(async { 1 })).await.ok(), Some(1));
    }
}
