//! The counters of a load. All threads write them; the progress bar and the report read them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::channel::Channel;
use crate::tools::flow_test::ScriptOutcome;
use crate::tools::phone::{PhoneEvent, WebhookExchange};
use crate::twiml::read::{DocumentLimits, check_document};

/// Counts of a load.
#[derive(Debug, Default)]
pub struct LoadCounters {
    /// Callers that have begun.
    pub(crate) begun: AtomicUsize,
    /// Callers that have finished.
    pub(crate) finished: AtomicUsize,
    /// Callers that were dropped because the limit was reached.
    pub(crate) no_room: AtomicUsize,
    /// Carrier errors.
    pub(crate) errors: AtomicUsize,
    samples: Mutex<LoadSamples>,
}

/// The numbers of the report.
#[derive(Clone, Debug, Default)]
pub(super) struct LoadSamples {
    /// Responses, by their status and their first verb.
    pub(super) answers: BTreeMap<String, usize>,
    /// Errors, by the carrier's code and the finding.
    pub(super) errors: BTreeMap<String, usize>,
    /// Warnings, by the carrier's code and the finding.
    pub(super) warnings: BTreeMap<String, usize>,
    /// Scripts that failed, by their first failure.
    pub(super) failures: BTreeMap<String, usize>,
    /// The time of each response, in microseconds.
    pub(super) times: Vec<u32>,
}

/// The most different reasons of one kind; further ones are counted together as `others`.
const REASONS_MAX: usize = 50;

impl LoadCounters {
    pub(super) fn count_begun(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_no_room(&self) {
        self.no_room.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a caller that has finished, with its events.
    pub(super) fn count_outcome(&self, channel: Channel, outcome: &ScriptOutcome) {
        self.finished.fetch_add(1, Ordering::Relaxed);
        let mut samples = self.samples.lock();
        for event in &outcome.events {
            match event {
                PhoneEvent::Webhook(exchange) => samples.add(exchange, channel),
                PhoneEvent::Error(alert) => {
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    count(&mut samples.errors, alert.to_string());
                }
                PhoneEvent::Warning(alert) => count(&mut samples.warnings, alert.to_string()),
                _ => {}
            }
        }
        // Later failures of a script are mostly consequences of the first.
        if let Some(failure) = outcome.failures.first() {
            count(&mut samples.failures, failure.problem.message.clone());
        }
    }

    pub(super) fn samples(&self) -> LoadSamples {
        self.samples.lock().clone()
    }
}

impl LoadSamples {
    fn add(&mut self, exchange: &WebhookExchange, channel: Channel) {
        let micros = exchange.duration.min(Duration::from_secs(3_600)).as_micros();
        // Microseconds of an hour fit into 32 bits: a load of hours has millions of them.
        self.times.push(micros as u32);
        // The first verb tells the documents of an application apart.
        let kind = match (exchange.status, &exchange.document) {
            (None, _) => "no answer".to_owned(),
            (Some(200), Some(document)) => {
                match check_document(document.as_bytes(), channel, &DocumentLimits::default()) {
                    Ok(read) => match read.first_verb {
                        Some(verb) => format!("200 <{verb}>"),
                        None => "200 without a verb".to_owned(),
                    },
                    Err(_) => "200, not TwiML".to_owned(),
                }
            }
            (Some(status), Some(_)) => status.to_string(),
            (Some(status), None) => format!("{status} to a callback"),
        };
        count(&mut self.answers, kind);
    }
}

fn count(counts: &mut BTreeMap<String, usize>, what: String) {
    let full = counts.len() >= REASONS_MAX && !counts.contains_key(&what);
    *counts.entry(if full { "others".to_owned() } else { what }).or_default() += 1;
}
