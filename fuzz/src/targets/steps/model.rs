//! What must hold of every webhook, and what the people who cause them know.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use twimlgate::channel::Channel;
use twimlgate::exchange::WebhookReply;
use twimlgate::flow::TransitionRecord;
use twimlgate::journal::ExchangeTrace;
use twimlgate::limits::{CLAIM_KEPT, DOCUMENT_BYTES_MAX, STEPS_MAX};
use twimlgate::session::StoredExecution;
use twimlgate::session::decode_execution;
use twimlgate::twiml::read::{DocumentLimits, Element, check_document, parse_document};
use twimlgate::webhook::Params;

use super::super::{Seen, ensure, size};
use super::stage::{Play, Webhook};

pub(super) struct Model<'s> {
    play: Play<'s>,
    people: BTreeMap<String, Person>,
    /// Transitions of each execution, as they were told.
    taken: HashMap<String, Vec<TransitionRecord>>,
    deliveries: u64,
    /// Time since the last webhooks were forgotten: a repeat must not come too late to be one.
    waited: Duration,
}

/// Somebody who calls and writes.
#[derive(Default)]
struct Person {
    calls: u32,
    /// The last webhook, and what came back.
    last: Option<(Webhook, WebhookReply)>,
    /// Where the documents of the call at hand said to come back to, newest last.
    actions: Vec<String>,
}

/// What a webhook is to the one who sends it.
#[derive(Clone, Copy, PartialEq)]
enum Sent {
    Fresh,
    Repeat,
    /// With a token that nobody waits for.
    Stale,
}

impl<'s> Model<'s> {
    pub(super) fn new(play: Play<'s>) -> Model<'s> {
        Model {
            play,
            people: BTreeMap::new(),
            taken: HashMap::new(),
            deliveries: 0,
            waited: Duration::ZERO,
        }
    }

    /// One line of an input.
    pub(super) async fn happens(&mut self, line: &str, seen: &mut Seen) -> Result<(), String> {
        if !self.play.is_known() {
            return Ok(());
        }
        let mut words = line.splitn(3, ' ');
        let (what, who) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let more = words.next().unwrap_or_default();
        match what {
            "function" => {
                let says = ["json", "twiml", "404", "broken", "empty"];
                let says = says.iter().position(|known| *known == who).unwrap_or(0);
                self.play.function.says.set(says as u8);
            }
            "wait" => {
                let time = Duration::from_secs(who.parse::<u64>().unwrap_or(60).min(200_000));
                self.waited += time;
                if self.waited * 2 > CLAIM_KEPT {
                    self.waited = Duration::ZERO;
                    self.people.values_mut().for_each(|person| person.last = None);
                }
                for trace in self.play.pass(time).await? {
                    self.told(&trace)?;
                    seen.note(("timer", size(trace.transitions.len())));
                }
                self.holds().await?;
            }
            _ if ["1", "2", "3"].contains(&who) => {
                if let Some((webhook, sent)) = self.webhook(what, who, more) {
                    let trace = self.send(who, webhook, sent).await?;
                    let edges = trace.transitions.iter().map(|taken| (&taken.from, &taken.event));
                    seen.note((what, edges.collect::<Vec<_>>()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The webhook of something that a person does; `None` where there is none.
    fn webhook(&mut self, what: &str, who: &str, more: &str) -> Option<(Webhook, Sent)> {
        let foreign = self.people.get(more).and_then(|other| other.actions.last().cloned());
        let person = self.people.entry(who.to_owned()).or_default();
        self.deliveries += 1;
        let delivery = format!("d{}", self.deliveries);
        if what == "repeat" {
            return Some((person.last.as_ref()?.0.clone(), Sent::Repeat));
        }
        if what == "call" {
            person.calls += 1;
            person.actions.clear();
        }
        let (from, call) = (format!("+1555{who}"), format!("CA{who}x{}", person.calls));
        let message = format!("SM{}", self.deliveries);
        let old = person.actions.len().checked_sub(2).map(|index| person.actions[index].clone());
        let newest = person.actions.last().cloned();
        let unknown = "?step=00000000000000000000000000000000".to_owned();
        let (query, extra, sent): (Option<String>, Vec<(&str, &str)>, Sent) = match what {
            "call" => (Some(String::new()), vec![("CallStatus", "ringing")], Sent::Fresh),
            "press" => (newest, vec![("Digits", more)], Sent::Fresh),
            "say" => (newest, vec![("SpeechResult", more)], Sent::Fresh),
            "go" => (newest, vec![], Sent::Fresh),
            "outcome" => (newest, vec![("DialCallStatus", more), ("Result", more)], Sent::Fresh),
            "stale" => (old, vec![("Digits", &delivery)], Sent::Stale),
            "guess" => (Some(unknown), vec![("Digits", &delivery)], Sent::Stale),
            "cross" => (foreign.filter(|_| more != who), vec![("Digits", "1")], Sent::Stale),
            "return" => (Some("?FlowEvent=return".to_owned()), vec![], Sent::Fresh),
            "hangup" => {
                let over = vec![("CallStatus", "completed"), ("CallbackSource", "x")];
                (Some(String::new()), over, Sent::Fresh)
            }
            "text" => (Some(String::new()), vec![("Body", more)], Sent::Fresh),
            "status" => (Some(String::new()), vec![("MessageStatus", more)], Sent::Fresh),
            _ => return None,
        };
        let voice = !["text", "status"].contains(&what);
        let mut params: Params = [("From", from.as_str()), ("To", "+1999")].into_iter().collect();
        let sid = if voice { ("CallSid", &call) } else { ("MessageSid", &message) };
        params.push(sid.0, sid.1);
        if voice && !extra.iter().any(|(name, _)| *name == "CallStatus") {
            params.push("CallStatus", "in-progress");
        }
        extra.into_iter().for_each(|(name, value)| params.push(name, value));
        Some((Webhook { voice, query: query?, params, delivery }, sent))
    }

    /// Sends it, and holds the answer to what must be.
    async fn send(
        &mut self,
        who: &str,
        webhook: Webhook,
        sent: Sent,
    ) -> Result<ExchangeTrace, String> {
        let before = self.play.executions().await?;
        let (answer, trace) = self.play.send(&webhook).await;
        let after = self.play.executions().await?;
        let channel = if webhook.voice { Channel::Voice } else { Channel::Message };
        let shown = String::from_utf8_lossy(&answer.document).into_owned();
        ensure!(answer.status == 200, "no answer: {} to {webhook:?}", answer.status);
        ensure!(answer.document.len() <= DOCUMENT_BYTES_MAX, "too long: {}", answer.document.len());
        let readable = check_document(&answer.document, channel, &DocumentLimits::default());
        ensure!(readable.is_ok(), "no document: {readable:?} of {shown}");
        let panicked = trace.fallback.as_ref().filter(|why| why.contains("panicked"));
        ensure!(panicked.is_none(), "panic: {panicked:?}");
        let nothing = trace.transitions.is_empty()
            && trace.calls.is_empty()
            && trace.carrier_requests.is_empty();
        let person = self.people.entry(who.to_owned()).or_default();
        match sent {
            Sent::Repeat => {
                let same = person.last.as_ref().is_none_or(|(_, first)| *first == answer);
                ensure!(same, "another answer: {shown} to the repeat of {webhook:?}");
                ensure!(nothing && before == after, "a repeat has an effect: {trace:?}");
            }
            Sent::Stale if !handed_over(&before, &webhook) => {
                ensure!(nothing, "a token that nobody waits for: {webhook:?} did {trace:?}");
                ensure!(before == after, "a token that nobody waits for: {webhook:?} is kept");
            }
            _ => {}
        }
        if sent != Sent::Repeat {
            let root = parse_document(&answer.document, &DocumentLimits::default()).ok();
            person.actions.extend(root.as_ref().and_then(action).filter(|_| webhook.voice));
            person.last = Some((webhook, answer));
        }
        self.told(&trace)?;
        self.holds().await?;
        Ok(trace)
    }

    /// Each step begins where the one before it led.
    fn told(&mut self, trace: &ExchangeTrace) -> Result<(), String> {
        let history = self.taken.entry(trace.execution.clone()).or_default();
        for taken in &trace.transitions {
            if let Some(last) = history.last().filter(|last| last.subflow == taken.subflow) {
                let led = last.to.as_ref() == Some(&taken.from);
                ensure!(led, "a gap: {taken:?} behind {last:?}");
            }
            history.push(taken.clone());
        }
        Ok(())
    }

    /// What is kept is what happened, once, and within the limits.
    async fn holds(&self) -> Result<(), String> {
        let executions = self.play.executions().await?;
        let mut active: Vec<&str> = Vec::new();
        for saved in &executions {
            if saved.active {
                ensure!(!active.contains(&saved.session.as_str()), "two active: {}", saved.session);
                active.push(&saved.session);
            }
            let execution = decode_execution(saved).map_err(|error| error.to_string())?;
            ensure!(execution.steps <= STEPS_MAX + 1, "too many steps: {}", execution.steps);
            ensure!(saved.active == execution.wait().is_some(), "neither waits nor ended");
            let kept = self.play.steps(&saved.sid).await?;
            let told = self.taken.get(&saved.sid).map_or(&[][..], Vec::as_slice);
            let same = kept.len() == told.len()
                && kept
                    .iter()
                    .zip(told)
                    .all(|(kept, told)| kept.from == told.from && kept.name == told.event);
            ensure!(same, "history: {} steps are kept of {}", kept.len(), told.len());
        }
        Ok(())
    }
}

/// Whether another application has the call: whatever comes then brings it back.
fn handed_over(executions: &[StoredExecution], webhook: &Webhook) -> bool {
    let sid = webhook.params.get("CallSid");
    let mut of_call = executions.iter().filter_map(|saved| decode_execution(saved).ok());
    of_call.any(|execution| {
        let waits = execution.wait().is_some_and(|wait| wait.handed_over);
        waits && execution.call_sid.as_deref() == sid
    })
}

/// Where a document says to come back to.
fn action(root: &Element) -> Option<String> {
    root.children().find_map(|verb| {
        let to = match verb.name.as_str() {
            "Redirect" => Some(verb.text()),
            _ => verb.attribute("action").map(str::to_owned),
        };
        to.filter(|to| to.starts_with('?'))
    })
}
