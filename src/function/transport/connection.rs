//! One connection, as awc sees it, and what is known about each use of it.
//!
//! awc does not expose its connections. So that a request can still find out what happened on the
//! one it got (was it a reused one, was anything written, did anything come back), the request's
//! [`Attempt`] is the current one around every poll ([`ConnectionTracker::poll_as`]), and the
//! connection notes on it what it does.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::{ActixStream, Ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::date_task::DateTaskSink;
use super::error::{CallPhase, TransportError};
use super::interim::InterimFilter;
use super::stream::TcpOrTlsStream;
use crate::clock;
use crate::function::egress::Trust;
use crate::function::url::Origin;
use crate::limits::FUNCTION_RESET_WITHIN;

/// The interval at which the socket is checked for a reset; there is no event for it.
const RESET_TICK: Duration = Duration::from_millis(5);

/// What the connections of one transport share.
#[derive(Default)]
pub(super) struct ConnectionTracker {
    /// The attempt whose future is being polled right now.
    current: RefCell<Option<Rc<Attempt>>>,
    /// Raised to expire every idle connection.
    generation: Cell<u32>,
    attempts: Cell<u64>,
    date_tasks: DateTaskSink,
}

/// One request on one connection.
pub(super) struct Attempt {
    id: u64,
    pub(super) origin: Rc<Origin>,
    /// The operator wrote this origin into the configuration.
    pub(super) trust: Trust,
    /// The request is HTTP/1.0: the response may end with the connection.
    http_1_0: bool,
    pub(super) phase: Cell<CallPhase>,
    /// The connection had served another request.
    pub(super) reused: Cell<bool>,
    bytes_written: Cell<usize>,
    /// The peer's system refused our bytes, because the server had closed before they came.
    peer_refused: Cell<bool>,
    /// Bytes of the response, interim responses included.
    pub(super) bytes_read: Cell<usize>,
    /// The end of the connection is the end of the body, and no error.
    pub(super) ends_with_connection: Cell<bool>,
    /// Why there is no connection; awc has no room for it in its own error.
    pub(super) connect_error: RefCell<Option<TransportError>>,
    connection: RefCell<Option<Rc<ConnectionHealth>>>,
}

/// Whether a connection may be used again.
#[derive(Default)]
struct ConnectionHealth {
    /// From the beginning of a request until its response was whole.
    busy: Cell<bool>,
    /// How long the server keeps the connection, as far as it said so, and since when.
    keep_alive: Cell<Option<(Instant, Duration)>>,
}

/// A connection that notes what happens on it.
pub(super) struct TrackedStream {
    stream: TcpOrTlsStream,
    tracker: Rc<ConnectionTracker>,
    origin: Rc<Origin>,
    generation: u32,
    /// The attempt that uses the connection now, or used it last.
    user: u64,
    health: Rc<ConnectionHealth>,
    filter: InterimFilter,
    /// After the server's end of the connection: the end of the wait for its reset.
    reset_wait: Option<(Instant, Pin<Box<Sleep>>)>,
}

// === impl ConnectionTracker ===

impl ConnectionTracker {
    /// Begins an attempt to send a request.
    pub(super) fn begin_attempt(
        &self,
        origin: &Rc<Origin>,
        trust: Trust,
        http_1_0: bool,
    ) -> Rc<Attempt> {
        self.attempts.set(self.attempts.get() + 1);
        self.date_tasks.count_request();
        Rc::new(Attempt {
            id: self.attempts.get(),
            origin: Rc::clone(origin),
            trust,
            http_1_0,
            phase: Cell::new(CallPhase::Queue),
            reused: Cell::default(),
            bytes_written: Cell::default(),
            peer_refused: Cell::default(),
            bytes_read: Cell::default(),
            ends_with_connection: Cell::default(),
            connect_error: RefCell::default(),
            connection: RefCell::default(),
        })
    }

    /// Polls a future or stream of awc's until it is ready, as the given attempt.
    pub(super) async fn poll_as<T>(
        &self,
        attempt: &Rc<Attempt>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            // Restored afterwards, because awc polls other connections from within a poll.
            let before = self.current.replace(Some(Rc::clone(attempt)));
            let polled = self.date_tasks.capture(|| poll(cx));
            self.current.replace(before);
            polled
        })
        .await
    }

    /// The attempt whose future is being polled.
    pub(super) fn current_attempt(&self) -> Option<Rc<Attempt>> {
        self.current.borrow().clone()
    }

    /// Expires every idle connection: one was found dead, so the others likely are.
    pub(super) fn expire_idle(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
    }
}

// === impl Attempt ===

impl Attempt {
    /// Whether it is certain that the server did not read this request.
    pub(super) fn is_unread(&self) -> bool {
        self.bytes_written.get() == 0 || self.peer_refused.get()
    }

    /// Ends the attempt with a whole response: the connection may serve another request, for as
    /// long as the server keeps it.
    pub(super) fn finish(&self, keep_alive: Option<Duration>) {
        if let Some(health) = self.connection.take() {
            health.busy.set(false);
            health.keep_alive.set(keep_alive.map(|duration| (clock::now(), duration)));
        }
    }

    /// Makes this attempt the user of a connection.
    fn take(&self, connection: &mut TrackedStream) {
        connection.user = self.id;
        connection.filter = InterimFilter::default();
        // Until the response is whole: a call that is cut off leaves it unusable.
        connection.health.busy.set(true);
        self.connection.replace(Some(Rc::clone(&connection.health)));
        self.phase.set(CallPhase::Head);
    }
}

// === impl ConnectionHealth ===

impl ConnectionHealth {
    fn is_good(&self) -> bool {
        let expired = |(since, duration)| clock::now().duration_since(since) >= duration;
        !self.busy.get() && !self.keep_alive.get().is_some_and(expired)
    }
}

// === impl TrackedStream ===

impl TrackedStream {
    /// A new connection, made for `attempt`.
    pub(super) fn new(
        stream: TcpOrTlsStream,
        tracker: Rc<ConnectionTracker>,
        attempt: &Attempt,
    ) -> TrackedStream {
        let mut connection = TrackedStream {
            stream,
            origin: Rc::clone(&attempt.origin),
            generation: tracker.generation.get(),
            tracker,
            user: attempt.id,
            health: Rc::default(),
            filter: InterimFilter::default(),
            reset_wait: None,
        };
        attempt.take(&mut connection);
        connection
    }

    /// The answer to awc, which reads from an idle connection to find out whether it is alive:
    /// pending means alive. A connection that this attempt must not use claims to be closed, and
    /// awc drops it.
    fn poll_idle(&mut self, attempt: &Attempt, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let fits =
            self.origin == attempt.origin && self.generation == self.tracker.generation.get();
        // awc drops a connection that reads nothing, and takes or makes another one.
        if !fits || !self.health.is_good() {
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)))?;
        Poll::Ready(Ok(()))
    }

    /// Waits for a reset after a reused connection ended without a response. If the server had
    /// closed before our request arrived, its system answers our bytes with a reset, which after
    /// the end of the stream shows as a broken pipe: then the server did not read them. The reset
    /// comes up to a round trip after the end.
    fn poll_reset(&mut self, attempt: &Attempt, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Ok(Some(error)) = self.stream.tcp().take_error() {
                attempt.peer_refused.set(error.kind() == io::ErrorKind::BrokenPipe);
                return Poll::Ready(());
            }
            let now = clock::now();
            let (until, tick) = self
                .reset_wait
                .get_or_insert_with(|| (now + FUNCTION_RESET_WITHIN, Box::pin(sleep(RESET_TICK))));
            if now >= *until {
                return Poll::Ready(());
            }
            ready!(tick.as_mut().poll(cx));
            tick.as_mut().reset(now + RESET_TICK);
        }
    }

    /// Reads up to the head of the final response, and removes interim responses.
    fn poll_head(
        &mut self,
        attempt: &Attempt,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let start = buf.filled().len();
            // One buffer for both, so that the filter sees the status line in one piece.
            let pending = self.filter.pending().len();
            buf.put_slice(self.filter.pending());
            let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
            let end = buf.filled().len();
            let came = end - start - pending;
            if came == 0 || !matches!(polled, Poll::Ready(Ok(()))) {
                // The pending bytes stay in the filter and are put in again by the next read.
                buf.set_filled(start);
                ready!(polled)?;
                if attempt.reused.get() && attempt.bytes_read.get() == 0 {
                    ready!(self.poll_reset(attempt, cx));
                }
                return Poll::Ready(end_of_connection(attempt));
            }
            attempt.bytes_read.set(attempt.bytes_read.get() + came);
            let fresh = &mut buf.filled_mut()[start..];
            match self.filter.filter(fresh)? {
                None => buf.set_filled(start),
                Some(from) => {
                    fresh.copy_within(from.., 0);
                    if attempt.http_1_0 {
                        rewrite_version(fresh);
                    }
                    buf.set_filled(end - from);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

/// The end of the connection as awc is to see it. awc takes it for the end of the body, also when
/// half of that is missing (A1), so it is an error unless the body ends with its connection.
fn end_of_connection(attempt: &Attempt) -> io::Result<()> {
    if attempt.ends_with_connection.get() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended"))
}

/// Changes `HTTP/1.1` in a status line to `HTTP/1.0` (A2). Many servers answer a request in
/// HTTP/1.0 with 1.1 and close; awc reads such a body to its end only if the response says 1.0.
fn rewrite_version(head: &mut [u8]) {
    if head.starts_with(b"HTTP/1.1 ") {
        head[7] = b'0';
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // awc also reads outside of a request, for example to end a TLS stream.
        let Some(attempt) = this.tracker.current_attempt() else {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        };
        // The first read of another attempt is awc's check of an idle connection.
        if attempt.id != this.user {
            let polled = this.poll_idle(&attempt, cx);
            if polled.is_pending() {
                attempt.take(this);
                attempt.reused.set(true);
            }
            return polled;
        }
        if !this.filter.is_final() {
            return this.poll_head(&attempt, cx, buf);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        match buf.filled().len() - before {
            0 => Poll::Ready(end_of_connection(&attempt)),
            came => {
                attempt.bytes_read.set(attempt.bytes_read.get() + came);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        if let Some(attempt) = this.tracker.current_attempt() {
            attempt.bytes_written.set(attempt.bytes_written.get() + count);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl ActixStream for TrackedStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.poll_read_ready(cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.poll_write_ready(cx)
    }
}

impl fmt::Debug for TrackedStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrackedStream")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use actix_web::rt::net::TcpStream;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const REQUEST: [u8; 8] = *b"request.";

    /// Uses a connection a second time, and does `then` with the server's end of it before and
    /// after the request is written. Returns whether it is certain that the server did not read it.
    async fn is_unread_after(mut then: impl FnMut(&mut std::net::TcpStream, bool)) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let tracker = Rc::new(ConnectionTracker::default());
        let origin = Rc::new(Origin { host: "127.0.0.1".to_owned(), port: 1, tls: false });
        let first = tracker.begin_attempt(&origin, Trust::Configured, false);
        let mut connection =
            TrackedStream::new(TcpOrTlsStream::Plain(tcp), Rc::clone(&tracker), &first);
        server.write_all(b"HTTP/1.1 200 OK").unwrap();
        let mut buffer = [0; 64];
        let mut read = Box::pin(connection.read(&mut buffer));
        tracker.poll_as(&first, |cx| read.as_mut().poll(cx)).await.unwrap();
        drop(read);
        first.finish(None);

        let second = tracker.begin_attempt(&origin, Trust::Configured, false);
        tracker
            .poll_as(&second, |cx| {
                let mut byte = [0; 2];
                let idle = Pin::new(&mut connection).poll_read(cx, &mut ReadBuf::new(&mut byte));
                assert!(idle.is_pending(), "awc takes it for a living connection");
                Poll::Ready(())
            })
            .await;
        assert!(second.reused.get() && second.is_unread());
        then(&mut server, false);
        let mut written = Box::pin(connection.write_all(&REQUEST));
        tracker.poll_as(&second, |cx| written.as_mut().poll(cx)).await.unwrap();
        drop(written);
        then(&mut server, true);
        drop(server);
        let mut read = Box::pin(connection.read(&mut buffer));
        tracker.poll_as(&second, |cx| read.as_mut().poll(cx)).await.unwrap_err();
        second.is_unread()
    }

    fn run(test: impl Future<Output = bool>) -> bool {
        actix_web::rt::System::new().block_on(test)
    }

    #[test]
    fn a_request_to_a_connection_that_was_closed_before_is_known_to_be_is_unread_after() {
        let closed = |server: &mut std::net::TcpStream, written: bool| {
            if !written {
                server.shutdown(std::net::Shutdown::Both).unwrap();
            }
        };
        assert!(run(is_unread_after(closed)));
    }

    #[test]
    fn a_request_that_may_have_been_read_is_not_known_to_be_unread() {
        assert!(!run(is_unread_after(|server, written| {
            if written {
                server.read_exact(&mut [0; REQUEST.len()]).unwrap();
            }
        })));
        assert!(
            !run(is_unread_after(|_, _| {})),
            "a reset alone proves nothing: it may be on purpose"
        );
    }
}
