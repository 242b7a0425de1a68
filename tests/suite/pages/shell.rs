//! The commands of a page, in a shell that has only the programs that are listed here.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use regex::Regex;

use super::output;
use super::reader::{Reader, root};

/// The folder of the programs, in that of the reader.
pub(crate) const PROGRAMS: &str = ".programs";

/// Programs that run as they are. The last ones need not be installed.
const RUN: [&str; 11] =
    ["bash", "cat", "cp", "date", "env", "install", "mkdir", "mv", "rm", "sh", "stat"];
const RUN_IF_INSTALLED: [&str; 2] = ["node", "sqlite3"];

/// Programs that do not run here, and why. The shell reads their lines and calls an empty program.
const NOT_RUN: [(&str, &str); 6] = [
    ("apt-get", "it changes the system"),
    ("dpkg", "it changes the system"),
    ("npm", "it loads packages"),
    ("rustup", "it loads a toolchain"),
    ("sudoedit", "it is an editor"),
    ("systemctl", "there may be no service manager"),
];

/// Longer than the commands of a block take on a machine that is busy.
const WITHIN: Duration = Duration::from_secs(60);

/// Writes down what does not run: `$0` and its arguments.
const EMPTY: &str = "#!/bin/sh\necho \"${0#*/.programs/} $*\" >> \"$NOT_RUN\"\n";

/// `cargo run -- …` is the program that is built already. All else would build it anew, or is this
/// test: the packages that it names have to exist.
const CARGO: &str = r#"#!/bin/bash
echo "cargo $*" > "$NOT_RUN.cargo"
case $1 in +*) shift ;; esac
command=$1
while shift; do
  case $1 in
    --manifest-path) test -f "$REPOSITORY/$2" || { echo "there is no $2" >&2; exit 1; }; command=;;
    --bench) test -f "$REPOSITORY/benches/$2.rs" || { echo "no bench $2" >&2; exit 1; } ;;
    --) shift; test "$command" = run && exec twimlgate "$@"; break ;;
  esac
done
cat "$NOT_RUN.cargo" >> "$NOT_RUN"
"#;

/// A server is stopped when it says that it is ready, as a person does with Ctrl-C.
const TWIMLGATE: &str = r#"#!/bin/bash
case " $* " in
  *" --once "* | *" --help "*) exec "$TWIMLGATE" "$@" ;;
  " serve "* | " demo "*) ;;
  *) exec "$TWIMLGATE" "$@" ;;
esac
exec {server}< <(exec "$TWIMLGATE" "$@" 2>&1)
id=$!
while IFS= read -r line <&$server; do
  printf '%s\n' "$line"
  case $line in *"listening on "* | "Then: your own config.toml"*) kill -INT $id ;; esac
done
wait $id
"#;

/// What was run, as its reader sees it.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
}

/// Makes the folder of the programs.
pub(crate) fn install(folder: &Path) {
    let programs = folder.join(PROGRAMS);
    std::fs::create_dir_all(&programs).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = |name: &str| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    };
    for name in RUN.iter().chain(&RUN_IF_INSTALLED) {
        if let Some(file) = installed(name) {
            symlink(file, programs.join(name)).unwrap();
        } else {
            assert!(!RUN.contains(name), "there is no `{name}`");
            write_program(&programs.join(name), EMPTY);
        }
    }
    NOT_RUN.iter().for_each(|(name, _)| write_program(&programs.join(name), EMPTY));
    write_program(&programs.join("sudo"), "#!/bin/sh\nexec \"$@\"\n");
    write_program(&programs.join("cargo"), CARGO);
    write_program(&programs.join("twimlgate"), TWIMLGATE);
}

fn write_program(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a script up to its first failure.
pub(crate) fn run(reader: &mut Reader, script: &str, typed: &str) -> Result<Ran, String> {
    place_scripts(reader, script)?;
    let text = reader.replace_in_command(script);
    let not_run = reader.folder.join(PROGRAMS).join("not-run");
    let mut command = reader.command("/bin/bash");
    command.args(["-e", "-o", "pipefail", "-c"]).arg(format!("exec 2>&1\n{text}"));
    command.env("NOT_RUN", &not_run);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.process_group(0).spawn().map_err(|error| error.to_string())?;
    let (done, running) = mpsc::channel::<()>();
    let group = format!("-{}", child.id());
    let limit = std::thread::spawn(move || {
        let is_over = running.recv_timeout(WITHIN) == Err(RecvTimeoutError::Timeout);
        is_over && Command::new("kill").args(["-KILL", "--", &group]).status().is_ok()
    });
    // A command that reads nothing closes its end first.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    drop(done);
    let printed = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    if limit.join().unwrap() {
        return Err(format!("it has not ended after {WITHIN:?}:\n{printed}"));
    }
    if printed.contains("command not found") {
        return Err(format!("{printed}add the program to a list of tests/suite/pages/shell.rs"));
    }
    Ok(Ran { code: ended.status.code(), printed })
}

/// Programs of the repository that a script names: they need a network, other programs or minutes,
/// so they are not run either. They and their options must exist.
fn place_scripts(reader: &Reader, script: &str) -> Result<(), String> {
    let named =
        Regex::new(r"(?m)^\s*((?:\.ci|benches|fuzz|packaging|tests)/\S+)([^#\n]*)").unwrap();
    for found in named.captures_iter(script) {
        check_script(&found[1], &found[2])?;
        let file = reader.folder.join(&found[1]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        write_program(&file, EMPTY);
    }
    Ok(())
}

/// A program of the repository: it exists, and it or a file beside it knows the options.
pub(crate) fn check_script(path: &str, arguments: &str) -> Result<(), String> {
    let file = root().join(path);
    let is_program =
        file.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 1 > 0);
    if !is_program {
        return Err(format!("`{path}` is not a program of the repository"));
    }
    let mut known = std::fs::read_to_string(&file).unwrap_or_default();
    let beside = file.parent().unwrap();
    let folders = [beside.to_owned(), beside.join("src"), root().join("tests/proof/src")];
    for entry in folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten().flatten() {
        known += &std::fs::read_to_string(entry.path()).unwrap_or_default();
    }
    let options = arguments.split_whitespace().filter(|word| word.starts_with("--"));
    match options.into_iter().find(|option| !known.contains(*option)) {
        Some(option) => Err(format!("`{path}` has no option `{option}`")),
        None => Ok(()),
    }
}

/// A block of commands: none of them fails. Gives what they print.
pub(crate) fn check_commands(reader: &mut Reader, script: &str) -> Result<String, String> {
    // What a person pastes where the page says so.
    let typed = if script.contains("cat > ") { "12345" } else { "" };
    let ran = run(reader, script, typed)?;
    match ran.code {
        Some(0) => Ok(ran.printed),
        code => Err(format!("the commands end with {code:?}:\n{}", ran.printed)),
    }
}

/// A block with commands behind `$ ` and what they print. Lines behind `> ` are typed.
pub(crate) fn check_session(reader: &mut Reader, text: &str) -> Result<(), String> {
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let first = line.strip_prefix("$ ").ok_or("begin the block with `$ ` and a command")?;
        let mut command = first.to_owned();
        while command.ends_with('\\') {
            command = format!("{command}\n{}", lines.next().unwrap_or_default());
        }
        let mut expected = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            expected += &format!("{line}\n");
        }
        let typed = typed(&expected);
        let ran = run(reader, &command, &typed).map_err(|error| format!("$ {command}\n{error}"))?;
        let printed = output::steady(&ran.printed);
        let same = output::compare(&output::steady(&expected), &printed);
        same.map_err(|error| format!("$ {command}\n{error}"))?;
        count += 1;
    }
    if count > 0 { Ok(()) } else { Err("the block has no command".to_owned()) }
}

/// What a person has typed in a conversation.
fn typed(conversation: &str) -> String {
    let lines = conversation.lines().filter_map(|line| line.strip_prefix("> "));
    lines.map(|line| format!("{}\n", if line == "(silence)" { "" } else { line })).collect()
}

/// The lines that did not run, each with its reason.
pub(crate) fn not_run(reader: &Reader) -> Vec<String> {
    let text = std::fs::read_to_string(reader.folder.join(PROGRAMS).join("not-run"));
    let reason = |line: &str| {
        let program = line.split(' ').next().unwrap_or_default();
        let listed = NOT_RUN.iter().find(|(name, _)| *name == program).map(|(_, why)| *why);
        listed.unwrap_or(match program {
            "cargo" => "it builds, or is this test",
            name if RUN_IF_INSTALLED.contains(&name) => "it is not installed",
            _ => "it needs a network, other programs or minutes",
        })
    };
    let text = text.unwrap_or_default();
    text.lines().map(|line| format!("{line}: {}", reason(line))).collect()
}
