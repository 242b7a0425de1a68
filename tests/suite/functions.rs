//! A folder of Twilio Functions: what its paths answer, who may use them, and what a function can
//! do to the gateway.
//!
//! The tests need Node 20 or later, and are skipped where there is none.

mod calls;
mod conformance;
mod hostile;
mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::support::rig::{Reply, Rig};

/// Whether Node can run functions here.
fn has_node() -> bool {
    twimlgate::node::launch_with(Path::new(env!("CARGO_BIN_EXE_twimlgate")));
    node_program().is_some()
}

/// The Node program, if it can run functions. Says so once where it cannot.
pub(crate) fn node_program() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    let version = Command::new("node").arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let major =
        version.and_then(|text| text.trim_start_matches('v').split('.').next()?.parse().ok());
    let found = major.is_some_and(|major: u32| major >= 20);
    if !found {
        SAID.call_once(|| eprintln!("skipped: functions need Node 20 or later in PATH"));
        return None;
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join("node")).find(|path| path.is_file())
}

/// A project of a test, in a folder of its own.
struct TestProject(PathBuf);

impl TestProject {
    /// A project with these files, and the stand-in for the `twilio` package.
    fn new(name: &str, files: &[(&str, &str)]) -> TestProject {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions").join(name);
        let _ = fs::remove_dir_all(&folder);
        let project = TestProject(folder);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/functions/twilio");
        copy(&root, &project.0.join("node_modules/twilio"));
        fs::create_dir_all(project.0.join("functions")).unwrap();
        files.iter().for_each(|(file, text)| project.write(file, text));
        project
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// `[functions]` with the project's folder and more keys.
    fn section(&self, keys: &str) -> String {
        format!("[functions]\nfolder = {:?}\n{keys}\n", self.0)
    }

    /// A gateway that runs it.
    fn start(&self, keys: &str, more: &str) -> Rig {
        let unused = ([127, 0, 0, 1], 9).into();
        Rig::start(unused, &format!("{}{more}", self.section(keys)))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An unsigned request without a body.
async fn get(rig: &Rig, target: &str) -> Reply {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    rig.send(request.into_bytes()).await
}
