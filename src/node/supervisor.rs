//! The supervisor: one thread that owns all processes of a pool and gives each one call at a time.
//!
//! Each process is a task. It takes the next job when it is free, so the queue needs no plan. One
//! process is always idle and ready, up to one more than the configured number: a call that ends
//! its process is followed by another one at once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, sleep_until, timeout, timeout_at};

use super::console::ConsoleLine;
use super::error::ProcessError;
use super::frame::{FileEntry, InitFrame, ProcessFrame, ProcessReply, frame_json};
use super::output::{LastLines, read_output};
use super::pool::{CallLabel, Job, SupervisorParts};
use super::process::NodeProcess;
use super::project::Access;
use crate::clock;
use crate::limits::{
    NODE_CALLS_MAX, NODE_IDLE_MAX, NODE_MEMORY_LOOK_EVERY, NODE_PRELOADED_MAX, NODE_READY_WITHIN,
    NODE_RESTART_DELAY_MAX, NODE_STARTS_AT_ONCE,
};

/// The state that the tasks of a supervisor share.
struct Supervisor {
    parts: SupervisorParts,
    functions: Vec<FileEntry>,
    assets: Vec<FileEntry>,
    queue: RefCell<VecDeque<Job>>,
    /// Wakes a free process for a new job.
    wake: Notify,
    idle: Cell<usize>,
    busy: Cell<usize>,
    starting: Cell<usize>,
    /// Files that were called: a new process loads them before it gets a call.
    called: RefCell<Vec<String>>,
    /// Starts that failed since the last one that did not.
    failures: Cell<u32>,
    /// Whether the next start waits for a delay.
    delayed: Cell<bool>,
    /// Why the last start failed.
    failure: RefCell<Option<String>>,
    closed: Cell<bool>,
}

/// How a call ended for its process.
enum AfterCall {
    Reusable,
    /// The process must be replaced, for this reason.
    Spent(&'static str),
}

/// Runs the processes of a pool until it is dropped and its last call has ended.
pub(super) fn supervise(parts: SupervisorParts, jobs: mpsc::UnboundedReceiver<Job>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Without a runtime each call says that the supervisor has ended.
    let Ok(runtime) = runtime else { return };
    LocalSet::new().block_on(&runtime, Supervisor::run(parts, jobs));
    // The threads that wait for killed processes.
    runtime.shutdown_timeout(Duration::from_secs(1));
}

// === impl Supervisor ===

impl Supervisor {
    async fn run(parts: SupervisorParts, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let project = &parts.project;
        let entry = |path: &str, file: &Path| FileEntry {
            path: path.to_owned(),
            file: file.to_string_lossy().into_owned(),
        };
        let functions = project.functions.values().map(|it| entry(&it.path, &it.file)).collect();
        let private = project.assets.values().filter(|asset| asset.access == Access::Private);
        let assets = private.map(|it| entry(&it.path, &it.file)).collect();
        let supervisor = Rc::new(Supervisor {
            functions,
            assets,
            parts,
            queue: RefCell::default(),
            wake: Notify::new(),
            idle: Cell::new(0),
            busy: Cell::new(0),
            starting: Cell::new(0),
            called: RefCell::default(),
            failures: Cell::new(0),
            delayed: Cell::new(false),
            failure: RefCell::default(),
            closed: Cell::new(false),
        });
        supervisor.fill();
        while let Some(job) = jobs.recv().await {
            supervisor.submit(job);
        }
        // The pool was dropped, so each job has lost its caller except those that a process makes.
        supervisor.closed.set(true);
        supervisor.wake.notify_waiters();
        while supervisor.idle.get() + supervisor.busy.get() > 0 {
            supervisor.wake.notify_waiters();
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn submit(self: &Rc<Self>, job: Job) {
        // While no process can be started, a call fails at once.
        if self.living() == 0
            && let Some(reason) = self.failure.borrow().clone()
        {
            let _ = job.reply.send(Err(ProcessError::Start { reason }));
            return;
        }
        self.queue.borrow_mut().push_back(job);
        // The one that became idle last: its caches are warm, and the others may end.
        self.wake.notify_last();
        self.fill();
    }

    fn living(&self) -> usize {
        self.idle.get() + self.busy.get() + self.starting.get()
    }

    /// Starts processes until one is idle, or about to be, beside those that are busy.
    fn fill(self: &Rc<Self>) {
        if self.closed.get() || self.delayed.get() {
            return;
        }
        let most = self.parts.options.processes + 1;
        // At least two: one for calls, and one for the moment after the first has ended.
        let spare = self.queue.borrow().len().clamp(1, NODE_STARTS_AT_ONCE);
        while self.living() < most
            && (self.idle.get() + self.starting.get() < spare || self.living() < 2)
        {
            self.starting.set(self.starting.get() + 1);
            spawn_local(Rc::clone(self).run_process());
        }
    }

    /// The life of one process, which `fill` has counted as starting.
    async fn run_process(self: Rc<Self>) {
        let last = LastLines::default();
        let process = match self.start(&last).await {
            Ok(process) => process,
            Err(reason) => return self.start_failed(reason).await,
        };
        self.starting.set(self.starting.get() - 1);
        self.failures.set(0);
        self.failure.replace(None);
        self.parts.started.send_replace(true);
        self.parts.metrics.processes.inc();
        let reason = self.serve(process, &last).await;
        self.parts.metrics.processes.dec();
        self.parts.metrics.count_end(reason);
        self.fill();
    }

    /// Starts a process, until it has loaded the project.
    async fn start(&self, last: &LastLines) -> Result<NodeProcess, String> {
        let started = NodeProcess::spawn(&self.parts.options.process);
        let mut process = started.map_err(|error| error.to_string())?;
        if let Some(output) = process.take_output() {
            spawn_local(read_output(output, last.clone(), self.parts.console.clone()));
        }
        let ready = async {
            process.send_runtime().await?;
            process.send_rest(&mut &self.init_frame()[..]).await?;
            loop {
                match process.receive().await? {
                    ProcessFrame::Ready => return Ok::<(), io::Error>(()),
                    frame => self.handle(&frame, None),
                }
            }
        };
        match timeout(NODE_READY_WITHIN, ready).await {
            Ok(Ok(())) => Ok(process),
            Ok(Err(_)) => Err(process.end(last).await),
            Err(_) => Err(format!("it was not ready within {NODE_READY_WITHIN:?}")),
        }
    }

    /// Waits longer after each failure: processes that die at their start cost a second of CPU
    /// each.
    async fn start_failed(self: &Rc<Self>, mut reason: String) {
        // Set by systemd, whose units forbid what Node needs if they are strict.
        if std::env::var_os("INVOCATION_ID").is_some() {
            reason += "; under the unit of the package Node needs the drop-in `functions.conf`";
        }
        self.starting.set(self.starting.get() - 1);
        self.parts.metrics.count_end("start");
        // One of them may have been edited since it was called.
        self.called.borrow_mut().clear();
        let failures = self.failures.get();
        self.failures.set(failures + 1);
        self.delayed.set(true);
        self.parts.started.send_replace(true);
        if self.living() == 0 {
            for job in self.queue.borrow_mut().drain(..) {
                let _ = job.reply.send(Err(ProcessError::Start { reason: reason.clone() }));
            }
        }
        if let Some(console) = &self.parts.console {
            let text = format!("a Node process cannot be started: {reason}");
            console.write(ConsoleLine { level: "error", function: "", sid: "", text: &text });
        }
        self.failure.replace(Some(reason));
        let delay = Duration::from_millis(100) * 2_u32.pow(failures.min(10));
        sleep(delay.min(NODE_RESTART_DELAY_MAX)).await;
        self.delayed.set(false);
        self.fill();
    }

    /// Makes calls until the process ends or is no longer needed. Returns why.
    async fn serve(self: &Rc<Self>, mut process: NodeProcess, last: &LastLines) -> &'static str {
        for _ in 0..NODE_CALLS_MAX {
            self.idle.set(self.idle.get() + 1);
            let job = self.wait_for_job(&mut process).await;
            self.idle.set(self.idle.get() - 1);
            let job = match job {
                Ok(job) => job,
                Err(reason) => return reason,
            };
            self.busy.set(self.busy.get() + 1);
            // Now, and not when the job came: this may have been the last idle one.
            self.fill();
            let after = self.make_call(&mut process, job, last).await;
            self.busy.set(self.busy.get() - 1);
            if let AfterCall::Spent(reason) = after {
                return reason;
            }
        }
        "recycled"
    }

    /// The next job for an idle process, or why it ends.
    async fn wait_for_job(&self, process: &mut NodeProcess) -> Result<Job, &'static str> {
        let mut idle_until = clock::now() + NODE_IDLE_MAX;
        loop {
            let woken = self.wake.notified();
            if let Some(job) = self.next_job() {
                return Ok(job);
            }
            if self.closed.get() {
                return Err("closed");
            }
            tokio::select! {
                () = woken => {}
                // What goes on after an answer may write lines, or end the process.
                frame = process.receive() => match frame {
                    Ok(ProcessFrame::Tainted) | Err(_) => return Err("tainted"),
                    Ok(frame) => self.handle(&frame, None),
                },
                () = sleep_until(idle_until) => {
                    if self.idle.get() > 1 && self.living() > 2 {
                        return Err("idle");
                    }
                    // One of the two processes that stay.
                    idle_until = clock::now() + NODE_IDLE_MAX;
                }
            }
        }
    }

    /// Takes a job whose caller still waits. A call whose time is over is not made: it would end
    /// a healthy process.
    fn next_job(&self) -> Option<Job> {
        if self.busy.get() >= self.parts.options.processes {
            return None;
        }
        let mut queue = self.queue.borrow_mut();
        let now = clock::now();
        while let Some(mut job) = queue.pop_front() {
            job.ticket = None;
            if job.deadline <= now {
                let after = job.deadline.saturating_duration_since(job.since);
                let _ = job.reply.send(Err(ProcessError::Timeout { after }));
            } else if !job.reply.is_closed() {
                return Some(job);
            }
        }
        None
    }

    /// Makes a call, and tells its caller the result.
    async fn make_call(&self, process: &mut NodeProcess, job: Job, last: &LastLines) -> AfterCall {
        let (result, tainted) = self.exchange_frames(process, &job, last).await;
        let spent = match &result {
            Err(error) => Some(error.kind()),
            Ok(_) => tainted.then_some("tainted"),
        };
        if result.is_err() {
            // Before the caller gets its result: it may call again at once.
            process.kill();
        } else if let Some(file) = job.file.filter(|_| !tainted) {
            let mut called = self.called.borrow_mut();
            if called.len() < NODE_PRELOADED_MAX && !called.contains(&file) {
                called.push(file);
            }
        }
        let _ = job.reply.send(result);
        // An idle process was refused a job, if too many were busy.
        if !self.queue.borrow().is_empty() {
            self.wake.notify_last();
        }
        spent.map_or(AfterCall::Reusable, AfterCall::Spent)
    }

    /// Sends a call and waits for its answer. The flag says that the process must be replaced.
    async fn exchange_frames(
        &self,
        process: &mut NodeProcess,
        job: &Job,
        last: &LastLines,
    ) -> (Result<ProcessReply, ProcessError>, bool) {
        let deadline = job.deadline;
        let mut memory_look = clock::now() + NODE_MEMORY_LOOK_EVERY;
        let mut tainted = false;
        let mut unsent = &job.frame[..];
        let result = loop {
            let step = async {
                process.send_rest(&mut unsent).await?;
                process.receive().await
            };
            match timeout_at(deadline.min(memory_look), step).await {
                Ok(Ok(ProcessFrame::Answer(id, reply, is_tainted))) if id == job.id => {
                    tainted |= is_tainted;
                    break Ok(reply);
                }
                Ok(Ok(ProcessFrame::Tainted)) => tainted = true,
                Ok(Ok(frame)) => self.handle(&frame, Some((job.id, &job.label))),
                Ok(Err(_)) => {
                    break Err(ProcessError::Ended { reason: process.end(last).await });
                }
                Err(_) => {}
            }
            let now = clock::now();
            if now >= deadline {
                break Err(ProcessError::Timeout { after: deadline.duration_since(job.since) });
            }
            if now >= memory_look {
                memory_look = now + NODE_MEMORY_LOOK_EVERY;
                let limit_mb = self.parts.options.process.memory_mb;
                if process.memory_mb() > limit_mb {
                    break Err(ProcessError::Memory { limit_mb });
                }
            }
        };
        (result, tainted)
    }

    /// Passes a line of a console on. Other frames without a call have no meaning.
    fn handle(&self, frame: &ProcessFrame, call: Option<(u64, &CallLabel)>) {
        let (ProcessFrame::Console { level, id, text }, Some(console)) =
            (frame, &self.parts.console)
        else {
            return;
        };
        // A line of an earlier call belongs to no call that is known now.
        let label = call.filter(|(call, _)| *id == Some(*call)).map(|(_, label)| label);
        let (function, sid) = label.map_or(("", ""), |label| (&*label.function, &label.sid));
        console.write(ConsoleLine { level, function, sid, text });
    }

    fn init_frame(&self) -> Vec<u8> {
        let SupervisorParts { options, project, .. } = &self.parts;
        frame_json(&serde_json::json!({ "init": InitFrame {
            base: &project.folder.to_string_lossy(),
            domain: &options.domain,
            env: &options.env,
            functions: &self.functions,
            assets: &self.assets,
            code: &options.code,
            twilio: project.has_twilio && options.preloads_twilio,
            preload: &self.called.borrow(),
        }}))
    }
}
