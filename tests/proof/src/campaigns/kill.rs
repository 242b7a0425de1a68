//! `kill -9` at random moments, also during the start after it, with many requests on the way.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use twimlgate::clock;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier::{Ask, Reply, send};
use crate::function::Function;
use crate::gateway::{Gateway, Setup};
use crate::rng::Rng;
use crate::talk::Talk;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "kill",
    asserts: "what was acknowledged outlives kill -9, is done once, and is answered as before",
    unit: "cycles",
    quick: 200,
    long: 10_000,
    run,
};

/// People who call and write at the same time: so many requests are on the way when it is killed.
const PEOPLE: u64 = 32;

/// The function takes up to this long, so that most requests are in the middle of a step.
const FUNCTION_MS: u64 = 30;

/// The longest that a process is left alone once it is up.
const LIVES_MS: u64 = 120;

/// One in so many processes is killed while it starts.
const SECOND_KILL: u64 = 4;

/// The latest moment of that, after exec.
const STARTING_MS: u64 = 50;

/// How long the carrier goes on trying; a restart takes a fraction of it.
const TRIES_FOR: Duration = Duration::from_secs(30);

/// What the people share.
struct Street<'a> {
    gateway: std::net::SocketAddr,
    function: &'a Function,
    findings: &'a Findings,
    seed: u64,
    over: AtomicBool,
    /// Nobody starts the gateway any more, so whoever waits for it waits for nothing.
    deserted: AtomicBool,
    cycle: AtomicU64,
    on_the_way: AtomicU64,
    acknowledged: AtomicU64,
    repeated: AtomicU64,
    interrupted: AtomicU64,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let function = Function::start(context.seed, FUNCTION_MS).map_err(|e| e.to_string())?;
    let setup = Setup { store: "sqlite:store.db", workers: 2, function: function.address };
    let mut gateway = Gateway::new(context, "gateway", &setup)?;
    function.next_life()?;
    gateway.start()?;
    gateway.ready()?;
    let street = Street {
        gateway: gateway.address,
        function: &function,
        findings,
        seed: context.seed,
        over: AtomicBool::new(false),
        deserted: AtomicBool::new(false),
        cycle: AtomicU64::new(0),
        on_the_way: AtomicU64::new(0),
        acknowledged: AtomicU64::new(0),
        repeated: AtomicU64::new(0),
        interrupted: AtomicU64::new(0),
    };
    let mut tally = Tally { least: u64::MAX, ..Tally::default() };
    thread::scope(|scope| {
        for number in 0..PEOPLE {
            let street = &street;
            scope.spawn(move || street.person(number));
        }
        let cycled = cycles(context, &mut gateway, &street, &mut tally);
        street.deserted.store(cycled.is_err(), Ordering::SeqCst);
        street.over.store(true, Ordering::SeqCst);
        cycled
    })?;
    findings.extend(function.violations());
    let (calls, again) = function.totals();
    let number = |count: &AtomicU64| count.load(Ordering::SeqCst);
    let Tally { cycles, starting, least, sum } = tally;
    let amount = format!(
        "{cycles} cycles, {} steps acknowledged, {} requests interrupted",
        number(&street.acknowledged),
        number(&street.interrupted)
    );
    let notes = vec![
        format!("{starting} processes were killed while they started"),
        format!("on the way when killed: {} on average, {least} at least", sum / cycles.max(1)),
        format!("{} repeats of acknowledged requests", number(&street.repeated)),
        format!("{calls} function calls, {again} of them again for a step without an answer"),
    ];
    Ok(Ran::Done { amount, notes })
}

/// What the kills were like.
#[derive(Default)]
struct Tally {
    cycles: u64,
    starting: u64,
    least: u64,
    sum: u64,
}

/// Kills and starts, as often as is wanted.
fn cycles(
    context: &Context,
    gateway: &mut Gateway,
    street: &Street<'_>,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut rng = Rng::new(context.seed, u64::MAX);
    while tally.cycles < context.amount && !street.findings.enough() {
        street.cycle.store(tally.cycles + 1, Ordering::SeqCst);
        thread::sleep(rng.within_ms(LIVES_MS));
        let on_the_way = street.on_the_way.load(Ordering::SeqCst);
        (tally.sum, tally.least) = (tally.sum + on_the_way, tally.least.min(on_the_way));
        replace(gateway, street.function)?;
        while rng.one_in(SECOND_KILL) {
            thread::sleep(rng.within_ms(STARTING_MS));
            replace(gateway, street.function)?;
            tally.starting += 1;
        }
        gateway.ready()?;
        tally.cycles += 1;
        let cycle = tally.cycles;
        let of_cycle = |it: Violation| Violation { at: format!("cycle {cycle}, {}", it.at), ..it };
        street.findings.extend(street.function.violations().into_iter().map(of_cycle).collect());
    }
    Ok(())
}

fn replace(gateway: &mut Gateway, function: &Function) -> Result<(), String> {
    gateway.kill()?;
    function.next_life()?;
    gateway.start()
}

/// What a request was answered with, to be asked again.
type Answered = (Ask, Reply);

impl Street<'_> {
    /// Somebody who has one conversation after the other.
    fn person(&self, number: u64) {
        let mut rng = Rng::new(self.seed, number);
        let mut before = VecDeque::new();
        let mut talks = 0;
        while !self.over.load(Ordering::SeqCst) && !self.findings.enough() {
            let talk = Talk::new(number + PEOPLE * talks, &mut rng);
            self.talk(talk, &mut before, &mut rng);
            talks += 1;
        }
    }

    fn talk(&self, mut talk: Talk, before: &mut VecDeque<Answered>, rng: &mut Rng) {
        let turns = 2 + rng.below(5);
        for turn in 0..=turns {
            let word = talk.word(turn == turns, rng);
            let ask = talk.ask(&word, rng);
            let cycle = self.cycle.load(Ordering::SeqCst);
            let Some(reply) = self.delivered(&ask) else { return };
            if let Some(step) = talk.step(&word) {
                self.function.acknowledged(step);
            }
            if let Err(expected) = talk.heard(&ask, &word, &reply) {
                return self.violated(&ask, expected, reply.to_string());
            }
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
            before.push_back((ask, reply));
            if before.len() > 8 {
                before.pop_front();
            }
            // At once now and then, and always after a restart.
            let died = cycle != self.cycle.load(Ordering::SeqCst);
            if died || rng.one_in(8) {
                let pick = rng.below(before.len() as u64) as usize;
                self.again(&before[pick]);
            }
        }
    }

    /// Sends what was answered again: the answer must be the same.
    fn again(&self, (ask, first): &Answered) {
        self.repeated.fetch_add(1, Ordering::SeqCst);
        if let Some(reply) = self.delivered(ask)
            && reply != *first
        {
            self.violated(ask, format!("the bytes of the first time: {first}"), reply.to_string());
        }
    }

    /// Sends a webhook until it is answered, as the carrier does after a connection that is lost.
    fn delivered(&self, ask: &Ask) -> Option<Reply> {
        let bytes = ask.bytes();
        let until = clock::now() + TRIES_FOR;
        self.on_the_way.fetch_add(1, Ordering::SeqCst);
        let reply = loop {
            match send(self.gateway, &bytes) {
                Ok(reply) => break Ok(reply),
                Err(error) if clock::now() > until => break Err(error),
                Err(error) => {
                    if error.kind() != io::ErrorKind::ConnectionRefused {
                        self.interrupted.fetch_add(1, Ordering::SeqCst);
                    }
                    if self.deserted.load(Ordering::SeqCst) {
                        return None;
                    }
                    thread::sleep(Duration::from_millis(3));
                }
            }
        };
        self.on_the_way.fetch_sub(1, Ordering::SeqCst);
        match reply {
            Ok(reply) => Some(reply),
            Err(error) => {
                self.violated(ask, "an answer".to_owned(), error.to_string());
                None
            }
        }
    }

    fn violated(&self, ask: &Ask, expected: String, came: String) {
        let at = format!("cycle {}", self.cycle.load(Ordering::SeqCst));
        self.findings.add(Violation { at, sent: ask.to_string(), expected, came });
    }
}
