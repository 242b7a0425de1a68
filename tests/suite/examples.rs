//! The projects in `examples/`, as their readers use them: each passes its check and its own tests,
//! and answers a phone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::functions::node_program;

/// A project in a folder of its own, with `.env` as its README says.
struct Project(PathBuf);

impl Project {
    fn copy(name: &str) -> Project {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &folder);
        if folder.join(".env.example").exists() {
            std::fs::copy(folder.join(".env.example"), folder.join(".env")).unwrap();
        }
        Project(folder)
    }

    /// Runs the program, and types the lines.
    fn run(&self, arguments: &[&str], typed: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        command.args(arguments).current_dir(&self.0);
        command.env_remove("TWILIO_ACCOUNT_SID").env_remove("TWILIO_AUTH_TOKEN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing closes its end first.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What a command prints that succeeds.
    fn printed(&self, arguments: &[&str], typed: &str) -> String {
        let output = self.run(arguments, typed);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?} in {}:\n{text}", self.0.display());
        text
    }

    /// `check` finds nothing, and all cases of the project's tests pass.
    fn passes_its_tests(&self) {
        let checked = self.printed(&["check"], "");
        assert!(checked.contains("no errors, 0 warnings"), "{checked}");
        let tested = self.printed(&["test", "tests"], "");
        assert!(tested.contains(" passed in ") && !tested.contains('✗'), "{tested}");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` is not (there) in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn a_menu_is_called() {
    let menu = Project::copy("menu");
    let heard = menu.printed(&["phone", "/menu"], "1\n");
    assert_in_order(&heard, &["press 1", "We are here from nine to five."]);
}

#[test]
fn a_clinic_answers_with_its_flow_from_studio() {
    let clinic = Project::copy("clinic");
    clinic.passes_its_tests();
    // Its function does not run here, as for a person who tries it first.
    let heard = clinic.printed(&["phone", "/voice"], "2\nsay Please call me\n");
    assert_in_order(&heard, &["this is the Lakeside clinic", "Thank you. We call you back."]);
    let read = clinic.printed(&["text", "/sms"], "Are you open?\n");
    assert!(read.contains("This number takes calls only."), "{read}");
}

#[test]
fn an_auto_responder_answers_with_its_functions() {
    if node_program().is_none() {
        return;
    }
    let responder = Project::copy("auto-responder");
    responder.passes_its_tests();
    let read = responder.printed(&["text", "/sms"], "hours\norder 1001\n<b> & more\n");
    assert_in_order(
        &read,
        &[
            "< We are open Monday to Friday 9:00-18:00, Saturday 10:00-14:00.",
            "< Order 1001 is on its way.",
            "< You wrote \"<b> & more\".",
        ],
    );
}

/// The application of a project, in Node; it ends with the test.
struct Application(Child);

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an application with the packages that `tests/differential/phone/run` installs, or with
/// stand-ins for them. Gives its URL.
fn start_application(node: &Path, project: &Project) -> (Application, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = root.join("target/differential/phone/node_modules");
    let modules = project.0.join("node_modules");
    if packages.join("express").is_dir() {
        std::os::unix::fs::symlink(&packages, &modules).unwrap();
    } else {
        println!("with stand-ins: `express` is not installed at {}", packages.display());
        for name in ["express", "twilio"] {
            std::fs::create_dir_all(modules.join(name)).unwrap();
            let stand_in = root.join("tests/examples").join(format!("{name}.js"));
            std::fs::copy(stand_in, modules.join(name).join("index.js")).unwrap();
        }
    }
    let mut command = Command::new(node);
    command.arg("app.js").current_dir(&project.0).stdout(Stdio::piped());
    command.env("PORT", "0").env("TWILIO_AUTH_TOKEN", "12345");
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    (Application(child), url.trim().to_owned())
}

#[test]
fn an_express_application_answers_behind_its_prefix() {
    let project = Project::copy("express-app");
    project.passes_its_tests();
    let Some(node) = node_program() else { return };
    let (application, url) = start_application(&node, &project);
    let mut environment = std::fs::read_to_string(project.0.join(".env.example")).unwrap();
    environment += &format!("SHOP_URL={url}\n");
    std::fs::write(project.0.join(".env"), environment).unwrap();
    let heard = project.printed(&["phone", "/shop/voice"], "2\n42#\n");
    let order = ["press 1, for your order press 2.", "POST /shop/order", "Order 42 is on its way."];
    assert_in_order(&heard, &order);
    let read = project.printed(&["text", "/shop/sms"], "<3 & more\n");
    assert!(read.contains("You wrote \"<3 & more\"."), "{read}");
    // It checks what the gateway signs: with another token, each request is refused.
    let refused = project.run(&["phone", &format!("{url}/voice"), "--token", "54321"], "");
    assert!(String::from_utf8_lossy(&refused.stdout).contains("403"), "{refused:?}");
    drop(application);
    let fallback = project.run(&["phone", "/shop/voice"], "");
    let heard = String::from_utf8_lossy(&fallback.stdout).into_owned();
    assert!(heard.contains("We cannot answer your call at the moment."), "{heard}");
}

/// A project that no test runs would not be an example for long.
#[test]
fn every_example_has_a_test_and_a_page() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let folders = examples.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let tests = std::fs::read_to_string(Path::new(file!())).unwrap();
    for folder in folders.filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(tests.contains(&format!("Project::copy(\"{name}\")")), "{name}");
        let page = folder.join("README.md");
        assert!(page.is_file() || name == "menu", "{}", page.display());
    }
}
