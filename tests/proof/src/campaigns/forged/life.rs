//! One process of the gateway: some hundred forged requests, at which nothing may happen; then what
//! they were made of, at which everything must.

use std::fs;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

use super::alter::{self, Alteration};
use super::request::{KINDS, Kind, Request};
use super::{Forgery, SENDERS, Sender};
use crate::carrier::{Ask, Reply, malformed, send};

/// A life that is about to begin.
pub(super) struct Life<'a, 'b> {
    forgery: &'a mut Forgery<'b>,
    first: u64,
    amount: u64,
}

/// What a refusal must leave alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    calls: u64,
    /// The store's file and its log, byte for byte.
    store: Vec<Vec<u8>>,
    look_ups: usize,
}

/// A request that is rightly signed, and what must come of it.
struct Control {
    kind: Kind,
    request: Request,
    /// The next turn of the sender's call, and its word.
    turn: (Ask, String),
}

/// A file that whoever looks a name up reads, or where he asks.
const LOOK_UPS: [&str; 5] =
    ["/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "htons(53)", "nscd"];

/// Of so many rounds through the alterations, one has those that take as long as the gateway waits.
const SLOW_EVERY: usize = 20;

impl<'a, 'b> Life<'a, 'b> {
    pub(super) fn new(
        forgery: &'a mut Forgery<'b>,
        first: u64,
        amount: u64,
    ) -> Result<Life<'a, 'b>, String> {
        let folder = forgery.gateway.folder.display();
        let words = ["strace", "-D", "-f", "-q", "-q", "-e", "trace=openat,open,connect", "-o"];
        let mut words: Vec<String> = words.map(str::to_owned).to_vec();
        words.push(format!("{folder}/trace"));
        let _ = fs::remove_file(&words[words.len() - 1]);
        forgery.gateway.start_under(if forgery.traced { &words } else { &[] })?;
        match forgery.gateway.ready()? {
            true => Ok(Life { forgery, first, amount }),
            false => Err("the gateway was killed while it started".to_owned()),
        }
    }

    /// Passes: how many controls there were.
    pub(super) fn passes(self, senders: &mut [Sender]) -> Result<u64, String> {
        let before = self.still()?;
        let life = &self;
        let controls = thread::scope(|scope| {
            let forging: Vec<_> = (0..SENDERS)
                .zip(senders.iter_mut())
                .map(|(number, sender)| scope.spawn(move || life.forges(number, sender)))
                .collect();
            let joined = forging.into_iter().map(|thread| thread.join());
            joined.collect::<Result<Vec<_>, _>>().map_err(|_| "a sender panicked")
        })?;
        let after = self.still()?;
        self.compare(&before, &after);
        let mut calls = 0;
        let mut sent = 0;
        for (sender, controls) in senders.iter_mut().zip(controls) {
            for control in controls {
                calls += u64::from(control.kind.calls());
                sent += 1;
                self.control(sender, control);
            }
        }
        let end = self.world();
        if end.calls != after.calls + calls {
            let came = format!("{}", end.calls - after.calls);
            self.told("all that was rightly signed", &format!("{calls} function calls"), came);
        }
        // Where a forged request has called, the connection is there already.
        let inert = before == after;
        if inert && self.forgery.traced && end.look_ups == after.look_ups {
            return Err("the trace shows no look-up for what is signed either".to_owned());
        }
        self.forgery.gateway.kill()?;
        Ok(sent)
    }

    /// Sends a part of the forged requests; gives what must be answered afterwards.
    fn forges(&self, number: u64, sender: &mut Sender) -> Vec<Control> {
        let alterations = alter::all();
        let mut controls = Vec::new();
        let word = sender.talk.word(false, &mut sender.rng);
        let turn = (sender.talk.ask(&word, &mut sender.rng), word);
        let mut at = self.first + number;
        while at < self.first + self.amount && !self.forgery.findings.enough() {
            let (round, index) = (at as usize / alterations.len(), at as usize % alterations.len());
            let slow = alterations[index].status == 408;
            // Whoever waits for what does not come keeps the others waiting.
            let index = if slow && !round.is_multiple_of(SLOW_EVERY) { 0 } else { index };
            let alteration = alterations[index];
            let (kind, signed, altered) = made(&alterations, alteration, &turn.0, sender);
            self.forged(at, altered.0, &altered.1);
            let fresh = controls.iter().all(|control: &Control| control.kind != kind);
            if fresh {
                controls.push(Control { kind, request: signed.clone(), turn: turn.clone() });
            }
            // Another one that was signed: the next may take its signature.
            sender.seen.insert(kind, signed);
            at += SENDERS;
        }
        controls
    }

    /// Sends a forged request: it must be refused without a word.
    fn forged(&self, at: u64, alteration: &'static Alteration, request: &Request) {
        let Alteration { name, status, .. } = alteration;
        let reply = send(self.forgery.gateway.address, &request.bytes());
        let mut tally = self.forgery.tally.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.alterations.entry(name).or_default() += 1;
        if let Ok(reply) = &reply {
            *tally.statuses.entry(reply.status).or_default() += 1;
        }
        drop(tally);
        let refused = |reply: &Reply| reply.status == *status && reply.body.is_empty();
        if !reply.as_ref().is_ok_and(refused) {
            let came = reply.map_or_else(|error| error.to_string(), |reply| reply.to_string());
            let at = format!("request {at}, {name}");
            let expected = format!("{status}, and no body");
            self.forgery.violated(at, &request.to_string(), &expected, came);
        }
    }

    /// Sends what is rightly signed: it must be answered.
    fn control(&self, sender: &mut Sender, control: Control) {
        let Control { kind, request, turn: (ask, word) } = control;
        let address: SocketAddr = self.forgery.gateway.address;
        let problem = match send(address, &request.bytes()) {
            Err(error) => Some(error.to_string()),
            Ok(reply) if kind == Kind::Turn => sender
                .talk
                .heard(&ask, &word, &reply)
                .err()
                .map(|expected| format!("{reply}, and not {expected}")),
            // It is neither a call nor a message, so the JSON of the function goes back as it is.
            Ok(reply) if kind == Kind::Event => {
                let is_json = reply.status == 200 && reply.body.starts_with('{');
                (!is_json).then(|| format!("{reply}, and not the JSON of the function"))
            }
            Ok(reply) => malformed(kind.channel(), &reply),
        };
        if let Some(came) = problem {
            let at = format!("the {kind:?} that requests from {} on were made of", self.first);
            self.forgery.violated(at, &request.to_string(), "its answer", came);
        }
    }

    fn compare(&self, before: &World, after: &World) {
        let sent = format!("{} requests that nobody signed", self.amount);
        if before.calls != after.calls {
            let came = format!("{} calls", after.calls - before.calls);
            self.told(&sent, "no function call", came);
        }
        if before.store != after.store {
            let sizes = |world: &World| world.store.iter().map(Vec::len).collect::<Vec<_>>();
            let came = format!("sizes {:?} before, {:?} after", sizes(before), sizes(after));
            self.told(&sent, "the store's bytes as they were", came);
        }
        if before.look_ups != after.look_ups {
            let came = format!("{} reads of what tells names", after.look_ups - before.look_ups);
            self.told(&sent, "no look-up of a name", came);
        }
    }

    fn told(&self, sent: &str, expected: &str, came: String) {
        let at = format!("requests {} to {}", self.first, self.first + self.amount - 1);
        self.forgery.violated(at, sent, expected, came);
    }

    /// The world once nothing happens in it any more: what was begun with may still be written.
    fn still(&self) -> Result<World, String> {
        let mut before = self.world();
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(20));
            let now = self.world();
            if now == before {
                return Ok(now);
            }
            before = now;
        }
        Err("the gateway writes, or calls, for ever".to_owned())
    }

    fn world(&self) -> World {
        let folder = &self.forgery.gateway.folder;
        let store = ["store.db", "store.db-wal"];
        let store = store.map(|name| fs::read(folder.join(name)).unwrap_or_default());
        let trace = fs::read_to_string(folder.join("trace")).unwrap_or_default();
        let looks = |line: &&str| LOOK_UPS.iter().any(|sign| line.contains(sign));
        let look_ups = trace.lines().filter(looks).count();
        World { calls: self.forgery.function.totals().0, store: store.to_vec(), look_ups }
    }
}

/// Makes an alteration of a kind of request that has it; another one where no kind has.
fn made(
    alterations: &[&'static Alteration],
    wanted: &'static Alteration,
    turn: &Ask,
    sender: &mut Sender,
) -> (Kind, Request, (&'static Alteration, Request)) {
    let Sender { rng, seen, .. } = sender;
    let mut tries = 0;
    loop {
        let kind = KINDS[rng.below(KINDS.len() as u64) as usize];
        let signed = kind.signed(turn, rng);
        let other = rng.below(alterations.len() as u64) as usize;
        let before = &seen[&KINDS[rng.below(KINDS.len() as u64) as usize]];
        let alteration = if tries < 60 { wanted } else { alterations[other] };
        if let Some(altered) = alteration.of(&signed, before, rng) {
            return (kind, signed, (alteration, altered));
        }
        tries += 1;
    }
}
