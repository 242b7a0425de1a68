//! Microseconds per commit of 64 callers at once, in each store, and in a file that holds a
//! thousand executions against one that holds a million: `cargo bench --bench session`.
//!
//! `SESSION_BENCH_EXECUTIONS=100000` takes another number than a million, `SESSION_BENCH_FOLDER`
//! another folder than the target's: the disk under it is what is measured.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use twimlgate::session::{Claim, Commit, Key, Saved, Sessions, StepRecord, StoreUrl};
use twimlgate::webhook::{Channel, Params, Proof, Webhook};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who commits at once.
const CALLERS: usize = 64;

/// While the store is filled, nobody waits for an answer: more at once are faster.
const FILLERS: usize = 2_048;

/// The state of an execution of some steps.
const STATE_BYTES: usize = 1_500;

/// Commits of a round. The best of the rounds counts: what disturbs one makes it longer.
const COMMITS: usize = 20_000;
const ROUNDS: usize = 5;

const FEW: usize = 1_000;

/// When these executions began, since 1970.
const BEGAN: Duration = Duration::from_secs(1_790_000_000);

#[expect(clippy::disallowed_methods, reason = "a measurement needs the real clock")]
fn time() -> Instant {
    Instant::now()
}

fn main() {
    let runtime = Builder::new_current_thread().build().expect("the system gives a runtime");
    let many = std::env::var("SESSION_BENCH_EXECUTIONS").ok();
    let many = many.map_or(1_000_000, |many| many.parse().expect("a number of executions"));
    println!("microseconds per commit, {CALLERS} callers at once, state of {STATE_BYTES} bytes");
    println!("state: an execution's state; turn: claim, reply, state, step; new: a new execution");
    println!("{:<46}{:>10}{:>10}{:>10}", "", "state", "turn", "new");

    let memory = Sessions::memory();
    fill(&runtime, &memory, FEW);
    line("memory, 1,000 executions", &measure(&runtime, &memory, FEW, (FEW, FEW)));
    let folder = std::env::var_os("SESSION_BENCH_FOLDER").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned());
    let [_, few] = in_file(&runtime, &folder, FEW);
    line("sqlite, 1,000 executions", &few);
    let began = time();
    // Of what is stored, most is over, and what goes on began lately; the worst is if all goes on.
    let [latest, all] = in_file(&runtime, &folder, many);
    for (name, figures) in [("the latest 1,000 at work", latest), ("all of them at work", all)] {
        line(&format!("sqlite, {many}, {name}"), &figures);
        let ratio: Vec<f64> = few.iter().zip(&figures).map(|(few, many)| many / few).collect();
        println!("{:<46}{:>9.2}x{:>9.2}x{:>9.2}x", "ratio", ratio[0], ratio[1], ratio[2]);
    }
    println!("(filled and measured in {:.0} s)", began.elapsed().as_secs_f64());
}

fn line(name: &str, [state, turn, new]: &[f64; 3]) {
    println!("{name:<46}{state:>10.1}{turn:>10.1}{new:>10.1}");
}

/// The figures where the latest thousand are at work, and where all are.
fn in_file(runtime: &Runtime, folder: &Path, stored: usize) -> [[f64; 3]; 2] {
    let folder = folder.join("session-bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder is ours");
    let url = StoreUrl::Sqlite(folder.join("bench.db"));
    let sessions = Sessions::open(&url, BEGAN).unwrap_or_else(|error| panic!("{error}"));
    fill(runtime, &sessions, stored);
    let latest = measure(runtime, &sessions, stored, (FEW, stored));
    let fresh = stored + 3 * ROUNDS * COMMITS;
    let all = measure(runtime, &sessions, stored, (stored, fresh));
    drop(sessions);
    let _ = std::fs::remove_dir_all(&folder);
    [latest, all]
}

fn fill(runtime: &Runtime, sessions: &Sessions, count: usize) {
    let fill = Round { what: What::New, first: 0, stored: count, at_work: count, count };
    round(runtime, sessions, fill, FILLERS);
}

/// Commits to the latest `at_work` of the executions that a store was filled with; numbers from
/// `fresh` on have not been used.
fn measure(
    runtime: &Runtime,
    sessions: &Sessions,
    stored: usize,
    (at_work, fresh): (usize, usize),
) -> [f64; 3] {
    let (mut best, mut first) = ([f64::INFINITY; 3], fresh);
    for _ in 0..ROUNDS {
        for (best, what) in best.iter_mut().zip([What::State, What::Turn, What::New]) {
            let some = Round { what, first, stored, at_work, count: COMMITS };
            *best = best.min(round(runtime, sessions, some, CALLERS));
            first += COMMITS;
        }
    }
    best
}

/// What is in a commit.
#[derive(Clone, Copy)]
enum What {
    /// An execution's state.
    State,
    /// A claim with its reply, the state, a step.
    Turn,
    /// An execution that was not there.
    New,
}

#[derive(Clone, Copy)]
struct Round {
    what: What,
    /// Never used before, nor are the `count` behind it.
    first: usize,
    stored: usize,
    /// How many of them, the latest, are committed to.
    at_work: usize,
    count: usize,
}

/// Microseconds per commit.
fn round(runtime: &Runtime, sessions: &Sessions, round: Round, callers: usize) -> f64 {
    let began = time();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let sessions = sessions.clone();
            tasks.spawn(async move {
                for number in (caller..round.count).step_by(callers) {
                    let commit = round.commit(&sessions, number).await;
                    sessions.commit(commit).await.expect("the store takes it");
                }
            });
        }
        tasks.join_all().await;
    });
    began.elapsed().as_secs_f64() * 1e6 / round.count as f64
}

impl Round {
    async fn commit(self, sessions: &Sessions, number: usize) -> Commit {
        let fresh = self.first + number;
        // All over what is at work, so that no two of a group lie together.
        let scattered = self.stored - self.at_work + (fresh * 7_919) % self.at_work;
        let now = BEGAN + Duration::from_millis(fresh as u64);
        let (execution, ticket, steps) = match self.what {
            What::New => (execution(fresh), None, Vec::new()),
            What::State => (changed(scattered, fresh), None, Vec::new()),
            What::Turn => {
                let ticket = match sessions.claim(Some(key(fresh))).await {
                    Ok(Claim::First(ticket)) => Some(ticket),
                    other => panic!("{other:?}"),
                };
                (changed(scattered, fresh), ticket, vec![step(scattered, fresh, now)])
            }
        };
        let reply = vec![b'x'; 600].into();
        Commit { ticket, reply, execution: Some(execution), steps, now }
    }
}

/// A sid that says nothing of when it was made, as real ones do.
fn sid(prefix: &str, number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{prefix}{mixed:016x}{number:016x}")
}

fn execution(number: usize) -> Saved {
    let created = BEGAN + Duration::from_millis(number as u64);
    Saved {
        sid: sid("FN", number),
        session: sid("+49", number),
        flow: "FW00000000000000000000000000000000".to_owned(),
        revision: "r1".to_owned(),
        active: true,
        created,
        updated: created,
        due: None,
        state: vec![b's'; STATE_BYTES],
    }
}

/// Another state of it: SQLite does not write a row again that has not changed.
fn changed(number: usize, change: usize) -> Saved {
    let mut execution = execution(number);
    execution.state[..8].copy_from_slice(&change.to_le_bytes());
    execution
}

fn step(execution: usize, number: usize, at: Duration) -> StepRecord {
    StepRecord {
        sid: sid("FT", number),
        execution: sid("FN", execution),
        name: "incomingMessage".to_owned(),
        from: "Trigger".to_owned(),
        to: "ask_for_the_name".to_owned(),
        kind: "trigger".to_owned(),
        at,
        context: vec![b'c'; 500],
    }
}

fn key(number: usize) -> Key {
    let webhook = Webhook {
        proof: Proof::Signed,
        account: None,
        path: "/sms".to_owned(),
        query: Params::default(),
        params: [("MessageSid", sid("SM", number).as_str())].into_iter().collect(),
        body: Default::default(),
        idempotency_token: None,
    };
    Key::of(&webhook, Channel::Message).expect("a message has a key")
}
