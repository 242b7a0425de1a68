//! What every store does, each behaviour tested on each store; and what only a file does.

mod busy;
mod claims;
mod cut;
mod damage;
mod executions;
mod file;
pub(crate) mod full;
mod locks;
mod replaced;
mod session_index;
mod shared;
mod sync;

use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::web::Bytes;
use twimlgate::channel::Channel;
use twimlgate::session::{
    ClaimGuard, ClaimKey, ClaimOutcome, Commit, PostgresUrl, Sessions, StepRecord, StoreUrl,
    StoredExecution,
};
use twimlgate::webhook::{Params, Webhook};

use crate::support::postgres::cluster;

/// The time of these tests: a day in 2026.
const NOW: Duration = Duration::from_secs(1_790_000_000);

/// The URL of a store, which a test may open more than once.
struct TestStore {
    url: StoreUrl,
}

// === impl TestStore ===

impl TestStore {
    /// A file that does not exist yet, in a folder of the test.
    fn file(test: &str) -> TestStore {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{test}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        TestStore { url: StoreUrl::Sqlite(folder.join("store.db")) }
    }

    /// A schema that does not exist yet. `None` where PostgreSQL is not installed.
    fn postgres(test: &str) -> Option<TestStore> {
        let cluster = cluster()?;
        let url = cluster.url(&cluster.schema(test), cluster.port, "test");
        let url = PostgresUrl::parse(&url, Path::new(".")).unwrap();
        Some(TestStore { url: StoreUrl::Postgres(Box::new(url)) })
    }

    fn open(&self) -> Sessions {
        self.open_at(NOW)
    }

    fn open_at(&self, now: Duration) -> Sessions {
        Sessions::open(&self.url, now).unwrap_or_else(|error| panic!("{error}"))
    }

    fn path(&self) -> &Path {
        match &self.url {
            StoreUrl::Sqlite(path) => path,
            StoreUrl::Memory | StoreUrl::Postgres(_) => panic!("it has no file"),
        }
    }

    /// A connection to the file from outside of the store.
    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// The files beside it whose names are its own name with this suffix, and anything after it.
    fn beside(&self, ending: &str) -> Vec<PathBuf> {
        let name = format!("{}{ending}", self.path().display());
        let folder = self.path().parent().unwrap().read_dir().unwrap();
        let paths = folder.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().starts_with(&name)).collect()
    }
}

/// Tests a behaviour on every store, each empty.
async fn on_every_store(test: &str, behaviour: impl AsyncFn(Sessions)) {
    let stores = [TestStore { url: StoreUrl::Memory }, TestStore::file(test)];
    for store in stores.into_iter().chain(TestStore::postgres(test)) {
        println!("{:?}", store.url);
        behaviour(store.open()).await;
    }
}

/// The webhook of a message.
fn message(sid: &str) -> Webhook {
    Webhook {
        account: None,
        path: "/sms".to_owned(),
        query: Params::default(),
        params: [("MessageSid", sid)].into_iter().collect(),
        body: Bytes::new(),
        payload: None,
        idempotency_token: None,
        cookies: String::new(),
    }
}

/// The key of a message.
fn key(sid: &str) -> ClaimKey {
    ClaimKey::from_webhook(&message(sid), Channel::Message).expect("a message has a key")
}

async fn claim_first(sessions: &Sessions, sid: &str) -> ClaimGuard {
    match sessions.claim(Some(&key(sid))).await {
        Ok(ClaimOutcome::First(claim)) => claim,
        other => panic!("{sid}: {other:?}"),
    }
}

async fn claim_answered(sessions: &Sessions, sid: &str) -> Bytes {
    match sessions.claim(Some(&key(sid))).await {
        Ok(ClaimOutcome::Answered { reply, .. }) => reply,
        other => panic!("{sid}: {other:?}"),
    }
}

fn sample(number: u32) -> StoredExecution {
    let at = NOW + Duration::from_nanos(number.into());
    StoredExecution {
        sid: format!("FN{number}"),
        session: format!("session {number}"),
        flow: "FW1".to_owned(),
        revision: "r1".to_owned(),
        version: 1,
        active: true,
        created: at,
        updated: at,
        due: None,
        state: vec![number as u8; 1_500],
    }
}

fn step(execution: u32, number: u32) -> StepRecord {
    StepRecord {
        sid: format!("FT{number}"),
        execution: format!("FN{execution}"),
        name: "incomingMessage".to_owned(),
        from: "Trigger".to_owned(),
        to: format!("widget_{number}"),
        kind: "trigger".to_owned(),
        at: NOW + Duration::from_secs(number.into()),
        context: format!("{{\"number\":{number}}}").into_bytes(),
    }
}

/// A commit of an execution without a reply.
fn state_commit(execution: StoredExecution) -> Commit {
    Commit::new(execution, Vec::new(), NOW)
}

/// A commit of a reply without an execution.
fn reply_commit(claim: ClaimGuard, reply: impl Into<Bytes>) -> Commit {
    Commit { claim: Some(claim), reply: reply.into(), now: NOW, ..Commit::default() }
}

async fn save(sessions: &Sessions, execution: StoredExecution) {
    sessions.commit(state_commit(execution)).await.unwrap();
}
