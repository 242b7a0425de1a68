//! Advances the execution of a webhook by one turn: finds or begins it, runs the flow, and collects
//! what must be committed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use tokio::time::timeout_at;

use super::decide::{Conversation, Plan, SessionKeys, conversation, decide, is_for_number};
use super::load::LoadedExecution;
use super::stored_reply::encode_reply;
use super::turn_runner::TurnRunner;
use super::{ExchangeContext, ExchangeError, WebhookReply, in_time};
use crate::clock;
use crate::config::Account;
use crate::fallback;
use crate::flow::{Event, Execution, ExecutionState, Flow, Persistence, TurnContext};
use crate::function::CallCookies;
use crate::gateway::Worker;
use crate::journal::ExchangeLog;
use crate::random;
use crate::route::Route;
use crate::session::{
    ClaimGuard, Commit, ExecutionContext, SessionGuard, StepRecord, StoreError, StoredExecution,
    end_execution, take_steps,
};
use crate::twiml::EMPTY;
use crate::webhook::{Params, StepToken, Webhook};

/// Runs the flow of a route for a webhook.
#[derive(Clone, Copy)]
pub(super) struct WebhookHandler<'a> {
    pub(super) context: ExchangeContext<'a>,
    pub(super) route: &'a Arc<Route>,
}

/// What one turn of an execution begins with.
struct TurnInput<'a> {
    event: Event,
    turn: TurnContext,
    webhook: &'a Webhook,
    /// The parameters, which were moved out of the webhook.
    params: &'a Params,
    /// The parameters as the carrier encoded them. `None` if they did not come as a form, or if the
    /// query of the URL added some.
    form: Option<Bytes>,
}

/// The document of a turn, and what must be committed before it leaves.
#[derive(Debug)]
pub(super) struct TurnResult {
    document: Bytes,
    /// The cookies that functions have set.
    cookies: Vec<String>,
    execution: Option<StoredExecution>,
    steps: Vec<StepRecord>,
    /// Held until the commit, so that other webhooks of the session read the new state.
    _locks: SessionGuards,
}

/// The locks of a turn: of its session, and of the one of the number, see [`SessionKeys`].
type SessionGuards = [Option<SessionGuard>; 2];

/// The session of a webhook, locked.
struct LockedSession {
    key: String,
    /// The execution that is active in it.
    active: Option<LoadedExecution>,
    locks: SessionGuards,
}

impl<'a> WebhookHandler<'a> {
    // The webhook is borrowed: an argument by value has room in the future of each function that
    // it is passed through, and the future of a webhook is moved as a whole.
    /// Runs one turn for a webhook. It takes the parameters out of it.
    pub(super) async fn turn(
        self,
        webhook: &mut Webhook,
        log: &mut ExchangeLog,
    ) -> Result<TurnResult, ExchangeError> {
        if let Some(fault) = webhook.payload.as_ref().and_then(|payload| payload.fault.as_ref()) {
            log.note(&format!("the webhook says that it is JSON, and is not: {fault}"));
        }
        match conversation(webhook, self.route) {
            Conversation::Stateless => Ok(self.run_stateless(webhook, log).await),
            Conversation::Session(keys) => self.run_in_session(webhook, keys, log).await,
            Conversation::Ignore(why) => {
                log.note(why);
                Ok(TurnResult::stateless(EMPTY))
            }
        }
    }

    /// Runs a flow that never waits: nothing is read from the store, and only the reply is written.
    async fn run_stateless(self, webhook: &mut Webhook, log: &mut ExchangeLog) -> TurnResult {
        let form = webhook.merge_query();
        let params = Arc::new(std::mem::take(&mut webhook.params));
        let begun = Arc::clone(&params);
        let mut execution = Execution::begin(random::sid("FN"), self.route.channel, begun);
        if let Some(payload) = &webhook.payload {
            execution = execution.with_json(&payload.values);
        }
        let records = self.context.worker.records_transitions;
        let turn = TurnContext::without_return(clock::wall()).recording_transitions(records);
        let event = Event::Trigger;
        let input = TurnInput { event, turn, webhook, params: &params, form };
        let (document, cookies) = self.run(&self.route.flow, &mut execution, input, log).await;
        TurnResult { cookies, ..TurnResult::stateless(document) }
    }

    /// Runs a flow whose executions are stored: the session's active one, or a new one.
    async fn run_in_session(
        self,
        webhook: &mut Webhook,
        keys: SessionKeys,
        log: &mut ExchangeLog,
    ) -> Result<TurnResult, ExchangeError> {
        let ExchangeContext { worker, deadline, .. } = self.context;
        let LockedSession { key: session, active, locks } =
            self.lock_session(webhook, keys, log).await?;
        let was_stored = active.is_some();
        let now = clock::wall();
        let plan = decide(webhook, self.route, active);
        // After the decision: what the owner wrote into the URL says nothing about the call.
        let form = webhook.merge_query();
        let (created, flow, mut execution, event) = match plan {
            Plan::Ignore(why) => {
                log.note(why);
                return Ok(TurnResult::stateless(EMPTY));
            }
            Plan::Refuse(error) => return Err(error),
            Plan::Resume { loaded, event } => {
                let flow = self.flow(&loaded).await?;
                (loaded.stored.created, flow, loaded.execution, event)
            }
            Plan::Begin { replaced } => {
                if let Some(replaced) = replaced {
                    self.end(replaced).await?;
                }
                let execution = self.begin(webhook, now);
                (now, Arc::clone(&self.route.flow), execution, Event::Trigger)
            }
        };
        let turn = self.turn_context(webhook, &flow, now);
        let params = std::mem::take(&mut webhook.params);
        let input = TurnInput { event, turn, webhook, params: &params, form };
        let (document, cookies) = self.run(&flow, &mut execution, input, log).await;
        if execution.state != ExecutionState::Ended {
            // Before the execution: the store must never have an execution without its flow.
            in_time(deadline, worker.store_flow(&flow)).await?;
        } else if flow.persistence == Persistence::WhilePending && !was_stored {
            // It ended in its first turn, so no later webhook can refer to it.
            return Ok(TurnResult { cookies, ..TurnResult::stateless(document) });
        }
        let steps = take_steps(&mut execution, now);
        let context = ExecutionContext { flow: &self.route.flow.name, session, created };
        let execution = Some(context.encode(&execution, &flow, now));
        Ok(TurnResult { document, cookies, execution, steps, _locks: locks })
    }

    /// Locks the session of a webhook and reads its active execution.
    async fn lock_session(
        self,
        webhook: &Webhook,
        keys: SessionKeys,
        log: &mut ExchangeLog,
    ) -> Result<LockedSession, ExchangeError> {
        let SessionKeys { key, by_number } = keys;
        let lock = self.lock(&key).await?;
        let active = self.active(&key, log).await?;
        let Some(number) = by_number else {
            return Ok(LockedSession { key, active, locks: [Some(lock), None] });
        };
        // Always after the lock of the service, so that two webhooks never wait for each other.
        let number_lock = self.lock(&number).await?;
        let locks = [Some(lock), Some(number_lock)];
        match self.active(&number, log).await? {
            Some(other) if is_for_number(webhook, active.as_ref(), &other) => {
                Ok(LockedSession { key: number, active: Some(other), locks })
            }
            _ => Ok(LockedSession { key, active, locks }),
        }
    }

    async fn lock(self, session: &str) -> Result<SessionGuard, ExchangeError> {
        let ExchangeContext { worker, deadline, .. } = self.context;
        let lock = timeout_at(deadline, worker.sessions.lock(session)).await;
        lock.map_err(|_| ExchangeError::Deadline)
    }

    /// Begins an execution of the route's flow.
    fn begin(self, webhook: &Webhook, now: Duration) -> Execution {
        // A copy, because templates read `trigger.*` in later turns, and this turn sends the form.
        let params = Arc::new(webhook.params.clone());
        // In the order of time, so that new rows are added at the end of the store's index.
        let sid = random::sid_in_order("FN", now);
        let mut execution = Execution::begin(sid, self.route.channel, params);
        if let Some(payload) = &webhook.payload {
            execution = execution.with_json(&payload.values);
        }
        execution.route = Some(self.route.path.clone());
        execution.account = webhook.account.as_ref().map(|account| account.sid.clone());
        execution
    }

    /// The active execution of a session. One that cannot be read, because it is damaged or has the
    /// form of another version, ends, and the webhook begins another one: a damaged record must not
    /// lock its caller out.
    async fn active(
        self,
        session: &str,
        log: &mut ExchangeLog,
    ) -> Result<Option<LoadedExecution>, ExchangeError> {
        let active = self.context.worker.sessions.active(session);
        let stored = match in_time(self.context.deadline, active).await {
            Err(damaged @ StoreError::Corrupt(_)) => {
                // The execution that begins now replaces it in the store.
                log.note(&format!("{damaged}; its caller begins anew"));
                return Ok(None);
            }
            stored => stored?,
        };
        match stored.map(LoadedExecution::read).transpose() {
            Ok(loaded) => Ok(loaded),
            Err((stored, unreadable)) => {
                log.note(&format!("{unreadable}; its caller begins anew"));
                self.end(stored).await?;
                Ok(None)
            }
        }
    }

    async fn flow(self, loaded: &LoadedExecution) -> Result<Arc<Flow>, ExchangeError> {
        let ExchangeContext { gateway, worker, deadline } = self.context;
        let flow = loaded.flow(gateway, &worker.sessions, Some(&self.route.flow));
        in_time(deadline, flow).await?.map_err(ExchangeError::from)
    }

    /// Ends an execution that another one replaces.
    async fn end(self, replaced: StoredExecution) -> Result<(), ExchangeError> {
        let now = clock::wall();
        let ended = Commit::new(end_execution(replaced, now), Vec::new(), now);
        Ok(in_time(self.context.deadline, self.context.worker.sessions.commit(ended)).await?)
    }

    /// Runs one turn: the document of the flow, or the fallback if the flow fails. A failed
    /// execution has ended, and its end is stored like any other.
    async fn run(
        self,
        flow: &Flow,
        execution: &mut Execution,
        input: TurnInput<'_>,
        log: &mut ExchangeLog,
    ) -> (Bytes, Vec<String>) {
        let TurnInput { event, turn, webhook, params, form } = input;
        let token = webhook.idempotency_token.as_deref();
        // The carrier's own token first: it is the same in all deliveries of a webhook.
        let key = token.or_else(|| StepToken::named_by(webhook)).or_else(|| params.sid());
        let runner = TurnRunner {
            context: self.context,
            flow,
            turn,
            account: self.account(webhook, execution),
            params,
            form: form.as_ref(),
            payload: webhook.payload.as_deref(),
            cookies: self
                .route
                .cookies
                .then(|| CallCookies { route: &self.route.path, received: &webhook.cookies }),
            key: key.unwrap_or_default(),
        };
        let mut cookies = Vec::new();
        let document = runner.run(execution, event, &mut cookies, log).await;
        let document = document.unwrap_or_else(|failure| {
            let error = failure.into();
            log.record_failure(&error);
            fallback::reply_to(&error, Some(self.route)).document
        });
        (document, cookies)
    }

    /// The time, the next step token and the URLs of a turn.
    fn turn_context(self, webhook: &Webhook, flow: &Flow, now: Duration) -> TurnContext {
        let urls = self.context.gateway.urls_of(&self.route.flow.name, Some(&self.route.path));
        let token = StepToken::new(random::sid(""));
        let records = flow.persistence.is_always() || self.context.worker.records_transitions;
        TurnContext::for_webhook(now, token, webhook, urls).recording_transitions(records)
    }

    /// The account that an execution began for. It is nearly always the webhook's, which needs no
    /// lookup.
    fn account<'b>(self, webhook: &'b Webhook, execution: &Execution) -> Option<&'b Arc<Account>>
    where
        'a: 'b,
    {
        let own = webhook.account.as_ref();
        match execution.account.as_deref() {
            Some(sid) if own.is_none_or(|own| own.sid != sid) => self.context.gateway.account(sid),
            _ => own,
        }
    }
}

// === impl TurnResult ===

impl TurnResult {
    /// A document without an execution: the commit stores its bytes only.
    pub(super) fn stateless(document: Bytes) -> TurnResult {
        TurnResult {
            document,
            cookies: Vec::new(),
            execution: None,
            steps: Vec::new(),
            _locks: [None, None],
        }
    }

    /// Commits the reply with the new state, so that repeats of the webhook get the same bytes.
    ///
    /// # Errors
    /// If the store fails. Then neither the reply nor the state is stored.
    pub(super) async fn commit(
        self,
        worker: &Worker,
        claim: Option<ClaimGuard>,
    ) -> Result<WebhookReply, ExchangeError> {
        let TurnResult { document, cookies, execution, steps, _locks } = self;
        let (reply, now) = (encode_reply(&document, &cookies), clock::wall());
        worker.sessions.commit(Commit { claim, reply, execution, steps, now }).await?;
        Ok(WebhookReply { cookies, ..WebhookReply::document(document) })
    }
}
