//! Advances the execution of a webhook by one turn: finds or begins it, runs the flow, and collects
//! what must be committed.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use super::decide::{Conversation, Plan, SessionKeys, decide, is_for_number};
use super::load::LoadedExecution;
use super::stored_reply::{decode_reply, encode_reply};
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
    ClaimGuard, Commit, ExecutionContext, OpenTurn, SessionGuards, StepRecord, StoreError,
    StoredExecution, end_execution, take_steps,
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
    /// The execution that ends because another one begins.
    ended: Option<Box<StoredExecution>>,
    execution: Option<StoredExecution>,
    steps: Vec<StepRecord>,
    /// Held until the commit is written, so that other webhooks of the session read the new state.
    locks: SessionGuards,
}

/// The session of a webhook, locked.
struct LockedSession {
    key: String,
    /// The execution that is active in it.
    active: Option<LoadedExecution>,
    /// An execution that was active and cannot be read, ended.
    unreadable: Option<Box<StoredExecution>>,
    /// Of the session, and of the one of the number, see [`SessionKeys`].
    locks: SessionGuards,
}

impl<'a> WebhookHandler<'a> {
    // The webhook is borrowed: an argument by value has room in the future of each function that
    // it is passed through, and the future of a webhook is moved as a whole.
    /// Runs one turn for a webhook. It takes the parameters out of it.
    pub(super) async fn turn(
        self,
        webhook: &mut Webhook,
        conversation: Conversation,
        opened: Option<Box<OpenTurn>>,
        log: &mut ExchangeLog,
    ) -> Result<TurnResult, ExchangeError> {
        if let Some(fault) = webhook.payload.as_ref().and_then(|payload| payload.fault.as_ref()) {
            log.note(&format!("the webhook says that it is JSON, and is not: {fault}"));
        }
        match (conversation, opened) {
            (Conversation::Session(keys), Some(opened)) => {
                self.run_in_session(webhook, keys, opened, log).await
            }
            (Conversation::Ignore(why), _) => {
                log.note(why);
                Ok(TurnResult::stateless(EMPTY))
            }
            (Conversation::Stateless | Conversation::Session(_), _) => {
                Ok(self.run_stateless(webhook, log).await)
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
        opened: Box<OpenTurn>,
        log: &mut ExchangeLog,
    ) -> Result<TurnResult, ExchangeError> {
        let ExchangeContext { worker, deadline, .. } = self.context;
        let LockedSession { key: session, active, unreadable: mut ended, locks } =
            self.lock_session(webhook, keys, opened, log).await?;
        let was_stored = active.is_some();
        let now = clock::wall();
        let plan = decide(webhook, self.route, active);
        // After the decision: what the owner wrote into the URL says nothing about the call.
        let form = webhook.merge_query();
        let (began, flow, mut execution, event) = match plan {
            Plan::Ignore(why) => {
                log.note(why);
                return Ok(TurnResult { ended, locks, ..TurnResult::stateless(EMPTY) });
            }
            Plan::Refuse(error) => return Err(error),
            Plan::Resume { loaded, event } => {
                let flow = self.flow(&loaded).await?;
                let StoredExecution { created, version, .. } = loaded.stored;
                ((created, version), flow, loaded.execution, event)
            }
            Plan::Begin { replaced } => {
                if let Some(replaced) = &replaced {
                    log.record_replaced(&replaced.sid);
                }
                let replaced = replaced.map(|replaced| Box::new(end_execution(replaced, now)));
                ended = replaced.or(ended);
                let execution = self.begin(webhook, now);
                ((now, 0), Arc::clone(&self.route.flow), execution, Event::Trigger)
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
            return Ok(TurnResult { cookies, ended, locks, ..TurnResult::stateless(document) });
        }
        let steps = take_steps(&mut execution, now);
        let (created, read_version) = began;
        let context =
            ExecutionContext { flow: &self.route.flow.name, session, created, read_version };
        let execution = Some(context.encode(&execution, &flow, now));
        Ok(TurnResult { document, cookies, ended, execution, steps, locks })
    }

    /// Loads the active execution of a webhook's session; where it may be in the session of the
    /// number, locks and reads that one too.
    async fn lock_session(
        self,
        webhook: &Webhook,
        keys: SessionKeys,
        opened: Box<OpenTurn>,
        log: &mut ExchangeLog,
    ) -> Result<LockedSession, ExchangeError> {
        let SessionKeys { key, by_number } = keys;
        let OpenTurn { lock, active } = *opened;
        let (active, unreadable) = load(active, log)?;
        let Some(number) = by_number else {
            return Ok(LockedSession { key, active, unreadable, locks: [Some(lock), None] });
        };
        // Always after the lock of the service, so that two webhooks never wait for each other.
        let by_number = self.open_session(&number).await?;
        let locks = [Some(lock), Some(by_number.lock)];
        let (other, unreadable_other) = load(by_number.active, log)?;
        match other {
            Some(other) if is_for_number(webhook, active.as_ref(), &other) => {
                Ok(LockedSession { key: number, active: Some(other), unreadable, locks })
            }
            _ => {
                let unreadable = unreadable.or(unreadable_other);
                Ok(LockedSession { key, active, unreadable, locks })
            }
        }
    }

    async fn open_session(self, session: &str) -> Result<OpenTurn, ExchangeError> {
        let ExchangeContext { worker, deadline, .. } = self.context;
        let opened =
            async { Ok::<_, StoreError>(worker.sessions.open_session(session, deadline).await) };
        in_time(deadline, opened).await?.ok_or(ExchangeError::Deadline)
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

    async fn flow(self, loaded: &LoadedExecution) -> Result<Arc<Flow>, ExchangeError> {
        let ExchangeContext { gateway, worker, deadline } = self.context;
        let flow = loaded.flow(gateway, &worker.sessions, Some(&self.route.flow));
        in_time(deadline, flow).await?.map_err(ExchangeError::from)
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

/// The active execution of a session. One that cannot be read, because it is damaged or has the
/// form of another version, is returned ended, and the webhook begins another one: a damaged record
/// must not lock its caller out.
fn load(
    active: Result<Option<StoredExecution>, StoreError>,
    log: &mut ExchangeLog,
) -> Result<(Option<LoadedExecution>, Option<Box<StoredExecution>>), ExchangeError> {
    let stored = match active {
        Err(damaged @ StoreError::Corrupt(_)) => {
            // The execution that begins now replaces it in the store.
            log.note(&format!("{damaged}; its caller begins anew"));
            return Ok((None, None));
        }
        stored => stored?,
    };
    match stored.map(LoadedExecution::read).transpose() {
        Ok(loaded) => Ok((loaded, None)),
        Err((stored, unreadable)) => {
            log.note(&format!("{unreadable}; its caller begins anew"));
            Ok((None, Some(Box::new(end_execution(stored, clock::wall())))))
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
            ended: None,
            execution: None,
            steps: Vec::new(),
            locks: [None, None],
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
        let TurnResult { document, cookies, ended, execution, steps, locks } = self;
        let (reply, now) = (encode_reply(&document, &cookies), clock::wall());
        let commit = Commit { claim, reply, ended, execution, steps, now, locks };
        match worker.sessions.commit(commit).await {
            Ok(()) => {}
            // Its repeats get these bytes, and so does this delivery.
            Err(StoreError::Answered(reply)) => return Ok(decode_reply(reply)),
            Err(error) => return Err(error.into()),
        }
        Ok(WebhookReply { cookies, ..WebhookReply::document(document) })
    }
}
