//! `twimlgate dev --number`: a number points at the gateway, and back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{PATH, edit, project};
use crate::phone::app::{App, Got, reply};
use crate::support::terminal::Terminal;

const SID: &str = "PN00000000000000000000000000000001";
const NUMBER: &str = "+15550100";
const PUBLIC: &str = "https://phone.example.com";

/// The carrier's API with one number, as its documentation describes the resource.
#[derive(Clone)]
struct Carrier {
    number: Arc<Mutex<Value>>,
    /// The answer to the next requests of a method, in place of the right one.
    failure: Arc<Mutex<Option<(&'static str, String)>>>,
}

impl Carrier {
    fn new() -> Carrier {
        let number = json!({
            "sid": SID, "phone_number": NUMBER, "friendly_name": "(555) 010-0",
            "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
            "voice_url": "https://old.example.com/voice", "voice_method": "GET",
            "sms_url": "", "sms_method": "POST",
            "voice_application_sid": "", "sms_application_sid": "", "trunk_sid": null,
        });
        Carrier { number: Arc::new(Mutex::new(number)), failure: Arc::default() }
    }

    fn start(&self, account: &str) -> App {
        let (carrier, account) = (self.clone(), account.to_owned());
        App::start(move |got| carrier.answer(got, &account))
    }

    fn answer(&self, got: &Got, account: &str) -> String {
        let json = "Content-Type: application/json\r\n";
        if !got.head.contains("uthorization: Basic ") {
            return reply("401 Unauthorized", json, r#"{"code": 20003, "status": 401}"#);
        }
        if let Some((method, answer)) = &*self.failure.lock().unwrap()
            && *method == got.method
        {
            return answer.clone();
        }
        let mut number = self.number.lock().unwrap();
        let folder = format!("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers");
        if got.method == "GET" && got.target.starts_with(&format!("{folder}.json?")) {
            // The parameter is a pattern.
            let known = number["phone_number"].as_str().unwrap();
            let is_found = known.contains(got.params.get("PhoneNumber").unwrap());
            let longer = json!({ "sid": "PN2", "phone_number": format!("{known}99") });
            let list = if is_found { vec![longer, number.clone()] } else { vec![] };
            let page = json!({ "incoming_phone_numbers": list, "page": 0, "page_size": 50 });
            return reply("200 OK", json, &page.to_string());
        }
        if got.method == "POST" && got.target == format!("{folder}/{SID}.json") {
            for (parameter, field) in [
                ("VoiceUrl", "voice_url"),
                ("VoiceMethod", "voice_method"),
                ("SmsUrl", "sms_url"),
                ("SmsMethod", "sms_method"),
            ] {
                if let Some(value) = got.params.get(parameter) {
                    number[field] = value.into();
                }
            }
            return reply("200 OK", json, &number.to_string());
        }
        reply("404 Not Found", json, r#"{"code": 20404, "status": 404}"#)
    }

    fn set(&self, field: &str, value: &str) {
        self.number.lock().unwrap()[field] = value.into();
    }

    fn fail(&self, method: &'static str, status: &str, code: u32) {
        let body = format!(r#"{{"code": {code}, "status": 0}}"#);
        let answer = reply(status, "Content-Type: application/json\r\n", &body);
        *self.failure.lock().unwrap() = Some((method, answer));
    }

    fn webhooks(&self) -> [String; 4] {
        let number = self.number.lock().unwrap();
        ["voice_url", "voice_method", "sms_url", "sms_method"]
            .map(|field| number[field].as_str().unwrap().to_owned())
    }
}

const BEFORE: [&str; 4] = ["https://old.example.com/voice", "GET", "", "POST"];
const AFTER: [&str; 4] =
    ["https://phone.example.com/voice", "POST", "https://phone.example.com/sms", "POST"];

/// A project whose account is at this carrier.
fn project_at(name: &str, carrier: &Carrier) -> PathBuf {
    let folder = project(name);
    let env = fs::read_to_string(folder.join(".env")).unwrap();
    let account = env.lines().find_map(|line| line.strip_prefix("TWILIO_ACCOUNT_SID="));
    let app = carrier.start(account.unwrap());
    edit(&folder, "config.toml", |config| {
        config.replace("[[account]]", &format!("[[account]]\napi_url = \"{}\"", app.url("")))
    });
    fs::remove_dir_all(state(&folder)).unwrap_or_default();
    folder
}

fn state(folder: &Path) -> PathBuf {
    folder.join("home/.local/state/twimlgate")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.arg("dev").args(arguments).current_dir(folder).env_clear().env("PATH", PATH);
    command.env("PUBLIC_URL", PUBLIC).env("HOME", folder.join("home"));
    command
}

/// Runs a command that ends by itself.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        command(folder, arguments).stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

fn state_files(folder: &Path) -> usize {
    fs::read_dir(state(folder)).map_or(0, |files| files.count())
}

#[test]
fn a_number_points_here_and_back() {
    let carrier = Carrier::new();
    let folder = project_at("number", &carrier);
    let mut terminal = Terminal::start(command(&folder, &["--number", "+1 555-0100"]), 200);
    terminal.sees("calls go to https://old.example.com/voice (GET); change to https://phone");
    terminal.sees("messages go to nothing; change to https://phone.example.com/sms (POST)");
    terminal.sees("Change the number? [y/N]");
    assert_eq!(carrier.webhooks(), BEFORE);
    terminal.types("y\n");
    terminal.sees("+15550100 is answered here");
    assert_eq!(carrier.webhooks(), AFTER);
    // What it was is on the disk, for its owner alone.
    use std::os::unix::fs::PermissionsExt as _;
    let file = state(&folder).join("number-15550100.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    terminal.interrupt();
    let (code, said) = terminal.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("calls go to https://old.example.com/voice (GET) again"), "{said}");
    assert_eq!((carrier.webhooks(), state_files(&folder)), (BEFORE.map(str::to_owned), 0));

    // The terminal is closed.
    let mut terminal = Terminal::start(command(&folder, &["--number", NUMBER, "--yes"]), 200);
    terminal.sees("is answered here");
    terminal.signal("-HUP");
    assert_eq!(terminal.ended().0, Some(0));
    assert_eq!((carrier.webhooks(), state_files(&folder)), (BEFORE.map(str::to_owned), 0));

    // The answer is no: it serves, and changes nothing.
    let mut terminal = Terminal::start(command(&folder, &["--number", NUMBER]), 200);
    terminal.sees("[y/N]");
    terminal.types("\n");
    terminal.sees("the number is not changed");
    terminal.sees("twimlgate is answering");
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(0));
    // Interrupted at the question.
    let mut terminal = Terminal::start(command(&folder, &["--number", NUMBER]), 200);
    terminal.sees("[y/N]");
    terminal.interrupt();
    assert_eq!(terminal.ended().0, Some(1));
    assert_eq!((carrier.webhooks(), state_files(&folder)), (BEFORE.map(str::to_owned), 0));
}

/// Starts `dev`, and kills it when the number points at it.
fn kill_when_pointed(folder: &Path) {
    let mut terminal = Terminal::start(command(folder, &["--number", NUMBER, "--yes"]), 200);
    terminal.sees("is answered here");
    drop(terminal);
}

#[test]
fn a_number_is_restored_after_an_unclean_end() {
    let carrier = Carrier::new();
    let folder = project_at("number-killed", &carrier);
    let restore = || run(&folder, &["--number", NUMBER, "--restore"]);
    kill_when_pointed(&folder);
    assert_eq!(carrier.webhooks(), AFTER);
    // Another one, as with the next URL of a tunnel: the first state is the one that counts.
    let mut command = command(&folder, &["--number", NUMBER, "--yes"]);
    command.env("PUBLIC_URL", "https://other.example.com");
    let mut terminal = Terminal::start(command, 200);
    terminal.sees("is answered here");
    drop(terminal);
    assert_eq!(carrier.webhooks()[0], "https://other.example.com/voice");
    // A failure of the network leaves all for another try.
    carrier.fail("POST", "500 Internal Server Error", 20500);
    let (code, said) = restore();
    assert_eq!(code, Some(1));
    assert!(said.contains("500 (Twilio 20500)") && said.contains("--restore`"), "{said}");
    *carrier.failure.lock().unwrap() = None;
    let (code, said) = restore();
    assert_eq!((code, carrier.webhooks()), (Some(0), BEFORE.map(str::to_owned)), "{said}");
    let (code, said) = restore();
    assert_eq!(code, Some(0));
    assert!(said.contains("nothing is to be restored"), "{said}");

    // What somebody else has set meanwhile stays.
    kill_when_pointed(&folder);
    carrier.set("voice_url", "https://new.example.com/voice");
    let (code, said) = restore();
    assert_eq!(code, Some(0));
    assert!(said.contains("messages go to nothing again"), "{said}");
    assert!(said.contains("calls go to https://new.example.com/voice (POST) by now"), "{said}");
    assert_eq!(carrier.webhooks(), ["https://new.example.com/voice", "POST", "", "POST"]);
    assert_eq!(state_files(&folder), 0);
}

#[test]
fn what_hinders_a_change_is_said_and_changes_nothing() {
    let carrier = Carrier::new();
    let folder = project_at("number-wrong", &carrier);
    let dev = |arguments: &[&str]| run(&folder, &[&["--number", NUMBER], arguments].concat());
    let refused = |arguments: &[&str], words: &str| {
        let (code, said) = dev(arguments);
        assert_eq!(code, Some(1), "{words}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!((carrier.webhooks(), state_files(&folder)), (BEFORE.map(str::to_owned), 0));
    };
    refused(&[], "add `--yes`");
    refused(&["--yes", "--calls", "/nope"], "`/nope` takes no calls");
    refused(&["--yes", "--calls", "/sms"], "`/sms` takes no calls");
    let (code, said) = run(&folder, &["--number", "+15550199", "--yes"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("`+15550199` is not a number of AC"), "{said}");
    for (method, status, code, words) in [
        ("GET", "401 Unauthorized", 20003, "refuses the credentials of AC"),
        ("GET", "404 Not Found", 20404, "is not a number of AC"),
        ("GET", "429 Too Many Requests", 20429, "429 (Twilio 20429)"),
        ("POST", "400 Bad Request", 21502, "400 (Twilio 21502)"),
        ("GET", "500 Internal Server Error", 20500, "500 (Twilio 20500)"),
    ] {
        carrier.fail(method, status, code);
        refused(&["--yes"], words);
    }
    // The answer is lost, so that it may be changed: `--restore` knows what it was.
    *carrier.failure.lock().unwrap() = Some(("POST", "HTTP/1.1 200 OK\r\n".to_owned()));
    let (code, said) = dev(&["--yes"]);
    assert_eq!((code, state_files(&folder)), (Some(1), 1), "{said}");
    assert!(said.contains("it may be changed nevertheless"), "{said}");
    *carrier.failure.lock().unwrap() = None;
    assert_eq!(dev(&["--restore"]).0, Some(0));
    assert_eq!(state_files(&folder), 0);

    // What takes precedence over a URL.
    carrier.set("trunk_sid", "TK00000000000000000000000000000001");
    carrier.set("sms_application_sid", "AP00000000000000000000000000000001");
    refused(&["--yes"], "calls go to the SIP trunk TK");
    carrier.set("trunk_sid", "");
    carrier.set("sms_application_sid", "");
    edit(&folder, "config.toml", |config| {
        config + "[route.\"/second\"]\nchannel = \"voice\"\nflow = \"flows/menu.toml\"\n"
    });
    let several = "several routes take calls: choose one of `/second`, `/voice` with `--calls";
    refused(&["--yes"], several);
    let mut command = command(&folder, &["--number", NUMBER, "--yes"]);
    let output = command.env("PUBLIC_URL", "").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("add `--tunnel cloudflared`"), "{said}");
}
