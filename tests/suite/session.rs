//! What every store does, each behaviour tried on each store; and what only a file does.

mod busy;
mod claims;
mod damage;
mod executions;
mod file;
pub(crate) mod full;
mod known;
mod replaced;
mod sync;
mod turns;

use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::web::Bytes;
use twimlgate::channel::Channel;
use twimlgate::session::{Claim, Commit, Key, Saved, Sessions, StepRecord, StoreUrl, Ticket};
use twimlgate::webhook::{Params, Webhook};

/// A time of these tests: some day in 2026.
const NOW: Duration = Duration::from_secs(1_790_000_000);

/// Where a store is opened, perhaps more than once.
struct Place {
    url: StoreUrl,
}

// === impl Place ===

impl Place {
    /// A file that is not there yet, in a folder that is the test's.
    fn file(test: &str) -> Place {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("session-{test}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Place { url: StoreUrl::Sqlite(folder.join("store.db")) }
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
            StoreUrl::Memory => panic!("it has no file"),
        }
    }

    /// The file, for a look from outside.
    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// The files beside it whose names begin as its own does, with this behind it.
    fn beside(&self, ending: &str) -> Vec<PathBuf> {
        let name = format!("{}{ending}", self.path().display());
        let folder = self.path().parent().unwrap().read_dir().unwrap();
        let paths = folder.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().starts_with(&name)).collect()
    }
}

/// Tries a behaviour on every store, each empty.
async fn every(test: &str, behaviour: impl AsyncFn(Sessions)) {
    for place in [Place { url: StoreUrl::Memory }, Place::file(test)] {
        println!("{:?}", place.url);
        behaviour(place.open()).await;
    }
}

/// The key of a message.
fn key(sid: &str) -> Key {
    let webhook = Webhook {
        account: None,
        path: "/sms".to_owned(),
        query: Params::default(),
        params: [("MessageSid", sid)].into_iter().collect(),
        body: Bytes::new(),
        idempotency_token: None,
    };
    Key::of(&webhook, Channel::Message).expect("a message has a key")
}

async fn first(sessions: &Sessions, sid: &str) -> Ticket {
    match sessions.claim(Some(key(sid))).await {
        Ok(Claim::First(ticket)) => ticket,
        other => panic!("{sid}: {other:?}"),
    }
}

async fn answered(sessions: &Sessions, sid: &str) -> Bytes {
    match sessions.claim(Some(key(sid))).await {
        Ok(Claim::Answered(reply)) => reply,
        other => panic!("{sid}: {other:?}"),
    }
}

fn saved(number: u32) -> Saved {
    let at = NOW + Duration::from_nanos(number.into());
    Saved {
        sid: format!("FN{number}"),
        session: format!("session {number}"),
        flow: "FW1".to_owned(),
        revision: "r1".to_owned(),
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

/// A commit of an execution alone.
fn of(execution: Saved) -> Commit {
    let execution = Some(execution);
    Commit { ticket: None, reply: Bytes::new(), execution, steps: Vec::new(), now: NOW }
}

/// A commit of a reply alone.
fn reply(ticket: Ticket, reply: impl Into<Bytes>) -> Commit {
    let (ticket, reply) = (Some(ticket), reply.into());
    Commit { ticket, reply, execution: None, steps: Vec::new(), now: NOW }
}

async fn save(sessions: &Sessions, execution: Saved) {
    sessions.commit(of(execution)).await.unwrap();
}
