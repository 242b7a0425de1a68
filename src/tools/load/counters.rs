//! What has happened so far: counted by all threads, read by the progress bar and the report.

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
    /// Callers who have begun.
    pub begun: AtomicUsize,
    /// Callers who are through.
    pub ended: AtomicUsize,
    /// Callers for whom there was no room.
    pub no_room: AtomicUsize,
    /// Carrier errors.
    pub errors: AtomicUsize,
    seen: Mutex<LoadSamples>,
}

/// What the report tells in numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct LoadSamples {
    /// Answers to webhooks that want a document, by what they begin with.
    pub(super) answers: BTreeMap<String, usize>,
    /// Errors, by the carrier's code and what was found.
    pub(super) errors: BTreeMap<String, usize>,
    /// Warnings, likewise.
    pub(super) warnings: BTreeMap<String, usize>,
    /// Scripts that were not followed to the end, by the first thing that was not as they say.
    pub(super) failures: BTreeMap<String, usize>,
    /// How long each answer took, in microseconds.
    pub(super) took: Vec<u32>,
}

/// Different reasons that are kept of each kind; the rest is counted together.
const REASONS_MAX: usize = 50;

impl LoadCounters {
    pub(super) fn begins(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn no_room(&self) {
        self.no_room.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody is through.
    pub(super) fn ended(&self, channel: Channel, followed: &ScriptOutcome) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.seen.lock();
        for heard in &followed.heard {
            match heard {
                PhoneEvent::Webhook(asked) => seen.asked(asked, channel),
                PhoneEvent::Error(fault) => {
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    count(&mut seen.errors, fault.to_string());
                }
                PhoneEvent::Warning(fault) => count(&mut seen.warnings, fault.to_string()),
                _ => {}
            }
        }
        if let Some(failure) = followed.failures.first() {
            count(&mut seen.failures, failure.problem.message.clone());
        }
    }

    pub(super) fn seen(&self) -> LoadSamples {
        self.seen.lock().clone()
    }
}

impl LoadSamples {
    fn asked(&mut self, asked: &WebhookExchange, channel: Channel) {
        let micros = asked.took.min(Duration::from_secs(3_600)).as_micros();
        self.took.push(micros as u32);
        let kind = match (asked.status, &asked.document) {
            (None, _) => "no answer".to_owned(),
            (Some(200), Some(document)) => {
                match check_document(document.as_bytes(), channel, &DocumentLimits::default()) {
                    Ok(read) => match read.first_verb {
                        Some(verb) => format!("200 <{verb}>"),
                        None => "200 nothing to do".to_owned(),
                    },
                    Err(_) => "200, but no TwiML".to_owned(),
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
