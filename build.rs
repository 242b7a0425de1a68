//! Notes the commit that is built, for `--version` and the metrics. A build without a repository
//! takes it from the variable `COMMIT`, as that of the image does, or says `package`.

use std::process::Command;

fn main() {
    let given = || std::env::var("COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).or_else(given);
    let commit = commit.unwrap_or_else(|| "package".to_owned());
    println!("cargo:rustc-env=TWIMLGATE_COMMIT={commit}");
    // In a work tree of its own, `.git` is a file, and these are elsewhere. A file that does not
    // exist would count as changed each time.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in [Some("HEAD"), branch.as_deref()].into_iter().flatten() {
        let file = git(&["rev-parse", "--git-path", name]);
        if let Some(file) = file.filter(|file| std::path::Path::new(file).exists()) {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    println!("cargo:rerun-if-env-changed=COMMIT");
    println!("cargo:rerun-if-changed=build.rs");
}

/// What git says, where it is there and this is a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim().to_owned())
}
