//! `twimlgate test`: the flow tests of the repository, and each file of `tests/flow-tests` beside
//! what is printed.
//!
//! `UPDATE=1 cargo test` writes the expectations anew; read the difference like code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;
use std::time::Duration;

use regex::Regex;
use twimlgate::clock;
use twimlgate::diagnostics::problem::Source;
use twimlgate::function::MockTransport;
use twimlgate::tools::flow_test::{
    CaseMocks, EXPECTATIONS, FlowTestFile, LoadedTarget, RecordedTarget, SessionRecording, TABLES,
    TestCounts, find_tests, render_tree, run_tests,
};
use twimlgate::tools::phone::{
    Caller, InProcessGateway, Phone, PhoneAction, PhoneTurn, WebhookClient,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    root().join("tests/flow-tests")
}

/// A folder of this test's own, empty.
fn empty(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the program in a folder, with nothing in its environment.
fn twimlgate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.arg("test").args(arguments).current_dir(folder).env_clear();
    command.output().expect("the program runs")
}

/// What was printed, with one time for all times.
fn printed(output: &Output) -> String {
    let text = [output.stdout.clone(), output.stderr.clone()].concat();
    let text = String::from_utf8(text).unwrap();
    let text = Regex::new(r" *\d+(\.\d)? (µs|ms|s)\b").unwrap().replace_all(&text, " 1 ms");
    Regex::new(r#"time="[0-9.]+""#).unwrap().replace_all(&text, r#"time="0.001""#).into_owned()
}

/// Compares with a file, or writes it anew.
fn golden(file: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, text).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(text, expected, "{}", file.display());
}

#[test]
fn the_flow_tests_of_the_repository_pass() {
    let report = run_tests(&find_tests(Path::new("tests/flows")).unwrap(), None);
    let TestCounts { passed, failed, broken_files } = report.counts();
    assert!(passed > 9 && failed == 0 && broken_files == 0, "\n{}", render_tree(&report, false));
}

#[test]
fn what_is_printed_of_each_file() {
    let mut exits = Vec::new();
    for path in find_tests(&folder()).unwrap() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let output = twimlgate(&folder(), &[name]);
        let text = printed(&output);
        golden(&path.with_extension("").with_extension("txt"), &text);
        let code = if text.contains("cannot be run") { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(code), "{name}");
        exits.push(code);
    }
    assert!(exits.contains(&1) && exits.contains(&2));
}

#[test]
fn reports_as_junit_and_of_the_coverage() {
    let report = empty("flow-tests-junit").join("report.xml");
    let file = report.to_str().unwrap();
    let output = twimlgate(&folder(), &["failing.test.toml", "no-flow.test.toml", "--junit", file]);
    assert_eq!(output.status.code(), Some(2));
    let written = Output { stdout: std::fs::read(&report).unwrap(), stderr: Vec::new(), ..output };
    golden(&folder().join("junit.xml"), &printed(&written));

    let output = twimlgate(root(), &["tests/flows", "--coverage"]);
    assert_eq!(output.status.code(), Some(0));
    golden(&folder().join("coverage.txt"), &printed(&output));
    let pictures = empty("flow-tests-pictures");
    let svg = pictures.to_str().unwrap();
    let output = twimlgate(root(), &["tests/flows/hotline.test.toml", "--coverage", "--svg", svg]);
    assert!(printed(&output).ends_with("/tests-flows-hotline.json.svg\n"), "{}", printed(&output));
    let picture = std::fs::read_to_string(pictures.join("tests-flows-hotline.json.svg")).unwrap();
    assert!(picture.contains("class=\"exit covered\"") && picture.contains("exit not-covered"));
    let output = twimlgate(root(), &["tests/flows", "--filter", "agent"]);
    assert!(printed(&output).ends_with("1 passed in 1 ms\n"));
    let output = twimlgate(root(), &["tests/flows", "--filter", "nothing has this"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_secret_may_be_in_the_folder_of_credentials() {
    let folder = empty("credentials");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("AUTH_TOKEN", "12345\n");
    let config = r#"
        route."/sms" = { channel = "message", flow = "flow.json" }
        [[account]]
        sid = "AC00000000000000000000000000000000"
        auth_tokens = ["${AUTH_TOKEN}"]
    "#;
    write("config.toml", config);
    write("flow.json", &std::fs::read_to_string(root().join("tests/flows/survey.json")).unwrap());
    let test = r#"
        config = "config.toml"
        route = "/sms"
        [[case]]
        name = "a"
        script = '''
        text hi
        '''
    "#;
    write("a.test.toml", test);
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.args(["test", "a.test.toml"]).current_dir(&folder).env_clear();
    let without = printed(&command.output().unwrap());
    assert!(without.contains("`AUTH_TOKEN` is not set"), "{without}");
    let with = printed(&command.env("CREDENTIALS_DIRECTORY", &folder).output().unwrap());
    assert!(!with.contains("AUTH_TOKEN") && with.contains("1 passed"), "{with}");
}

#[test]
fn update_writes_only_the_lines_that_fail() {
    let folder = empty("flow-tests-update");
    let flow = std::fs::read_to_string(root().join("tests/flows/hotline.json")).unwrap();
    std::fs::write(folder.join("hotline.json"), flow).unwrap();
    let test = std::fs::read_to_string(self::folder().join("failing.test.toml")).unwrap();
    let file = folder.join("failing.test.toml");
    std::fs::write(&file, test.replace("../flows/", "")).unwrap();
    assert_eq!(twimlgate(&folder, &["failing.test.toml", "--update"]).status.code(), Some(1));
    let updated = std::fs::read_to_string(&file).unwrap();
    golden(&self::folder().join("updated.toml"), &updated);
    // What is left is for a person: an act at the wrong moment, and an error.
    let text = printed(&twimlgate(&folder, &["failing.test.toml"]));
    assert!(text.ends_with("4 passed, 2 failed in 1 ms\n"), "{text}");
}

#[test]
fn a_flow_that_was_changed_fails_at_its_widget() {
    let above = empty("flow-tests-changed");
    let folder = above.join("flows");
    std::fs::create_dir(&folder).unwrap();
    let flow = std::fs::read_to_string(root().join("tests/flows/hotline.json")).unwrap();
    let test = std::fs::read_to_string(root().join("tests/flows/hotline.test.toml")).unwrap();
    std::fs::write(folder.join("hotline.test.toml"), &test).unwrap();
    for (from, to, told) in [
        ("Your plan is", "Your tariff is", "error: this was not heard, at widget `plan`"),
        (
            "\"next\": \"lookup\"",
            "\"next\": \"agent\"",
            "error: `lookup` was not called, at widget",
        ),
        ("\"next\": \"menu\"", "\"next\": \"plan\"", "error: this was not heard, at widget `plan`"),
    ] {
        assert!(flow.contains(from));
        std::fs::write(folder.join("hotline.json"), flow.replace(from, to)).unwrap();
        let output = twimlgate(&above, &["flows"]);
        let text = printed(&output);
        assert!(output.status.code() == Some(1) && text.contains(told), "{told}:\n{text}");
        if to.contains("tariff") {
            golden(&self::folder().join("changed.txt"), &text);
        }
    }
}

#[test]
fn the_clock_says_what_the_test_says() {
    let folder = empty("flow-tests-clock");
    let flow = r#"{"states": [
        {"name": "Trigger", "type": "trigger", "properties": {},
         "transitions": [{"event": "incomingCall", "next": "time"}]},
        {"name": "time", "type": "say-play", "transitions": [{"event": "audioComplete"}],
         "properties": {"say": "It is {{ 'now' | date: '%A %H:%M' }}."}}],
        "initial_state": "Trigger"}"#;
    let test = "flow = \"time.json\"\ntime_zone = \"Europe/Berlin\"\n\
        [[case]]\nname = \"As ever\"\nscript = '''hear It is Monday 10:00.'''\n\
        [[case]]\nname = \"Summer\"\nat = 2026-07-05T20:30:00-04:00\n\
        script = '''hear It is Monday 02:30.'''\n";
    std::fs::write(folder.join("time.json"), flow).unwrap();
    std::fs::write(folder.join("time.test.toml"), test).unwrap();
    let report = run_tests(&find_tests(&folder).unwrap(), None);
    let passed = TestCounts { passed: 2, ..TestCounts::default() };
    assert_eq!(report.counts(), passed, "\n{}", render_tree(&report, false));
}

#[test]
fn a_conversation_that_was_recorded_passes_as_a_test() {
    let tests = [("hotline", "press 1\nhang up"), ("survey", "text hi\nwait 5m\ntext Ann \\n Lee")];
    let folder = empty("flow-tests-recorded");
    for (name, acts) in tests {
        let file = root().join(format!("tests/flows/{name}.test.toml"));
        let config = folder.join(format!("{name}.toml"));
        let file = FlowTestFile::read(&file).unwrap_or_else(|problems| panic!("{problems}"));
        let (turns, caller) = converse(&file, acts);
        let channel = if name == "survey" { "message" } else { "voice" };
        let flow = root().join(format!("tests/flows/{name}.json"));
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ntemplates = {:?}\n\
             [[account]]\nsid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"1\"]\n\
             [route.\"/r\"]\nchannel = \"{channel}\"\nflow = {flow:?}\n",
            root().join("templates")
        );
        std::fs::write(&config, text).unwrap();
        let recorded = folder.join(format!("{name}.test.toml"));
        let recording = SessionRecording {
            name: "As it was",
            file: &recorded,
            target: RecordedTarget::Route { config: &config, route: "/r" },
            caller: &caller,
            at: Duration::from_secs(1_767_603_600),
        };
        std::fs::write(&recorded, recording.to_flow_test(&turns)).unwrap();
        golden(
            &self::folder().join(format!("recorded-{name}.toml")),
            &recording.to_flow_test(&turns),
        );
    }
    let report = run_tests(&find_tests(&folder).unwrap(), None);
    let passed = TestCounts { passed: 2, ..TestCounts::default() };
    assert_eq!(report.counts(), passed, "\n{}", render_tree(&report, false));
}

/// A conversation with the target of a test, and with the mocks of its first case.
fn converse(file: &FlowTestFile, actions: &str) -> (Vec<PhoneTurn>, Caller) {
    actix_web::rt::System::new().block_on(async {
        let _pretended = clock::pretend(Duration::from_secs(1_767_603_600));
        let target = LoadedTarget::load(file).unwrap_or_else(|problems| panic!("{problems}"));
        let mocks = Rc::new(CaseMocks::new(&file.cases[0], &target));
        let gateway = target.gateway().unwrap();
        let gateway = InProcessGateway::new(gateway, Some(mocks as Rc<dyn MockTransport>), true);
        let gateway = Rc::new(gateway);
        let caller = Caller::new("+15550100", "+15550111");
        let client = WebhookClient::for_gateway(&gateway);
        let number = gateway.phone_number(&target.route);
        let mut turns = Vec::new();
        let mut phone = Phone::new(target.channel, client, number, caller.clone());
        let events = phone.begin().await;
        if !events.is_empty() {
            turns.push(PhoneTurn { action: None, events });
        }
        for action in actions.lines() {
            let action = PhoneAction::parse(action).unwrap();
            let Ok(events) = phone.perform(&action).await else { break };
            turns.push(PhoneTurn { action: Some(action), events });
        }
        (turns, caller)
    })
}

/// The parts of `docs/flow-tests.md` between `<!-- NAME -->` and `<!-- end of NAME -->`.
pub(crate) fn manual_parts() -> Vec<(&'static str, String)> {
    let mut keys = String::from("| where | key | value | meaning |\n|---|---|---|---|\n");
    for table in TABLES {
        for key in table.keys {
            let expected = key.kind.expected();
            keys += &format!("| {} | `{}` | {expected} | {} |\n", table.name, key.name, key.doc);
        }
    }
    let mut words = String::from("| a person | |\n|---|---|\n");
    for (word, what) in twimlgate::tools::phone::PHONE_ACTIONS {
        words += &format!("| `{word}` | {what} |\n");
    }
    words += "\n| expected | | |\n|---|---|---|\n";
    for (word, form, doc) in EXPECTATIONS {
        words += &format!("| `{word}` | `{}` | {doc} |\n", form.replace('|', "\\|"));
    }
    let fenced = |kind: &str, path: &str, before: &str| {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        format!("```{kind}\n{before}{text}```\n")
    };
    let covered = "$ twimlgate test tests/flows --coverage\n";
    vec![
        ("keys", keys),
        ("words", words),
        ("hotline", fenced("toml", "tests/flows/hotline.test.toml", "")),
        ("survey", fenced("toml", "tests/flows/survey.test.toml", "")),
        ("sms", fenced("toml", "tests/flows/sms.test.toml", "")),
        ("failing", fenced("text", "tests/flow-tests/changed.txt", "$ twimlgate test flows\n")),
        ("coverage", fenced("text", "tests/flow-tests/coverage.txt", covered)),
    ]
}

/// The manual says what the code says.
#[test]
fn the_manual_has_every_key_every_word_and_what_is_printed() {
    let file = root().join("docs/flow-tests.md");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for (name, part) in manual_parts() {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let start = text.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
        let stop = text.find(&end).unwrap_or_else(|| panic!("no {end}"));
        text.replace_range(start..stop, &part);
    }
    golden(&file, &text);
}

#[test]
fn half_a_file_is_a_mistake_and_no_panic() {
    for path in find_tests(&root().join("tests")).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.char_indices() {
            let source = Source::new("half.test.toml", &text[..at]);
            if let Err(problems) = FlowTestFile::parse(&source) {
                assert!(!problems.to_string().is_empty());
            }
        }
    }
}
