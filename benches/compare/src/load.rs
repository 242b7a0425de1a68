//! The closed loop: each connection sends its next webhook when it has the answer to the last one.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::connection::{Connection, Progress};
use crate::process::{self, Memory};
use crate::webhook::Webhooks;

/// What to do.
pub struct Plan {
    /// The server under test.
    pub server: SocketAddr,
    /// Keep-alive connections.
    pub connections: usize,
    /// Load before the measurement begins.
    pub warmup: Duration,
    /// Load that is measured.
    pub measured: Duration,
    /// Text that each answer must contain.
    pub expected: Vec<u8>,
    /// Processes of the server.
    pub pids: Vec<u32>,
}

/// What came of it.
#[derive(Default)]
pub struct Outcome {
    /// How long was measured.
    pub elapsed: Duration,
    /// CPU time of the server's processes in that time.
    pub cpu: Duration,
    /// Their memory at its end, with all connections open.
    pub memory: Memory,
    /// Microseconds from each request to its answer, sorted.
    pub latencies: Vec<u32>,
    /// Answers in that time that were not 200.
    pub refused: u64,
    /// Answers in that time without the expected text.
    pub wrong: u64,
    /// Connections that the server closed, over the whole run.
    pub closed: u64,
    /// All answers, from the first of the warm-up to the last.
    pub answered: u64,
}

/// How long to wait for the answers that are under way at the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Puts load on a server as planned.
pub fn run(plan: &Plan, webhooks: Webhooks) -> io::Result<Outcome> {
    let mut run = Run::begin(plan, webhooks)?;
    run.until(Instant::now() + plan.warmup, |_| false)?;
    let (begin, cpu) = (Instant::now(), process::cpu(&plan.pids)?);
    run.outcome = Outcome { answered: run.outcome.answered, ..Outcome::default() };
    run.until(begin + plan.measured, |_| false)?;
    let mut measured = Outcome {
        elapsed: begin.elapsed(),
        cpu: process::cpu(&plan.pids)? - cpu,
        memory: process::memory(&plan.pids)?,
        ..std::mem::take(&mut run.outcome)
    };
    run.sending = false;
    run.until(Instant::now() + DRAIN_WITHIN, |run| run.is_idle())?;
    measured.answered += run.outcome.answered;
    measured.closed += run.outcome.closed;
    measured.latencies.sort_unstable();
    Ok(measured)
}

struct Run<'a> {
    plan: &'a Plan,
    webhooks: Webhooks,
    poll: Poll,
    connections: Vec<Connection>,
    /// Whether an answer is followed by the next request.
    sending: bool,
    /// Where the expected text stood in the last answer: looked for there first.
    expected_at: usize,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    fn begin(plan: &'a Plan, mut webhooks: Webhooks) -> io::Result<Run<'a>> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(plan.connections);
        for token in 0..plan.connections {
            let mut connection = Connection::open(plan.server, poll.registry(), Token(token))?;
            connection.send(webhooks.make())?;
            connections.push(connection);
        }
        let outcome = Outcome::default();
        Ok(Run { plan, webhooks, poll, connections, sending: true, expected_at: 0, outcome })
    }

    /// Goes on until `end`, or until `done`.
    fn until(&mut self, end: Instant, done: fn(&Run<'_>) -> bool) -> io::Result<()> {
        let mut events = Events::with_capacity(self.plan.connections);
        while !done(self) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                self.ready(event.token().0)?;
            }
        }
        Ok(())
    }

    fn is_idle(&self) -> bool {
        self.connections.iter().all(|connection| connection.sent.is_none())
    }

    /// Something happened on a connection.
    fn ready(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        match connection.receive()? {
            Progress::Waiting => return Ok(()),
            Progress::Closed => return self.reopen(index),
            Progress::Answered(status, body) => {
                let found = found(body, &self.plan.expected, self.expected_at);
                self.outcome.refused += u64::from(status != 200);
                self.outcome.wrong += u64::from(found.is_none());
                self.expected_at = found.unwrap_or(0);
            }
        }
        self.outcome.answered += 1;
        if let Some(sent) = connection.sent.take() {
            self.outcome.latencies.push(sent.elapsed().as_micros() as u32);
        }
        if self.sending { connection.send(self.webhooks.make()) } else { Ok(()) }
    }

    /// A server may close a connection between two requests; the load goes on with a new one.
    fn reopen(&mut self, index: usize) -> io::Result<()> {
        let (server, registry) = (self.plan.server, self.poll.registry());
        self.connections[index] = Connection::open(server, registry, Token(index))?;
        self.outcome.closed += 1;
        if self.sending { self.connections[index].send(self.webhooks.make()) } else { Ok(()) }
    }
}

/// Where `expected` stands in `body`.
fn found(body: &[u8], expected: &[u8], guess: usize) -> Option<usize> {
    if body.get(guess..).is_some_and(|rest| rest.starts_with(expected)) {
        return Some(guess);
    }
    body.windows(expected.len().max(1)).position(|window| window == expected)
}

// === impl Outcome ===

impl Outcome {
    /// One JSON object, for the harness.
    pub fn json(&self) -> String {
        let requests = self.latencies.len();
        let memory = self.memory;
        let figures = [
            ("seconds", self.elapsed.as_secs_f64()),
            ("cpu_seconds", self.cpu.as_secs_f64()),
            ("requests", requests as f64),
            ("answered", self.answered as f64),
            ("refused", self.refused as f64),
            ("wrong", self.wrong as f64),
            ("closed", self.closed as f64),
            ("p50_ms", self.percentile(0.5)),
            ("p90_ms", self.percentile(0.9)),
            ("p99_ms", self.percentile(0.99)),
            ("max_ms", self.percentile(1.0)),
            ("resident_mb", memory.resident as f64 / 1024.0),
            ("peak_mb", memory.peak as f64 / 1024.0),
        ];
        let figures = figures.map(|(name, figure)| format!("\"{name}\": {figure}"));
        format!("{{{}}}", figures.join(", "))
    }

    /// Milliseconds within which this part of all requests was answered.
    fn percentile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        self.latencies.get(at).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_latencies() {
        let outcome = Outcome { latencies: (1..=101).collect(), ..Outcome::default() };
        assert_eq!(outcome.percentile(0.5), 0.051);
        assert_eq!(outcome.percentile(0.99), 0.1);
        assert_eq!(outcome.percentile(1.0), 0.101);
        assert_eq!(Outcome::default().percentile(0.5), 0.0);
    }

    #[test]
    fn the_expected_text_may_move() {
        assert_eq!(found(b"<Say>hello", b"hello", 0), Some(5));
        assert_eq!(found(b"<Say>hello", b"hello", 5), Some(5));
        assert_eq!(found(b"hello", b"hello", 5), Some(0));
        assert_eq!(found(b"", b"hello", 5), None);
    }
}
