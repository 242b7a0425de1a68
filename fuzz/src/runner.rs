//! The run of one target: seeds first, then what grows from them, until the time is over.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};
use std::collections::HashSet;
use tokio::time::Instant;
use twimlgate::clock;

use crate::grow::Pool;
use crate::shrink::shrink;
use crate::targets::random::Random;
use crate::targets::{Judged, TARGETS, Target, root};
use crate::{panics, targets};

/// No input may take longer: time of the processor, where Linux tells it.
const TIME_MAX: Duration = Duration::from_secs(2);
/// An input that takes longer than this by the clock is kept, and ends the run.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// Bytes that one input may allocate, all added up.
const ALLOCATED_MAX: usize = 512 << 20;

/// What came of a run.
#[derive(Debug)]
pub struct Summary {
    name: &'static str,
    executions: u64,
    grown: u64,
    /// How many inputs are findings: the first one ends a run.
    pub findings: u64,
    seconds: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, executions, grown, findings, seconds } = self;
        write!(
            formatter,
            "{name}: {executions} executions, {grown} new inputs, {findings} findings, \
             {seconds:.0} s"
        )
    }
}

/// The input at hand, for the one who looks whether it ever ends.
static AT_HAND: Mutex<Option<(Instant, Vec<u8>)>> = Mutex::new(None);

/// The target of a name.
pub(crate) fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

/// Fuzzes a target.
///
/// # Panics
/// Where there is no such target.
pub fn run(name: &str, seconds: u64, seed: u64) -> Summary {
    let target = named(name).unwrap_or_else(|| panic!("there is no target `{name}`"));
    panics::listen();
    watch(target);
    let mut random = Random::new(seed);
    let mut seeds: Vec<Vec<u8>> = target.corpus().into_iter().map(|(_, text)| text).collect();
    seeds.extend((target.seeds)());
    let (mut seen, mut executions, mut grown) = (HashSet::new(), 0, 0);
    let began = clock::now();
    let mut finding = None;
    for seed in &seeds {
        executions += 1;
        match measured(target, seed) {
            Ok(new) => seen.extend(new.0),
            Err(why) => finding = finding.or(Some((seed.clone(), why))),
        }
    }
    let mut pool = Pool::new(seeds);
    while finding.is_none() && clock::now().duration_since(began) < Duration::from_secs(seconds) {
        let input = pool.grow(target, &mut random);
        executions += 1;
        match measured(target, &input) {
            Ok(new) => {
                let before = seen.len();
                seen.extend(new.0);
                if seen.len() > before {
                    grown += 1;
                    pool.keep(input, &mut random);
                }
            }
            Err(why) => finding = Some((input, why)),
        }
    }
    let seconds = clock::now().duration_since(began).as_secs_f64();
    let findings = u64::from(finding.is_some());
    if let Some((input, why)) = finding {
        report(target, &input, &why);
    }
    Summary { name: target.name, executions, grown, findings, seconds }
}

/// Tries files, and says what comes of each. Whether none is a finding.
///
/// # Panics
/// Where there is no such target.
pub fn replay(name: &str, files: &[String]) -> bool {
    let target = named(name).unwrap_or_else(|| panic!("there is no target `{name}`"));
    let mut good = true;
    for file in files {
        let judged = fs::read(file).map_err(|error| error.to_string());
        match judged.and_then(|input| (target.judge)(&input)) {
            Ok(seen) => println!("{file}: {} things seen", seen.0.len()),
            Err(why) => {
                good = false;
                println!("{file}: {why}");
            }
        }
    }
    good
}

/// Judges an input, within the bounds of time and memory.
fn measured(target: &Target, input: &[u8]) -> Judged {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    let began = clock::now();
    *AT_HAND.lock().unwrap_or_else(PoisonError::into_inner) = Some((began, input.to_vec()));
    let judged = panics::judge(target, input);
    *AT_HAND.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let seen = judged?;
    let allocated = region.change().bytes_allocated;
    if allocated > ALLOCATED_MAX {
        return Err(format!("memory: {allocated} bytes allocated"));
    }
    if clock::now().duration_since(began) > TIME_MAX {
        // A busy machine is no finding.
        let before = time_used();
        panics::judge(target, input)?;
        if let Some(used) = time_used().zip(before).map(|(after, before)| after - before)
            && used > TIME_MAX
        {
            return Err(format!("time: {used:?}"));
        }
    }
    Ok(seen)
}

/// The time that this thread has had a processor.
fn time_used() -> Option<Duration> {
    let used = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    used.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Ends the process when an input never comes to its end.
fn watch(target: &'static Target) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let at_hand = AT_HAND.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some((began, input)) = at_hand else { continue };
            if clock::now().duration_since(began) > STUCK_AFTER {
                keep(target, &input, "stuck: it does not end");
                std::process::exit(1);
            }
        }
    });
}

/// Makes a finding small and keeps it.
fn report(target: &Target, input: &[u8], why: &str) {
    let class = |why: &str| why.split(':').next().unwrap_or_default().to_owned();
    let same =
        |other: &[u8]| panics::judge(target, other).is_err_and(|other| class(&other) == class(why));
    let small = shrink(input, same);
    let why = panics::judge(target, &small).err().unwrap_or_else(|| why.to_owned());
    keep(target, &small, &why);
}

/// A finding is a case of the corpus from then on: the tests of the gateway are red until it is
/// mended.
fn keep(target: &Target, input: &[u8], why: &str) {
    let name = format!("found-{:016x}", Random::of(input).next());
    let folder = root().join("fuzz/corpus").join(target.name);
    let path: PathBuf = folder.join(name);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    println!("FINDING in {}: {why}", target.name);
    println!("{:?}", targets::text(input));
    match written {
        Ok(()) => println!("kept as {}", path.display()),
        Err(error) => println!("cannot be kept as {}: {error}", path.display()),
    }
}
