//! Microseconds per commit of 64 callers at once, in each store, and in a file that holds a
//! thousand executions against one that holds a million: `cargo bench --bench session`.
//!
//! Both files are at work in turns, in short rounds, and the median of the rounds' ratios counts:
//! what disturbs the disk for a while then disturbs both. `SESSION_BENCH_EXECUTIONS=100000` takes
//! another number than a million, `SESSION_BENCH_FOLDER` another folder than the target's: the disk
//! under it is what is measured, and `/dev/shm` leaves it out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use twimlgate::channel::Channel;
use twimlgate::session::{
    ClaimKey, ClaimOutcome, Commit, Sessions, StepRecord, StoreUrl, StoredExecution,
};
use twimlgate::webhook::{Params, Webhook};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who commits at once.
const CALLERS: usize = 64;

/// While the store is filled, no latency is measured: more at once are faster.
const FILLERS: usize = 2_048;

/// The state of an execution of some steps.
const STATE_BYTES: usize = 1_500;

/// Commits of a round, and rounds of each kind in each file.
const COMMITS: usize = 4_000;
const ROUNDS: usize = 15;

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
    println!("medians of {ROUNDS} rounds, and the middle half of their ratios in brackets");
    println!("{:<42}{:>20}{:>20}{:>20}", "", "state", "turn", "new");

    let mut memory = Bench::begin(&runtime, Sessions::memory(), FEW, FEW);
    let figures = KINDS.map(|what| median(&mut memory.rounds(&runtime, what)));
    line("memory, 1,000 executions", figures.map(|figure| format!("{figure:.1}")));
    let folder = std::env::var_os("SESSION_BENCH_FOLDER").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned());
    let folder = folder.join("session-bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the folder is ours");
    let began = time();
    // Of what is stored, most is over, and what goes on began lately; the worst is if all goes on.
    for (name, at_work) in [("the latest 1,000 at work", FEW), ("all of them at work", many)] {
        // Both begin anew: they grow as they are measured.
        let [mut small, mut large] = [(FEW, FEW), (many, at_work)].map(|(stored, at_work)| {
            let url = StoreUrl::Sqlite(folder.join(format!("{stored}-{name}.db")));
            let sessions = Sessions::open(&url, BEGAN).unwrap_or_else(|error| panic!("{error}"));
            Bench::begin(&runtime, sessions, stored, at_work)
        });
        let compared = KINDS.map(|what| compared(&runtime, what, &mut small, &mut large));
        line("sqlite, 1,000", compared.map(|[few, ..]| format!("{few:.1}")));
        let name = format!("sqlite, {many}, {name}");
        line(&name, compared.map(|[_, many, ..]| format!("{many:.1}")));
        let ratio = |[.., ratio, from, to]: [f64; 5]| format!("{ratio:.2} x [{from:.2}..{to:.2}]");
        line("ratio", compared.map(ratio));
    }
    println!("(filled and measured in {:.0} s)", began.elapsed().as_secs_f64());
    let _ = std::fs::remove_dir_all(&folder);
}

fn line(name: &str, [state, turn, new]: [String; 3]) {
    println!("{name:<42}{state:>20}{turn:>20}{new:>20}");
}

/// Microseconds of each, the ratio of the second to the first, and its quartiles.
fn compared(runtime: &Runtime, what: What, small: &mut Bench, large: &mut Bench) -> [f64; 5] {
    let (mut few, mut many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let (one, other) = if number % 2 == 0 {
            let one = small.round(runtime, what);
            (one, large.round(runtime, what))
        } else {
            let other = large.round(runtime, what);
            (small.round(runtime, what), other)
        };
        few.push(one);
        many.push(other);
        ratios.push(other / one);
    }
    let ratio = median(&mut ratios);
    [median(&mut few), median(&mut many), ratio, ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]]
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// A store that was filled.
struct Bench {
    sessions: Sessions,
    stored: usize,
    /// How many of them, the latest, go on and are committed to; the others are over.
    at_work: usize,
    /// A number that has not been used, nor has any above it.
    fresh: usize,
    /// How often each that is stored was changed.
    versions: Arc<[AtomicU64]>,
}

impl Bench {
    fn begin(runtime: &Runtime, sessions: Sessions, stored: usize, at_work: usize) -> Bench {
        let fill = Round { what: What::New, first: 0, stored, at_work, count: stored };
        let versions = (0..stored).map(|_| AtomicU64::new(0)).collect();
        let bench = Bench { sessions, stored, at_work, fresh: stored, versions };
        round(&bench, runtime, fill, FILLERS);
        bench
    }

    /// Microseconds per commit.
    fn round(&mut self, runtime: &Runtime, what: What) -> f64 {
        let (first, stored, at_work) = (self.fresh, self.stored, self.at_work);
        self.fresh += COMMITS;
        let some = Round { what, first, stored, at_work, count: COMMITS };
        round(self, runtime, some, CALLERS)
    }

    fn rounds(&mut self, runtime: &Runtime, what: What) -> Vec<f64> {
        (0..ROUNDS).map(|_| self.round(runtime, what)).collect()
    }
}

const KINDS: [What; 3] = [What::State, What::Turn, What::New];

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
    /// How many of them, the latest, go on and are committed to.
    at_work: usize,
    count: usize,
}

/// Microseconds per commit.
fn round(bench: &Bench, runtime: &Runtime, round: Round, callers: usize) -> f64 {
    let began = time();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (sessions, versions) = (bench.sessions.clone(), Arc::clone(&bench.versions));
            tasks.spawn(async move {
                for number in (caller..round.count).step_by(callers) {
                    let commit = round.commit(&sessions, number, &versions).await;
                    sessions.commit(commit).await.expect("the store takes it");
                }
            });
        }
        tasks.join_all().await;
    });
    began.elapsed().as_secs_f64() * 1e6 / round.count as f64
}

impl Round {
    async fn commit(self, sessions: &Sessions, number: usize, versions: &[AtomicU64]) -> Commit {
        let fresh = self.first + number;
        // All over what is at work, so that no two of a group lie together.
        let scattered = self.stored - self.at_work + (fresh * 7_919) % self.at_work;
        let now = BEGAN + Duration::from_millis(fresh as u64);
        let (execution, claim, steps) = match self.what {
            What::New => {
                let active = fresh >= self.stored - self.at_work;
                (StoredExecution { active, ..execution(fresh) }, None, Vec::new())
            }
            What::State => (changed(scattered, fresh, versions), None, Vec::new()),
            What::Turn => {
                let claim = match sessions.claim(Some(&key(fresh))).await {
                    Ok(ClaimOutcome::First(claim)) => Some(claim),
                    other => panic!("{other:?}"),
                };
                let changed = changed(scattered, fresh, versions);
                (changed, claim, vec![step(scattered, fresh, now)])
            }
        };
        let reply = vec![b'x'; 600].into();
        Commit { claim, reply, execution: Some(execution), steps, now, ..Commit::default() }
    }
}

/// A sid or a person's number that says nothing of when it was made, as real ones do.
fn sid(prefix: &str, number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{prefix}{mixed:016x}{number:016x}")
}

/// The sid of an execution: it begins with the time at which that began, as real ones do.
fn execution_sid(number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("FN{number:012x}0000{mixed:016x}")
}

fn execution(number: usize) -> StoredExecution {
    let created = BEGAN + Duration::from_millis(number as u64);
    StoredExecution {
        sid: execution_sid(number),
        session: sid("+49", number),
        flow: "FW00000000000000000000000000000000".to_owned(),
        revision: "r1".to_owned(),
        version: 1,
        active: true,
        created,
        updated: created,
        due: None,
        state: vec![b's'; STATE_BYTES],
    }
}

/// Another state of it, as of a later turn: SQLite does not write a row again that has not changed.
fn changed(number: usize, change: usize, versions: &[AtomicU64]) -> StoredExecution {
    let mut execution = execution(number);
    // No two callers change the same one at once.
    execution.version = versions[number].fetch_add(1, Relaxed) + 2;
    execution.state[..8].copy_from_slice(&change.to_le_bytes());
    execution.updated = BEGAN + Duration::from_millis(change as u64);
    execution
}

fn step(execution: usize, number: usize, at: Duration) -> StepRecord {
    StepRecord {
        sid: sid("FT", number),
        execution: execution_sid(execution),
        name: "incomingMessage".to_owned(),
        from: "Trigger".to_owned(),
        to: "ask_for_the_name".to_owned(),
        kind: "trigger".to_owned(),
        at,
        context: vec![b'c'; 500],
    }
}

fn key(number: usize) -> ClaimKey {
    let webhook = Webhook {
        account: None,
        path: "/sms".to_owned(),
        query: Params::default(),
        params: [("MessageSid", sid("SM", number).as_str())].into_iter().collect(),
        body: Default::default(),
        payload: None,
        idempotency_token: None,
        cookies: String::new(),
    };
    ClaimKey::from_webhook(&webhook, Channel::Message).expect("a message has a key")
}
