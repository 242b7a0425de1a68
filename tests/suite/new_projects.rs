//! `twimlgate new` and `init`: what they write passes its own checks, and nothing is replaced.

mod functions;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the program without the account that the environment of the tests may have.
fn twimlgate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.current_dir(folder).args(arguments).env_clear();
    command.env("PATH", "/usr/bin:/bin").output().expect("the program runs")
}

fn printed(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[track_caller]
fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", printed(output));
}

/// Types the commands that were printed at the end. Returns what they print.
#[track_caller]
fn run_as_typed(folder: &Path, output: &Output) -> String {
    let printed = String::from_utf8_lossy(&output.stdout);
    let commands = printed.split("Next:").nth(1).expect("the next steps");
    // `dev` runs until it is ended, and has tests of its own. The phone ends with its input.
    let commands =
        commands.lines().filter(|line| line.starts_with("  ") && !line.ends_with(" dev"));
    let script: String = commands.map(|line| format!("{line} </dev/null\n")).collect();
    let mut shell = Command::new("sh");
    let shell = shell.args(["-euc", &script]).current_dir(folder).env_clear();
    let ran = shell.env("PATH", "/usr/bin:/bin").output().unwrap();
    assert_success(&ran);
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

#[test]
fn each_sample_passes_its_check_and_its_tests() {
    let folder = folder("samples");
    for language in ["node", "python", "http", "none"] {
        assert_success(&twimlgate(&folder, &["new", language, "--function", language]));
        let project = folder.join(language);
        let checked = twimlgate(&project, &["check"]);
        assert_success(&checked);
        assert!(printed(&checked).contains("no errors"), "{}", printed(&checked));
        assert_success(&twimlgate(&project, &["test", "tests"]));
        // As in a fresh clone, where only the example of the secrets is.
        fs::rename(project.join(".env.example"), project.join(".env")).unwrap();
        assert_success(&twimlgate(&project, &["check"]));
    }
}

#[test]
fn a_studio_flow_gets_its_routes_and_a_test() {
    let folder = folder("studio");
    let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows");
    for name in ["survey.json", "hotline.json", "reminder.toml"] {
        let flow = flows.join(name).display().to_string();
        assert_success(&twimlgate(&folder, &["new", name, "--from", "studio", &flow]));
        let project = folder.join(name);
        assert_success(&twimlgate(&project, &["check"]));
        assert_success(&twimlgate(&project, &["test", "tests"]));
        let copy = fs::read(project.join("flows").join(name)).unwrap();
        assert_eq!(copy, fs::read(flows.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn what_it_prints_works_as_typed() {
    let folder = folder("as typed");
    let output = twimlgate(&folder, &["new", "my phone", "--function", "none"]);
    assert_success(&output);
    let ran = run_as_typed(&folder, &output);
    assert!(ran.contains("Press 1 for our opening hours"), "{ran}");
}

#[test]
fn a_folder_with_files_is_refused_and_untouched() {
    let folder = folder("refused");
    fs::create_dir(folder.join("used")).unwrap();
    fs::write(folder.join("used/notes.txt"), "mine").unwrap();
    let output = twimlgate(&folder, &["new", "used"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).contains("`used` has files"), "{}", printed(&output));
    assert_eq!(fs::read_dir(folder.join("used")).unwrap().count(), 1);

    // `init` is for such a folder, as long as nothing of its own is there.
    fs::write(folder.join("used/.gitignore"), "mine").unwrap();
    assert_success(&twimlgate(&folder.join("used"), &["init", "--function", "none"]));
    assert_eq!(fs::read_to_string(folder.join("used/.gitignore")).unwrap(), "mine");
    fs::remove_file(folder.join("used/config.toml")).unwrap();
    let before = fs::read_dir(folder.join("used")).unwrap().count();
    let output = twimlgate(&folder.join("used"), &["init"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).contains("exists"), "{}", printed(&output));
    assert_eq!(fs::read_dir(folder.join("used")).unwrap().count(), before);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = folder("unwritable");
    // The second folder of the project is a file of another name.
    fs::write(folder.join("flows"), "mine").unwrap();
    let output = twimlgate(&folder, &["init", "--function", "none"]);
    assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["flows"]);
    for (arguments, message) in [
        (&["new", "x", "--from", "studio", "missing.json"][..], "cannot read `missing.json`"),
        (&["new", "x", "--from", "studio", "flows"], "flows:1:1"),
        (&["new", "x", "--from", "excel", "flows"], "`--from excel` is not known"),
        (&["new", "flows/x"], "cannot"),
    ] {
        let output = twimlgate(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(printed(&output).contains(message), "{arguments:?}: {}", printed(&output));
        assert!(!folder.join("x").exists(), "{arguments:?}");
    }
}
