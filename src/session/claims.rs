//! The claim table: which webhooks this process is working on, and the replies of the last minutes.
//!
//! It is the same for all stores. It knows every claim that the store has, so that a new webhook
//! costs no look-up. Where a claim fits in but its reply does not, it knows that the store has the
//! reply. Where it had to drop a claim that still counts, it remembers until when it is
//! *unsure*, and sends every new claim to the store until then.
//!
//! A claim passes through these states:
//!
//! * [`Running`](ClaimEntry::Running): a delivery is being worked on, and has a [`ClaimGuard`].
//! * [`Answered`](ClaimEntry::Answered): the reply is in memory, for [`CLAIM_KEPT`] or until there
//!   are more than [`CLAIMS_BYTES_MAX`] of replies.
//! * [`Stored`](ClaimEntry::Stored): the reply is in the store only, for the rest of
//!   [`CLAIM_KEPT`].
//! * [`Expired`](ClaimEntry::Expired): the reply is dropped. Until [`REPLAY_REFUSED`] the claim
//!   still blocks replays, where the webhook can begin something.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::claim_key::TokenDigest;
use super::key_digest::{KeyDigest, digest_can_begin};
use super::postgres::SharedLockGuard;
use crate::clock;
use crate::limits::{
    CLAIM_KEPT, CLAIMS_BYTES_MAX, CLAIMS_KNOWN_MAX, EXPIRED_CLAIMS_MAX, REPLAY_REFUSED,
};
use crate::twiml::EMPTY;

/// The claims of the last minutes. Bounded: the oldest go first. A clone is the same table.
#[derive(Clone, Debug)]
pub(super) struct ClaimTable(Arc<SharedClaims>);

/// The right to work on a webhook, from its claim to its commit. Dropped without a reply (the work
/// was cancelled, or panicked), it frees the claim, and every [`PendingReply`] of it ends with
/// `None`.
#[derive(Debug)]
pub struct ClaimGuard {
    table: ClaimTable,
    digest: KeyDigest,
    /// The token of the delivery that is worked on.
    token: Option<TokenDigest>,
    /// Whether the claim is still without a reply, so that a drop has to free it.
    is_open: bool,
    /// Whether the store has the reply, as far as the table knows.
    is_stored: bool,
    /// The right to answer among all processes, where the webhook has no session.
    shared_lock: Option<SharedLockGuard>,
}

/// The reply of the delivery that is being worked on, for a repeat that arrived meanwhile.
#[derive(Debug)]
pub struct PendingReply(oneshot::Receiver<Bytes>);

/// The table's answer to a claim.
#[derive(Debug)]
pub(super) enum ClaimState {
    /// The webhook is new.
    First(ClaimGuard),
    /// The store may have the reply: look it up under this guard.
    LookUp(ClaimGuard),
    /// The reply is known, and the token of the delivery that got it first.
    Answered(Bytes, Option<TokenDigest>),
    /// Another delivery is being worked on.
    Running(PendingReply),
}

/// A claim that a store had when it was opened.
#[derive(Debug)]
pub(super) struct StoredClaim {
    pub digest: KeyDigest,
    /// How long ago it was answered.
    pub age: Duration,
    /// The token of the delivery that was answered first.
    pub token: Option<TokenDigest>,
    /// The reply; `None` if it was not read, because it does not fit into memory.
    pub reply: Option<Bytes>,
}

/// What the clones of a table share.
#[derive(Debug)]
struct SharedClaims {
    /// Whether a store has the replies that do not fit in here.
    has_store: bool,
    entries: Mutex<ClaimEntries>,
}

/// Every known claim, and one queue for each state but `Running`, oldest first.
///
/// A queue may name a claim that has left its state since, so eviction checks the entry as well.
#[derive(Debug, Default)]
struct ClaimEntries {
    entries: HashMap<KeyDigest, ClaimEntry>,
    /// Claims with the reply in memory, and when they were answered.
    answered: VecDeque<(KeyDigest, Instant)>,
    /// Claims with the reply in the store only, all older than those of `answered`.
    stored: VecDeque<(KeyDigest, Instant)>,
    /// Claims without a reply that still block replays, all older than those of `stored`.
    expired: VecDeque<(KeyDigest, Instant)>,
    /// Bytes of all replies in memory, with [`CLAIM_ENTRY_BYTES`] for each.
    bytes: usize,
    /// Until then the store may have replies that are not known here.
    unsure_until: Option<Instant>,
    /// Until then the store may have expired claims that are not known here.
    expired_unsure_until: Option<Instant>,
}

#[derive(Debug)]
enum ClaimEntry {
    /// The repeats that wait for the reply.
    Running(Vec<oneshot::Sender<Bytes>>),
    Answered(Bytes, Option<TokenDigest>),
    Stored,
    Expired,
}

/// What the map and the queue need for one entry beside its reply, about.
pub(super) const CLAIM_ENTRY_BYTES: usize = 160;

// === impl ClaimTable ===

impl ClaimTable {
    /// An empty table; `has_store` where a store keeps the replies that do not fit in here.
    pub(super) fn new(has_store: bool) -> ClaimTable {
        ClaimTable(Arc::new(SharedClaims { has_store, entries: Mutex::default() }))
    }

    /// Adds the store's claims that have a reply, oldest first.
    pub(super) fn load(&self, claims: impl IntoIterator<Item = StoredClaim>) {
        let now = clock::now();
        let mut entries = self.lock();
        for StoredClaim { digest, age, token, reply } in claims {
            // The monotonic clock of a machine that has just started has no time that far back.
            let at = now.checked_sub(age).unwrap_or(now);
            match reply {
                Some(reply) => entries.insert_answered(digest, at, reply, token),
                None => {
                    entries.stored.push_back((digest, at));
                    entries.entries.insert(digest, ClaimEntry::Stored);
                }
            }
        }
        entries.evict(now, self.0.has_store);
    }

    /// Adds the store's expired claims, oldest first, with their age. Call it before
    /// [`ClaimTable::load`], because they are older; `has_more` where the store has others.
    pub(super) fn load_expired(&self, claims: Vec<(KeyDigest, Duration)>, has_more: bool) {
        let now = clock::now();
        let mut entries = self.lock();
        for (digest, age) in claims {
            entries.insert_expired(digest, now.checked_sub(age).unwrap_or(now));
        }
        entries.expired_unsure_until = has_more.then(|| now + REPLAY_REFUSED);
    }

    /// Records that the store may have claims that are not known here: a write failed in such a
    /// way that it may be on the disk after all.
    pub(super) fn mark_unsure(&self) {
        let (now, mut entries) = (clock::now(), self.lock());
        // A claim written now is gone from the store after these times, so they are enough.
        entries.unsure_until = Some(now + CLAIM_KEPT);
        entries.expired_unsure_until = Some(now + REPLAY_REFUSED);
    }

    /// Claims a webhook for the delivery with this token.
    pub(super) fn claim(&self, digest: KeyDigest, token: Option<TokenDigest>) -> ClaimState {
        let now = clock::now();
        let mut entries = self.lock();
        // First of all, so that a claim that has just become too old is a new one.
        entries.evict(now, self.0.has_store);
        let is_stored = match entries.entries.get_mut(&digest) {
            Some(ClaimEntry::Answered(reply, token)) => {
                return ClaimState::Answered(reply.clone(), *token);
            }
            Some(ClaimEntry::Running(repeats)) => {
                let (sender, receiver) = oneshot::channel();
                repeats.push(sender);
                return ClaimState::Running(PendingReply(receiver));
            }
            Some(ClaimEntry::Stored) => true,
            // Its own reply is dropped, and it must not begin anything again.
            Some(ClaimEntry::Expired) => return ClaimState::Answered(EMPTY, None),
            None => false,
        };
        // Also for a look-up, so that repeats wait for its result instead of looking too.
        entries.entries.insert(digest, ClaimEntry::Running(Vec::new()));
        let is_unsure = |until: Option<Instant>| until.is_some_and(|until| now < until);
        let look_up = is_stored
            || is_unsure(entries.unsure_until)
            || (digest_can_begin(digest) && is_unsure(entries.expired_unsure_until));
        let guard = ClaimGuard {
            table: self.clone(),
            digest,
            token,
            is_open: true,
            is_stored,
            shared_lock: None,
        };
        if look_up { ClaimState::LookUp(guard) } else { ClaimState::First(guard) }
    }

    fn lock(&self) -> MutexGuard<'_, ClaimEntries> {
        self.0.entries.lock()
    }
}

// === impl ClaimGuard ===

impl ClaimGuard {
    /// The digest of the claim's key, which the store has it under.
    pub(super) fn digest(&self) -> KeyDigest {
        self.digest
    }

    /// The token of the delivery that is worked on.
    pub(super) fn token(&self) -> Option<TokenDigest> {
        self.token
    }

    /// Adds the right to answer among all processes.
    pub(super) fn set_shared_lock(&mut self, shared_lock: SharedLockGuard) {
        self.shared_lock = Some(shared_lock);
    }

    pub(super) fn shared_lock(&self) -> Option<&SharedLockGuard> {
        self.shared_lock.as_ref()
    }

    /// Records that a commit has given the right back.
    pub(super) fn release_shared_lock(&mut self) {
        self.shared_lock.iter_mut().for_each(SharedLockGuard::release);
    }

    /// Records the reply for all later deliveries, and sends it to those that wait.
    pub(super) fn complete(mut self, reply: &Bytes) {
        self.is_open = false;
        // A copy, because a slice of a large network buffer would keep the whole buffer alive.
        let reply = Bytes::copy_from_slice(reply);
        let mut entries = self.table.lock();
        let former = entries.entries.remove(&self.digest);
        entries.insert_answered(self.digest, clock::now(), reply.clone(), self.token);
        // Sending wakes other tasks: not under the lock that they need next.
        drop(entries);
        send_reply(former, &reply);
    }

    /// Sends the reply that the store has to the deliveries that wait, and leaves it in the store:
    /// the queues are in the order of age, and its age is not known here.
    pub(super) fn complete_from_store(mut self, reply: &Bytes) {
        self.is_open = false;
        let mut entries = self.table.lock();
        let former = entries.entries.remove(&self.digest);
        if self.is_stored {
            entries.entries.insert(self.digest, ClaimEntry::Stored);
        }
        drop(entries);
        send_reply(former, reply);
    }

    /// Records that the store does not have the reply after all.
    pub(super) fn mark_missing(&mut self) {
        self.is_stored = false;
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        if self.is_open {
            let mut entries = self.table.lock();
            entries.entries.remove(&self.digest);
            // The look-up was cancelled or failed: the next delivery looks again.
            if self.is_stored {
                entries.entries.insert(self.digest, ClaimEntry::Stored);
            }
        }
    }
}

fn send_reply(former: Option<ClaimEntry>, reply: &Bytes) {
    if let Some(ClaimEntry::Running(repeats)) = former {
        for repeat in repeats {
            // An error means that the repeat has ended: its own deadline was nearer.
            let _ = repeat.send(reply.clone());
        }
    }
}

// === impl PendingReply ===

impl PendingReply {
    /// The other delivery's reply; `None` when that delivery ends without one.
    pub async fn reply(self) -> Option<Bytes> {
        self.0.await.ok()
    }
}

// === impl ClaimEntries ===

impl ClaimEntries {
    fn insert_answered(
        &mut self,
        digest: KeyDigest,
        at: Instant,
        reply: Bytes,
        token: Option<TokenDigest>,
    ) {
        self.bytes += reply.len() + CLAIM_ENTRY_BYTES;
        self.answered.push_back((digest, at));
        self.entries.insert(digest, ClaimEntry::Answered(reply, token));
    }

    fn insert_expired(&mut self, digest: KeyDigest, at: Instant) {
        self.expired.push_back((digest, at));
        self.entries.insert(digest, ClaimEntry::Expired);
    }

    /// Moves on what is too old, or too much, in the order of the states: what leaves one queue
    /// may be too old for the next as well.
    fn evict(&mut self, now: Instant, has_store: bool) {
        self.evict_answered(now, has_store);
        self.evict_stored(now);
        self.evict_expired(now, has_store);
    }

    fn evict_answered(&mut self, now: Instant, has_store: bool) {
        while let Some((digest, at)) = self.answered.front().copied() {
            let is_old = now.duration_since(at) >= CLAIM_KEPT;
            if self.bytes <= CLAIMS_BYTES_MAX && !is_old {
                break;
            }
            self.answered.pop_front();
            if let Some(ClaimEntry::Answered(reply, _)) = self.entries.remove(&digest) {
                self.bytes -= reply.len() + CLAIM_ENTRY_BYTES;
            }
            if has_store && !is_old {
                self.stored.push_back((digest, at));
                self.entries.insert(digest, ClaimEntry::Stored);
            } else if digest_can_begin(digest) {
                self.insert_expired(digest, at);
            }
        }
    }

    fn evict_stored(&mut self, now: Instant) {
        while let Some((digest, at)) = self.stored.front().copied() {
            let is_old = now.duration_since(at) >= CLAIM_KEPT;
            if self.stored.len() <= CLAIMS_KNOWN_MAX && !is_old {
                break;
            }
            self.stored.pop_front();
            // A later delivery may have claimed it anew since.
            if matches!(self.entries.get(&digest), Some(ClaimEntry::Stored)) {
                self.entries.remove(&digest);
                if is_old && digest_can_begin(digest) {
                    self.insert_expired(digest, at);
                }
            }
            if !is_old {
                // Dropped while the store still has it: the store is asked until it has not.
                self.unsure_until = self.unsure_until.max(Some(at + CLAIM_KEPT));
                let unsure = Some(at + REPLAY_REFUSED);
                self.expired_unsure_until = self.expired_unsure_until.max(unsure);
            }
        }
    }

    fn evict_expired(&mut self, now: Instant, has_store: bool) {
        while let Some((digest, at)) = self.expired.front().copied() {
            let is_old = now.duration_since(at) >= REPLAY_REFUSED;
            if self.expired.len() <= EXPIRED_CLAIMS_MAX && !is_old {
                break;
            }
            self.expired.pop_front();
            if matches!(self.entries.get(&digest), Some(ClaimEntry::Expired)) {
                self.entries.remove(&digest);
            }
            // Without a store there is nothing to ask: such a replay is taken for new.
            if has_store && !is_old {
                let unsure = Some(at + REPLAY_REFUSED);
                self.expired_unsure_until = self.expired_unsure_until.max(unsure);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_digest::CAN_BEGIN;
    use super::*;

    fn first(table: &ClaimTable, digest: KeyDigest) -> ClaimGuard {
        match table.claim(digest, None) {
            ClaimState::First(guard) => guard,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_delivery_is_worked_on_and_all_get_its_reply() {
        let table = ClaimTable::new(false);
        let guard = first(&table, 1);
        let ClaimState::Running(early) = table.claim(1, None) else { panic!("a repeat") };
        drop(first(&table, 2));
        guard.complete(&Bytes::from_static(b"<Response/>"));
        assert_eq!(early.reply().await.unwrap(), "<Response/>");
        assert!(
            matches!(table.claim(1, None), ClaimState::Answered(reply, _) if reply == "<Response/>")
        );
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&table, 1));
    }

    #[tokio::test]
    async fn a_claim_that_was_dropped_is_free_again() {
        let table = ClaimTable::new(true);
        let guard = first(&table, 1);
        let ClaimState::Running(waiting) = table.claim(1, None) else { panic!("a repeat") };
        drop(guard);
        assert_eq!(waiting.reply().await, None);
        drop(first(&table, 1));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_an_evicted_claim_is_looked_up() {
        for has_store in [false, true] {
            let table = ClaimTable::new(has_store);
            let reply = Bytes::from(vec![b'x'; 10_000]);
            for number in 0..2_000 {
                first(&table, number).complete(&reply);
            }
            {
                let entries = table.lock();
                assert!(entries.bytes <= CLAIMS_BYTES_MAX + 20_000, "{}", entries.bytes);
                assert_eq!(
                    entries.bytes,
                    entries.answered.len() * (reply.len() + CLAIM_ENTRY_BYTES)
                );
                assert_eq!(entries.entries.len(), entries.answered.len() + entries.stored.len());
                assert!(entries.answered.len() > 100);
                assert_eq!(entries.stored.is_empty(), !has_store);
            }
            match table.claim(0, None) {
                ClaimState::First(_) => assert!(!has_store),
                // The reply stays in the store; a delivery that came meanwhile gets it too.
                ClaimState::LookUp(guard) => {
                    assert!(has_store);
                    let ClaimState::Running(waiting) = table.claim(0, None) else {
                        panic!("it runs")
                    };
                    guard.complete_from_store(&reply);
                    assert_eq!(waiting.reply().await.unwrap(), reply);
                    assert!(matches!(table.claim(0, None), ClaimState::LookUp(_)));
                    // Freed without a result, it is looked up again.
                    let ClaimState::LookUp(mut guard) = table.claim(0, None) else {
                        panic!("a look-up")
                    };
                    guard.mark_missing();
                    drop(guard);
                    drop(first(&table, 0));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unsure_table_asks_the_store_until_the_time_is_over() {
        let table = ClaimTable::new(true);
        table.mark_unsure();
        assert!(matches!(table.claim(7, None), ClaimState::LookUp(_)));
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&table, 7));
        // A claim that can begin something may have expired earlier.
        assert!(matches!(table.claim(CAN_BEGIN | 7, None), ClaimState::LookUp(_)));
        tokio::time::advance(REPLAY_REFUSED - CLAIM_KEPT).await;
        drop(first(&table, CAN_BEGIN | 7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loaded_claim_has_its_age() {
        let table = ClaimTable::new(true);
        tokio::time::advance(CLAIM_KEPT).await;
        let stored = |digest, age, reply| StoredClaim { digest, age, token: None, reply };
        let reply = Bytes::from_static(b"<Response/>");
        table.load([
            stored(1, Duration::from_secs(500), None),
            stored(2, Duration::from_secs(400), Some(reply)),
        ]);
        assert!(matches!(table.claim(1, None), ClaimState::LookUp(_)));
        assert!(matches!(table.claim(2, None), ClaimState::Answered(..)));
        tokio::time::advance(Duration::from_secs(100)).await;
        drop(first(&table, 1));
        assert!(matches!(table.claim(2, None), ClaimState::Answered(..)));
        tokio::time::advance(Duration::from_secs(100)).await;
        drop(first(&table, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_can_begin_is_refused_after_its_reply_is_dropped() {
        for has_store in [false, true] {
            let table = ClaimTable::new(has_store);
            for digest in [1, CAN_BEGIN | 1] {
                first(&table, digest).complete(&Bytes::from_static(b"<Response>1</Response>"));
            }
            tokio::time::advance(CLAIM_KEPT).await;
            drop(first(&table, 1));
            let state = table.claim(CAN_BEGIN | 1, None);
            assert!(matches!(state, ClaimState::Answered(reply, None) if reply == EMPTY));
            tokio::time::advance(REPLAY_REFUSED - CLAIM_KEPT).await;
            drop(first(&table, CAN_BEGIN | 1));
            assert!(table.lock().entries.is_empty() && table.lock().expired.is_empty());
        }
    }

    #[tokio::test]
    async fn expired_claims_beyond_the_limit_are_looked_up() {
        for has_store in [false, true] {
            let table = ClaimTable::new(has_store);
            let age = CLAIM_KEPT;
            let count = EXPIRED_CLAIMS_MAX as KeyDigest + 1;
            table.load_expired((0..count).map(|number| (CAN_BEGIN | number, age)).collect(), false);
            assert!(matches!(table.claim(CAN_BEGIN | (count - 1), None), ClaimState::Answered(..)));
            match table.claim(CAN_BEGIN, None) {
                ClaimState::First(_) => assert!(!has_store),
                ClaimState::LookUp(_) => assert!(has_store),
                other => panic!("{other:?}"),
            }
            drop(first(&table, 0));
            assert!(table.lock().entries.len() <= EXPIRED_CLAIMS_MAX + 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn expired_claims_that_were_not_loaded_are_looked_up_while_they_count() {
        let table = ClaimTable::new(true);
        table.load_expired(Vec::new(), true);
        tokio::time::advance(REPLAY_REFUSED - Duration::from_secs(1)).await;
        assert!(matches!(table.claim(CAN_BEGIN | 1, None), ClaimState::LookUp(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(first(&table, CAN_BEGIN | 2));
    }

    #[tokio::test(start_paused = true)]
    async fn stored_claims_beyond_the_limit_are_looked_up() {
        let table = ClaimTable::new(true);
        let age = Duration::ZERO;
        let count = CLAIMS_KNOWN_MAX as KeyDigest + 1;
        table.load((0..count).map(|digest| StoredClaim { digest, age, token: None, reply: None }));
        assert!(matches!(table.claim(0, None), ClaimState::LookUp(_)));
        assert!(matches!(table.claim(count, None), ClaimState::LookUp(_)));
        assert!(table.lock().entries.len() <= CLAIMS_KNOWN_MAX);
        // A claim that can begin something is remembered for longer.
        tokio::time::advance(CLAIM_KEPT).await;
        drop(first(&table, count));
        assert!(matches!(table.claim(CAN_BEGIN | count, None), ClaimState::LookUp(_)));
    }
}
