//! One Node process: its start, its socket, its end.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::frame::{BOOT, FrameBuffer, ProcessFrame, RUNTIME, frame_bytes};
use super::launcher::launcher_command;
use super::monitor::SIGNAL_CODES;
use super::output::LastLines;
use super::sandbox::{SandboxPaths, project_paths};
use crate::clock;
use crate::limits::NODE_ENDED_WITHIN;

/// How to start the processes of a project.
#[derive(Clone, Debug)]
pub(crate) struct ProcessOptions {
    /// The Node program.
    pub(crate) node: PathBuf,
    /// The project's folder.
    pub(crate) folder: PathBuf,
    /// The memory of one process.
    pub(crate) memory_mb: u64,
    /// Whether it runs in the sandbox.
    pub(crate) sandbox: bool,
    /// The gateway's own files, which no function may read.
    pub(crate) hidden: Vec<PathBuf>,
}

/// A running process. Dropped, it is killed with all that it has started, and its temporary folder
/// is removed.
#[derive(Debug)]
pub(super) struct NodeProcess {
    /// The monitor, which is Node's parent.
    monitor: Option<Child>,
    /// The monitor ends Node when this is dropped.
    pipe: Option<io::PipeWriter>,
    /// Node.
    pid: Option<u32>,
    stream: UnixStream,
    received: FrameBuffer,
    /// What it wrote to its standard output and error; the last lines say why it ended.
    output: Option<pipe::Receiver>,
    temporary: TemporaryFolder,
}

/// A folder that is removed with its content.
#[derive(Debug)]
struct TemporaryFolder(PathBuf);

/// Bytes of memory that V8 needs beside its heap: code, new space, stacks, buffers.
const BESIDE_HEAP_MB: u64 = 64;

/// When the exit status is looked for after the end of the socket: on a busy machine it takes a
/// while.
const STATUS_WAITS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(5),
    Duration::from_millis(15),
    Duration::from_millis(30),
    Duration::from_millis(50),
];

// === impl NodeProcess ===

impl NodeProcess {
    /// Starts a process, which has the script then and waits for the project.
    ///
    /// Call it on a thread that outlives the process: the end of that thread ends the process.
    pub(super) fn spawn(options: &ProcessOptions) -> io::Result<NodeProcess> {
        let temporary = TemporaryFolder::new()?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (output, writer) = io::pipe()?;
        let (theirs_of_pipe, pipe) = io::pipe()?;
        let heap = options.memory_mb.saturating_sub(BESIDE_HEAP_MB).max(BESIDE_HEAP_MB);
        let heap = format!("--max-old-space-size={heap}");
        // Node's default of 16 costs 25 MB a process, and a call leaves little behind.
        let arguments = [heap.as_str(), "--max-semi-space-size=2", "-e", BOOT];
        let sandbox = options.sandbox.then(|| SandboxPaths {
            read: project_paths(&options.folder, &options.node, &options.hidden),
            write: temporary.0.clone(),
        });
        let mut command = launcher_command(&options.node, &arguments, sandbox.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", &temporary.0)
            .env("HOME", &temporary.0)
            .current_dir(&options.folder)
            // A signal that a terminal sends to all of a group is for the gateway alone.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(theirs_of_pipe)
            .stderr(writer);
        let monitor = command.spawn()?;
        let output = pipe::Receiver::from_owned_fd(output.into())?;
        Ok(NodeProcess {
            monitor: Some(monitor),
            pipe: Some(pipe),
            pid: None,
            stream: UnixStream::from_std(ours)?,
            received: FrameBuffer::default(),
            output: Some(output),
            temporary,
        })
    }

    /// The output, for a task that reads it.
    pub(super) fn take_output(&mut self) -> Option<pipe::Receiver> {
        self.output.take()
    }

    /// Sends the script. It comes before any other frame.
    pub(super) async fn send_runtime(&mut self) -> io::Result<()> {
        self.send_rest(&mut &frame_bytes(RUNTIME.as_bytes())[..]).await
    }

    /// Sends what is left of a frame. Dropped before the end, it has shortened `unsent` by what
    /// was sent.
    pub(super) async fn send_rest(&mut self, unsent: &mut &[u8]) -> io::Result<()> {
        while !unsent.is_empty() {
            let written = self.stream.write(unsent).await?;
            *unsent = &unsent[written..];
        }
        Ok(())
    }

    /// Waits for the next frame. Dropped before that, it loses nothing.
    ///
    /// # Errors
    /// The process has ended, or sent what is not a frame.
    pub(super) async fn receive(&mut self) -> io::Result<ProcessFrame> {
        loop {
            if let Some(frame) = self.received.next_frame()? {
                return Ok(frame);
            }
            if self.stream.read_buf(&mut self.received.bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Kills it, and says how it ended.
    pub(super) async fn end(&mut self, last: &LastLines) -> String {
        let mut status = None;
        if let Some(monitor) = &mut self.monitor {
            for wait in STATUS_WAITS {
                // The socket closes a moment before the status is there.
                sleep(wait).await;
                status = monitor.try_wait().ok().flatten();
                if status.is_some() {
                    break;
                }
            }
        }
        self.kill();
        let how = status.map_or("it closed its socket".to_owned(), describe_status);
        match last.reason() {
            Some(line) => format!("{how}: {line}"),
            None => how,
        }
    }

    /// Kills the process and all that it has started.
    pub(super) fn kill(&mut self) {
        let Some(mut monitor) = self.monitor.take() else { return };
        drop(self.pipe.take());
        let folder = std::mem::take(&mut self.temporary.0);
        // The end of a large process takes milliseconds, which other calls must not wait for.
        let bury = move || {
            let until = clock::now() + NODE_ENDED_WITHIN;
            while matches!(monitor.try_wait(), Ok(None)) && clock::now() < until {
                std::thread::sleep(MONITOR_LOOK_EVERY);
            }
            // A function has stopped its monitor. The end of the monitor ends Node.
            let _ = monitor.kill();
            let _ = monitor.wait();
            drop(TemporaryFolder(folder));
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(bury)),
            Err(_) => bury(),
        }
    }

    /// Its memory that is not shared with other processes, in megabytes; 0 if it is gone.
    pub(super) fn memory_mb(&mut self) -> u64 {
        let Some(pid) = self.pid() else { return 0 };
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        let mut pages = statm.split(' ').skip(1).map(|field| field.parse::<u64>().unwrap_or(0));
        let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
        resident.saturating_sub(shared) * PAGE_BYTES / (1024 * 1024)
    }

    /// The process id of Node: the first child of its monitor.
    fn pid(&mut self) -> Option<u32> {
        if self.pid.is_none() {
            let monitor = self.monitor.as_ref()?.id();
            let children = fs::read_to_string(format!("/proc/{monitor}/task/{monitor}/children"));
            self.pid = children.ok()?.split(' ').next()?.parse().ok();
        }
        self.pid
    }
}

/// How often the end of a monitor is looked for.
const MONITOR_LOOK_EVERY: Duration = Duration::from_millis(5);

/// The unit of `/proc/PID/statm` on the systems that have Node's builds.
const PAGE_BYTES: u64 = 4096;

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn describe_status(status: ExitStatus) -> String {
    // The monitor passes a signal on as a shell does.
    let signal = |code: &i32| (1..=64).contains(&(code - SIGNAL_CODES));
    match status.code() {
        // What V8 does when the heap is full.
        Some(code) if code - SIGNAL_CODES == 6 => "it was aborted (signal 6)".to_owned(),
        Some(code) if signal(&code) => format!("signal {}", code - SIGNAL_CODES),
        Some(code) => format!("exit code {code}"),
        None => "its monitor was killed".to_owned(),
    }
}

// === impl TemporaryFolder ===

impl TemporaryFolder {
    fn new() -> io::Result<TemporaryFolder> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("twimlgate-functions-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // What a killed gateway with this process id left, if it is ours.
        if is_own(&path) {
            let _ = fs::remove_dir_all(&path);
        }
        // It fails if something else is there: a link that another user made, say.
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(TemporaryFolder(path))
    }
}

fn is_own(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    found.is_dir() && found.uid() == rustix::process::geteuid().as_raw()
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
