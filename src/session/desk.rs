//! Who works on which webhook in this process, and the replies of the last minutes.
//!
//! It is the same for all stores. It knows every claim that the store has, so that a new webhook
//! costs no look-up; where it has room for a claim but not for its reply, it knows that too.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Key;
use crate::clock;
use crate::limits::{
    CLAIM_KEPT, CLAIMS_BYTES_MAX, CLAIMS_KNOWN_MAX, REPLAY_REFUSED, SPENT_KNOWN_MAX,
};
use crate::twiml::EMPTY;

/// A claim's key, or a session, as 128 bits that are the same in every process. Nobody can choose
/// two that meet in them.
pub(super) type Digest = u128;

/// The claims of the last minutes. Bounded: the oldest go first. A clone is the same desk.
#[derive(Clone, Debug)]
pub(super) struct Desk(Arc<Inner>);

/// The right to work on a webhook. Dropped without a reply (the work was cancelled, or panicked),
/// it gives the claim back and sends those who wait away.
#[derive(Debug)]
pub struct Ticket {
    desk: Desk,
    digest: Digest,
    open: bool,
    /// The store has its reply, as far as is known.
    stored: bool,
}

/// The reply of another delivery, when it comes.
#[derive(Debug)]
pub struct Waiting(oneshot::Receiver<Bytes>);

/// What the desk says to a claim.
#[derive(Debug)]
pub(super) enum Desked {
    /// Nobody has worked on it.
    First(Ticket),
    /// The store may have its reply: to be looked up under this ticket.
    LookUp(Ticket),
    Answered(Bytes),
    Running(Waiting),
}

/// A claim out of a store.
#[derive(Debug)]
pub(super) struct Loaded {
    pub digest: Digest,
    /// How long ago it was answered.
    pub age: Duration,
    /// `None` where there was no room for it.
    pub reply: Option<Bytes>,
}

#[derive(Debug)]
struct Inner {
    /// Whether there is a store that keeps the replies that there is no room for here.
    backed: bool,
    claims: Mutex<Claims>,
}

#[derive(Debug, Default)]
struct Claims {
    entries: HashMap<Digest, Entry>,
    /// Those with a reply here, oldest first, with the time of their answer.
    answered: VecDeque<(Digest, Instant)>,
    /// Those whose reply is in the store only, all older than the ones above.
    stored: VecDeque<(Digest, Instant)>,
    /// Bytes of all kept replies, with what each entry costs beside them.
    bytes: usize,
    /// Until then the store may have claims that are not known here.
    doubt_until: Option<Instant>,
    /// Those whose reply nobody needs any more, and that must not begin anything again, all older
    /// than the ones above.
    spent: VecDeque<(Digest, Instant)>,
    /// Until then the store may have some of them that are not known here.
    spent_unknown_until: Option<Instant>,
}

#[derive(Debug)]
enum Entry {
    Running(Vec<oneshot::Sender<Bytes>>),
    Answered(Bytes),
    Stored,
    Spent,
}

/// What the two collections need for one entry, about.
const ENTRY_BYTES: usize = 160;

/// The digest of a claim's key, or of a session.
pub(super) fn digest(key: &str) -> Digest {
    let hash = Sha256::digest(key.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    Digest::from_be_bytes(half)
}

/// The digest of a webhook's key. Its first bit says whether it [begins](Key::begins) something, so
/// that a store needs no column for that.
pub(super) fn claimed(key: &Key) -> Digest {
    let plain = digest(key.as_str()) & !BEGINS;
    if key.begins() { plain | BEGINS } else { plain }
}

/// The first bit of a claim's digest.
const BEGINS: Digest = 1 << 127;

// === impl Desk ===

impl Desk {
    /// An empty desk before a store that keeps replies, or before one that does not.
    pub(super) fn new(backed: bool) -> Desk {
        Desk(Arc::new(Inner { backed, claims: Mutex::default() }))
    }

    /// Takes over what the store has, oldest first.
    pub(super) fn load(&self, loaded: impl IntoIterator<Item = Loaded>) {
        let now = clock::now();
        let mut claims = self.lock();
        for Loaded { digest, age, reply } in loaded {
            let at = now.checked_sub(age).unwrap_or(now);
            match reply {
                Some(reply) => claims.keep(digest, at, reply),
                None => {
                    claims.stored.push_back((digest, at));
                    claims.entries.insert(digest, Entry::Stored);
                }
            }
        }
        claims.forget(now, self.0.backed);
    }

    /// Takes over what the store has of claims without a reply, oldest first, before
    /// [`Desk::load`]; with `more` than that it has others.
    pub(super) fn load_spent(&self, spent: Vec<(Digest, Duration)>, more: bool) {
        let now = clock::now();
        let mut claims = self.lock();
        for (digest, age) in spent {
            claims.spend(digest, now.checked_sub(age).unwrap_or(now));
        }
        claims.spent_unknown_until = more.then(|| now + REPLAY_REFUSED);
    }

    /// From now on the store may have claims that are not known here: a write failed in such a way
    /// that it may be there after all.
    pub(super) fn doubt(&self) {
        let (now, mut claims) = (clock::now(), self.lock());
        claims.doubt_until = Some(now + CLAIM_KEPT);
        claims.spent_unknown_until = Some(now + REPLAY_REFUSED);
    }

    /// Claims a webhook.
    pub(super) fn claim(&self, digest: Digest) -> Desked {
        let now = clock::now();
        let mut claims = self.lock();
        claims.forget(now, self.0.backed);
        let stored = match claims.entries.get_mut(&digest) {
            Some(Entry::Answered(reply)) => return Desked::Answered(reply.clone()),
            Some(Entry::Running(waiting)) => {
                let (sender, receiver) = oneshot::channel();
                waiting.push(sender);
                return Desked::Running(Waiting(receiver));
            }
            Some(Entry::Stored) => true,
            // Its own reply is forgotten, and it must not begin anything again.
            Some(Entry::Spent) => return Desked::Answered(EMPTY),
            None => false,
        };
        claims.entries.insert(digest, Entry::Running(Vec::new()));
        let doubted = |until: Option<Instant>| until.is_some_and(|until| now < until);
        let look_up = stored
            || doubted(claims.doubt_until)
            || (begins(digest) && doubted(claims.spent_unknown_until));
        let ticket = Ticket { desk: self.clone(), digest, open: true, stored };
        if look_up { Desked::LookUp(ticket) } else { Desked::First(ticket) }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.0.claims.lock()
    }
}

/// Whether a claim's digest is one that begins something.
fn begins(digest: Digest) -> bool {
    digest & BEGINS != 0
}

// === impl Ticket ===

impl Ticket {
    /// What the store knows the claim by.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    /// Keeps the reply for every later delivery, and gives it to those who wait.
    pub(super) fn answer(mut self, reply: &Bytes) {
        self.open = false;
        // A slice of a large network buffer would keep the whole buffer alive.
        let reply = Bytes::copy_from_slice(reply);
        let mut claims = self.desk.lock();
        let former = claims.entries.remove(&self.digest);
        claims.keep(self.digest, clock::now(), reply.clone());
        drop(claims);
        send(former, &reply);
    }

    /// The store has the reply: gives it to those who wait, and leaves it there.
    pub(super) fn found(mut self, reply: &Bytes) {
        self.open = false;
        let mut claims = self.desk.lock();
        let former = claims.entries.remove(&self.digest);
        if self.stored {
            claims.entries.insert(self.digest, Entry::Stored);
        }
        drop(claims);
        send(former, reply);
    }

    /// The store does not have it after all.
    pub(super) fn not_found(&mut self) {
        self.stored = false;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            let mut claims = self.desk.lock();
            claims.entries.remove(&self.digest);
            if self.stored {
                claims.entries.insert(self.digest, Entry::Stored);
            }
        }
    }
}

fn send(former: Option<Entry>, reply: &Bytes) {
    if let Some(Entry::Running(waiting)) = former {
        for waiting in waiting {
            // Whoever waited may have gone: its own deadline was nearer.
            let _ = waiting.send(reply.clone());
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
    fn keep(&mut self, digest: Digest, at: Instant, reply: Bytes) {
        self.bytes += reply.len() + ENTRY_BYTES;
        self.answered.push_back((digest, at));
        self.entries.insert(digest, Entry::Answered(reply));
    }

    /// Drops what is too old or too much.
    fn forget(&mut self, now: Instant, backed: bool) {
        let old = |at: Instant| now.duration_since(at) >= CLAIM_KEPT;
        while let Some((digest, at)) = self.answered.front().copied() {
            if self.bytes <= CLAIMS_BYTES_MAX && !old(at) {
                break;
            }
            self.answered.pop_front();
            if let Some(Entry::Answered(reply)) = self.entries.remove(&digest) {
                self.bytes -= reply.len() + ENTRY_BYTES;
            }
            if backed && !old(at) {
                self.stored.push_back((digest, at));
                self.entries.insert(digest, Entry::Stored);
            } else if begins(digest) {
                self.spend(digest, at);
            }
        }
        while let Some((digest, at)) = self.stored.front().copied() {
            if self.stored.len() <= CLAIMS_KNOWN_MAX && !old(at) {
                break;
            }
            self.stored.pop_front();
            // It may have been given back and taken anew since.
            if matches!(self.entries.get(&digest), Some(Entry::Stored)) {
                self.entries.remove(&digest);
                if old(at) && begins(digest) {
                    self.spend(digest, at);
                }
            }
            if !old(at) {
                self.doubt_until = self.doubt_until.max(Some(at + CLAIM_KEPT));
                let unknown = Some(at + REPLAY_REFUSED);
                self.spent_unknown_until = self.spent_unknown_until.max(unknown);
            }
        }
        self.forget_spent(now, backed);
    }

    fn spend(&mut self, digest: Digest, at: Instant) {
        self.spent.push_back((digest, at));
        self.entries.insert(digest, Entry::Spent);
    }

    fn forget_spent(&mut self, now: Instant, backed: bool) {
        let old = |at: Instant| now.duration_since(at) >= REPLAY_REFUSED;
        while let Some((digest, at)) = self.spent.front().copied() {
            if self.spent.len() <= SPENT_KNOWN_MAX && !old(at) {
                break;
            }
            self.spent.pop_front();
            if matches!(self.entries.get(&digest), Some(Entry::Spent)) {
                self.entries.remove(&digest);
            }
            if backed && !old(at) {
                let unknown = Some(at + REPLAY_REFUSED);
                self.spent_unknown_until = self.spent_unknown_until.max(unknown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(desk: &Desk, digest: Digest) -> Ticket {
        match desk.claim(digest) {
            Desked::First(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_all_get_the_reply() {
        let desk = Desk::new(false);
        let ticket = first(&desk, 1);
        let Desked::Running(early) = desk.claim(1) else { panic!("a repeat") };
        drop(first(&desk, 2));
        ticket.answer(&Bytes::from_static(b"<Response/>"));
        assert_eq!(early.reply().await.unwrap(), "<Response/>");
        assert!(matches!(desk.claim(1), Desked::Answered(reply) if reply == "<Response/>"));
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&desk, 1));
    }

    #[tokio::test]
    async fn a_claim_that_was_dropped_is_free_again() {
        let desk = Desk::new(true);
        let ticket = first(&desk, 1);
        let Desked::Running(waiting) = desk.claim(1) else { panic!("a repeat") };
        drop(ticket);
        assert_eq!(waiting.reply().await, None);
        drop(first(&desk, 1));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_what_leaves_it_is_remembered() {
        for backed in [false, true] {
            let desk = Desk::new(backed);
            let reply = Bytes::from(vec![b'x'; 10_000]);
            for number in 0..2_000 {
                first(&desk, number).answer(&reply);
            }
            {
                let claims = desk.lock();
                assert!(claims.bytes <= CLAIMS_BYTES_MAX + 20_000, "{}", claims.bytes);
                assert_eq!(claims.bytes, claims.answered.len() * (reply.len() + ENTRY_BYTES));
                assert_eq!(claims.entries.len(), claims.answered.len() + claims.stored.len());
                assert!(claims.answered.len() > 100);
                assert_eq!(claims.stored.is_empty(), !backed);
            }
            match desk.claim(0) {
                Desked::First(_) => assert!(!backed),
                // What is found stays where it is; whoever came meanwhile gets it too.
                Desked::LookUp(ticket) => {
                    assert!(backed);
                    let Desked::Running(waiting) = desk.claim(0) else { panic!("it runs") };
                    ticket.found(&reply);
                    assert_eq!(waiting.reply().await.unwrap(), reply);
                    assert!(matches!(desk.claim(0), Desked::LookUp(_)));
                    // Given back without having looked, it is still to be looked up.
                    let Desked::LookUp(mut ticket) = desk.claim(0) else { panic!("a look-up") };
                    ticket.not_found();
                    drop(ticket);
                    drop(first(&desk, 0));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_asks_the_store_until_it_is_over() {
        let desk = Desk::new(true);
        desk.doubt();
        assert!(matches!(desk.claim(7), Desked::LookUp(_)));
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&desk, 7));
        // What begins something may have been spent for longer.
        assert!(matches!(desk.claim(BEGINS | 7), Desked::LookUp(_)));
        tokio::time::advance(REPLAY_REFUSED - CLAIM_KEPT).await;
        drop(first(&desk, BEGINS | 7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_loaded_has_its_age() {
        let desk = Desk::new(true);
        tokio::time::advance(CLAIM_KEPT).await;
        let loaded = |digest, age, reply| Loaded { digest, age, reply };
        let reply = Bytes::from_static(b"<Response/>");
        desk.load([
            loaded(1, Duration::from_secs(500), None),
            loaded(2, Duration::from_secs(400), Some(reply)),
        ]);
        assert!(matches!(desk.claim(1), Desked::LookUp(_)));
        assert!(matches!(desk.claim(2), Desked::Answered(_)));
        tokio::time::advance(Duration::from_secs(100)).await;
        drop(first(&desk, 1));
        assert!(matches!(desk.claim(2), Desked::Answered(_)));
        tokio::time::advance(Duration::from_secs(100)).await;
        drop(first(&desk, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_begins_something_is_refused_when_its_reply_is_forgotten() {
        for backed in [false, true] {
            let desk = Desk::new(backed);
            for digest in [1, BEGINS | 1] {
                first(&desk, digest).answer(&Bytes::from_static(b"<Response>1</Response>"));
            }
            tokio::time::advance(CLAIM_KEPT).await;
            drop(first(&desk, 1));
            assert!(matches!(desk.claim(BEGINS | 1), Desked::Answered(reply) if reply == EMPTY));
            tokio::time::advance(REPLAY_REFUSED - CLAIM_KEPT).await;
            drop(first(&desk, BEGINS | 1));
            assert!(desk.lock().entries.is_empty() && desk.lock().spent.is_empty());
        }
    }

    #[tokio::test]
    async fn more_that_is_spent_than_can_be_known_is_looked_up() {
        for backed in [false, true] {
            let desk = Desk::new(backed);
            let age = CLAIM_KEPT;
            let count = SPENT_KNOWN_MAX as Digest + 1;
            desk.load_spent((0..count).map(|number| (BEGINS | number, age)).collect(), false);
            assert!(matches!(desk.claim(BEGINS | (count - 1)), Desked::Answered(_)));
            match desk.claim(BEGINS) {
                Desked::First(_) => assert!(!backed),
                Desked::LookUp(_) => assert!(backed),
                other => panic!("{other:?}"),
            }
            drop(first(&desk, 0));
            assert!(desk.lock().entries.len() <= SPENT_KNOWN_MAX + 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_what_was_not_loaded_the_store_is_asked_for_as_long_as_it_counts() {
        let desk = Desk::new(true);
        desk.load_spent(Vec::new(), true);
        tokio::time::advance(REPLAY_REFUSED - Duration::from_secs(1)).await;
        assert!(matches!(desk.claim(BEGINS | 1), Desked::LookUp(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(first(&desk, BEGINS | 2));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_can_be_known_is_looked_up() {
        let desk = Desk::new(true);
        let age = Duration::ZERO;
        let count = CLAIMS_KNOWN_MAX as Digest + 1;
        desk.load((0..count).map(|digest| Loaded { digest, age, reply: None }));
        assert!(matches!(desk.claim(0), Desked::LookUp(_)));
        assert!(matches!(desk.claim(count), Desked::LookUp(_)));
        assert!(desk.lock().entries.len() <= CLAIMS_KNOWN_MAX);
        // What begins something is remembered for longer.
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&desk, count));
        assert!(matches!(desk.claim(BEGINS | count), Desked::LookUp(_)));
    }
}
