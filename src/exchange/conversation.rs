//! A webhook and the execution that it belongs to: found or begun, taken one turn further, kept.

use std::pin::pin;
use std::sync::Arc;

use actix_web::web::Bytes;
use tokio::time::{Instant, timeout_at};

use super::decide::{Plan, decide};
use super::run::Run;
use super::saved::{self, Kept};
use super::{ExchangeError, in_time};
use crate::catch_panic::unwinding;
use crate::channel::Channel;
use crate::clock;
use crate::config::Account;
use crate::flow::{Event, Execution, Flow, Moment, State};
use crate::gateway::{Gateway, Worker};
use crate::journal::Record;
use crate::random;
use crate::route::Route;
use crate::session::{ClaimGuard, Commit, SessionGuard, StepRecord, StoreError, StoredExecution};
use crate::twiml::EMPTY;
use crate::webhook::{Params, Webhook};

/// What answers a webhook works with.
#[derive(Clone, Copy)]
pub(super) struct Answering<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) worker: &'a Worker,
    pub(super) route: &'a Route,
    pub(super) deadline: Instant,
}

/// What a webhook asks of an execution, and when.
struct Asked<'a> {
    event: Event,
    at: Moment,
    webhook: &'a Webhook,
    /// The webhook's parameters, taken out of it.
    params: &'a Params,
}

/// A document, and what must be kept before it leaves.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) document: Bytes,
    execution: Option<StoredExecution>,
    steps: Vec<StepRecord>,
    /// Nobody else works on this execution until all of it is kept.
    _turn: Option<SessionGuard>,
}

impl<'a> Answering<'a> {
    /// The document of a route for a webhook: the flow's, or the fallback of whatever stopped it.
    pub(super) async fn webhook(self, webhook: Webhook, record: &mut Record) -> Said {
        let said = {
            let said = pin!(self.said(webhook, record));
            unwinding(said).await
        };
        // Kept like any other reply: a function that was asked before a panic is not asked again.
        let said = said.unwrap_or_else(|panicked| Err(panicked.into()));
        said.unwrap_or_else(|error| Said::only(record.failed(&error).document))
    }

    async fn said(self, webhook: Webhook, record: &mut Record) -> Result<Said, ExchangeError> {
        let flow = &self.route.flow;
        let keeps = !flow.is_short() || flow.holds() || names_our_step(&webhook);
        let known = webhook.sid().is_some() || !flow.is_short();
        match keeps && known {
            true => self.conversation(webhook, record).await,
            false => Ok(self.at_once(webhook, record).await),
        }
    }

    /// The short form of a route that holds nobody: it never waits, so there is nothing to find and
    /// nothing to keep.
    async fn at_once(self, mut webhook: Webhook, record: &mut Record) -> Said {
        let params = Arc::new(std::mem::take(&mut webhook.params));
        let flow = &self.route.flow;
        let begun = Arc::clone(&params);
        let mut execution = Execution::begin(random::sid("FN"), self.route.channel, begun);
        execution.traced = record.is_traced();
        let at = Moment::without_return(clock::wall());
        let asked = Asked { event: Event::Trigger, at, webhook: &webhook, params: &params };
        Said::only(self.turn(flow, &mut execution, asked, record).await)
    }

    async fn conversation(
        self,
        mut webhook: Webhook,
        record: &mut Record,
    ) -> Result<Said, ExchangeError> {
        let (worker, flow, channel) = (self.worker, &self.route.flow, self.route.channel);
        let Some(session) = saved::session(&webhook, channel, flow) else {
            record.note("it has no identifier, so it belongs to no execution");
            return Ok(Said::only(EMPTY));
        };
        let entered = timeout_at(self.deadline, worker.sessions.lock(&session)).await;
        let turn = entered.map_err(|_| ExchangeError::Deadline)?;
        let active = self.active(&session, record).await?;
        let before = active.as_ref().map(|(_, execution)| execution);
        if blocked(&webhook, channel, flow, before) {
            return Err(ExchangeError::Concurrent);
        }
        let now = clock::wall();
        let was_kept = active.is_some();
        let plan = match was_kept || !begins_anew(&webhook, flow) {
            true => decide(&webhook, channel, before),
            false => Plan::Begin,
        };
        let (mut execution, event, flow, created) = match (plan, active) {
            (Plan::Resume(event), Some((saved, execution))) => {
                let flow = self.gateway.revision(&worker.sessions, flow, &saved);
                let flow = in_time(self.deadline, flow).await?;
                if !execution.fits(&flow) {
                    return Err(StoreError::Corrupt(saved.sid).into());
                }
                (execution, event, flow, saved.created)
            }
            (Plan::Ignore(why), _) => {
                record.note(why);
                return Ok(Said::only(EMPTY));
            }
            (Plan::Refuse(error), _) => return Err(error),
            (Plan::Begin | Plan::Resume(_), active) => {
                if let Some((replaced, _)) = active {
                    self.end(replaced).await?;
                }
                let params = Arc::new(webhook.params.clone());
                let sid = random::sid_in_order("FN", now);
                let mut execution = Execution::begin(sid, channel, params);
                execution.route = Some(self.route.path.clone());
                execution.account = webhook.account.as_ref().map(|account| account.sid.clone());
                (execution, Event::Trigger, Arc::clone(flow), now)
            }
        };
        execution.traced = record.is_traced();
        let at = self.moment(&webhook);
        let params = std::mem::take(&mut webhook.params);
        let asked = Asked { event, at, webhook: &webhook, params: &params };
        let document = self.turn(&flow, &mut execution, asked, record).await;
        if execution.state != State::Ended {
            in_time(self.deadline, worker.keep_flow(&flow)).await?;
        } else if flow.is_short() && !was_kept {
            return Ok(Said::only(document));
        }
        let steps = saved::steps(&mut execution, now);
        let kept = Kept { flow: self.route.flow.name.clone(), session, created };
        let execution = Some(saved::write(&execution, &flow, &kept, now));
        Ok(Said { document, execution, steps, _turn: Some(turn) })
    }

    /// The execution that is active for a session. One that cannot be read, whether it is damaged
    /// or another version's, must not keep its caller out: it is over, and he begins anew.
    async fn active(
        self,
        session: &str,
        record: &mut Record,
    ) -> Result<Option<(StoredExecution, Execution)>, ExchangeError> {
        let active = self.worker.sessions.active(session);
        let saved = match in_time(self.deadline, active).await {
            Err(damaged @ StoreError::Corrupt(_)) => {
                // What is begun now takes its place in the store.
                record.note(&format!("{damaged}; its caller begins anew"));
                return Ok(None);
            }
            saved => saved?,
        };
        let Some(saved) = saved else { return Ok(None) };
        match saved::read(&saved) {
            Ok(execution) => Ok(Some((saved, execution))),
            Err(unreadable) => {
                record.note(&format!("{unreadable}; its caller begins anew"));
                self.end(saved).await?;
                Ok(None)
            }
        }
    }

    /// Ends an execution that another one takes the place of.
    async fn end(self, replaced: StoredExecution) -> Result<(), ExchangeError> {
        let now = clock::wall();
        let ended = Commit::new(saved::ended(replaced, now), Vec::new(), now);
        Ok(in_time(self.deadline, self.worker.sessions.commit(ended)).await?)
    }

    /// One turn: what it said, or the fallback of what stopped it.
    async fn turn(
        self,
        flow: &Flow,
        execution: &mut Execution,
        asked: Asked<'_>,
        record: &mut Record,
    ) -> Bytes {
        let Asked { event, at, webhook, params } = asked;
        let key = webhook.idempotency_token.as_deref();
        let step = webhook.query.get("step");
        let key = key.or(step).or_else(|| params.sid()).unwrap_or_default();
        let run = Run {
            gateway: self.gateway,
            worker: self.worker,
            flow,
            deadline: self.deadline,
            at,
            account: self.account(webhook, execution),
            params,
            form: (!params.is_empty() && !webhook.body.is_empty()).then_some(&webhook.body),
            key,
        };
        match run.until_said(execution, event, record).await {
            Ok(document) => document,
            Err(failure) => record.failed(&failure.into()).document,
        }
    }

    /// What comes from outside with an event.
    fn moment(self, webhook: &Webhook) -> Moment {
        let urls = self.gateway.urls_of(&self.route.flow.name, Some(&self.route.path));
        Moment::coming_back(clock::wall(), random::sid(""), webhook, urls)
    }

    /// The account that an execution began for. It is nearly always the webhook's own, which needs
    /// no look-up.
    fn account<'b>(self, webhook: &'b Webhook, execution: &Execution) -> Option<&'b Arc<Account>>
    where
        'a: 'b,
    {
        let own = webhook.account.as_ref();
        match execution.account.as_deref() {
            Some(sid) if own.is_none_or(|own| own.sid != sid) => self.gateway.account(sid),
            _ => own,
        }
    }
}

/// Whether a webhook that belongs to no execution begins one, whatever it tells: a short route runs
/// for each. What it names as a step may be its function's own word; ours are known by their form,
/// and where callers are held, one without its execution is over.
fn begins_anew(webhook: &Webhook, flow: &Flow) -> bool {
    let theirs = webhook.query.get("step").is_some() && !names_our_step(webhook);
    flow.is_short() && (!flow.holds() || theirs)
}

/// Whether a webhook names a step that we may have given out.
fn names_our_step(webhook: &Webhook) -> bool {
    let hexadecimal = |step: &str| {
        step.len() == 32 && step.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    webhook.query.get("step").is_some_and(hexadecimal)
}

/// Whether a caller must not be in two calls, and is in one.
fn blocked(webhook: &Webhook, channel: Channel, flow: &Flow, before: Option<&Execution>) -> bool {
    let other = |execution: &Execution| {
        execution.call_sid.as_deref().is_some_and(|sid| webhook.param("CallSid") != Some(sid))
    };
    channel == Channel::Voice && !flow.concurrent_calls && before.is_some_and(other)
}

// === impl Said ===

impl Said {
    /// A document, and nothing to keep but its bytes.
    pub(super) fn only(document: Bytes) -> Said {
        Said { document, execution: None, steps: Vec::new(), _turn: None }
    }

    /// Keeps the reply for the webhook's repeats, with the new state, before it leaves.
    pub(super) async fn keep(
        self,
        worker: &Worker,
        claim: Option<ClaimGuard>,
    ) -> Result<Bytes, ExchangeError> {
        let Said { document, execution, steps, _turn } = self;
        let (reply, now) = (document.clone(), clock::wall());
        worker.sessions.commit(Commit { claim, reply, execution, steps, now }).await?;
        Ok(document)
    }
}
