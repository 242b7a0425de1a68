//! What the tests share.

pub(crate) mod hostile;
pub(crate) mod postgres;
pub(crate) mod rig;
pub(crate) mod terminal;

/// Whether a process runs. One that has ended stays listed until its parent has asked for its
/// status, and the parent may be the system's first process, which takes its time.
pub(crate) fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z")
}
