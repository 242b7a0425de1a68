//! `SIGKILL` at every write, every sync and every packet of one short scenario, by `strace`.

mod trace;

use std::fs;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier::{Ask, Reply, send};
use crate::function::Function;
use crate::gateway::{Gateway, Setup, can_trace};
use crate::rng::Rng;
use crate::talk::Talk;
use trace::Trace;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "sweep",
    asserts: "a kill at any write or sync loses and doubles nothing, and no answer leaves unsynced",
    unit: "points at most",
    quick: 100,
    long: 100_000,
    run,
};

/// What is swept: a file's calls, and those that send a request or an answer.
const FILE_CALLS: [&str; 5] = ["pwrite64", "fsync", "fdatasync", "ftruncate", "unlink"];
const SOCKET_CALLS: [&str; 2] = ["sendto", "writev"];

/// Whether the store is there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// No: the thread that opens it makes it.
    Fresh,
    /// Yes: it only gets the writes of the scenario. `strace` counts for each thread, so in a fresh
    /// one the first writes of the thread that opens it would hide those of the thread that writes.
    Begun,
}

/// Where to kill: at the `number`-th of these calls, before it is done.
#[derive(Clone, Copy, Debug)]
struct Point {
    store: Store,
    call: &'static str,
    number: u64,
}

/// One run of the scenario.
struct Scenario<'a> {
    gateway: Gateway,
    function: &'a Function,
    findings: &'a Findings,
    at: String,
    /// How often the gateway was found dead.
    deaths: u32,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    if !can_trace() {
        return Ok(Ran::Skipped("`strace` is not there".to_owned()));
    }
    let function = Function::start(context.seed, 1).map_err(|error| error.to_string())?;
    let mut points = Vec::new();
    for store in [Store::Fresh, Store::Begun] {
        let trace = undisturbed(context, &function, findings, store)?;
        points.extend(all(&trace, store));
    }
    let found = points.len();
    let chosen = chosen(points, context);
    let (mut tried, mut killed) = (0, 0);
    let mut missed = Vec::new();
    for (number, point) in chosen.iter().enumerate() {
        let mut scenario = Scenario::new(context, &function, findings, *point, "point")?;
        let program = strace(&scenario.gateway, Some(point));
        scenario.plays(point.store, &program, 1 + number as u64, context.seed)?;
        tried += 1;
        killed += u64::from(scenario.deaths > 0);
        if scenario.deaths == 0 {
            missed.push(scenario.at.clone());
        }
        findings.extend(function.violations());
        if findings.enough() {
            break;
        }
    }
    let amount = format!("{tried} of {found} points, {killed} of them reached");
    let notes = match missed.is_empty() {
        true => Vec::new(),
        // Groups form by chance, so the last points of a trace are not in every run.
        false => vec![format!("not reached: {}", missed.join("; "))],
    };
    Ok(Ran::Done { amount, notes })
}

/// The scenario without a kill: what it calls; and that each answer waits for the disk.
fn undisturbed(
    context: &Context,
    function: &Function,
    findings: &Findings,
    store: Store,
) -> Result<Trace, String> {
    let point = Point { store, call: "none", number: 0 };
    let mut scenario = Scenario::new(context, function, findings, point, "undisturbed")?;
    let program = strace(&scenario.gateway, None);
    scenario.plays(store, &program, if store == Store::Fresh { 90_001 } else { 90_002 }, 1)?;
    findings.extend(function.violations());
    let file = scenario.gateway.folder.join("trace");
    let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let trace = Trace::read(&text);
    if trace.answers == 0 {
        return Err(format!("no answer is in {}", file.display()));
    }
    for line in &trace.unsynced {
        findings.add(Violation {
            at: format!("the undisturbed run, {store:?} store"),
            sent: "the scenario".to_owned(),
            expected: "a sync of the log between its last write and the answer".to_owned(),
            came: line.clone(),
        });
    }
    Ok(trace)
}

/// Every point of a trace.
fn all(trace: &Trace, store: Store) -> Vec<Point> {
    let calls = FILE_CALLS.iter().chain(&SOCKET_CALLS);
    let points = calls.flat_map(|call| {
        let most = trace.most(call);
        (1..=most).map(move |number| Point { store, call, number })
    });
    points.collect()
}

/// As many of them as are wanted, evenly; which ones depends on the seed.
fn chosen(points: Vec<Point>, context: &Context) -> Vec<Point> {
    let every = (points.len() as u64).div_ceil(context.amount.max(1)).max(1) as usize;
    let first = context.seed as usize % every;
    points.into_iter().skip(first).step_by(every).collect()
}

/// The program that traces, and kills at a point.
fn strace(gateway: &Gateway, point: Option<&Point>) -> Vec<String> {
    // `-D`: the gateway is our child, and not a grandchild.
    let mut words: Vec<String> = ["strace", "-D", "-f", "-q", "-q"].map(str::to_owned).to_vec();
    let file = |name: &str| format!("{}/{name}", gateway.folder.display());
    let sockets = point.is_some_and(|point| SOCKET_CALLS.contains(&point.call));
    match point {
        Some(Point { call, number, .. }) => words.extend([
            "-o".to_owned(),
            "/dev/null".to_owned(),
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:signal=KILL:when={number}"),
        ]),
        None => {
            let calls = [&FILE_CALLS[..], &SOCKET_CALLS[..]].concat().join(",");
            words.extend(["-y", "-o"].map(str::to_owned));
            words.extend([file("trace"), "-e".to_owned(), format!("trace={calls}")]);
        }
    }
    if point.is_some() && !sockets {
        for name in ["", "store.db", "store.db-wal", "store.db-journal"] {
            let file = file(name);
            words.extend(["-P".to_owned(), file.trim_end_matches('/').to_owned()]);
        }
    }
    words
}

impl<'a> Scenario<'a> {
    fn new(
        context: &Context,
        function: &'a Function,
        findings: &'a Findings,
        point: Point,
        name: &str,
    ) -> Result<Scenario<'a>, String> {
        let setup = Setup { store: "sqlite:store.db", workers: 1, function: function.address };
        let gateway = Gateway::new(context, name, &setup)?;
        let Point { store, call, number } = point;
        let at = format!("{call} number {number}, {store:?} store");
        Ok(Scenario { gateway, function, findings, at, deaths: 0 })
    }

    /// A call and a chat, one webhook after the other, then all of them again.
    fn plays(
        &mut self,
        store: Store,
        program: &[String],
        number: u64,
        seed: u64,
    ) -> Result<(), String> {
        if store == Store::Begun {
            self.gateway.start()?;
            self.gateway.ready()?;
            self.gateway.kill()?;
        }
        self.function.next_life()?;
        self.gateway.start_under(program)?;
        if !self.gateway.ready()? {
            self.again()?;
        }
        let mut rng = Rng::new(seed, number);
        let mut answered = Vec::new();
        for side in 0..2 {
            let mut talk = Talk::new(2 * number + side, &mut rng);
            for turn in 0..3 {
                let word = talk.word(turn == 2, &mut rng);
                let ask = talk.ask(&word, &mut rng);
                let reply = self.delivered(&ask)?;
                if let Some(step) = talk.step(&word) {
                    self.function.acknowledged(step);
                }
                if let Err(expected) = talk.heard(&ask, &word, &reply) {
                    self.violated(&ask, expected, &reply);
                    return Ok(());
                }
                answered.push((ask, reply));
            }
        }
        for (ask, first) in answered {
            let reply = self.delivered(&ask)?;
            if reply != first {
                self.violated(&ask, format!("the bytes of the first time: {first}"), &reply);
            }
        }
        Ok(())
    }

    /// Sends until it is answered; a gateway that was killed is started again, undisturbed.
    fn delivered(&mut self, ask: &Ask) -> Result<Reply, String> {
        let bytes = ask.bytes();
        for _ in 0..3 {
            match send(self.gateway.address, &bytes) {
                Ok(reply) => return Ok(reply),
                Err(_) => self.again()?,
            }
        }
        Err(format!("{}: no answer to {ask}", self.at))
    }

    fn again(&mut self) -> Result<(), String> {
        self.deaths += 1;
        self.gateway.kill()?;
        self.function.next_life()?;
        self.gateway.start()?;
        match self.gateway.ready()? {
            true => Ok(()),
            false => Err(format!("{}: killed without a reason", self.at)),
        }
    }

    fn violated(&self, ask: &Ask, expected: String, came: &Reply) {
        let (at, sent) = (self.at.clone(), ask.to_string());
        self.findings.add(Violation { at, sent, expected, came: came.to_string() });
    }
}
