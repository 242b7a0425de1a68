//! The monitor of a Node process: its parent, which ends what the process has started.
//!
//! A function may start programs, and a program may leave the process group of its parent. The
//! kernel makes the monitor the parent of those that have lost theirs. It kills them when Node has
//! ended, and Node too when the gateway closes its end of a pipe, as the end of the gateway does.
//! Then it removes the temporary folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, kill_process_group, pidfd_open,
    set_child_subreaper, wait,
};
use rustix::stdio::dup2_stdin;

use super::launcher::LAUNCHER_COMMAND;

/// The first argument that makes the program a monitor. It is not a command for users.
pub(super) const MONITOR_COMMAND: &str = "__functions";

/// What a shell adds to the number of a signal that ended a program.
pub(super) const SIGNAL_CODES: i32 = 128;

/// How often the end of Node is looked for on systems that cannot report it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Starts a launcher with these arguments, and returns when all that it has started has ended. The
/// exit code is that of Node.
///
/// Standard input is Node's end of the socket, standard output the pipe that the gateway closes.
pub(super) fn monitor(arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    // For lists of processes, which would show the name of the link below.
    let _ = fs::write("/proc/self/comm", "functions");
    // Without it, what loses its parent is not found; what is in Node's group still is.
    let _ = set_child_subreaper(Some(getpid()));
    let output = io::stderr().as_fd().try_clone_to_owned()?;
    let mut child = Command::new("/proc/self/exe")
        .arg(LAUNCHER_COMMAND)
        .arg(std::process::id().to_string())
        .args(arguments)
        // A group of its own, so that what a function starts can be killed with it.
        .process_group(0)
        .stdout(Stdio::from(output))
        .spawn()?;
    // The gateway learns of Node's end by its socket, which must not stay open here.
    dup2_stdin(File::open("/dev/null")?)?;
    wait_for_end(&mut child);
    // Before the status is taken: until then the number of the group is that of no other.
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let status = child.wait()?;
    end_children();
    if let Some(temporary) = std::env::var_os("TMPDIR") {
        let _ = fs::remove_dir_all(temporary);
    }
    Ok(exit_code(status))
}

/// Waits until Node has ended, or the gateway has closed the pipe.
fn wait_for_end(child: &mut Child) {
    let pipe = io::stdout();
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let timeout = Timespec::try_from(LOOK_EVERY).ok().filter(|_| process.is_err());
    loop {
        let mut events = vec![PollFd::new(&pipe, PollFlags::empty())];
        events.extend(process.as_ref().map(|process| PollFd::new(process, PollFlags::IN)));
        match poll(&mut events, timeout.as_ref()) {
            Ok(0) if process.is_err() => {}
            Err(rustix::io::Errno::INTR) => continue,
            _ => return,
        }
        // Not taken here: it is still a process, of which only the status is left.
        if matches!(wait_status(child), Some(true)) {
            return;
        }
    }
}

/// Whether a process has ended, from its entry below /proc.
fn wait_status(child: &Child) -> Option<bool> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.starts_with('Z'))
}

/// Kills the children of this process until there are none. The children of each that ends become
/// children of this process.
fn end_children() {
    loop {
        let children = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let pids = children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok());
        for pid in pids.filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        if wait(WaitOptions::empty()).is_err() {
            return;
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| SIGNAL_CODES + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
