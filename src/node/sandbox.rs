//! The sandbox of a Node process: which files it may use, by Landlock, and its limits.
//!
//! The process restricts itself before it becomes Node, so the rules hold for everything it starts.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// What Node and its native packages read of the system. What does not exist is skipped.
const SYSTEM_PATHS: [&str; 34] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/timezone",
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];

/// The largest file that a function may write, in bytes. Twilio's temporary folder has 512 MB in
/// all; one file of it is rarely more than a recording.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Open files: Node's own are about 20.
const FILES_MAX: u64 = 1024;

/// The files that a process may use.
#[derive(Clone, Debug, Default)]
pub(super) struct SandboxPaths {
    /// Files and folders to read.
    pub(super) read: Vec<PathBuf>,
    /// The folder to write to.
    pub(super) write: PathBuf,
}

/// Locks this process in. It cannot be undone.
///
/// # Errors
/// The kernel does not enforce it. The text says what to do.
pub(super) fn lock_in(paths: &SandboxPaths) -> Result<(), String> {
    let abi = ABI::V6;
    let restrict = || -> Result<RulesetStatus, landlock::RulesetError> {
        let read = SYSTEM_PATHS.map(PathBuf::from).into_iter().chain(paths.read.iter().cloned());
        let read = read.chain([PathBuf::from("/proc/self")]);
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(read, AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules([paths.write.as_path()], AccessFs::from_all(abi)))?
            .add_rules(path_beneath_rules([Path::new("/dev/null")], AccessFs::from_file(abi)))?
            .restrict_self()?;
        Ok(status.ruleset)
    };
    const ADVICE: &str = "the sandbox needs Landlock, which Linux has since 5.13; a container may \
        forbid it; `sandbox = \"off\"` under `[functions]` runs functions without it";
    match restrict() {
        Ok(RulesetStatus::NotEnforced) => Err(ADVICE.to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error}; {ADVICE}")),
    }
}

/// Limits what the process takes from others. What the system refuses is a weaker limit and not an
/// error: a unit of systemd may forbid these calls and have limits of its own.
pub(super) fn set_limits() {
    let limit = |resource, most| {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    };
    // A core dump would hold the secrets of the project.
    limit(Resource::Core, 0);
    limit(Resource::Nofile, FILES_MAX);
    limit(Resource::Fsize, FILE_BYTES_MAX);
    // The kernel ends a function before it ends the gateway, and gives the gateway time first.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = nice(5);
}

/// The paths of a project for the sandbox. `hidden` are files of the gateway; if one of them is
/// below the folder, the folder is opened entry by entry, without them.
pub(super) fn project_paths(folder: &Path, node: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let hidden: Vec<PathBuf> = hidden.iter().filter_map(|path| path.canonicalize().ok()).collect();
    add_without(folder, &hidden, &mut paths);
    // `require` looks into the `node_modules` of the folders above, too.
    let above = folder.ancestors().skip(1).map(|folder| folder.join("node_modules"));
    paths.extend(above.filter(|modules| modules.is_dir()));
    // A version manager has Node below a home folder: `…/v22.18.0/bin/node`.
    paths.extend(
        node.parent()
            .and_then(Path::parent)
            .filter(|prefix| *prefix != Path::new("/"))
            .map(Path::to_owned),
    );
    // Where `/etc/resolv.conf` is a link.
    paths.extend(Path::new("/etc/resolv.conf").canonicalize());
    paths
}

fn add_without(folder: &Path, hidden: &[PathBuf], paths: &mut Vec<PathBuf>) {
    if !hidden.iter().any(|hidden| hidden.starts_with(folder)) {
        paths.push(folder.to_owned());
        return;
    }
    // SQLite's files are beside the store: `twimlgate.db-wal`.
    let is_hidden = |path: &Path| {
        hidden.iter().any(|hidden| {
            let beside = hidden.parent() == path.parent();
            let name =
                |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
            beside && name(path).zip(name(hidden)).is_some_and(|(a, b)| a.starts_with(&b))
        })
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(path) = entry.path().canonicalize() else { continue };
        // A configuration beside the functions has tokens, whatever its name is.
        let is_configuration = path.extension().is_some_and(|ending| ending == "toml");
        if is_hidden(&path) || is_configuration && path.is_file() {
            continue;
        }
        if path.is_dir() && path.starts_with(folder) {
            add_without(&path, hidden, paths);
        } else {
            paths.push(path);
        }
    }
}
