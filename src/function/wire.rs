//! One connection to a function, as awc sees it, and what is known about each use of it.
//!
//! awc keeps its connections to itself. So that a call can still tell what happened on the one it
//! was given (was it a used one, did anything go out, did anything come back), the call names
//! itself in [`Wire::drive`] around every poll, and the connection writes down what it does there.

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

use super::aside::Aside;
use super::error::{Phase, Problem};
use super::interim::Sieve;
use super::stream::Stream;
use super::target::Origin;
use crate::clock;
use crate::limits::FUNCTION_RESET_WITHIN;

/// How often a reset is looked for while it is waited for.
const RESET_TICK: Duration = Duration::from_millis(5);

/// What the connections of one client share.
#[derive(Default)]
pub(super) struct Wire {
    /// The attempt whose future is being polled right now.
    current: RefCell<Option<Rc<Attempt>>>,
    /// Raised to make every idle connection unusable.
    generation: Cell<u32>,
    attempts: Cell<u64>,
    aside: Aside,
}

/// One request on one connection.
pub(super) struct Attempt {
    id: u64,
    pub(super) origin: Rc<Origin>,
    /// The operator wrote this origin into the configuration.
    pub(super) configured: bool,
    /// The request is HTTP/1.0: the answer's end may be the connection's.
    http_1_0: bool,
    pub(super) phase: Cell<Phase>,
    /// The connection had been used before.
    pub(super) reused: Cell<bool>,
    written: Cell<usize>,
    /// The function's system refused our bytes, for the function had closed before they came.
    refused_unread: Cell<bool>,
    /// Bytes that came back.
    pub(super) read: Cell<usize>,
    /// The end of the connection is the end of the body, and no error.
    pub(super) ends_with_connection: Cell<bool>,
    /// Why there is no connection; awc has no room for it in its own error.
    pub(super) refused: RefCell<Option<Problem>>,
    connection: RefCell<Option<Rc<Health>>>,
}

/// Whether a connection may be used again.
#[derive(Default)]
struct Health {
    /// From the beginning of a use until its answer was whole and right.
    busy: Cell<bool>,
    /// How long the function keeps it, as far as it said so, and since when.
    kept_for: Cell<Option<(Instant, Duration)>>,
}

/// A TCP connection, with TLS or without. To awc it is always "TCP": its own TLS layer would hide
/// the end of the connection from us.
pub(super) struct Io {
    stream: Stream,
    wire: Rc<Wire>,
    origin: Rc<Origin>,
    generation: u32,
    /// The attempt that uses it now, or used it last.
    user: u64,
    health: Rc<Health>,
    sieve: Sieve,
    /// After the function's end of the connection: until when its reset is waited for.
    reset_wait: Option<(Instant, Pin<Box<Sleep>>)>,
}

// === impl Wire ===

impl Wire {
    /// A new attempt to send a request.
    pub(super) fn attempt(
        &self,
        origin: &Rc<Origin>,
        configured: bool,
        http_1_0: bool,
    ) -> Rc<Attempt> {
        self.attempts.set(self.attempts.get() + 1);
        self.aside.begin();
        Rc::new(Attempt {
            id: self.attempts.get(),
            origin: Rc::clone(origin),
            configured,
            http_1_0,
            phase: Cell::new(Phase::Queue),
            reused: Cell::default(),
            written: Cell::default(),
            refused_unread: Cell::default(),
            read: Cell::default(),
            ends_with_connection: Cell::default(),
            refused: RefCell::default(),
            connection: RefCell::default(),
        })
    }

    /// Drives something of awc's to its end on behalf of an attempt.
    pub(super) async fn drive<T>(
        &self,
        attempt: &Rc<Attempt>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            let before = self.current.replace(Some(Rc::clone(attempt)));
            let polled = self.aside.around(|| poll(cx));
            self.current.replace(before);
            polled
        })
        .await
    }

    /// The attempt whose future is being polled.
    pub(super) fn current(&self) -> Option<Rc<Attempt>> {
        self.current.borrow().clone()
    }

    /// Makes every idle connection unusable: one was found dead, so the others likely are.
    pub(super) fn forget_idle(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
    }
}

// === impl Attempt ===

impl Attempt {
    /// Whether it is certain that the function did not read this request.
    pub(super) fn unseen(&self) -> bool {
        self.written.get() == 0 || self.refused_unread.get()
    }

    /// The answer was whole: the connection may serve again, for as long as the function keeps it.
    pub(super) fn finished(&self, kept_for: Option<Duration>) {
        if let Some(health) = self.connection.take() {
            health.busy.set(false);
            health.kept_for.set(kept_for.map(|duration| (clock::now(), duration)));
        }
    }

    /// This attempt uses that connection from now on.
    fn takes(&self, io: &mut Io) {
        io.user = self.id;
        io.sieve = Sieve::default();
        io.health.busy.set(true);
        self.connection.replace(Some(Rc::clone(&io.health)));
        self.phase.set(Phase::Head);
    }
}

// === impl Health ===

impl Health {
    fn is_good(&self) -> bool {
        let expired = |(since, duration)| clock::now().duration_since(since) >= duration;
        !self.busy.get() && !self.kept_for.get().is_some_and(expired)
    }
}

// === impl Io ===

impl Io {
    /// A fresh connection, made for `attempt`.
    pub(super) fn new(stream: Stream, wire: Rc<Wire>, attempt: &Attempt) -> Io {
        let mut io = Io {
            stream,
            origin: Rc::clone(&attempt.origin),
            generation: wire.generation.get(),
            wire,
            user: attempt.id,
            health: Rc::default(),
            sieve: Sieve::default(),
            reset_wait: None,
        };
        attempt.takes(&mut io);
        io
    }

    /// awc asks an idle connection whether it still lives, by reading from it: nothing to read yet
    /// is a yes. What is not fit for this attempt says "closed", and awc drops it.
    fn poll_idle(&mut self, attempt: &Attempt, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let fits = self.origin == attempt.origin && self.generation == self.wire.generation.get();
        if !fits || !self.health.is_good() {
            return Poll::Ready(Ok(()));
        }
        let mut byte = [0];
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)))?;
        Poll::Ready(Ok(()))
    }

    /// A used connection ended and nothing came back. If the function had closed it before our
    /// request arrived, its system answers our bytes with a reset, which after the end of the
    /// stream shows as a broken pipe: then nobody read them. The reset comes up to a round trip
    /// after the end, so it is looked for until then.
    fn poll_reset(&mut self, attempt: &Attempt, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Ok(Some(error)) = self.stream.tcp().take_error() {
                attempt.refused_unread.set(error.kind() == io::ErrorKind::BrokenPipe);
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

    /// Reads what belongs to the final answer.
    fn poll_answer(
        &mut self,
        attempt: &Attempt,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let start = buf.filled().len();
            let held = self.sieve.held().len();
            buf.put_slice(self.sieve.held());
            let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
            let end = buf.filled().len();
            let came = end - start - held;
            if came == 0 || !matches!(polled, Poll::Ready(Ok(()))) {
                buf.set_filled(start);
                ready!(polled)?;
                if attempt.reused.get() && attempt.read.get() == 0 {
                    ready!(self.poll_reset(attempt, cx));
                }
                return Poll::Ready(closed(attempt));
            }
            attempt.read.set(attempt.read.get() + came);
            let fresh = &mut buf.filled_mut()[start..];
            match self.sieve.sift(fresh)? {
                None => buf.set_filled(start),
                Some(from) => {
                    fresh.copy_within(from.., 0);
                    if attempt.http_1_0 {
                        read_to_the_end(fresh);
                    }
                    buf.set_filled(end - from);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

/// The end of the connection. awc takes it for the end of the body, also when half of that is
/// missing, so it is an error unless the body is meant to end so.
fn closed(attempt: &Attempt) -> io::Result<()> {
    if attempt.ends_with_connection.get() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended"))
}

/// Many servers answer a request in HTTP/1.0 with `HTTP/1.1` and close. awc reads such a body to
/// its end only if the answer says 1.0 as well.
fn read_to_the_end(head: &mut [u8]) {
    if head.starts_with(b"HTTP/1.1 ") {
        head[7] = b'0';
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(attempt) = this.wire.current() else {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        };
        if attempt.id != this.user {
            let polled = this.poll_idle(&attempt, cx);
            if polled.is_pending() {
                attempt.takes(this);
                attempt.reused.set(true);
            }
            return polled;
        }
        if !this.sieve.is_final() {
            return this.poll_answer(&attempt, cx, buf);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        match buf.filled().len() - before {
            0 => Poll::Ready(closed(&attempt)),
            came => {
                attempt.read.set(attempt.read.get() + came);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        if let Some(attempt) = this.wire.current() {
            attempt.written.set(attempt.written.get() + count);
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

impl ActixStream for Io {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.poll_read_ready(cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        self.stream.poll_write_ready(cx)
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Io").field("origin", &self.origin).finish_non_exhaustive()
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

    /// A connection that served once is used again; between the check and the request the server
    /// does `then` with its end. Whether it is certain that it did not read the request.
    async fn unseen(mut then: impl FnMut(&mut std::net::TcpStream, bool)) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let wire = Rc::new(Wire::default());
        let origin = Rc::new(Origin { host: "127.0.0.1".to_owned(), port: 1, tls: false });
        let first = wire.attempt(&origin, true, false);
        let mut io = Io::new(Stream::Plain(tcp), Rc::clone(&wire), &first);
        server.write_all(b"HTTP/1.1 200 OK").unwrap();
        let mut buffer = [0; 64];
        let mut read = Box::pin(io.read(&mut buffer));
        wire.drive(&first, |cx| read.as_mut().poll(cx)).await.unwrap();
        drop(read);
        first.finished(None);

        let second = wire.attempt(&origin, true, false);
        wire.drive(&second, |cx| {
            let mut byte = [0; 2];
            let idle = Pin::new(&mut io).poll_read(cx, &mut ReadBuf::new(&mut byte));
            assert!(idle.is_pending(), "awc takes it for a living connection");
            Poll::Ready(())
        })
        .await;
        assert!(second.reused.get() && second.unseen());
        then(&mut server, false);
        let mut written = Box::pin(io.write_all(&REQUEST));
        wire.drive(&second, |cx| written.as_mut().poll(cx)).await.unwrap();
        drop(written);
        then(&mut server, true);
        drop(server);
        let mut read = Box::pin(io.read(&mut buffer));
        wire.drive(&second, |cx| read.as_mut().poll(cx)).await.unwrap_err();
        second.unseen()
    }

    fn run(test: impl Future<Output = bool>) -> bool {
        actix_web::rt::System::new().block_on(test)
    }

    #[test]
    fn a_request_to_a_connection_that_was_closed_before_is_known_to_be_unseen() {
        let closed = |server: &mut std::net::TcpStream, written: bool| {
            if !written {
                server.shutdown(std::net::Shutdown::Both).unwrap();
            }
        };
        assert!(run(unseen(closed)));
    }

    #[test]
    fn a_request_that_may_have_been_read_is_not() {
        assert!(!run(unseen(|server, written| {
            if written {
                server.read_exact(&mut [0; REQUEST.len()]).unwrap();
            }
        })));
        assert!(!run(unseen(|_, _| {})), "a reset alone proves nothing: it may be on purpose");
    }
}
