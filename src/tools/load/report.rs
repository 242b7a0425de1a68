//! What a load has shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::counters::{LoadCounters, LoadSamples};
use super::{Arrivals, LoadPlan};

/// The result of a load.
#[derive(Clone, Debug)]
pub struct LoadReport {
    title: String,
    /// Callers who began and are through.
    pub calls: usize,
    /// Callers for whom there was no room.
    pub no_room: usize,
    /// From the first caller to the last answer.
    pub took: Duration,
    at_once_max: usize,
    seen: LoadSamples,
}

impl LoadReport {
    pub(super) fn new(plan: &LoadPlan, tally: &LoadCounters, took: Duration) -> LoadReport {
        let arrivals = match plan.arrivals {
            Arrivals::Rate(rate) => format!("{rate} calls/s"),
            Arrivals::Callers(callers) => format!("{callers} callers at a time"),
        };
        let scripts = match plan.cases.as_slice() {
            [case] => format!("`{}` of {}", case.name, plan.source.name),
            cases => format!("{} scripts of {}", cases.len(), plan.source.name),
        };
        let url = &plan.number.url;
        let mut seen = tally.seen();
        seen.took.sort_unstable();
        LoadReport {
            title: format!("{url}: {arrivals}, {scripts}"),
            calls: tally.ended.load(Ordering::Relaxed),
            no_room: tally.no_room.load(Ordering::Relaxed),
            took,
            at_once_max: plan.at_once_max,
            seen,
        }
    }

    /// Webhooks that were answered, or not.
    pub fn webhooks(&self) -> usize {
        self.seen.took.len()
    }

    /// Webhooks a second.
    pub fn rate(&self) -> f64 {
        self.webhooks() as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }

    /// Carrier errors and scripts that were not followed: nothing of either is a good end.
    pub fn failed(&self) -> usize {
        self.seen.errors.values().sum::<usize>() + self.seen.failures.values().sum::<usize>()
    }

    /// The time within which this part of the answers came, 0.0 to 1.0; zero where there is none.
    pub fn within(&self, part: f64) -> Duration {
        let took = &self.seen.took;
        let place = (took.len() as f64 * part).ceil() as usize;
        let micros = place.checked_sub(1).and_then(|index| took.get(index.min(took.len() - 1)));
        Duration::from_micros(micros.copied().unwrap_or_default().into())
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n", self.title)?;
        let seconds = self.took.as_secs_f64();
        let pace = self.calls as f64 / seconds.max(f64::EPSILON);
        writeln!(formatter, "calls     {:>9} in {seconds:.1} s, {pace:.1}/s", self.calls)?;
        if self.no_room > 0 {
            let most = self.at_once_max;
            let why = format!("did not begin: {most} were on the line already");
            writeln!(formatter, "          {:>9} {why}", self.no_room)?;
        }
        writeln!(formatter, "webhooks  {:>9} {:.1}/s", self.webhooks(), self.rate())?;
        let failures = &self.seen.failures;
        for (title, counts) in [
            ("answers", &self.seen.answers),
            ("errors", &self.seen.errors),
            ("warnings", &self.seen.warnings),
            ("not as written", failures),
        ] {
            section(formatter, title, counts)?;
        }
        let part = |part| milliseconds(self.within(part));
        let [p50, p90, p99, most] = [part(0.5), part(0.9), part(0.99), part(1.0)];
        writeln!(formatter, "\ntime to answer  p50 {p50}  p90 {p90}  p99 {p99}  max {most}")
    }
}

fn section(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &BTreeMap<String, usize>,
) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "\n{title}")?;
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (what, count) in sorted {
        writeln!(formatter, "{count:>19} {what}")?;
    }
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
