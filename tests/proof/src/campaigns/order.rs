//! Messages of one person at the same time: one after the other, in the order of their arrival.

mod log;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use twimlgate::channel::Channel;
use twimlgate::clock;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier::{Ask, Reply, answer, post};
use crate::function::Function;
use crate::gateway::{Gateway, Setup};
use crate::rng::Rng;
use crate::talk::{Talk, turn_of};

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "order",
    asserts: "messages of one person are steps one after the other, in the order of arrival",
    unit: "people, of 8 messages each",
    quick: 240,
    long: 10_000,
    run,
};

const MESSAGES: usize = 8;

/// People at the same time.
const PEOPLE: u64 = 8;

/// The function takes up to this long: messages pile up.
const FUNCTION_MS: u64 = 25;

/// How messages come.
#[derive(Clone, Copy, Debug)]
enum Coming {
    /// All within this time, in any order, to two workers: what was answered before another one was
    /// sent comes before it, and more cannot be known from outside.
    Scattered(u64),
    /// One this long after the other, while the first is still worked on, to one worker: the order
    /// of arrival is known.
    Queued(u64),
}

/// What the people share.
struct Street<'a> {
    coming: Coming,
    gateway: SocketAddr,
    function: &'a Function,
    findings: &'a Findings,
    seed: u64,
    left: AtomicU64,
    /// What everybody wrote, in the order in which it was worked on.
    worked: Mutex<HashMap<String, Vec<String>>>,
}

/// One message, when it was on the way, and which turn it was.
struct Sent {
    ask: Ask,
    word: String,
    from: Instant,
    until: Instant,
    turn: usize,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let mut people = 0;
    let mut steps = 0;
    for (name, coming, workers) in
        [("scattered", Coming::Scattered(120), 2), ("queued", Coming::Queued(6), 1)]
    {
        let function = Function::start(context.seed, FUNCTION_MS).map_err(|e| e.to_string())?;
        let store = "sqlite:store.db";
        let setup = Setup { store, workers, function: function.address };
        let mut gateway = Gateway::new(context, name, &setup)?;
        gateway.start()?;
        gateway.ready()?;
        let street = Street {
            coming,
            gateway: gateway.address,
            function: &function,
            findings,
            seed: context.seed,
            left: AtomicU64::new(context.amount / 2),
            worked: Mutex::default(),
        };
        thread::scope(|scope| {
            for number in 0..PEOPLE {
                let street = &street;
                scope.spawn(move || street.people(number));
            }
        });
        findings.extend(function.violations());
        let worked = street.worked.into_inner().unwrap_or_else(PoisonError::into_inner);
        people += worked.len();
        steps += log::check(gateway.admin, &worked, findings)?;
    }
    let messages = people * MESSAGES;
    Ok(Ran::done(format!("{people} people, {messages} messages, {steps} steps read back")))
}

impl Street<'_> {
    fn people(&self, number: u64) {
        let mut rng = Rng::new(self.seed, number);
        let mut before = 0;
        let one = |left: u64| left.checked_sub(1);
        while self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one).is_ok()
            && !self.findings.enough()
        {
            let talk = Talk::on(Channel::Message, number + PEOPLE * before, &mut rng);
            before += 1;
            match self.messages(&talk, &mut rng) {
                Ok(sent) => self.check(&talk.who, sent),
                Err((ask, came)) => {
                    self.violated(&ask, "turn N count N heard WORD".to_owned(), came);
                }
            }
        }
    }

    /// Sends all messages of one person.
    fn messages(&self, talk: &Talk, rng: &mut Rng) -> Result<Vec<Sent>, (Ask, String)> {
        let mut began = Duration::ZERO;
        let mut asks: Vec<(Ask, String, Duration)> = Vec::new();
        for number in 0..MESSAGES {
            let word = format!("w{number}x{}", rng.below(1000));
            let ask = talk.ask(&word, rng);
            match self.coming {
                Coming::Scattered(within) => asks.push((ask, word, rng.within_ms(within))),
                Coming::Queued(apart) => {
                    asks.push((ask, word, began));
                    began += Duration::from_millis(apart);
                }
            }
        }
        asks.sort_by_key(|(_, _, at)| *at);
        let start = clock::now();
        thread::scope(|scope| {
            let mut waiting = Vec::new();
            for (ask, word, at) in asks {
                thread::sleep((start + at).saturating_duration_since(clock::now()));
                let from = clock::now();
                // From this one thread, so that the order in which they leave is known.
                let stream = post(self.gateway, &ask.bytes());
                waiting.push(scope.spawn(move || {
                    let reply = stream.and_then(|stream| answer(&stream));
                    (ask, word, from, clock::now(), reply)
                }));
            }
            let ended = waiting.into_iter().filter_map(|thread| thread.join().ok());
            ended
                .map(|(ask, word, from, until, reply)| match read(&ask, &reply) {
                    Ok(turn) => Ok(Sent { ask, word, from, until, turn }),
                    Err(came) => Err((ask, came)),
                })
                .collect()
        })
    }

    /// Whether the turns are those that the times allow.
    fn check(&self, who: &str, sent: Vec<Sent>) {
        let mut turns: Vec<usize> = sent.iter().map(|sent| sent.turn).collect();
        let in_order = turns.is_sorted();
        turns.sort_unstable();
        if turns != (1..=MESSAGES).collect::<Vec<_>>() {
            let expected = format!("turns 1 to {MESSAGES}, each once");
            return self.violated(&sent[0].ask, expected, format!("{turns:?}"));
        }
        for (one, other) in sent.iter().flat_map(|one| sent.iter().map(move |it| (one, it))) {
            if one.until < other.from && one.turn > other.turn {
                let expected = format!("after `{}`, which was answered before", one.word);
                self.violated(&other.ask, expected, format!("turn {}", other.turn));
            }
        }
        if matches!(self.coming, Coming::Queued(_)) && !in_order {
            let order: Vec<_> = sent.iter().map(|sent| sent.turn).collect();
            self.violated(&sent[0].ask, "the order of arrival".to_owned(), format!("{order:?}"));
        }
        let mut words: Vec<&Sent> = sent.iter().collect();
        words.sort_by_key(|sent| sent.turn);
        // The first message begins the conversation, and is heard by nobody.
        let words: Vec<String> = words.iter().skip(1).map(|sent| sent.word.clone()).collect();
        let heard = self.function.heard_of(who);
        if heard.get(1..).unwrap_or_default() != words {
            let expected = format!("function calls in the order {words:?}");
            self.violated(&sent[0].ask, expected, format!("{heard:?}"));
        }
        let mut worked = self.worked.lock().unwrap_or_else(PoisonError::into_inner);
        worked.insert(who.to_owned(), words);
    }

    fn violated(&self, ask: &Ask, expected: String, came: String) {
        let at = format!("{:?}, {} people to come", self.coming, self.left.load(Ordering::SeqCst));
        self.findings.add(Violation { at, sent: ask.to_string(), expected, came });
    }
}

/// The turn that an answer is.
fn read(ask: &Ask, reply: &io::Result<Reply>) -> Result<usize, String> {
    let reply = reply.as_ref().map_err(io::Error::to_string)?;
    match ask.malformed(reply) {
        Some(problem) => Err(format!("{problem}: {reply}")),
        None => turn_of(reply).ok_or_else(|| reply.to_string()),
    }
}
