//! Notes the commit that is built, for `--version`. A build from a package says `package`.

use std::process::Command;

fn main() {
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = git.ok().filter(|output| output.status.success());
    let commit = commit.and_then(|output| String::from_utf8(output.stdout).ok());
    let commit = commit.map_or("package".to_owned(), |commit| commit.trim().to_owned());
    println!("cargo:rustc-env=TWIMLGATE_COMMIT={commit}");
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/refs/heads");
}
