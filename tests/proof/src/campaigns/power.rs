//! The power fails at any moment: of what was written and not synced, any part is on the disk.
//!
//! A run of the gateway is recorded by `strace`, with people who call and write at the same time.
//! Then the power is cut in the model of [`disk`], at many lines of what was recorded: the files
//! that a disk could hold then are laid out, a gateway is started on them, and everybody goes on
//! from the last answer that had left by then.

mod disk;
mod people;
mod trace;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::function::{Book, Function};
use crate::gateway::{Gateway, Setup, can_trace};
use crate::rng::Rng;
use disk::{Disk, Image, Survival};
use people::{Person, Street, turns};
use trace::{CALLS, Call, Trace, What};

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "power",
    asserts: "what was acknowledged outlives a power cut, whatever is left of unsynced writes",
    unit: "cuts",
    quick: 64,
    long: 3_000,
    run,
};

/// People who talk at the same time.
const PEOPLE: usize = 24;

/// The function takes up to this long.
const FUNCTION_MS: u64 = 4;

/// Turns of each in a recorded run.
const TURNS: u64 = 8;

/// Cuts after one line: nothing survives, everything, and twice some of it.
const CUTS_OF_A_LINE: u64 = 4;

/// The most cuts of one recording: the replies that are repeated must not be too old.
const CUTS_OF_A_RUN: u64 = 120;

/// How long the log becomes before a recording in which it shall be moved into the database, which
/// happens at 4,096 pages.
const FULL_LOG: u64 = 4120 * 3_700;

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
enum Begin {
    /// No store.
    Fresh,
    /// One whose log is nearly full.
    Full,
    /// What a cut of the run before has left.
    Left,
}

/// What is on the disk, and what the people and the function know.
struct World {
    image: Image,
    people: Vec<Person>,
    book: Book,
}

/// A recorded run.
struct Recording {
    begin: Begin,
    round: u64,
    disk: Disk,
    people: Vec<Person>,
    book: Book,
    /// After which lines to cut: see [`lines`].
    lines: Vec<Vec<usize>>,
}

/// The campaign at work.
struct Power<'a> {
    context: &'a Context,
    function: &'a Function,
    findings: &'a Findings,
    gateway: Gateway,
    rng: Rng,
    /// People so far.
    numbers: u64,
    cuts: u64,
    /// Lines after which it was cut.
    points: u64,
    /// After which line of the trace the power is cut.
    line: usize,
    /// Those that had begun before a cut, and went on after it.
    conversations: usize,
    /// Recordings in which people talked while the log was moved.
    moved: u64,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    if !can_trace() {
        return Ok(Ran::Skipped("`strace` is not there".to_owned()));
    }
    let function = Function::start(context.seed, FUNCTION_MS).map_err(|e| e.to_string())?;
    let setup = Setup { store: "sqlite:store.db", workers: 2, function: function.address };
    let mut power = Power {
        context,
        function: &function,
        findings,
        gateway: Gateway::new(context, "gateway", &setup)?,
        rng: Rng::new(context.seed, 0),
        numbers: 0,
        cuts: 0,
        points: 0,
        line: 0,
        conversations: 0,
        moved: 0,
    };
    // What a run before this one has found is not of this one.
    let _ = fs::remove_dir_all(context.folder.join("found"));
    let mut left = None;
    let mut round = 0;
    while power.cuts < context.amount && findings.count() == 0 {
        let (begin, world) = match (round % 4, left.take()) {
            (1 | 3, Some(world)) => (Begin::Left, world),
            (0 | 1, _) => (Begin::Fresh, power.fresh()),
            _ => (Begin::Full, power.full()?),
        };
        let recording = power.records(begin, round, world)?;
        left = power.cuts_of(&recording)?;
        round += 1;
    }
    let Power { cuts, points, conversations, moved, .. } = power;
    let amount = format!(
        "{cuts} cuts at {points} lines of {round} recordings, {conversations} conversations that \
         went on"
    );
    let notes = vec![format!("in {moved} recordings the log was moved while people talked")];
    Ok(Ran::Done { amount, notes })
}

impl Power<'_> {
    fn fresh(&mut self) -> World {
        let mut people = Vec::new();
        self.fills(&mut people);
        World { image: Image::default(), people, book: self.function.book() }
    }

    /// As many people as there should be, and some whose talks are over.
    fn fills(&mut self, people: &mut Vec<Person>) {
        let over = people.iter().filter(|person| person.is_over()).count();
        let mut surplus = over.saturating_sub(PEOPLE / 3);
        people.retain(|person| {
            let goes = surplus > 0 && person.is_over();
            surplus -= usize::from(goes);
            !goes
        });
        while people.iter().filter(|person| !person.is_over()).count() < PEOPLE {
            self.numbers += 1;
            people.push(Person::new(self.numbers, &mut self.rng));
        }
    }

    /// A store that is in use for a while, undisturbed, and long since on the disk.
    fn full(&mut self) -> Result<World, String> {
        let World { image, mut people, .. } = self.fresh();
        let folder = self.gateway.folder.clone();
        self.starts(&image, &[])?;
        let log = folder.join("store.db-wal");
        let street = self.street("before a recording".to_owned());
        while !self.findings.enough() && fs::metadata(&log).map_or(0, |log| log.len()) < FULL_LOG {
            let mut rng = Rng::new(self.rng.next(), 0);
            street.all(&mut people, &mut rng, |street, person, rng| {
                // Not everybody all the time: some pages are old, and only in the database.
                street.talks(person, 3 * rng.below(2), rng);
            });
            self.fills(&mut people);
        }
        self.gateway.kill()?;
        people.iter_mut().for_each(Person::settles);
        Ok(World { image: told(Image::read(&folder))?, people, book: self.function.book() })
    }

    /// Records a run in which everybody talks, and which ends as it should.
    fn records(&mut self, begin: Begin, round: u64, world: World) -> Result<Recording, String> {
        let World { image, mut people, book } = world;
        self.fills(&mut people);
        self.function.rewind(&book, &HashMap::new());
        self.starts(&image, &strace(&self.gateway))?;
        let street = self.street(format!("recording {round}, {begin:?}"));
        let mut rng = Rng::new(self.rng.next(), 0);
        street.all(&mut people, &mut rng, |street, person, rng| {
            // Some are silent, so that what they said is in the oldest pages.
            let turns = if rng.one_in(4) { 0 } else { TURNS };
            street.talks(person, turns, rng);
        });
        let pid = self.gateway.pid().unwrap_or_default();
        self.gateway.terminate()?;
        let folder = &self.gateway.folder;
        let real = told(Image::read(folder))?;
        let mut trace = Trace::read(&written(&folder.join("trace"), pid)?, folder)?;
        // The gateway's last one: it does not wait until the log has been moved at its end.
        trace.calls.retain(|call| call.over < usize::MAX || real.shows(call));
        people.iter_mut().try_for_each(|person| person.dates(&trace))?;
        let answers = trace.answers();
        let lines = lines(&trace.calls, &answers);
        let moving = |call: &&Call| call.name == "store.db" && matches!(call.what, What::Write(..));
        let mut moving = trace.calls.iter().filter(moving).map(|call| call.begun);
        // A fresh one is written to as well, once.
        let moved = moving.nth(4).is_some_and(|line| answers.last() > Some(&line));
        self.moved += u64::from(moved);
        let end = trace.lines;
        let disk = Disk::new(&image, trace.calls);
        let model = disk.cut(end, Survival::Everything);
        if model != real {
            let differs = model.differs(&real);
            return Err(format!("the trace does not tell what became of the files: {differs}"));
        }
        Ok(Recording { begin, round, disk, people, book: self.function.book(), lines })
    }

    /// Cuts a recorded run, and checks what comes after. Gives what one of the cuts left.
    fn cuts_of(&mut self, recording: &Recording) -> Result<Option<World>, String> {
        let mut left = None;
        let wanted = (self.context.amount / 4).clamp(CUTS_OF_A_LINE, CUTS_OF_A_RUN);
        let wanted = wanted.min(self.context.amount - self.cuts);
        for number in 0..wanted {
            let kind = (number / CUTS_OF_A_LINE) as usize % recording.lines.len();
            if number % CUTS_OF_A_LINE == 0 {
                let lines = &recording.lines[kind];
                self.line = lines[self.rng.below(lines.len() as u64) as usize];
                self.points += 1;
            }
            let mut rng = Rng::new(self.rng.next(), 0);
            let (survival, name) = match number % CUTS_OF_A_LINE {
                0 => (Survival::Nothing, "nothing unsynced survives"),
                1 => (Survival::Everything, "everything survives"),
                _ => (Survival::Some(&mut rng), "some of it survives"),
            };
            let partly = matches!(survival, Survival::Some(_));
            let image = recording.disk.cut(self.line, survival);
            let Recording { begin, round, .. } = recording;
            self.cuts += 1;
            let at = format!(
                "cut {} after line {} of recording {round} ({begin:?}), {name}",
                self.cuts, self.line
            );
            let world = self.cut(recording, image, at)?;
            if self.findings.count() > 0 {
                break;
            }
            left = if partly { Some(world) } else { left };
        }
        Ok(left)
    }

    /// Starts a gateway on what a cut has left, and everybody goes on.
    fn cut(&mut self, recording: &Recording, image: Image, at: String) -> Result<World, String> {
        let as_of = recording.people.iter().map(|person| person.as_of(self.line));
        let mut people: Vec<Person> = as_of.collect::<Result<_, _>>()?;
        people.iter_mut().for_each(Person::settles);
        self.function.rewind(&recording.book, &turns(&people));
        let book = self.function.book();
        let mut after = people.clone();
        match self.starts(&image, &[]) {
            Ok(()) => {
                let street = self.street(at.clone());
                let mut rng = Rng::new(self.rng.next(), 0);
                street.all(&mut after, &mut rng, Street::checks);
                self.conversations += people.iter().filter(|person| person.has_begun()).count();
            }
            Err(error) => self.violated(&at, "a gateway that starts", error),
        }
        if let Err(error) = self.gateway.kill() {
            self.violated(&at, "a gateway that goes on", error);
        }
        let errors = self.gateway.errors();
        if !errors.is_empty() {
            self.violated(&at, "nothing on standard error", errors);
        }
        let of_cut = |it: Violation| Violation { at: format!("{at}, {}", it.at), ..it };
        self.findings.extend(self.function.violations().into_iter().map(of_cut).collect());
        if self.findings.count() > 0 {
            // To look at: in `gateway` is the trace, and what was made of the files since.
            told(image.write(&self.context.folder.join("found")))?;
        }
        Ok(World { image, people, book })
    }

    /// Starts a gateway on an image.
    fn starts(&mut self, image: &Image, program: &[String]) -> Result<(), String> {
        told(image.write(&self.gateway.folder))?;
        self.function.next_life()?;
        self.gateway.start_under(program)?;
        match self.gateway.ready()? {
            true => Ok(()),
            false => Err("killed without a reason".to_owned()),
        }
    }

    fn violated(&self, at: &str, expected: &str, came: String) {
        let (at, sent) = (at.to_owned(), "the start on what was left".to_owned());
        self.findings.add(Violation { at, sent, expected: expected.to_owned(), came });
    }
}

impl<'a> Power<'a> {
    fn street(&self, at: String) -> Street<'a> {
        let Power { function, findings, .. } = self;
        Street { gateway: self.gateway.address, function, findings, at }
    }
}

/// The program that records.
fn strace(gateway: &Gateway) -> Vec<String> {
    let trace = gateway.folder.join("trace").display().to_string();
    // `-D`: the gateway is our child, and not a grandchild.
    let words = ["strace", "-D", "-f", "--seccomp-bpf", "-q", "-y", "-xx", "-s", "1000000"];
    let words = words.into_iter().map(str::to_owned);
    words.chain(["-o".to_owned(), trace, "-e".to_owned(), format!("trace={CALLS}")]).collect()
}

/// A trace, when its last line is there: who writes it ends after the gateway.
fn written(file: &Path, pid: u32) -> Result<String, String> {
    for _ in 0..1_000 {
        let text = told(fs::read_to_string(file))?;
        let last = text.lines().next_back().unwrap_or_default();
        if last.starts_with(&format!("{pid} ")) && last.ends_with("+++ exited with 0 +++") {
            return Ok(text);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(format!("{} has no end", file.display()))
}

/// The lines after which a cut is of interest: any call, those on the database, those that are
/// seldom, answers.
fn lines(calls: &[Call], answers: &[usize]) -> Vec<Vec<usize>> {
    let of = |which: &dyn Fn(&Call) -> bool| -> Vec<usize> {
        let calls = calls.iter().filter(|call| which(call));
        let lines = calls.flat_map(|call| [call.begun, call.over]);
        lines.filter(|line| *line < usize::MAX).collect()
    };
    let file = |call: &Call| matches!(call.what, What::Write(..) | What::Sync);
    let kinds = [
        of(&|_| true),
        of(&|call| file(call) && call.name == "store.db"),
        answers.to_vec(),
        of(&|call| !file(call) || call.name.is_empty() || call.name == "store.db-journal"),
    ];
    kinds.into_iter().filter(|lines| !lines.is_empty()).collect()
}

fn told<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}
