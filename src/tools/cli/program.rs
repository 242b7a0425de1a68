//! The name by which this program can be started again, for commands that a person copies.

use std::env;
use std::path::{Path, PathBuf};

/// `twimlgate` where the shell finds this program by that name, otherwise its path: after
/// `cargo run` the program is not in `PATH`.
pub(super) fn command_name() -> String {
    const NAME: &str = "twimlgate";
    let Ok(program) = env::current_exe() else { return NAME.to_owned() };
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(NAME)).find(|file| file.is_file());
    match found {
        Some(found) if is_same_file(&found, &program) => NAME.to_owned(),
        _ => quote_for_shell(&program.display().to_string()),
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let resolve = |path: &Path| path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
    resolve(one) == resolve(other)
}

/// A word as a POSIX shell reads it back.
pub(super) fn quote_for_shell(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:=@%,".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        single_quoted(word)
    }
}

/// A word in single quotes, which a shell takes letter for letter.
pub(super) fn single_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
