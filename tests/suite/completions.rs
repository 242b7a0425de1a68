//! The completions and the manual pages, as shells and `man` read them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn twimlgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_twimlgate")).args(arguments).output().expect("it runs")
}

fn printed(arguments: &[&str]) -> String {
    let output = twimlgate(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A file below the folder of the tests.
fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("completions");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// A program of the system, unless it is not installed. Says so.
fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_here = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !is_here {
        println!("skipped: `{program}` is not installed");
    }
    is_here
}

/// What bash proposes for the last of these words.
fn completed_by_bash(words: &[&str]) -> Vec<String> {
    let script = file("twimlgate.bash");
    std::fs::write(&script, printed(&["completions", "bash"])).unwrap();
    let ask = "source \"$SCRIPT\"
        COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))
        registered=$(complete -p twimlgate)
        function=${registered#*-F }
        ${function%% *} twimlgate \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-c", ask, "bash"]).args(words).env("SCRIPT", &script);
    let output = bash.output().expect("bash runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(completed_by_bash(&["twimlgate", "serv"]), ["serve"]);
    assert_eq!(completed_by_bash(&["twimlgate", "flow", "con"]), ["convert"]);
    assert_eq!(completed_by_bash(&["twimlgate", "check", "--sch"]), ["--schema"]);
    let languages = completed_by_bash(&["twimlgate", "new", "a", "--function", ""]);
    assert_eq!(languages, ["node", "python", "http", "none"]);
}

#[test]
fn each_shell_reads_its_script() {
    for (shell, program, arguments) in [
        ("bash", "bash", &["-n"][..]),
        ("zsh", "zsh", &["-n"]),
        ("fish", "fish", &["--no-execute"]),
        ("elvish", "elvish", &["-compileonly"]),
        ("powershell", "pwsh", &["-NoProfile", "-File"]),
    ] {
        let script = file(&format!("for-{shell}.ps1"));
        let text = printed(&["completions", shell]);
        assert!(text.contains("convert") && text.contains("completions"), "{shell}");
        std::fs::write(&script, text).unwrap();
        if installed(program) {
            let output = Command::new(program).args(arguments).arg(&script).output().unwrap();
            assert!(output.status.success(), "{shell}: {output:?}");
        }
    }
    assert_eq!(twimlgate(&["completions", "csh"]).status.code(), Some(2));
}

/// The text of a page as `man` shows it, where it is installed.
fn rendered(page: &Path) -> Option<String> {
    let command = if installed("man") { "man" } else { "mandoc" };
    if command == "mandoc" && !installed("mandoc") {
        return None;
    }
    let mut reader = Command::new(command);
    reader.args(if command == "man" { &["--warnings", "-l"][..] } else { &["-W", "warning"] });
    reader.arg(page).env("MANWIDTH", "80").env("MANPAGER", "cat").env("LC_ALL", "C.UTF-8");
    let output = reader.output().expect("it runs");
    assert!(output.status.success(), "{}: {output:?}", page.display());
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(warnings.is_empty(), "{}: {warnings}", page.display());
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_command_has_a_page_that_man_renders() {
    let folder = file("man1");
    let _ = std::fs::remove_dir_all(&folder);
    let written = printed(&["man", "--all", folder.to_str().unwrap()]);
    let mut pages = Vec::new();
    expect_pages(&twimlgate::tools::cli::command(), "twimlgate", &mut pages);
    assert_eq!(written.lines().count(), pages.len());
    for name in pages {
        let page = folder.join(format!("{name}.1"));
        assert!(page.is_file(), "{}", page.display());
        let Some(text) = rendered(&page) else { return };
        for part in [&format!("{name}(1)"), "SYNOPSIS", "SEE ALSO"] {
            assert!(text.contains(part), "{name}: {part}\n{text}");
        }
    }
    let text = rendered(&folder.join("twimlgate-serve.1")).unwrap();
    let example = "Example:  TWILIO_AUTH_TOKEN=… twimlgate serve --config config.toml\n";
    assert!(text.contains(example) && text.contains("--config <FILE>"), "{text}");
}

/// The names of the pages of a command and its subcommands, those that are shown.
fn expect_pages(command: &clap::Command, name: &str, pages: &mut Vec<String>) {
    pages.push(name.to_owned());
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        expect_pages(command, &format!("{name}-{}", command.get_name()), pages);
    }
}

#[test]
fn a_page_is_printed_or_the_command_is_not_known() {
    let folder = file("one");
    let _ = std::fs::remove_dir_all(&folder);
    printed(&["man", "--all", folder.to_str().unwrap()]);
    let page = std::fs::read_to_string(folder.join("twimlgate-flow-convert.1")).unwrap();
    assert_eq!(printed(&["man", "flow", "convert"]), page);
    for (arguments, reason) in [
        (&["man", "sevre"][..], "error: `twimlgate` has no command `sevre`\n"),
        (&["man", "flow", "shwo"], "  = help: did you mean `show`?"),
        (&["man", "--all", "/dev/null/man1"], "cannot create `/dev/null/man1`: "),
    ] {
        let output = twimlgate(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(reason), "{text}");
    }
}
