//! A program that runs beside the gateway, with its output line by line.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The time in which a program may end by itself.
const END_WITHIN: Duration = Duration::from_secs(3);

/// Lines that wait for the terminal; a program that writes faster waits.
const LINES_MAX: usize = 256;

/// What a program did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProgramOutput {
    /// A line of its output, without the line end.
    Line(String),
    /// Its output has ended.
    End,
}

/// A program that was started. It ends with this value, and so does everything that it started.
#[derive(Debug)]
pub(crate) struct ChildProgram {
    child: Child,
    output: mpsc::Receiver<String>,
}

impl ChildProgram {
    /// Starts a program as a shell would, in a folder.
    ///
    /// # Errors
    /// Those of the system; a command that a shell does not know is reported by its output.
    pub(crate) fn start_in_shell(command: &str, folder: &Path) -> io::Result<ChildProgram> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        // An empty path is the folder of this process.
        if !folder.as_os_str().is_empty() {
            shell.current_dir(folder);
        }
        ChildProgram::start(shell)
    }

    /// Starts a program.
    ///
    /// # Errors
    /// Those of the system, for example if there is no such program.
    pub(crate) fn start(mut command: Command) -> io::Result<ChildProgram> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C in the terminal reaches the gateway alone, which then ends
        // the program and everything that the program has started.
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let (lines, output) = mpsc::channel(LINES_MAX);
        if let Some(stdout) = child.stdout.take() {
            forward_lines(stdout, lines.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward_lines(stderr, lines);
        }
        Ok(ChildProgram { child, output })
    }

    /// The next line of the output, or its end.
    pub(crate) async fn next_output(&mut self) -> ProgramOutput {
        self.output.recv().await.map_or(ProgramOutput::End, ProgramOutput::Line)
    }

    /// Waits until the program has ended.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends the program: first with SIGTERM, so that it can close its sockets.
    pub(crate) async fn end(mut self) {
        self.signal(Signal::TERM);
        if timeout(END_WITHIN, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = self.child.wait().await;
        }
    }

    fn signal(&self, signal: Signal) {
        // Without an id it has ended and was waited for.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = id {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for ChildProgram {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn forward_lines(output: impl AsyncRead + Unpin + 'static, lines: mpsc::Sender<String>) {
    actix_web::rt::spawn(async move {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        // Bytes, not text: a program may write anything.
        while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if lines.send(text).await.is_err() {
                return;
            }
        }
    });
}
