//! The user's function: it counts, by its idempotency key, and knows which repeats are legal.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use twimlgate::webhook::Params;

use crate::campaign::Violation;
use crate::http;
use crate::rng::Rng;

/// A function server, and its book.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) address: SocketAddr,
    book: Arc<Mutex<Book>>,
    open: Arc<AtomicUsize>,
}

/// One step of a conversation: who, and which turn of his.
pub(crate) type Step = (String, u32);

/// What it knows of all who have called.
#[derive(Clone, Default)]
pub(crate) struct Book {
    effects: HashMap<Step, Effect>,
    counts: HashMap<String, u32>,
    acknowledged: HashSet<Step>,
    running: HashSet<String>,
    /// Whose words were heard, in the order of the calls.
    heard: HashMap<String, Vec<String>>,
    /// Which process of the gateway calls.
    life: u64,
    calls: u64,
    repeats: u64,
    violations: Vec<Violation>,
}

#[derive(Clone)]
struct Effect {
    key: String,
    life: u64,
    count: u32,
    /// How often it was asked for.
    calls: u32,
}

impl Function {
    /// Starts it: each call takes up to `delay_ms`.
    pub(crate) fn start(seed: u64, delay_ms: u64) -> io::Result<Function> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let function =
            Function { address, book: Arc::default(), open: Arc::new(AtomicUsize::new(0)) };
        let server = function.clone();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let (server, rng) = (server.clone(), Rng::new(seed, number as u64));
                server.open.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // The gateway is killed in the middle of things: an end is no error.
                    let _ = server.serve(&stream, rng, delay_ms);
                    server.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(function)
    }

    /// A new process of the gateway is about to begin, and the one before is dead: waits until all
    /// that it still had on the way has been answered, so that its calls count as its own.
    pub(crate) fn next_life(&self) -> Result<(), String> {
        let drained = || -> io::Result<()> {
            // Connections are accepted in order: after this one, all of the dead one's are open.
            let mut last = TcpStream::connect(self.address)?;
            last.write_all(b"GET /last HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")?;
            http::read(&mut BufReader::new(&last)).map(drop)
        };
        drained().map_err(|error| format!("the function: {error}"))?;
        for _ in 0..5_000 {
            if self.open.load(Ordering::SeqCst) == 0 {
                self.lock().life += 1;
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err("a connection of a gateway that was killed stays open".to_owned())
    }

    /// The carrier has the answer to this step: whoever calls for it now does it once too often.
    pub(crate) fn acknowledged(&self, step: Step) {
        self.lock().acknowledged.insert(step);
    }

    /// How often a step's effect was asked for.
    pub(crate) fn calls_of(&self, step: &Step) -> u32 {
        self.lock().effects.get(step).map_or(0, |effect| effect.calls)
    }

    /// How often somebody's steps have called.
    pub(crate) fn heard_of(&self, who: &str) -> Vec<String> {
        self.lock().heard.get(who).cloned().unwrap_or_default()
    }

    /// Calls, and how many of them were legal repeats.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let book = self.lock();
        (book.calls, book.repeats)
    }

    /// What it has seen that must not be.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        std::mem::take(&mut self.lock().violations)
    }

    /// Its book as it is, to go back to.
    pub(crate) fn book(&self) -> Book {
        self.lock().clone()
    }

    /// Goes back to an earlier time: to what a book knew when of these people so many turns were
    /// acknowledged, and the next one was perhaps on the way. Processes are counted on.
    pub(crate) fn rewind(&self, to: &Book, turns: &HashMap<String, u32>) {
        let mut book = self.lock();
        let (life, calls, repeats) = (book.life, book.calls, book.repeats);
        let violations = std::mem::take(&mut book.violations);
        *book = Book { life, calls, repeats, violations, ..to.clone() };
        let passed = |(who, turn): &Step, more| turns.get(who).is_some_and(|n| *turn > n + more);
        book.effects.retain(|step, _| !passed(step, 1));
        book.acknowledged.retain(|step| !passed(step, 0));
        for (who, acknowledged) in turns {
            if let Some(count) = book.counts.get_mut(who) {
                *count = (*count).min(acknowledged + 1);
            }
        }
    }

    fn serve(&self, stream: &TcpStream, mut rng: Rng, delay_ms: u64) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        loop {
            let request = http::read(&mut reader)?;
            if request.first.starts_with("GET /last ") {
                writer.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")?;
                return Ok(());
            }
            let params = Params::decode(&request.body).unwrap_or_default();
            let text = |name| params.get(name).unwrap_or_default().to_owned();
            let step = (text("who"), text("turn").parse().unwrap_or_default());
            let key = request.header("idempotency-key").unwrap_or_default().to_owned();
            let count = self.lock().enter(&step, &key, text("heard"));
            thread::sleep(rng.within_ms(delay_ms));
            self.lock().running.remove(&step.0);
            let body = format!("{{\"count\":{count}}}");
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            writer.write_all(answer.as_bytes())?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// One call: the number of its effect among those of its person.
    fn enter(&mut self, step: &Step, key: &str, heard: String) -> u32 {
        self.calls += 1;
        if !self.running.insert(step.0.clone()) {
            self.violated(step, key, "one function at a time for one person", "two at once");
        }
        if key.is_empty() {
            self.violated(step, key, "an Idempotency-Key", "none");
        }
        if self.acknowledged.contains(step) {
            self.violated(step, key, "no call for a step that was acknowledged", "a call");
        }
        let (life, known) = (self.life, self.effects.get_mut(step));
        if let Some(effect) = known {
            effect.calls += 1;
            let (count, same) = (effect.count, effect.key == key);
            let again = effect.life == life;
            effect.life = life;
            self.repeats += 1;
            if !same {
                self.violated(step, key, "the key of the first call", "another one");
            }
            if again {
                self.violated(step, key, "one call in one life of the gateway", "a second one");
            }
            return count;
        }
        let count = self.counts.entry(step.0.clone()).or_default();
        *count += 1;
        let effect = Effect { key: key.to_owned(), life, count: *count, calls: 1 };
        self.effects.insert(step.clone(), effect);
        self.heard.entry(step.0.clone()).or_default().push(heard);
        self.counts[&step.0]
    }

    fn violated(&mut self, step: &Step, key: &str, expected: &str, came: &str) {
        self.violations.push(Violation {
            at: format!("life {}", self.life),
            sent: format!("the function's call for {} turn {}, key `{key}`", step.0, step.1),
            expected: expected.to_owned(),
            came: came.to_owned(),
        });
    }
}
