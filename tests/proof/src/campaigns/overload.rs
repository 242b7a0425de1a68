//! Ten times what a function can serve: what is answered, when, how much of it is of use, and what
//! the other routes notice.

mod callers;
mod slow;

use std::time::Duration;

use twimlgate::function::CallError;

use crate::campaign::{Campaign, Context, Findings, Ran, Violation};
use crate::gateway::{Gateway, Setup};
use callers::{Callers, Heard, Load};
use slow::Functions;

pub(crate) const CAMPAIGN: Campaign = Campaign {
    name: "overload",
    asserts: "at ten times what a function serves, answers stay valid and in time, it goes on at \
              its best, others do not notice, and after it all is as before",
    unit: "seconds of overload",
    quick: 6,
    long: 60,
    run,
};

/// The function: so many at a time, for so long, is 160 calls a second.
const AT_ONCE: usize = 8;
const CALL: Duration = Duration::from_millis(50);

/// The load: ten times that. The other route is asked as often as a busy number is.
const OVERLOAD: u64 = 1_600;
const BESIDE: u64 = 40;

/// The load that comes behind it, a quarter of what the function serves.
const AFTERWARDS: u64 = 40;

/// The gateway's usual time for an answer, and what the way back and a busy machine may add.
const WITHIN: Duration = Duration::from_millis(10_000 + 500);

/// Of the answers that a function at its best gives, so much is still given.
const GOODPUT_MIN: f64 = 0.9;

/// Of what the function can do, so much is done at its best: less is no measure for anything.
const BEST_MIN: f64 = 0.5;

/// Whoever cannot be served is told so: nearly all of them, and half of them.
const REFUSED_P99_MAX: Duration = Duration::from_millis(250);
const REFUSED_P50_MAX: Duration = Duration::from_millis(25);

/// What the callers of another function may have to wait, nearly all of them: a busy machine lets
/// them wait as well.
const BESIDE_P99_MAX: Duration = Duration::from_millis(250);

/// When all is as before.
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

/// What depends on the machine is looked at so often: only what comes each time is a violation.
const TRIES: u64 = 3;

/// What one run came to.
struct Figures {
    best: f64,
    goodput: f64,
    asked: usize,
    refused: [Duration; 2],
    beside: [Duration; 2],
    quiet: Duration,
    slowest: Duration,
    recovered: Duration,
    /// Those who were not served because the function is down, as the gateway says. It never fails:
    /// that they are too many is no sign of it.
    broken: usize,
}

fn run(context: &Context, findings: &Findings) -> Result<Ran, String> {
    let mut notes = Vec::new();
    for number in 1..=TRIES {
        let figures = once(context, findings)?;
        let missed = figures.missed();
        notes.push(figures.told());
        if findings.count() > 0 || missed.is_empty() {
            let amount = format!(
                "{} asked in {} s, {:.0} served a second of {:.0} at best, all as before after \
                 {:.1} s",
                figures.asked,
                context.amount,
                figures.goodput,
                figures.best,
                figures.recovered.as_secs_f64()
            );
            return Ok(Ran::Done { amount, notes });
        }
        if number == TRIES {
            for (expected, came) in missed {
                let sent = format!("{OVERLOAD} webhooks a second for {} s", context.amount);
                let at = format!("run {number} of {TRIES}, and those before it");
                findings.add(Violation { at, sent, expected, came });
            }
        }
    }
    Ok(Ran::Done { amount: format!("{TRIES} runs of {} s", context.amount), notes })
}

/// Everything once, with a gateway of its own.
fn once(context: &Context, findings: &Findings) -> Result<Figures, String> {
    let functions = Functions::start(AT_ONCE, CALL).map_err(|error| error.to_string())?;
    let setup = Setup { store: "sqlite:store.db", workers: 2, function: functions.address };
    let mut gateway = Gateway::new(context, "gateway", &setup)?;
    gateway.reconfigure(|config| config + &configured(&functions))?;
    gateway.start()?;
    gateway.ready()?;
    let callers = Callers { gateway: gateway.address, seed: context.seed };
    let seconds = Duration::from_secs(context.amount);
    let half = (seconds / 2).max(Duration::from_secs(2));
    // As many callers as keep the function busy and no more: what it does at its best.
    let best = callers.one_after_the_other("/slow", 2 * AT_ONCE, half)?;
    let load = |route, rate, from, within| Load { route, rate, from, within };
    let quiet = callers.come(&[load("/quick", BESIDE, Duration::ZERO, half)])?.concat();
    let again = RECOVERED_WITHIN + Duration::from_secs(3);
    let busy = callers.come(&[
        load("/slow", OVERLOAD, Duration::ZERO, seconds),
        load("/quick", BESIDE, Duration::ZERO, seconds),
        load("/slow", AFTERWARDS, seconds, again),
    ])?;
    let [slow, beside, after] = <[Vec<Heard>; 3]>::try_from(busy).unwrap_or_default();
    for heard in [&best, &quiet, &beside, &slow, &after].into_iter().flatten() {
        if let Some(came) = heard.problem(WITHIN) {
            let sent = format!("a webhook to {}", heard.route);
            let at = format!("{:.3} s into its load", heard.came.as_secs_f64());
            let expected = format!("a document of its channel within {WITHIN:?}");
            findings.add(Violation { at, sent, expected, came });
            if findings.enough() {
                break;
            }
        }
    }
    let served = |heard: &&Heard| heard.served();
    let per_second = |all: &[Heard], within: Duration| {
        let in_it = all.iter().filter(served).filter(|it| it.came + it.took <= within);
        in_it.count() as f64 / within.as_secs_f64()
    };
    let refused: Vec<Heard> = slow.iter().filter(|it| !it.served()).cloned().collect();
    let parts = |heard: &[Heard]| [part(heard, 0.5), part(heard, 0.99)];
    let (down, log) = (CallError::BreakerOpen.to_string(), gateway.log());
    let log = log.map_err(|error| error.to_string())?;
    Ok(Figures {
        best: per_second(&best, half),
        goodput: per_second(&slow, seconds),
        asked: slow.len(),
        refused: parts(&refused),
        beside: parts(&beside),
        quiet: part(&quiet, 0.99),
        slowest: part(&slow, 1.0),
        recovered: recovered(&after),
        broken: log.lines().filter(|line| line.contains(&down)).count(),
    })
}

/// Two functions, a route for each.
fn configured(functions: &Functions) -> String {
    let (address, each) = (functions.address, AT_ONCE / 2);
    let route = |name: &str, connections: usize| {
        format!(
            "[function.{name}]\nurl = \"http://{address}/{name}\"\nconnections = {connections}\n\
             [route.\"/{name}\"]\nchannel = \"message\"\nfunction = \"{name}\"\n"
        )
    };
    // For each of the two workers.
    route("slow", each) + &route("quick", 64)
}

/// The time that a part of them had their answer in.
fn part(heard: &[Heard], part: f64) -> Duration {
    let mut times: Vec<Duration> = heard.iter().map(|heard| heard.took).collect();
    times.sort_unstable();
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

/// From when on everybody was served as on a quiet day.
fn recovered(after: &[Heard]) -> Duration {
    let quiet = CALL * 10;
    let trouble = after.iter().filter(|heard| !heard.served() || heard.took > quiet);
    trouble.map(|heard| heard.came).max().unwrap_or_default()
}

impl Figures {
    /// What was not kept: expected, and what came.
    fn missed(&self) -> Vec<(String, String)> {
        let [refused_half, refused_most] = self.refused;
        let mut missed = Vec::new();
        let mut at_most = |what: &str, most: Duration, came: Duration| {
            if came > most {
                missed.push((format!("{what} within {most:?}"), format!("{came:?}")));
            }
        };
        at_most("half of the refusals", REFUSED_P50_MAX, refused_half);
        at_most("99 % of the refusals", REFUSED_P99_MAX, refused_most);
        at_most("99 % of another route's answers", BESIDE_P99_MAX, self.beside[1]);
        at_most("as before", RECOVERED_WITHIN, self.recovered);
        let able = AT_ONCE as f64 / CALL.as_secs_f64();
        for (part, of, came) in
            [(GOODPUT_MIN, self.best, self.goodput), (BEST_MIN, able, self.best)]
        {
            if came < part * of {
                let expected = format!("{part} of {of:.1} served a second");
                missed.push((expected, format!("{came:.1}")));
            }
        }
        if self.broken > 0 {
            let expected = "nobody is told that a function is down which never fails".to_owned();
            missed.push((expected, format!("{} of {}", self.broken, self.asked)));
        }
        missed
    }

    fn told(&self) -> String {
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        let ([half, most], [beside_half, beside_most]) = (self.refused, self.beside);
        format!(
            "{:.1} served a second of {:.1} at best; refusals: half in {}, 99 % in {}; another \
             route: half in {}, 99 % in {} (alone {}); the slowest answer in {}; as before \
             after {}",
            self.goodput,
            self.best,
            ms(half),
            ms(most),
            ms(beside_half),
            ms(beside_most),
            ms(self.quiet),
            ms(self.slowest),
            ms(self.recovered),
        )
    }
}
