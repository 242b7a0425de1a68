//! The launcher: this program, started again, sets what a process must not set itself, and becomes
//! Node.
//!
//! A library cannot do this between `fork` and `exec` without unsafe code.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::monitor::{MONITOR_COMMAND, monitor};
use super::sandbox::{SandboxPaths, lock_in, set_limits};

/// The first argument that makes the program a launcher. It is not a command for users.
pub(super) const LAUNCHER_COMMAND: &str = "__function";

/// The program to start, where it is not this one.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the `twimlgate` program that starts processes. Needed by programs that embed the library:
/// they cannot be started as a launcher themselves. Only the first call has an effect.
pub fn launch_with(program: &Path) {
    PROGRAM.get_or_init(|| program.to_owned());
}

/// A monitor with a launcher for Node with these arguments. `sandbox`: `None` without one.
pub(super) fn launcher_command(
    node: &Path,
    node_arguments: &[&str],
    sandbox: Option<&SandboxPaths>,
) -> Command {
    // The link of the kernel and not the path: an upgrade may have replaced the file.
    let program = PROGRAM.get().map_or(Path::new("/proc/self/exe"), PathBuf::as_path);
    let mut command = Command::new(program);
    command.arg(MONITOR_COMMAND);
    if let Some(sandbox) = sandbox {
        command.arg("--write").arg(&sandbox.write);
        sandbox.read.iter().for_each(|path| {
            command.arg("--read").arg(path);
        });
    }
    command.arg("--").arg(node).args(node_arguments);
    command
}

/// Becomes a monitor or Node if the arguments say so. Returns if they do not, or at the end; then
/// the exit code is in it.
pub(crate) fn launch_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    let command = arguments.next()?;
    let error = if command == LAUNCHER_COMMAND {
        launch(arguments)
    } else if command == MONITOR_COMMAND {
        match monitor(arguments) {
            Ok(code) => return Some(code),
            Err(error) => format!("cannot start a launcher: {error}"),
        }
    } else {
        return None;
    };
    // The supervisor reads it.
    eprintln!("{error}");
    Some(ExitCode::FAILURE)
}

/// Returns only the reason why it failed.
fn launch(mut arguments: impl Iterator<Item = OsString>) -> String {
    let parent = arguments.next().and_then(|parent| parent.to_str()?.parse::<i32>().ok());
    // Before the parent is compared: it may end at any time.
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return format!("the system sets no death signal: {error}");
    }
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != parent {
        return "the monitor is gone".to_owned();
    }
    let mut paths = SandboxPaths::default();
    while let Some(option) = arguments.next().filter(|argument| argument != "--") {
        match (option.to_str(), arguments.next()) {
            (Some("--read"), Some(path)) => paths.read.push(path.into()),
            (Some("--write"), Some(path)) => paths.write = path.into(),
            _ => return format!("`{}` is not an option", option.display()),
        }
    }
    set_limits();
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        return format!("the system does not take away privileges: {error}");
    }
    if !paths.write.as_os_str().is_empty()
        && let Err(error) = lock_in(&paths)
    {
        return error;
    }
    let Some(node) = arguments.next() else { return "there is no program to run".to_owned() };
    let error = Command::new(&node).args(arguments).exec();
    format!("cannot run `{}`: {error}", node.display())
}
