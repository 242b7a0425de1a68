//! Whether the time to a refusal tells something: how much of a signature is right, or which
//! accounts are configured. Two classes of requests come at random, and their times are compared.

mod requests;
mod welch;

use std::io::BufReader;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use twimlgate::gateway::Gateway as Loaded;
use twimlgate::metrics::Metrics;
use twimlgate::verify::Verifier;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::carrier;
use crate::function::Function;
use crate::gateway::{Gateway, Setup};
use crate::http;
use crate::rng::Rng;
use requests::{PAIRS, Pair, Requests};
use welch::{Difference, compare};

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "timing",
    asserts: "the time to a refusal tells neither how much of a signature is right nor which \
              accounts there are",
    unit: "measurements of each class, and a twentieth as many over a socket",
    quick: 100_000,
    long: 1_000_000,
    run,
};

/// What |t| stays below. dudect calls 4.5 a leak and 10 a certain one.
const T_MAX: f64 = 5.0;

/// A t beyond that is looked at again with fresh times: only what comes each time, and in the same
/// direction, is a leak. By chance it comes once in ten thousand tests, and never three times.
const TRIES: usize = 3;

/// Over a socket, one measurement for so many in the process.
const SOCKET_PART: u64 = 20;

/// Requests that are made before their times are taken, one after the other.
const BATCH: u64 = 500;

/// What is measured.
enum Subject<'a> {
    /// The check alone, in this process.
    Verifier(&'a Verifier),
    /// The released gateway, over a connection for each: a refusal ends it.
    Socket(SocketAddr),
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let function = Function::start(context.seed, 0).map_err(|error| error.to_string())?;
    let setup = Setup { store: "memory:", workers: 1, function: function.address };
    let mut gateway = Gateway::new(context, "gateway", &setup)?;
    gateway.reconfigure(|config| config + requests::MORE_ACCOUNTS)?;
    let file = gateway.folder.join("config.toml");
    let (loaded, problems) = Loaded::load(&file, &Metrics::new());
    let loaded = loaded.ok_or_else(|| problems.to_string())?;
    gateway.start()?;
    gateway.ready()?;
    let subjects = [
        ("in the process", Subject::Verifier(&loaded.verifier), context.amount),
        ("over a socket", Subject::Socket(gateway.address), context.amount.div_ceil(SOCKET_PART)),
    ];
    let mut notes = Vec::new();
    let mut largest: f64 = 0.0;
    for (place, subject, amount) in &subjects {
        for pair in &PAIRS {
            let at = format!("{}, {place}", pair.name);
            let tries = tried(subject, pair, *amount, context.seed)?;
            let last = tries.last().copied().unwrap_or_default();
            largest = if pair.least > 0.0 { largest } else { largest.max(last.t.abs()) };
            notes.push(format!("{at}: {}", shown(&tries)));
            if tries.len() == TRIES && leaks(&tries, pair) {
                let expected = format!("|t| < {T_MAX}, or less than {} ns", pair.least);
                let sent = format!("{amount} requests of each class, {TRIES} times");
                let came = format!("{}; {:.1} ns", shown(&tries), last.nanoseconds);
                findings.add(Violation { at, sent, expected, came });
            }
        }
    }
    let (each, socket, pairs) = (subjects[0].2, subjects[1].2, PAIRS.len());
    let amount = format!(
        "{pairs} pairs of classes, {each} measurements of each class and {socket} over a socket, \
         largest t of the comparison {largest:.1}"
    );
    Ok(Ran::Done { amount, notes })
}

/// Measures until the times do not differ, at most so many times.
fn tried(
    subject: &Subject<'_>,
    pair: &Pair,
    amount: u64,
    seed: u64,
) -> Result<Vec<Difference>, String> {
    let mut tries = Vec::new();
    for number in 0..TRIES {
        let mut rng = Rng::new(seed, number as u64);
        let difference = compare(measured(subject, pair, amount, &mut rng)?);
        tries.push(difference);
        if !leaks(&tries, pair) {
            break;
        }
    }
    Ok(tries)
}

/// Whether each try has found the same.
fn leaks(tries: &[Difference], pair: &Pair) -> bool {
    let beyond = |sign: f64| {
        tries.iter().all(|it| it.t * sign >= T_MAX && it.nanoseconds.abs() >= pair.least)
    };
    beyond(1.0) || beyond(-1.0)
}

fn shown(tries: &[Difference]) -> String {
    let shown = |Difference { t, nanoseconds, kept }: &Difference| {
        format!("t {t:.1} ({nanoseconds:+.1} ns, {:.0} % kept)", kept * 100.0)
    };
    tries.iter().map(shown).collect::<Vec<_>>().join(", then ")
}

/// The times of both classes in nanoseconds, which come at random.
fn measured(
    subject: &Subject<'_>,
    pair: &Pair,
    amount: u64,
    rng: &mut Rng,
) -> Result<[Vec<u32>; 2], String> {
    let requests = Requests::new(rng);
    accepted(subject, &requests)?;
    let mut times = [Vec::new(), Vec::new()];
    let mut left = 2 * amount;
    while left > 0 {
        let batch = left.min(BATCH);
        left -= batch;
        let classes: Vec<usize> = (0..batch).map(|_| rng.below(2) as usize).collect();
        let took = match subject {
            Subject::Verifier(verifier) => in_process(verifier, pair, &requests, &classes, rng)?,
            Subject::Socket(address) => over_socket(*address, pair, &requests, &classes, rng)?,
        };
        classes.iter().zip(took).for_each(|(class, time)| times[*class].push(time));
    }
    Ok(times)
}

/// The control: every message is accepted as it was signed.
fn accepted(subject: &Subject<'_>, requests: &Requests) -> Result<(), String> {
    for request in requests.right() {
        let came = match subject {
            Subject::Verifier(verifier) => verifier.verify(request.received()).map(|_| 200),
            Subject::Socket(address) => {
                let reply = carrier::send(*address, &request.bytes());
                Ok(reply.map_err(|error| error.to_string())?.status)
            }
        };
        if came != Ok(200) {
            return Err(format!("a signature that is right is not accepted: {came:?}"));
        }
    }
    Ok(())
}

/// The only clock that is read: it cannot be stopped, and costs the least.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn now() -> Instant {
    Instant::now()
}

fn since(began: Instant) -> u32 {
    u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX)
}

fn in_process(
    verifier: &Verifier,
    pair: &Pair,
    requests: &Requests,
    classes: &[usize],
    rng: &mut Rng,
) -> Result<Vec<u32>, String> {
    let made = classes.iter().map(|class| (pair.make)(requests, *class, rng).received());
    let made: Vec<_> = made.collect();
    let mut times = Vec::with_capacity(made.len());
    for received in made {
        let began = now();
        let accepted = verifier.verify(received).is_ok();
        times.push(since(began));
        if accepted {
            return Err(format!("{}: a signature fits that is wrong", pair.name));
        }
    }
    Ok(times)
}

fn over_socket(
    address: SocketAddr,
    pair: &Pair,
    requests: &Requests,
    classes: &[usize],
    rng: &mut Rng,
) -> Result<Vec<u32>, String> {
    let made = classes.iter().map(|class| (pair.make)(requests, *class, rng).bytes());
    let made: Vec<_> = made.collect();
    let told = |error: std::io::Error| format!("{}: {error}", pair.name);
    let mut times = Vec::with_capacity(made.len());
    for bytes in made {
        let mut stream = carrier::connect(address).map_err(told)?;
        let began = now();
        stream.write_all(&bytes).map_err(told)?;
        let reply = http::read(&mut BufReader::new(&stream)).map_err(told)?;
        times.push(since(began));
        if reply.status() != 403 {
            return Err(format!("{}: {}, not 403", pair.name, reply.first));
        }
    }
    Ok(times)
}
