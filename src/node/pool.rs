//! The pool of processes, as the rest of the gateway sees it: calls in, replies out.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use super::console::ConsoleSink;
use super::error::ProcessError;
use super::frame::{CallFrame, ProcessReply, frame_json};
use super::process::ProcessOptions;
use super::project::ProjectFolder;
use super::supervisor::supervise;
use crate::clock;
use crate::limits::{NODE_FRAME_BYTES_MAX, NODE_QUEUE_MAX};
use crate::metrics::ProcessMetrics;

/// A pool of Node processes for one project. Its thread and its processes begin with the first
/// call, or with [`NodePool::start`], and end when the pool is dropped and its calls have ended.
#[derive(Clone)]
pub struct NodePool(Arc<PoolState>);

struct PoolState {
    options: PoolOptions,
    project: Arc<ProjectFolder>,
    jobs: OnceLock<mpsc::UnboundedSender<Job>>,
    /// Jobs that no process has taken.
    queued: Arc<AtomicUsize>,
    next_id: AtomicU64,
    console: Mutex<Option<ConsoleSink>>,
    /// Whether a first process was started, or failed to.
    started: watch::Sender<bool>,
    metrics: ProcessMetrics,
}

/// What a pool is made with.
#[derive(Clone, Debug)]
pub(crate) struct PoolOptions {
    pub(crate) process: ProcessOptions,
    /// Calls at a time. There is one process more, so that one that ends is replaced at once.
    pub(crate) processes: usize,
    /// `context.DOMAIN_NAME`.
    pub(crate) domain: String,
    /// Whether a process loads the package `twilio` before its first call. Without it, a process is
    /// ready in a tenth of a second, and the first call that needs the package waits for it.
    pub(crate) preloads_twilio: bool,
    /// The variables of the project.
    pub(crate) env: Map<String, Value>,
    /// The functions whose code is in the configuration, by name.
    pub(crate) code: Map<String, Value>,
}

/// Who makes a call, for the console.
#[derive(Clone, Debug)]
pub(crate) struct CallLabel {
    /// The name of the function.
    pub(crate) function: Arc<str>,
    /// The sid of the call or message. May be empty.
    pub(crate) sid: String,
}

/// A call on its way to a process.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) frame: Vec<u8>,
    /// The file of the function, which later processes load before they get calls.
    pub(super) file: Option<String>,
    pub(super) label: CallLabel,
    pub(super) since: Instant,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<ProcessReply, ProcessError>>,
    /// Counted until a process takes the job.
    pub(super) ticket: Option<QueueTicket>,
}

/// One job in the queue.
pub(super) struct QueueTicket(Arc<AtomicUsize>);

/// What the supervisor gets of the pool.
pub(super) struct SupervisorParts {
    pub(super) options: PoolOptions,
    pub(super) project: Arc<ProjectFolder>,
    pub(super) console: Option<ConsoleSink>,
    pub(super) started: watch::Sender<bool>,
    pub(super) metrics: ProcessMetrics,
}

// === impl NodePool ===

impl NodePool {
    /// A pool without processes.
    pub(crate) fn new(
        options: PoolOptions,
        project: Arc<ProjectFolder>,
        metrics: ProcessMetrics,
    ) -> NodePool {
        NodePool(Arc::new(PoolState {
            options,
            project,
            jobs: OnceLock::new(),
            queued: Arc::default(),
            next_id: AtomicU64::new(1),
            console: Mutex::default(),
            started: watch::Sender::new(false),
            metrics,
        }))
    }

    /// Where the lines of the functions go. Call it before the first call.
    pub fn write_console_to(&self, sink: ConsoleSink) {
        *self.0.console.lock() = Some(sink);
    }

    /// Starts the first processes, and does not wait for them.
    pub fn warm_up(&self) {
        self.jobs();
    }

    /// Starts the first processes, and waits until one of them is ready, failed, or too slow.
    pub async fn start(&self, within: Duration) {
        let mut started = self.0.started.subscribe();
        self.jobs();
        // A reload is not refused for it: calls wait for the process, and say what is wrong.
        let _ = timeout_at(clock::now() + within, started.wait_for(|started| *started)).await;
    }

    /// The project that the pool runs.
    pub fn project(&self) -> &Arc<ProjectFolder> {
        &self.0.project
    }

    /// Makes a call. It never outlives `deadline` by more than the end of a process takes.
    ///
    /// # Errors
    /// There was no answer. The process that made the call has been replaced.
    pub(crate) async fn call(
        &self,
        mut frame: CallFrame<'_>,
        label: CallLabel,
        deadline: Instant,
    ) -> Result<ProcessReply, ProcessError> {
        let since = clock::now();
        let after = deadline.saturating_duration_since(since);
        if self.0.queued.load(Ordering::Relaxed) >= NODE_QUEUE_MAX {
            return Err(ProcessError::QueueFull);
        }
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let file = frame.file.map(str::to_owned);
        // Encoded here and not by the supervisor: this thread is one of several.
        frame.id = id;
        let frame = frame_json(&frame);
        if frame.len() > NODE_FRAME_BYTES_MAX {
            return Err(ProcessError::Start { reason: "the request is too large".to_owned() });
        }
        let (reply, answer) = oneshot::channel();
        let ticket = Some(QueueTicket::new(&self.0.queued));
        let job = Job { id, frame, file, label, since, deadline, reply, ticket };
        let gone = || ProcessError::Start { reason: "the supervisor has ended".to_owned() };
        self.jobs().send(job).map_err(|_| gone())?;
        match timeout_at(deadline, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(ProcessError::Timeout { after }),
        }
    }

    /// The way to the supervisor, which is started if it was not yet.
    fn jobs(&self) -> &mpsc::UnboundedSender<Job> {
        self.0.jobs.get_or_init(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let parts = SupervisorParts {
                options: self.0.options.clone(),
                project: Arc::clone(&self.0.project),
                console: self.0.console.lock().clone(),
                started: self.0.started.clone(),
                metrics: self.0.metrics.clone(),
            };
            let thread = std::thread::Builder::new().name("functions".to_owned());
            // Without the thread the receiver is gone, and each call says so.
            let _ = thread.spawn(move || supervise(parts, receiver));
            sender
        })
    }
}

impl fmt::Debug for NodePool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the variables, which are secrets.
        let folder = &self.0.project.folder;
        formatter.debug_struct("NodePool").field("folder", folder).finish_non_exhaustive()
    }
}

// === impl QueueTicket ===

impl QueueTicket {
    fn new(queued: &Arc<AtomicUsize>) -> QueueTicket {
        queued.fetch_add(1, Ordering::Relaxed);
        QueueTicket(Arc::clone(queued))
    }
}

impl Drop for QueueTicket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
