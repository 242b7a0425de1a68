//! The report of a load.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::counters::{LoadCounters, LoadSamples};
use super::{Arrivals, LoadPlan};
use crate::tools::phone::explain_refusal;

/// The result of a load.
#[derive(Clone, Debug)]
pub struct LoadReport {
    title: String,
    /// Callers that have finished.
    pub calls: usize,
    /// Callers that were dropped because the limit was reached.
    pub no_room: usize,
    /// The time from the first caller to the last response.
    pub(super) duration: Duration,
    at_once_max: usize,
    /// What answers of 403 mean, if there were any.
    refusal_advice: Option<String>,
    samples: LoadSamples,
}

impl LoadReport {
    pub(super) fn new(plan: &LoadPlan, counters: &LoadCounters, duration: Duration) -> LoadReport {
        let arrivals = match plan.arrivals {
            Arrivals::Rate(rate) => format!("{rate} calls/s"),
            Arrivals::Callers(callers) => format!("{callers} callers at a time"),
        };
        let scripts = match plan.cases.as_slice() {
            [case] => format!("`{}` of {}", case.name, plan.source.name),
            cases => format!("{} scripts of {}", cases.len(), plan.source.name),
        };
        let url = &plan.number.url;
        let mut samples = counters.samples();
        // Once, for all quantiles.
        samples.times.sort_unstable();
        let is_refused = samples.answers.keys().any(|answer| answer.starts_with("403"));
        LoadReport {
            title: format!("{url}: {arrivals}, {scripts}"),
            calls: counters.finished.load(Ordering::Relaxed),
            no_room: counters.no_room.load(Ordering::Relaxed),
            duration,
            at_once_max: plan.at_once_max,
            refusal_advice: is_refused
                .then(|| explain_refusal(plan.token.is_some(), plan.account.as_deref())),
            samples,
        }
    }

    /// The number of webhooks, with or without a response.
    pub fn webhooks(&self) -> usize {
        self.samples.times.len()
    }

    /// Webhooks per second.
    pub fn rate(&self) -> f64 {
        self.webhooks() as f64 / self.duration.as_secs_f64().max(f64::EPSILON)
    }

    /// The number of carrier errors and failed scripts. A good load has none.
    pub fn failures(&self) -> usize {
        self.samples.errors.values().sum::<usize>() + self.samples.failures.values().sum::<usize>()
    }

    /// A quantile of the response times, 0.0 to 1.0; zero without responses.
    pub fn quantile(&self, part: f64) -> Duration {
        let times = &self.samples.times;
        // The nearest rank: a quantile is a time that really occurred.
        let rank = (times.len() as f64 * part).ceil() as usize;
        let micros = rank.checked_sub(1).and_then(|index| times.get(index.min(times.len() - 1)));
        Duration::from_micros(micros.copied().unwrap_or_default().into())
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n", self.title)?;
        let seconds = self.duration.as_secs_f64();
        let pace = self.calls as f64 / seconds.max(f64::EPSILON);
        writeln!(formatter, "calls     {:>9} in {seconds:.1} s, {pace:.1}/s", self.calls)?;
        if self.no_room > 0 {
            let most = self.at_once_max;
            let why = format!("did not begin: {most} were on the line already");
            writeln!(formatter, "          {:>9} {why}", self.no_room)?;
        }
        writeln!(formatter, "webhooks  {:>9} {:.1}/s", self.webhooks(), self.rate())?;
        let failures = &self.samples.failures;
        for (title, counts) in [
            ("answers", &self.samples.answers),
            ("errors", &self.samples.errors),
            ("warnings", &self.samples.warnings),
            ("failed scripts", failures),
        ] {
            write_section(formatter, title, counts)?;
        }
        if let Some(advice) = &self.refusal_advice {
            writeln!(formatter, "\n403: {advice}")?;
        }
        let part = |part| format_milliseconds(self.quantile(part));
        let [p50, p90, p99, most] = [part(0.5), part(0.9), part(0.99), part(1.0)];
        writeln!(formatter, "\ntime to answer  p50 {p50}  p90 {p90}  p99 {p99}  max {most}")
    }
}

fn write_section(
    formatter: &mut fmt::Formatter<'_>,
    title: &str,
    counts: &BTreeMap<String, usize>,
) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "\n{title}")?;
    // The most frequent first; the names keep their order within a count.
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (what, count) in sorted {
        writeln!(formatter, "{count:>19} {what}")?;
    }
    Ok(())
}

fn format_milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
