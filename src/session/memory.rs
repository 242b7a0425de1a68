//! `memory:`, claims that end with the process.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Claim, Key};
use crate::clock;
use crate::limits::{CLAIM_KEPT, CLAIMS_BYTES_MAX};

/// The claims of the last minutes. Bounded: the oldest go first.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Inner>);

/// The right to work on a webhook. Dropped without a reply (the work was cancelled, or panicked),
/// it gives the claim back and sends those who wait away.
#[derive(Debug)]
pub struct Ticket {
    memory: Memory,
    id: u128,
    open: bool,
}

/// The reply of another delivery, when it comes.
#[derive(Debug)]
pub struct Waiting(oneshot::Receiver<Bytes>);

#[derive(Debug)]
struct Inner {
    /// Keyed anew in each process, so that nobody can choose keys that collide.
    hashers: [RandomState; 2],
    claims: Mutex<Claims>,
}

#[derive(Debug, Default)]
struct Claims {
    entries: HashMap<u128, Entry>,
    /// Answered entries, oldest first, with the time of their answer.
    answered: VecDeque<(u128, Instant)>,
    /// Bytes of all kept replies, with what each entry costs beside them.
    bytes: usize,
}

#[derive(Debug)]
enum Entry {
    Running(Vec<oneshot::Sender<Bytes>>),
    Answered(Bytes),
}

/// What the two maps need for one entry, about.
const ENTRY_BYTES: usize = 160;

// === impl Memory ===

impl Memory {
    /// An empty store.
    #[expect(clippy::new_without_default, reason = "a store is opened on purpose, not by default")]
    pub fn new() -> Memory {
        let hashers = [RandomState::new(), RandomState::new()];
        Memory(Arc::new(Inner { hashers, claims: Mutex::default() }))
    }

    /// Claims a webhook by its key.
    pub fn claim(&self, key: &Key) -> Claim {
        let [high, low] = &self.0.hashers;
        let id = u128::from(high.hash_one(key)) << 64 | u128::from(low.hash_one(key));
        let mut claims = self.lock();
        claims.forget(clock::now());
        match claims.entries.get_mut(&id) {
            Some(Entry::Answered(reply)) => Claim::Answered(reply.clone()),
            Some(Entry::Running(waiting)) => {
                let (sender, receiver) = oneshot::channel();
                waiting.push(sender);
                Claim::Running(Waiting(receiver))
            }
            None => {
                claims.entries.insert(id, Entry::Running(Vec::new()));
                Claim::First(Ticket { memory: self.clone(), id, open: true })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        // Nothing under the lock can panic half-way through a change.
        self.0.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Ticket ===

impl Ticket {
    /// Keeps the reply for every later delivery, and gives it to those who wait.
    pub fn answer(mut self, reply: &Bytes) {
        self.open = false;
        // A slice of a large network buffer would keep the whole buffer alive.
        let reply = Bytes::copy_from_slice(reply);
        let mut claims = self.memory.lock();
        claims.bytes += reply.len() + ENTRY_BYTES;
        claims.answered.push_back((self.id, clock::now()));
        let former = claims.entries.insert(self.id, Entry::Answered(reply.clone()));
        drop(claims);
        if let Some(Entry::Running(waiting)) = former {
            for waiting in waiting {
                // Whoever waited may have gone: its own deadline was nearer.
                let _ = waiting.send(reply.clone());
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.memory.lock().entries.remove(&self.id);
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// The other delivery's reply; `None` when it ended without one.
    pub async fn reply(self) -> Option<Bytes> {
        self.0.await.ok()
    }
}

// === impl Claims ===

impl Claims {
    /// Drops what is too old or too much.
    fn forget(&mut self, now: Instant) {
        while let Some((id, at)) = self.answered.front() {
            if self.bytes <= CLAIMS_BYTES_MAX && now.duration_since(*at) < CLAIM_KEPT {
                break;
            }
            if let Some(Entry::Answered(reply)) = self.entries.remove(id) {
                self.bytes -= reply.len() + ENTRY_BYTES;
            }
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{Channel, Params, Proof, Webhook};

    fn key(sid: &str) -> Key {
        let webhook = Webhook {
            proof: Proof::Signed,
            account: None,
            path: "/sms".to_owned(),
            query: Params::default(),
            params: [("MessageSid", sid)].into_iter().collect(),
            body: Bytes::new(),
            idempotency_token: None,
        };
        Key::of(&webhook, Channel::Message).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_all_get_the_reply() {
        let memory = Memory::new();
        let Claim::First(ticket) = memory.claim(&key("SM1")) else { panic!("the first") };
        let Claim::Running(early) = memory.claim(&key("SM1")) else { panic!("a repeat") };
        assert!(matches!(memory.claim(&key("SM2")), Claim::First(_)));
        ticket.answer(&Bytes::from_static(b"<Response/>"));
        assert_eq!(early.reply().await.unwrap(), "<Response/>");
        assert!(
            matches!(memory.claim(&key("SM1")), Claim::Answered(reply) if reply == "<Response/>")
        );
        tokio::time::advance(CLAIM_KEPT).await;
        assert!(matches!(memory.claim(&key("SM1")), Claim::First(_)));
    }

    #[tokio::test]
    async fn a_claim_that_was_dropped_is_free_again() {
        let memory = Memory::new();
        let Claim::First(ticket) = memory.claim(&key("SM1")) else { panic!("the first") };
        let Claim::Running(waiting) = memory.claim(&key("SM1")) else { panic!("a repeat") };
        drop(ticket);
        assert_eq!(waiting.reply().await, None);
        assert!(matches!(memory.claim(&key("SM1")), Claim::First(_)));
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let memory = Memory::new();
        let reply = Bytes::from(vec![b'x'; 10_000]);
        for number in 0..2_000 {
            let Claim::First(ticket) = memory.claim(&key(&number.to_string())) else { panic!() };
            ticket.answer(&reply);
        }
        let claims = memory.lock();
        assert!(claims.bytes <= CLAIMS_BYTES_MAX + 20_000, "{}", claims.bytes);
        assert_eq!(claims.entries.len(), claims.answered.len());
        assert!(claims.entries.len() > 100);
    }
}
