//! Faults as a carrier sees them, over the whole exchange: what the caller gets, within what time,
//! and what the store holds afterwards. `tests/faults.md` has all of them in one table.

mod function;
pub(crate) mod panics;
mod store;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use twimlgate::clock;
use twimlgate::session::{Sessions, StoreUrl};

use crate::support::rig::{Reply, Rig};

/// What a caller hears when nothing better is known.
const FALLBACK: &str = include_str!("../../templates/fallback/message.xml");

/// What is answered where the function does as it should.
const ANSWER: &str = "<Response><Message>Not now.</Message></Response>\n";

/// `server.answer_within_ms` of these tests.
const WITHIN: Duration = Duration::from_secs(1);

/// A file for a store, in a folder that is the test's.
fn file(test: &str) -> PathBuf {
    let file = file_of(test);
    let folder = file.parent().unwrap();
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    file
}

/// The same file, as it is.
fn file_of(test: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{test}")).join("store.db")
}

/// The store in a file, as soon as whoever had it before has let it go.
fn open(file: &Path) -> Sessions {
    let began = clock::now();
    loop {
        match Sessions::open(&StoreUrl::Sqlite(file.to_owned()), clock::wall()) {
            Ok(sessions) => return sessions,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(5), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A gateway on a store, with one function at `url` on one route.
fn gateway(sessions: Sessions, url: &str, keys: &str) -> Rig {
    let routes = format!(
        "# within {}\n[function.lookup]\nurl = \"{url}\"\ntimeout_ms = 300\n{keys}\n\
         [route.\"/sms\"]\nchannel = \"message\"\nfunction = \"lookup\"\n\
         success = \"sorry-fixed.xml\"\n",
        WITHIN.as_millis()
    );
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    Rig::start_on(sessions, nobody, &routes)
}

/// A message, and that its answer came in time: within the deadline, and what a busy machine adds.
async fn message(rig: &Rig, sid: &str) -> Reply {
    let params = [("MessageSid", sid), ("From", "+1555"), ("To", "+1999"), ("Body", "hi")];
    let began = clock::now();
    let reply = rig.post("/sms", &params).await;
    assert!(began.elapsed() < 2 * WITHIN, "it took {:?}", began.elapsed());
    assert_eq!(reply.status, 200);
    reply
}

/// Rows of a table.
fn count(file: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}
