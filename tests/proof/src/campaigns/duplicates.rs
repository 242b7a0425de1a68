//! The same webhook at the same time: pairs a little apart, and bursts.

use std::net::SocketAddr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier::{Ask, Reply, send};
use crate::function::Function;
use crate::gateway::{Gateway, Setup};
use crate::rng::Rng;
use crate::talk::Talk;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "duplicates",
    asserts: "copies of a webhook are one step, one function call, and the same bytes for all",
    unit: "pairs, and a tenth as many bursts of 16",
    quick: 1_500,
    long: 200_000,
    run,
};

/// Conversations at the same time.
const PEOPLE: u64 = 8;

/// The function takes up to this long, so that copies come before, during and after its call.
const FUNCTION_MS: u64 = 30;

/// The second of a pair comes up to this much later.
const SKEW_MS: u64 = 50;

const BURST: usize = 16;

/// What the people share.
struct Street<'a> {
    store: &'static str,
    gateway: SocketAddr,
    function: &'a Function,
    findings: &'a Findings,
    seed: u64,
    left: AtomicU64,
    pairs: AtomicU64,
    bursts: AtomicU64,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let (mut pairs, mut bursts) = (0, 0);
    let stores = [("memory", "memory:"), ("sqlite", "sqlite:store.db")];
    for (name, store) in stores {
        let function = Function::start(context.seed, FUNCTION_MS).map_err(|e| e.to_string())?;
        let setup = Setup { store, workers: 2, function: function.address };
        let mut gateway = Gateway::new(context, name, &setup)?;
        gateway.start()?;
        gateway.ready()?;
        let street = Street {
            store,
            gateway: gateway.address,
            function: &function,
            findings,
            seed: context.seed,
            left: AtomicU64::new(context.amount / 2),
            pairs: AtomicU64::new(0),
            bursts: AtomicU64::new(0),
        };
        thread::scope(|scope| {
            for number in 0..PEOPLE {
                let street = &street;
                scope.spawn(move || street.person(number));
            }
        });
        findings.extend(function.violations());
        pairs += street.pairs.load(Ordering::SeqCst);
        bursts += street.bursts.load(Ordering::SeqCst);
    }
    Ok(Ran::done(format!("{pairs} pairs, {bursts} bursts of {BURST}")))
}

impl Street<'_> {
    /// Somebody who has one conversation after the other, all of whose webhooks come several times.
    fn person(&self, number: u64) {
        let mut rng = Rng::new(self.seed, number);
        let mut talks = 0;
        let one = |left: u64| left.checked_sub(1);
        while !self.findings.enough() {
            let mut talk = Talk::new(2 * (number + PEOPLE * talks) + talks % 2, &mut rng);
            talks += 1;
            for turn in 0..3 {
                if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one).is_err() {
                    return;
                }
                let word = talk.word(turn == 2, &mut rng);
                if !self.turn(&mut talk, &word, &mut rng) {
                    break;
                }
            }
        }
    }

    /// A pair, and now and then a burst. Whether the conversation can go on.
    fn turn(&self, talk: &mut Talk, word: &str, rng: &mut Rng) -> bool {
        let ask = talk.ask(word, rng);
        let skews = if rng.one_in(11) {
            self.bursts.fetch_add(1, Ordering::SeqCst);
            vec![Duration::ZERO; BURST]
        } else {
            self.pairs.fetch_add(1, Ordering::SeqCst);
            vec![Duration::ZERO, rng.within_ms(SKEW_MS)]
        };
        let replies = at_once(self.gateway, &ask, &skews);
        let came = match agreed(&replies) {
            Ok(reply) => reply,
            Err(came) => {
                self.violated(&ask, &skews, "the same bytes for all".to_owned(), came);
                return false;
            }
        };
        let step = talk.step(word);
        if let Err(expected) = talk.heard(&ask, word, came) {
            self.violated(&ask, &skews, expected, came.to_string());
            return false;
        }
        if let Some(step) = step {
            let calls = self.function.calls_of(&step);
            self.function.acknowledged(step);
            if calls != 1 {
                self.violated(&ask, &skews, "one function call".to_owned(), calls.to_string());
            }
        }
        true
    }

    fn violated(&self, ask: &Ask, skews: &[Duration], expected: String, came: String) {
        let number = self.pairs.load(Ordering::SeqCst) + self.bursts.load(Ordering::SeqCst);
        let at = format!("about number {number} of `{}`", self.store);
        let sent = format!("{ask}, {} times, the last after {:?}", skews.len(), skews.last());
        self.findings.add(Violation { at, sent, expected, came });
    }
}

/// Sends copies, each from its own connection.
fn at_once(gateway: SocketAddr, ask: &Ask, skews: &[Duration]) -> Vec<std::io::Result<Reply>> {
    let bytes = ask.bytes();
    let start = Barrier::new(skews.len());
    thread::scope(|scope| {
        let copies = skews.iter().map(|skew| {
            let (bytes, start) = (&bytes, &start);
            scope.spawn(move || {
                start.wait();
                thread::sleep(*skew);
                send(gateway, bytes)
            })
        });
        let copies: Vec<_> = copies.collect();
        let lost = || Err(std::io::ErrorKind::Other.into());
        copies.into_iter().map(|copy| copy.join().unwrap_or_else(|_| lost())).collect()
    })
}

/// What all of them were answered.
fn agreed(replies: &[std::io::Result<Reply>]) -> Result<&Reply, String> {
    let shown = |reply: &std::io::Result<Reply>| match reply {
        Ok(reply) => reply.to_string(),
        Err(error) => error.to_string(),
    };
    match &replies[0] {
        Ok(first) if replies.iter().all(|reply| reply.as_ref().is_ok_and(|it| it == first)) => {
            Ok(first)
        }
        first => {
            let other = replies.iter().find(|reply| shown(reply) != shown(first));
            Err(format!("{} / {}", shown(first), other.map(shown).unwrap_or_default()))
        }
    }
}
