//! The Node program: where it is, and whether it is new enough.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version that the runtime works with: the oldest one that Node maintains.
const MAJOR_MIN: u32 = 20;

/// The first version that runs TypeScript files as they are.
const TYPESCRIPT_MIN: (u32, u32) = (22, 18);

/// A Node program that can run functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeProgram {
    /// The program itself, without symbolic links.
    pub(crate) path: PathBuf,
    /// Major and minor version.
    pub(crate) version: (u32, u32),
}

impl NodeProgram {
    /// Finds the program that a name or path means, and asks it for its version.
    ///
    /// # Errors
    /// There is none, or it is too old. The text says which.
    pub(crate) fn find(node: &str) -> Result<NodeProgram, String> {
        let path = find_in_path(node).ok_or_else(|| format!("`{node}` was not found in PATH"))?;
        let mut command = Command::new(&path);
        command.arg("--version").env_clear().stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().map_err(|error| format!("`{node}`: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = parse_version(&text);
        let version = version.ok_or_else(|| format!("`{node} --version` printed no version"))?;
        if version.0 < MAJOR_MIN {
            return Err(format!("`{node}` is {}", text.trim()));
        }
        Ok(NodeProgram { path, version })
    }

    /// Whether it runs TypeScript files as they are.
    pub(crate) fn runs_typescript(&self) -> bool {
        self.version >= TYPESCRIPT_MIN
    }
}

/// `v22.18.0` as `(22, 18)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The file of a program, without symbolic links: the sandbox is given paths as they are.
fn find_in_path(name: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| path.is_file();
    if name.contains('/') {
        return Path::new(name).canonicalize().ok().filter(|path| is_program(path));
    }
    let folders = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&folders).map(|folder| folder.join(name));
    candidates.find(|path| is_program(path))?.canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse_version("v22.18.0\n"), Some((22, 18)));
        assert_eq!(parse_version("v25.0.0-nightly"), Some((25, 0)));
        for text in ["", "22.1", "v22", "vx.1", "node: bad option"] {
            assert_eq!(parse_version(text), None, "{text}");
        }
    }

    #[test]
    fn says_what_is_missing() {
        let error = NodeProgram::find("no-such-node").unwrap_err();
        assert_eq!(error, "`no-such-node` was not found in PATH");
        let error = NodeProgram::find("/bin/true").unwrap_err();
        assert_eq!(error, "`/bin/true --version` printed no version");
    }
}
