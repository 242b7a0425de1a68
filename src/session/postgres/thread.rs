//! The thread of the store: a runtime of its own, with a handful of connections.
//!
//! Requests wait in three queues: beginnings of turns, commits, and everything else. A worker takes
//! what waits in its queue when its last group is done, up to [`STORE_GROUP_MAX`], and runs it as
//! one statement, and so as one transaction.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::sync::{Notify, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::connect::{self, Target};
use super::request::{CommitRequest, GroupRequest, OpenRequest, Parameter, QueryRequest};
use super::rows::DigestColumn;
use super::shared_lock::{SharedLock, Waiters};
use super::statement_error::StatementError;
use crate::clock;
use crate::limits::{STORE_GROUP_MAX, STORE_RECONNECT_MAX, STORE_RIDE_OUT, STORE_STATEMENT_WITHIN};
use crate::random;
use crate::session::StoreError;

/// Connections for the beginnings of turns, and as many for commits.
const WORKERS: usize = 2;

/// Whether the database answers.
#[derive(Clone, Debug)]
pub(super) struct LinkState {
    /// The number of this process among the nodes, while its signal connection is open.
    pub(super) node: Option<i32>,
    /// Since when it is as it is.
    pub(super) since: Instant,
    /// What is wrong, while it does not answer.
    pub(super) problem: Option<String>,
    /// Whether it can only be mended by an operator.
    pub(super) is_final: bool,
}

/// A request to the thread.
pub(super) enum Request {
    Open(Box<OpenRequest>),
    Commit(Box<CommitRequest>),
    Query(Box<QueryRequest>),
}

/// What the thread is started with.
pub(super) struct StoreThread {
    pub(super) target: Target,
    pub(super) requests: Receiver<Request>,
    pub(super) leaves: UnboundedReceiver<SharedLock>,
    pub(super) state: watch::Sender<LinkState>,
    pub(super) waiters: Waiters,
}

/// Requests that wait for a worker of this thread.
struct LocalQueue<T> {
    waiting: RefCell<VecDeque<T>>,
    wake: Notify,
    is_closed: Cell<bool>,
}

/// A connection of a worker.
struct Link {
    shared: Rc<WorkerContext>,
    client: Option<Client>,
    /// Attempts that failed one after the other.
    failures: u32,
}

struct WorkerContext {
    target: Target,
    state: watch::Receiver<LinkState>,
    /// One connection is made at a time: each costs a server that has just started.
    dial: tokio::sync::Mutex<()>,
}

// === impl StoreThread ===

impl StoreThread {
    /// Runs requests until the store is closed and all commits have their result.
    pub(super) fn run(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // An error: the store is never up, and says so.
        let Ok(runtime) = runtime else { return };
        LocalSet::new().block_on(&runtime, self.serve());
    }

    async fn serve(self) {
        let StoreThread { target, mut requests, mut leaves, state, waiters } = self;
        let (opens, commits, queries) = (LocalQueue::new(), LocalQueue::new(), LocalQueue::new());
        let shared = Rc::new(WorkerContext {
            target: target.clone(),
            state: state.subscribe(),
            dial: tokio::sync::Mutex::new(()),
        });
        let signal = spawn_local(connect::signal(target.clone(), state, waiters));
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            workers.push(spawn_local(work(Rc::clone(&shared), Rc::clone(&opens))));
            workers.push(spawn_local(work(Rc::clone(&shared), Rc::clone(&commits))));
        }
        workers.push(spawn_local(query(Rc::clone(&shared), Rc::clone(&queries))));
        loop {
            let request = tokio::select! {
                request = requests.recv() => request,
                Some(shared_lock) = leaves.recv() => {
                    let mut shared_locks = vec![shared_lock];
                    shared_locks.extend(std::iter::from_fn(|| leaves.try_recv().ok()));
                    queries.push(release_locks(&target.schema, &shared_locks));
                    continue;
                }
            };
            match request {
                Some(Request::Open(open)) => opens.push(*open),
                Some(Request::Commit(commit)) => commits.push(*commit),
                Some(Request::Query(query)) => queries.push(*query),
                None => break,
            }
        }
        let shared_locks: Vec<SharedLock> = std::iter::from_fn(|| leaves.try_recv().ok()).collect();
        if !shared_locks.is_empty() {
            queries.push(release_locks(&target.schema, &shared_locks));
        }
        opens.close();
        commits.close();
        queries.close();
        for worker in workers {
            // A panic has been reported.
            let _ = worker.await;
        }
        signal.abort();
    }
}

/// Gives locks back.
fn release_locks(schema: &str, shared_locks: &[SharedLock]) -> QueryRequest {
    let sessions: Vec<_> =
        shared_locks.iter().map(|shared_lock| DigestColumn(shared_lock.session)).collect();
    let tokens: Vec<_> = shared_locks.iter().map(|shared_lock| shared_lock.token).collect();
    QueryRequest {
        sql: format!(
            "SELECT {schema}.lock_release_1(u.session, u.token) \
             FROM unnest($1::uuid[], $2::bigint[]) AS u (session, token)"
        ),
        parameters: vec![
            (Box::new(sessions), Type::UUID_ARRAY),
            (Box::new(tokens), Type::INT8_ARRAY),
        ],
        until: clock::now() + STORE_RIDE_OUT,
        sender: tokio::sync::oneshot::channel().0,
    }
}

/// Runs groups of requests of one kind.
async fn work<T: GroupRequest>(shared: Rc<WorkerContext>, queue: Rc<LocalQueue<T>>) {
    let sql = T::statement(&shared.target.schema);
    let mut link = Link { shared, client: None, failures: 0 };
    while let Some(mut group) = queue.take(STORE_GROUP_MAX).await {
        group.sort_by_key(T::order);
        link.run_group(&sql, group.into()).await;
    }
}

/// Runs other requests, one after the other.
async fn query(shared: Rc<WorkerContext>, queue: Rc<LocalQueue<QueryRequest>>) {
    let mut link = Link { shared, client: None, failures: 0 };
    while let Some(requests) = queue.take(1).await {
        for request in requests {
            let QueryRequest { sql, parameters, until, sender } = request;
            let result = link.query(&sql, &parameters, until).await;
            // An error means that the task was cancelled.
            let _ = sender.send(result);
        }
    }
}

// === impl Link ===

impl Link {
    /// Runs a group until each request of it has its result.
    async fn run_group<T: GroupRequest>(&mut self, sql: &str, mut group: VecDeque<T>) {
        let mut size = group.len();
        let mut last = "the database does not answer".to_owned();
        loop {
            group.retain(|request| !request.is_abandoned());
            fail_late(&mut group, &last);
            if group.is_empty() {
                return;
            }
            let Some(node) = self.node(&mut last).await else {
                // Everything that can wait has waited for long enough.
                if self.has_given_up() {
                    for request in group {
                        request.fail(StoreError::Failed(last.clone()));
                    }
                    return;
                }
                continue;
            };
            let some: Vec<T> = group.drain(..size.min(group.len())).collect();
            let parameters = T::parameters(&some, node);
            match self.execute(sql, &parameters).await {
                Ok(rows) if rows.len() == some.len() => {
                    for (request, row) in some.into_iter().zip(&rows) {
                        request.finish(row);
                    }
                    continue;
                }
                Ok(rows) => last = format!("it returned {} rows of {}", rows.len(), some.len()),
                Err(StatementError::Connection(error)) => {
                    last = error;
                    self.client = None;
                    some.into_iter().rev().for_each(|request| group.push_front(request));
                    self.back_off().await;
                    continue;
                }
                Err(StatementError::Request(error)) if some.len() == 1 => {
                    for request in some {
                        request.fail(StoreError::Failed(error.clone()));
                    }
                    continue;
                }
                Err(StatementError::Request(error) | StatementError::Transient(error)) => {
                    last = error
                }
            }
            // One request may be the cause: from now on each is run alone, and one that cannot be
            // run now waits behind the others.
            size = 1;
            group.extend(some);
            self.back_off().await;
        }
    }

    async fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
        until: Instant,
    ) -> Result<Vec<Row>, StoreError> {
        let mut last = "the database does not answer".to_owned();
        while clock::now() < until {
            if self.node(&mut last).await.is_none() {
                if self.has_given_up() {
                    break;
                }
                continue;
            }
            match self.execute(sql, parameters).await {
                Ok(rows) => return Ok(rows),
                Err(StatementError::Request(error)) => return Err(StoreError::Failed(error)),
                Err(StatementError::Transient(error)) => last = error,
                Err(StatementError::Connection(error)) => {
                    self.client = None;
                    last = error;
                }
            }
            self.back_off().await;
        }
        Err(StoreError::Failed(last))
    }

    /// This node, once the database answers. `None` if it does not for a moment: then the
    /// connection is gone, and `last` says what is wrong.
    async fn node(&mut self, last: &mut String) -> Option<i32> {
        let mut state = self.shared.state.clone();
        let up = state.wait_for(|state| state.node.is_some());
        let up = timeout(Duration::from_millis(100), up).await;
        let node = up.ok().and_then(Result::ok).and_then(|state| state.node);
        if node.is_none() {
            self.client = None;
            if let Some(problem) = &self.shared.state.borrow().problem {
                last.clone_from(problem);
            }
        }
        node
    }

    /// Whether the database has been away for longer than requests wait.
    fn has_given_up(&self) -> bool {
        let state = self.shared.state.borrow();
        state.is_final || state.since.elapsed() >= STORE_RIDE_OUT
    }

    async fn execute(
        &mut self,
        sql: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<Row>, StatementError> {
        let client = match &self.client {
            Some(open) if !open.is_closed() => open,
            _ => {
                let _dial = self.shared.dial.lock().await;
                self.client.insert(connect::open(&self.shared.target).await?)
            }
        };
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = parameters
            .iter()
            .map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone()))
            .collect();
        let rows = timeout(STORE_STATEMENT_WITHIN, client.query_typed(sql, &parameters)).await;
        // A late answer would be taken for that of the next statement: the connection is closed.
        let late = |_| StatementError::Connection("a statement took too long".to_owned());
        let rows = rows.map_err(late)??;
        self.failures = 0;
        Ok(rows)
    }

    /// Waits before a statement is sent again: longer each time.
    async fn back_off(&mut self) {
        self.failures += 1;
        let wait = Duration::from_millis(5) * (1 << self.failures.min(8));
        pause(wait.min(STORE_RECONNECT_MAX)).await;
    }
}

fn fail_late<T: GroupRequest>(group: &mut VecDeque<T>, why: &str) {
    let now = clock::now();
    for _ in 0..group.len() {
        let Some(request) = group.pop_front() else { return };
        if request.until() <= now {
            request.fail(StoreError::Failed(why.to_owned()));
        } else {
            group.push_back(request);
        }
    }
}

/// Waits for about this time: what failed together does not come again together.
pub(super) async fn pause(about: Duration) {
    let mut byte = [0; 1];
    // Without random numbers the wait is as long as it can be.
    let part = random::fill(&mut byte).map_or(1.0, |()| f64::from(byte[0]) / 256.0);
    sleep(about.mul_f64(0.5 + part / 2.0)).await;
}

// === impl LocalQueue ===

impl<T> LocalQueue<T> {
    fn new() -> Rc<LocalQueue<T>> {
        Rc::new(LocalQueue {
            waiting: RefCell::default(),
            wake: Notify::new(),
            is_closed: Cell::new(false),
        })
    }

    fn push(&self, request: T) {
        self.waiting.borrow_mut().push_back(request);
        self.wake.notify_one();
    }

    fn close(&self) {
        self.is_closed.set(true);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// The requests that wait, at most so many; `None` once there are none and the queue is closed.
    async fn take(&self, most: usize) -> Option<Vec<T>> {
        loop {
            let (some, is_more) = {
                let mut waiting = self.waiting.borrow_mut();
                let count = most.min(waiting.len());
                let some: Vec<T> = waiting.drain(..count).collect();
                (some, !waiting.is_empty())
            };
            // The other worker of this queue.
            if is_more {
                self.wake.notify_one();
            }
            if !some.is_empty() {
                return Some(some);
            }
            if self.is_closed.get() {
                self.wake.notify_one();
                return None;
            }
            self.wake.notified().await;
        }
    }
}
