//! People who call and write, and what they know at a time: what was acknowledged until then, and
//! what they had on the way.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use twimlgate::clock;

use super::trace::Trace;
use crate::campaign::{Findings, Violation};
use crate::carrier::{Ask, Reply, answer, post};
use crate::function::Function;
use crate::rng::Rng;
use crate::talk::Talk;

/// Somebody with one conversation.
#[derive(Clone)]
pub(super) struct Person {
    first: Talk,
    talk: Talk,
    said: Vec<Said>,
    /// What was asked, and perhaps not answered.
    pending: Option<(Ask, String)>,
}

/// A turn that was acknowledged.
#[derive(Clone)]
struct Said {
    ask: Ask,
    word: String,
    reply: Reply,
    at: Instant,
    /// The carrier's port.
    port: u16,
    /// The line of the trace where the answer had left.
    line: usize,
}

/// A gateway and those who talk to it.
pub(super) struct Street<'a> {
    pub(super) gateway: SocketAddr,
    pub(super) function: &'a Function,
    pub(super) findings: &'a Findings,
    pub(super) at: String,
}

/// Replies are kept for 10 minutes.
const REPEATED_WITHIN: Duration = Duration::from_secs(300);

/// Turns after a cut, of which the first may be one that was on the way.
const TURNS_AFTER: u64 = 2;

// === impl Person ===

impl Person {
    pub(super) fn new(number: u64, rng: &mut Rng) -> Person {
        let talk = Talk::new(number, rng);
        Person { first: talk.clone(), talk, said: Vec::new(), pending: None }
    }

    pub(super) fn is_over(&self) -> bool {
        let last = self.said.last();
        last.is_some_and(|last| last.word == "9" || last.word == "bye")
    }

    /// Whether something of it was acknowledged.
    pub(super) fn has_begun(&self) -> bool {
        !self.said.is_empty()
    }

    /// All of it is long ago from now on.
    pub(super) fn settles(&mut self) {
        self.said.iter_mut().for_each(|said| said.line = 0);
    }

    /// Learns from the trace when each answer had left.
    pub(super) fn dates(&mut self, trace: &Trace) -> Result<(), String> {
        for said in self.said.iter_mut().filter(|said| said.line == usize::MAX) {
            let Said { ask, reply, port, .. } = &said;
            said.line = trace.answered(*port, &reply.body).ok_or_else(|| {
                format!("the answer to {ask} is not in the trace: {reply}, port {port}")
            })?;
        }
        Ok(())
    }

    /// As at a line of the trace.
    pub(super) fn as_of(&self, line: usize) -> Result<Person, String> {
        let known = self.said.iter().take_while(|said| said.line <= line).count();
        let mut talk = self.first.clone();
        for Said { ask, word, reply, .. } in &self.said[..known] {
            talk.heard(ask, word, reply)?;
        }
        let next = self.said.get(known).map(|said| (said.ask.clone(), said.word.clone()));
        Ok(Person {
            first: self.first.clone(),
            talk,
            said: self.said[..known].to_vec(),
            pending: next.or_else(|| self.pending.clone()),
        })
    }
}

/// How many turns of each are acknowledged.
pub(super) fn turns(people: &[Person]) -> HashMap<String, u32> {
    people.iter().map(|person| (person.talk.who.clone(), person.talk.turn)).collect()
}

// === impl Street ===

impl Street<'_> {
    /// All do something at the same time.
    pub(super) fn all(
        &self,
        people: &mut [Person],
        rng: &mut Rng,
        does: impl Fn(&Self, &mut Person, &mut Rng) + Sync,
    ) {
        let does = &does;
        thread::scope(|scope| {
            for (number, person) in people.iter_mut().enumerate() {
                let mut rng = Rng::new(rng.next(), number as u64);
                scope.spawn(move || does(self, person, &mut rng));
            }
        });
    }

    /// Somebody's next turns.
    pub(super) fn talks(&self, person: &mut Person, turns: u64, rng: &mut Rng) {
        for _ in 0..turns {
            if person.is_over() || self.findings.enough() || !self.turn(person, rng) {
                return;
            }
        }
    }

    /// After a cut: what was acknowledged is answered as before, and it goes on from there.
    pub(super) fn checks(&self, person: &mut Person, rng: &mut Rng) {
        let some = rng.below(person.said.len() as u64) as usize;
        for (number, said) in person.said.iter().enumerate().rev() {
            let chosen = number == some || number + 1 == person.said.len();
            if chosen && clock::now().duration_since(said.at) < REPEATED_WITHIN {
                self.again(said);
            }
        }
        self.talks(person, TURNS_AFTER, rng);
    }

    fn turn(&self, person: &mut Person, rng: &mut Rng) -> bool {
        let (ask, word) = person.pending.take().unwrap_or_else(|| {
            let word = person.talk.word(rng.one_in(8) && person.talk.turn > 0, rng);
            (person.talk.ask(&word, rng), word)
        });
        let Some((reply, port)) = self.sends(&ask) else {
            person.pending = Some((ask, word));
            return false;
        };
        if let Some(step) = person.talk.step(&word) {
            self.function.acknowledged(step);
        }
        if let Err(expected) = person.talk.heard(&ask, &word, &reply) {
            self.violated(&ask, expected, reply.to_string());
            return false;
        }
        person.said.push(Said { ask, word, reply, at: clock::now(), port, line: usize::MAX });
        true
    }

    fn again(&self, Said { ask, reply: first, .. }: &Said) {
        if let Some((reply, _)) = self.sends(ask)
            && reply != *first
        {
            self.violated(ask, format!("the bytes of the first time: {first}"), reply.to_string());
        }
    }

    /// The answer to a webhook, and the port that it came to.
    fn sends(&self, ask: &Ask) -> Option<(Reply, u16)> {
        let sent = || -> std::io::Result<(Reply, u16)> {
            let stream = post(self.gateway, &ask.bytes())?;
            Ok((answer(&stream)?, stream.local_addr()?.port()))
        };
        let came = sent().map_err(|error| error.to_string());
        came.map_err(|error| self.violated(ask, "an answer".to_owned(), error)).ok()
    }

    fn violated(&self, ask: &Ask, expected: String, came: String) {
        self.findings.add(Violation { at: self.at.clone(), sent: ask.to_string(), expected, came });
    }
}
